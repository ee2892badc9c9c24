//! The recorded runs, and what each of them is.

use std::collections::BTreeMap;
use std::path::PathBuf;

use auscult_core::Timestamp;
use auscult_diagnose::scene::Event;
use auscult_telemetry::parse_time;

/// The servers, by the folders of their recordings.
const SERVERS: [&str; 2] = ["llama-cpp", "vllm"];

/// A recording of a real server before and during what was done to it.
#[derive(Debug)]
pub(crate) struct Run {
    /// Its server and name, such as `llama-cpp/killed-1`.
    pub name: String,
    /// Whose recording it is.
    pub server: &'static str,
    /// The file with its samples.
    pub path: PathBuf,
    /// When it began and ended.
    pub span: (Timestamp, Timestamp),
    /// The server as it is called there.
    pub target: String,
    /// Changes that people knew of, those of all runs.
    pub changes: Vec<Event>,
    /// What it is.
    pub expected: Expected,
}

/// What a fault is in the words of the handbook.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    /// Any of these faults; `healthy` if nothing is wrong.
    pub causes: Vec<String>,
    /// The kind of target at which it is; empty if nothing is wrong.
    pub place: String,
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data/real_servers"))
}

/// Rows of a plain CSV without its head.
fn rows(name: &str) -> Vec<Vec<String>> {
    let path = folder().join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn time(text: &str) -> Timestamp {
    parse_time(text).unwrap_or_else(|| panic!("`{text}` is no time"))
}

impl Run {
    /// Every run, server by server, in the order of their names.
    pub(crate) fn all() -> Vec<Self> {
        let expected: BTreeMap<String, Expected> = rows("expected.csv")
            .into_iter()
            .map(|row| {
                let causes = row[1].split('|').map(str::to_owned).collect();
                (row[0].clone(), Expected { causes, place: row[2].clone() })
            })
            .collect();
        let mut runs: Vec<Self> = SERVERS
            .iter()
            .filter(|server| folder().join(server).exists())
            .flat_map(|server| Self::of(server, &expected))
            .collect();
        runs.sort_by(|one, other| one.name.cmp(&other.name));
        runs
    }

    fn of(server: &'static str, expected: &BTreeMap<String, Expected>) -> Vec<Self> {
        let changes: Vec<Event> = rows(&format!("{server}/changes.csv"))
            .into_iter()
            .map(|row| Event {
                time: time(&row[0]).seconds(),
                kind: row[1].clone(),
                target: row[2].clone(),
            })
            .collect();
        let runs = rows(&format!("{server}/runs.csv")).into_iter().map(|row| Self {
            name: format!("{server}/{}", row[0]),
            server,
            path: folder().join(format!("{server}/{}.csv.gz", row[0])),
            span: (time(&row[4]), time(&row[5])),
            target: row[3].clone(),
            changes: changes.clone(),
            expected: expected[&row[2]].clone(),
        });
        runs.collect()
    }
}

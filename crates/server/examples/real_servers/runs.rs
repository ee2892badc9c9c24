//! The recorded runs, and what each of them is.

use std::collections::BTreeMap;
use std::path::PathBuf;

use auscult_core::Timestamp;
use auscult_diagnose::scene::Event;
use auscult_telemetry::parse_time;

use super::answer::Seen;

/// Recordings that are told of on one page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Collection {
    /// Their folder in `examples/data`.
    pub folder: &'static str,
    /// The folders in it: of the programs, or of the machines.
    pub parts: &'static [&'static str],
    /// The page in `docs`.
    pub page: &'static str,
    /// What the page begins with.
    pub head: &'static str,
    /// With less to see, and in which words that is told.
    pub less: &'static [(Seen, &'static str)],
}

/// Real servers of language models.
pub(crate) const SERVERS: Collection = Collection {
    folder: "real_servers",
    parts: &["llama-cpp", "llama-cpp-h100", "vllm"],
    page: "real-servers.md",
    head: include_str!("head.txt"),
    less: &[
        (Seen::NoGateway, "Without the gateway's counters it is"),
        (Seen::ProgramOnly, "with the server's own page alone"),
    ],
};

/// Real training jobs.
pub(crate) const TRAINING: Collection = Collection {
    folder: "real_training",
    parts: &["cpu", "h100"],
    page: "real-training.md",
    head: include_str!("head_training.txt"),
    less: &[(Seen::ProgramOnly, "With the job's own page alone it is")],
};

/// A recording of something real before and during what was done to it.
#[derive(Debug)]
pub(crate) struct Run {
    /// Its part and name, such as `llama-cpp/killed-1`.
    pub name: String,
    /// Whose recording it is.
    pub part: &'static str,
    /// The file with its samples.
    pub path: PathBuf,
    /// When it began and ended.
    pub span: (Timestamp, Timestamp),
    /// The server, the job or the rank as it is called there.
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

impl Collection {
    fn folder(&self) -> PathBuf {
        let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data");
        PathBuf::from(data).join(self.folder)
    }

    /// Rows of a plain CSV without its head.
    fn rows(&self, name: &str) -> Vec<Vec<String>> {
        let path = self.folder().join(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
    }
}

fn time(text: &str) -> Timestamp {
    parse_time(text).unwrap_or_else(|| panic!("`{text}` is no time"))
}

impl Run {
    /// The last part of its name, by which runs of the same kind are told apart.
    pub(crate) fn number(&self) -> &str {
        self.name.rsplit('-').next().unwrap_or_default()
    }

    /// Every run, part by part, in the order of their names.
    pub(crate) fn all(of: &Collection) -> Vec<Self> {
        let expected: BTreeMap<String, Expected> = of
            .rows("expected.csv")
            .into_iter()
            .map(|row| {
                let causes = row[1].split('|').map(str::to_owned).collect();
                (row[0].clone(), Expected { causes, place: row[2].clone() })
            })
            .collect();
        let mut runs: Vec<Self> = of
            .parts
            .iter()
            .filter(|part| of.folder().join(part).exists())
            .flat_map(|part| Self::of(of, part, &expected))
            .collect();
        runs.sort_by(|one, other| one.name.cmp(&other.name));
        runs
    }

    fn of(of: &Collection, part: &'static str, expected: &BTreeMap<String, Expected>) -> Vec<Self> {
        let changes: Vec<Event> = of
            .rows(&format!("{part}/changes.csv"))
            .into_iter()
            .map(|row| Event {
                time: time(&row[0]).seconds(),
                kind: row[1].clone(),
                target: row[2].clone(),
            })
            .collect();
        let runs = of.rows(&format!("{part}/runs.csv")).into_iter().map(|row| Self {
            name: format!("{part}/{}", row[0]),
            part,
            path: of.folder().join(format!("{part}/{}.csv.gz", row[0])),
            span: (time(&row[4]), time(&row[5])),
            target: row[3].clone(),
            changes: changes.clone(),
            expected: expected[&row[2]].clone(),
        });
        runs.collect()
    }
}

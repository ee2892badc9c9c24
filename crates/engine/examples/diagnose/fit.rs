//! Fits what evidence weighs to findings that were written before.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use auscult_diagnose::diagnosis::{Doctor, Lesson, LessonPlace};
use serde::Deserialize;

/// A line of findings, as `findings` writes it.
#[derive(Deserialize)]
struct Line {
    truth: String,
    /// Kind, name, whether it is ill, and verdicts.
    targets: Vec<(String, String, bool, String)>,
}

/// The cases in a file of findings that were made with the vocabulary of `doctor`.
pub(crate) fn lessons(path: &Path, doctor: &Doctor<'_>) -> Result<Vec<Lesson>, String> {
    let refuse = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let file = File::open(path).map_err(|error| refuse(&error))?;
    let mut lines = BufReader::new(file).lines();
    let head = lines.next().ok_or_else(|| refuse(&"is empty"))?.map_err(|error| refuse(&error))?;
    let said: BTreeMap<String, Vec<String>> =
        serde_json::from_str(&head).map_err(|error| refuse(&error))?;
    for (kind, statements) in &said {
        let known = doctor.vocabulary(kind).iter().map(|statement| &statement.text);
        if !known.eq(statements) {
            return Err(refuse(&format!(
                "was written with other statements about a {kind}; write it again with --findings"
            )));
        }
    }
    let read = |line: std::io::Result<String>| {
        let line = line.map_err(|error| refuse(&error))?;
        let line: Line = serde_json::from_str(&line).map_err(|error| refuse(&error))?;
        Ok(lesson(line))
    };
    lines.map(read).collect()
}

fn lesson(line: Line) -> Lesson {
    let causes: Vec<String> = match line.truth.as_str() {
        "healthy" => Vec::new(),
        truth => truth.split('+').map(str::to_owned).collect(),
    };
    // Targets that look exactly alike are one place.
    let mut alike: BTreeMap<(String, bool, String), usize> = BTreeMap::new();
    for (kind, _, is_ill, verdicts) in line.targets {
        *alike.entry((kind, is_ill, verdicts)).or_default() += 1;
    }
    let places = alike.into_iter().map(|((kind, is_ill, verdicts), alike)| {
        let found = verdicts.bytes().enumerate().filter_map(|(statement, verdict)| match verdict {
            b'0' => Some((statement, false)),
            b'1' => Some((statement, true)),
            _ => None,
        });
        LessonPlace { kind, alike, is_ill, found: found.collect() }
    });
    Lesson { causes, places: places.collect() }
}

//! Fits what evidence weighs to findings that were written before.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use auscult_diagnose::diagnosis::{Doctor, Experience, Lesson, LessonPlace, Weights};
use auscult_knowledge::Knowledge;
use serde::Deserialize;

/// A line of findings, as `findings` writes it.
#[derive(Deserialize)]
struct Line {
    truth: String,
    /// Causes beside which it was looked at.
    #[serde(default)]
    known: Vec<String>,
    /// Kind, name, whether it is ill, and verdicts.
    targets: Vec<(String, String, bool, String)>,
}

/// The cases in a file of findings, which may have fewer statements than `doctor` looks at.
pub(crate) fn lessons(path: &Path, doctor: &Doctor<'_>) -> Result<Vec<Lesson>, String> {
    let refuse = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let file = File::open(path).map_err(|error| refuse(&error))?;
    let mut lines = BufReader::new(file).lines();
    let head = lines.next().ok_or_else(|| refuse(&"is empty"))?.map_err(|error| refuse(&error))?;
    let said: BTreeMap<String, Vec<String>> =
        serde_json::from_str(&head).map_err(|error| refuse(&error))?;
    // What nobody looked at then is not known of these cases.
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (kind, statements) in &said {
        let known = doctor.vocabulary(kind);
        let place = |text: &String| {
            known.iter().position(|statement| statement.text == *text).ok_or_else(|| {
                refuse(&format!(
                    "`{text}` is not looked at any more of a {kind}; write it again with --findings"
                ))
            })
        };
        places.insert(kind, statements.iter().map(place).collect::<Result<_, _>>()?);
    }
    let read = |line: std::io::Result<String>| {
        let line = line.map_err(|error| refuse(&error))?;
        let line: Line = serde_json::from_str(&line).map_err(|error| refuse(&error))?;
        Ok(lesson(line, &places))
    };
    lines.map(read).collect()
}

/// Prints of each file how often a true cause comes first, and of each fault what comes instead.
pub(crate) fn check(
    files: &[PathBuf],
    knowledge: &Knowledge,
    experience: &Experience,
    doctor: &Doctor<'_>,
) -> Result<(), String> {
    for path in files {
        let lessons = lessons(path, doctor)?;
        let first = experience.first_causes(knowledge, Weights::default(), &lessons);
        let mut right = 0;
        let mut instead: BTreeMap<(String, String), usize> = BTreeMap::new();
        for (lesson, first) in lessons.iter().zip(first) {
            let is_benign = |fault: &str| fault.starts_with('L');
            let is_right = match &first {
                None => lesson.causes.iter().all(|cause| is_benign(cause)),
                Some(first) => {
                    let are_benign = lesson.causes.iter().all(|cause| is_benign(cause));
                    lesson.causes.contains(first) || is_benign(first) && are_benign
                }
            };
            right += usize::from(is_right);
            if !is_right {
                let first = first.unwrap_or_else(|| "healthy".to_owned());
                *instead.entry((lesson.causes.join("+"), first)).or_default() += 1;
            }
        }
        println!("{}: {right} of {} right first", path.display(), lessons.len());
        for ((truth, first), count) in instead.iter().filter(|(_, count)| **count > 0) {
            println!("  {truth} called {first}: {count}");
        }
    }
    Ok(())
}

fn lesson(line: Line, places: &BTreeMap<&str, Vec<usize>>) -> Lesson {
    let known = line.known;
    let causes = line.truth.split('+').filter(|truth| *truth != "healthy");
    let causes = causes.map(str::to_owned).filter(|cause| !known.contains(cause));
    let causes: Vec<String> = causes.collect();
    // Targets that look exactly alike are one place.
    let mut alike: BTreeMap<(String, bool, String), usize> = BTreeMap::new();
    for (kind, _, is_ill, verdicts) in line.targets {
        *alike.entry((kind, is_ill, verdicts)).or_default() += 1;
    }
    let alike = alike.into_iter().map(|((kind, is_ill, verdicts), alike)| {
        let statements = places.get(kind.as_str()).map_or(&[][..], Vec::as_slice);
        let each = statements.iter().zip(verdicts.bytes());
        let found = each.filter_map(|(statement, verdict)| match verdict {
            b'0' => Some((*statement, false)),
            b'1' => Some((*statement, true)),
            _ => None,
        });
        LessonPlace { kind, alike, is_ill, found: found.collect() }
    });
    Lesson { causes, known, places: alike.collect() }
}

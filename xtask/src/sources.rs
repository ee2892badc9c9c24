//! Habits that no lint checks.

use std::path::{Path, PathBuf};

use crate::repository::text;

/// Longest a source file may be; look again at 500 lines.
const LONGEST: usize = 1000;
/// Marks of unfinished work.
const MARKS: &[&str] =
    &["todo!(", "unimplemented!(", "TODO", "FIXME", "XXX", "#[ignore", "#[allow("];

/// Every source file that breaks a habit.
pub(crate) fn findings(root: &Path, files: &[PathBuf]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "rs")) {
        let Some(text) = text(root, file) else { continue };
        let place = file.display();
        if !text.starts_with("//!") && !text.starts_with("#![no_main]") {
            findings.push(format!("{place}: must begin with a `//!` line that says its job"));
        }
        if text.lines().count() > LONGEST {
            findings.push(format!("{place}: longer than {LONGEST} lines; split it"));
        }
        // This file has to name the marks.
        if file.ends_with("xtask/src/sources.rs") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            if let Some(mark) = MARKS.iter().find(|mark| line.contains(**mark)) {
                findings.push(format!("{place}:{}: `{mark}`", number + 1));
            }
        }
    }
    for tests in files.iter().filter(|file| file.starts_with("crates")) {
        // One test binary a crate: each more links everything again.
        let parts: Vec<_> = tests.iter().filter_map(|part| part.to_str()).collect();
        if let [_, krate, "tests", name] = parts.as_slice()
            && *name == "main.rs"
        {
            let folder = root.join("crates").join(krate).join("tests");
            let main = text_of(&folder.join("main.rs"));
            let others = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            for other in others.map(|entry| entry.path()) {
                let stem = other.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
                let is_module = other.extension().is_some_and(|end| end == "rs") && stem != "main";
                if is_module && !main.contains(&format!("mod {stem};")) {
                    findings.push(format!("{}: not a module of tests/main.rs", other.display()));
                }
            }
        }
    }
    findings
}

fn text_of(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

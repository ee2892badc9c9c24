//! Any text as a file in YAML: policies, or what is wrong, with places that are in the text.
#![no_main]

use std::path::Path;

use auscult_engine::{EngineSettings, Policy};
use auscult_yaml::{Document, Problem};

fn within(text: &str, problem: &Problem) {
    let lines = text.lines().count() + 1;
    assert!(problem.line() <= lines, "{} of {lines}: {problem}", problem.line());
    assert!(!problem.with_source().is_empty());
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut document = match Document::parse("fuzz.yml", text) {
        Ok(document) => document,
        Err(problem) => return within(text, &problem),
    };
    let variables = |name: &str| (name.len() % 2 == 1).then(|| name.to_owned());
    let mut seen = Vec::new();
    let expanded = document.expand(&variables, Path::new("/nonexistent"), &mut seen);
    expanded.err().iter().flatten().for_each(|problem| within(text, problem));
    if let Err(problems) = document.read_as::<Vec<Policy>>() {
        problems.iter().for_each(|problem| within(text, problem));
    }
    if let Err(problems) = document.read_as::<EngineSettings>() {
        problems.iter().for_each(|problem| within(text, problem));
    }
});

//! The project's own chores: `cargo run -p xtask -- tidy`.

mod arrows;
mod paths;
mod repository;
mod sources;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [chore] if chore == "tidy" => tidy(),
        _ => {
            eprintln!("usage: cargo run -p xtask -- tidy");
            ExitCode::from(2)
        }
    }
}

/// Checks what the compiler cannot see; prints every finding.
fn tidy() -> ExitCode {
    let root = repository::root();
    let files = repository::files(&root);
    let mut findings = arrows::findings(&root);
    findings.extend(paths::findings(&root, &files));
    findings.extend(sources::findings(&root, &files));
    for finding in &findings {
        eprintln!("tidy: {finding}");
    }
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

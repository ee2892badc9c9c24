//! Diagnoses recordings of real servers that were really broken: `docs/real-servers.md`.
//!
//! `cargo run -p auscult-server --example real_servers`; with the name of a run, such as
//! `llama-cpp/killed-1`, it prints the whole diagnosis of that run instead.

mod answer;
mod page;
mod runs;

use answer::Seen;
use runs::Run;

fn main() -> std::io::Result<()> {
    let runs = Run::all();
    let asked: Vec<String> = std::env::args().skip(1).collect();
    if asked.is_empty() {
        let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
        return std::fs::write(format!("{docs}/real-servers.md"), page::document(&runs));
    }
    for run in runs.iter().filter(|run| asked.contains(&run.name)) {
        println!("{}\n{}", run.name, answer::report(run, Seen::All).text());
    }
    Ok(())
}

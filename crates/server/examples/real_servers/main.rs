//! Diagnoses recordings of real servers and of real training jobs that were really broken:
//! `docs/real-servers.md` and `docs/real-training.md`.
//!
//! `cargo run -p auscult-server --example real_servers`; with the name of a run, such as
//! `llama-cpp/killed-1` or `cpu/straggler-1`, it prints the whole diagnosis of that run instead.

mod answer;
mod page;
mod runs;
mod taught;

use answer::Seen;
use runs::{Run, SERVERS, TRAINING};

fn main() -> std::io::Result<()> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    for of in [SERVERS, TRAINING] {
        let runs = Run::all(&of);
        if asked.is_empty() {
            let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
            std::fs::write(format!("{docs}/{}", of.page), page::document(&of, &runs))?;
        }
        for run in runs.iter().filter(|run| asked.contains(&run.name)) {
            println!("{}\n{}", run.name, answer::report(run, Seen::All).text());
        }
    }
    Ok(())
}

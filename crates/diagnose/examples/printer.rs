//! Scores strategies of troubleshooting on a Bayesian network.
//!
//! `cargo run --release -p auscult-diagnose --example printer NETWORK.bif[.gz] [PREFIX] [CERTAINTY]
//! [SEED]`, the names of symptoms beginning with PREFIX (`Problem`).

use std::io::Read;
use std::time::Instant;

use auscult_diagnose::network::{Inference, Protocol, Strategy, read_bif};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("expected a file")?;
    let prefix = arguments.next().unwrap_or_else(|| "Problem".to_owned());
    let bytes = std::fs::read(&path)?;
    let mut text = String::new();
    if path.ends_with(".gz") {
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text)?;
    } else {
        text = String::from_utf8(bytes)?;
    }
    let network = read_bif(&text).map_err(|error| format!("{path}: {error}"))?;
    let inference = Inference::new(&network)?;
    println!("{} variables, {} numbers in tables", network.variables().len(), inference.numbers());
    let mut protocol = Protocol::by_prefix(&network, &prefix)?;
    if let Some(certainty) = arguments.next() {
        protocol.settings.certainty = certainty.parse()?;
    }
    if let Some(seed) = arguments.next() {
        protocol.seed = seed.parse()?;
    }
    for &(variable, state) in &protocol.symptoms {
        let variable = &network.variables()[variable];
        println!("symptom {} = {}", variable.name, variable.states[state]);
    }
    println!(
        "{:36} {:>9} {:>7} {:>10} {:>6} {:>7}",
        "strategy", "mean cost", "right", "answerable", "looks", "s"
    );
    for strategy in Strategy::ALL {
        let start = Instant::now();
        let score = protocol.score(&network, strategy)?;
        println!(
            "{:36} {:>9.3} {:>7.3} {:>10.3} {:>6.2} {:>7.1}",
            strategy.name(),
            score.mean_cost,
            score.right,
            score.answerable,
            score.looks,
            start.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

//! Works out fault trees and says how long each took.
//!
//! `cargo run --release -p auscult-diagnose --example fault_trees FILE…`, files in the Open-PSA
//! format, also gzipped.

use std::io::Read;
use std::time::Instant;

use auscult_diagnose::fault_tree::{AnalysisSettings, analyse, read_mef};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "{:24} {:>6} {:>6} {:>8} {:>20} {:>14} {:>14} {:>9} {:>9}",
        "tree", "events", "gates", "nodes", "cut sets", "at least", "at most", "read ms", "work ms"
    );
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path)?;
        let mut text = String::new();
        if path.ends_with(".gz") {
            flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text)?;
        } else {
            text = String::from_utf8(bytes)?;
        }
        let start = Instant::now();
        let tree = read_mef(&text, None).map_err(|error| format!("{path}: {error}"))?;
        let read = start.elapsed();
        let start = Instant::now();
        let analysis = analyse(&tree, &AnalysisSettings::default());
        let worked = start.elapsed();
        let cut_sets = analysis.cut_sets.as_ref().and_then(|sets| sets.count);
        println!(
            "{:24} {:>6} {:>6} {:>8} {:>20} {:>14.7e} {:>14.7e} {:>9.1} {:>9.1}",
            tree.name(),
            tree.events().len(),
            tree.gates().len(),
            analysis.nodes,
            cut_sets.map_or("?".to_owned(), |count| count.to_string()),
            analysis.top.low,
            analysis.top.high,
            read.as_secs_f64() * 1e3,
            worked.as_secs_f64() * 1e3,
        );
    }
    Ok(())
}

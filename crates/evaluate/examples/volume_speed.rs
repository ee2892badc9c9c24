//! How long a volume under the surface takes: `cargo run --release --example volume_speed -p auscult-evaluate`.

use std::time::Instant;

use auscult_evaluate::{Scored, vus};

fn main() -> Result<(), auscult_evaluate::EvaluateError> {
    let rows: u32 = 100_000;
    let labels: Vec<bool> = (0..rows).map(|row| row % 2_000 < 100).collect();
    let scores: Vec<f64> =
        (0..rows).map(|row| f64::from(row.wrapping_mul(2_654_435_761))).collect();
    let scored = Scored::new(&labels, &scores)?;
    for window in [0, 100, 303] {
        let start = Instant::now();
        let volumes = vus(&scored, window).expect("both kinds of row");
        println!("window {window}: VUS-PR {:.4} in {:?}", volumes.pr, start.elapsed());
    }
    Ok(())
}

//! Isolation forest with 100 trees of 256 rows.

use std::time::Instant;

use auscult_core::{Estimator, Frame};
use auscult_detect::isolation::{IsolationForest, IsolationForestSettings};
use serde_json::{Value, json};

pub(super) fn run(readings: &[f64], _rows: usize, columns: usize) -> Value {
    let frame = Frame::new(readings, columns).expect("finite readings in whole rows");
    let start = Instant::now();
    let forest = IsolationForest::new(IsolationForestSettings::default()).expect("defaults");
    let scores = forest.fit(&frame).expect("enough rows").scores;
    let seconds = start.elapsed().as_secs_f64();
    json!({ "seconds": seconds, "auc": super::auc_of_last_hundredth(&scores) })
}

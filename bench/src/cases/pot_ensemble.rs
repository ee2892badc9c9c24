//! The default detector over one series, row by row, in both tiers.

use std::time::Instant;

use auscult_core::{Detector, Sample, Timestamp};
use auscult_detect::ensemble::{PotEnsemble, PotEnsembleSettings};
use serde_json::{Value, json};

use super::auc_of_last_hundredth;

pub(super) fn run(readings: &[f64], _rows: usize, _columns: usize) -> Value {
    let (one, _) = watch(readings, 1);
    let (seconds, scores) = watch(readings, 2);
    let rows = readings.len() as f64;
    json!({
        "seconds": seconds,
        "auc": auc_of_last_hundredth(&scores),
        "samples_per_second": rows / seconds,
        "samples_per_second_tier_1": rows / one,
    })
}

/// Seconds and scores of a fresh detector of `tier`, a sample a minute.
fn watch(readings: &[f64], tier: u8) -> (f64, Vec<f64>) {
    let settings = PotEnsembleSettings { tier, ..Default::default() };
    let mut detector = PotEnsemble::new(settings).expect("settings in range");
    let mut scores = Vec::with_capacity(readings.len());
    let start = Instant::now();
    for (minute, reading) in readings.iter().enumerate() {
        let reading = [*reading];
        let time = Timestamp::from_seconds(60 * minute as i64);
        let sample = Sample::new(time, &reading).expect("finite");
        let score = detector.update(sample).expect("one channel").ready();
        // The state, since the last rows of this series are one long event.
        scores.push(score.and(detector.deviation()).unwrap_or(0.0));
    }
    (start.elapsed().as_secs_f64(), scores)
}

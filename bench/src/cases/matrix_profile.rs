//! The matrix profile of one series, windows of 100 rows.

use std::time::Instant;

use auscult_core::{Estimator, Frame};
use auscult_detect::subsequence::{MatrixProfile, MatrixProfileSettings};
use serde_json::{Value, json};

pub(crate) fn run(readings: &[f64], _rows: usize, columns: usize) -> Value {
    let frame = Frame::new(readings, columns).expect("finite");
    let method =
        MatrixProfile::new(MatrixProfileSettings { window: Some(100), ..Default::default() })
            .expect("in range");
    let start = Instant::now();
    let fit = method.fit(&frame).expect("enough rows");
    let seconds = start.elapsed().as_secs_f64();
    let profile = fit.model.profile();
    let discord = (0..profile.len()).max_by(|a, b| profile[*a].total_cmp(&profile[*b]));
    let mean = profile.iter().sum::<f64>() / profile.len() as f64;
    json!({ "seconds": seconds, "discord": discord, "mean_distance": mean })
}

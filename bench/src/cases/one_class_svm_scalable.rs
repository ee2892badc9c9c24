//! One-class support vector machine by 256 random Fourier features.

use std::time::Instant;

use auscult_core::{Estimator, Frame};
use auscult_detect::margin::{OneClassSvmScalable, OneClassSvmScalableSettings};
use serde_json::{Value, json};

pub(super) fn run(readings: &[f64], _rows: usize, columns: usize) -> Value {
    let frame = Frame::new(readings, columns).expect("finite readings in whole rows");
    let start = Instant::now();
    let settings = OneClassSvmScalableSettings { standardise: false, ..Default::default() };
    let svm = OneClassSvmScalable::new(settings).expect("in range");
    let scores = svm.fit(&frame).expect("enough rows").scores;
    let seconds = start.elapsed().as_secs_f64();
    let outside = scores.iter().filter(|score| **score > 1.0).count() as f64;
    json!({
        "seconds": seconds,
        "auc": super::auc_of_last_hundredth(&scores),
        "outside": outside / scores.len() as f64,
    })
}

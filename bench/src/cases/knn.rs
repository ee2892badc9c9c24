//! Distance to the fifth nearest row, and scores of the history.

use std::time::Instant;

use auscult_core::{Estimator, Frame};
use auscult_detect::density::{Knn, KnnSettings};
use serde_json::{Value, json};

use super::summary;

pub(super) fn run(readings: &[f64], rows: usize, columns: usize) -> Value {
    let frame = Frame::new(readings, columns).expect("the data set is finite");
    assert_eq!(frame.rows(), rows);
    let settings = KnnSettings { standardise: false, ..Default::default() };
    let method = Knn::new(settings).expect("settings in range");
    let start = Instant::now();
    let fit = method.fit(&frame).expect("enough rows");
    json!({ "seconds": start.elapsed().as_secs_f64(), "scores": summary(&fit.scores) })
}

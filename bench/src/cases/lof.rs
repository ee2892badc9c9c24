//! Local outlier factor of the history, twenty neighbours.

use std::time::Instant;

use auscult_core::{Estimator, Frame};
use auscult_detect::density::{Lof, LofSettings};
use serde_json::{Value, json};

use super::summary;

pub(super) fn run(readings: &[f64], rows: usize, columns: usize) -> Value {
    let frame = Frame::new(readings, columns).expect("the data set is finite");
    assert_eq!(frame.rows(), rows);
    let settings = LofSettings { standardise: false, ..Default::default() };
    let method = Lof::new(settings).expect("settings in range");
    let start = Instant::now();
    let fit = method.fit(&frame).expect("enough rows");
    json!({ "seconds": start.elapsed().as_secs_f64(), "scores": summary(&fit.scores) })
}

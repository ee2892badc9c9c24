//! One file per timed method.

mod knn;
mod lof;

use serde_json::{Value, json};

/// Runs on readings of shape `(rows, columns)` and reports seconds and whatever
/// shows that the work was done right.
pub(crate) type Case = fn(&[f64], usize, usize) -> Value;

const CASES: &[(&str, Case)] = &[("knn", knn::run), ("lof", lof::run)];

pub(crate) fn find(name: &str) -> Option<Case> {
    CASES.iter().find(|(case, _)| *case == name).map(|(_, run)| *run)
}

pub(crate) fn names() -> String {
    CASES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// What shows that two programs found the same scores.
pub(crate) fn summary(scores: &[f64]) -> Value {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    json!({ "mean": scores.iter().sum::<f64>() / scores.len() as f64, "largest": largest })
}

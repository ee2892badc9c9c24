//! One file per timed method.

mod isolation_forest;
mod one_class_svm;
mod one_class_svm_scalable;

use serde_json::Value;

/// Runs on readings of shape `(rows, columns)` and reports seconds and whatever
/// shows that the work was done right.
pub(crate) type Case = fn(&[f64], usize, usize) -> Value;

const CASES: &[(&str, Case)] = &[
    ("isolation_forest", isolation_forest::run),
    ("one_class_svm", one_class_svm::run),
    ("one_class_svm_scalable", one_class_svm_scalable::run),
];

pub(crate) fn find(name: &str) -> Option<Case> {
    CASES.iter().find(|(case, _)| *case == name).map(|(_, run)| *run)
}

pub(crate) fn names() -> String {
    CASES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// How well `scores` tell the last hundredth of the rows, which the peers make
/// anomalous, from the rest: area under the receiver operating characteristic.
fn auc_of_last_hundredth(scores: &[f64]) -> f64 {
    let odd = scores.len() / 100;
    let usual = scores.len() - odd;
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let ranks = order.iter().enumerate().filter(|(_, row)| **row >= usual);
    let sum: f64 = ranks.map(|(rank, _)| (rank + 1) as f64).sum();
    (sum - (odd * (odd + 1)) as f64 / 2.0) / (odd as f64 * usual as f64)
}

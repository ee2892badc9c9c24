//! One file per timed method.

mod decision_tree;
mod isolation_forest;
mod knn;
mod labelled;
mod lof;
mod matrix_profile;
mod one_class_svm;
mod one_class_svm_scalable;
mod pot_ensemble;
mod random_forest;

use serde_json::{Value, json};

/// Runs on readings of shape `(rows, columns)` and reports seconds and whatever
/// shows that the work was done right.
pub(crate) type Case = fn(&[f64], usize, usize) -> Value;

const CASES: &[(&str, Case)] = &[
    ("decision_tree", decision_tree::run),
    ("isolation_forest", isolation_forest::run),
    ("knn", knn::run),
    ("lof", lof::run),
    ("matrix_profile", matrix_profile::run),
    ("one_class_svm", one_class_svm::run),
    ("one_class_svm_scalable", one_class_svm_scalable::run),
    ("pot_ensemble", pot_ensemble::run),
    ("pot_ensemble_random_cut", pot_ensemble::run),
    ("random_forest", random_forest::run),
];

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

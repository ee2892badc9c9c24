//! One file per timed method.

mod decision_tree;
mod labelled;
mod random_forest;

use serde_json::Value;

/// Runs on readings of shape `(rows, columns)` and reports seconds and whatever
/// shows that the work was done right.
pub(crate) type Case = fn(&[f64], usize, usize) -> Value;

const CASES: &[(&str, Case)] =
    &[("decision_tree", decision_tree::run), ("random_forest", random_forest::run)];

pub(crate) fn find(name: &str) -> Option<Case> {
    CASES.iter().find(|(case, _)| *case == name).map(|(_, run)| *run)
}

pub(crate) fn names() -> String {
    CASES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

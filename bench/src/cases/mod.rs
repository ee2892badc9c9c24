//! One file per timed method.

mod matrix_profile;

use serde_json::Value;

/// Runs on readings of shape `(rows, columns)` and reports seconds and whatever
/// shows that the work was done right.
pub(crate) type Case = fn(&[f64], usize, usize) -> Value;

const CASES: &[(&str, Case)] = &[("matrix_profile", matrix_profile::run)];

pub(crate) fn find(name: &str) -> Option<Case> {
    CASES.iter().find(|(case, _)| *case == name).map(|(_, run)| *run)
}

pub(crate) fn names() -> String {
    CASES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

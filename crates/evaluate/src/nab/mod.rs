//! The scoring rule of the Numenta Anomaly Benchmark.

mod sweep;
mod weights;

pub use sweep::{NabOutcome, nab_at_threshold, nab_cross_halves, nab_sweep};

use crate::Segment;

/// What a hit, a miss and a false alarm weigh.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NabProfile {
    /// Name as published.
    pub name: &'static str,
    /// Weight of a window found at once.
    pub hit: f64,
    /// Weight of a window missed.
    pub miss: f64,
    /// Weight of a false alarm far from any window.
    pub false_alarm: f64,
}

/// The three published profiles.
pub const NAB_PROFILES: [NabProfile; 3] = [
    NabProfile { name: "standard", hit: 1.0, miss: 1.0, false_alarm: 0.11 },
    NabProfile { name: "reward_low_FP_rate", hit: 1.0, miss: 1.0, false_alarm: 0.22 },
    NabProfile { name: "reward_low_FN_rate", hit: 1.0, miss: 2.0, false_alarm: 0.11 },
];

/// Rows of a file of `rows` rows that the benchmark does not score:
/// 15 % of them, at most 750.
#[must_use]
pub fn nab_probation(rows: usize) -> usize {
    (rows * 15 / 100).min(750)
}

/// One file: scores, and the windows in which an alarm is right.
#[derive(Debug, Clone)]
pub struct NabSeries {
    scores: Vec<f64>,
    windows: Vec<Segment>,
    probation: usize,
}

impl NabSeries {
    /// A file with one score a row, its windows as row numbers in order, and the
    /// number of rows at its beginning that are not scored.
    ///
    /// # Errors
    ///
    /// [`NabError`] when a score is not finite, or windows overlap, run backwards
    /// or leave the file.
    pub fn new(
        scores: Vec<f64>,
        windows: Vec<Segment>,
        probation: usize,
    ) -> Result<Self, NabError> {
        if let Some(row) = scores.iter().position(|score| !score.is_finite()) {
            return Err(NabError::NotFinite { row, score: scores[row] });
        }
        let mut free = 0;
        for window in &windows {
            if window.start < free || window.end < window.start || window.end >= scores.len() {
                let (start, end, rows) = (window.start, window.end, scores.len());
                return Err(NabError::Window { start, end, free, rows });
            }
            free = window.end + 1;
        }
        Ok(Self { scores, windows, probation })
    }

    /// How many windows it has.
    #[must_use]
    pub fn windows(&self) -> usize {
        self.windows.len()
    }
}

/// Why a file was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum NabError {
    /// A score that cannot be put in order.
    #[error("row {row} scores {score}, need a finite number")]
    NotFinite { row: usize, score: f64 },
    /// A window that is not where it should be.
    #[error("window {start}..={end} must lie in rows {free}..{rows}")]
    Window { start: usize, end: usize, free: usize, rows: usize },
}

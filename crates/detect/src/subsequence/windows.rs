//! What every window of a series needs for comparison with another.

use auscult_stats::quantile::median_deviation;
use serde::{Deserialize, Serialize};

/// Readings further out than this many typical deviations are held there:
/// beyond it they would drown the other readings of a window in rounding.
const REACH: f64 = 1e4;

/// Where a series lies and how far it may reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    centre: f64,
    reach: f64,
}

impl Range {
    /// Of the readings of a history.
    pub(super) fn of(readings: &[f64]) -> Self {
        let (centre, mut deviation) = median_deviation(readings);
        if deviation == 0.0 {
            // Most readings are the same; the others tell what is usual.
            let others: Vec<f64> = readings.iter().copied().filter(|y| *y != centre).collect();
            let mut distances: Vec<f64> = others.iter().map(|y| (y - centre).abs()).collect();
            deviation = auscult_stats::quantile::median(&mut distances);
        }
        Self { centre, reach: if deviation > 0.0 { REACH * deviation } else { 1.0 } }
    }

    /// `readings` as shares of the reach, held within ±1.
    pub(super) fn apply(&self, readings: &[f64]) -> Vec<f64> {
        readings.iter().map(|reading| self.share(*reading)).collect()
    }

    /// `reading` as a share of the reach, held within ±1.
    pub(super) fn share(&self, reading: f64) -> f64 {
        ((reading - self.centre) / self.reach).clamp(-1.0, 1.0)
    }

    /// Whether a restored one can be worked with.
    pub(super) fn is_sound(&self) -> bool {
        self.centre.is_finite() && self.reach > 0.0 && self.reach.is_finite()
    }

    /// The reading behind a share.
    pub(super) fn restore(&self, share: f64) -> f64 {
        self.centre + share * self.reach
    }
}

/// What a window needs for comparison with another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shape {
    pub(super) mean: f64,
    /// One over the norm of the window without its mean; 0 for a constant one.
    pub(super) inverse_norm: f64,
}

impl Shape {
    /// Of the readings of a window.
    pub(super) fn of(rows: &[f64]) -> Self {
        let mean = rows.iter().sum::<f64>() / rows.len() as f64;
        let constant = rows.iter().all(|value| *value == rows[0]);
        let squares: f64 = rows.iter().map(|value| (value - mean) * (value - mean)).sum();
        let inverse_norm = if constant || squares == 0.0 { 0.0 } else { 1.0 / squares.sqrt() };
        Self { mean, inverse_norm }
    }

    /// The correlation with a constant window or of one, which has none by the
    /// formula: 1 of two constant ones, 1/2 of one with any other, as stumpy
    /// does. `None` where both vary.
    pub(super) fn by_convention(self, other: Self) -> Option<f64> {
        match (self.inverse_norm == 0.0, other.inverse_norm == 0.0) {
            (true, true) => Some(1.0),
            (false, false) => None,
            _ => Some(0.5),
        }
    }
}

/// Every window of a series: one per row, but for the last `window - 1`.
#[derive(Debug, Clone)]
pub(super) struct Windows {
    pub(super) values: Vec<f64>,
    pub(super) window: usize,
    /// Means of the windows.
    pub(super) means: Vec<f64>,
    /// One over the norm of a window without its mean; 0 for a constant one.
    pub(super) inverse_norms: Vec<f64>,
    /// Half of what a window gains on the one before: newest less oldest.
    pub(super) half_gains: Vec<f64>,
    /// Newest and oldest, each less the mean of its window.
    pub(super) gain_sums: Vec<f64>,
}

impl Windows {
    /// The windows of `values`, which hold at least one.
    pub(super) fn new(values: Vec<f64>, window: usize) -> Self {
        let count = values.len() + 1 - window;
        let mut means = Vec::with_capacity(count);
        let mut inverse_norms = Vec::with_capacity(count);
        for rows in values.windows(window) {
            let shape = Shape::of(rows);
            means.push(shape.mean);
            inverse_norms.push(shape.inverse_norm);
        }
        let (mut half_gains, mut gain_sums) = (vec![0.0; count], vec![0.0; count]);
        for at in 1..count {
            let (newest, oldest) = (values[at + window - 1], values[at - 1]);
            half_gains[at] = (newest - oldest) / 2.0;
            gain_sums[at] = (newest - means[at]) + (oldest - means[at - 1]);
        }
        Self { values, window, means, inverse_norms, half_gains, gain_sums }
    }

    /// How many windows there are.
    pub(super) fn len(&self) -> usize {
        self.means.len()
    }

    /// Whether every reading of window `at` is the same.
    pub(super) fn is_constant(&self, at: usize) -> bool {
        self.inverse_norms[at] == 0.0
    }

    /// Sum of products of two windows, each without its mean.
    pub(super) fn covariance(&self, one: usize, other: usize) -> f64 {
        let a = &self.values[one..one + self.window];
        let b = &self.values[other..other + self.window];
        let (mean_a, mean_b) = (self.means[one], self.means[other]);
        a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum()
    }
}

//! What the tests for a change of the mean share.

use auscult_core::Band;
use auscult_stats::resolution::STEP_TO_DEVIATION;
use serde::{Deserialize, Serialize};

use crate::shared::{Spread, ratio};

/// Which changes of the mean to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Increases.
    Up,
    /// Decreases.
    Down,
    /// Both.
    Both,
}

impl Side {
    pub(super) fn up(self) -> bool {
        self != Self::Down
    }

    pub(super) fn down(self) -> bool {
        self != Self::Up
    }

    /// The larger of the two statistics, of those that count.
    pub(super) fn larger(self, rise: f64, fall: f64) -> f64 {
        match self {
            Self::Up => rise,
            Self::Down => fall,
            Self::Both => rise.max(fall),
        }
    }

    /// The band between `low` and `high`, without the end that does not count;
    /// `None` when nothing is left between them.
    pub(super) fn band(self, low: f64, high: f64) -> Option<Band> {
        let low = if self.down() { low } else { f64::NEG_INFINITY };
        let high = if self.up() { high } else { f64::INFINITY };
        (low <= high).then_some(Band { low, high })
    }
}

/// Distances beyond so many deviations count as that many: sums of them stay
/// finite.
const LARGEST_DISTANCE: f64 = 1e9;

/// The unit of readings whose first ones were all equal to `mean`, once `reading`
/// follows: by the first that differs, as if that were one step of theirs. `None`
/// while none does.
pub(super) fn unit_of_still(reading: f64, mean: f64) -> Option<f64> {
    let apart = (reading - mean).abs();
    (apart > f64::EPSILON * mean.abs()).then_some(STEP_TO_DEVIATION * apart)
}

/// The signed distance of `reading` from `mean` in deviations.
pub(super) fn standardised(reading: f64, mean: f64, spread: Spread) -> f64 {
    let apart = reading - mean;
    spread.rate(apart.abs()).min(LARGEST_DISTANCE).copysign(apart)
}

/// The signed distance of `reading` from `mean` in units, which are above 0
/// unless nothing has varied.
pub(super) fn in_units(reading: f64, mean: f64, unit: f64) -> f64 {
    let apart = reading - mean;
    ratio(apart.abs(), unit).min(LARGEST_DISTANCE).copysign(apart)
}

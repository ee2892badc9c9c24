//! The tails of every statistic at one scale.

use serde::{Deserialize, Serialize};

use super::conditioning::weight;
use super::peaks::{Extent, Peaks};
use super::statistics::{COUNT, Lengths, TWO_SIDED, Windows};

/// Least scale of a tail, as a share of the range of its statistic.
const LEAST_SCALE: f32 = 0.05;
/// What one statistic may add to the score: an alarm needs agreement.
pub(super) const CAP: f32 = 4.0;

/// What each statistic adds to a score, and on which side it is odd.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Parts {
    /// 0 to 4 each.
    pub(super) high: [f32; COUNT],
    /// 0 to 4 each; the last, which cannot be low, is 0.
    pub(super) low: [f32; COUNT],
}

impl Parts {
    /// Nothing odd.
    pub(super) const fn none() -> Self {
        Self { high: [0.0; COUNT], low: [0.0; COUNT] }
    }

    /// Their sum.
    pub(super) fn sum(&self) -> f32 {
        self.high.iter().sum::<f32>() + self.low.iter().sum::<f32>()
    }
}

/// Tails of the statistics at one scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tails {
    /// Exponentially weighted mean reading.
    average: f32,
    extents: [Extent; COUNT],
    highs: [Peaks<4>; COUNT],
    lows: [Peaks<4>; TWO_SIDED],
    /// One bit per statistic that was seen before.
    seen: u8,
}

impl Tails {
    /// Nothing seen yet.
    pub(super) fn new() -> Self {
        Self {
            average: 0.0,
            extents: [Extent::new(); COUNT],
            highs: std::array::from_fn(|_| Peaks::new()),
            lows: std::array::from_fn(|_| Peaks::new()),
            seen: 0,
        }
    }

    /// The statistics if this sample came next, `steps` usual steps after the
    /// last, or at the beginning of a stretch when there is no `steps`.
    pub(super) fn values(
        &self,
        windows: &Windows,
        lengths: Lengths,
        reading: f32,
        residual: f32,
        steps: Option<f64>,
    ) -> [f32; COUNT] {
        let average = steps.map_or(reading, |steps| {
            let weight = weight(steps, lengths.window as f64 - 1.0, u32::MAX) as f32;
            self.average + weight * (reading - self.average)
        });
        windows.values(lengths, reading, residual, average)
    }

    /// How far each statistic lies in its tail.
    pub(super) fn parts(&self, values: &[f32; COUNT]) -> Parts {
        let mut parts = Parts::none();
        for (place, value) in values.iter().enumerate() {
            let least = self.least(place);
            parts.high[place] = self.highs[place].excess(*value, least).min(CAP);
            if let Some(low) = self.lows.get(place) {
                parts.low[place] = low.excess(-*value, least).min(CAP);
            }
        }
        parts
    }

    fn least(&self, place: usize) -> f32 {
        LEAST_SCALE * self.extents[place].range()
    }

    /// Takes the statistics in; `reach` as in [`Peaks::learn`].
    pub(super) fn learn(&mut self, values: &[f32; COUNT], apart: u16, reach: Option<f32>) {
        for (place, value) in values.iter().enumerate() {
            if value.is_nan() {
                continue;
            }
            let least = self.least(place);
            self.highs[place].learn(*value, least, apart, reach);
            if let Some(low) = self.lows.get_mut(place) {
                low.learn(-*value, least, apart, reach);
            }
            self.extents[place].learn(*value, self.seen >> place & 1 == 0);
            self.seen |= 1 << place;
        }
    }

    /// Follows the mean reading, also while tails are not learnt yet.
    pub(super) fn follow(&mut self, values: &[f32; COUNT]) {
        self.average = values[5];
    }

    /// Whether a stored one can be.
    pub(super) fn is_sound(&self) -> bool {
        self.average.is_finite()
            && self.extents.iter().all(Extent::is_sound)
            && self.highs.iter().chain(&self.lows).all(Peaks::is_sound)
    }
}

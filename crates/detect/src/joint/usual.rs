//! How large a number usually is.

use serde::{Deserialize, Serialize};

/// Smallest mean deviation that counts, in the unit of the numbers.
const LEAST: f64 = 0.3;
/// Mean deviations that one number may teach.
const REACH: f64 = 6.0;
/// Numbers that teach everything they have.
const UNCLIPPED: usize = 50;

/// Mean and mean absolute deviation of several numbers, learnt winsorised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Usual {
    seen: usize,
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl Usual {
    pub(super) fn new(numbers: usize) -> Self {
        Self { seen: 0, mean: vec![0.0; numbers], deviation: vec![0.0; numbers] }
    }

    pub(super) fn fits(&self, numbers: usize) -> bool {
        self.mean.len() == numbers
            && self.deviation.len() == numbers
            && self.deviation.iter().all(|deviation| *deviation >= 0.0)
    }

    /// By how many mean deviations `number` passes its mean, at least 0.
    pub(super) fn excess(&self, at: usize, number: f64) -> f64 {
        ((number - self.mean[at]) / (self.deviation[at] + LEAST)).max(0.0)
    }

    /// Takes `numbers` in, older ones fading over `memory`.
    pub(super) fn learn(&mut self, numbers: &[f64], memory: f64) {
        let weight = (1.0 / (self.seen as f64 + 1.0)).max(1.0 / memory);
        for (at, number) in numbers.iter().enumerate() {
            let (mean, deviation) = (&mut self.mean[at], &mut self.deviation[at]);
            let reach =
                if self.seen < UNCLIPPED { f64::MAX } else { REACH * (*deviation + LEAST / 3.0) };
            let departure = (number - *mean).clamp(-reach, reach);
            *mean += weight * departure;
            *deviation += weight * (departure.abs() - *deviation);
        }
        self.seen = self.seen.saturating_add(1);
    }
}

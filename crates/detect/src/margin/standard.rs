//! Channels brought to mean 0 and deviation 1.

use auscult_core::Frame;
use auscult_stats::moments::Moments;
use serde::{Deserialize, Serialize};

/// Beyond this many deviations readings are no longer told apart, so that
/// products of them stay finite.
const LARGEST: f64 = 1e9;

/// Mean and deviation of every channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Standard {
    mean: Vec<f64>,
    deviation: Vec<f64>,
    limit: f64,
}

impl Standard {
    /// Of `history`; a constant channel keeps its unit.
    pub(super) fn of(history: &Frame<'_>) -> Self {
        let channel = |channel| Moments::of(&history.channel(channel));
        let moments: Vec<Moments> = (0..history.channels()).map(channel).collect();
        let deviation = |moments: &Moments| match moments.deviation(0) {
            deviation if deviation > 1e-12 * moments.mean().abs() => deviation,
            _ => 1.0,
        };
        Self {
            mean: moments.iter().map(Moments::mean).collect(),
            deviation: moments.iter().map(deviation).collect(),
            limit: LARGEST,
        }
    }

    /// Leaves readings as they are.
    pub(super) fn identity(channels: usize) -> Self {
        let limit = auscult_core::LARGEST_READING;
        Self { mean: vec![0.0; channels], deviation: vec![1.0; channels], limit }
    }

    pub(super) fn channels(&self) -> usize {
        self.mean.len()
    }

    /// Whether restored numbers fit `channels` channels.
    pub(super) fn is_sound(&self, channels: usize) -> bool {
        self.mean.len() == channels
            && self.deviation.len() == channels
            && self.mean.iter().all(|mean| mean.is_finite())
            && self.deviation.iter().all(|deviation| *deviation > 0.0 && deviation.is_finite())
            && (self.limit == LARGEST || self.limit == auscult_core::LARGEST_READING)
    }

    /// `readings`, of whole rows, in deviations from the mean.
    pub(super) fn apply(&self, readings: &[f64]) -> Vec<f64> {
        let mut standard = readings.to_vec();
        for row in standard.chunks_exact_mut(self.mean.len()) {
            for ((reading, mean), deviation) in row.iter_mut().zip(&self.mean).zip(&self.deviation)
            {
                *reading = ((*reading - mean) / deviation).clamp(-self.limit, self.limit);
            }
        }
        standard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_channels_keep_their_unit_and_far_readings_are_held() {
        let history = Frame::new(&[1.0, 7.0, 3.0, 7.0], 2).expect("finite");
        let standard = Standard::of(&history);
        assert_eq!(standard.apply(&[3.0, 9.0, 1e100, 7.0]), [1.0, 2.0, LARGEST, 0.0]);
        assert_eq!(Standard::identity(2).apply(&[3.0, 9.0]), [3.0, 9.0]);
    }
}

//! How far each channel lies from where the others put it.

use nalgebra::{Cholesky, DMatrix};
use serde::{Deserialize, Serialize};

/// Most channels whose covariance is held as one matrix.
pub(super) const BLOCK: usize = 64;
/// Most samples between two inversions of the covariance.
const REFRESH: usize = 100;
/// Smallest deviation of a channel, as a share of the range it has covered.
const LEAST_OF_RANGE: f64 = 0.01;
/// Smallest deviation of a channel, as a share of its level: rounding is no move.
const LEAST_OF_LEVEL: f64 = 1e-9;
/// Deviations that one sample may teach during the warm-up.
const WARMUP_CLIP: f64 = 10.0;
/// Samples that teach everything they have.
const UNCLIPPED: usize = 10;

/// How a head learns; the same for every head of a detector.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) memory: f64,
    pub(super) clip: f64,
    pub(super) shrinkage: f64,
    /// Samples before the first rating.
    pub(super) warmup: usize,
}

/// A moving mean and covariance of readings or residuals, learnt winsorised and
/// shrunk towards independent channels.
///
/// More than 64 channels are cut into blocks of neighbours. Time and memory
/// O(d · min(d, 64)), plus O(d · min(d, 64)²) at each hundredth sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    seen: usize,
    /// Samples since the inversion.
    stale: usize,
    mean: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
    /// Covariance, block after block.
    spread: Vec<f64>,
    /// Deviations in which `precision` counts.
    unit: Vec<f64>,
    /// Inverse of the shrunk correlation, block after block.
    precision: Vec<f64>,
}

/// One channel given the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Given {
    /// What the squared distance would lose if the channel lay where it is expected.
    pub(super) share: f64,
    /// Distance from where it is expected, in channel units.
    pub(super) departure: f64,
}

/// Width of the blocks of `channels`.
fn width(channels: usize) -> usize {
    channels.div_ceil(channels.div_ceil(BLOCK))
}

/// Numbers in the matrices of all blocks.
fn area(channels: usize) -> usize {
    let (width, rest) = (width(channels), channels % width(channels));
    channels / width * width * width + rest * rest
}

impl Head {
    pub(super) fn new(channels: usize) -> Self {
        Self {
            seen: 0,
            stale: 0,
            mean: vec![0.0; channels],
            low: vec![0.0; channels],
            high: vec![0.0; channels],
            spread: vec![0.0; area(channels)],
            unit: vec![1.0; channels],
            precision: vec![0.0; area(channels)],
        }
    }

    pub(super) fn fits(&self, channels: usize) -> bool {
        let rows = [&self.mean, &self.low, &self.high, &self.unit];
        rows.iter().all(|row| row.len() == channels)
            && self.spread.len() == area(channels)
            && self.precision.len() == area(channels)
            && self.unit.iter().all(|unit| *unit > 0.0)
    }

    /// Mean of a channel so far.
    pub(super) fn mean(&self, channel: usize) -> f64 {
        self.mean[channel]
    }

    /// Range that a channel has covered, spikes left out.
    pub(super) fn range(&self, channel: usize) -> f64 {
        self.high[channel] - self.low[channel]
    }

    /// Rates `values`, of channels at about `levels`, into `given`.
    pub(super) fn rate(&self, values: &[f64], levels: &[f64], given: &mut [Given]) {
        let width = width(values.len());
        let mut scaled = vec![0.0; values.len()];
        let mut units = vec![0.0; values.len()];
        for (channel, value) in values.iter().enumerate() {
            // The range includes the sample, so that the first move of a still
            // channel is strange, but not infinitely so.
            let range = self.high[channel].max(*value) - self.low[channel].min(*value);
            let unit = self.deviation(channel, range, levels[channel]).max(self.unit[channel]);
            units[channel] = unit;
            let most = 1.0 / LEAST_OF_RANGE;
            scaled[channel] = ((value - self.mean[channel]) / unit).clamp(-most, most);
        }
        let blocks = scaled.chunks(width).zip(given.chunks_mut(width)).zip(units.chunks(width));
        let mut rest = self.precision.as_slice();
        for ((scaled, given), units) in blocks {
            let matrix;
            (matrix, rest) = rest.split_at(scaled.len() * scaled.len());
            for (at, row) in matrix.chunks_exact(scaled.len()).enumerate() {
                let pull: f64 = row.iter().zip(scaled).map(|(weight, value)| weight * value).sum();
                given[at] =
                    Given { share: pull * pull / row[at], departure: pull / row[at] * units[at] };
            }
        }
    }

    /// Moves mean and covariance towards `values`.
    pub(super) fn learn(&mut self, values: &[f64], levels: &[f64], rule: Rule) {
        let width = width(values.len());
        let weight = (1.0 / (self.seen as f64 + 1.0)).max(1.0 / rule.memory);
        if self.seen == 0 {
            self.mean.copy_from_slice(values);
            self.low.copy_from_slice(values);
            self.high.copy_from_slice(values);
        }
        let mut departure = vec![0.0; values.len()];
        for (channel, value) in values.iter().enumerate() {
            let range = self.range(channel);
            let deviation = self.deviation(channel, range, levels[channel]);
            let reach = match self.seen {
                0..UNCLIPPED => f64::MAX,
                seen if seen < rule.warmup => WARMUP_CLIP * deviation,
                _ => rule.clip * deviation,
            };
            departure[channel] = (value - self.mean[channel]).clamp(-reach, reach);
            self.widen(channel, *value);
            self.mean[channel] += weight * departure[channel];
        }
        let mut rest = self.spread.as_mut_slice();
        for departure in departure.chunks(width) {
            let (matrix, others) = rest.split_at_mut(departure.len() * departure.len());
            rest = others;
            for (row, own) in matrix.chunks_exact_mut(departure.len()).zip(departure) {
                for (slot, value) in row.iter_mut().zip(departure) {
                    *slot = (1.0 - weight) * (*slot + weight * own * value);
                }
            }
        }
        self.seen = self.seen.saturating_add(1);
        self.stale = self.stale.saturating_add(1);
        if self.seen >= rule.warmup
            && (self.seen == rule.warmup || self.stale >= REFRESH.min(self.seen / 10))
        {
            self.refresh(levels, rule.shrinkage);
        }
    }

    /// Widens the range of a channel; it at most doubles with one sample.
    fn widen(&mut self, channel: usize, value: f64) {
        let range = self.range(channel);
        let most = if range > 0.0 { range } else { f64::MAX };
        let (low, high) = (self.low[channel], self.high[channel]);
        self.low[channel] = low.min(value.max(low - most));
        self.high[channel] = high.max(value.min(high + most));
    }

    fn variance(&self, channel: usize) -> f64 {
        let width = width(self.mean.len());
        let (block, place) = (channel / width, channel % width);
        let side = width.min(self.mean.len() - block * width);
        self.spread[block * width * width + place * (side + 1)].max(0.0)
    }

    fn deviation(&self, channel: usize, range: f64, level: f64) -> f64 {
        let least = (LEAST_OF_RANGE * range).max(LEAST_OF_LEVEL * level.abs());
        self.variance(channel).sqrt().hypot(least).max(f64::MIN_POSITIVE)
    }

    /// Inverts the shrunk correlation.
    fn refresh(&mut self, levels: &[f64], shrinkage: f64) {
        let channels = self.mean.len();
        let width = width(channels);
        for (channel, level) in levels.iter().enumerate() {
            self.unit[channel] = self.deviation(channel, self.range(channel), *level);
        }
        let mut start = 0;
        for units in self.unit.chunks(width) {
            let side = units.len();
            let spread = &self.spread[start..start + side * side];
            let correlation = DMatrix::from_fn(side, side, |i, j| {
                let scaled = spread[i * side + j] / units[i] / units[j];
                if i == j { 1.0 } else { (1.0 - shrinkage) * scaled }
            });
            // Shrunk, it is positive definite but for rounding; if that should
            // fail, channels count as independent until the next refresh.
            let inverse = Cholesky::new(correlation)
                .map_or_else(|| DMatrix::identity(side, side), |cholesky| cholesky.inverse());
            self.precision[start..start + side * side].copy_from_slice(inverse.as_slice());
            start += side * side;
        }
        self.stale = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { memory: 20_000.0, clip: 3.0, shrinkage: 0.1, warmup: 100 };

    fn trained(channels: usize) -> Head {
        let mut head = Head::new(channels);
        for at in 0..500 {
            let values: Vec<f64> = (0..channels)
                .map(|channel| {
                    (at as f64 * 0.61).sin() + 0.1 * ((at * 7 + channel * 13) % 11) as f64
                })
                .collect();
            head.learn(&values, &vec![0.0; channels], RULE);
        }
        head
    }

    #[test]
    fn the_channel_that_left_the_others_has_the_largest_share() {
        for channels in [3, 64, 130] {
            let head = trained(channels);
            let mut values = vec![0.5; channels];
            values[channels - 1] = -3.0;
            let mut given = vec![Given { share: 0.0, departure: 0.0 }; channels];
            head.rate(&values, &vec![0.0; channels], &mut given);
            let largest = given.iter().map(|given| given.share).fold(0.0, f64::max);
            assert_eq!(given[channels - 1].share, largest, "{channels} channels");
            let expected = -3.0 - given[channels - 1].departure;
            assert!((expected - 0.5).abs() < 0.6, "{expected} of {channels} channels");
        }
    }

    #[test]
    fn shares_are_what_moving_one_channel_takes_off_the_distance() {
        let head = trained(4);
        let zero = Given { share: 0.0, departure: 0.0 };
        let (mut before, mut after) = (vec![zero; 4], vec![zero; 4]);
        let mut values = vec![0.2, -0.4, 0.9, 0.1];
        head.rate(&values, &[0.0; 4], &mut before);
        values[1] -= before[1].departure;
        head.rate(&values, &[0.0; 4], &mut after);
        assert!(after[1].share < 1e-20 && after[1].departure.abs() < 1e-9, "{after:?}");
    }

    #[test]
    fn blocks_cover_every_channel() {
        for channels in 1..300 {
            assert!(width(channels) <= BLOCK);
            let blocks = vec![0.0; channels];
            let area_of_chunks: usize =
                blocks.chunks(width(channels)).map(|block| block.len().pow(2)).sum();
            assert_eq!(area(channels), area_of_chunks);
        }
    }
}

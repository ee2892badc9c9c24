//! What is left of a channel given its last two readings.

use serde::{Deserialize, Serialize};

/// Samples before the coefficients are fitted; until then the last reading is expected.
const START: usize = 30;
/// Weight that a sample keeps at each step.
const FORGET: f64 = 0.9998;
/// Mean residuals that one sample may teach.
const REACH: f64 = 4.5;
/// Samples over which the size of residuals is followed.
const SIZE: f64 = 5000.0;
/// Units beyond which a channel has outgrown what it was fitted in.
const OUTGROWN: f64 = 1000.0;
/// How little is known of the coefficients at the start.
const UNKNOWN: f64 = 1e4;

/// An autoregression of order two for each channel, by recursive least squares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Autoregression {
    seen: usize,
    channels: Vec<Channel>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Channel {
    centre: f64,
    unit: f64,
    /// The last two readings, newest first, in units from the centre.
    last: [f64; 2],
    /// Intercept and the two coefficients.
    weights: [f64; 3],
    /// Inverse of the weighted cross products.
    inverse: [[f64; 3]; 3],
    /// Mean size of the residual, in units.
    size: f64,
    fitted: usize,
}

impl Channel {
    fn new() -> Self {
        Self {
            centre: 0.0,
            unit: 1.0,
            last: [0.0; 2],
            weights: [0.0, 1.0, 0.0],
            inverse: unknown(),
            size: 0.0,
            fitted: 0,
        }
    }

    fn expected(&self) -> f64 {
        self.weights[0] + self.weights[1] * self.last[0] + self.weights[2] * self.last[1]
    }

    fn fit(&mut self, scaled: f64) {
        let inputs = [1.0, self.last[0], self.last[1]];
        let residual = scaled - self.expected();
        let reach = if self.fitted < START { f64::MAX } else { REACH * self.size };
        let held = residual.clamp(-reach, reach);
        let settle = (1.0 / (self.fitted as f64 + 1.0)).max(1.0 / SIZE);
        self.size += settle * (residual.abs().min(reach) - self.size);
        let row = |row: &[f64; 3]| row.iter().zip(&inputs).map(|(a, b)| a * b).sum::<f64>();
        let pulled = self.inverse.each_ref().map(row);
        let total = FORGET + pulled.iter().zip(&inputs).map(|(a, b)| a * b).sum::<f64>();
        for (weight, pulled) in self.weights.iter_mut().zip(&pulled) {
            *weight += pulled / total * held;
        }
        for (row, left) in self.inverse.iter_mut().zip(&pulled) {
            for (slot, right) in row.iter_mut().zip(&pulled) {
                *slot = (*slot - left * right / total) / FORGET;
            }
        }
        let trace = self.inverse[0][0] + self.inverse[1][1] + self.inverse[2][2];
        // A still channel teaches nothing, so that forgetting alone would go on for ever.
        if !(0.0..=3.0 * UNKNOWN).contains(&trace) {
            self.inverse = unknown();
        }
        self.fitted = self.fitted.saturating_add(1);
    }
}

fn unknown() -> [[f64; 3]; 3] {
    [[UNKNOWN, 0.0, 0.0], [0.0, UNKNOWN, 0.0], [0.0, 0.0, UNKNOWN]]
}

impl Autoregression {
    pub(super) fn new(channels: usize) -> Self {
        Self { seen: 0, channels: vec![Channel::new(); channels] }
    }

    pub(super) fn fits(&self, channels: usize) -> bool {
        self.channels.len() == channels && self.channels.iter().all(|channel| channel.unit > 0.0)
    }

    /// What the last two readings do not account for.
    pub(super) fn residual(&self, channel: usize, reading: f64) -> f64 {
        let channel = &self.channels[channel];
        if self.seen == 0 {
            return 0.0;
        }
        let scaled = (reading - channel.centre) / channel.unit;
        (scaled - channel.expected()) * channel.unit
    }

    /// Takes `readings` in; `mean` and `range` tell of each channel where it lay so far.
    pub(super) fn learn(&mut self, readings: &[f64], mean_range: impl Fn(usize) -> (f64, f64)) {
        for (at, reading) in readings.iter().enumerate() {
            let channel = &mut self.channels[at];
            let (mean, range) = mean_range(at);
            let outgrown = range > OUTGROWN * channel.unit;
            if self.seen == START || (self.seen > START && outgrown) {
                let raw = channel.last.map(|last| channel.centre + last * channel.unit);
                let unit = if range > 0.0 { range } else { mean.abs().max(f64::MIN_POSITIVE) };
                *channel = Channel { centre: mean, unit, ..Channel::new() };
                channel.last = raw.map(|raw| (raw - mean) / unit);
            }
            let scaled = (reading - channel.centre) / channel.unit;
            if self.seen >= START {
                // Held, so that no spike makes the products overflow.
                channel.fit(scaled.clamp(-OUTGROWN, OUTGROWN));
                channel.last = [scaled.clamp(-OUTGROWN, OUTGROWN), channel.last[0]];
            } else {
                channel.last = [scaled, if self.seen == 0 { scaled } else { channel.last[0] }];
            }
        }
        self.seen = self.seen.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_is_foretold_by_its_last_two_readings() {
        let mut model = Autoregression::new(1);
        let reading = |at: usize| 1e6 + 5e4 * (at as f64 * 0.2).sin();
        for at in 0..2000 {
            model.learn(&[reading(at)], |_| (1e6, 1e5));
        }
        assert!(model.residual(0, reading(2000)).abs() < 50.0);
        let jump = model.residual(0, reading(2000) + 3000.0);
        assert!((jump - 3000.0).abs() < 50.0, "{jump}");
    }

    #[test]
    fn a_channel_that_grows_a_thousandfold_is_fitted_anew() {
        let mut model = Autoregression::new(1);
        for at in 0..200 {
            model.learn(&[(at % 3) as f64], |_| (1.0, 2.0));
        }
        for at in 0..2000 {
            model.learn(&[1e9 * (at as f64 * 0.2).sin()], |_| (0.0, 2e9));
        }
        let expected = 1e9 * (2000.0_f64 * 0.2).sin();
        assert!(model.residual(0, expected).abs() < 1e6);
    }
}

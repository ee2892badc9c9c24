//! Residual of a reading against the ones right before it.

use std::collections::VecDeque;

use auscult_core::{
    Band, DetectError, Detector, Explanation, LARGEST_READING, Sample, Score, SettingError,
    Settings, Snapshot, settings,
};
use serde::{Deserialize, Serialize};

use super::follower::{Follower, Judgement, Learning, Unit};
use crate::shared::one_reading;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`Autoregressive`].
    pub struct AutoregressiveSettings {
        /// Readings right before the current one that it is regressed on.
        order: usize = 2, "in 1..=64", |order| (1..=64).contains(order);
        /// What is left of the weight of a sample one sample later.
        forgetting: f64 = 0.9998, "in [0.5, 1)", |forgetting| (0.5..1.0).contains(forgetting);
        /// What the ridge prior weighs, in squared units: a sample weighs about 1.
        penalty: f64 = 1e-4, "in [1e-9, 1e9]", |penalty| (1e-9..=1e9).contains(penalty);
        /// Usual residuals beyond which a sample teaches no more.
        clip: f64 = 2.0, "in [0.1, 1000]", |clip| (0.1..=1000.0).contains(clip);
        /// Samples to learn before the first score; at least four for each of the order.
        warmup: usize = 50, "at least 4", |warmup| *warmup >= 4;
    }
}

pub(super) const METHOD: Method = Method {
    name: "autoregressive",
    title: "Autoregressive residual (AR)",
    summary: "Distance of a reading from what a linear function of the readings before it leads to expect, in usual residuals.",
    sees: "jumps and spikes in a series that moves smoothly or swings, within its usual range too",
    blind: "slow drift and slow changes, which it follows; seasons longer than its order",
    unit: "standard deviations of the residual",
    cost: "O(order²) time per sample, O(order²) memory",
    source: "L. Ljung, T. Söderström, \"Theory and practice of recursive identification\", MIT Press, 1983",
    channels: Channels::One,
    order: Order::Sequence,
    threshold: Threshold::Score(4.0),
    parameters: AutoregressiveSettings::PARAMETERS,
    default_of: AutoregressiveSettings::default_of,
    batch: None,
    pieces: None,
    labelled: None,
    online: Some(|map, _| {
        Ok(Box::new(Autoregressive::new(AutoregressiveSettings::from_map(map)?)?))
    }),
};

/// Distance of a reading from what the readings before it lead to expect.
///
/// An autoregression of order `order` with intercept, by recursive least squares
/// with forgetting and a ridge prior. The score is `|residual| / scale`, where
/// scale is the running root mean square of the residuals as they were learnt. A
/// reading teaches no more than `clip` usual residuals, and stands as that in the
/// past of the next ones, so that a spike neither bends the equation nor echoes.
/// A level that jumps and stays is therefore reported until it is caught up with.
///
/// One channel, evenly spaced. Time and memory O(order²) per sample. Without
/// forgetting and clipping the equation is that of ridge regression on the lagged
/// readings, to 1e-9; see [`auscult_stats::linear::RecursiveRegression`].
///
/// Reference: L. Ljung, T. Söderström, "Theory and practice of recursive
/// identification", MIT Press, 1983. Clipping after P. J. Huber, E. M.
/// Ronchetti, "Robust Statistics", Wiley, 2009.
///
/// ```
/// use auscult_core::{Detector, Sample, Timestamp};
/// use auscult_detect::regression::{Autoregressive, AutoregressiveSettings};
/// let mut detector = Autoregressive::new(AutoregressiveSettings::default())?;
/// let wave = |second: i64| (second as f64 / 5.0).sin() + (second * 7 % 5) as f64 / 100.0;
/// for second in 0..200 {
///     detector.learn(Sample::new(Timestamp::from_seconds(second), &[wave(second)])?)?;
/// }
/// // In its usual range, but not here.
/// let odd = [wave(200) - 0.5];
/// let odd = Sample::new(Timestamp::from_seconds(200), &odd)?;
/// assert!(detector.score(odd)?.ready().is_some_and(|score| score > 4.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Autoregressive {
    settings: AutoregressiveSettings,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    /// During warm-up all readings; then the last `order` as they were learnt,
    /// oldest first.
    recent: VecDeque<f64>,
    /// `None` during warm-up.
    follower: Option<Follower>,
}

const SNAPSHOT_VERSION: u32 = 1;

impl Autoregressive {
    /// A fresh detector of one channel.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: AutoregressiveSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings, state: State { recent: VecDeque::new(), follower: None } })
    }

    fn warmup(&self) -> usize {
        self.settings.warmup.max(4 * self.settings.order)
    }

    fn learning(&self) -> Learning {
        let AutoregressiveSettings { forgetting, penalty, clip, .. } = self.settings;
        Learning { forgetting, prior: penalty, clip }
    }

    /// `reading` and those before it, newest first.
    fn row(&self, reading: f64) -> Vec<f64> {
        let before = self.state.recent.iter().rev().take(self.settings.order);
        std::iter::once(reading).chain(before.copied()).collect()
    }

    fn judge(&self, follower: &Follower, reading: f64) -> Judgement {
        follower.judge(&self.row(reading), &self.learning())[0]
    }

    /// Ends the warm-up.
    fn start(&mut self) {
        let readings: Vec<f64> = self.state.recent.iter().copied().collect();
        let width = self.settings.order + 1;
        let rows: Vec<Vec<f64>> =
            readings.windows(width).map(|row| row.iter().rev().copied().collect()).collect();
        let units = vec![Unit::of(&readings); width];
        self.state.follower = Some(Follower::start(&rows, units, 1, &self.learning()));
        self.state.recent.drain(..readings.len() - self.settings.order);
    }
}

impl Detector for Autoregressive {
    fn channels(&self) -> usize {
        1
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        let reading = one_reading(sample)?;
        Ok(match &self.state.follower {
            None => Score::Warming(self.warmup() - self.state.recent.len()),
            Some(follower) => Score::Ready(self.judge(follower, reading).rate()),
        })
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        let reading = one_reading(sample)?;
        let (row, learning) = (self.row(reading), self.learning());
        match &mut self.state.follower {
            None => {
                self.state.recent.push_back(reading);
                if self.state.recent.len() == self.warmup() {
                    self.start();
                }
            }
            Some(follower) => {
                let learnt = follower.learn(&row, &learning)[0];
                self.state.recent.pop_front();
                self.state.recent.push_back(learnt.clamp(-LARGEST_READING, LARGEST_READING));
            }
        }
        Ok(())
    }

    fn explain(
        &self,
        sample: Sample<'_>,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        let reading = one_reading(sample)?;
        let Some(follower) = &self.state.follower else { return Ok(None) };
        let judgement = self.judge(follower, reading);
        let hold = |reading: f64| reading.clamp(-LARGEST_READING, LARGEST_READING);
        let reach = judgement.spread.reach(threshold);
        let (low, high) = (hold(judgement.expected - reach), hold(judgement.expected + reach));
        let band = Some(Band { low, high });
        Ok(Some(Explanation::of_one(hold(judgement.expected), band, judgement.rate())))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &self.state)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        let state: State = snapshot.read(METHOD.name, SNAPSHOT_VERSION)?;
        let held = state.recent.iter().all(|reading| reading.abs() <= LARGEST_READING);
        let fits = match &state.follower {
            None => state.recent.len() < self.warmup(),
            Some(follower) => {
                state.recent.len() == self.settings.order
                    && follower.is_sound(self.settings.order + 1, 1)
            }
        };
        if !held || !fits {
            return Err(snapshot.refused(METHOD.name, "it is of another `order`, or damaged"));
        }
        self.state = state;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auscult_core::Timestamp;

    #[test]
    fn a_spike_in_a_wave_is_found_and_does_not_echo() {
        let mut detector = Autoregressive::new(AutoregressiveSettings::default()).expect("fits");
        let wave = |at: u32| (f64::from(at) / 6.0).sin() + f64::from(at * 7 % 11) / 200.0;
        let scores: Vec<f64> = (0..600)
            .map(|at| {
                let reading = [wave(at) + if at == 400 { 0.8 } else { 0.0 }];
                let sample = Sample::new(Timestamp::from_seconds(0), &reading).expect("finite");
                detector.update(sample).expect("one channel").ready().unwrap_or(0.0)
            })
            .collect();
        let found: Vec<usize> = (0..600).filter(|at| scores[*at] > 7.0).collect();
        assert_eq!(found, [400], "{:?}", &scores[395..410]);
    }
}

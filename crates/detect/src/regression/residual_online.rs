//! Residual of each column against the others, in a stream.

use auscult_core::{
    Band, DetectError, Detector, Explanation, LARGEST_READING, Sample, Score, SettingError,
    Settings, Snapshot,
};
use serde::{Deserialize, Serialize};

use super::follower::{Follower, Judgement, Learning, Unit};
use super::residual::{METHOD, RegressionSettings};

/// Distance of each channel from what the other channels lead to expect.
///
/// The [`Regression`](super::Regression) of a stream: every channel is regressed
/// on all others by recursive least squares, which forgets with `forgetting` and
/// holds coefficients by a ridge prior of `penalty`. The score of a sample is the
/// largest `|residual| / scale` over the channels, or of `target` alone, where
/// scale is the running root mean square of the residuals as they were learnt.
/// No channel teaches more than `clip` usual residuals, so that a fault hardly
/// becomes the norm; a relation that changes for good is followed all the same.
///
/// Several channels, in units of their median absolute deviations during the
/// warm-up of `warmup` samples, or three for each channel. Misses channels that
/// go astray together in their usual proportion. Time O(channels²) per sample,
/// memory O(channels²).
///
/// Without forgetting and clipping the equations are those of ridge regression
/// in closed form, to 1e-9; see [`auscult_stats::linear::RecursiveRegression`].
///
/// Reference: L. Ljung, T. Söderström, "Theory and practice of recursive
/// identification", MIT Press, 1983. Clipping after P. J. Huber, E. M.
/// Ronchetti, "Robust Statistics", Wiley, 2009.
///
/// ```
/// use auscult_core::{Detector, Sample, Timestamp};
/// use auscult_detect::regression::{RegressionDetector, RegressionSettings};
/// let mut detector = RegressionDetector::new(RegressionSettings::default(), 2)?;
/// for second in 0..200_i64 {
///     // Watts follow load.
///     let (load, off) = ((second * 7 % 20) as f64, (second * 3 % 5) as f64);
///     let sample = [load, 100.0 + 10.0 * load + off];
///     detector.learn(Sample::new(Timestamp::from_seconds(second), &sample)?)?;
/// }
/// // Both are usual by themselves.
/// let odd = detector.score(Sample::new(Timestamp::from_seconds(200), &[18.0, 150.0])?)?;
/// assert!(odd.ready().is_some_and(|score| score > 20.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct RegressionDetector {
    target: Option<usize>,
    warmup: usize,
    learning: Learning,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    channels: usize,
    /// The samples of the warm-up; empty after it.
    early: Vec<Vec<f64>>,
    /// `None` during warm-up.
    follower: Option<Follower>,
}

const SNAPSHOT_VERSION: u32 = 1;

impl RegressionDetector {
    /// A fresh detector of `channels` channels.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range, a `target` beyond the channels,
    /// or an `estimator` that needs all rows at once.
    pub fn new(settings: RegressionSettings, channels: usize) -> Result<Self, SettingError> {
        settings.check()?;
        settings.estimator.check_pieces()?;
        if let Some(target) = settings.target.filter(|target| *target > channels) {
            return Err(SettingError::Range {
                key: "target",
                value: target.to_string(),
                range: "at most the number of columns",
            });
        }
        Ok(Self {
            target: settings.target.map(|target| target - 1),
            warmup: settings.warmup.max(3 * channels),
            learning: settings.learning(),
            state: State { channels, early: Vec::new(), follower: None },
        })
    }

    /// What is made of every channel, in order.
    fn judge(&self, follower: &Follower, sample: Sample<'_>) -> Vec<Judgement> {
        follower.judge(&sample.readings().collect::<Vec<f64>>(), &self.learning)
    }

    /// The rating of each channel; 0 for those that are not watched.
    fn rates(&self, judgements: &[Judgement]) -> Vec<f64> {
        let watched = |channel: usize| self.target.is_none_or(|target| target == channel);
        let rate = |(channel, judgement): (usize, &Judgement)| {
            if watched(channel) { judgement.rate() } else { 0.0 }
        };
        judgements.iter().enumerate().map(rate).collect()
    }
}

impl Detector for RegressionDetector {
    fn channels(&self) -> usize {
        self.state.channels
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        DetectError::check_channels(self.channels(), sample.channels())?;
        Ok(match &self.state.follower {
            None => Score::Warming(self.warmup - self.state.early.len()),
            Some(follower) => {
                let rates = self.rates(&self.judge(follower, sample));
                Score::Ready(rates.into_iter().fold(0.0, f64::max))
            }
        })
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        DetectError::check_channels(self.channels(), sample.channels())?;
        let row: Vec<f64> = sample.readings().collect();
        if let Some(follower) = &mut self.state.follower {
            follower.learn(&row, &self.learning);
            return Ok(());
        }
        self.state.early.push(row);
        if self.state.early.len() == self.warmup {
            let (rows, channels) = (std::mem::take(&mut self.state.early), self.channels());
            let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<f64>>();
            let units = (0..channels).map(|at| Unit::of(&column(at))).collect();
            let follower = Follower::start(&rows, units, channels, &self.learning);
            self.state.follower = Some(follower);
        }
        Ok(())
    }

    fn explain(
        &self,
        sample: Sample<'_>,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels(), sample.channels())?;
        let Some(follower) = &self.state.follower else { return Ok(None) };
        let judgements = self.judge(follower, sample);
        let rates = self.rates(&judgements);
        let largest = rates.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        // Squares stand the culprit out; scaled first, so that they stay finite.
        let parts: Vec<f64> = rates.iter().map(|rate| (rate / largest).powi(2)).collect();
        let hold = |reading: f64| reading.clamp(-LARGEST_READING, LARGEST_READING);
        let expected = judgements.iter().map(|judgement| hold(judgement.expected)).collect();
        // For its own residual; what a channel does to those of the others is not in it.
        let band = |judgement: &Judgement| {
            let reach = judgement.spread.reach(threshold);
            Band { low: hold(judgement.expected - reach), high: hold(judgement.expected + reach) }
        };
        let bands = judgements.iter().map(band).collect();
        Ok(Some(Explanation::new(expected, Some(bands), Explanation::shares(&parts))))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &self.state)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        let state: State = snapshot.read(METHOD.name, SNAPSHOT_VERSION)?;
        let channels = self.channels();
        let held = |row: &Vec<f64>| {
            row.len() == channels && row.iter().all(|reading| reading.abs() <= LARGEST_READING)
        };
        let fits = match &state.follower {
            None => state.early.len() < self.warmup && state.early.iter().all(held),
            Some(follower) => state.early.is_empty() && follower.is_sound(channels, channels),
        };
        if state.channels != channels || !fits {
            let reason = "it has another number of channels, or is damaged";
            return Err(snapshot.refused(METHOD.name, reason));
        }
        self.state = state;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auscult_core::Timestamp;

    fn rate(detector: &mut RegressionDetector, row: &[f64]) -> f64 {
        let sample = Sample::new(Timestamp::from_seconds(0), row).expect("finite");
        detector.update(sample).expect("its width").ready().unwrap_or(0.0)
    }

    fn row(at: u32) -> [f64; 3] {
        let (a, b) = (f64::from(at * 7 % 23), f64::from(at * 5 % 17));
        [a, b, 3.0 + 2.0 * a - b + f64::from(at * 11 % 7) / 10.0]
    }

    #[test]
    fn one_broken_column_is_blamed_and_not_learnt() {
        let mut detector =
            RegressionDetector::new(RegressionSettings::default(), 3).expect("in range");
        (0..300).for_each(|at| {
            rate(&mut detector, &row(at));
        });
        let mut odd = row(300);
        odd[2] += 12.0;
        let sample = Sample::new(Timestamp::from_seconds(0), &odd).expect("finite");
        let told = detector.explain(sample, 4.0).expect("its width").expect("warm");
        assert!((told.expected[2] - row(300)[2]).abs() < 1.0, "{told:?}");
        // For ten samples in a row it reads too much, and stands out to the end.
        let scores: Vec<f64> = (300..310)
            .map(|at| {
                let mut odd = row(at);
                odd[2] += 12.0;
                rate(&mut detector, &odd)
            })
            .collect();
        assert!(scores.iter().all(|score| *score > 10.0), "{scores:?}");
        let after = rate(&mut detector, &row(310));
        assert!(after < 4.0, "{after}");
    }

    #[test]
    fn a_relation_that_changes_for_good_is_followed() {
        let settings = RegressionSettings { forgetting: 0.99, ..Default::default() };
        let mut detector = RegressionDetector::new(settings, 3).expect("in range");
        let changed = |at: u32| {
            let [a, b, _] = row(at);
            [a, b, 40.0 - a + f64::from(at * 11 % 7) / 10.0]
        };
        (0..300).for_each(|at| {
            rate(&mut detector, &row(at));
        });
        assert!(rate(&mut detector, &changed(300)) > 10.0);
        let last: Vec<f64> = (301..3000).map(|at| rate(&mut detector, &changed(at))).collect();
        assert!(last[2500..].iter().all(|score| *score < 4.0), "{:?}", &last[2690..]);
    }

    #[test]
    fn robust_estimators_and_columns_that_are_not_there_are_refused() {
        use super::super::line::Estimator;
        let huber = RegressionSettings { estimator: Estimator::Huber, ..Default::default() };
        assert!(RegressionDetector::new(huber, 2).is_err());
        let target = RegressionSettings { target: Some(3), ..Default::default() };
        let error = RegressionDetector::new(target, 2).expect_err("two columns");
        assert_eq!(error.to_string(), "`target = 3`: must be at most the number of columns");
    }
}

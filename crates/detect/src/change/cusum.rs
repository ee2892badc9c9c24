//! Cumulative sums of what exceeds the usual.

use auscult_core::{
    DetectError, Detector, Explanation, Sample, Score, SettingError, Settings, Snapshot, settings,
};
use auscult_stats::moments::Moments;
use auscult_stats::resolution::RunningResolution;
use serde::{Deserialize, Serialize};

use super::side::{Side, standardised};
use crate::shared::{Spread, missing, one_reading};
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`Cusum`].
    pub struct CusumSettings {
        /// Slack `k`: half of the smallest shift worth finding, in deviations.
        k: f64 = 0.5, "0 to 100", |k| (0.0..=100.0).contains(k);
        /// Decision interval `h`, in deviations: an alarm is raised above it.
        h: f64 = 5.0, "above 0", |h| *h > 0.0;
        /// Samples to learn the reference from, at the start and after each alarm.
        warmup: usize = 50, "at least 2", |warmup| *warmup >= 2;
        /// What the reference is learnt from: `running`, all samples up to the
        /// current one; or `warmup`, the first ones only, as in a control chart of phase II.
        reference: Reference = Reference::Running, "running or warmup", |_| true;
        /// Whether to start afresh after an alarm and learn a new reference.
        /// Otherwise an alarm lasts until the mean is back.
        restart: bool = true, "true or false", |_| true;
        /// Which shifts to look for.
        side: Side = Side::Both, "up, down or both", |_| true;
    }
}

/// What the reference mean and deviation of [`Cusum`] are learnt from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reference {
    /// Every sample before the current one, since the last alarm.
    Running,
    /// The first samples since the last alarm, and then no more.
    Warmup,
}

pub(super) const METHOD: Method = Method {
    name: "cusum",
    title: "Cumulative sum control chart (CUSUM)",
    summary: "Adds up what exceeds the usual by more than a slack, upwards and downwards.",
    sees: "small lasting shifts of the mean that no single reading gives away; large ones at once",
    blind: "changes of spread or shape; counts on readings that do not depend on one another, so takes seasons and slow drift for shifts; after an alarm it sees nothing while it learns anew",
    unit: "decision intervals",
    cost: "O(1) time per sample, O(1) memory",
    source: "E. S. Page, \"Continuous inspection schemes\", Biometrika 41(1/2), 1954",
    channels: Channels::One,
    order: Order::Free,
    threshold: Threshold::Score(1.0),
    parameters: CusumSettings::PARAMETERS,
    default_of: CusumSettings::default_of,
    batch: None,
    pieces: None,
    labelled: None,
    online: Some(|map, _| Ok(Box::new(Cusum::new(CusumSettings::from_map(map)?)?))),
};

/// Two-sided tabular CUSUM of the standardised readings.
///
/// With `z = (x - mean) / deviation`, the upper sum is `max(0, S + z - k)`,
/// the lower one `max(0, S - z - k)`; the score is the larger one over `h`, so
/// that 1 is the decision of the chart. Mean and deviation (n - 1) are of the samples
/// before `x`, the deviation at least what rounding to their smallest step leaves. With the defaults, clean normal readings raise an alarm about
/// once in 465 samples, a shift by one deviation is found after about 10. One
/// channel. Time and memory O(1) per sample.
///
/// After an alarm it starts afresh, and scores 0 while it learns the new
/// reference. [`Cusum::run`] says since when the mean has been off.
///
/// Reference: E. S. Page, "Continuous inspection schemes", Biometrika 41(1/2),
/// 1954; in the tabular form of D. C. Montgomery, "Introduction to statistical
/// quality control", Wiley. The running reference follows D. M. Hawkins,
/// "Self-starting CUSUM charts for location and scale", The Statistician
/// 36(4), 1987, without his transformation to exact normality.
///
/// ```
/// use auscult_core::{Detector, Sample, Timestamp};
/// use auscult_detect::change::{Cusum, CusumSettings, Side};
/// let mut cusum = Cusum::new(CusumSettings { warmup: 40, restart: false, ..Default::default() })?;
/// for second in 0..50 {
///     // From second 40 on, one deviation too much.
///     let watts = 300.0 + f64::from(second % 2 * 2) + f64::from(second / 40);
///     cusum.learn(Sample::new(Timestamp::from_seconds(second.into()), &[watts])?)?;
/// }
/// let run = cusum.run().expect("the mean is off");
/// assert_eq!(run.side, Side::Up);
/// assert!((9..=10).contains(&run.samples), "{run:?}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Cusum {
    settings: CusumSettings,
    state: State,
}

/// For how long the mean has been off, as a CUSUM estimates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Whether it is too high or too low; never [`Side::Both`].
    pub side: Side,
    /// Samples since the sum was last 0, the newest included.
    pub samples: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    reference: Moments,
    /// Of all samples, also those before the last alarm.
    #[serde(default)]
    resolution: RunningResolution,
    rise: Sum,
    fall: Sum,
    /// The newest sample raised an alarm.
    alarm: bool,
    /// Once ready, it scores 0 instead of warming up again.
    ready: bool,
}

/// One of the two sums, and how many samples it has been positive for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sum {
    value: f64,
    samples: u64,
}

impl Sum {
    fn after(self, excess: f64) -> Self {
        let value = self.value + excess;
        if value > 0.0 {
            Self { value, samples: self.samples.saturating_add(1) }
        } else {
            Self::default()
        }
    }
}

const SNAPSHOT_VERSION: u32 = 1;

impl Cusum {
    /// A fresh detector of one channel.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: CusumSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings, state: State::default() })
    }

    /// For how long the mean has been off; `None` when it is not, as far as
    /// the sums say.
    #[must_use]
    pub fn run(&self) -> Option<Run> {
        let State { rise, fall, .. } = &self.state;
        let rises = self.settings.side == Side::Up
            || self.settings.side == Side::Both && rise.value >= fall.value;
        let (side, sum) = if rises { (Side::Up, rise) } else { (Side::Down, fall) };
        (sum.samples > 0).then_some(Run { side, samples: sum.samples })
    }

    /// Whether the next sample meets a fresh detector.
    fn restarts(&self) -> bool {
        self.settings.restart && self.state.alarm
    }

    fn missing(&self) -> usize {
        missing(self.settings.warmup, self.state.reference.count())
    }

    fn spread(&self) -> Spread {
        let State { reference, resolution, .. } = &self.state;
        let samples = reference.count() as f64;
        Spread::of(reference.mean(), reference.deviation(1), samples, resolution)
    }

    /// Both sums with `reading` added; `None` while there is no reference.
    fn sums(&self, reading: f64) -> Option<(Sum, Sum)> {
        if self.restarts() || self.missing() > 0 {
            return None;
        }
        let z = standardised(reading, self.state.reference.mean(), self.spread());
        let State { rise, fall, .. } = self.state;
        Some((rise.after(z - self.settings.k), fall.after(-z - self.settings.k)))
    }

    fn rate(&self, sums: Option<(Sum, Sum)>) -> Score {
        match sums {
            Some((rise, fall)) => {
                let larger = self.settings.side.larger(rise.value, fall.value);
                Score::Ready((larger / self.settings.h).min(f64::MAX))
            }
            None if self.state.ready => Score::Ready(0.0),
            None => Score::Warming(self.missing()),
        }
    }

    fn take(&mut self, reading: f64, sums: Option<(Sum, Sum)>) {
        if self.restarts() {
            let resolution = self.state.resolution;
            self.state = State { resolution, ready: true, ..State::default() };
        }
        let learns = self.settings.reference == Reference::Running || self.missing() > 0;
        if let Some((rise, fall)) = sums {
            let alarm = self.settings.side.larger(rise.value, fall.value) > self.settings.h;
            self.state = State { rise, fall, alarm, ready: true, ..self.state };
        }
        if learns {
            self.state.reference.push(reading);
        }
        self.state.resolution.push(reading);
    }
}

impl Detector for Cusum {
    fn channels(&self) -> usize {
        1
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        Ok(self.rate(self.sums(one_reading(sample)?)))
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        self.update(sample).map(|_| ())
    }

    fn update(&mut self, sample: Sample<'_>) -> Result<Score, DetectError> {
        let reading = one_reading(sample)?;
        let sums = self.sums(reading);
        let score = self.rate(sums);
        self.take(reading, sums);
        Ok(score)
    }

    fn explain(
        &self,
        sample: Sample<'_>,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        let Some(score) = self.score(sample)?.ready() else { return Ok(None) };
        let State { reference, rise, fall, .. } = &self.state;
        if self.restarts() || self.missing() > 0 {
            return Ok(Some(Explanation::of_one(reference.mean(), None, score)));
        }
        // How far a reading may go until a sum passes the threshold.
        let room = |sum: &Sum| threshold * self.settings.h + self.settings.k - sum.value;
        let spread = self.spread();
        let low = reference.mean() - spread.reach(room(fall));
        let high = reference.mean() + spread.reach(room(rise));
        let band = self.settings.side.band(low, high);
        Ok(Some(Explanation::of_one(reference.mean(), band, score)))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &self.state)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        let state: State = snapshot.read(METHOD.name, SNAPSHOT_VERSION)?;
        if state.rise.value < 0.0 || state.fall.value < 0.0 {
            return Err(snapshot.refused(METHOD.name, "its sums are below 0"));
        }
        if !state.resolution.is_sound() {
            return Err(snapshot.refused(METHOD.name, "its steps cannot be"));
        }
        self.state = state;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use auscult_core::Timestamp;

    use super::*;

    fn alarms(settings: CusumSettings, readings: impl IntoIterator<Item = f64>) -> Vec<usize> {
        let mut cusum = Cusum::new(settings).expect("in range");
        let mut rate = |reading| {
            let sample = [reading];
            let sample = Sample::new(Timestamp::from_seconds(0), &sample).expect("finite");
            cusum.update(sample).expect("one channel").ready().unwrap_or(0.0)
        };
        let scores: Vec<f64> = readings.into_iter().map(&mut rate).collect();
        (0..scores.len()).filter(|at| scores[*at] > 1.0).collect()
    }

    /// 0, 1, 0, 1…, shifted by `shift` from sample 60 on.
    fn shifted(shift: f64) -> impl Iterator<Item = f64> {
        (0..130).map(move |at| f64::from(at % 2) + if at < 60 { 0.0 } else { shift })
    }

    #[test]
    fn a_shift_raises_one_alarm_and_becomes_the_new_usual() {
        assert_eq!(alarms(CusumSettings::default(), shifted(2.0)), [61]);
        assert_eq!(alarms(CusumSettings::default(), shifted(-2.0)), [61]);
    }

    #[test]
    fn without_restart_the_alarm_lasts() {
        let settings =
            CusumSettings { restart: false, reference: Reference::Warmup, ..Default::default() };
        assert_eq!(alarms(settings, shifted(2.0)), (61..130).collect::<Vec<_>>());
    }

    #[test]
    fn one_side_hears_nothing_of_the_other() {
        let up = || CusumSettings { side: Side::Up, ..Default::default() };
        assert!(alarms(up(), shifted(-2.0)).is_empty());
        assert_eq!(alarms(up(), shifted(2.0)), [61]);
    }
}

//! The Page-Hinkley test.

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
    /// Settings of [`PageHinkley`].
    pub struct PageHinkleySettings {
        /// Change that is tolerated, in deviations (or in units of the reading, see `standardise`).
        delta: f64 = 0.005, "0 to 1e9", |delta| (0.0..=1e9).contains(delta);
        /// Statistic above which a change is called, in the same units.
        lambda: f64 = 50.0, "above 0", |lambda| *lambda > 0.0;
        /// Factor by which the sums fade with each sample; 1 to forget nothing.
        alpha: f64 = 0.9999, "in (0, 1]", |alpha| *alpha > 0.0 && *alpha <= 1.0;
        /// The first sample that is tested, counted from 1 after the start and
        /// after each change; those before it are only learnt.
        warmup: usize = 30, "at least 3", |warmup| *warmup >= 3;
        /// Whether to measure in standard deviations of the samples so far, and
        /// sum from the first tested sample on. Otherwise in units of the
        /// reading and from the first sample on, as the `PageHinkley` of river does.
        standardise: bool = true, "true or false", |_| true;
        /// Which changes to look for.
        side: Side = Side::Both, "up, down or both", |_| true;
    }
}

pub(super) const METHOD: Method = Method {
    name: "page-hinkley",
    title: "Page-Hinkley test",
    summary: "Adds up deviations from the running mean and looks how far the sum has moved from its extreme.",
    sees: "lasting shifts of the mean, also small ones after a while",
    blind: "single outliers; changes of spread or shape; counts on readings that do not depend on one another, so takes seasons and drift for shifts; after a change it sees nothing while it learns anew",
    unit: "decision thresholds",
    cost: "O(1) time per sample, O(1) memory",
    source: "D. V. Hinkley, \"Inference about the change-point from cumulative sum tests\", Biometrika 58(3), 1971",
    channels: Channels::One,
    order: Order::Free,
    threshold: Threshold::Score(1.0),
    parameters: PageHinkleySettings::PARAMETERS,
    default_of: PageHinkleySettings::default_of,
    batch: None,
    pieces: None,
    labelled: None,
    online: Some(|map, _| Ok(Box::new(PageHinkley::new(PageHinkleySettings::from_map(map)?)?))),
};

/// How far the sum of deviations from the running mean has moved from its
/// extreme.
///
/// With the mean up to and including `x`, `z = (x - mean) / deviation`, the
/// rising sum is `alpha S + z - delta`, the falling one `alpha S + z + delta`;
/// the statistic is the larger of the rising sum above its least and the
/// falling sum below its largest value so far. The score is the statistic over `lambda`, so
/// that 1 is the decision of the test. After a change the next sample starts
/// afresh, and the score is 0 until it is tested again. One channel. Time and
/// memory O(1) per sample.
///
/// With `standardise = false` the deviation is 1, and the statistics and
/// detections are those of `river.drift.PageHinkley`. Its defaults for `delta`
/// and `lambda` were made for error rates; deviations make them fit any unit.
///
/// Reference: E. S. Page, "Continuous inspection schemes", Biometrika 41(1/2),
/// 1954; D. V. Hinkley, "Inference about the change-point from cumulative sum
/// tests", Biometrika 58(3), 1971.
///
/// ```
/// use auscult_core::{Detector, Sample, Timestamp};
/// use auscult_detect::change::{PageHinkley, PageHinkleySettings};
/// let mut test = PageHinkley::new(PageHinkleySettings::default())?;
/// let mut changes = Vec::new();
/// for second in 0..300 {
///     let watts = if second < 200 { 300.0 } else { 310.0 } + f64::from(second % 3);
///     let score = test.update(Sample::new(Timestamp::from_seconds(second.into()), &[watts])?)?;
///     if score.ready().is_some_and(|score| score > 1.0) {
///         changes.push(second);
///     }
/// }
/// assert_eq!(changes, [206]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct PageHinkley {
    settings: PageHinkleySettings,
    state: State,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    seen: Moments,
    /// Of all samples, also those before the last change.
    #[serde(default)]
    resolution: RunningResolution,
    /// `None` until the first deviation is summed.
    sums: Option<Sums>,
    /// The newest sample was a change.
    changed: bool,
    /// Once ready, it scores 0 instead of warming up again.
    ready: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sums {
    rising: f64,
    least: f64,
    falling: f64,
    largest: f64,
}

const SNAPSHOT_VERSION: u32 = 1;

impl PageHinkley {
    /// A fresh detector of one channel.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: PageHinkleySettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings, state: State::default() })
    }

    /// Samples to learn before the next one is tested.
    fn missing(&self) -> usize {
        missing(self.settings.warmup - 1, self.state.seen.count())
    }

    /// The state with `reading` taken in.
    fn after(&self, reading: f64) -> State {
        let fresh = State { resolution: self.state.resolution, ready: true, ..State::default() };
        let before = if self.state.changed { &fresh } else { &self.state };
        let mut seen = before.seen;
        seen.push(reading);
        let mut resolution = before.resolution;
        resolution.push(reading);
        let tested = seen.count() >= self.settings.warmup as u64;
        if self.settings.standardise && !tested {
            return State { seen, resolution, ..before.clone() };
        }
        let deviation = if self.settings.standardise {
            standardised(reading, seen.mean(), spread(before))
        } else {
            reading - seen.mean()
        };
        let sums = self.add(before.sums, deviation);
        let changed = tested && self.statistic(&sums) > self.settings.lambda;
        State { seen, resolution, sums: Some(sums), changed, ready: before.ready || tested }
    }

    fn add(&self, before: Option<Sums>, deviation: f64) -> Sums {
        let PageHinkleySettings { alpha, delta, .. } = self.settings;
        let Some(Sums { rising, least, falling, largest }) = before else {
            let (rising, falling) = (deviation - delta, deviation + delta);
            return Sums { rising, least: rising, falling, largest: falling };
        };
        let rising = alpha * rising + deviation - delta;
        let falling = alpha * falling + deviation + delta;
        Sums { rising, least: least.min(rising), falling, largest: largest.max(falling) }
    }

    fn statistic(&self, sums: &Sums) -> f64 {
        self.settings.side.larger(sums.rising - sums.least, sums.largest - sums.falling)
    }

    /// What the sample that led to `after` scores.
    fn rate(&self, after: &State) -> Score {
        if !after.ready {
            return Score::Warming(self.missing());
        }
        let tested = after.seen.count() >= self.settings.warmup as u64;
        let statistic = after.sums.filter(|_| tested).map_or(0.0, |sums| self.statistic(&sums));
        Score::Ready((statistic / self.settings.lambda).min(f64::MAX))
    }
}

/// How far the samples of `state` spread.
fn spread(state: &State) -> Spread {
    let State { seen, resolution, .. } = state;
    Spread::of(seen.mean(), seen.deviation(1), seen.count() as f64, resolution)
}

impl Detector for PageHinkley {
    fn channels(&self) -> usize {
        1
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        Ok(self.rate(&self.after(one_reading(sample)?)))
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        self.state = self.after(one_reading(sample)?);
        Ok(())
    }

    fn update(&mut self, sample: Sample<'_>) -> Result<Score, DetectError> {
        let after = self.after(one_reading(sample)?);
        let score = self.rate(&after);
        self.state = after;
        Ok(score)
    }

    fn explain(
        &self,
        sample: Sample<'_>,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        let Some(score) = self.score(sample)?.ready() else { return Ok(None) };
        let expected = self.state.seen.mean();
        let PageHinkleySettings { alpha, delta, lambda, standardise, side, .. } = self.settings;
        let Some(sums) = self.state.sums.filter(|_| !self.state.changed && self.missing() == 0)
        else {
            return Ok(Some(Explanation::of_one(expected, None, score)));
        };
        // A reading moves the mean towards itself, so that it may go further.
        let count = self.state.seen.count() as f64 + 1.0;
        let spread = spread(&self.state);
        let reach = |z: f64| {
            let apart = if standardise { spread.reach(z.abs()).copysign(z) } else { z };
            apart * count / (count - 1.0)
        };
        let high = threshold * lambda + sums.least - alpha * sums.rising + delta;
        let low = sums.largest - threshold * lambda - alpha * sums.falling - delta;
        let band = side.band(expected + reach(low), expected + reach(high));
        Ok(Some(Explanation::of_one(expected, band, score)))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &self.state)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        let state: State = snapshot.read(METHOD.name, SNAPSHOT_VERSION)?;
        let possible = |sums: &Sums| sums.least <= sums.rising && sums.largest >= sums.falling;
        if !state.sums.as_ref().is_none_or(possible) {
            return Err(snapshot.refused(METHOD.name, "its sums are beyond their extremes"));
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

    #[test]
    fn the_band_ends_where_the_score_passes_the_threshold() {
        for standardise in [true, false] {
            let settings = PageHinkleySettings { lambda: 20.0, standardise, ..Default::default() };
            let mut test = PageHinkley::new(settings).expect("in range");
            let score_at = |test: &PageHinkley, reading: f64| {
                let sample = [reading];
                let sample = Sample::new(Timestamp::from_seconds(0), &sample).expect("finite");
                let explanation = test.explain(sample, 1.0).expect("one channel");
                (test.score(sample).expect("one channel").ready(), explanation)
            };
            for at in 0..100 {
                let sample = [f64::from(at * 37 % 11) / 3.0];
                let sample = Sample::new(Timestamp::from_seconds(0), &sample).expect("finite");
                test.learn(sample).expect("one channel");
            }
            let (_, explanation) = score_at(&test, 0.0);
            let band = explanation.and_then(|it| it.band).expect("a band")[0];
            for end in [band.low, band.high] {
                let (score, _) = score_at(&test, end);
                assert!((score.expect("ready") - 1.0).abs() < 1e-9, "{band:?}: {score:?}");
            }
        }
    }
}

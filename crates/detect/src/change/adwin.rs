//! Adaptive windowing.

use auscult_core::{
    DetectError, Detector, Explanation, Sample, Score, SettingError, Settings, Snapshot, settings,
};
use auscult_stats::moments::Moments;
use serde::{Deserialize, Serialize};

use super::side::{in_units, unit_of_still};
use crate::shared::{missing, one_reading};
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`Adwin`].
    pub struct AdwinSettings {
        /// Probability of calling a change where there is none, for readings in 0 to 1.
        delta: f64 = 0.002, "in (0, 1)", |delta| *delta > 0.0 && *delta < 1.0;
        /// A test every so many samples; the score is 0 in between. 32 in river.
        clock: u64 = 1, "at least 1", |clock| *clock >= 1;
        /// Most buckets of one size; more make the places to cut finer.
        max_buckets: usize = 5, "1 to 1000", |most| (1..=1000).contains(most);
        /// Fewest samples on either side of a cut.
        min_window: u64 = 5, "1 to 1e9", |least| (1..=1_000_000_000).contains(least);
        /// No test until there are more samples than this in the window.
        grace: u64 = 10, "1 to 1e9", |grace| (1..=1_000_000_000).contains(grace);
        /// Samples to learn before the first score, also the unit.
        warmup: usize = 30, "2 to 100000", |warmup| (2..=100_000).contains(warmup);
        /// Whether to measure in deviations from the mean of the warm-up.
        /// Otherwise in units of the reading, as the `ADWIN` of river does.
        standardise: bool = true, "true or false", |_| true;
    }
}

pub(super) const METHOD: Method = Method {
    name: "adwin",
    title: "Adaptive windowing (ADWIN)",
    summary: "Keeps a window as long as its mean is steady, and cuts it where the two parts differ too much.",
    sees: "lasting shifts of the mean of any size, given time in proportion",
    blind: "single outliers of moderate size; changes of spread or shape; takes seasons and drift for shifts",
    unit: "cut thresholds",
    cost: "O(log n) time per test, O(log n) memory",
    source: "A. Bifet, R. Gavaldà, \"Learning from time-changing data with adaptive windowing\", SIAM International Conference on Data Mining, 2007",
    channels: Channels::One,
    order: Order::Free,
    threshold: Threshold::Score(1.0),
    parameters: AdwinSettings::PARAMETERS,
    default_of: AdwinSettings::default_of,
    batch: None,
    pieces: None,
    labelled: None,
    online: Some(|map, _| Ok(Box::new(Adwin::new(AdwinSettings::from_map(map)?)?))),
};

/// How much the means of the two parts of a window differ, at the best cut.
///
/// The window holds all samples since the last change, in buckets of 1, 2, 4…
/// samples. Every test tries each border between buckets as a cut; the score
/// is the largest difference of means over its threshold, so that 1 is a
/// change. After a change the next sample starts a new window. One channel. Time O(log n) per test,
/// memory O(log n) for a window of `n` samples.
///
/// With `standardise = false` and `clock = 32` the detections are those of
/// `river.drift.ADWIN`. The threshold is made for readings in 0 to 1;
/// deviations make it fit any unit.
///
/// Reference: A. Bifet, R. Gavaldà, "Learning from time-changing data with
/// adaptive windowing", SIAM International Conference on Data Mining, 2007
/// (ADWIN2). As river we start afresh after a change, where the paper keeps the newer part.
///
/// ```
/// use auscult_core::{Detector, Sample, Timestamp};
/// use auscult_detect::change::{Adwin, AdwinSettings};
/// let mut adwin = Adwin::new(AdwinSettings::default())?;
/// let mut changes = Vec::new();
/// for second in 0..300 {
///     let watts = if second < 200 { 300.0 } else { 305.0 } + f64::from(second % 3);
///     let score = adwin.update(Sample::new(Timestamp::from_seconds(second.into()), &[watts])?)?;
///     if score.ready().is_some_and(|score| score > 1.0) {
///         changes.push(second);
///     }
/// }
/// assert!(changes.len() == 1 && (200..215).contains(&changes[0]), "{changes:?}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Adwin {
    settings: AdwinSettings,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    /// The warm-up, for the unit.
    early: Moments,
    /// The unit that came after a warm-up of equal samples.
    #[serde(default)]
    late_unit: Option<f64>,
    window: Window,
    /// The newest sample was a change.
    changed: bool,
}

/// A window in buckets, whose sizes double from row to row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Window {
    /// Row `i` holds the totals of buckets of `2^i` samples, oldest first; the
    /// last row holds the oldest samples of all.
    rows: Vec<Vec<f64>>,
    /// Samples since the last change.
    width: u64,
    total: f64,
    /// Sum of squared deviations from the mean.
    squares: f64,
}

const SNAPSHOT_VERSION: u32 = 1;
/// Rows of buckets that no stream can ever fill.
const MOST_ROWS: usize = 50;

impl Adwin {
    /// A fresh detector of one channel.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: AdwinSettings) -> Result<Self, SettingError> {
        settings.check()?;
        let state = State {
            early: Moments::default(),
            late_unit: None,
            window: Window::default(),
            changed: false,
        };
        Ok(Self { settings, state })
    }

    /// Samples since the last change.
    #[must_use]
    pub fn width(&self) -> u64 {
        self.state.window.width
    }

    fn missing(&self) -> usize {
        missing(self.settings.warmup, self.state.early.count())
    }

    /// Whether all samples of the warm-up were equal.
    fn is_still(&self) -> bool {
        let early = &self.state.early;
        early.deviation(1) <= f64::EPSILON * early.mean().abs()
    }

    /// What counts as 1 when `reading` comes in.
    fn unit(&self, reading: f64) -> f64 {
        let early = &self.state.early;
        if !self.is_still() {
            return early.deviation(1);
        }
        self.state.late_unit.or_else(|| unit_of_still(reading, early.mean())).unwrap_or(1.0)
    }

    fn measure(&self, reading: f64) -> f64 {
        if self.settings.standardise {
            in_units(reading, self.state.early.mean(), self.unit(reading))
        } else {
            reading
        }
    }

    /// Takes `reading` into `window`, the current one; returns what the test
    /// says of it.
    fn advance(&self, window: &mut Window, reading: f64) -> f64 {
        if self.state.changed {
            *window = Window::default();
        }
        window.push(self.measure(reading), self.settings.max_buckets);
        let tested = window.width.is_multiple_of(self.settings.clock);
        if tested && window.width > self.settings.grace { window.test(&self.settings) } else { 0.0 }
    }
}

impl Window {
    fn push(&mut self, value: f64, max_buckets: usize) {
        if self.width > 0 {
            let before = self.width as f64;
            let apart = value - self.total / before;
            self.squares += before / (before + 1.0) * apart * apart;
        }
        self.width += 1;
        self.total += value;
        let mut carried = value;
        for row in 0..MOST_ROWS {
            if row == self.rows.len() {
                self.rows.push(Vec::with_capacity(max_buckets + 1));
            }
            let buckets = &mut self.rows[row];
            buckets.push(carried);
            if buckets.len() <= max_buckets {
                return;
            }
            // The two oldest become one of twice the size, the newest of the next row.
            carried = buckets[0] + buckets[1];
            buckets.drain(..2);
        }
    }

    /// The largest difference of means over its threshold, at any cut.
    fn test(&self, settings: &AdwinSettings) -> f64 {
        let width = self.width as f64;
        let confidence = (2.0 * width.ln() / settings.delta).ln();
        let variance = self.squares / width;
        let least = settings.min_window as f64;
        let (mut older, mut older_total) = (0.0, 0.0);
        let mut largest: f64 = 0.0;
        for (row, buckets) in self.rows.iter().enumerate().rev() {
            let size = (1_u64 << row) as f64;
            for bucket in buckets {
                older += size;
                older_total += bucket;
                let newer = width - older;
                if older < least || newer < least {
                    continue;
                }
                let apart = older_total / older - (self.total - older_total) / newer;
                let weight = 1.0 / (older - least + 1.0) + 1.0 / (newer - least + 1.0);
                let threshold =
                    (2.0 * weight * variance * confidence).sqrt() + 2.0 / 3.0 * confidence * weight;
                largest = largest.max(apart.abs() / threshold);
            }
        }
        largest.min(f64::MAX)
    }

    /// Whether the rows can hold `width` samples as they say.
    fn is_possible(&self, max_buckets: usize) -> bool {
        let fits = self.rows.len() <= MOST_ROWS
            && self.rows.iter().all(|buckets| buckets.len() <= max_buckets);
        let sizes =
            self.rows.iter().enumerate().map(|(row, buckets)| (buckets.len() as u64) << row);
        fits && sizes.sum::<u64>() == self.width && self.squares >= 0.0
    }
}

impl Detector for Adwin {
    fn channels(&self) -> usize {
        1
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        let reading = one_reading(sample)?;
        Ok(match self.missing() {
            0 => Score::Ready(self.advance(&mut self.state.window.clone(), reading)),
            missing => Score::Warming(missing),
        })
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        self.update(sample).map(|_| ())
    }

    fn update(&mut self, sample: Sample<'_>) -> Result<Score, DetectError> {
        let reading = one_reading(sample)?;
        let missing = self.missing();
        if missing > 0 {
            self.state.early.push(reading);
            if self.settings.standardise {
                // Without a unit there is nothing to put into the window.
                return Ok(Score::Warming(missing));
            }
        }
        if self.settings.standardise && self.is_still() && self.state.late_unit.is_none() {
            self.state.late_unit = unit_of_still(reading, self.state.early.mean());
        }
        let mut window = std::mem::take(&mut self.state.window);
        let score = self.advance(&mut window, reading);
        self.state.changed = score > 1.0;
        self.state.window = window;
        Ok(if missing > 0 { Score::Warming(missing) } else { Score::Ready(score) })
    }

    fn explain(
        &self,
        sample: Sample<'_>,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        let Some(score) = self.score(sample)?.ready() else { return Ok(None) };
        let window = &self.state.window;
        let early = &self.state.early;
        let mean = window.total / (window.width.max(1) as f64);
        let expected = if self.settings.standardise {
            early.mean() + mean * self.unit(early.mean())
        } else {
            mean
        };
        Ok(Some(Explanation::of_one(expected, None, score)))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &self.state)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        let state: State = snapshot.read(METHOD.name, SNAPSHOT_VERSION)?;
        let unit = state.late_unit.is_none_or(|unit| unit > 0.0 && unit.is_finite());
        if !state.window.is_possible(self.settings.max_buckets) || !unit {
            return Err(snapshot.refused(METHOD.name, "its window cannot be"));
        }
        self.state = state;
        Ok(())
    }
}

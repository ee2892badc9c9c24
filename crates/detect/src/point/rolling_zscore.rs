//! Distance from the mean of the last few samples.

use auscult_core::{
    DetectError, Detector, Explanation, Sample, Score, SettingError, Settings, Snapshot, settings,
};
use auscult_stats::sliding::SlidingMoments;

use super::location::Location;
use super::usual::{explain_sample, score_sample};
use crate::shared::one_reading;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`RollingZScore`].
    pub struct RollingZScoreSettings {
        /// Samples that the mean and the deviation are taken over, the current one excluded.
        window: usize = 100, "2 to 10000000", |window| (2..=10_000_000).contains(window);
        /// Samples to learn before the first score; at most the window counts.
        warmup: usize = 30, "at least 2", |warmup| *warmup >= 2;
        /// Delta degrees of freedom: the variance is the sum of squares over
        /// `n - ddof`. 1 as in pandas.
        ddof: u64 = 1, "0 or 1", |ddof| *ddof <= 1;
    }
}

pub(super) const METHOD: Method = Method {
    name: "rolling-zscore",
    title: "Rolling z-score",
    summary: "Distance from the mean of the last samples, in their standard deviations.",
    sees: "single readings far from the recent past; follows trends and new levels within a window",
    blind: "anomalies longer than the window; an outlier widens the deviation until it leaves the window",
    unit: "standard deviations",
    cost: "O(1) time per sample on average, O(window) memory",
    source: "F. E. Grubbs, \"Procedures for detecting outlying observations in samples\", Technometrics 11(1), 1969",
    channels: Channels::One,
    order: Order::Free,
    threshold: Threshold::Score(3.0),
    parameters: RollingZScoreSettings::PARAMETERS,
    default_of: RollingZScoreSettings::default_of,
    batch: None,
    pieces: None,
    labelled: None,
    online: Some(|map, _| Ok(Box::new(RollingZScore::new(RollingZScoreSettings::from_map(map)?)?))),
};

/// Distance from the mean of the last `window` samples, in their standard
/// deviations.
///
/// The score of sample `x` is `|x - mean| / deviation`, both of the samples
/// before it, so that a sample does not hide itself; the root of their number
/// where all of them are equal. One channel. Time O(1)
/// per sample on average, memory O(window).
///
/// Mean and deviation equal those of `x.rolling(window).shift(1)` in pandas; a
/// huge sample leaves no rounding behind when it leaves the window.
///
/// Reference: F. E. Grubbs, "Procedures for detecting outlying observations in
/// samples", Technometrics 11(1), 1969, on a sliding window.
///
/// ```
/// use auscult_core::{Detector, Sample, Score, Timestamp};
/// use auscult_detect::point::{RollingZScore, RollingZScoreSettings};
/// let settings = RollingZScoreSettings { window: 3, warmup: 3, ..Default::default() };
/// let mut detector = RollingZScore::new(settings)?;
/// for watts in [90.0, 300.0, 302.0, 301.0] {
///     detector.learn(Sample::new(Timestamp::from_seconds(0), &[watts])?)?;
/// }
/// let score = detector.score(Sample::new(Timestamp::from_seconds(4), &[306.0])?)?;
/// assert_eq!(score, Score::Ready(5.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct RollingZScore {
    settings: RollingZScoreSettings,
    recent: SlidingMoments,
}

const SNAPSHOT_VERSION: u32 = 1;

impl RollingZScore {
    /// A fresh detector of one channel.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: RollingZScoreSettings) -> Result<Self, SettingError> {
        settings.check()?;
        let recent = SlidingMoments::new(settings.window);
        Ok(Self { settings, recent })
    }

    fn missing(&self) -> usize {
        self.settings.warmup.min(self.settings.window).saturating_sub(self.recent.len())
    }

    fn location(&self) -> Location {
        let moments = self.recent.moments();
        Location::new(moments.mean(), moments.deviation(self.settings.ddof), moments.count())
    }
}

impl Detector for RollingZScore {
    fn channels(&self) -> usize {
        1
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        score_sample(sample, self.missing(), || self.location())
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        self.recent.push(one_reading(sample)?);
        Ok(())
    }

    fn explain(
        &self,
        sample: Sample<'_>,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        explain_sample(sample, threshold, self.missing(), || self.location())
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &self.recent)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        let recent: SlidingMoments = snapshot.read(METHOD.name, SNAPSHOT_VERSION)?;
        if recent.window() != self.settings.window {
            return Err(snapshot.refused(METHOD.name, "it has another window"));
        }
        self.recent = recent;
        Ok(())
    }
}

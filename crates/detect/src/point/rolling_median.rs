//! Distance from the median of the last few samples.

use auscult_core::{
    DetectError, Detector, Explanation, Sample, Score, SettingError, Settings, Snapshot, settings,
};
use auscult_stats::sliding::SlidingOrder;

use super::location::Location;
use super::mad::robust_location;
use super::usual::{explain_sample, score_sample};
use crate::shared::one_reading;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`RollingMedian`].
    pub struct RollingMedianSettings {
        /// Samples that the median and the deviation are taken over, the current one excluded.
        window: usize = 100, "2 to 10000000", |window| (2..=10_000_000).contains(window);
        /// Samples to learn before the first score; at most the window counts.
        warmup: usize = 30, "at least 2", |warmup| *warmup >= 2;
    }
}

pub(super) const METHOD: Method = Method {
    name: "rolling-median",
    title: "Rolling median and median absolute deviation",
    summary: "Distance from the median of the last samples, in their median absolute deviations.",
    sees: "single readings and short bursts far from the recent past; follows trends and new levels",
    blind: "anomalies longer than half the window; seasons as short as the window, which widen the deviation",
    unit: "robust standard deviations",
    cost: "O(log window) comparisons and a move of at most window numbers per sample; O(window) memory",
    source: "L. Davies, U. Gather, \"The identification of multiple outliers\", Journal of the American Statistical Association 88(423), 1993",
    channels: Channels::One,
    order: Order::Free,
    threshold: Threshold::Score(3.5),
    parameters: RollingMedianSettings::PARAMETERS,
    default_of: RollingMedianSettings::default_of,
    batch: None,
    pieces: None,
    labelled: None,
    online: Some(|map, _| Ok(Box::new(RollingMedian::new(RollingMedianSettings::from_map(map)?)?))),
};

/// Distance from the median of the last `window` samples, in their median
/// absolute deviations scaled to standard deviations.
///
/// The score of sample `x` is `|x - median| / (1.4826 MAD)`, both of the
/// samples before it: the Hampel identifier, looking backwards only. When more
/// than half of the window is equal, the mean absolute deviation takes the
/// place of the MAD, as in [`Mad`](super::Mad). One channel. Time O(log
/// window) comparisons and a move of at most `window` numbers per sample,
/// memory O(window).
///
/// Reference: L. Davies, U. Gather, "The identification of multiple
/// outliers", Journal of the American Statistical Association 88(423), 1993.
///
/// ```
/// use auscult_core::{Detector, Sample, Timestamp};
/// use auscult_detect::point::{RollingMedian, RollingMedianSettings};
/// let mut detector = RollingMedian::new(RollingMedianSettings { window: 5, warmup: 5 })?;
/// for watts in [302.0, 300.0, 90.0, 302.0, 301.0] {
///     detector.learn(Sample::new(Timestamp::from_seconds(0), &[watts])?)?;
/// }
/// // The median is 301, half of the window lies within 1 of it.
/// let score = detector.score(Sample::new(Timestamp::from_seconds(5), &[311.0])?)?;
/// assert!(score.ready().is_some_and(|score| (score - 10.0 / 1.4826).abs() < 1e-4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct RollingMedian {
    settings: RollingMedianSettings,
    recent: SlidingOrder,
}

const SNAPSHOT_VERSION: u32 = 1;

impl RollingMedian {
    /// A fresh detector of one channel.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: RollingMedianSettings) -> Result<Self, SettingError> {
        settings.check()?;
        let recent = SlidingOrder::new(settings.window);
        Ok(Self { settings, recent })
    }

    fn missing(&self) -> usize {
        self.settings.warmup.min(self.settings.window).saturating_sub(self.recent.len())
    }

    fn location(&self) -> Location {
        let (median, deviation) = self.recent.median_deviation();
        let samples = self.recent.len() as u64;
        robust_location(median, deviation, samples, || self.recent.mean_deviation())
    }
}

impl Detector for RollingMedian {
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
        let recent: SlidingOrder = snapshot.read(METHOD.name, SNAPSHOT_VERSION)?;
        if recent.window() != self.settings.window {
            return Err(snapshot.refused(METHOD.name, "it has another window"));
        }
        self.recent = recent;
        Ok(())
    }
}

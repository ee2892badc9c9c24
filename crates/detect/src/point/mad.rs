//! Distance from the median, in robust deviations.

use auscult_core::{
    DetectError, Detector, Estimator, Explanation, Fit, FitError, Frame, Model, Sample, Score,
    SettingError, Settings, Snapshot, settings,
};
use auscult_stats::quantile::{
    MAD_TO_DEVIATION, MEAN_TO_DEVIATION, mean_deviation, median_deviation,
};
use auscult_stats::sketch::QuantileSketch;

use super::location::Location;
use super::sketched::{FromSketch, Sketched};
use super::usual::{Usual, explain_row, explain_sample, score_rows, score_sample};
use crate::shared::{missing, one_channel, one_reading};
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`Mad`] and [`MadDetector`].
    pub struct MadSettings {
        /// Samples of a stream to learn before the first score.
        warmup: usize = 30, "at least 2", |warmup| *warmup >= 2;
    }
}

pub(super) const METHOD: Method = Method {
    name: "mad",
    title: "Modified z-score (median absolute deviation)",
    summary: "Distance from the median of the whole history, in median absolute deviations.",
    sees: "single readings far outside the usual spread, however many there are up to half of all",
    blind: "seasons, trends and level shifts; lopsided data, whose long tail it takes for outliers",
    unit: "robust standard deviations",
    cost: "O(n) time and memory; online O(1) time per sample on average, 9 kB",
    source: "B. Iglewicz, D. C. Hoaglin, \"How to detect and handle outliers\", ASQC Quality Press, 1993",
    channels: Channels::One,
    order: Order::Free,
    threshold: Threshold::Score(3.5),
    parameters: MadSettings::PARAMETERS,
    default_of: MadSettings::default_of,
    batch: Some(|map| Ok(Box::new(Mad::new(MadSettings::from_map(map)?)?))),
    pieces: None,
    labelled: None,
    online: Some(|map, _| Ok(Box::new(MadDetector::new(MadSettings::from_map(map)?)?))),
};

/// Median and robust deviation as a centre and a scale.
///
/// `mean_deviation` is asked for only when more than half of the readings are
/// equal, so that the median absolute deviation is 0.
pub(super) fn robust_location(
    median: f64,
    median_deviation: f64,
    samples: u64,
    mean_deviation: impl FnOnce() -> f64,
) -> Location {
    let scale = if median_deviation > 0.0 {
        MAD_TO_DEVIATION * median_deviation
    } else {
        MEAN_TO_DEVIATION * mean_deviation()
    };
    Location::new(median, scale, samples)
}

/// Distance from the median of the whole history, in median absolute
/// deviations scaled to standard deviations.
///
/// The score of reading `x` is `|x - median| / (1.4826 MAD)`, which is the
/// modified z-score `0.6745 |x - median| / MAD` of Iglewicz and Hoaglin. Up to
/// half of the readings can be outliers without hiding one another. When more
/// than half of the readings are equal, the MAD is 0; the scale is then
/// `1.2533` times the mean absolute deviation from the median, as they
/// advise; and 0 everywhere when all are equal, later readings that differ being
/// `sqrt(n)` away. One channel. Time O(n), memory O(n).
///
/// The scale equals `scipy.stats.median_abs_deviation(x, scale='normal')`.
///
/// Reference: B. Iglewicz, D. C. Hoaglin, "How to detect and handle outliers",
/// ASQC Quality Press, 1993.
///
/// ```
/// use auscult_core::{Estimator, Frame};
/// use auscult_detect::point::{Mad, MadSettings};
/// let watts = [300.0, 302.0, 301.0, 299.0, 90.0, 88.0];
/// let fit = Mad::new(MadSettings::default())?.fit(&Frame::of_column(&watts)?)?;
/// assert!(fit.scores[4] > 60.0 && fit.scores[5] > 60.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Mad {}

impl Mad {
    /// A modified z-score; `settings` matter to streams only.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: MadSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self {})
    }
}

impl Estimator for Mad {
    type Fitted = MadModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<MadModel>, FitError> {
        let readings = one_channel(history)?;
        FitError::check_rows(2, readings.len())?;
        let (median, deviation) = median_deviation(readings);
        let mean_deviation = || mean_deviation(readings, median);
        let samples = readings.len() as u64;
        let location = robust_location(median, deviation, samples, mean_deviation);
        let model = MadModel { location };
        let scores = model.location.rate_all(history);
        Ok(Fit { model, scores })
    }
}

/// Median and robust deviation of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct MadModel {
    location: Location,
}

impl Model for MadModel {
    fn channels(&self) -> usize {
        1
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        score_rows(self.location, rows)
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        explain_row(self.location, rows, row, threshold)
    }
}

/// Distance from the median of all samples so far, in robust deviations.
///
/// The [`Mad`] of a stream: each sample is rated against those before it,
/// which all weigh the same however old. Median and deviation come from a
/// [`QuantileSketch`]: exact for the first 512 samples up to a lag of a
/// sixteenth, then within about 1.5 % in rank. One channel. Time O(1)
/// per sample on average, memory 9 kB.
///
/// Reference: as [`Mad`] and [`QuantileSketch`].
///
/// ```
/// use auscult_core::{Detector, Sample, Timestamp};
/// use auscult_detect::point::{MadDetector, MadSettings};
/// let mut detector = MadDetector::new(MadSettings { warmup: 4 })?;
/// for watts in [300.0, 302.0, 90.0, 301.0] {
///     detector.learn(Sample::new(Timestamp::from_seconds(0), &[watts])?)?;
/// }
/// let score = detector.score(Sample::new(Timestamp::from_seconds(4), &[88.0])?)?;
/// assert!(score.ready().is_some_and(|score| score > 100.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct MadDetector {
    settings: MadSettings,
    stream: Sketched<Location>,
}

const SNAPSHOT_VERSION: u32 = 1;

impl MadDetector {
    /// A fresh detector of one channel.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: MadSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings, stream: Sketched::new(QuantileSketch::default()) })
    }

    fn missing(&self) -> usize {
        missing(self.settings.warmup, self.stream.count())
    }
}

impl FromSketch for Location {
    fn from_sketch(sketch: &QuantileSketch) -> Self {
        let (median, deviation) = sketch.median_deviation();
        robust_location(median, deviation, sketch.count(), || sketch.mean_deviation(median))
    }
}

impl Detector for MadDetector {
    fn channels(&self) -> usize {
        1
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        score_sample(sample, self.missing(), || self.stream.usual())
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        self.stream.push(one_reading(sample)?);
        Ok(())
    }

    fn explain(
        &self,
        sample: Sample<'_>,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        explain_sample(sample, threshold, self.missing(), || self.stream.usual())
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, self.stream.sketch())
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        self.stream = Sketched::new(snapshot.read(METHOD.name, SNAPSHOT_VERSION)?);
        Ok(())
    }
}

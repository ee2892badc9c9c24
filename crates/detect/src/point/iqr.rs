//! Distance beyond the quartiles, in interquartile ranges.

use auscult_core::{
    Band, DetectError, Detector, Estimator, Explanation, Fit, FitError, Frame, Model, Sample,
    Score, SettingError, Settings, Snapshot, settings,
};
use auscult_stats::quantile::{MEAN_TO_DEVIATION, mean_deviation, quantile};
use auscult_stats::sketch::QuantileSketch;

use super::sketched::{FromSketch, Sketched};
use super::usual::{Usual, explain_row, explain_sample, score_rows, score_sample};
use crate::shared::{Spread, missing, one_channel, one_reading};
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`Iqr`] and [`IqrDetector`].
    pub struct IqrSettings {
        /// Samples of a stream to learn before the first score.
        warmup: usize = 30, "at least 2", |warmup| *warmup >= 2;
    }
}

pub(super) const METHOD: Method = Method {
    name: "iqr",
    title: "Tukey's fences (interquartile range)",
    summary: "Distance beyond the nearer quartile of the whole history, in interquartile ranges.",
    sees: "single readings far outside the usual spread, also of lopsided data; a quarter of all can be outliers",
    blind: "seasons, trends and level shifts; anything between the quartiles",
    unit: "interquartile ranges",
    cost: "O(n) time and memory; online O(1) time per sample on average, 9 kB",
    source: "J. W. Tukey, \"Exploratory data analysis\", Addison-Wesley, 1977",
    channels: Channels::One,
    order: Order::Free,
    threshold: Threshold::Score(1.5),
    parameters: IqrSettings::PARAMETERS,
    default_of: IqrSettings::default_of,
    batch: Some(|map| Ok(Box::new(Iqr::new(IqrSettings::from_map(map)?)?))),
    pieces: None,
    labelled: None,
    online: Some(|map, _| Ok(Box::new(IqrDetector::new(IqrSettings::from_map(map)?)?))),
};

/// Quartiles of a history, and how far a reading lies beyond them.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Quartiles {
    lower: f64,
    median: f64,
    upper: f64,
    range: Spread,
}

/// The interquartile range of a normal distribution of deviation 1.
const DEVIATION_TO_RANGE: f64 = 1.348_979_500_392_163_5;

impl Quartiles {
    /// The quartiles of so many readings.
    ///
    /// The mean absolute deviation from the median is asked for only when half
    /// of the readings are equal, so that the quartiles are.
    fn new(
        [lower, median, upper]: [f64; 3],
        samples: u64,
        mean_deviation: impl FnOnce() -> f64,
    ) -> Self {
        let range = if upper - lower > f64::EPSILON * lower.abs().max(upper.abs()) {
            upper - lower
        } else {
            DEVIATION_TO_RANGE * MEAN_TO_DEVIATION * mean_deviation()
        };
        Self { lower, median, upper, range: Spread::known(median, range, samples as f64) }
    }
}

impl Usual for Quartiles {
    fn rate(self, reading: f64) -> f64 {
        self.range.rate((self.lower - reading).max(reading - self.upper).max(0.0))
    }

    fn explain(self, reading: f64, threshold: f64) -> Explanation {
        let reach = self.range.reach(threshold);
        let fences = Band { low: self.lower - reach, high: self.upper + reach };
        Explanation::of_one(self.median, Some(fences), self.rate(reading))
    }
}

/// Distance beyond the nearer quartile of the whole history, in interquartile
/// ranges.
///
/// The score of reading `x` is `max(q1 - x, x - q3, 0) / (q3 - q1)`, so that a
/// threshold of 1.5 draws Tukey's inner fences and 3 his outer ones. Quartiles are interpolated
/// linearly, as NumPy does by default. Readings between the quartiles
/// score 0. When half of the readings are equal, so that the quartiles are, the
/// range is that of a normal distribution with their mean absolute deviation.
/// One channel. Time O(n), memory O(n).
///
/// Reference: J. W. Tukey, "Exploratory data analysis", Addison-Wesley, 1977.
/// His hinges differ slightly from interpolated quartiles in short histories.
///
/// ```
/// use auscult_core::{Estimator, Frame};
/// use auscult_detect::point::{Iqr, IqrSettings};
/// let watts = [300.0, 304.0, 302.0, 298.0, 90.0];
/// let fit = Iqr::new(IqrSettings::default())?.fit(&Frame::of_column(&watts)?)?;
/// // The quartiles are 298 and 302.
/// assert_eq!(fit.scores, [0.0, 0.5, 0.0, 0.0, 52.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Iqr {}

impl Iqr {
    /// Tukey's fences; `settings` matter to streams only.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: IqrSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self {})
    }
}

impl Estimator for Iqr {
    type Fitted = IqrModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<IqrModel>, FitError> {
        let mut readings = one_channel(history)?.to_vec();
        FitError::check_rows(2, readings.len())?;
        let quartiles = [0.25, 0.5, 0.75].map(|share| quantile(&mut readings, share));
        let mean_deviation = || mean_deviation(&readings, quartiles[1]);
        let quartiles = Quartiles::new(quartiles, readings.len() as u64, mean_deviation);
        let model = IqrModel { quartiles };
        let scores = model.quartiles.rate_all(history);
        Ok(Fit { model, scores })
    }
}

/// Quartiles of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct IqrModel {
    quartiles: Quartiles,
}

impl Model for IqrModel {
    fn channels(&self) -> usize {
        1
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        score_rows(self.quartiles, rows)
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        explain_row(self.quartiles, rows, row, threshold)
    }
}

/// Distance beyond the quartiles of all samples so far, in interquartile ranges.
///
/// The [`Iqr`] of a stream: each sample is rated against those before it,
/// which all weigh the same however old. The quartiles come from a
/// [`QuantileSketch`]: exact for the first 512 samples up to a lag of a
/// sixteenth, then within about 1.5 % in rank. One channel. Time O(1)
/// per sample on average, memory 9 kB.
///
/// Reference: as [`Iqr`] and [`QuantileSketch`].
///
/// ```
/// use auscult_core::{Detector, Sample, Timestamp};
/// use auscult_detect::point::{IqrDetector, IqrSettings};
/// let mut detector = IqrDetector::new(IqrSettings { warmup: 4 })?;
/// for watts in [300.0, 302.0, 299.0, 301.0] {
///     detector.learn(Sample::new(Timestamp::from_seconds(0), &[watts])?)?;
/// }
/// let score = detector.score(Sample::new(Timestamp::from_seconds(4), &[88.0])?)?;
/// assert!(score.ready().is_some_and(|score| score > 100.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct IqrDetector {
    settings: IqrSettings,
    stream: Sketched<Quartiles>,
}

const SNAPSHOT_VERSION: u32 = 1;

impl IqrDetector {
    /// A fresh detector of one channel.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: IqrSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings, stream: Sketched::new(QuantileSketch::default()) })
    }

    fn missing(&self) -> usize {
        missing(self.settings.warmup, self.stream.count())
    }
}

impl FromSketch for Quartiles {
    fn from_sketch(sketch: &QuantileSketch) -> Self {
        let quartiles = [0.25, 0.5, 0.75].map(|share| sketch.quantile(share));
        Quartiles::new(quartiles, sketch.count(), || sketch.mean_deviation(quartiles[1]))
    }
}

impl Detector for IqrDetector {
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

//! Distance from the mean, in standard deviations.

use auscult_core::{
    Accumulator, DetectError, Detector, Estimator, Explanation, Fit, FitError, Frame, Model,
    Sample, Score, SettingError, Settings, Snapshot, settings,
};
use auscult_stats::moments::Moments;

use super::location::Location;
use super::usual::{Usual, explain_row, explain_sample, score_rows, score_sample};
use crate::shared::{missing, one_channel, one_reading};
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`ZScore`] and [`ZScoreDetector`].
    pub struct ZScoreSettings {
        /// Delta degrees of freedom: the variance is the sum of squares over
        /// `n - ddof`. 0 as in SciPy, 1 as in pandas.
        ddof: u64 = 0, "0 or 1", |ddof| *ddof <= 1;
        /// Samples of a stream to learn before the first score.
        warmup: usize = 30, "at least 2", |warmup| *warmup >= 2;
    }
}

pub(super) const METHOD: Method = Method {
    name: "zscore",
    title: "z-score",
    summary: "Distance from the mean of the whole history, in standard deviations.",
    sees: "single readings far outside the usual spread, of data without trend or season",
    blind: "seasons, trends and level shifts; many large outliers widen the deviation and hide one another",
    unit: "standard deviations",
    cost: "O(n) time; O(1) memory in pieces or online",
    source: "F. E. Grubbs, \"Procedures for detecting outlying observations in samples\", Technometrics 11(1), 1969",
    channels: Channels::One,
    order: Order::Free,
    threshold: Threshold::Score(3.0),
    parameters: ZScoreSettings::PARAMETERS,
    default_of: ZScoreSettings::default_of,
    batch: Some(|map| Ok(Box::new(ZScore::new(ZScoreSettings::from_map(map)?)?))),
    pieces: Some(|map, _| {
        let settings = ZScoreSettings::from_map(map)?;
        Ok(Box::new(ZScorePieces { settings, moments: Moments::default() }))
    }),
    labelled: None,
    online: Some(|map, _| Ok(Box::new(ZScoreDetector::new(ZScoreSettings::from_map(map)?)?))),
};

/// Distance from the mean of the whole history, in standard deviations.
///
/// The score of reading `x` is `|x - mean| / deviation`; 0 everywhere when all
/// readings are equal, later ones that differ being `sqrt(n)` away. One channel.
/// Time O(n), memory O(1) beyond the scores.
///
/// Equals `abs(scipy.stats.zscore(x, ddof))`.
///
/// Reference: F. E. Grubbs, "Procedures for detecting outlying observations in
/// samples", Technometrics 11(1), 1969.
///
/// ```
/// use auscult_core::{Estimator, Frame, Model};
/// use auscult_detect::point::{ZScore, ZScoreSettings};
/// let watts = [300.0, 302.0, 301.0, 299.0, 90.0];
/// let fit = ZScore::new(ZScoreSettings::default())?.fit(&Frame::of_column(&watts)?)?;
/// assert!(fit.scores[4] > 1.9 && fit.scores[..4].iter().all(|score| *score < 0.6));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ZScore {
    settings: ZScoreSettings,
}

impl ZScore {
    /// A z-score with `settings`.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: ZScoreSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }
}

impl Estimator for ZScore {
    type Fitted = ZScoreModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<ZScoreModel>, FitError> {
        let model = ZScoreModel::new(&Moments::of(one_channel(history)?), &self.settings)?;
        let scores = model.location().rate_all(history);
        Ok(Fit { model, scores })
    }
}

/// Mean and standard deviation of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct ZScoreModel {
    /// Mean of the history.
    pub mean: f64,
    /// Standard deviation of the history.
    pub deviation: f64,
    rows: u64,
}

impl ZScoreModel {
    fn new(moments: &Moments, settings: &ZScoreSettings) -> Result<Self, FitError> {
        FitError::check_rows(2, usize::try_from(moments.count()).unwrap_or(usize::MAX))?;
        let deviation = moments.deviation(settings.ddof);
        Ok(Self { mean: moments.mean(), deviation, rows: moments.count() })
    }

    fn location(&self) -> Location {
        Location::new(self.mean, self.deviation, self.rows)
    }
}

impl Model for ZScoreModel {
    fn channels(&self) -> usize {
        1
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        score_rows(self.location(), rows)
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        explain_row(self.location(), rows, row, threshold)
    }
}

/// A z-score that reads its history in pieces.
#[derive(Debug)]
struct ZScorePieces {
    settings: ZScoreSettings,
    moments: Moments,
}

impl Accumulator for ZScorePieces {
    fn observe(&mut self, rows: &Frame<'_>) -> Result<(), DetectError> {
        DetectError::check_channels(1, rows.channels())?;
        self.moments.merge(&Moments::of(rows.readings()));
        Ok(())
    }

    // Subtracting, dividing and rounding keep distances in order.
    fn valley(&self) -> Option<Result<Box<dyn Model>, FitError>> {
        let model = ZScoreModel::new(&self.moments, &self.settings);
        Some(model.map(|model| Box::new(model) as Box<dyn Model>))
    }

    fn finish(self: Box<Self>) -> Result<Box<dyn Model>, FitError> {
        Ok(Box::new(ZScoreModel::new(&self.moments, &self.settings)?))
    }
}

/// Distance from the mean of all samples so far, in standard deviations.
///
/// The [`ZScore`] of a stream: each sample is rated against those before it,
/// which all weigh the same however old. One channel. Time O(1) per sample,
/// memory O(1).
///
/// Reference: B. P. Welford, "Note on a method for calculating corrected sums
/// of squares and products", Technometrics 4(3), 1962, for the running mean
/// and variance.
///
/// ```
/// use auscult_core::{Detector, Sample, Timestamp};
/// use auscult_detect::point::{ZScoreDetector, ZScoreSettings};
/// let settings = ZScoreSettings { warmup: 3, ..Default::default() };
/// let mut detector = ZScoreDetector::new(settings)?;
/// for watts in [300.0, 302.0, 301.0] {
///     detector.learn(Sample::new(Timestamp::from_seconds(0), &[watts])?)?;
/// }
/// let score = detector.score(Sample::new(Timestamp::from_seconds(3), &[90.0])?)?;
/// assert!(score.ready().is_some_and(|score| score > 100.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ZScoreDetector {
    settings: ZScoreSettings,
    moments: Moments,
}

const SNAPSHOT_VERSION: u32 = 1;

impl ZScoreDetector {
    /// A fresh detector of one channel.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: ZScoreSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings, moments: Moments::default() })
    }

    fn missing(&self) -> usize {
        missing(self.settings.warmup, self.moments.count())
    }

    fn location(&self) -> Location {
        let Self { moments, settings } = self;
        Location::new(moments.mean(), moments.deviation(settings.ddof), moments.count())
    }
}

impl Detector for ZScoreDetector {
    fn channels(&self) -> usize {
        1
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        score_sample(sample, self.missing(), || self.location())
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        self.moments.push(one_reading(sample)?);
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
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &self.moments)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        self.moments = snapshot.read(METHOD.name, SNAPSHOT_VERSION)?;
        Ok(())
    }
}

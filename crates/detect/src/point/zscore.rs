//! Distance from the mean, in standard deviations.

use auscult_core::{
    Accumulator, Band, DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, Settings,
    settings,
};
use auscult_stats::moments::Moments;

use crate::shared::{one_channel, ratio};
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`ZScore`].
    pub struct ZScoreSettings {
        /// Delta degrees of freedom: the variance is the sum of squares over
        /// `n - ddof`. 0 as in SciPy, 1 as in pandas.
        ddof: u64 = 0, "0 or 1", |ddof| *ddof <= 1;
    }
}

pub(super) const METHOD: Method = Method {
    name: "zscore",
    title: "z-score",
    summary: "Distance from the mean of the whole history, in standard deviations.",
    sees: "single readings far outside the usual spread, of data without trend or season",
    blind: "seasons, trends and level shifts; many large outliers widen the deviation and hide one another",
    unit: "standard deviations",
    cost: "O(n) time; O(1) memory in pieces",
    source: "F. E. Grubbs, \"Procedures for detecting outlying observations in samples\", Technometrics 11(1), 1969",
    channels: Channels::One,
    order: Order::Free,
    threshold: Threshold::Score(3.0),
    parameters: ZScoreSettings::PARAMETERS,
    default_of: ZScoreSettings::default_of,
    batch: Some(|map| Ok(Box::new(ZScore::new(ZScoreSettings::from_map(map)?)?))),
    pieces: Some(|map, channels| {
        let settings = ZScoreSettings::from_map(map)?;
        Ok(Box::new(ZScorePieces { settings, channels, moments: Moments::default() }))
    }),
    labelled: None,
    online: None,
};

/// Distance from the mean of the whole history, in standard deviations.
///
/// The score of reading `x` is `|x - mean| / deviation`; 0 everywhere when all
/// readings are equal. One channel. Time O(n), memory O(1) beyond the scores.
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
    /// [`auscult_core::SettingError`] for a value out of range.
    pub fn new(settings: ZScoreSettings) -> Result<Self, auscult_core::SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }
}

impl Estimator for ZScore {
    type Fitted = ZScoreModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<ZScoreModel>, FitError> {
        let model = ZScoreModel::new(&Moments::of(one_channel(history)?), &self.settings)?;
        let scores = history.readings().iter().map(|reading| model.rate(*reading)).collect();
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
}

impl ZScoreModel {
    fn new(moments: &Moments, settings: &ZScoreSettings) -> Result<Self, FitError> {
        FitError::check_rows(2, usize::try_from(moments.count()).unwrap_or(usize::MAX))?;
        Ok(Self { mean: moments.mean(), deviation: moments.deviation(settings.ddof) })
    }

    fn rate(&self, reading: f64) -> f64 {
        // When all readings were equal, only rounding tells them apart.
        ratio((reading - self.mean).abs(), self.deviation.max(f64::EPSILON * self.mean.abs()))
    }
}

impl Model for ZScoreModel {
    fn channels(&self) -> usize {
        1
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(1, rows.channels())?;
        Ok(rows.readings().iter().map(|reading| self.rate(*reading)).collect())
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(1, rows.channels())?;
        let band = Band::around(self.mean, threshold * self.deviation);
        Ok(Some(Explanation::of_one(self.mean, Some(band), self.rate(rows.row(row)[0]))))
    }
}

/// A z-score that reads its history in pieces.
#[derive(Debug)]
struct ZScorePieces {
    settings: ZScoreSettings,
    channels: usize,
    moments: Moments,
}

impl Accumulator for ZScorePieces {
    fn observe(&mut self, rows: &Frame<'_>) -> Result<(), DetectError> {
        DetectError::check_channels(self.channels, rows.channels())?;
        self.moments.merge(&Moments::of(rows.readings()));
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Box<dyn Model>, FitError> {
        Ok(Box::new(ZScoreModel::new(&self.moments, &self.settings)?))
    }
}

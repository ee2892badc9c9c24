//! Distance from the mean in the units of the covariance.

use auscult_core::{
    Accumulator, DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, Settings,
    settings,
};
use auscult_stats::covariance::{Comoments, oas_shrinkage, shrunk};
use auscult_stats::mcd::minimum_covariance_determinant;
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::quadratic::{QuadraticIndex, eigen, scaled_columns};
use crate::scaler::Scaler;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`Mahalanobis`].
    pub struct MahalanobisSettings {
        /// How the covariance is found: `empirical` as it is; `ledoit-wolf` or
        /// `oas`, shrunk as far as the data ask for; `shrunk` by a fixed
        /// amount; `robust`, from the half of the rows that lie closest together.
        covariance: CovarianceKind = CovarianceKind::LedoitWolf,
            "`empirical`, `ledoit-wolf`, `oas`, `shrunk` or `robust`", |_| true;
        /// How far `shrunk` goes towards independent channels of equal variance.
        shrinkage: f64 = 0.1, "in [0, 1]", |amount| (0.0..=1.0).contains(amount);
        /// Share of the rows that `robust` trusts; automatic is just over half.
        support: Option<f64> = None, "in [0.5, 1]",
            |support| support.is_none_or(|support| (0.5..=1.0).contains(&support));
        /// Start of the random numbers by which `robust` picks its first rows.
        seed: u64 = 0, "a whole number", |_| true;
        /// Whether to divide every channel by its deviation first. It decides
        /// towards what `ledoit-wolf`, `oas` and `shrunk` shrink: without it,
        /// the channel in the smallest unit rules. scikit-learn does not.
        standardise: bool = true, "`true` or `false`", |_| true;
    }
}

/// How a covariance is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CovarianceKind {
    /// As it is, over the number of rows.
    Empirical,
    /// Shrunk by the amount of Ledoit and Wolf.
    LedoitWolf,
    /// Shrunk by oracle approximating shrinkage, for normal rows.
    Oas,
    /// Shrunk by a fixed amount.
    Shrunk,
    /// Minimum covariance determinant.
    Robust,
}

pub(super) const METHOD: Method = Method {
    name: "mahalanobis",
    title: "Mahalanobis distance",
    summary: "Distance from the mean of all channels together, in the units of their covariance.",
    sees: "single channels far out, and channels that stopped moving together though each looks usual",
    blind: "several regimes, whose mean is none of them; curved relations; trends and seasons",
    unit: "standard deviations of a normal variable that is as rare",
    cost: "O(n d²) time, O(d²) memory in pieces; `robust` up to 1000 times O(min(n, 600) d²) more",
    source: "P. C. Mahalanobis, \"On the generalised distance in statistics\", 1936; O. Ledoit, M. Wolf, \"A well-conditioned estimator for large-dimensional covariance matrices\", Journal of Multivariate Analysis 88(2), 2004",
    channels: Channels::Any,
    order: Order::Free,
    threshold: Threshold::Score(3.0),
    parameters: MahalanobisSettings::PARAMETERS,
    default_of: MahalanobisSettings::default_of,
    batch: Some(|map| Ok(Box::new(Mahalanobis::new(MahalanobisSettings::from_map(map)?)?))),
    pieces: Some(|map, channels| {
        let settings = MahalanobisSettings::from_map(map)?;
        Ok(Box::new(MahalanobisPieces { settings, moments: Comoments::new(channels) }))
    }),
    labelled: None,
    online: None,
};

/// Distance from the mean of all channels together, in the units of their
/// covariance.
///
/// The squared distance is `D² = (x - mean)' C⁻¹ (x - mean)`. The score is the
/// number of standard deviations at which a normal variable is as rare as a
/// chi-square variable of as many degrees of freedom as channels is above `D²`,
/// so that one threshold serves any number of channels; for one channel it is
/// `|x - mean| / deviation`. [`MahalanobisModel::squared_distances`] has `D²`
/// itself, equal to scikit-learn's `mahalanobis` with `standardise` off.
///
/// Directions in which the history does not vary at all, or a million times
/// less than in the widest, count as if they varied that little: leaving an
/// exact relation between channels scores high, but not infinitely so.
///
/// The explanation expects each channel where the others put it, and shares out
/// what each would take off `D²` by going there.
///
/// Reads its history in pieces unless the covariance is `robust`, which needs
/// all rows.
///
/// Reference: P. C. Mahalanobis, "On the generalised distance in statistics",
/// Proceedings of the National Institute of Sciences of India, 1936; shrinkage
/// as in [`auscult_stats::covariance`], robust estimate as in
/// [`auscult_stats::mcd`].
///
/// ```
/// use auscult_core::{Estimator, Frame, Model};
/// use auscult_detect::subspace::{Mahalanobis, MahalanobisSettings};
/// // Power follows load, until it does not; each value alone is usual.
/// let noise = |i: u32| f64::from(i * 37 % 11) / 10.0;
/// let rows: Vec<f64> = (0..200)
///     .flat_map(|i| [f64::from(i % 100), 3.0 * f64::from(i % 100) + noise(i)])
///     .collect();
/// let fit = Mahalanobis::new(MahalanobisSettings::default())?.fit(&Frame::new(&rows, 2)?)?;
/// let scores = fit.model.score(&Frame::new(&[50.0, 150.0, 90.0, 30.0], 2)?)?;
/// assert!(scores[0] < 1.0 && scores[1] > 8.0, "{scores:?}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Mahalanobis {
    settings: MahalanobisSettings,
}

impl Mahalanobis {
    /// A Mahalanobis distance with `settings`.
    ///
    /// # Errors
    ///
    /// [`auscult_core::SettingError`] for a value out of range.
    pub fn new(settings: MahalanobisSettings) -> Result<Self, auscult_core::SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }

    fn fit_robust(&self, history: &Frame<'_>) -> Result<MahalanobisModel, FitError> {
        FitError::check_rows(history.channels() + 2, history.rows())?;
        // The estimate does not depend on units, but its arithmetic does.
        let mut scaler = Scaler::robust(history);
        let scaled = scaler.apply(history);
        let Self { settings } = self;
        let estimate = minimum_covariance_determinant(
            &scaled,
            history.channels(),
            settings.support,
            settings.seed,
        );
        for (channel, location) in estimate.location.iter().enumerate() {
            scaler.centre[channel] = scaler.reading(channel, *location);
        }
        MahalanobisModel::new(scaler, estimate.covariance, 0.0, Some(estimate.support))
    }
}

impl Estimator for Mahalanobis {
    type Fitted = MahalanobisModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<MahalanobisModel>, FitError> {
        let model = if self.settings.covariance == CovarianceKind::Robust {
            self.fit_robust(history)?
        } else {
            let moments = Comoments::of(history.readings(), history.channels());
            MahalanobisModel::of(&moments, &self.settings)?
        };
        let scores = model.index.rate(history);
        Ok(Fit { model, scores })
    }
}

/// Mean and covariance of a history.
#[derive(Debug, Clone)]
pub struct MahalanobisModel {
    /// How far the covariance was shrunk, in `[0, 1]`.
    pub shrinkage: f64,
    /// Which rows of the history the estimate rests on, if `robust`.
    pub support: Option<Vec<bool>>,
    /// Covariance of the scaled rows.
    covariance: DMatrix<f64>,
    index: QuadraticIndex,
}

impl MahalanobisModel {
    /// From the moments of a history, for any covariance but the robust one.
    fn of(moments: &Comoments, settings: &MahalanobisSettings) -> Result<Self, FitError> {
        FitError::check_rows(2, usize::try_from(moments.count()).unwrap_or(usize::MAX))?;
        let mut scaler = Scaler::new(moments.mean(), moments.deviation());
        if !settings.standardise {
            // One power of two for all changes nothing but the range of numbers.
            let widest = moments.deviation().into_iter().fold(f64::MIN_POSITIVE, f64::max);
            scaler.unit.fill(2_f64.powi(widest.log2().ceil().max(-1000.0) as i32));
        }
        let covariance = moments.covariance(&scaler.unit);
        let shrinkage = match settings.covariance {
            CovarianceKind::Empirical | CovarianceKind::Robust => 0.0,
            CovarianceKind::LedoitWolf => moments.ledoit_wolf_shrinkage(&scaler.unit),
            CovarianceKind::Oas => oas_shrinkage(&covariance, moments.count()),
            CovarianceKind::Shrunk => settings.shrinkage,
        };
        Self::new(scaler, shrunk(&covariance, shrinkage), shrinkage, None)
    }

    fn new(
        scaler: Scaler,
        covariance: DMatrix<f64>,
        shrinkage: f64,
        support: Option<Vec<bool>>,
    ) -> Result<Self, FitError> {
        let (values, vectors) = eigen(covariance.clone())?;
        let whitening = values.iter().map(|value| 1.0 / value.sqrt());
        let factor = scaled_columns(&vectors, whitening.enumerate());
        let dof = values.len() as f64;
        let index = QuadraticIndex::new(scaler, factor, dof);
        Ok(Self { shrinkage, support, covariance, index })
    }

    /// The centre of every channel.
    #[must_use]
    pub fn location(&self) -> &[f64] {
        &self.index.scaler().centre
    }

    /// Covariance of channels `i` and `j`, in the product of their units.
    ///
    /// # Panics
    ///
    /// When there is no such channel.
    #[must_use]
    pub fn covariance(&self, i: usize, j: usize) -> f64 {
        let unit = &self.index.scaler().unit;
        self.covariance[(i, j)] * unit[i] * unit[j]
    }

    /// `D²` of every row of `rows`.
    ///
    /// # Errors
    ///
    /// [`DetectError::Channels`] for rows of another width.
    pub fn squared_distances(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        Ok(self.index.squares(rows))
    }
}

impl Model for MahalanobisModel {
    fn channels(&self) -> usize {
        self.index.channels()
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        Ok(self.index.rate(rows))
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        Ok(Some(self.index.explain(rows.row(row), threshold)))
    }
}

/// A Mahalanobis distance that reads its history in pieces.
#[derive(Debug)]
struct MahalanobisPieces {
    settings: MahalanobisSettings,
    moments: Comoments,
}

impl Accumulator for MahalanobisPieces {
    fn observe(&mut self, rows: &Frame<'_>) -> Result<(), DetectError> {
        DetectError::check_channels(self.moments.channels(), rows.channels())?;
        self.moments.observe(rows.readings());
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Box<dyn Model>, FitError> {
        if self.settings.covariance == CovarianceKind::Robust {
            return Err(FitError::Setting {
                key: "covariance",
                value: "robust".to_owned(),
                reason: "it needs all rows at once, not in pieces; use `ledoit-wolf`".to_owned(),
            });
        }
        Ok(Box::new(MahalanobisModel::of(&self.moments, &self.settings)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(covariance: CovarianceKind, readings: &[f64], channels: usize) -> Fit<MahalanobisModel> {
        let settings = MahalanobisSettings { covariance, ..Default::default() };
        let frame = Frame::new(readings, channels).expect("whole rows");
        Mahalanobis::new(settings).expect("in range").fit(&frame).expect("enough rows")
    }

    const KINDS: [CovarianceKind; 5] = [
        CovarianceKind::Empirical,
        CovarianceKind::LedoitWolf,
        CovarianceKind::Oas,
        CovarianceKind::Shrunk,
        CovarianceKind::Robust,
    ];

    #[test]
    fn equal_columns_constant_columns_and_few_rows_give_finite_scores() {
        let row = |i: usize| {
            let wave = (i as f64 * 0.9).sin();
            [wave, wave, 5.0, 0.0, 1e9 + wave * wave]
        };
        for kind in KINDS {
            for rows in [7, 90] {
                let mut readings: Vec<f64> = (0..rows).flat_map(row).collect();
                let calm = fit(kind, &readings, 5);
                assert!(calm.scores.iter().all(|score| score.is_finite()), "{kind:?}");
                // A constant channel that moved, and twins that parted.
                readings.truncate(5);
                let usual = calm.model.score(&Frame::new(&readings, 5).expect("a row"));
                readings[3] = 1.0;
                let moved = calm.model.score(&Frame::new(&readings, 5).expect("a row"));
                let (usual, moved) = (usual.expect("width")[0], moved.expect("width")[0]);
                assert!(moved > 10.0 * (usual + 1.0), "{kind:?} {rows}: {usual} {moved}");
            }
        }
    }

    #[test]
    fn a_robust_covariance_is_not_widened_by_a_crowd_of_outliers() {
        let mut readings: Vec<f64> =
            (0..300).flat_map(|i| [(i as f64 * 0.9).sin(), (i as f64 * 1.7).cos()]).collect();
        readings[400..520].iter_mut().for_each(|reading| *reading += 30.0);
        let robust = fit(CovarianceKind::Robust, &readings, 2).scores;
        let plain = fit(CovarianceKind::Empirical, &readings, 2).scores;
        assert!(robust[230] > 20.0 && plain[230] < 3.0, "{} {}", robust[230], plain[230]);
    }
}

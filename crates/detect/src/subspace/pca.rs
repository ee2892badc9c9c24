//! Distance from, and within, the subspace that the history fills.

use auscult_core::{
    Accumulator, DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, Settings,
    settings,
};
use auscult_stats::covariance::Comoments;
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::quadratic::{QuadraticIndex, eigen, scaled_columns};
use crate::scaler::Scaler;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`Pca`].
    pub struct PcaSettings {
        /// Principal components of the subspace; automatic is as many as
        /// `variance` takes. Below the number of channels, unless `statistic`
        /// is `t2`.
        components: Option<usize> = None, "at least 1",
            |components| components.is_none_or(|components| components >= 1);
        /// Share of the variance that the subspace must hold, when `components`
        /// does not say.
        variance: f64 = 0.9, "in (0, 1]", |share| *share > 0.0 && *share <= 1.0;
        /// What is rated: `residual`, the distance from the subspace; `t2`, the
        /// distance from the mean within it; or `both` together, which also sees
        /// an outlier so far out that it bends the subspace towards itself.
        statistic: PcaStatistic = PcaStatistic::Both, "`residual`, `t2` or `both`", |_| true;
        /// Whether to divide every channel by its deviation first; without it,
        /// the channel in the smallest unit rules.
        standardise: bool = true, "`true` or `false`", |_| true;
    }
}

/// What a principal component model rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PcaStatistic {
    /// Squared distance from the subspace, SPE or Q.
    Residual,
    /// Squared distance from the mean within the subspace, Hotelling's T².
    T2,
    /// The sum of both, each in its own units.
    Both,
}

pub(super) const METHOD: Method = Method {
    name: "pca",
    title: "Principal component analysis",
    summary: "Distance from the subspace that the channels of the history fill together, and from the mean within it.",
    sees: "channels that stopped moving together, among many that usually do",
    blind: "curved relations; several regimes; with `statistic` `residual`, extremes along the usual directions",
    unit: "standard deviations of a normal variable that is as rare",
    cost: "O(n d² + d³) time, O(d²) memory in pieces",
    source: "J. E. Jackson, G. S. Mudholkar, \"Control procedures for residuals associated with principal component analysis\", Technometrics 21(3), 1979",
    channels: Channels::Several,
    order: Order::Free,
    threshold: Threshold::Score(3.0),
    parameters: PcaSettings::PARAMETERS,
    default_of: PcaSettings::default_of,
    batch: Some(|map| Ok(Box::new(Pca::new(PcaSettings::from_map(map)?)?))),
    pieces: Some(|map, channels| {
        let settings = PcaSettings::from_map(map)?;
        Ok(Box::new(PcaPieces { settings, moments: Comoments::new(channels) }))
    }),
    labelled: None,
    online: None,
};

/// Distance from the subspace that the channels of the history fill together,
/// and from the mean within it.
///
/// The subspace is spanned by the first principal components. The residual is
/// the squared length of what they leave of a row; on normal rows it is about
/// `g χ²(h)`, where `g` and `h` follow from the smaller eigenvalues. The score
/// is the number of standard deviations at which a normal variable is as rare,
/// so that one threshold serves any number of channels. T² is `χ²` with one
/// degree of freedom for each component. Needs at least two channels.
///
/// Components and their variances equal those of scikit-learn's `PCA`.
///
/// The explanation expects each channel where it would leave the least, the
/// others being as they are, and shares out how much that would take off.
///
/// Reference: J. E. Jackson, G. S. Mudholkar, "Control procedures for residuals
/// associated with principal component analysis", Technometrics 21(3), 1979;
/// `g χ²(h)` after G. E. P. Box, Annals of Mathematical Statistics 25(2), 1954;
/// both together after H. H. Yue, S. J. Qin, "Reconstruction-based fault
/// identification using a combined index", Industrial & Engineering Chemistry
/// Research 40(20), 2001; explanation after C. F. Alcala, S. J. Qin,
/// "Reconstruction-based contribution for process monitoring", Automatica
/// 45(7), 2009.
///
/// ```
/// use auscult_core::{Estimator, Frame, Model};
/// use auscult_detect::subspace::{Pca, PcaSettings};
/// let noise = |i: u32| f64::from(i * 37 % 11) / 10.0;
/// let rows: Vec<f64> = (0..200)
///     .flat_map(|i| [f64::from(i % 100), 3.0 * f64::from(i % 100) + noise(i)])
///     .collect();
/// let fit = Pca::new(PcaSettings::default())?.fit(&Frame::new(&rows, 2)?)?;
/// let scores = fit.model.score(&Frame::new(&[50.0, 150.0, 90.0, 30.0], 2)?)?;
/// assert!(scores[0] < 2.0 && scores[1] > 8.0, "{scores:?}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Pca {
    settings: PcaSettings,
}

impl Pca {
    /// A principal component model with `settings`.
    ///
    /// # Errors
    ///
    /// [`auscult_core::SettingError`] for a value out of range.
    pub fn new(settings: PcaSettings) -> Result<Self, auscult_core::SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }
}

impl Estimator for Pca {
    type Fitted = PcaModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<PcaModel>, FitError> {
        let moments = Comoments::of(history.readings(), history.channels());
        let model = PcaModel::of(&moments, &self.settings)?;
        let scores = model.index.rate(history);
        Ok(Fit { model, scores })
    }
}

/// The principal components of a history.
#[derive(Debug, Clone)]
pub struct PcaModel {
    /// Variance along each component, largest first, over one less than the
    /// number of rows; in squared deviations of a channel if standardised.
    pub explained_variance: Vec<f64>,
    /// How many of the components span the subspace.
    pub kept: usize,
    /// Components as columns.
    components: DMatrix<f64>,
    index: QuadraticIndex,
}

impl PcaModel {
    fn of(moments: &Comoments, settings: &PcaSettings) -> Result<Self, FitError> {
        let channels = moments.channels();
        if channels < 2 {
            let reason = "need at least two columns to learn how they go together";
            return Err(FitError::Channels { reason, got: channels });
        }
        FitError::check_rows(2, usize::try_from(moments.count()).unwrap_or(usize::MAX))?;
        let mut scaler = Scaler::new(moments.mean(), moments.deviation());
        if !settings.standardise {
            scaler.unit.fill(1.0);
        }
        let (variances, components) = eigen(moments.covariance(&scaler.unit))?;
        let kept = kept(&variances, settings)?;
        let index = index(scaler, &variances, &components, kept, settings.statistic);
        let count = moments.count() as f64;
        let explained_variance =
            variances.iter().map(|variance| variance * (count / (count - 1.0))).collect();
        Ok(Self { explained_variance, kept, components, index })
    }

    /// Component `at`, counted from the one of largest variance: a direction
    /// of length 1, up to its sign.
    ///
    /// # Panics
    ///
    /// When there is no such component.
    #[must_use]
    pub fn component(&self, at: usize) -> Vec<f64> {
        self.components.column(at).iter().copied().collect()
    }
}

/// How many components span the subspace.
fn kept(variances: &[f64], settings: &PcaSettings) -> Result<usize, FitError> {
    let channels = variances.len();
    let most = if settings.statistic == PcaStatistic::T2 { channels } else { channels - 1 };
    if let Some(components) = settings.components {
        if components > most {
            return Err(FitError::Setting {
                key: "components",
                value: components.to_string(),
                reason: format!("{channels} channels leave room for at most {most}"),
            });
        }
        return Ok(components);
    }
    let total: f64 = variances.iter().sum();
    let mut sum = 0.0;
    let enough = variances.iter().position(|variance| {
        sum += variance;
        sum >= settings.variance * total
    });
    Ok(enough.map_or(channels, |at| at + 1).min(most))
}

/// The quadratic form that `statistic` rates.
fn index(
    scaler: Scaler,
    variances: &[f64],
    components: &DMatrix<f64>,
    kept: usize,
    statistic: PcaStatistic,
) -> QuadraticIndex {
    let (inside, outside) = variances.split_at(kept);
    let t2 = inside.iter().map(|variance| 1.0 / variance.sqrt()).enumerate();
    let first: f64 = outside.iter().sum();
    // Relative to the largest, whose square may be out of range.
    let largest = variances[0];
    let second: f64 = outside.iter().map(|variance| (variance / largest).powi(2)).sum();
    let (g, h) = (second / (first / largest) * largest, (first / largest).powi(2) / second);
    let residual = (kept..variances.len()).map(|at| (at, 1.0 / g.sqrt()));
    match statistic {
        PcaStatistic::T2 => {
            QuadraticIndex::new(scaler, scaled_columns(components, t2), kept as f64)
        }
        PcaStatistic::Residual => {
            QuadraticIndex::new(scaler, scaled_columns(components, residual), h)
        }
        PcaStatistic::Both => {
            let all: Vec<(usize, f64)> = t2.chain(residual).collect();
            let factor = scaled_columns(components, all.into_iter());
            QuadraticIndex::new(scaler, factor, kept as f64 + h)
        }
    }
}

impl Model for PcaModel {
    fn channels(&self) -> usize {
        self.index.channels()
    }

    fn describe(&self) -> Option<String> {
        let all = self.explained_variance.len();
        Some(format!("the subspace has {} of {all} components", self.kept))
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

/// A principal component model that reads its history in pieces.
#[derive(Debug)]
struct PcaPieces {
    settings: PcaSettings,
    moments: Comoments,
}

impl Accumulator for PcaPieces {
    fn observe(&mut self, rows: &Frame<'_>) -> Result<(), DetectError> {
        DetectError::check_channels(self.moments.channels(), rows.channels())?;
        self.moments.observe(rows.readings());
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Box<dyn Model>, FitError> {
        Ok(Box::new(PcaModel::of(&self.moments, &self.settings)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three channels that move as one, with a little noise of their own.
    fn rows(count: usize) -> Vec<f64> {
        let noise = |row: usize, step: f64| 0.1 * (row as f64 * step).sin();
        (0..count)
            .flat_map(|row| {
                let common = (row as f64 * 0.37).sin();
                [common + noise(row, 1.9), common + noise(row, 2.3), common + noise(row, 2.9)]
            })
            .collect()
    }

    fn fit(settings: PcaSettings, readings: &[f64]) -> Result<Fit<PcaModel>, FitError> {
        Pca::new(settings).expect("in range").fit(&Frame::new(readings, 3).expect("whole rows"))
    }

    #[test]
    fn the_residual_sees_a_broken_relation_and_t2_sees_an_extreme_along_it() {
        let scores = |statistic, row: [f64; 3]| {
            let settings = PcaSettings { statistic, ..Default::default() };
            let model = fit(settings, &rows(400)).expect("enough rows").model;
            model.score(&Frame::new(&row, 3).expect("a row")).expect("same width")[0]
        };
        let (broken, far) = ([0.6, 0.6, -0.6], [6.0, 6.0, 6.0]);
        assert!(scores(PcaStatistic::Residual, broken) > 6.0);
        assert!(scores(PcaStatistic::Residual, far) < 3.0);
        assert!(scores(PcaStatistic::T2, broken) < 1.0);
        assert!(scores(PcaStatistic::T2, far) > 6.0);
        assert!(scores(PcaStatistic::Both, broken) > 6.0);
        assert!(scores(PcaStatistic::Both, far) > 6.0);
    }

    #[test]
    fn the_subspace_must_leave_something_out() {
        let settings = PcaSettings { components: Some(3), ..Default::default() };
        let error = fit(settings.clone(), &rows(50)).expect_err("no residual");
        assert_eq!(
            error.to_string(),
            "`components = 3` does not fit this history: 3 channels leave room for at most 2"
        );
        let settings = PcaSettings { statistic: PcaStatistic::T2, ..settings };
        assert_eq!(fit(settings, &rows(50)).expect("all kept").model.kept, 3);
    }

    #[test]
    fn the_broken_channel_is_named_and_expected_with_the_others() {
        let model = fit(PcaSettings::default(), &rows(400)).expect("enough rows").model;
        let row = [0.6, 0.6, -0.6];
        let explanation = model.explain(&Frame::new(&row, 3).expect("a row"), 0, 3.0);
        let explanation = explanation.expect("same width").expect("always explained");
        assert!((explanation.expected[2] - 0.6).abs() < 0.1, "{explanation:?}");
        assert!(explanation.share[2] > explanation.share[0] + explanation.share[1]);
    }
}

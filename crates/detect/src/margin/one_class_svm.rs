//! The boundary around most of the history, exactly.

use auscult_core::{
    DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, SettingError, Settings,
    settings,
};

use super::boundary::Boundary;
use super::kernel::{Gamma, GammaRule, Kernel, KernelFunction, KernelRows};
use super::smo::{Problem, sums};
use super::standard::Standard;
use crate::attribution::{explain_by_substitution, typical_row};
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`OneClassSvm`].
    pub struct OneClassSvmSettings {
        /// Share of the history that may lie outside the boundary; also the
        /// least share of rows that the model keeps. With less than some ten
        /// rows outside, an anomaly in the history can hold the boundary at
        /// its own place.
        nu: f64 = 0.05, "in (0, 1]", |nu| *nu > 0.0 && *nu <= 1.0;
        /// What makes two rows alike: `rbf`, `linear`, `poly` or `sigmoid`.
        kernel: Kernel = Kernel::Rbf, "rbf, linear, poly or sigmoid", |_| true;
        /// How fast likeness falls with distance: `scale` is 1 over channels
        /// times variance, `auto` 1 over channels.
        gamma: Gamma = Gamma::Rule(GammaRule::Scale), "scale, auto or a number above 0", Gamma::in_range;
        /// Degree of the `poly` kernel.
        degree: u32 = 3, "in 1..=10", |degree| (1..=10).contains(degree);
        /// Constant in the `poly` and `sigmoid` kernels.
        coef0: f64 = 0.0, "between -1e6 and 1e6", |constant| constant.abs() <= 1e6;
        /// Largest violation of the optimality conditions that ends the fit.
        tol: f64 = 1e-3, "in [1e-12, 1]", |tol| (1e-12..=1.0).contains(tol);
        /// Brings every channel to mean 0 and deviation 1 first.
        standardise: bool = true, "true or false", |_| true;
        /// Memory for kernel rows, in megabytes.
        cache_mb: usize = 200, "in 1..=65536", |cache| (1..=65_536).contains(cache);
    }
}

pub(super) const METHOD: Method = Method {
    name: "one-class-svm",
    title: "One-class support vector machine",
    summary: "How far a row lies outside a smooth boundary around most of the history.",
    sees: "rows off the usual region, whatever its shape, jointly over channels",
    blind: "the order of rows in time; anomalies that make up more than `nu` of the history; regions finer than gamma allows",
    unit: "depth of the boundary: 1 on it, 0 at the most usual row",
    cost: "O(n^2 d) time or more, O(nu n d + cache) memory; up to some 50 000 rows",
    source: "B. Schölkopf, J. C. Platt, J. Shawe-Taylor, A. J. Smola, R. C. Williamson, \"Estimating the support of a high-dimensional distribution\", Neural Computation 13(7), 2001",
    channels: Channels::Any,
    order: Order::Free,
    threshold: Threshold::Share(0.01),
    parameters: OneClassSvmSettings::PARAMETERS,
    default_of: OneClassSvmSettings::default_of,
    batch: Some(|map| Ok(Box::new(OneClassSvm::new(OneClassSvmSettings::from_map(map)?)?))),
    pieces: None,
    labelled: None,
    online: None,
};

/// How far a row lies outside a smooth boundary around most of the history.
///
/// With support vectors `x[i]`, weights `alpha[i]` and offset `rho`, the
/// decision function is `f(x) = sum(alpha[i] K(x[i], x)) - rho`, at least 0
/// inside. The score is `1 - f(x) / f*`, where `f*` is the largest value of `f`
/// in the history: 0 at the most usual row, 1 on the boundary, more outside.
/// A share of about `nu` of the history lies outside, be it clean or not, so
/// by default the strangest hundredth is shown rather than all that is outside.
/// Anomalies that make up more than `nu` draw the boundary around themselves.
///
/// `alpha`, `rho` and `f` are those of LIBSVM and of scikit-learn's
/// `OneClassSVM` (`sum(alpha) = nu rows`, `0 <= alpha <= 1`).
///
/// Between O(rows^2) and O(rows^3) time with kernel rows computed on all cores;
/// memory for the support vectors and `cache_mb`. For more than some 50 000
/// rows use [`OneClassSvmScalable`](super::OneClassSvmScalable).
///
/// Reference: B. Schölkopf and others, "Estimating the support of a
/// high-dimensional distribution", Neural Computation 13(7), 2001; pairs are
/// chosen after R.-E. Fan, P.-H. Chen, C.-J. Lin, "Working set selection using
/// second order information", Journal of Machine Learning Research 6, 2005. We
/// standardise channels by default, and start from the rows least like a
/// sample of the others, which changes the number of steps, not the solution.
///
/// ```
/// use auscult_core::{Estimator, Frame};
/// use auscult_detect::margin::{Gamma, OneClassSvm, OneClassSvmSettings};
/// // A ring: its middle is as unusual as a row far outside.
/// let ring: Vec<f64> = (0..100).flat_map(|i| <[f64; 2]>::from(f64::from(i).sin_cos())).collect();
/// let settings = OneClassSvmSettings { gamma: Gamma::Value(4.0), ..Default::default() };
/// let model = OneClassSvm::new(settings)?.fit(&Frame::new(&ring, 2)?)?.model;
/// let decisions = model.decision(&Frame::new(&[0.0, 0.0, 3.0, 0.0, 0.6, 0.8], 2)?)?;
/// assert!(decisions[0] < 0.0 && decisions[1] < 0.0 && decisions[2] > decisions[0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct OneClassSvm {
    settings: OneClassSvmSettings,
}

impl OneClassSvm {
    /// A one-class support vector machine with `settings`.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: OneClassSvmSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }

    fn kernel(&self, readings: &[f64], channels: usize) -> KernelFunction {
        let OneClassSvmSettings { kernel, gamma, degree, coef0, .. } = self.settings;
        KernelFunction { kernel, gamma: gamma.resolve(readings, channels), degree, coef0 }
    }
}

impl Estimator for OneClassSvm {
    type Fitted = OneClassSvmModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<OneClassSvmModel>, FitError> {
        FitError::check_rows(2, history.rows())?;
        let channels = history.channels();
        let standard = match self.settings.standardise {
            true => Standard::of(history),
            false => Standard::identity(channels),
        };
        let readings = standard.apply(history.readings());
        let rows = KernelRows::new(channels, readings.chunks_exact(channels));
        let kernel = self.kernel(&readings, channels);
        let problem = Problem {
            rows: &rows,
            kernel,
            nu: self.settings.nu,
            tolerance: self.settings.tol,
            cache_bytes: self.settings.cache_mb << 20,
        };
        let Some(solution) = problem.solve() else {
            let reason = "the optimization does not settle; raise `tol` or change the kernel";
            return Err(FitError::History(reason.to_owned()));
        };
        let support: Vec<usize> =
            (0..history.rows()).filter(|row| solution.alpha[*row] > 0.0).collect();
        let model = OneClassSvmModel {
            standard,
            kernel,
            vectors: rows.select(support.iter().copied()),
            weights: support.iter().map(|row| solution.alpha[*row]).collect(),
            support,
            boundary: Boundary::new(&solution.sums, solution.rho),
            typical: typical_row(history),
        };
        let scores = solution.sums.iter().map(|sum| model.boundary.score(*sum)).collect();
        Ok(Fit { model, scores })
    }
}

/// A fitted one-class support vector machine.
#[derive(Debug, Clone)]
pub struct OneClassSvmModel {
    standard: Standard,
    kernel: KernelFunction,
    vectors: KernelRows,
    support: Vec<usize>,
    weights: Vec<f64>,
    boundary: Boundary,
    typical: Vec<f64>,
}

impl OneClassSvmModel {
    /// Rows of the history that carry the boundary, in order.
    #[must_use]
    pub fn support(&self) -> &[usize] {
        &self.support
    }

    /// Weight of each support vector, in (0, 1]; their sum is `nu` times the
    /// rows of the history.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The offset `rho` of the decision function.
    #[must_use]
    pub fn rho(&self) -> f64 {
        self.boundary.rho()
    }

    /// The decision function of every row: positive inside, negative outside.
    ///
    /// # Errors
    ///
    /// [`DetectError::Channels`] for rows of another width.
    pub fn decision(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        let sums = self.sums(rows.readings());
        Ok(sums.iter().map(|sum| sum - self.boundary.rho()).collect())
    }

    fn sums(&self, readings: &[f64]) -> Vec<f64> {
        let channels = self.channels();
        let readings = self.standard.apply(readings);
        let rows = KernelRows::new(channels, readings.chunks_exact(channels));
        sums(self.kernel, &self.vectors, &self.weights, &rows)
    }
}

impl Model for OneClassSvmModel {
    fn channels(&self) -> usize {
        self.typical.len()
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        let sums = self.sums(rows.readings());
        Ok(sums.iter().map(|sum| self.boundary.score(*sum)).collect())
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        let score = |row: &[f64]| self.boundary.score(self.sums(row)[0]);
        Ok(Some(explain_by_substitution(rows.row(row), &self.typical, score)))
    }
}

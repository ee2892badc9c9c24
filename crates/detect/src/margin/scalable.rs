//! The boundary around most of the history, for any number of rows.

use auscult_core::{
    Accumulator, DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, SettingError,
    Settings, settings,
};
use auscult_stats::quantile::quantile;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

use super::boundary::Boundary;
use super::descent::Descent;
use super::fourier::{FeatureMap, dot};
use super::kernel::{Gamma, GammaRule};
use super::scalable_online::OnlineOneClassSvm;
use super::standard::Standard;
use crate::attribution::{explain_by_substitution, typical_row};
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`OneClassSvmScalable`].
    pub struct OneClassSvmScalableSettings {
        /// Share of the history that may lie outside the boundary.
        nu: f64 = 0.05, "in (0, 1]", |nu| *nu > 0.0 && *nu <= 1.0;
        /// What makes two rows alike: `rbf` or `linear`. The linear kernel asks
        /// how far rows are from the origin, so it wants `standardise = false`.
        kernel: ScalableKernel = ScalableKernel::Rbf, "rbf or linear", |_| true;
        /// How fast likeness falls with distance: `scale` is 1 over channels
        /// times variance, `auto` 1 over channels.
        gamma: Gamma = Gamma::Rule(GammaRule::Scale), "scale, auto or a number above 0", Gamma::in_range;
        /// Random features that stand for the radial kernel; its error falls
        /// with their square root.
        features: usize = 256, "an even number in 2..=16384", |features| features % 2 == 0 && (2..=16_384).contains(features);
        /// Brings every channel to mean 0 and deviation 1 first.
        standardise: bool = true, "true or false", |_| true;
        /// Rows to learn from: a uniform random sample of the history, all of a
        /// shorter one.
        sample: usize = 8192, "in 16..=1048576", |sample| (16..=1 << 20).contains(sample);
        /// Samples of a stream before its first score; they set mean, deviation
        /// and gamma, and the boundary is drawn around the last so many.
        warmup: usize = 256, "in 16..=65536", |warmup| (16..=65_536).contains(warmup);
        /// Least weight of the newest batch of 16 samples of a stream: larger
        /// follows change faster.
        forgetting: f64 = 0.002, "in [0, 1)", |forgetting| (0.0..1.0).contains(forgetting);
        /// Start of the random numbers.
        seed: u64 = 0, "a whole number", |_| true;
    }
}

/// A kernel that can be written as a dot product of few features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScalableKernel {
    /// `exp(-gamma |x - y|^2)`, approximately.
    Rbf,
    /// `x y`.
    Linear,
}

pub(super) const METHOD: Method = Method {
    name: "one-class-svm-scalable",
    title: "One-class support vector machine by random features",
    summary: "How far a row lies outside a smooth boundary around most of the history, learnt in one pass.",
    sees: "rows off the usual region, whatever its shape, in histories of any length and in streams",
    blind: "the order of rows in time; anomalies that make up more than `nu` of the history; fine structure that few features blur",
    unit: "depth of the boundary: 1 on it, 0 at the most usual row",
    cost: "O(n D d) time for D features, O(sample D) memory in pieces",
    source: "A. Rahimi, B. Recht, \"Random features for large-scale kernel machines\", Advances in Neural Information Processing Systems 20, 2007",
    channels: Channels::Any,
    order: Order::Free,
    threshold: Threshold::Share(0.01),
    parameters: OneClassSvmScalableSettings::PARAMETERS,
    default_of: OneClassSvmScalableSettings::default_of,
    batch: Some(|map| {
        Ok(Box::new(OneClassSvmScalable::new(OneClassSvmScalableSettings::from_map(map)?)?))
    }),
    pieces: Some(|map, channels| {
        let settings = OneClassSvmScalableSettings::from_map(map)?;
        Ok(Box::new(Pieces::new(settings, channels)))
    }),
    labelled: None,
    online: Some(|map, channels| {
        let settings = OneClassSvmScalableSettings::from_map(map)?;
        Ok(Box::new(OnlineOneClassSvm::new(settings, channels)?))
    }),
};

/// How far a row lies outside a smooth boundary around most of the history,
/// learnt in one pass.
///
/// As [`OneClassSvm`](super::OneClassSvm) with the radial kernel replaced by
/// random Fourier features, so that time is linear in the rows and memory does
/// not depend on them. The score is 0 at the most usual row, 1 on the boundary,
/// more outside. With 512 features the ranking is nearly that of the exact
/// method; single scores differ.
///
/// The model is learnt by stochastic descent from a uniform random sample of
/// `sample` rows, whatever their order, so one pass over the history is enough:
/// modes rarer than one row in `sample` may be missed. O(rows x features x
/// channels) time to score; memory O(sample x features), however long the history.
///
/// Reference: A. Rahimi, B. Recht, "Random features for large-scale kernel
/// machines", NIPS 2007, for B. Schölkopf and others, "Estimating the support of
/// a high-dimensional distribution", Neural Computation 13(7), 2001. We set the
/// offset to the `nu`-quantile of the sample at the end.
///
/// ```
/// use auscult_core::{Estimator, Frame, Model};
/// use auscult_detect::margin::{OneClassSvmScalable, OneClassSvmScalableSettings};
/// let readings: Vec<f64> = (0..600).map(|i| f64::from(i).sin()).collect();
/// let svm = OneClassSvmScalable::new(OneClassSvmScalableSettings::default())?;
/// let model = svm.fit(&Frame::new(&readings, 2)?)?.model;
/// assert!(model.score(&Frame::new(&[5.0, -5.0], 2)?)?[0] > 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct OneClassSvmScalable {
    settings: OneClassSvmScalableSettings,
}

impl OneClassSvmScalable {
    /// A scalable one-class support vector machine with `settings`.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: OneClassSvmScalableSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }
}

impl Estimator for OneClassSvmScalable {
    type Fitted = OneClassSvmScalableModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<OneClassSvmScalableModel>, FitError> {
        let mut pieces = Pieces::new(self.settings.clone(), history.channels());
        pieces.take(history.readings());
        let model = pieces.model()?;
        let scores = model.rate(history.readings());
        Ok(Fit { model, scores })
    }
}

/// A fitted scalable one-class support vector machine.
#[derive(Debug, Clone)]
pub struct OneClassSvmScalableModel {
    space: Space,
    weights: Vec<f64>,
    boundary: Boundary,
    typical: Vec<f64>,
}

impl OneClassSvmScalableModel {
    fn rate(&self, readings: &[f64]) -> Vec<f64> {
        let sums = self.space.project(readings, &self.weights);
        sums.iter().map(|sum| self.boundary.score(*sum)).collect()
    }

    fn explanation(&self, row: &[f64]) -> Explanation {
        explain_by_substitution(row, &self.typical, |row| self.rate(row)[0])
    }
}

impl Model for OneClassSvmScalableModel {
    fn channels(&self) -> usize {
        self.typical.len()
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        Ok(self.rate(rows.readings()))
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        Ok(Some(self.explanation(rows.row(row))))
    }
}

/// How readings become features.
#[derive(Debug, Clone)]
pub(super) struct Space {
    pub(super) standard: Standard,
    pub(super) gamma: f64,
    pub(super) map: FeatureMap,
}

impl Space {
    /// The space that suits the `first` rows.
    pub(super) fn of(
        settings: &OneClassSvmScalableSettings,
        first: &[f64],
        channels: usize,
    ) -> Self {
        let frame = Frame::new(first, channels).expect("rows are whole and finite");
        let standard = match settings.standardise {
            true => Standard::of(&frame),
            false => Standard::identity(channels),
        };
        let gamma = settings.gamma.resolve(&standard.apply(first), channels);
        Self::with(settings, standard, gamma)
    }

    /// The space of a known scale.
    pub(super) fn with(
        settings: &OneClassSvmScalableSettings,
        standard: Standard,
        gamma: f64,
    ) -> Self {
        let channels = standard.channels();
        let map = match settings.kernel {
            ScalableKernel::Linear => FeatureMap::Linear { channels },
            ScalableKernel::Rbf => {
                FeatureMap::fourier(channels, settings.features, gamma, settings.seed)
            }
        };
        Self { standard, gamma, map }
    }

    /// Features of every row, shape `(rows, features)`.
    pub(super) fn map(&self, readings: &[f64]) -> Vec<f64> {
        self.map.map_all(&self.standard.apply(readings), self.standard.channels())
    }

    /// Dot product of `weights` with the features of every row.
    pub(super) fn project(&self, readings: &[f64], weights: &[f64]) -> Vec<f64> {
        self.map.project(&self.standard.apply(readings), self.standard.channels(), weights)
    }
}

/// Rows per step of the descent.
const BATCH: usize = 128;
/// Steps of the descent over the sample.
const LEAST_STEPS: u64 = 2000;

/// Keeps a uniform random sample of what it is shown, and learns from it at the end.
#[derive(Debug)]
struct Pieces {
    settings: OneClassSvmScalableSettings,
    channels: usize,
    seen: usize,
    /// Shape `(rows, channels)`, at most `sample` rows.
    sample: Vec<f64>,
    random: Pcg64Mcg,
}

impl Pieces {
    fn new(settings: OneClassSvmScalableSettings, channels: usize) -> Self {
        let random = Pcg64Mcg::seed_from_u64(settings.seed.wrapping_add(1));
        Self { settings, channels, seen: 0, sample: Vec::new(), random }
    }

    /// Takes each row into the sample with a chance of sample over rows seen
    /// (J. S. Vitter, "Random sampling with a reservoir", 1985, algorithm R).
    fn take(&mut self, readings: &[f64]) {
        for row in readings.chunks_exact(self.channels) {
            self.seen += 1;
            if self.seen <= self.settings.sample {
                self.sample.extend_from_slice(row);
                continue;
            }
            let slot = self.random.random_range(0..self.seen);
            if slot < self.settings.sample {
                let from = slot * self.channels;
                self.sample[from..from + self.channels].copy_from_slice(row);
            }
        }
    }

    fn model(mut self) -> Result<OneClassSvmScalableModel, FitError> {
        FitError::check_rows(2, self.seen)?;
        let rows = &self.sample;
        let space = Space::of(&self.settings, rows, self.channels);
        let mut descent = Descent::new(space.map.features());
        let features = space.map(rows);
        pass(&mut descent, &features, self.settings.nu, &mut self.random);
        let weights = descent.weights().to_vec();
        let boundary = boundary(&weights, &features, self.settings.nu);
        let frame = Frame::new(rows, self.channels).expect("rows are whole and finite");
        let typical = typical_row(&frame);
        Ok(OneClassSvmScalableModel { space, weights, boundary, typical })
    }
}

/// Passes `features` through the descent until enough steps are done.
pub(super) fn pass(descent: &mut Descent, features: &[f64], nu: f64, random: &mut Pcg64Mcg) {
    let width = descent.weights().len();
    let count = features.len() / width;
    let mut order: Vec<usize> = (0..count).collect();
    loop {
        shuffle(&mut order, random);
        for batch in order.chunks(BATCH) {
            let rows = batch.iter().map(|row| &features[row * width..(row + 1) * width]);
            descent.step(rows, nu, 0.0);
        }
        if descent.steps() >= LEAST_STEPS {
            return;
        }
    }
}

fn shuffle(order: &mut [usize], random: &mut Pcg64Mcg) {
    for at in (1..order.len()).rev() {
        order.swap(at, random.random_range(0..=at));
    }
}

/// The boundary at the `nu`-quantile of the rows with these `features`.
pub(super) fn boundary(weights: &[f64], features: &[f64], nu: f64) -> Boundary {
    let sums: Vec<f64> =
        features.chunks_exact(weights.len()).map(|row| dot(row, weights)).collect();
    let rho = quantile(&mut sums.clone(), nu);
    Boundary::new(&sums, rho)
}

impl Accumulator for Pieces {
    fn observe(&mut self, rows: &Frame<'_>) -> Result<(), DetectError> {
        DetectError::check_channels(self.channels, rows.channels())?;
        self.take(rows.readings());
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Box<dyn Model>, FitError> {
        Ok(Box::new(self.model()?))
    }
}

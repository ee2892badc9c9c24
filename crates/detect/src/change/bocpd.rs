//! Bayesian online change point detection.

use std::collections::VecDeque;

use auscult_core::{
    DetectError, Detector, Explanation, Sample, Score, SettingError, Settings, Snapshot, settings,
};
use auscult_stats::moments::Moments;
use serde::{Deserialize, Serialize};
use statrs::function::gamma::ln_gamma;

use super::side::{in_units, unit_of_still};
use crate::shared::one_reading;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`Bocpd`].
    pub struct BocpdSettings {
        /// Samples that pass between changes, on average: the hazard is its inverse.
        between: f64 = 250.0, "above 1, at most 1e12", |between| *between > 1.0 && *between <= 1e12;
        /// A change counts as recent for so many samples, and a run as steady
        /// once it is longer.
        lag: u64 = 20, "1 to 1000", |lag| (1..=1000).contains(lag);
        /// Samples to learn before the first score, also centre and scale.
        warmup: usize = 50, "2 to 100000", |warmup| (2..=100_000).contains(warmup);
        /// Whether to measure in deviations from the mean of the warm-up.
        /// Otherwise the prior must be stated in units of the reading.
        standardise: bool = true, "true or false", |_| true;
        /// Prior mean of a level.
        prior_mean: f64 = 0.0, "-1e9 to 1e9", |mean| mean.abs() <= 1e9;
        /// Samples that the prior mean is worth. Small: the next level can be anywhere.
        prior_weight: f64 = 0.01, "1e-9 to 1e9", |weight| (1e-9..=1e9).contains(weight);
        /// Shape of the inverse gamma prior of the variance: half the number
        /// of samples that it is worth.
        prior_shape: f64 = 1.0, "1e-3 to 1e9", |shape| (1e-3..=1e9).contains(shape);
        /// Scale of the inverse gamma prior of the variance: about the shape
        /// times the variance expected.
        prior_scale: f64 = 1.0, "1e-9 to 1e9", |scale| (1e-9..=1e9).contains(scale);
        /// Most run lengths to follow; the least probable give way.
        max_runs: usize = 200, "2 to 100000", |most| (2..=100_000).contains(most);
        /// Run lengths are given up once they are less probable than this
        /// share of the hazard; 0 to keep them.
        min_share: f64 = 0.025, "0 to 0.5", |least| (0.0..=0.5).contains(least);
    }
}

pub(super) const METHOD: Method = Method {
    name: "bocpd",
    title: "Bayesian online change point detection",
    summary: "Probability that the level or the spread has changed within the last samples, after it was steady.",
    sees: "changes of mean and of variance, and since when",
    blind: "changes of pattern at the same mean and variance; streams that change all the time, as seasons and drift do; takes outliers for changes",
    unit: "probability of a change",
    cost: "O(runs) time and memory per sample: 23 runs on noise, 200 at most",
    source: "R. P. Adams, D. J. C. MacKay, \"Bayesian online changepoint detection\", arXiv:0710.3742, 2007",
    channels: Channels::One,
    order: Order::Free,
    threshold: Threshold::Score(0.5),
    parameters: BocpdSettings::PARAMETERS,
    default_of: BocpdSettings::default_of,
    batch: None,
    pieces: None,
    labelled: None,
    online: Some(|map, _| Ok(Box::new(Bocpd::new(BocpdSettings::from_map(map)?)?))),
};

/// Probability that the level or the spread changed within the last samples,
/// after it was steady.
///
/// Keeps, for every possible length of the current run, its probability and
/// what its readings say of their mean and variance: a normal inverse gamma
/// posterior, which predicts the next reading with a Student t distribution.
/// Changes come with the constant hazard `1 / between`. With `P` the
/// probability that the run is at most `lag` samples long, the score is `P`
/// now times `1 - P` of `lag` samples ago, in 0 to 1: without the second
/// factor, a stream that changes all the time would be anomalous all the time.
/// One channel. Time O(runs) per sample.
///
/// The length 0 alone would not do for `P`, since its probability is the
/// hazard whatever comes.
///
/// Reference: R. P. Adams, D. J. C. MacKay, "Bayesian online changepoint
/// detection", arXiv:0710.3742, 2007; the posterior after K. P. Murphy,
/// "Conjugate Bayesian analysis of the Gaussian distribution", 2007. We measure
/// in deviations of the warm-up, which makes the prior fit any unit, hold
/// readings within 1e9 deviations, and forget improbable run lengths.
///
/// ```
/// use auscult_core::{Detector, Sample, Timestamp};
/// use auscult_detect::change::{Bocpd, BocpdSettings};
/// let mut bocpd = Bocpd::new(BocpdSettings::default())?;
/// let mut scores = Vec::new();
/// for second in 0..200 {
///     let watts = if second < 150 { 300.0 } else { 310.0 } + f64::from(second * 7 % 5);
///     let score = bocpd.update(Sample::new(Timestamp::from_seconds(second.into()), &[watts])?)?;
///     scores.push(score.ready().unwrap_or(0.0));
/// }
/// assert!(scores[100..150].iter().all(|score| *score < 0.1));
/// assert!(scores[151..170].iter().all(|score| *score > 0.9));
/// assert!(scores[171..].iter().all(|score| *score < 0.1));
/// // Sample 150 was the first of a run of 50.
/// let (length, probability) = bocpd.likeliest_run().expect("samples were learnt");
/// assert!(length == 50 && probability > 0.9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Bocpd {
    settings: BocpdSettings,
    state: State,
    predictive: Predictive,
    /// For the work of a step; holds nothing between steps.
    scratch: Vec<Outlook>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    /// The warm-up, until it is over.
    early: Vec<f64>,
    /// What the readings are measured in, after the warm-up.
    unit: Option<Unit>,
    /// Longest first.
    runs: Vec<Run>,
    /// Probability of a recent change after each of the last samples, `lag` of
    /// them at most, oldest first.
    recent: VecDeque<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unit {
    centre: f64,
    scale: f64,
}

/// One possible length of the current run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    length: u64,
    /// Logarithm of its probability.
    log_weight: f64,
    /// Posterior mean of the level.
    mean: f64,
    /// Scale of the posterior of the variance.
    scale: f64,
    /// Its logarithm, which is cheaper to carry along than to take anew.
    log_scale: f64,
}

/// What a reading means to a run.
#[derive(Debug, Clone, Copy)]
struct Outlook {
    /// By how much the scale of the posterior would grow: it is multiplied by
    /// `1 + stretch`.
    stretch: f64,
    /// Logarithm of `1 + stretch`.
    log_growth: f64,
    /// Logarithm of the probability of the run times the density of the reading.
    log_joint: f64,
    /// The same for all runs put in proportion, so that they sum to 1.
    weight: f64,
}

const SNAPSHOT_VERSION: u32 = 1;

impl Bocpd {
    /// A fresh detector of one channel.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: BocpdSettings) -> Result<Self, SettingError> {
        settings.check()?;
        let state = State {
            early: Vec::new(),
            unit: None,
            runs: vec![newborn(&settings, 0.0)],
            recent: VecDeque::new(),
        };
        let predictive = Predictive::new(&settings);
        Ok(Self { settings, state, predictive, scratch: Vec::new() })
    }

    /// The most probable length of the current run, in samples, and its
    /// probability; `None` during warm-up.
    #[must_use]
    pub fn likeliest_run(&self) -> Option<(u64, f64)> {
        self.state.unit?;
        let likeliest =
            self.state.runs.iter().max_by(|a, b| a.log_weight.total_cmp(&b.log_weight))?;
        Some((likeliest.length, likeliest.log_weight.exp()))
    }

    /// Every run length that is followed, longest first, with its probability;
    /// they sum to 1. Only the length 0 during warm-up.
    pub fn run_lengths(&self) -> impl Iterator<Item = (u64, f64)> + '_ {
        self.state.runs.iter().map(|run| (run.length, run.log_weight.exp()))
    }

    /// Samples to learn before the first score.
    fn missing(&self) -> usize {
        if self.state.unit.is_some() { 0 } else { self.settings.warmup - self.state.early.len() }
    }

    /// The probability of a recent change, from what a reading means to the runs.
    fn recent(&self, outlooks: &[Outlook]) -> f64 {
        let hazard = 1.0 / self.settings.between;
        // A run goes on and is one sample longer, or gives way to a new one.
        let part = |(run, outlook): (&Run, &Outlook)| {
            outlook.weight * if run.length < self.settings.lag { 1.0 } else { hazard }
        };
        self.state.runs.iter().zip(outlooks).map(part).sum::<f64>().clamp(0.0, 1.0)
    }

    /// Takes in a reading that means this to the runs, and has this log
    /// density over all of them.
    fn grow(&mut self, z: f64, outlooks: &[Outlook], evidence: f64) {
        let hazard = 1.0 / self.settings.between;
        let survives = (-hazard).ln_1p() - evidence;
        let least = self.settings.min_share * hazard;
        let prior_weight = self.settings.prior_weight;
        let (mut at, mut kept) = (0, hazard);
        self.state.runs.retain_mut(|run| {
            let outlook = &outlooks[at];
            at += 1;
            let probability = outlook.weight * (1.0 - hazard);
            if probability <= least {
                return false;
            }
            kept += probability;
            run.log_weight = outlook.log_joint + survives;
            run.learn(z, outlook, prior_weight);
            true
        });
        // Whatever the reading, the newborn's probability is the hazard itself.
        self.state.runs.push(newborn(&self.settings, hazard.ln()));
        if self.state.runs.len() > self.settings.max_runs {
            let weight = |at: &usize| self.state.runs[*at].log_weight;
            let improbable = (0..self.state.runs.len() - 1)
                .min_by(|a, b| weight(a).total_cmp(&weight(b)))
                .expect("more runs than the newborn");
            kept -= self.state.runs.remove(improbable).log_weight.exp();
        }
        // The probabilities sum to 1 again after some were given up.
        let correction = kept.ln();
        self.state.runs.iter_mut().for_each(|run| run.log_weight -= correction);
    }

    /// The score of a sample after which a change is recent with this probability.
    fn rate(&self, recent: f64) -> f64 {
        let steady = if (self.state.recent.len() as u64) < self.settings.lag {
            0.0
        } else {
            1.0 - self.state.recent[0]
        };
        recent * steady
    }

    /// Takes in `z`; returns its score.
    fn learn_standardised(&mut self, z: f64) -> f64 {
        let mut outlooks = std::mem::take(&mut self.scratch);
        let evidence = self.predictive.outlooks(&self.state.runs, z, &mut outlooks);
        let recent = self.recent(&outlooks);
        let score = self.rate(recent);
        self.grow(z, &outlooks, evidence);
        if self.state.recent.len() as u64 == self.settings.lag {
            self.state.recent.pop_front();
        }
        self.state.recent.push_back(recent);
        self.scratch = outlooks;
        score
    }

    /// Ends the warm-up when it is complete.
    fn learn_early(&mut self, reading: f64) {
        self.state.early.push(reading);
        if self.state.early.len() < self.settings.warmup {
            return;
        }
        let early = std::mem::take(&mut self.state.early);
        let unit = if self.settings.standardise {
            let moments = Moments::of(&early);
            Unit { centre: moments.mean(), scale: moments.deviation(1) }
        } else {
            Unit { centre: 0.0, scale: 1.0 }
        };
        self.state.unit = Some(unit);
        for reading in early {
            self.learn_standardised(unit.measure(reading));
        }
    }
}

impl Unit {
    fn measure(self, reading: f64) -> f64 {
        in_units(reading, self.centre, self.scale)
    }

    /// The unit once `reading` is in: the first that differs sets the scale of a
    /// warm-up of equal readings.
    fn with(self, reading: f64) -> Self {
        let still = self.scale <= f64::EPSILON * self.centre.abs();
        let late = still.then(|| unit_of_still(reading, self.centre)).flatten();
        Self { scale: late.unwrap_or(self.scale), ..self }
    }
}

/// A run without a sample.
fn newborn(settings: &BocpdSettings, log_weight: f64) -> Run {
    let BocpdSettings { prior_mean: mean, prior_scale: scale, .. } = *settings;
    Run { length: 0, log_weight, mean, scale, log_scale: scale.ln() }
}

impl Run {
    fn learn(&mut self, z: f64, outlook: &Outlook, prior_weight: f64) {
        let weight = prior_weight + self.length as f64;
        self.scale *= 1.0 + outlook.stretch;
        self.log_scale += outlook.log_growth;
        self.mean += (z - self.mean) / (weight + 1.0);
        self.length = self.length.saturating_add(1);
    }
}

/// The predictive densities, with what depends on the length of a run alone
/// worked out beforehand.
#[derive(Debug, Clone)]
struct Predictive {
    prior_weight: f64,
    prior_shape: f64,
    /// Log of the normalising constant for runs of length 0, 1, 2…
    constants: Vec<f64>,
}

/// Beyond this length the constant is worked out when needed.
const TABULATED: u64 = 2048;

impl Predictive {
    fn new(settings: &BocpdSettings) -> Self {
        let BocpdSettings { prior_weight, prior_shape, .. } = *settings;
        let mut predictive = Self { prior_weight, prior_shape, constants: Vec::new() };
        predictive.constants = (0..TABULATED).map(|length| predictive.constant(length)).collect();
        predictive
    }

    fn constant(&self, length: u64) -> f64 {
        let weight = self.prior_weight + length as f64;
        let shape = self.prior_shape + length as f64 / 2.0;
        let spread = std::f64::consts::TAU * (weight + 1.0) / weight;
        ln_gamma_step(shape) - 0.5 * spread.ln()
    }

    /// What `z` means to every run; returns its log density over all of them.
    fn outlooks(&self, runs: &[Run], z: f64, outlooks: &mut Vec<Outlook>) -> f64 {
        outlooks.clear();
        outlooks.extend(runs.iter().map(|run| {
            let tabulated = usize::try_from(run.length).ok().and_then(|at| self.constants.get(at));
            let constant = tabulated.copied().unwrap_or_else(|| self.constant(run.length));
            let weight = self.prior_weight + run.length as f64;
            let shape = self.prior_shape + run.length as f64 / 2.0;
            let apart = z - run.mean;
            let stretch = apart * apart * weight / (2.0 * (weight + 1.0) * run.scale);
            let log_growth = stretch.ln_1p();
            let log_density = constant - 0.5 * run.log_scale - (shape + 0.5) * log_growth;
            Outlook { stretch, log_growth, log_joint: run.log_weight + log_density, weight: 0.0 }
        }));
        let joints = outlooks.iter().map(|outlook| outlook.log_joint);
        let largest = joints.fold(f64::NEG_INFINITY, f64::max);
        let mut total = 0.0;
        for outlook in outlooks.iter_mut() {
            outlook.weight = (outlook.log_joint - largest).exp();
            total += outlook.weight;
        }
        outlooks.iter_mut().for_each(|outlook| outlook.weight /= total);
        largest + total.ln()
    }
}

/// `ln Γ(x + 1/2) - ln Γ(x)`.
fn ln_gamma_step(x: f64) -> f64 {
    if x < 50.0 {
        return ln_gamma(x + 0.5) - ln_gamma(x);
    }
    // Both are huge; their difference is not, and this series gives it to the last digit.
    let y = 1.0 / (x * x);
    0.5 * x.ln() - (1.0 / 8.0 - y * (1.0 / 192.0 - y * (1.0 / 640.0))) / x
}

impl Detector for Bocpd {
    fn channels(&self) -> usize {
        1
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        let reading = one_reading(sample)?;
        let Some(unit) = self.state.unit else { return Ok(Score::Warming(self.missing())) };
        let mut outlooks = Vec::with_capacity(self.state.runs.len());
        let z = unit.with(reading).measure(reading);
        self.predictive.outlooks(&self.state.runs, z, &mut outlooks);
        Ok(Score::Ready(self.rate(self.recent(&outlooks))))
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        self.update(sample).map(|_| ())
    }

    fn update(&mut self, sample: Sample<'_>) -> Result<Score, DetectError> {
        let reading = one_reading(sample)?;
        let Some(unit) = self.state.unit else {
            let score = Score::Warming(self.missing());
            self.learn_early(reading);
            return Ok(score);
        };
        let unit = unit.with(reading);
        self.state.unit = Some(unit);
        Ok(Score::Ready(self.learn_standardised(unit.measure(reading))))
    }

    fn explain(
        &self,
        sample: Sample<'_>,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        let score = self.score(sample)?;
        let (Some(score), Some(unit)) = (score.ready(), self.state.unit) else { return Ok(None) };
        let level = |run: &Run| run.log_weight.exp() * run.mean;
        let level: f64 = self.state.runs.iter().map(level).sum();
        // No band: the score depends on the reading in no monotone way.
        Ok(Some(Explanation::of_one(unit.centre + level * unit.scale, None, score)))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &self.state)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        let state: State = snapshot.read(METHOD.name, SNAPSHOT_VERSION)?;
        let early = state.early.len() < self.settings.warmup;
        let runs = !state.runs.is_empty() && state.runs.len() <= self.settings.max_runs;
        let recent = state.recent.len() as u64 <= self.settings.lag;
        if !early || !runs || !recent {
            return Err(snapshot.refused(METHOD.name, "it is of other settings"));
        }
        let possible = |run: &Run| {
            run.log_weight < 1e-6
                && run.mean.abs() <= 1e10
                && run.scale > 0.0
                && run.log_scale.abs() <= 1e3
        };
        let unit = state.unit.is_none_or(|unit| unit.scale >= 0.0);
        let recent = state.recent.iter().all(|recent| (0.0..=1.0).contains(recent));
        if !state.runs.iter().all(possible) || !unit || !recent {
            return Err(snapshot.refused(METHOD.name, "its probabilities cannot be"));
        }
        self.state = state;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use auscult_core::Timestamp;

    use super::*;

    fn learn(bocpd: &mut Bocpd, reading: f64) -> f64 {
        let sample = [reading];
        let sample = Sample::new(Timestamp::from_seconds(0), &sample).expect("finite");
        bocpd.update(sample).expect("one channel").ready().unwrap_or(0.0)
    }

    #[test]
    fn probabilities_sum_to_one_whatever_comes() {
        for min_share in [0.0, 0.025] {
            let settings = BocpdSettings { min_share, max_runs: 40, ..Default::default() };
            let mut bocpd = Bocpd::new(settings).expect("in range");
            for at in 0..400_u32 {
                let spike = if at % 90 == 89 { 1e300 } else { 0.0 };
                learn(&mut bocpd, f64::from(at * 37 % 11) + spike);
                let total: f64 = bocpd.run_lengths().map(|(_, probability)| probability).sum();
                assert!((total - 1.0).abs() < 1e-12, "{total} after {at}");
                assert!(bocpd.run_lengths().count() <= 40);
            }
        }
    }

    #[test]
    fn a_long_run_is_followed_for_ever() {
        let mut bocpd = Bocpd::new(BocpdSettings::default()).expect("in range");
        for at in 0..5000_u32 {
            learn(&mut bocpd, f64::from(at.wrapping_mul(2_654_435_769) >> 8));
        }
        let (length, probability) = bocpd.likeliest_run().expect("warm");
        assert!(length == 5000 && probability > 0.9, "{length} with {probability}");
    }

    #[test]
    fn the_series_meets_the_gamma_function() {
        for x in [50.0, 63.5, 200.0] {
            let direct = ln_gamma(x + 0.5) - ln_gamma(x);
            assert!((ln_gamma_step(x) - direct).abs() < 1e-12, "{x}");
        }
    }
}

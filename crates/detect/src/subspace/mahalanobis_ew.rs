//! Distance from a moving mean in the units of a moving covariance.

use auscult_core::{
    DetectError, Detector, Explanation, Frame, Sample, Score, Settings, Snapshot, settings,
};
use auscult_stats::chi_square::normal_equivalent;
use nalgebra::{Cholesky, DMatrix};
use serde::{Deserialize, Serialize};

use super::quadratic::QuadraticIndex;
use crate::scaler::Scaler;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`MahalanobisEw`].
    pub struct MahalanobisEwSettings {
        /// Samples to learn before the first score.
        warmup: usize = 100, "at least 10", |warmup| *warmup >= 10;
        /// Samples that count: older ones fade with this time constant.
        memory: f64 = 20_000.0, "at least 10", |memory| *memory >= 10.0;
        /// Deviations that a single sample may teach; what lies beyond is learnt
        /// as if it lay there.
        clip: f64 = 3.0, "above 0", |clip| *clip > 0.0;
        /// How far the covariance is shrunk towards independent channels.
        shrinkage: f64 = 0.2, "in (0, 1]", |amount| *amount > 0.0 && *amount <= 1.0;
        /// Smallest deviation that counts, as a share of the spread of the
        /// channel during warm-up.
        min_deviation: f64 = 0.01, "above 0", |floor| *floor > 0.0;
        /// Samples that a channel must spend beyond `clip`, more than within,
        /// until its level is taken for the new normal.
        relearn: usize = 2000, "at least 10", |relearn| *relearn >= 10;
    }
}

pub(super) const METHOD: Method = Method {
    name: "mahalanobis-ew",
    title: "Exponentially weighted Mahalanobis distance",
    summary: "Distance from a moving mean of all channels together, in the units of a moving covariance.",
    sees: "in one pass, single channels far out and channels that stopped moving together; faults do not teach it",
    blind: "slow drift, which it follows; seasons wider than the change; several regimes",
    unit: "standard deviations of a normal variable that is as rare",
    cost: "O(d²) time per sample, O(d²) memory",
    source: "P. C. Mahalanobis, \"On the generalised distance in statistics\", 1936; winsorised after P. J. Huber, \"Robust Statistics\", Wiley, 1981",
    channels: Channels::Any,
    order: Order::Free,
    threshold: Threshold::Score(5.0),
    parameters: MahalanobisEwSettings::PARAMETERS,
    default_of: MahalanobisEwSettings::default_of,
    batch: None,
    pieces: None,
    labelled: None,
    online: Some(|map, channels| {
        Ok(Box::new(MahalanobisEw::new(MahalanobisEwSettings::from_map(map)?, channels)?))
    }),
};

/// Most samples between two refreshes of the factorised covariance.
const REFRESH: usize = 100;

/// Distance from a moving mean of all channels together, in the units of a
/// moving covariance.
///
/// Each sample moves mean and covariance by at most `clip` deviations per
/// channel, so that a fault hardly teaches the detector to expect it. The
/// covariance is shrunk towards its diagonal. The score is that of
/// [`Mahalanobis`](super::Mahalanobis). Telemetry has heavier tails than normal
/// rows, hence the higher threshold.
///
/// Channels are first put in units of their median absolute deviation during
/// warm-up. One that never moved then has a billionth of its level as unit, or
/// of 1 if it read 0, and any move of it scores high.
///
/// A channel that stays away for good is learnt anew after `relearn` samples.
/// The covariance is factorised every tenth of the samples seen, at most every
/// hundredth sample; in between it rates with the last one. Time and memory
/// O(d²) per sample, plus O(d³) at each refresh.
///
/// The explanation expects each channel where the others put it, and shares out
/// what each would take off the squared distance by going there.
///
/// Reference: P. C. Mahalanobis, "On the generalised distance in statistics",
/// Proceedings of the National Institute of Sciences of India, 1936;
/// winsorising after P. J. Huber, "Robust Statistics", Wiley, 1981.
///
/// ```
/// use auscult_core::{Detector, Sample, Timestamp};
/// use auscult_detect::subspace::{MahalanobisEw, MahalanobisEwSettings};
/// let mut detector = MahalanobisEw::new(MahalanobisEwSettings::default(), 2)?;
/// for second in 0..500_i64 {
///     // Power follows load, each sample a little off.
///     let (load, off) = ((second % 40) as f64, (second * 7 % 11) as f64 / 5.0);
///     let readings = [load, 3.0 * load + off];
///     detector.learn(Sample::new(Timestamp::from_seconds(second), &readings)?)?;
/// }
/// let score = |readings: &[f64]| -> Result<_, Box<dyn std::error::Error>> {
///     Ok(detector.score(Sample::new(Timestamp::from_seconds(500), readings)?)?.ready())
/// };
/// assert!(score(&[30.0, 91.0])?.is_some_and(|score| score < 2.0));
/// assert!(score(&[35.0, 10.0])?.is_some_and(|score| score > 3.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct MahalanobisEw {
    settings: MahalanobisEwSettings,
    channels: usize,
    state: State,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    /// Samples learnt.
    seen: usize,
    /// Samples by whose number the next is weighted.
    weighted: f64,
    /// Readings of the warm-up; empty after it.
    pending: Vec<f64>,
    /// Centre and unit of each channel; everything below is in these.
    centre: Vec<f64>,
    unit: Vec<f64>,
    mean: Vec<f64>,
    /// Covariance, shape `(channels, channels)`; only the lower half is kept up.
    spread: Vec<f64>,
    /// Lower Cholesky factor of the shrunk covariance, row by row.
    factor: Vec<f64>,
    /// Samples since the factor was made.
    stale: usize,
    /// For each channel, samples beyond the clip less those within, at least 0.
    beyond: Vec<usize>,
}

const SNAPSHOT_VERSION: u32 = 1;

impl MahalanobisEw {
    /// A fresh detector of `channels` channels, at least 1.
    ///
    /// # Errors
    ///
    /// [`auscult_core::SettingError`] for a value out of range.
    pub fn new(
        settings: MahalanobisEwSettings,
        channels: usize,
    ) -> Result<Self, auscult_core::SettingError> {
        settings.check()?;
        Ok(Self { settings, channels: channels.max(1), state: State::default() })
    }

    fn is_warm(&self) -> bool {
        self.state.seen >= self.settings.warmup
    }

    fn scaler(&self) -> Scaler {
        Scaler { centre: self.state.centre.clone(), unit: self.state.unit.clone() }
    }

    /// `sample` in units, less the mean.
    fn departure(&self, sample: Sample<'_>) -> Vec<f64> {
        let readings: Vec<f64> = sample.readings().collect();
        let mut departure = vec![0.0; self.channels];
        self.scaler().apply_to(&readings, &mut departure);
        departure.iter_mut().zip(&self.state.mean).for_each(|(value, mean)| *value -= mean);
        departure
    }

    /// Squared distance, by forward substitution; the solution takes the place
    /// of `departure`.
    fn square(&self, departure: &mut [f64]) -> f64 {
        let mut square = 0.0;
        for (i, line) in self.state.factor.chunks_exact(self.channels).enumerate() {
            let (solved, rest) = departure.split_at_mut(i);
            let known: f64 = line.iter().zip(solved.iter()).map(|(l, y)| l * y).sum();
            rest[0] = (rest[0] - known) / line[i];
            square += rest[0] * rest[0];
        }
        square.min(f64::MAX)
    }

    /// Ends the warm-up: finds units, then learns what was kept for it.
    fn start(&mut self) {
        let pending = std::mem::take(&mut self.state.pending);
        let frame = Frame::new(&pending, self.channels).expect("whole rows of finite readings");
        let scaler = Scaler::robust(&frame);
        let channels = self.channels;
        let mut spread = vec![0.0; channels * channels];
        spread.iter_mut().step_by(channels + 1).for_each(|variance| *variance = 1.0);
        self.state.weighted = 1.0;
        self.state.mean = vec![0.0; channels];
        self.state.beyond = vec![0; channels];
        self.state.factor = spread.clone();
        self.state.spread = spread;
        let mut departure = vec![0.0; channels];
        for row in frame.iter_rows() {
            scaler.apply_to(row, &mut departure);
            departure.iter_mut().zip(&self.state.mean).for_each(|(value, mean)| *value -= mean);
            self.absorb(&departure);
        }
        (self.state.centre, self.state.unit) = (scaler.centre, scaler.unit);
        self.refresh();
    }

    fn deviation(&self, channel: usize) -> f64 {
        let variance = self.state.spread[channel * (self.channels + 1)];
        variance.sqrt().max(self.settings.min_deviation)
    }

    /// Moves mean and covariance towards a sample that is `departure` from the mean.
    fn absorb(&mut self, departure: &[f64]) {
        let channels = self.channels;
        self.state.weighted += 1.0;
        let weight = (1.0 / self.state.weighted).max(1.0 / self.settings.memory);
        let mut clipped = departure.to_vec();
        for (channel, value) in clipped.iter_mut().enumerate() {
            let reach = self.settings.clip * self.deviation(channel);
            let beyond = &mut self.state.beyond[channel];
            *beyond = if value.abs() > reach { *beyond + 1 } else { beyond.saturating_sub(1) };
            *value = value.clamp(-reach, reach);
        }
        for (mean, value) in self.state.mean.iter_mut().zip(&clipped) {
            *mean += weight * value;
        }
        for (i, line) in self.state.spread.chunks_exact_mut(channels).enumerate() {
            let factor = weight * clipped[i];
            for (slot, value) in line[..=i].iter_mut().zip(&clipped) {
                *slot = (1.0 - weight) * (*slot + factor * value);
            }
        }
        self.relearn(departure);
    }

    /// Takes channels that stayed away long enough at their word: their last
    /// departure becomes the mean, with a deviation that reaches back.
    fn relearn(&mut self, departure: &[f64]) {
        let channels = self.channels;
        for channel in 0..channels {
            if self.state.beyond[channel] < self.settings.relearn {
                continue;
            }
            self.state.beyond[channel] = 0;
            self.state.mean[channel] += departure[channel];
            for other in 0..channels {
                let (row, column) = (channel.max(other), channel.min(other));
                self.state.spread[row * channels + column] = 0.0;
            }
            let deviation = departure[channel] / self.settings.clip;
            self.state.spread[channel * (channels + 1)] = deviation * deviation;
            // The rest of the new regime is then learnt as fast as the first one.
            self.state.weighted = self.state.weighted.min(self.settings.warmup as f64);
            self.state.stale = REFRESH;
        }
    }

    /// Factorises the shrunk covariance.
    fn refresh(&mut self) {
        let channels = self.channels;
        let keep = 1.0 - self.settings.shrinkage;
        let floor = self.settings.min_deviation * self.settings.min_deviation;
        let deviations: Vec<f64> =
            (0..channels).map(|i| (self.state.spread[i * (channels + 1)] + floor).sqrt()).collect();
        // As correlations, so that channels of any spread factorise alike.
        let correlation = DMatrix::from_fn(channels, channels, |i, j| {
            let at = i.max(j) * channels + i.min(j);
            let scale = deviations[i] * deviations[j];
            if i == j { 1.0 } else { keep * self.state.spread[at] / scale }
        });
        // Shrunk, it is positive definite but for rounding; if that should
        // fail, channels count as independent until the next refresh.
        let lower = Cholesky::new(correlation)
            .map_or_else(|| DMatrix::identity(channels, channels), |cholesky| cholesky.unpack());
        for i in 0..channels {
            for j in 0..channels {
                self.state.factor[i * channels + j] = deviations[i] * lower[(i, j)];
            }
        }
        self.state.stale = 0;
    }
}

impl Detector for MahalanobisEw {
    fn channels(&self) -> usize {
        self.channels
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        DetectError::check_channels(self.channels, sample.channels())?;
        if !self.is_warm() {
            return Ok(Score::Warming(self.settings.warmup - self.state.seen));
        }
        let square = self.square(&mut self.departure(sample));
        Ok(Score::Ready(normal_equivalent(square, self.channels as f64)))
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        DetectError::check_channels(self.channels, sample.channels())?;
        if self.is_warm() {
            let departure = self.departure(sample);
            self.absorb(&departure);
            self.state.stale += 1;
            if self.state.stale >= REFRESH.min(self.state.weighted as usize / 10) {
                self.refresh();
            }
            self.state.seen = self.state.seen.saturating_add(1);
            return Ok(());
        }
        self.state.pending.extend(sample.readings());
        self.state.seen += 1;
        if self.is_warm() {
            self.start();
        }
        Ok(())
    }

    fn explain(
        &self,
        sample: Sample<'_>,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        if self.score(sample)?.ready().is_none() {
            return Ok(None);
        }
        let channels = self.channels;
        let lower = DMatrix::from_row_slice(channels, channels, &self.state.factor);
        let Some(inverse) = lower.solve_lower_triangular(&DMatrix::identity(channels, channels))
        else {
            // Only a snapshot from elsewhere can hold a factor without inverse.
            return Ok(None);
        };
        let mut scaler = self.scaler();
        for (channel, mean) in self.state.mean.iter().enumerate() {
            scaler.centre[channel] = scaler.reading(channel, *mean);
        }
        let index = QuadraticIndex::new(scaler, inverse.transpose(), channels as f64);
        let readings: Vec<f64> = sample.readings().collect();
        Ok(Some(index.explain(&readings, threshold)))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &self.state)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        let state: State = snapshot.read(METHOD.name, SNAPSHOT_VERSION)?;
        let warm = state.seen >= self.settings.warmup;
        let (width, square) = if warm { (self.channels, self.channels.pow(2)) } else { (0, 0) };
        let pending = if warm { 0 } else { state.seen * self.channels };
        let fits = state.pending.len() == pending
            && state.beyond.len() == width
            && [&state.centre, &state.unit, &state.mean].iter().all(|part| part.len() == width)
            && [&state.spread, &state.factor].iter().all(|part| part.len() == square);
        if !fits {
            let reason = "it has another number of channels or another warm-up";
            return Err(snapshot.refused(METHOD.name, reason));
        }
        let pivots = state.factor.iter().step_by(self.channels + 1);
        if !state.unit.iter().chain(pivots).all(|deviation| *deviation > 0.0) {
            return Err(snapshot.refused(METHOD.name, "a deviation is not above 0"));
        }
        self.state = state;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auscult_core::Timestamp;

    /// Two channels that move together.
    fn row(at: usize) -> [f64; 2] {
        let common = (at as f64 * 0.61).sin();
        [10.0 + common + 0.2 * (at as f64 * 1.7).sin(), 20.0 - common]
    }

    fn update(detector: &mut MahalanobisEw, readings: &[f64]) -> Option<f64> {
        let sample = Sample::new(Timestamp::from_seconds(0), readings).expect("finite");
        detector.update(sample).expect("same width").ready()
    }

    fn trained(settings: MahalanobisEwSettings) -> MahalanobisEw {
        let mut detector = MahalanobisEw::new(settings, 2).expect("in range");
        for at in 0..1000 {
            update(&mut detector, &row(at));
        }
        detector
    }

    #[test]
    fn a_long_fault_does_not_become_normal_but_a_new_regime_does() {
        let settings = MahalanobisEwSettings { relearn: 500, ..Default::default() };
        let mut detector = trained(settings);
        let shifted = |at: usize| [row(at)[0] + 40.0, row(at)[1]];
        for at in 1000..1400 {
            let score = update(&mut detector, &shifted(at)).expect("warm");
            assert!(score > 8.0, "sample {at} scores {score}");
        }
        for at in 1400..3000 {
            update(&mut detector, &shifted(at));
        }
        let settled = update(&mut detector, &shifted(3000)).expect("warm");
        assert!(settled < 3.0, "{settled}");
        let back = update(&mut detector, &row(3001)).expect("warm");
        assert!(back > 5.0, "{back}");
    }

    #[test]
    fn one_huge_reading_leaves_no_trace_worth_the_name() {
        let mut detector = trained(MahalanobisEwSettings::default());
        let before = detector.state.mean.clone();
        let score = update(&mut detector, &[1e300, 20.0]).expect("warm");
        assert!(score > 1e90 && score.is_finite());
        assert!((detector.state.mean[0] - before[0]).abs() < 0.01);
        assert!(update(&mut detector, &row(1001)).expect("warm") < 3.0);
    }

    #[test]
    fn a_channel_is_expected_where_the_other_puts_it() {
        let detector = trained(MahalanobisEwSettings::default());
        // The first fell though the second did not rise.
        let readings = [9.0, 19.0];
        let sample = Sample::new(Timestamp::from_seconds(0), &readings).expect("finite");
        let explanation = detector.explain(sample, 5.0).expect("width").expect("warm");
        assert!(explanation.expected[0] > 10.3, "{explanation:?}");
    }

    #[test]
    fn a_snapshot_that_does_not_fit_is_refused() {
        let detector = trained(MahalanobisEwSettings::default());
        let mut other = detector.clone();
        let mut short = detector.state.clone();
        short.factor.pop();
        let mut flat = detector.state.clone();
        flat.factor[3] = 0.0;
        for state in [short, flat] {
            let broken = Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &state);
            assert!(other.restore(&broken).is_err());
        }
        assert_eq!(other.snapshot(), detector.snapshot());
    }
}

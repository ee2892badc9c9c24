//! Distance from a moving mean in the units of a moving covariance.

use auscult_core::{
    DetectError, Detector, Explanation, Frame, LARGEST_READING, Sample, Score, Settings, Snapshot,
    settings,
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
        warmup: usize = 200, "at least 10", |warmup| *warmup >= 10;
        /// Samples that count: older ones fade with this time constant.
        memory: f64 = 20_000.0, "at least 10", |memory| *memory >= 10.0;
        /// Deviations that a single sample may teach; what lies beyond is learnt
        /// as if it lay there.
        clip: f64 = 3.0, "above 0", |clip| *clip > 0.0;
        /// How far the covariance is shrunk towards independent channels.
        shrinkage: f64 = 0.2, "in (0, 1]", |amount| *amount > 0.0 && *amount <= 1.0;
        /// Smallest deviation that counts, as a share of the range that the
        /// channel has covered so far.
        min_deviation: f64 = 0.05, "above 0", |floor| *floor > 0.0;
        /// Samples that a channel must spend beyond `clip`, more than within,
        /// until its level is taken for the new normal.
        relearn: usize = 10_000, "at least 10", |relearn| *relearn >= 10;
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
/// Units beyond which a reading of the warm-up counts as if it lay there.
const WARMUP_CLIP: f64 = 20.0;
/// Deviation of a channel that never moved, in its unit.
const LEAST_DEVIATION: f64 = 0.01;

/// Distance from a moving mean of all channels together, in the units of a
/// moving covariance.
///
/// Each sample moves mean and covariance by at most `clip` deviations per
/// channel, so that a fault hardly teaches the detector to expect it. The
/// covariance is shrunk towards its diagonal. The score is that of
/// [`Mahalanobis`](super::Mahalanobis). Telemetry has heavier tails than normal
/// rows, hence the higher threshold.
///
/// A deviation below `min_deviation` of the range that a channel has covered,
/// the rated sample included, counts as that much: a still channel that moves
/// is strange, but no channel is ever further off than `1 / min_deviation`
/// deviations. A range at most doubles with one sample, so that spikes do not
/// make a channel coarse.
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
    /// Lowest and highest reading of each channel, spikes left out.
    low: Vec<f64>,
    high: Vec<f64>,
    /// Covariance, shape `(channels, channels)`; only the lower half is kept up.
    spread: Vec<f64>,
    /// Deviation of each channel in the shrunk covariance.
    deviation: Vec<f64>,
    /// Transposed Cholesky factor of the shrunk covariance, row by row.
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

    /// `sample` in units, less the mean.
    fn departure(&self, sample: Sample<'_>) -> Vec<f64> {
        let State { centre, unit, mean, .. } = &self.state;
        let departure = |(channel, reading): (usize, f64)| {
            let scaled = (reading - centre[channel]) / unit[channel];
            scaled.clamp(-LARGEST_READING, LARGEST_READING) - mean[channel]
        };
        sample.readings().enumerate().map(departure).collect()
    }

    /// Squared distance of a sample that is `departure` from the mean.
    ///
    /// The range of a channel includes the sample, and with it the smallest
    /// deviation: the first move of a channel that never moved is strange, but
    /// not infinitely so.
    fn square(&self, mut departure: Vec<f64>) -> f64 {
        for (value, deviation) in departure.iter_mut().zip(&self.state.deviation) {
            let least = self.settings.min_deviation * *value / deviation;
            *value /= (1.0 + least * least).sqrt();
        }
        // Forward substitution, column by column.
        let mut square = 0.0;
        for (i, line) in self.state.factor.chunks_exact(self.channels).enumerate() {
            let (solved, rest) = departure[i..].split_at_mut(1);
            let solution = solved[0] / line[i];
            square += solution * solution;
            for (value, factor) in rest.iter_mut().zip(&line[i + 1..]) {
                *value -= solution * factor;
            }
        }
        square.min(f64::MAX)
    }

    /// Ends the warm-up: finds units, and the covariance in them.
    fn start(&mut self) {
        let pending = std::mem::take(&mut self.state.pending);
        let frame = Frame::new(&pending, self.channels).expect("whole rows of finite readings");
        let scaler = Scaler::robust(&frame);
        let channels = self.channels;
        let rows = frame.rows() as f64;
        self.state = State {
            seen: self.state.seen,
            weighted: rows,
            centre: scaler.centre.clone(),
            unit: scaler.unit.clone(),
            mean: vec![0.0; channels],
            low: vec![0.0; channels],
            high: vec![0.0; channels],
            spread: vec![0.0; channels * channels],
            factor: vec![0.0; channels * channels],
            beyond: vec![0; channels],
            ..State::default()
        };
        let mut scaled = vec![0.0; channels];
        for row in frame.iter_rows() {
            scaler.apply_to(row, &mut scaled);
            self.widen(&scaled);
            scaled.iter_mut().for_each(|value| *value = value.clamp(-WARMUP_CLIP, WARMUP_CLIP));
            for (i, line) in self.state.spread.chunks_exact_mut(channels).enumerate() {
                for (slot, value) in line[..=i].iter_mut().zip(&scaled) {
                    *slot += scaled[i] * value / rows;
                }
            }
        }
        self.refresh();
    }

    fn deviation(&self, channel: usize) -> f64 {
        let variance = self.state.spread[channel * (self.channels + 1)];
        variance.sqrt().max(self.floor(channel))
    }

    fn floor(&self, channel: usize) -> f64 {
        let range = self.state.high[channel] - self.state.low[channel];
        // A channel that never moved has no range, but needs a deviation.
        (self.settings.min_deviation * range).max(LEAST_DEVIATION)
    }

    /// Widens the ranges towards a sample that is `departure` from the mean.
    ///
    /// A range at most doubles, so that a spike says little. The first move of
    /// a channel is all that is known of its range, up to its level or 1.
    fn widen(&mut self, departure: &[f64]) {
        let State { centre, unit, mean, low, high, .. } = &mut self.state;
        for (channel, departure) in departure.iter().enumerate() {
            let range = high[channel] - low[channel];
            let most =
                if range > 0.0 { range } else { centre[channel].abs().max(1.0) / unit[channel] };
            let reading = mean[channel] + departure;
            low[channel] = low[channel].min(reading.max(low[channel] - most));
            high[channel] = high[channel].max(reading.min(high[channel] + most));
        }
    }

    /// Moves mean and covariance towards a sample that is `departure` from the mean.
    fn absorb(&mut self, departure: &[f64]) {
        let channels = self.channels;
        self.widen(departure);
        self.state.weighted += 1.0;
        let weight = (1.0 / self.state.weighted).max(1.0 / self.settings.memory);
        let mut clipped = departure.to_vec();
        for (channel, value) in clipped.iter_mut().enumerate() {
            let reach = self.settings.clip * self.deviation(channel);
            let beyond = &mut self.state.beyond[channel];
            *beyond = if value.abs() > reach {
                beyond.saturating_add(1)
            } else {
                beyond.saturating_sub(1)
            };
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
        for (channel, departure) in departure.iter().enumerate() {
            if self.state.beyond[channel] < self.settings.relearn {
                continue;
            }
            self.state.beyond[channel] = 0;
            self.state.mean[channel] += departure;
            for other in 0..channels {
                let (row, column) = (channel.max(other), channel.min(other));
                self.state.spread[row * channels + column] = 0.0;
            }
            let deviation = departure / self.settings.clip;
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
                self.state.factor[j * channels + i] = deviations[i] * lower[(i, j)];
            }
        }
        self.state.deviation = deviations;
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
        let square = self.square(self.departure(sample));
        Ok(Score::Ready(normal_equivalent(square, self.channels as f64)))
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        DetectError::check_channels(self.channels, sample.channels())?;
        if self.is_warm() {
            let departure = self.departure(sample);
            self.absorb(&departure);
            self.state.stale = self.state.stale.saturating_add(1);
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
        let lower = DMatrix::from_column_slice(channels, channels, &self.state.factor);
        let Some(inverse) = lower.solve_lower_triangular(&DMatrix::identity(channels, channels))
        else {
            // Only a snapshot from elsewhere can hold a factor without inverse.
            return Ok(None);
        };
        let mut scaler =
            Scaler { centre: self.state.centre.clone(), unit: self.state.unit.clone() };
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
        let pending = if warm { 0 } else { state.seen.saturating_mul(self.channels) };
        let fits = state.pending.len() == pending
            && state.beyond.len() == width
            && [&state.centre, &state.unit, &state.mean, &state.low, &state.high, &state.deviation]
                .iter()
                .all(|part| part.len() == width)
            && [&state.spread, &state.factor].iter().all(|part| part.len() == square);
        if !fits {
            let reason = "it has another number of channels or another warm-up";
            return Err(snapshot.refused(METHOD.name, reason));
        }
        let pivots = state.factor.iter().step_by(self.channels + 1);
        let scales = state.unit.iter().chain(&state.deviation).chain(pivots);
        if !scales.into_iter().all(|deviation| *deviation > 0.0) {
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
            assert!(score > 6.0, "sample {at} scores {score}");
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
        assert!(score > 15.0 && score < 60.0, "{score}");
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
    fn a_snapshot_with_absurd_numbers_never_panics_later() {
        let mut detector = trained(MahalanobisEwSettings::default());
        let mut state = detector.state.clone();
        state.beyond = vec![usize::MAX; 2];
        state.stale = usize::MAX;
        state.weighted = -1.0;
        state.spread.fill(-1e308);
        state.high.fill(-1e308);
        state.low.fill(1e308);
        let absurd = Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &state);
        if detector.restore(&absurd).is_ok() {
            for at in 0..300 {
                update(&mut detector, &row(at));
            }
        }
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

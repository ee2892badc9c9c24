//! Distance from a moving average.

use auscult_core::{
    Band, DetectError, Detector, Explanation, LARGEST_READING, Sample, Score, Settings, Snapshot,
    settings,
};
use auscult_stats::resolution::RunningResolution;
use serde::{Deserialize, Serialize};

use crate::shared::Spread;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`EwmaZScore`].
    pub struct EwmaSettings {
        /// Weight of the newest sample.
        weight: f64 = 0.05, "in (0, 1)", |weight| *weight > 0.0 && *weight < 1.0;
        /// Samples to learn before the first score.
        warmup: usize = 20, "at least 2", |warmup| *warmup >= 2;
        /// Whether to weigh the first samples as if nothing came before them,
        /// instead of giving the very first the weight of a long past. As in pandas.
        adjust: bool = true, "true or false", |_| true;
        /// Smallest deviation that counts, as a share of the average: below it
        /// a nearly constant channel would score on rounding.
        min_deviation: f64 = 1e-9, "above 0", |floor| *floor > 0.0;
    }
}

pub(super) const METHOD: Method = Method {
    name: "ewma",
    title: "Exponentially weighted moving average",
    summary: "Distance from an exponentially weighted mean, in weighted deviations.",
    sees: "jumps, in one sample; several channels jointly",
    blind: "slow drift, which it follows; seasons shorter than its memory",
    unit: "weighted standard deviations",
    cost: "O(d) time per sample, O(d) memory",
    source: "T. Finch, \"Incremental calculation of weighted mean and variance\", University of Cambridge, 2009",
    channels: Channels::Any,
    order: Order::Free,
    threshold: Threshold::Score(4.0),
    parameters: EwmaSettings::PARAMETERS,
    default_of: EwmaSettings::default_of,
    batch: None,
    pieces: None,
    labelled: None,
    online: Some(|map, channels| {
        Ok(Box::new(EwmaZScore::new(EwmaSettings::from_map(map)?, channels)?))
    }),
};

/// Distance from an exponentially weighted mean, in weighted deviations.
///
/// For channel `c`, `z[c] = (x[c] - mean[c]) / deviation[c]`, where mean and
/// deviation are of the samples before `x`; the score is the Euclidean norm of
/// `z` over the root of the number of channels. Sees a jump in one sample;
/// follows slow drift, so it misses leaks. Time and memory O(channels) per
/// sample.
///
/// Mean and deviation equal those of `ewm(alpha=weight, adjust=…)` in pandas,
/// the deviation with `bias=True`.
///
/// Reference: T. Finch, "Incremental calculation of weighted mean and
/// variance", University of Cambridge, 2009. We add a least deviation: what
/// rounding to the smallest step of a channel so far leaves, so that a channel
/// that mostly stands still is not strange whenever it moves.
///
/// ```
/// use auscult_core::{Detector, Sample, Score, Timestamp};
/// use auscult_detect::change::{EwmaSettings, EwmaZScore};
/// let settings = EwmaSettings { warmup: 3, ..Default::default() };
/// let mut detector = EwmaZScore::new(settings, 1)?;
/// for (second, watts) in [300.0, 302.0, 301.0].into_iter().enumerate() {
///     detector.learn(Sample::new(Timestamp::from_seconds(second as i64), &[watts])?)?;
/// }
/// let score = detector.score(Sample::new(Timestamp::from_seconds(3), &[90.0])?)?;
/// assert!(matches!(score, Score::Ready(score) if score > 100.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct EwmaZScore {
    settings: EwmaSettings,
    state: State,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    seen: usize,
    /// What the samples so far weigh together, of the 1 that an endless past
    /// would weigh.
    weighed: f64,
    mean: Vec<f64>,
    variance: Vec<f64>,
    /// The steps of each channel; empty in states of the first release.
    #[serde(default)]
    resolution: Vec<RunningResolution>,
}

const SNAPSHOT_VERSION: u32 = 1;

impl EwmaZScore {
    /// A fresh detector of `channels` channels.
    ///
    /// # Errors
    ///
    /// [`auscult_core::SettingError`] for a value out of range.
    pub fn new(
        settings: EwmaSettings,
        channels: usize,
    ) -> Result<Self, auscult_core::SettingError> {
        settings.check()?;
        let state = State {
            seen: 0,
            weighed: 0.0,
            mean: vec![0.0; channels],
            variance: vec![0.0; channels],
            resolution: vec![RunningResolution::default(); channels],
        };
        Ok(Self { settings, state })
    }

    fn spread(&self, channel: usize) -> Spread {
        let State { seen, mean, variance, resolution, .. } = &self.state;
        let floor = self.settings.min_deviation * mean[channel].abs();
        // As many samples as would give an even mean the variance of this one.
        let samples = (1.0 / self.settings.weight - 1.0).min(*seen as f64);
        let deviation = variance[channel].sqrt();
        Spread::of(mean[channel], deviation, samples, &resolution[channel]).at_least(floor)
    }

    /// `z²` of `reading` in `channel`, held where sums of them stay finite.
    fn square(&self, (channel, reading): (usize, f64)) -> f64 {
        let distance = (reading - self.state.mean[channel]).abs();
        let z = self.spread(channel).rate(distance).min(LARGEST_READING);
        z * z
    }
}

impl Detector for EwmaZScore {
    fn channels(&self) -> usize {
        self.state.mean.len()
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        DetectError::check_channels(self.channels(), sample.channels())?;
        let missing = self.settings.warmup.saturating_sub(self.state.seen);
        if missing > 0 {
            return Ok(Score::Warming(missing));
        }
        let squares: f64 = sample.readings().enumerate().map(|at| self.square(at)).sum();
        Ok(Score::Ready((squares / self.channels() as f64).sqrt()))
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        DetectError::check_channels(self.channels(), sample.channels())?;
        self.state.seen = self.state.seen.saturating_add(1);
        let newest = self.settings.weight;
        self.state.weighed += newest * (1.0 - self.state.weighed);
        let weight = match self.state.seen {
            1 => 1.0,
            _ if self.settings.adjust => newest / self.state.weighed,
            _ => newest,
        };
        for (channel, reading) in sample.readings().enumerate() {
            self.state.resolution[channel].push(reading);
            let apart = reading - self.state.mean[channel];
            self.state.mean[channel] += weight * apart;
            let variance = &mut self.state.variance[channel];
            *variance = (1.0 - weight) * (*variance + weight * apart * apart);
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
        let squares: Vec<f64> = sample.readings().enumerate().map(|at| self.square(at)).collect();
        let total: f64 = squares.iter().sum();
        let budget = threshold * threshold * self.channels() as f64;
        let band = |channel: usize| {
            // What the other channels leave of the threshold.
            let room = (budget - (total - squares[channel])).max(0.0).sqrt();
            Band::around(self.state.mean[channel], self.spread(channel).reach(room))
        };
        Ok(Some(Explanation::new(
            self.state.mean.clone(),
            Some((0..self.channels()).map(band).collect()),
            Explanation::shares(&squares),
        )))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &self.state)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        let mut state: State = snapshot.read(METHOD.name, SNAPSHOT_VERSION)?;
        if state.resolution.is_empty() {
            state.resolution.resize_with(self.channels(), RunningResolution::default);
        }
        let possible =
            (0.0..=1.0).contains(&state.weighed) && (state.weighed > 0.0) == (state.seen > 0);
        if !possible {
            return Err(snapshot.refused(METHOD.name, "its weights cannot be"));
        }
        let lengths = [state.mean.len(), state.variance.len(), state.resolution.len()];
        if lengths != [self.channels(); 3] {
            return Err(snapshot.refused(METHOD.name, "it has another number of channels"));
        }
        if !state.resolution.iter().all(RunningResolution::is_sound) {
            return Err(snapshot.refused(METHOD.name, "its steps cannot be"));
        }
        self.state = state;
        Ok(())
    }
}

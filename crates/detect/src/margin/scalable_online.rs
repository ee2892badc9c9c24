//! The scalable one-class support vector machine on a stream.

use auscult_core::{
    DetectError, Detector, Explanation, Frame, Sample, Score, SettingError, Settings, Snapshot,
};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

use super::boundary::Boundary;
use super::descent::Descent;
use super::scalable::{METHOD, OneClassSvmScalableSettings, Space, boundary, pass};
use super::standard::Standard;
use crate::attribution::{explain_by_substitution, typical_row};

/// A scalable one-class support vector machine that follows a stream.
///
/// After `warmup` samples it scales and fits as the batch method does; then
/// every 16 samples make a step of the descent, and the boundary is set anew
/// over the last `warmup` samples. The score is 0 at the most usual of these, 1
/// on the boundary, more outside. O(features x channels) time per sample, and
/// `warmup / 16` times that for the boundary; memory O(features + warmup).
///
/// ```
/// use auscult_core::{Detector, Sample, Score, Timestamp};
/// use auscult_detect::margin::{OneClassSvmScalableSettings, OnlineOneClassSvm};
/// let mut svm = OnlineOneClassSvm::new(OneClassSvmScalableSettings::default(), 1)?;
/// for second in 0..300 {
///     let reading = [(second as f64).sin()];
///     svm.learn(Sample::new(Timestamp::from_seconds(second), &reading)?)?;
/// }
/// let score = svm.score(Sample::new(Timestamp::from_seconds(300), &[9.0])?)?;
/// assert!(matches!(score, Score::Ready(score) if score > 1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct OnlineOneClassSvm {
    settings: OneClassSvmScalableSettings,
    state: State,
    /// Made from what was learnt.
    space: Option<Space>,
    /// Features of the last samples, made from them; shape `(warmup, features)`.
    features: Vec<f64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    channels: usize,
    /// The last samples, at most `warmup`; the oldest at `next`.
    recent: Vec<f64>,
    next: usize,
    /// Samples that wait for the next step.
    waiting: usize,
    learnt: Option<Learnt>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Learnt {
    standard: Standard,
    gamma: f64,
    descent: Descent,
    boundary: Boundary,
    typical: Vec<f64>,
}

const SNAPSHOT_VERSION: u32 = 1;

/// Samples per step of the descent.
const BATCH: usize = 16;

impl OnlineOneClassSvm {
    /// A fresh detector of `channels` channels.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(
        settings: OneClassSvmScalableSettings,
        channels: usize,
    ) -> Result<Self, SettingError> {
        settings.check()?;
        let state = State { channels, recent: Vec::new(), next: 0, waiting: 0, learnt: None };
        Ok(Self { settings, state, space: None, features: Vec::new() })
    }

    fn rate(&self, row: &[f64]) -> Option<f64> {
        let (space, learnt) = (self.space.as_ref()?, self.state.learnt.as_ref()?);
        let sums = space.project(row, learnt.descent.weights());
        Some(learnt.boundary.score(sums[0]))
    }

    /// Fits the samples of the warm-up.
    fn start(&mut self) {
        let space = Space::of(&self.settings, &self.state.recent, self.state.channels);
        let features = space.map(&self.state.recent);
        let mut descent = Descent::new(space.map.features());
        let mut random = Pcg64Mcg::seed_from_u64(self.settings.seed.wrapping_add(1));
        pass(&mut descent, &features, self.settings.nu, &mut random);
        self.state.learnt = Some(Learnt {
            standard: space.standard.clone(),
            gamma: space.gamma,
            boundary: boundary(descent.weights(), &features, self.settings.nu),
            descent,
            typical: self.typical(),
        });
        (self.space, self.features) = (Some(space), features);
    }

    fn typical(&self) -> Vec<f64> {
        let recent = Frame::new(&self.state.recent, self.state.channels);
        typical_row(&recent.expect("samples are whole and finite"))
    }

    /// One step over the newest samples, and a new boundary.
    fn step(&mut self) {
        let typical = self.typical();
        let Some(learnt) = &mut self.state.learnt else { return };
        let features = &self.features;
        let width = learnt.descent.weights().len();
        let rows = features.len() / width;
        let first = self.state.next + rows - BATCH;
        let newest = (first..first + BATCH)
            .map(|row| &features[row % rows * width..(row % rows + 1) * width]);
        learnt.descent.step(newest, self.settings.nu, self.settings.forgetting);
        learnt.boundary = boundary(learnt.descent.weights(), features, self.settings.nu);
        learnt.typical = typical;
        self.state.waiting = 0;
    }
}

impl Detector for OnlineOneClassSvm {
    fn channels(&self) -> usize {
        self.state.channels
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        DetectError::check_channels(self.channels(), sample.channels())?;
        let row: Vec<f64> = sample.readings().collect();
        let missing = self.settings.warmup - self.state.recent.len() / self.state.channels;
        Ok(self.rate(&row).map_or(Score::Warming(missing), Score::Ready))
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        let channels = self.channels();
        DetectError::check_channels(channels, sample.channels())?;
        if self.state.learnt.is_none() {
            self.state.recent.extend(sample.readings());
            if self.state.recent.len() == self.settings.warmup * channels {
                self.start();
            }
            return Ok(());
        }
        let slot = self.state.next;
        let row = &mut self.state.recent[slot * channels..(slot + 1) * channels];
        row.iter_mut().zip(sample.readings()).for_each(|(old, reading)| *old = reading);
        if let Some(space) = &self.space {
            let mapped = space.map(row);
            self.features[slot * mapped.len()..][..mapped.len()].copy_from_slice(&mapped);
        }
        self.state.next = (self.state.next + 1) % self.settings.warmup;
        self.state.waiting += 1;
        if self.state.waiting == BATCH {
            self.step();
        }
        Ok(())
    }

    fn explain(
        &self,
        sample: Sample<'_>,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels(), sample.channels())?;
        let Some(learnt) = &self.state.learnt else { return Ok(None) };
        let row: Vec<f64> = sample.readings().collect();
        let rate = |row: &[f64]| self.rate(row).unwrap_or_default();
        Ok(Some(explain_by_substitution(&row, &learnt.typical, rate)))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &self.state)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        let state: State = snapshot.read(METHOD.name, SNAPSHOT_VERSION)?;
        let refuse = |reason: &str| Err(snapshot.refused(METHOD.name, reason));
        if state.channels != self.channels() {
            return refuse("it has another number of channels");
        }
        let rows = state.recent.len() / state.channels;
        let whole = state.recent.len().is_multiple_of(state.channels)
            && state.recent.iter().all(|reading| reading.abs() <= auscult_core::LARGEST_READING);
        let full = rows == self.settings.warmup;
        let sound = match &state.learnt {
            None => rows < self.settings.warmup && state.next == 0,
            Some(_) => full && state.next < rows && state.waiting < BATCH,
        };
        if !whole || !sound {
            return refuse("it was made with another `warmup`, or is damaged");
        }
        let space = match &state.learnt {
            None => None,
            Some(learnt) => match self.space_of(learnt) {
                None => return refuse("it was made with other settings, or is damaged"),
                space => space,
            },
        };
        self.features = space.as_ref().map_or_else(Vec::new, |space| space.map(&state.recent));
        (self.state, self.space) = (state, space);
        Ok(())
    }
}

impl OnlineOneClassSvm {
    /// The space that `learnt` speaks of, if it makes sense.
    fn space_of(&self, learnt: &Learnt) -> Option<Space> {
        let channels = self.channels();
        let sound = learnt.standard.is_sound(channels)
            && learnt.gamma > 0.0
            && learnt.gamma.is_finite()
            && learnt.boundary.is_sound()
            && learnt.typical.len() == channels
            && learnt.typical.iter().all(|reading| reading.is_finite());
        if !sound {
            return None;
        }
        let space = Space::with(&self.settings, learnt.standard.clone(), learnt.gamma);
        learnt.descent.is_sound(space.map.features()).then_some(space)
    }
}

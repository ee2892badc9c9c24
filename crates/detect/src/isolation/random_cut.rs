//! Displacement in random cut trees over a sliding window.

use auscult_core::{
    DetectError, Detector, Explanation, Frame, LARGEST_READING, Sample, Score, SettingError,
    Settings, Snapshot, settings,
};
use auscult_stats::quantile::quantile;
use serde::{Deserialize, Serialize};

use super::cut_tree::{CutTree, CutTreeState};
use super::forest::mix;
use crate::attribution::typical_row;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`RandomCutForest`].
    pub struct RandomCutForestSettings {
        /// Trees; more give steadier scores.
        trees: usize = 40, "in 1..=1000", |trees| (1..=1000).contains(trees);
        /// Points that each tree holds: the last so many. Also the warm-up.
        sample: usize = 256, "in 8..=4096", |sample| (8..=4096).contains(sample);
        /// Samples in a row that make a point: above 1, the order of samples
        /// counts too, and a point is judged as a short piece of the stream.
        shingle: usize = 1, "in 1..=64", |shingle| (1..=64).contains(shingle);
        /// Brings the channels to one scale, by their interquartile ranges in
        /// the warm-up; otherwise the channel of the largest numbers rules.
        standardise: bool = true, "true or false", |_| true;
        /// Start of the random numbers.
        seed: u64 = 0, "a whole number", |_| true;
    }
}

pub(super) const METHOD: Method = Method {
    name: "robust-random-cut-forest",
    title: "Robust random cut forest",
    summary: "How much room a sample takes from the last few hundred in random cut trees.",
    sees: "samples, and with a shingle short pieces of the stream, unlike the last few hundred; groups of anomalies too",
    blind: "what is older than its window; slow drift, which it follows",
    unit: "points displaced for each point of the group that the sample belongs to",
    cost: "O(trees x d x log sample) time per sample, O(trees x sample x d) memory",
    source: "S. Guha, N. Mishra, G. Roy, O. Schrijvers, \"Robust random cut forest based anomaly detection on streams\", International Conference on Machine Learning, 2016",
    channels: Channels::Any,
    order: Order::Free,
    threshold: Threshold::Share(0.01),
    parameters: RandomCutForestSettings::PARAMETERS,
    default_of: RandomCutForestSettings::default_of,
    batch: None,
    pieces: None,
    labelled: None,
    online: Some(|map, channels| {
        Ok(Box::new(RandomCutForest::new(RandomCutForestSettings::from_map(map)?, channels)?))
    }),
};

/// How much room a sample takes from the last few hundred in random cut trees.
///
/// The score is the collusive displacement that the sample has once it enters,
/// averaged over trees: over all subtrees that hold it, the largest ratio of
/// points in the sibling to points in the subtree, so that near copies of an
/// anomaly do not hide it. It is about 1 to 10 for usual samples and up to
/// `sample` for a lone far one. Forgets what is older than `sample` samples.
///
/// Points enter and leave as in the paper, which keeps every tree distributed as
/// if grown on its points alone. `score` draws the very cuts that `learn` will.
/// Shares of the channels are the expected ones over all cuts. Time O(trees x
/// channels x shingle x log sample) per sample for usual data; memory O(trees x
/// sample x channels x shingle).
///
/// Reference: S. Guha, N. Mishra, G. Roy, O. Schrijvers, "Robust random cut
/// forest based anomaly detection on streams", ICML 2016. The paper samples the
/// stream for each tree; all our trees hold the newest `sample` points, and
/// channels are brought to one scale first.
///
/// ```
/// use auscult_core::{Detector, Sample, Score, Timestamp};
/// use auscult_detect::isolation::{RandomCutForest, RandomCutForestSettings};
/// let mut forest = RandomCutForest::new(RandomCutForestSettings::default(), 1)?;
/// for second in 0..300 {
///     let watts = [300.0 + (second as f64).sin()];
///     forest.learn(Sample::new(Timestamp::from_seconds(second), &watts)?)?;
/// }
/// let score = forest.score(Sample::new(Timestamp::from_seconds(300), &[90.0])?)?;
/// assert!(matches!(score, Score::Ready(score) if score > 100.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RandomCutForest {
    settings: RandomCutForestSettings,
    state: State,
    /// Empty during warm-up.
    trees: Vec<CutTree>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    channels: usize,
    /// During warm-up all samples; then the last `shingle - 1`.
    recent: Vec<f64>,
    /// Scale of each channel; empty during warm-up.
    scale: Vec<f64>,
    /// Points in the trees, shape `(sample, shingle x channels)`, scaled.
    points: Vec<f64>,
    /// The slot of the oldest point.
    next: usize,
}

/// What is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    state: State,
    trees: Vec<CutTreeState>,
}

const SNAPSHOT_VERSION: u32 = 1;

impl RandomCutForest {
    /// A fresh detector of `channels` channels.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: RandomCutForestSettings, channels: usize) -> Result<Self, SettingError> {
        settings.check()?;
        let state =
            State { channels, recent: Vec::new(), scale: Vec::new(), points: Vec::new(), next: 0 };
        Ok(Self { settings, state, trees: Vec::new() })
    }

    /// Values of a point.
    fn dimensions(&self) -> usize {
        self.settings.shingle * self.state.channels
    }

    /// Samples of the warm-up: enough for `sample` points.
    fn warmup(&self) -> usize {
        self.settings.sample + self.settings.shingle - 1
    }

    /// The point that ends with `sample`, scaled.
    fn point(&self, sample: Sample<'_>) -> Vec<f64> {
        let readings = self.state.recent.iter().copied().chain(sample.readings());
        scaled(readings, &self.state.scale)
    }

    /// Puts the point that ends with `sample` in the place of the oldest, and
    /// returns its score.
    fn replace_oldest(&mut self, sample: Sample<'_>) -> f64 {
        let channels = self.state.channels;
        let point = self.point(sample);
        let slot = self.state.next;
        let trees = self.trees.iter_mut();
        let displaced: f64 = trees.map(|tree| tree.replace_point(slot, &point)).sum();
        self.state.points[slot * point.len()..(slot + 1) * point.len()].copy_from_slice(&point);
        self.state.next = (slot + 1) % self.settings.sample;
        if self.settings.shingle > 1 {
            self.state.recent.drain(..channels);
            self.state.recent.extend(sample.readings());
        }
        displaced / self.trees.len() as f64
    }

    /// Sets the scale and grows the trees on the samples of the warm-up.
    fn start(&mut self) {
        let channels = self.state.channels;
        let history = Frame::new(&self.state.recent, channels).expect("samples are whole");
        self.state.scale = match self.settings.standardise {
            true => (0..channels).map(|channel| spread(&history.channel(channel))).collect(),
            false => vec![1.0; channels],
        };
        let dimensions = self.dimensions();
        for point in self.state.recent.windows(dimensions).step_by(channels) {
            self.state.points.extend(scaled(point.iter().copied(), &self.state.scale));
        }
        let kept = (self.settings.shingle - 1) * channels;
        self.state.recent.drain(..self.state.recent.len() - kept);
        let (sample, seed) = (self.settings.sample, self.settings.seed);
        let points = &self.state.points;
        let tree = |tree: usize| {
            let mut tree = CutTree::new(dimensions, sample, mix(seed ^ mix(tree as u64)));
            for (slot, point) in points.chunks_exact(dimensions).enumerate() {
                tree.insert(slot, point);
            }
            tree
        };
        self.trees = (0..self.settings.trees).map(tree).collect();
    }
}

/// `readings`, channel after channel, in units of `scale`.
fn scaled(readings: impl Iterator<Item = f64>, scale: &[f64]) -> Vec<f64> {
    let scaled = readings.zip(scale.iter().cycle());
    scaled.map(|(x, scale)| (x / scale).clamp(-LARGEST_READING, LARGEST_READING)).collect()
}

/// The interquartile range, or the whole range of a channel that rarely varies.
fn spread(readings: &[f64]) -> f64 {
    let mut scratch = readings.to_vec();
    let quartiles = quantile(&mut scratch, 0.75) - quantile(&mut scratch, 0.25);
    let whole = quantile(&mut scratch, 1.0) - quantile(&mut scratch, 0.0);
    [quartiles, whole].into_iter().find(|spread| *spread > 0.0).unwrap_or(1.0)
}

impl Detector for RandomCutForest {
    fn channels(&self) -> usize {
        self.state.channels
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        DetectError::check_channels(self.channels(), sample.channels())?;
        if self.trees.is_empty() {
            let seen = self.state.recent.len() / self.state.channels;
            return Ok(Score::Warming(self.warmup() - seen));
        }
        let point = self.point(sample);
        let displaced: f64 = self.trees.iter().map(|tree| tree.displacement(&point)).sum();
        Ok(Score::Ready(displaced / self.trees.len() as f64))
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        let channels = self.channels();
        DetectError::check_channels(channels, sample.channels())?;
        if self.trees.is_empty() {
            self.state.recent.extend(sample.readings());
            if self.state.recent.len() == self.warmup() * channels {
                self.start();
            }
            return Ok(());
        }
        self.replace_oldest(sample);
        Ok(())
    }

    fn update(&mut self, sample: Sample<'_>) -> Result<Score, DetectError> {
        DetectError::check_channels(self.channels(), sample.channels())?;
        if !self.trees.is_empty() {
            return Ok(Score::Ready(self.replace_oldest(sample)));
        }
        let score = self.score(sample)?;
        self.learn(sample)?;
        Ok(score)
    }

    fn explain(
        &self,
        sample: Sample<'_>,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        let channels = self.channels();
        DetectError::check_channels(channels, sample.channels())?;
        if self.trees.is_empty() {
            return Ok(None);
        }
        let point = self.point(sample);
        let mut parts = vec![0.0; point.len()];
        self.trees.iter().for_each(|tree| tree.attribute(&point, &mut parts));
        let of_channel = |channel: usize| parts.iter().skip(channel).step_by(channels).sum();
        let share = Explanation::shares(&(0..channels).map(of_channel).collect::<Vec<f64>>());
        let points = Frame::new(&self.state.points, point.len()).expect("points are whole");
        let typical = typical_row(&points);
        let newest = typical[point.len() - channels..].iter().zip(&self.state.scale);
        let expected = newest.map(|(typical, scale)| typical * scale).collect();
        Ok(Some(Explanation::new(expected, None, share)))
    }

    fn snapshot(&self) -> Snapshot {
        let trees = self.trees.iter().map(CutTree::state).collect();
        let stored = Stored { state: self.state.clone(), trees };
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &stored)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        let Stored { state, trees } = snapshot.read(METHOD.name, SNAPSHOT_VERSION)?;
        if state.channels != self.channels() {
            return Err(snapshot.refused(METHOD.name, "it has another number of channels"));
        }
        let dimensions = self.dimensions();
        let restored: Option<Vec<CutTree>> =
            trees.iter().map(|tree| CutTree::of(tree, &state.points, dimensions)).collect();
        match restored {
            Some(restored) if self.fits(&state, restored.len()) => {
                (self.state, self.trees) = (state, restored);
                Ok(())
            }
            _ => {
                Err(snapshot.refused(METHOD.name, "it was made with other settings, or is damaged"))
            }
        }
    }
}

impl RandomCutForest {
    /// Whether `state`, with so many trees, could have come from these settings.
    fn fits(&self, state: &State, trees: usize) -> bool {
        let channels = self.channels();
        let numbers = state.recent.iter().chain(&state.points);
        let held = numbers.into_iter().all(|x| x.abs() <= LARGEST_READING);
        if state.scale.is_empty() {
            let warming = state.recent.len() < self.warmup() * channels
                && state.recent.len().is_multiple_of(channels);
            return held && warming && trees == 0 && state.points.is_empty() && state.next == 0;
        }
        held && trees == self.settings.trees
            && state.scale.len() == channels
            && state.scale.iter().all(|scale| *scale > 0.0 && scale.is_finite())
            && state.recent.len() == (self.settings.shingle - 1) * channels
            && state.points.len() == self.settings.sample * self.dimensions()
            && state.next < self.settings.sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auscult_core::Timestamp;

    fn sample(readings: &[f64]) -> Sample<'_> {
        Sample::new(Timestamp::from_seconds(0), readings).expect("finite")
    }

    #[test]
    fn a_shingle_sees_a_break_in_a_rhythm() {
        let settings = RandomCutForestSettings { shingle: 8, ..Default::default() };
        let mut forest = RandomCutForest::new(settings, 1).expect("in range");
        let wave = |step: i32| (f64::from(step) * std::f64::consts::TAU / 20.0).sin();
        let mut usual = 0.0_f64;
        for step in 0..400 {
            let score = forest.update(sample(&[wave(step)])).expect("one channel");
            usual = usual.max(score.ready().unwrap_or_default());
        }
        // The wave stands still: each reading is usual, the piece is not.
        let mut still = 0.0_f64;
        for _ in 0..8 {
            let score = forest.update(sample(&[wave(400)])).expect("one channel");
            still = still.max(score.ready().unwrap_or_default());
        }
        assert!(still > 1.5 * usual, "{still} {usual}");
    }

    #[test]
    fn a_snapshot_of_other_settings_is_refused() {
        let build = |sample| {
            let settings = RandomCutForestSettings { sample, trees: 3, ..Default::default() };
            RandomCutForest::new(settings, 1).expect("in range")
        };
        let (mut small, mut large) = (build(16), build(32));
        (0..40).for_each(|step| small.learn(sample(&[f64::from(step % 5)])).expect("one channel"));
        assert!(large.restore(&small.snapshot()).is_err());
        assert!(build(16).restore(&small.snapshot()).is_ok());
    }
}

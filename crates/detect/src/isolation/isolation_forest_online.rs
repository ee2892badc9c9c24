//! An isolation forest that follows a stream.

use std::collections::VecDeque;

use auscult_core::{
    DetectError, Detector, Explanation, Frame, LARGEST_READING, Sample, Score, SettingError,
    Settings, Snapshot,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::forest::generator;
use super::isolation_forest::{IsolationForestSettings, METHOD};
use super::path::PathScore;
use super::scaling::Scaling;
use super::tree::IsolationTree;
use crate::attribution::{explain_by_substitution, typical_row};

/// How few random cuts it takes to set a sample apart from the last few thousand.
///
/// The [`IsolationForest`](super::IsolationForest) of a stream, with the same
/// score. Trees are grown on `sample` random samples of the last `window` ones,
/// and replaced one after another, each once in `window` samples: so every tree
/// knows samples of the last two windows only, and the forest forgets gradually.
/// A sample is rated before any tree can know it. The first `sample` samples are
/// warm-up.
///
/// Any number of channels. Misses the order of samples, slow drift, and how far
/// out a sample is once it is beyond all others. Time O(trees x log sample) per
/// sample and a tree of O(sample log sample) every `window / trees` samples;
/// memory O(window x channels + trees x sample). The state is the last two
/// windows; trees follow from it.
///
/// Reference: Z. Ding, M. Fei, "An anomaly detection approach based on isolation
/// forest algorithm for streaming data using sliding window", IFAC Proceedings
/// Volumes 46(20), 2013. The paper grows the whole forest anew when too many
/// samples of a window are anomalies; we replace tree by tree, which needs no
/// such threshold, spreads the work evenly and never forgets everything at once.
///
/// ```
/// use auscult_core::{Detector, Sample, Timestamp};
/// use auscult_detect::isolation::{IsolationForestDetector, IsolationForestSettings};
/// let mut forest = IsolationForestDetector::new(IsolationForestSettings::default(), 1)?;
/// for second in 0..300 {
///     let watts = [300.0 + (second % 70) as f64];
///     forest.learn(Sample::new(Timestamp::from_seconds(second), &watts)?)?;
/// }
/// let at = |watts: f64| -> Result<f64, Box<dyn std::error::Error>> {
///     let score = forest.score(Sample::new(Timestamp::from_seconds(300), &[watts])?)?;
///     Ok(score.ready().expect("the warm-up is over"))
/// };
/// assert!(at(90.0)? > at(340.0)? + 0.1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct IsolationForestDetector {
    settings: IsolationForestSettings,
    state: State,
    /// Made from the state; empty during warm-up.
    trees: Vec<Grown>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    channels: usize,
    /// How many samples were learnt.
    learnt: u64,
    /// The last samples, as many as the oldest tree may know, oldest first.
    recent: VecDeque<f64>,
}

/// A tree and the scale of its own sample.
#[derive(Debug)]
struct Grown {
    tree: IsolationTree,
    scaling: Scaling,
}

const SNAPSHOT_VERSION: u32 = 1;

impl IsolationForestDetector {
    /// A fresh detector of `channels` channels.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: IsolationForestSettings, channels: usize) -> Result<Self, SettingError> {
        settings.check()?;
        let state = State { channels, learnt: 0, recent: VecDeque::new() };
        Ok(Self { settings, state, trees: Vec::new() })
    }

    /// Samples that a tree is grown on, and of the warm-up.
    fn sample(&self) -> usize {
        self.settings.sample.min(self.settings.window)
    }

    /// Samples from one new tree to the next.
    fn pace(&self) -> usize {
        self.settings.window.div_ceil(self.settings.trees)
    }

    /// Samples that are kept: what the oldest tree may know.
    fn kept(&self) -> usize {
        self.settings.window + self.pace() * self.settings.trees
    }

    /// When the tree at `place` was grown, in samples learnt by then, and which
    /// of all trees ever grown it is.
    fn birth(&self, place: usize) -> (u64, u64) {
        let (trees, pace) = (self.settings.trees as u64, self.pace() as u64);
        let (place, start) = (place as u64, self.sample() as u64);
        let rounds = (self.state.learnt / pace).saturating_sub(place) / trees;
        let turn = rounds * trees + place;
        // Turns that would have come during the warm-up do not count.
        if self.state.learnt / pace >= place && turn * pace > start {
            (turn * pace, trees + turn)
        } else {
            (start, place)
        }
    }

    /// Grows the tree at `place` as it was grown when its turn came.
    fn grow(&self, place: usize) -> Grown {
        let channels = self.state.channels;
        let (birth, number) = self.birth(place);
        let first = self.state.learnt - (self.state.recent.len() / channels) as u64;
        // Those it could choose from lie in this range of the samples that are kept.
        let end = (birth - first) as usize;
        let known = end.min(self.settings.window);
        let mut random = generator(self.settings.seed, number);
        let sample = self.sample().min(known);
        let chosen = rand::seq::index::sample(&mut random, known, sample);
        let at = |row: usize| (end - known + row) * channels;
        let rows: Vec<f64> = chosen
            .iter()
            .flat_map(|row| self.state.recent.range(at(row)..at(row) + channels).copied())
            .collect();
        let scaling = Scaling::of(&Frame::new(&rows, channels).expect("samples are finite"));
        let mut scaled = Vec::with_capacity(rows.len());
        rows.chunks_exact(channels).for_each(|row| scaling.scale_into(row, &mut scaled));
        let mut allowed = self.settings.channels_of_a_tree(channels, &mut random);
        let tree = IsolationTree::grow(&scaled, channels, &mut allowed, &mut random);
        Grown { tree, scaling }
    }

    /// Grows all trees anew from the state.
    fn grow_all(&mut self) {
        let trees = (0..self.settings.trees).into_par_iter().map(|place| self.grow(place));
        self.trees = trees.collect();
    }

    fn rate(&self, row: &[f64]) -> f64 {
        let mut scaled = Vec::with_capacity(row.len());
        let path = |grown: &Grown| {
            scaled.clear();
            grown.scaling.scale_into(row, &mut scaled);
            grown.tree.path(&scaled)
        };
        let paths = self.trees.iter().map(path).sum();
        PathScore::new(self.trees.len(), self.sample()).of(paths)
    }

    /// The median of the last window.
    fn typical(&self) -> Vec<f64> {
        let channels = self.state.channels;
        let first = self.state.recent.len().saturating_sub(self.settings.window * channels);
        let window: Vec<f64> = self.state.recent.range(first..).copied().collect();
        typical_row(&Frame::new(&window, channels).expect("samples are whole and finite"))
    }
}

impl Detector for IsolationForestDetector {
    fn channels(&self) -> usize {
        self.state.channels
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        DetectError::check_channels(self.channels(), sample.channels())?;
        if self.trees.is_empty() {
            return Ok(Score::Warming(self.sample() - self.state.learnt as usize));
        }
        let row: Vec<f64> = sample.readings().collect();
        Ok(Score::Ready(self.rate(&row)))
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        let channels = self.channels();
        DetectError::check_channels(channels, sample.channels())?;
        self.state.recent.extend(sample.readings());
        if self.state.recent.len() > self.kept() * channels {
            self.state.recent.drain(..channels);
        }
        self.state.learnt = self.state.learnt.saturating_add(1);
        let (learnt, pace) = (self.state.learnt, self.pace() as u64);
        if learnt == self.sample() as u64 {
            self.grow_all();
        } else if learnt > self.sample() as u64 && learnt.is_multiple_of(pace) {
            let place = (learnt / pace % self.settings.trees as u64) as usize;
            self.trees[place] = self.grow(place);
        }
        Ok(())
    }

    fn explain(
        &self,
        sample: Sample<'_>,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels(), sample.channels())?;
        if self.trees.is_empty() {
            return Ok(None);
        }
        let row: Vec<f64> = sample.readings().collect();
        Ok(Some(explain_by_substitution(&row, &self.typical(), |row| self.rate(row))))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &self.state)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        let state: State = snapshot.read(METHOD.name, SNAPSHOT_VERSION)?;
        if state.channels != self.channels() {
            return Err(snapshot.refused(METHOD.name, "it has another number of channels"));
        }
        let kept = state.learnt.min(self.kept() as u64) as usize * state.channels;
        let held = state.recent.iter().all(|reading| reading.abs() <= LARGEST_READING);
        if state.recent.len() != kept || !held {
            let reason = "it was made with another `window` or `trees`, or is damaged";
            return Err(snapshot.refused(METHOD.name, reason));
        }
        self.state = state;
        self.trees.clear();
        if self.state.learnt >= self.sample() as u64 {
            self.grow_all();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auscult_core::Timestamp;

    fn learn(forest: &mut IsolationForestDetector, reading: f64) -> Option<f64> {
        let sample = [reading];
        let sample = Sample::new(Timestamp::from_seconds(0), &sample).expect("finite");
        forest.update(sample).expect("one channel").ready()
    }

    fn build(trees: usize, window: usize) -> IsolationForestDetector {
        let settings = IsolationForestSettings { trees, window, sample: 32, ..Default::default() };
        IsolationForestDetector::new(settings, 1).expect("in range")
    }

    #[test]
    fn a_new_level_is_strange_at_first_and_usual_after_two_windows() {
        let mut forest = build(20, 100);
        let noise = |at: u32| f64::from(at.wrapping_mul(2_654_435_769) >> 16) / 65_536.0;
        for at in 0..300 {
            learn(&mut forest, noise(at));
        }
        let first = learn(&mut forest, 50.5).expect("warm");
        for at in 0..220 {
            learn(&mut forest, 50.0 + noise(at));
        }
        let later = learn(&mut forest, 50.5).expect("warm");
        let back = learn(&mut forest, 0.5).expect("warm");
        assert!(first > later + 0.15, "{first} {later}");
        assert!(back > later + 0.15, "{back} {later}");
    }

    #[test]
    fn trees_that_are_grown_from_the_state_are_those_that_grew_in_their_turn() {
        // Few trees, many, and more than samples in the window.
        for (trees, window) in [(7, 100), (50, 64), (90, 40)] {
            let mut forest = build(trees, window);
            for at in 0..500_u32 {
                learn(&mut forest, f64::from(at * 37 % 101));
                if at % 23 == 0 {
                    let mut other = build(trees, window);
                    other.restore(&forest.snapshot()).expect("its own settings");
                    let ask = [f64::from(at % 90) + 0.5];
                    let ask = Sample::new(Timestamp::from_seconds(0), &ask).expect("finite");
                    assert_eq!(forest.score(ask), other.score(ask), "{trees} trees, {at}");
                }
            }
        }
    }
}

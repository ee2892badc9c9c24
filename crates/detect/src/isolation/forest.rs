//! What forests of isolation trees have in common.

use auscult_core::{DetectError, Explanation, Frame};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;

use super::path::PathScore;
use super::scaling::Scaling;
use super::tree::LANES;
use crate::attribution::explain_by_substitution;

/// Rows that pass together through all trees: they fit the fastest cache, and
/// each tree is fetched once per block.
const BLOCK: usize = 256;

/// A tree that assigns path lengths.
pub(super) trait PathTree: std::fmt::Debug + Send + Sync {
    /// Adds the path length of every row of `block` to `sums`.
    ///
    /// `block` has shape `(sums.len(), width)`, `sums.len()` a multiple of [`LANES`].
    fn add_paths(&self, block: &[f32], width: usize, sums: &mut [f64]);
}

/// Scaled rows of a block, and their path lengths summed over trees.
#[derive(Default)]
struct Scratch {
    block: Vec<f32>,
    sums: Vec<f64>,
}

/// Trees, and how readings become scores with them.
#[derive(Debug, Clone)]
pub(super) struct Forest<T> {
    scaling: Scaling,
    trees: Vec<T>,
    score: PathScore,
}

impl<T: PathTree> Forest<T> {
    /// Grows `trees` trees, each on its own random `sample` rows of `history`.
    ///
    /// `grow` sees the scaled rows of the sample and a random number generator
    /// of its own, so that trees grow side by side and yet the same every time.
    pub(super) fn grow(
        history: &Frame<'_>,
        trees: usize,
        sample: usize,
        seed: u64,
        grow: impl Fn(&[f32], &mut Pcg64Mcg) -> T + Sync,
    ) -> Self {
        let scaling = Scaling::of(history);
        let sample = sample.min(history.rows());
        let one = |tree: usize| {
            let mut random = generator(seed, tree as u64);
            let chosen = rand::seq::index::sample(&mut random, history.rows(), sample);
            let mut rows = Vec::with_capacity(sample * history.channels());
            chosen.iter().for_each(|row| scaling.scale_into(history.row(row), &mut rows));
            grow(&rows, &mut random)
        };
        let grown = (0..trees).into_par_iter().map(one).collect();
        let score = PathScore::new(trees, sample);
        Self { scaling, trees: grown, score }
    }

    /// A forest of trees grown elsewhere, on `sample` rows each.
    pub(super) fn of(trees: Vec<T>, channels: usize, sample: usize) -> Self {
        let score = PathScore::new(trees.len(), sample);
        Self { scaling: Scaling::identity(channels), trees, score }
    }

    pub(super) fn channels(&self) -> usize {
        self.scaling.centre().len()
    }

    /// One score per row of `readings`.
    pub(super) fn score(&self, readings: &[f64]) -> Vec<f64> {
        let width = self.channels();
        let mut scores = vec![0.0; readings.len() / width];
        if scores.len() <= BLOCK {
            self.score_block(&mut Scratch::default(), readings, &mut scores);
            return scores;
        }
        let blocks = readings.par_chunks(BLOCK * width).zip(scores.par_chunks_mut(BLOCK));
        blocks.for_each_init(Scratch::default, |scratch, (rows, scores)| {
            self.score_block(scratch, rows, scores);
        });
        scores
    }

    fn score_block(&self, scratch: &mut Scratch, rows: &[f64], scores: &mut [f64]) {
        let Scratch { block, sums } = scratch;
        let width = self.channels();
        block.clear();
        rows.chunks_exact(width).for_each(|row| self.scaling.scale_into(row, block));
        let padded = scores.len().next_multiple_of(LANES);
        block.resize(padded * width, 0.0);
        sums.clear();
        sums.resize(padded, 0.0);
        self.trees.iter().for_each(|tree| tree.add_paths(block, width, sums));
        scores.iter_mut().zip(sums).for_each(|(score, sum)| *score = self.score.of(*sum));
    }

    /// Scores after checking the width.
    pub(super) fn score_frame(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        Ok(self.score(rows.readings()))
    }

    /// Shares by putting the median in the place of each reading in turn.
    pub(super) fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        let typical = self.scaling.centre();
        Ok(Some(explain_by_substitution(rows.row(row), typical, |row| self.score(row)[0])))
    }
}

/// A random number generator of tree number `tree`, unlike that of any other.
pub(super) fn generator(seed: u64, tree: u64) -> Pcg64Mcg {
    // `seed_from_u64` scatters neighbouring seeds; the odd factor keeps the
    // trees of neighbouring seeds apart.
    Pcg64Mcg::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(tree))
}

/// Scatters the bits of `number` (the finalizer of SplitMix64).
pub(super) fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

//! Many trees that vote.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use auscult_core::Settings;

use crate::compact::Compact;
use crate::fit::{Classes, Growth, check_labels, check_targets, check_weights, class_weights};
use crate::grow::{Ranked, mix};
use crate::predict::largest;
use crate::settings::Limits;
use crate::tree::{Kind, Tree};
use crate::{
    ClassifierSettings, Features, ForestSettings, RegressorSettings, Row, Smoothing, TreeError,
};

/// A random forest: trees that each learnt from other rows and features, and
/// whose predictions are averaged.
///
/// As with [`Tree`], a forest that exists is sound, wherever it was read from.
///
/// Reference: L. Breiman, "Random forests", Machine Learning 45(1), 2001. As in
/// scikit-learn, probabilities are averaged, where Breiman counts votes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Tree>", into = "Vec<Tree>")]
pub struct Forest {
    trees: Vec<Tree>,
}

impl TryFrom<Vec<Tree>> for Forest {
    type Error = TreeError;

    fn try_from(trees: Vec<Tree>) -> Result<Self, TreeError> {
        let first = trees.first().ok_or(TreeError::Damaged("a forest needs a tree"))?;
        let alike = |tree: &Tree| tree.kind == first.kind && tree.features == first.features;
        if !trees.iter().all(alike) {
            return Err(TreeError::Damaged("the trees of a forest must have learnt the same"));
        }
        Ok(Self { trees })
    }
}

impl From<Forest> for Vec<Tree> {
    fn from(forest: Forest) -> Self {
        forest.trees
    }
}

/// A forest with what it says of its own training rows.
#[derive(Debug, Clone, PartialEq)]
pub struct ForestFit {
    /// The forest.
    pub forest: Forest,
    /// Predictions by trees that did not see the row, if they were asked for
    /// and rows were drawn.
    pub out_of_bag: Option<OutOfBag>,
}

/// What the trees that did not see a row say of it.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfBag {
    width: usize,
    /// Shape `(rows, width)`; 0 where no tree can tell.
    predictions: Vec<f64>,
    /// Trees that did not see each row.
    trees: Vec<u32>,
}

impl OutOfBag {
    /// The probability of each class, or the mean as the only entry; `None` for
    /// a row that every tree has seen.
    #[must_use]
    pub fn prediction(&self, row: usize) -> Option<&[f64]> {
        (self.trees[row] > 0).then(|| &self.predictions[row * self.width..(row + 1) * self.width])
    }

    /// Share of rows whose likeliest class is the right one, among those that
    /// some tree did not see; `None` when there is none.
    #[must_use]
    pub fn accuracy(&self, labels: &[u32]) -> Option<f64> {
        let known = |(row, label): (usize, &u32)| {
            self.prediction(row).map(|shares| largest(shares) as u32 == *label)
        };
        let right: Vec<bool> = labels.iter().enumerate().filter_map(known).collect();
        let hits = right.iter().filter(|right| **right).count();
        (!right.is_empty()).then(|| hits as f64 / right.len() as f64)
    }

    /// Share of the variance of `targets` that is explained (R²), among the rows
    /// that some tree did not see; `None` when there is nothing to explain.
    #[must_use]
    pub fn explained(&self, targets: &[f64]) -> Option<f64> {
        let known =
            |(row, target): (usize, &f64)| self.prediction(row).map(|mean| (*target, mean[0]));
        let pairs: Vec<(f64, f64)> = targets.iter().enumerate().filter_map(known).collect();
        let mean = pairs.iter().map(|(target, _)| target).sum::<f64>() / pairs.len() as f64;
        let total: f64 = pairs.iter().map(|(target, _)| (target - mean).powi(2)).sum();
        let left: f64 = pairs.iter().map(|(target, ours)| (target - ours).powi(2)).sum();
        (total > 0.0).then(|| 1.0 - left / total)
    }
}

impl Forest {
    /// Fits a forest that predicts the classes `labels`, each below `classes`.
    ///
    /// [`ClassifierSettings::for_forest`] has the usual settings of its trees.
    /// The same seed gives the same forest, whatever the number of threads.
    /// Time O(trees · rows · features per split · depth), trees side by side.
    ///
    /// ```
    /// use auscult_trees::{ClassifierSettings, Features, Forest, ForestSettings, Smoothing};
    /// let readings: Vec<f64> = (0..200).map(f64::from).collect();
    /// let labels: Vec<u32> = (0..200).map(|row| u32::from(row >= 120)).collect();
    /// let features = Features::from_rows(&readings, 1)?;
    /// let (trees, forest) = (ClassifierSettings::for_forest(), ForestSettings::default());
    /// let fit = Forest::fit_classes(&features, &labels, 2, None, &trees, &forest)?;
    /// let out_of_bag = fit.out_of_bag.expect("rows were drawn");
    /// assert!(out_of_bag.accuracy(&labels) > Some(0.98));
    /// let odd = Features::from_rows(&[190.0], 1)?;
    /// assert!(fit.forest.predict_probabilities(&odd, Smoothing::None)?[1] > 0.9);
    /// # Ok::<(), auscult_trees::TreeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Tree::fit_classes`].
    pub fn fit_classes(
        features: &Features<'_>,
        labels: &[u32],
        classes: usize,
        weights: Option<&[f64]>,
        tree: &ClassifierSettings,
        settings: &ForestSettings,
    ) -> Result<ForestFit, TreeError> {
        let limits = tree.limits(features.columns().len())?;
        check_labels(features.rows(), labels, classes)?;
        let weights = class_weights(features.rows(), labels, classes, weights, tree)?;
        let target = Classes { labels, classes, criterion: tree.criterion };
        let growing = Growing { features, weights: weights.as_deref(), limits, settings };
        growing.fit(|growth, ranked, weights| {
            let grown = growth.classes(ranked, target, weights)?;
            Ok(if tree.ccp_alpha > 0.0 { grown.prune(tree.ccp_alpha) } else { grown })
        })
    }

    /// Fits a forest that predicts the numbers `targets`, by least squares.
    ///
    /// # Errors
    ///
    /// As [`Tree::fit_numbers`].
    pub fn fit_numbers(
        features: &Features<'_>,
        targets: &[f64],
        weights: Option<&[f64]>,
        tree: &RegressorSettings,
        settings: &ForestSettings,
    ) -> Result<ForestFit, TreeError> {
        let limits = tree.limits(features.columns().len())?;
        check_targets(features.rows(), targets)?;
        check_weights(features.rows(), weights)?;
        let growing = Growing { features, weights, limits, settings };
        growing.fit(|growth, ranked, weights| {
            let grown = growth.numbers(ranked, targets, weights)?;
            Ok(if tree.ccp_alpha > 0.0 { grown.prune(tree.ccp_alpha) } else { grown })
        })
    }

    /// The trees; at least one.
    #[must_use]
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// What it predicts.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.trees[0].kind
    }

    /// The probability of each class for `row`, unknown answers leaving both
    /// branches of every tree open. For a forest of numbers, the mean as the
    /// only entry.
    #[must_use]
    pub fn probabilities(&self, row: &(impl Row + ?Sized), smoothing: Smoothing) -> Vec<f64> {
        let mut sum = vec![0.0; self.kind().width()];
        for tree in &self.trees {
            let own = tree.probabilities(row, smoothing);
            sum.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
        }
        sum.iter_mut().for_each(|sum| *sum /= self.trees.len() as f64);
        sum
    }

    /// The probability of each class for every row, row by row.
    ///
    /// # Errors
    ///
    /// As [`Tree::predict_probabilities`].
    pub fn predict_probabilities(
        &self,
        features: &Features<'_>,
        smoothing: Smoothing,
    ) -> Result<Vec<f64>, TreeError> {
        self.trees[0].check_classes()?;
        self.mean(features, smoothing)
    }

    /// The likeliest class of every row; the lower one of two that tie.
    ///
    /// # Errors
    ///
    /// As [`Forest::predict_probabilities`].
    pub fn predict_classes(&self, features: &Features<'_>) -> Result<Vec<u32>, TreeError> {
        let probabilities = self.predict_probabilities(features, Smoothing::None)?;
        let width = self.kind().width();
        Ok(probabilities.chunks_exact(width).map(|shares| largest(shares) as u32).collect())
    }

    /// The expected number of every row.
    ///
    /// # Errors
    ///
    /// As [`Tree::predict_numbers`].
    pub fn predict_numbers(&self, features: &Features<'_>) -> Result<Vec<f64>, TreeError> {
        self.trees[0].check_numbers()?;
        self.mean(features, Smoothing::None)
    }

    /// How much each feature lowers the impurity, averaged over trees that have
    /// any gain; sums to 1, or is all 0. See [`Tree::importance`].
    #[must_use]
    pub fn importance(&self) -> Vec<f64> {
        let mut sum = vec![0.0; self.trees[0].features.len()];
        for tree in &self.trees {
            sum.iter_mut().zip(tree.importance()).for_each(|(sum, own)| *sum += own);
        }
        let total: f64 = sum.iter().sum();
        if total > 0.0 {
            sum.iter_mut().for_each(|sum| *sum /= total);
        }
        sum
    }

    fn mean(&self, features: &Features<'_>, smoothing: Smoothing) -> Result<Vec<f64>, TreeError> {
        self.trees[0].check_columns(features)?;
        let mut sum = vec![0.0; features.rows() * self.kind().width()];
        for tree in &self.trees {
            add_predictions(tree, features, smoothing, &mut sum, |_| true);
        }
        sum.iter_mut().for_each(|sum| *sum /= self.trees.len() as f64);
        Ok(sum)
    }
}

/// Rows that one task predicts.
const CHUNK: usize = 4096;

/// Adds what `tree` predicts for every row that `counts`, in parallel over rows.
fn add_predictions(
    tree: &Tree,
    features: &Features<'_>,
    smoothing: Smoothing,
    sum: &mut [f64],
    counts: impl Fn(usize) -> bool + Sync,
) {
    let width = tree.kind.width();
    let compact = Compact::new(tree);
    let table = tree.prediction_table(smoothing);
    sum.par_chunks_mut(CHUNK * width).enumerate().for_each(|(chunk, sums)| {
        for (at, sums) in sums.chunks_exact_mut(width).enumerate() {
            let row = chunk * CHUNK + at;
            if counts(row) {
                let leaf = compact.leaf(features, row) as usize;
                let own = &table[leaf * width..(leaf + 1) * width];
                sums.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
            }
        }
    });
}

/// A forest about to be grown.
struct Growing<'a> {
    features: &'a Features<'a>,
    weights: Option<&'a [f64]>,
    limits: Limits,
    settings: &'a ForestSettings,
}

impl Growing<'_> {
    fn fit(
        &self,
        grow: impl Fn(Growth<'_>, &Ranked, Option<&[f64]>) -> Result<Tree, TreeError> + Sync,
    ) -> Result<ForestFit, TreeError> {
        self.settings.check()?;
        let ranked = Ranked::new(self.features);
        let candidates = self.candidates();
        if candidates.is_empty() {
            return Err(TreeError::Empty);
        }
        // With many trees there is enough to do without sharing out each of them.
        let parallel = self.settings.trees < 2 * rayon::current_num_threads();
        let one = |at: usize| {
            let limits =
                Limits { seed: mix(self.limits.seed, 2 * at as u64), ..self.limits.clone() };
            let growth = Growth { kinds: self.features.kinds(), limits: &limits, parallel };
            if !self.settings.bootstrap {
                return grow(growth, &ranked, self.weights);
            }
            let mut drawn = self.draw(at, &candidates);
            if let Some(weights) = self.weights {
                drawn.iter_mut().zip(weights).for_each(|(drawn, weight)| *drawn *= weight);
            }
            grow(growth, &ranked, Some(&drawn))
        };
        let trees = (0..self.settings.trees).into_par_iter().map(one);
        let forest = Forest { trees: trees.collect::<Result<_, _>>()? };
        let asked = self.settings.bootstrap && self.settings.out_of_bag;
        let out_of_bag = asked.then(|| self.out_of_bag(&forest, &candidates));
        Ok(ForestFit { forest, out_of_bag })
    }

    /// Rows that have weight.
    fn candidates(&self) -> Vec<u32> {
        let all = 0..self.features.rows() as u32;
        match self.weights {
            None => all.collect(),
            Some(weights) => all.filter(|row| weights[*row as usize] > 0.0).collect(),
        }
    }

    /// How often tree `at` sees each row.
    fn draw(&self, at: usize, candidates: &[u32]) -> Vec<f64> {
        let seed = mix(self.limits.seed, 2 * at as u64 + 1);
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let count = (candidates.len() as f64 * self.settings.max_samples).round().max(1.0);
        let mut drawn = vec![0.0; self.features.rows()];
        for _ in 0..count as usize {
            drawn[candidates[random.random_range(0..candidates.len())] as usize] += 1.0;
        }
        drawn
    }

    fn out_of_bag(&self, forest: &Forest, candidates: &[u32]) -> OutOfBag {
        let (rows, width) = (self.features.rows(), forest.kind().width());
        let mut predictions = vec![0.0; rows * width];
        let mut trees = vec![0_u32; rows];
        for (at, tree) in forest.trees.iter().enumerate() {
            // Drawn again rather than kept: a list per tree would be large.
            let drawn = self.draw(at, candidates);
            let unseen = |row: usize| drawn[row] == 0.0;
            add_predictions(tree, self.features, Smoothing::None, &mut predictions, unseen);
            (0..rows).filter(|row| unseen(*row)).for_each(|row| trees[row] += 1);
        }
        for (own, trees) in predictions.chunks_exact_mut(width).zip(&trees) {
            own.iter_mut().for_each(|sum| *sum /= f64::from((*trees).max(1)));
        }
        OutOfBag { width, predictions, trees }
    }
}

//! How to learn.

use auscult_trees::{ClassWeight, ClassifierSettings, Criterion, ForestSettings};

use super::{Fold, LearnError, assigned, forward, stratified};
use crate::learn::FaultLog;
use crate::model::DEEPEST;

/// How to learn, and how to check what was learnt.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnSettings {
    /// Tree or forest.
    pub learner: Learner,
    /// How mixed a node is.
    pub criterion: Criterion,
    /// Whether every cause weighs the same in sum, however rare.
    pub balanced: bool,
    /// Most questions from the root to a leaf; at most [`DEEPEST`].
    pub max_depth: Option<usize>,
    /// Rows that each side of a split needs; at least 1.
    pub min_leaf: usize,
    /// Which rows are held out.
    pub validation: Validation,
    /// Seed of folds, forests and shuffles.
    pub seed: u64,
    /// Shuffles per feature for its importance; 0 leaves importance out.
    pub importance_repeats: usize,
    /// Whether to learn from columns that look like identifiers or copies of
    /// the label, because the person named them.
    pub keep_suspects: bool,
}

/// What is learnt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Learner {
    /// One decision tree, pruned.
    Tree {
        /// How hard.
        alpha: Alpha,
    },
    /// A random forest of full trees.
    Forest {
        /// Number of trees, at least 1.
        trees: usize,
    },
}

/// Share of the cells that are missing from which a forest suits a log better.
const MANY_MISSING: f64 = 0.05;

impl Learner {
    /// What suits `log`, before anything is learnt: a forest of so many trees where a twentieth
    /// of the cells or more are missing, which cost a single tree several points of F1; otherwise a
    /// pruned tree, which is about as good and can be read.
    #[must_use]
    pub fn suited(log: &FaultLog, trees: usize) -> Self {
        let columns = log.features();
        let missing: usize = columns.iter().map(|column| column.values.missing()).sum();
        let cells = log.rows() * columns.len();
        if missing as f64 >= MANY_MISSING * cells as f64 && missing > 0 {
            Self::Forest { trees }
        } else {
            Self::Tree { alpha: Alpha::Auto }
        }
    }
}

/// Cost of each leaf in pruning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Alpha {
    /// The largest whose cross-validated loss is within one standard error of the best.
    Auto,
    /// This one, at least 0.
    Given(f64),
}

/// Which rows are held out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validation {
    /// So many folds, at least 2, with every cause spread evenly.
    Stratified(usize),
    /// So many folds, at least 2, each learning only from what came before it.
    Forward(usize),
    /// The fold in which each row is held out.
    Given(Vec<usize>),
}

impl Default for LearnSettings {
    fn default() -> Self {
        Self {
            learner: Learner::Tree { alpha: Alpha::Auto },
            criterion: Criterion::Gini,
            balanced: false,
            max_depth: None,
            min_leaf: 1,
            validation: Validation::Stratified(5),
            seed: 0,
            importance_repeats: 5,
            keep_suspects: false,
        }
    }
}

impl LearnSettings {
    pub(crate) fn check(&self) -> Result<(), LearnError> {
        let refuse = |what, value: String, range| Err(LearnError::Setting { what, value, range });
        if let Some(depth) = self.max_depth.filter(|depth| !(1..=DEEPEST).contains(depth)) {
            return refuse("max depth", depth.to_string(), "in 1..=256");
        }
        if self.min_leaf == 0 {
            return refuse("min leaf", "0".to_owned(), "at least 1");
        }
        match self.learner {
            Learner::Forest { trees } if !(1..=10_000).contains(&trees) => {
                refuse("trees", trees.to_string(), "in 1..=10000")
            }
            Learner::Tree { alpha: Alpha::Given(alpha) }
                if !(alpha >= 0.0 && alpha.is_finite()) =>
            {
                refuse("ccp alpha", alpha.to_string(), "`auto` or a number of at least 0")
            }
            _ => self.validation.check(),
        }
    }

    /// The settings of one tree, unpruned.
    pub(crate) fn of_tree(&self) -> ClassifierSettings {
        let base = match self.learner {
            Learner::Tree { .. } => ClassifierSettings::default(),
            Learner::Forest { .. } => ClassifierSettings::for_forest(),
        };
        ClassifierSettings {
            criterion: self.criterion,
            max_depth: Some(self.max_depth.unwrap_or(DEEPEST)),
            min_samples_leaf: self.min_leaf,
            class_weight: if self.balanced { ClassWeight::Balanced } else { ClassWeight::None },
            seed: self.seed,
            ..base
        }
    }

    pub(crate) fn of_forest(trees: usize) -> ForestSettings {
        ForestSettings { trees, out_of_bag: false, ..ForestSettings::default() }
    }
}

impl Validation {
    /// What a person calls it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stratified(_) => "stratified",
            Self::Forward(_) => "time-ordered",
            Self::Given(_) => "given",
        }
    }

    fn check(&self) -> Result<(), LearnError> {
        match self {
            Self::Stratified(folds) | Self::Forward(folds) if !(2..=1000).contains(folds) => {
                let (what, value) = ("folds", folds.to_string());
                Err(LearnError::Setting { what, value, range: "in 2..=1000" })
            }
            _ => Ok(()),
        }
    }

    /// The folds of `log`.
    pub(crate) fn folds(&self, log: &FaultLog, seed: u64) -> Result<Vec<Fold>, LearnError> {
        match self {
            Self::Stratified(count) => stratified(log.labels(), *count, seed),
            Self::Forward(count) => {
                let times = log.times().ok_or(LearnError::NoTimes)?;
                forward(times, *count)
            }
            Self::Given(fold_of) => {
                if fold_of.len() != log.rows() {
                    let column = "folds".to_owned();
                    let (found, expected) = (fold_of.len(), log.rows());
                    return Err(LearnError::Ragged { column, found, expected });
                }
                let count = fold_of.iter().max().map_or(0, |last| last + 1);
                Ok(assigned(fold_of, count))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::{FeatureColumn, FeatureValues};

    #[test]
    fn a_forest_suits_a_log_with_many_missing_cells() {
        let log = |missing: usize| {
            let numbers = (0..40).map(|row| if row < missing { f64::NAN } else { row as f64 });
            let values = FeatureValues::Numbers(numbers.collect());
            let columns = vec![FeatureColumn { name: "x".to_owned(), values }];
            let labels = (0..40).map(|row| row % 2).collect();
            FaultLog::new("y", vec!["a".to_owned(), "b".to_owned()], labels, columns).unwrap()
        };
        let tree = Learner::Tree { alpha: Alpha::Auto };
        assert_eq!(Learner::suited(&log(0), 9), tree);
        assert_eq!(Learner::suited(&log(1), 9), tree);
        assert_eq!(Learner::suited(&log(2), 9), Learner::Forest { trees: 9 });
    }
}

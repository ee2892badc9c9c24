//! What was learnt, ready to store and to ask.

mod companions;
mod file;
mod phrase;

use auscult_trees::{Answer, FeatureKind, Forest, Smoothing, Tree};
use serde::{Deserialize, Serialize};

pub(crate) use companions::{Companions, Counts, Testimony};
pub use file::{LARGEST_FILE, ModelError};
pub use phrase::number;

/// Deepest tree that is learnt or read.
pub const DEEPEST: usize = 256;

/// Weight, in rows, with which every leaf is pulled towards the shares of the
/// causes in the whole log, so that a leaf of one row is not certain.
pub const SMOOTHING_ROWS: f64 = 1.0;

/// A decision tree or forest that tells causes apart, with everything that a
/// person must be told about its questions.
///
/// One that exists is sound: [`LearntModel::from_json`] checks a file
/// completely, so a file from a stranger cannot make a later call panic.
#[derive(Debug, Clone, PartialEq)]
pub struct LearntModel {
    pub(crate) label: String,
    pub(crate) causes: Vec<Cause>,
    pub(crate) features: Vec<FeatureInfo>,
    pub(crate) forest: Forest,
    pub(crate) training: Training,
    /// What else the rows of each leaf say; of a single tree only.
    pub(crate) companions: Option<Companions>,
}

/// A cause that the model knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// Its name, as the log spells it.
    pub name: String,
    /// Rows of the log with it.
    pub rows: u64,
    /// What each of these rows weighed in learning.
    pub row_weight: f64,
}

/// A feature that the model may ask about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureInfo {
    /// Its name, as the log spells it.
    pub name: String,
    /// Its values in the log.
    pub values: KnownValues,
    /// Rows of the log without a value.
    pub missing: u64,
    /// What it costs to find out, in any unit that all features share.
    pub price: f64,
}

/// The values of a feature in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum KnownValues {
    /// Numbers: quantiles at even steps from the smallest to the largest.
    Numbers {
        /// At least two, ascending.
        quantiles: Vec<f64>,
    },
    /// Words.
    Words {
        /// The distinct words.
        categories: Vec<String>,
        /// Rows with each.
        rows: Vec<u64>,
    },
}

/// How the model came about, for the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Rows learnt from.
    pub rows: u64,
    /// `gini` or `entropy`.
    pub criterion: String,
    /// `balanced` or `none`.
    pub class_weight: String,
    /// Cost of a leaf in pruning.
    pub ccp_alpha: f64,
    /// Seed.
    pub seed: u64,
    /// How it did on rows held out.
    pub validation: ValidationSummary,
}

/// How a model did on rows that it had not learnt from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidationSummary {
    /// `stratified`, `time-ordered` or `given`.
    pub kind: String,
    /// Number of folds.
    pub folds: u64,
    /// Rows held out in all.
    pub rows: u64,
    /// Share of them predicted right.
    pub accuracy: f64,
    /// Interval of 95 % for it.
    pub interval: [f64; 2],
    /// Mean F1 over the causes.
    pub macro_f1: f64,
    /// Accuracy of always naming the most frequent cause.
    pub majority_accuracy: f64,
}

impl LearntModel {
    /// Name of the label column.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The causes, in the order of every list of probabilities.
    #[must_use]
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }

    /// The features, in the order of every list of answers.
    #[must_use]
    pub fn features(&self) -> &[FeatureInfo] {
        &self.features
    }

    /// The trees; one, unless it is a forest.
    #[must_use]
    pub fn trees(&self) -> &[Tree] {
        self.forest.trees()
    }

    /// How it came about.
    #[must_use]
    pub fn training(&self) -> &Training {
        &self.training
    }

    /// Where the feature called `name` is.
    #[must_use]
    pub fn feature(&self, name: &str) -> Option<usize> {
        self.features.iter().position(|feature| feature.name == name)
    }

    /// Whether any tree asks about `feature`.
    #[must_use]
    pub fn asks_about(&self, feature: usize) -> bool {
        let mut splits =
            self.trees().iter().flat_map(Tree::nodes).filter_map(|node| node.split.as_ref());
        splits.any(|split| split.feature == feature)
    }

    /// The probability of each cause given one answer per feature; smoothed by
    /// [`SMOOTHING_ROWS`].
    ///
    /// Every known answer counts. Those that a tree asks choose among its
    /// leaves; all others shift the weight among the leaves and causes that
    /// remain by how often the rows of the log there gave them, the one that
    /// tells most in full, each next one half as much as the one before. A
    /// model without these counts, which is a forest or was written by an
    /// older release, knows only the answers that its trees ask on their way,
    /// see [`LearntModel::weighs_all`]; unknown ones leave both branches open.
    #[must_use]
    pub fn probabilities(&self, answers: &[Answer]) -> Vec<f64> {
        let Some(companions) = &self.companions else {
            return self.mean(answers, Smoothing::MEstimate(SMOOTHING_ROWS));
        };
        let (said, alive) = self.testimonies(companions, answers);
        companions.beliefs(&said.iter().map(|(_, said)| said).collect::<Vec<_>>(), &alive)
    }

    /// Whether answers count that no tree asks on the way of the case.
    #[must_use]
    pub fn weighs_all(&self) -> bool {
        self.companions.is_some()
    }

    /// What each known answer says, beside its feature, and the leaves that
    /// agree with all of them.
    pub(crate) fn testimonies(
        &self,
        companions: &Companions,
        answers: &[Answer],
    ) -> (Vec<(usize, Testimony)>, Vec<usize>) {
        let tree = &self.trees()[0];
        let alive = companions.agreeing(tree, answers);
        let said = |(at, answer): (usize, &Answer)| {
            let said = companions.testimony(tree, &self.features[at], at, *answer, &alive)?;
            Some((at, said))
        };
        (answers.iter().enumerate().filter_map(said).collect(), alive)
    }

    /// The features whose answers tell the causes that remain most apart; few
    /// enough that the next one hardly counts.
    pub(crate) fn strongest(&self, answers: &[Answer]) -> Vec<usize> {
        let Some(companions) = &self.companions else { return Vec::new() };
        let (said, alive) = self.testimonies(companions, answers);
        companions.strongest(&said, &alive)
    }

    /// The shares of the causes in the leaves that agree with the answers, not
    /// smoothed: exactly 0 for a cause of which no row of the log with such
    /// answers to the questions of the trees is left.
    #[must_use]
    pub fn shares(&self, answers: &[Answer]) -> Vec<f64> {
        self.mean(answers, Smoothing::None)
    }

    fn mean(&self, answers: &[Answer], smoothing: Smoothing) -> Vec<f64> {
        let mut mean = self.forest.probabilities(answers, smoothing);
        // The mean of many trees misses 1 by a few roundings.
        let total: f64 = mean.iter().sum();
        mean.iter_mut().for_each(|part| *part /= total);
        mean
    }
}

impl KnownValues {
    /// The kind that trees know.
    #[must_use]
    pub fn kind(&self) -> FeatureKind {
        match self {
            Self::Numbers { .. } => FeatureKind::Number,
            Self::Words { categories, .. } => {
                FeatureKind::Category { categories: categories.len() }
            }
        }
    }
}

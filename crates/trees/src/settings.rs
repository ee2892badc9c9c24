//! How trees and forests are grown.

use auscult_core::{Settings, settings};
use serde::{Deserialize, Serialize};

use crate::TreeError;

settings! {
    /// Settings of a tree that predicts classes.
    pub struct ClassifierSettings {
        /// How mixed a node is: `gini` or `entropy`.
        criterion: Criterion = Criterion::Gini, "`gini` or `entropy`", |_| true;
        /// Most questions from the root to a leaf.
        max_depth: Option<usize> = None, "at least 1", |depth| depth.is_none_or(|depth| depth >= 1);
        /// Rows that a node needs to be split.
        min_samples_split: usize = 2, "at least 2", |rows| *rows >= 2;
        /// Rows that each side of a split needs.
        min_samples_leaf: usize = 1, "at least 1", |rows| *rows >= 1;
        /// Share of the total weight that each side of a split needs.
        min_weight_leaf: f64 = 0.0, "in [0, 0.5]", |share| (0.0..=0.5).contains(share);
        /// Most leaves; the most telling splits are made first.
        max_leaf_nodes: Option<usize> = None, "at least 2", |leaves| leaves.is_none_or(|leaves| leaves >= 2);
        /// Least gain of a split: how much the impurity of the whole tree falls.
        min_impurity_decrease: f64 = 0.0, "at least 0", |least| *least >= 0.0 && least.is_finite();
        /// Features to look at for each split.
        max_features: MaxFeatures = MaxFeatures::All, "`all`, `sqrt`, `log2`, a share in (0, 1] or a count of at least 1", MaxFeatures::in_range;
        /// What a row of each class weighs: `none`, `balanced` or given.
        class_weight: ClassWeight = ClassWeight::None, "`none`, `balanced`, or a weight of at least 0 for each class", ClassWeight::in_range;
        /// Cost of each leaf when pruning: subtrees that gain less per leaf are cut.
        ccp_alpha: f64 = 0.0, "at least 0", |alpha| *alpha >= 0.0 && alpha.is_finite();
        /// What each feature costs to ask: its gain is divided by it. Empty when all cost the same.
        costs: Vec<f64> = Vec::new(), "above 0", |costs| costs.iter().all(|cost| *cost > 0.0 && cost.is_finite());
        /// Seed for the choice of features, and of rows in a forest.
        seed: u64 = 0, "any", |_| true;
    }
}

settings! {
    /// Settings of a tree that predicts numbers, by least squares.
    pub struct RegressorSettings {
        /// Most questions from the root to a leaf.
        max_depth: Option<usize> = None, "at least 1", |depth| depth.is_none_or(|depth| depth >= 1);
        /// Rows that a node needs to be split.
        min_samples_split: usize = 2, "at least 2", |rows| *rows >= 2;
        /// Rows that each side of a split needs.
        min_samples_leaf: usize = 1, "at least 1", |rows| *rows >= 1;
        /// Share of the total weight that each side of a split needs.
        min_weight_leaf: f64 = 0.0, "in [0, 0.5]", |share| (0.0..=0.5).contains(share);
        /// Most leaves; the most telling splits are made first.
        max_leaf_nodes: Option<usize> = None, "at least 2", |leaves| leaves.is_none_or(|leaves| leaves >= 2);
        /// Least gain of a split: how much the variance of the whole tree falls.
        min_impurity_decrease: f64 = 0.0, "at least 0", |least| *least >= 0.0 && least.is_finite();
        /// Features to look at for each split.
        max_features: MaxFeatures = MaxFeatures::All, "`all`, `sqrt`, `log2`, a share in (0, 1] or a count of at least 1", MaxFeatures::in_range;
        /// Cost of each leaf when pruning: subtrees that gain less per leaf are cut.
        ccp_alpha: f64 = 0.0, "at least 0", |alpha| *alpha >= 0.0 && alpha.is_finite();
        /// What each feature costs to ask: its gain is divided by it. Empty when all cost the same.
        costs: Vec<f64> = Vec::new(), "above 0", |costs| costs.iter().all(|cost| *cost > 0.0 && cost.is_finite());
        /// Seed for the choice of features, and of rows in a forest.
        seed: u64 = 0, "any", |_| true;
    }
}

settings! {
    /// Settings of a forest, beside those of its trees. The seed is that of
    /// the trees' settings.
    pub struct ForestSettings {
        /// Number of trees.
        trees: usize = 100, "in 1..=100000", |trees| (1..=100_000).contains(trees);
        /// Whether each tree learns from rows drawn with replacement, or from all.
        bootstrap: bool = true, "true or false", |_| true;
        /// Share of the rows to draw for each tree, when drawing.
        max_samples: f64 = 1.0, "in (0, 1]", |share| *share > 0.0 && *share <= 1.0;
        /// Whether to predict every row by the trees that did not see it, when drawing.
        out_of_bag: bool = true, "true or false", |_| true;
    }
}

impl ClassifierSettings {
    /// What a random forest grows by default: full trees that look at the root
    /// of the number of features for each split.
    #[must_use]
    pub fn for_forest() -> Self {
        Self { max_features: MaxFeatures::Sqrt, ..Self::default() }
    }

    pub(crate) fn limits(&self, features: usize) -> Result<Limits, TreeError> {
        self.check()?;
        Ok(Limits {
            max_depth: self.max_depth.unwrap_or(usize::MAX),
            min_samples_split: self.min_samples_split,
            min_samples_leaf: self.min_samples_leaf,
            min_weight_leaf: self.min_weight_leaf,
            max_leaf_nodes: self.max_leaf_nodes,
            min_impurity_decrease: self.min_impurity_decrease,
            features_per_split: self.max_features.of(features),
            costs: costs_for(&self.costs, features)?,
            seed: self.seed,
        })
    }
}

impl RegressorSettings {
    pub(crate) fn limits(&self, features: usize) -> Result<Limits, TreeError> {
        self.check()?;
        Ok(Limits {
            max_depth: self.max_depth.unwrap_or(usize::MAX),
            min_samples_split: self.min_samples_split,
            min_samples_leaf: self.min_samples_leaf,
            min_weight_leaf: self.min_weight_leaf,
            max_leaf_nodes: self.max_leaf_nodes,
            min_impurity_decrease: self.min_impurity_decrease,
            features_per_split: self.max_features.of(features),
            costs: costs_for(&self.costs, features)?,
            seed: self.seed,
        })
    }
}

/// What growing needs to know, whatever it predicts.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) max_depth: usize,
    pub(crate) min_samples_split: usize,
    pub(crate) min_samples_leaf: usize,
    /// As a share of the total weight.
    pub(crate) min_weight_leaf: f64,
    pub(crate) max_leaf_nodes: Option<usize>,
    pub(crate) min_impurity_decrease: f64,
    pub(crate) features_per_split: usize,
    /// One per feature, or empty.
    pub(crate) costs: Vec<f64>,
    pub(crate) seed: u64,
}

fn costs_for(costs: &[f64], features: usize) -> Result<Vec<f64>, TreeError> {
    if costs.is_empty() || costs.len() == features {
        return Ok(costs.to_vec());
    }
    let reason = format!("{} costs for {features} features", costs.len());
    Err(TreeError::Misfit { key: "costs", reason })
}

/// How mixed a node of classes is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// Chance that two random rows of the node differ in class.
    Gini,
    /// Entropy of the classes, in bits.
    Entropy,
}

/// How many features are looked at for each split.
///
/// Features that are constant in a node count too, but the search goes on
/// until one can be split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaxFeatures {
    /// All of them; the choice is then free of chance.
    All,
    /// The square root of their number, rounded down.
    Sqrt,
    /// The logarithm to base 2 of their number, rounded down.
    Log2,
    /// This share of them, rounded down.
    Share(f64),
    /// So many; all, when there are fewer.
    Count(usize),
}

impl MaxFeatures {
    fn in_range(&self) -> bool {
        match self {
            Self::All | Self::Sqrt | Self::Log2 => true,
            Self::Share(share) => *share > 0.0 && *share <= 1.0,
            Self::Count(count) => *count >= 1,
        }
    }

    /// How many of `features` that is; at least 1.
    #[must_use]
    pub fn of(self, features: usize) -> usize {
        let count = match self {
            Self::All => features,
            Self::Sqrt => features.isqrt(),
            Self::Log2 => features.checked_ilog2().unwrap_or(0) as usize,
            Self::Share(share) => (share * features as f64) as usize,
            Self::Count(count) => count,
        };
        count.clamp(1, features.max(1))
    }
}

/// What a row of each class weighs, times its own weight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeight {
    /// All the same.
    None,
    /// Every class that occurs weighs the same in sum: rows over (classes × rows of
    /// the class), where rows are counted, not weighed.
    Balanced,
    /// A weight for each class.
    Given(Vec<f64>),
}

impl ClassWeight {
    fn in_range(&self) -> bool {
        match self {
            Self::None | Self::Balanced => true,
            Self::Given(weights) => {
                weights.iter().all(|weight| *weight >= 0.0 && weight.is_finite())
            }
        }
    }

    /// One weight per class; `None` when all are 1.
    pub(crate) fn of(&self, labels: &[u32], classes: usize) -> Result<Option<Vec<f64>>, TreeError> {
        match self {
            Self::None => Ok(None),
            Self::Given(weights) if weights.len() == classes => Ok(Some(weights.clone())),
            Self::Given(weights) => {
                let reason = format!("{} weights for {classes} classes", weights.len());
                Err(TreeError::Misfit { key: "class_weight", reason })
            }
            Self::Balanced => {
                let mut counts = vec![0_usize; classes];
                labels.iter().for_each(|label| counts[*label as usize] += 1);
                let present = counts.iter().filter(|count| **count > 0).count();
                let weight = |count: usize| {
                    if count == 0 { 0.0 } else { labels.len() as f64 / (present * count) as f64 }
                };
                Ok(Some(counts.into_iter().map(weight).collect()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_features_are_as_the_field_expects() {
        assert_eq!(MaxFeatures::Sqrt.of(20), 4);
        assert_eq!(MaxFeatures::Log2.of(20), 4);
        assert_eq!(MaxFeatures::Share(0.3).of(20), 6);
        assert_eq!(MaxFeatures::Share(0.01).of(20), 1);
        assert_eq!(MaxFeatures::Count(99).of(20), 20);
    }

    #[test]
    fn settings_read_as_a_person_writes_them() {
        let map = |json: &str| serde_json::from_str(json).expect("a JSON object");
        let json = r#"{"criterion": "entropy", "max_features": {"share": 0.5}, "class_weight": "balanced"}"#;
        let settings = ClassifierSettings::from_map(&map(json)).expect("in range");
        assert_eq!(settings.max_features, MaxFeatures::Share(0.5));
        let refused = ClassifierSettings::from_map(&map(r#"{"max_features": {"share": 1.5}}"#));
        assert!(refused.expect_err("out of range").to_string().contains("max_features"));
    }
}

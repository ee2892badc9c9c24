//! What a tree is.

use serde::{Deserialize, Serialize};

use crate::{FeatureKind, TreeError};

/// A decision tree: questions, and what was learnt of the rows that gave the
/// same answers.
///
/// A tree that exists is sound: reading one back checks it completely, so a
/// tree from a stranger cannot make a later call panic or run for ever.
///
/// Fit one with [`Tree::fit_classes`] or [`Tree::fit_numbers`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "TreeParts")]
pub struct Tree {
    pub(crate) kind: Kind,
    pub(crate) features: Vec<FeatureKind>,
    pub(crate) nodes: Vec<Node>,
    /// `width` numbers per node.
    pub(crate) values: Vec<f64>,
}

/// The parts of a [`Tree`], unchecked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeParts {
    /// What the tree predicts.
    pub kind: Kind,
    /// The kind of every feature.
    pub features: Vec<FeatureKind>,
    /// The nodes, root first, every child after its parent.
    pub nodes: Vec<Node>,
    /// For each node, the weight of each class, or the one mean.
    pub values: Vec<f64>,
}

impl TryFrom<TreeParts> for Tree {
    type Error = TreeError;

    fn try_from(parts: TreeParts) -> Result<Self, TreeError> {
        let TreeParts { kind, features, nodes, values } = parts;
        let tree = Self { kind, features, nodes, values };
        tree.validate()?;
        Ok(tree)
    }
}

/// What a tree predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Kind {
    /// One of so many classes.
    Classes {
        /// How many there are.
        classes: usize,
    },
    /// A number.
    Numbers,
}

impl Kind {
    /// Numbers that a node holds.
    #[must_use]
    pub fn width(self) -> usize {
        match self {
            Self::Classes { classes } => classes,
            Self::Numbers => 1,
        }
    }
}

/// One node of a tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Training rows that came here, without weights.
    pub rows: usize,
    /// Their weight.
    pub weight: f64,
    /// How mixed they are: Gini impurity, entropy in bits, or variance.
    pub impurity: f64,
    /// The question asked here; `None` in a leaf.
    pub split: Option<Split>,
}

/// A question and where its answers lead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// The feature it is about.
    pub feature: usize,
    /// The question.
    pub question: Question,
    /// Node for yes.
    pub yes: usize,
    /// Node for no.
    pub no: usize,
    /// Whether cases without a value go to `yes`: learnt where there were some
    /// in training, otherwise the side with more rows.
    pub missing_goes_yes: bool,
    /// How much the split lowers the impurity, weighted with the share of all
    /// training weight that came here.
    pub gain: f64,
}

/// What is asked of a feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Question {
    /// Is the number at most this?
    AtMost {
        /// Midway between two neighbouring values of the training rows.
        threshold: f64,
    },
    /// Is the category one of these? A category in neither list was not seen
    /// here and goes the way of missing values.
    OneOf(Box<Sides>),
    /// Is there any value at all? Missing ones go to no.
    Present,
}

/// Categories by the side they lead to, both ascending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sides {
    /// They lead to yes.
    pub yes: Vec<u32>,
    /// They lead to no.
    pub no: Vec<u32>,
}

impl Tree {
    /// What it predicts.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The kind of every feature that it was fitted on.
    #[must_use]
    pub fn features(&self) -> &[FeatureKind] {
        &self.features
    }

    /// The nodes: the root first, every child after its parent.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What was learnt in node `node`: the weight of each class, or the mean
    /// as the only entry.
    ///
    /// # Panics
    ///
    /// When there is no such node.
    #[must_use]
    pub fn value(&self, node: usize) -> &[f64] {
        let width = self.kind.width();
        &self.values[node * width..(node + 1) * width]
    }

    /// Number of leaves.
    #[must_use]
    pub fn leaves(&self) -> usize {
        self.nodes.iter().filter(|node| node.split.is_none()).count()
    }

    /// Questions on the longest path.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depths().into_iter().max().unwrap_or(0)
    }

    /// Questions on the way to each node.
    #[must_use]
    pub fn depths(&self) -> Vec<usize> {
        let mut depths = vec![0; self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate() {
            if let Some(split) = &node.split {
                depths[split.yes] = depths[at] + 1;
                depths[split.no] = depths[at] + 1;
            }
        }
        depths
    }

    /// How much each feature lowers the impurity, in shares that sum to 1; all
    /// 0 for a tree without gain.
    ///
    /// Favours features with many distinct values; see
    /// [`permutation_importance`](crate::permutation_importance) for one that
    /// does not.
    #[must_use]
    pub fn importance(&self) -> Vec<f64> {
        let mut importance = vec![0.0; self.features.len()];
        for split in self.nodes.iter().filter_map(|node| node.split.as_ref()) {
            importance[split.feature] += split.gain;
        }
        let total: f64 = importance.iter().sum();
        if total > 0.0 {
            importance.iter_mut().for_each(|share| *share /= total);
        }
        importance
    }
}

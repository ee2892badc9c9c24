//! Decision trees and random forests, for classes and for numbers.
//!
//! A [`Tree`] or [`Forest`] learns from [`Features`]: columns of numbers or
//! categories, either of which may miss values. Beyond what trees for prediction
//! offer, these are made for finding causes: a case may leave questions
//! unanswered ([`Answer::Unknown`]), questions may differ in cost, every node
//! keeps its counts, and the result does not depend on the order of rows.

mod compact;
mod contributions;
mod error;
mod features;
mod fit;
mod forest;
mod grow;
mod importance;
mod predict;
mod prune;
mod settings;
mod tree;
mod validate;

pub use contributions::Contributions;
pub use error::TreeError;
pub use features::{Answer, Feature, FeatureKind, Features, MISSING, Row, RowOf};
pub use forest::{Forest, ForestFit, OutOfBag};
pub use importance::{Importance, permutation_importance};
pub use predict::{Smoothing, Step};
pub use prune::PruningPath;
pub use settings::{
    ClassWeight, ClassifierSettings, Criterion, ForestSettings, MaxFeatures, RegressorSettings,
};
pub use tree::{Kind, Node, Question, Sides, Split, Tree, TreeParts};

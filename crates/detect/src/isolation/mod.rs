//! Methods that ask how few random cuts set a row apart.

mod cut_tree;
mod extended;
mod forest;
mod half_space;
mod half_space_tree;
mod isolation_forest;
mod isolation_forest_online;
mod path;
mod random_cut;
mod scaling;
mod tree;

pub use extended::{
    ExtendedIsolationForest, ExtendedIsolationForestModel, ExtendedIsolationForestSettings,
};
pub use half_space::{HalfSpaceTrees, HalfSpaceTreesSettings};
pub use isolation_forest::{
    ExportedTree, IsolationForest, IsolationForestModel, IsolationForestSettings,
};
pub use isolation_forest_online::IsolationForestDetector;
pub use random_cut::{RandomCutForest, RandomCutForestSettings};

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] =
    &[isolation_forest::METHOD, extended::METHOD, half_space::METHOD, random_cut::METHOD];

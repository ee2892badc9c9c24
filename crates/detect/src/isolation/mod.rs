//! Methods that ask how few random cuts set a row apart.

mod extended;
mod forest;
mod half_space;
mod half_space_tree;
mod isolation_forest;
mod path;
mod scaling;
mod tree;

pub use extended::{
    ExtendedIsolationForest, ExtendedIsolationForestModel, ExtendedIsolationForestSettings,
};
pub use half_space::{HalfSpaceTrees, HalfSpaceTreesSettings};
pub use isolation_forest::{
    ExportedTree, IsolationForest, IsolationForestModel, IsolationForestSettings,
};

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] = &[isolation_forest::METHOD, extended::METHOD, half_space::METHOD];

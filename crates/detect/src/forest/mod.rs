//! Methods that learn with forests of decision trees.

mod labelled;
mod residual;

pub use labelled::{RandomForest, RandomForestModel, RandomForestSettings};
pub use residual::{ForestResidual, ForestResidualModel, ForestResidualSettings};

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] = &[residual::METHOD, labelled::METHOD];

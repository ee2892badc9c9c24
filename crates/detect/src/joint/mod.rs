//! Methods for the signals of one target, or of the members of one group.

mod autoregression;
mod ensemble;
mod head;
mod onset;

mod role;
mod usual;

pub use ensemble::{MahalanobisEnsemble, MahalanobisEnsembleSettings};

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] = &[ensemble::METHOD];

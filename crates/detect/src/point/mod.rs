//! Methods that judge each reading against the spread of all readings.

mod zscore;

pub use zscore::{ZScore, ZScoreModel, ZScoreSettings};

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] = &[zscore::METHOD];

//! Methods that compare stretches of a series with each other.

mod left_profile;
mod matrix_profile;
mod profile;
mod windows;

pub use left_profile::MatrixProfileDetector;
pub use matrix_profile::{MatrixProfile, MatrixProfileModel, MatrixProfileSettings};

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] = &[matrix_profile::METHOD];

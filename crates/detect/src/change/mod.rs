//! Methods that judge each reading against the recent past.

mod ewma;

pub use ewma::{EwmaSettings, EwmaZScore};

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] = &[ewma::METHOD];

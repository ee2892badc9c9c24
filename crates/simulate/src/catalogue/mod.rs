//! Accelerators and models as data, with the published constants they are made of.

pub mod accelerator;
pub mod model;

pub use accelerator::Accelerator;
pub use model::Model;

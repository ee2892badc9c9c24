//! Accelerators and models as data, with the published constants they are made of.

pub mod accelerator;

pub use accelerator::Accelerator;

//! Tests of the catalogue as a whole.

mod conformance;
mod golden_density;
mod golden_subspace;
mod variants;

//! Tests of the catalogue as a whole.

mod agreement;
mod conformance;
mod golden_change;
mod golden_point;
mod properties;
mod golden_density;
mod golden_subspace;
mod golden_isolation;
mod golden_margin;

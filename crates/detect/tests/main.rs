//! Tests of the catalogue as a whole.

mod conformance;
mod golden_isolation;
mod golden_margin;

//! Tests of the catalogue as a whole, and of methods against reference programs.

mod agreement;
mod conformance;
mod golden_change;
mod golden_density;
mod golden_forest;
mod golden_isolation;
mod golden_margin;
mod golden_point;
mod golden_regression;
mod golden_subspace;
mod golden_windows;
mod odd_histories;
mod peers;
mod pot_ensemble;
mod properties;
mod quantised;
mod variants;

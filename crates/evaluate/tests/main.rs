//! Measures against reference programs and against their own laws.

mod golden_nab;
mod golden_vectors;
mod properties;

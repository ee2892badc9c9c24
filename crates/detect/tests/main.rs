//! Tests of the catalogue as a whole.

mod conformance;
mod odd_histories;

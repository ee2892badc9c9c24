//! Statistics and linear models that detection and diagnosis share.
//!
//! Pure functions and small structs over `f64` slices. Inputs are finite;
//! where a function can also meet an empty slice it says what it returns.

pub mod linear;
pub mod moments;
pub mod quantile;
pub mod two_sample;

//! Statistics and linear models that detection and diagnosis share.
//!
//! Pure functions and small structs over `f64` slices. Inputs are finite;
//! where a function can also meet an empty slice it says what it returns.

pub mod autocorrelation;
pub mod chi_square;
pub mod counter;
pub mod covariance;
pub mod linear;
pub mod loess;
pub mod mcd;
pub mod moments;
pub mod quantile;
pub mod resolution;
pub mod season;
pub mod sketch;
pub mod sliding;
pub mod stl;
pub mod two_sample;

//! Comparing two stretches of a series whose neighbours resemble one another.
//!
//! Readings of a metric are seldom independent: a hundred of them may tell no
//! more than ten. Tests here count [`effective_size`] where others count rows,
//! and [`Blocks`] resamples stretches instead of single rows. Slices are in
//! order of time.

mod blocks;
mod correlation;
mod distribution;
mod long_run;
mod mean;
mod spread;

pub use blocks::{Blocks, interval};
pub use correlation::{CorrelationShift, correlation, correlation_shift, holm};
pub use distribution::{KolmogorovSmirnov, MannWhitney, kolmogorov_smirnov, mann_whitney};
pub use long_run::{automatic_lags, effective_size, lag_one, long_run_variance};
pub use mean::{Independence, MeanShift, mean_shift};
pub use spread::{SpreadShift, brown_forsythe};

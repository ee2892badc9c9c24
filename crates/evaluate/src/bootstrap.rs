//! How far a mean over series could be off.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use auscult_stats::quantile::quantile;

/// Where the mean over a population of series probably lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Mean of the series at hand.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The mean of `values`, one per series, with a percentile bootstrap interval that
/// covers `level`, in `0..=1`: series are drawn anew with replacement `resamples`
/// times. Says what other series of the same kind would do; with fewer than about
/// ten series it is too narrow.
///
/// The same seed gives the same bits. `None` for no values. Time O(resamples * n).
///
/// Reference: B. Efron, R. J. Tibshirani, "An introduction to the bootstrap",
/// Chapman and Hall 1993, chapter 13.
///
/// ```
/// use auscult_evaluate::bootstrap_mean;
/// let values: Vec<f64> = (0..40).map(|at| f64::from(at % 5)).collect();
/// let interval = bootstrap_mean(&values, 1000, 0.95, 7).unwrap();
/// assert_eq!(interval.mean, 2.0);
/// assert!(interval.low > 1.4 && interval.low < 1.8 && interval.high < 2.6);
/// ```
///
/// # Panics
///
/// When `level` is outside `0..=1`.
#[must_use]
pub fn bootstrap_mean(values: &[f64], resamples: usize, level: f64, seed: u64) -> Option<Interval> {
    if values.is_empty() {
        return None;
    }
    let many = values.len() as f64;
    let mean = values.iter().sum::<f64>() / many;
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut drawn = |_| {
        let sum: f64 = values.iter().map(|_| values[random.random_range(0..values.len())]).sum();
        sum / many
    };
    let mut means: Vec<f64> = (0..resamples.max(1)).map(&mut drawn).collect();
    let tail = (1.0 - level) / 2.0;
    let low = quantile(&mut means, tail);
    let high = quantile(&mut means, 1.0 - tail);
    Some(Interval { mean, low, high })
}

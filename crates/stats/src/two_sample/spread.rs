//! Whether a spread changed.

use statrs::distribution::{ContinuousCDF, FisherSnedecor};

use super::{Independence, mean_shift};
use crate::quantile::median;

/// The Brown-Forsythe test of two spreads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpreadShift {
    /// The F statistic of distances from the median.
    pub f: f64,
    /// Probability of a statistic at least as large, were the spreads equal.
    pub p_value: f64,
}

/// Whether two samples differ in spread, whatever their distribution.
///
/// With [`Independence::Assumed`] equals
/// `scipy.stats.levene(before, after, center="median")`; with
/// [`Independence::Estimated`] the distances are compared by [`mean_shift`]
/// with effective sizes, and `f` is the square of its t. `None` with fewer than
/// two rows on a side. Time O(n).
///
/// Reference: M. B. Brown, A. B. Forsythe, "Robust tests for the equality of
/// variances", JASA 69, 1974.
#[must_use]
pub fn brown_forsythe(
    before: &[f64],
    after: &[f64],
    independence: Independence,
) -> Option<SpreadShift> {
    if before.len() < 2 || after.len() < 2 {
        return None;
    }
    let (old, new) = (distances(before), distances(after));
    if independence == Independence::Estimated {
        let shift = mean_shift(&old, &new, independence)?;
        return Some(SpreadShift { f: (shift.t * shift.t).min(f64::MAX), p_value: shift.p_value });
    }
    let (old_rows, new_rows) = (old.len() as f64, new.len() as f64);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (old_mean, new_mean) = (mean(&old), mean(&new));
    let total = (old_mean * old_rows + new_mean * new_rows) / (old_rows + new_rows);
    let between = old_rows * (old_mean - total).powi(2) + new_rows * (new_mean - total).powi(2);
    let around = |values: &[f64], mean: f64| values.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    let within = around(&old, old_mean) + around(&new, new_mean);
    let degrees = old_rows + new_rows - 2.0;
    if within <= 0.0 {
        let same = between == 0.0;
        let (f, p_value) = if same { (0.0, 1.0) } else { (f64::MAX, 0.0) };
        return Some(SpreadShift { f, p_value });
    }
    let f = between / within * degrees;
    let p_value = FisherSnedecor::new(1.0, degrees).map_or(1.0, |law| law.sf(f));
    Some(SpreadShift { f, p_value })
}

fn distances(values: &[f64]) -> Vec<f64> {
    let centre = median(&mut values.to_vec());
    values.iter().map(|value| (value - centre).abs()).collect()
}

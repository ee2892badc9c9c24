//! Whether two columns go together as before.

use statrs::distribution::{ContinuousCDF, Normal};

use super::lag_one;
use crate::moments::Moments;

/// A change of the correlation of two columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CorrelationShift {
    /// Correlation before, in `-1..=1`.
    pub before: f64,
    /// Correlation after.
    pub after: f64,
    /// Difference of Fisher's transforms over its standard error.
    pub z: f64,
    /// Probability of a difference at least as large, were there none.
    pub p_value: f64,
}

/// Pearson's correlation; `None` when a column is constant or there are fewer
/// than two rows.
///
/// # Panics
///
/// When the columns differ in length.
#[must_use]
pub fn correlation(one: &[f64], two: &[f64]) -> Option<f64> {
    assert_eq!(one.len(), two.len(), "columns are of one length");
    let (ones, twos) = (Moments::of(one), Moments::of(two));
    let spread = ones.deviation(0) * twos.deviation(0) * one.len() as f64;
    // A spread of rounding is no spread.
    let constant = |moments: &Moments| moments.deviation(0) <= 1e-12 * moments.mean().abs();
    if one.len() < 2 || spread <= 0.0 || constant(&ones) || constant(&twos) {
        return None;
    }
    let along: f64 = one.iter().zip(two).map(|(a, b)| (a - ones.mean()) * (b - twos.mean())).sum();
    Some((along / spread).clamp(-1.0, 1.0))
}

/// Whether the correlation of two columns changed; each argument is the pair of
/// columns of one period.
///
/// Fisher's transform, with the number of rows reduced by the product of the
/// columns' [`lag_one`] correlations. `None` when a correlation does not exist
/// or a side has fewer than five rows. Time O(n).
///
/// Reference: R. A. Fisher, "On the probable error of a coefficient of
/// correlation", Metron 1, 1921; C. S. Bretherton and others, "The effective
/// number of spatial degrees of freedom", J. Climate 12, 1999, for the rows.
#[must_use]
pub fn correlation_shift(
    before: (&[f64], &[f64]),
    after: (&[f64], &[f64]),
) -> Option<CorrelationShift> {
    let (old, new) = (correlation(before.0, before.1)?, correlation(after.0, after.1)?);
    if before.0.len() < 5 || after.0.len() < 5 {
        return None;
    }
    let error = 1.0 / (effective_rows(before) - 3.0) + 1.0 / (effective_rows(after) - 3.0);
    // Perfect correlation has an infinite transform; hold it just inside.
    let transform = |r: f64| r.clamp(-1.0 + 1e-12, 1.0 - 1e-12).atanh();
    let z = (transform(new) - transform(old)) / error.sqrt();
    let p_value = (2.0 * Normal::standard().cdf(-z.abs())).min(1.0);
    Some(CorrelationShift { before: old, after: new, z, p_value })
}

fn effective_rows((one, two): (&[f64], &[f64])) -> f64 {
    let rows = one.len() as f64;
    let both = (lag_one(one) * lag_one(two)).clamp(0.0, 0.99);
    (rows * (1.0 - both) / (1.0 + both)).max(4.0)
}

/// p-values adjusted for being several: the chance of any false finding among
/// those below a level is at most that level.
///
/// Reference: S. Holm, "A simple sequentially rejective multiple test
/// procedure", Scandinavian Journal of Statistics 6(2), 1979.
///
/// ```
/// use auscult_stats::two_sample::holm;
/// assert_eq!(holm(&[0.01, 0.04, 0.5]), [0.03, 0.08, 0.5]);
/// ```
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|one, two| p_values[*one].total_cmp(&p_values[*two]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (place, at) in order.into_iter().enumerate() {
        largest = largest.max(p_values[at] * (p_values.len() - place) as f64).min(1.0);
        adjusted[at] = largest;
    }
    adjusted
}

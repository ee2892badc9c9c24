//! Order statistics.

/// The `share`-quantile of `values`, interpolated linearly between the two
/// nearest order statistics (type 7 of Hyndman and Fan, as NumPy does).
///
/// Reorders `values`. Time O(n). Zero for an empty slice.
///
/// Reference: R. J. Hyndman, Y. Fan, "Sample quantiles in statistical
/// packages", The American Statistician 50(4), 1996.
///
/// ```
/// use auscult_stats::quantile::quantile;
/// assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0], 0.25), 1.75);
/// ```
///
/// # Panics
///
/// When `share` is outside `0..=1`.
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    assert!((0.0..=1.0).contains(&share), "a quantile needs a share in 0..=1, got {share}");
    if values.is_empty() {
        return 0.0;
    }
    let (below, fraction) = place(values.len(), share);
    let (_, low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let low = *low;
    if fraction == 0.0 {
        return low;
    }
    between(low, above.iter().copied().min_by(f64::total_cmp).unwrap_or(low), fraction)
}

/// As [`quantile`], of values that are in order already. Time O(1).
///
/// ```
/// use auscult_stats::quantile::quantile_of_sorted;
/// assert_eq!(quantile_of_sorted(&[1.0, 2.0, 3.0, 4.0], 0.25), 1.75);
/// ```
///
/// # Panics
///
/// When `share` is outside `0..=1`.
#[must_use]
pub fn quantile_of_sorted(sorted: &[f64], share: f64) -> f64 {
    assert!((0.0..=1.0).contains(&share), "a quantile needs a share in 0..=1, got {share}");
    if sorted.is_empty() {
        return 0.0;
    }
    let (below, fraction) = place(sorted.len(), share);
    let low = sorted[below];
    if fraction == 0.0 {
        return low;
    }
    between(low, sorted.get(below + 1).copied().unwrap_or(low), fraction)
}

/// The place of the value at or below a quantile of `count` values, and how far it lies on the way to the next.
fn place(count: usize, share: f64) -> (usize, f64) {
    let position = share * (count - 1) as f64;
    let below = position.floor();
    (below as usize, position - below)
}

/// NumPy's form, monotone in `fraction`.
fn between(low: f64, high: f64, fraction: f64) -> f64 {
    if fraction < 0.5 {
        low + (high - low) * fraction
    } else {
        high - (high - low) * (1.0 - fraction)
    }
}

/// The median of `values`, which it reorders. Zero for an empty slice.
pub fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

/// Median and median absolute deviation from it, the latter unscaled.
///
/// ```
/// use auscult_stats::quantile::median_deviation;
/// assert_eq!(median_deviation(&[1.0, 2.0, 3.0, 100.0, 2.0]), (2.0, 1.0));
/// ```
#[must_use]
pub fn median_deviation(values: &[f64]) -> (f64, f64) {
    let mut scratch = values.to_vec();
    let centre = median(&mut scratch);
    for (slot, value) in scratch.iter_mut().zip(values) {
        *slot = (value - centre).abs();
    }
    (centre, median(&mut scratch))
}

/// What turns a median absolute deviation into a standard deviation of a
/// normal distribution: `1 / Φ⁻¹(3/4)`.
pub const MAD_TO_DEVIATION: f64 = 1.482_602_218_505_602;

/// Mean absolute deviation of `values` from `centre`; 0 for an empty slice.
#[must_use]
pub fn mean_deviation(values: &[f64], centre: f64) -> f64 {
    let total: f64 = values.iter().map(|value| (value - centre).abs()).sum();
    total / values.len().max(1) as f64
}

/// What turns a mean absolute deviation into a standard deviation of a normal
/// distribution: `sqrt(π / 2)`.
pub const MEAN_TO_DEVIATION: f64 = 1.253_314_137_315_500_3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_reach_both_ends() {
        let mut values = [5.0, 3.0, 9.0, 1.0];
        assert_eq!(quantile(&mut values, 0.0), 1.0);
        assert_eq!(quantile(&mut values, 1.0), 9.0);
        assert_eq!(median(&mut values), 4.0);
        assert_eq!(median(&mut []), 0.0);
    }

    #[test]
    fn order_changes_nothing() {
        let sorted = [-2.5, 0.0, 0.1, 0.1, 3.0, 8.25, 9.0];
        let mut mixed = [9.0, 0.1, -2.5, 8.25, 0.0, 3.0, 0.1];
        for hundredth in 0..=100 {
            let share = f64::from(hundredth) / 100.0;
            assert_eq!(quantile_of_sorted(&sorted, share), quantile(&mut mixed, share), "{share}");
        }
        assert_eq!(quantile_of_sorted(&[], 0.5), 0.0);
    }
}

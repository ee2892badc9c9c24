//! Ranks, and how far two orders agree.

/// The rank of each of `values` from 1; equal values share the mean of their ranks.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let mean = before as f64 + (equal.len() as f64 + 1.0) / 2.0;
        equal.iter().for_each(|at| ranks[*at] = mean);
        before += equal.len();
    }
    ranks
}

/// Spearman's rank correlation of `one` and `other`, from -1 to 1; `None` when
/// either is constant or empty. Time O(n log n).
///
/// Reference: C. Spearman, "The proof and measurement of association between two
/// things", American Journal of Psychology 15, 1904.
///
/// ```
/// use auscult_evaluate::rank_correlation;
/// assert_eq!(rank_correlation(&[1.0, 2.0, 3.0], &[10.0, 20.0, 900.0]), Some(1.0));
/// assert_eq!(rank_correlation(&[1.0, 2.0, 3.0], &[5.0, 5.0, 5.0]), None);
/// ```
///
/// # Panics
///
/// When the lengths differ.
#[must_use]
pub fn rank_correlation(one: &[f64], other: &[f64]) -> Option<f64> {
    assert_eq!(one.len(), other.len(), "one value for each");
    let (one, other) = (ranks(one), ranks(other));
    let middle = (one.len() as f64 + 1.0) / 2.0;
    let (mut both, mut first, mut second) = (0.0, 0.0, 0.0);
    for (one, other) in one.iter().zip(&other) {
        let (one, other) = (one - middle, other - middle);
        both += one * other;
        first += one * one;
        second += other * other;
    }
    (first > 0.0 && second > 0.0).then(|| both / (first * second).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_their_mean_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 0.5]), [3.5, 2.0, 3.5, 1.0]);
    }

    #[test]
    fn correlation_is_that_of_scipy() {
        // scipy.stats.spearmanr of the same vectors.
        let (one, other) = ([1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 6.0, 7.0, 8.0, 7.0]);
        let found = rank_correlation(&one, &other).expect("both vary");
        assert!((found - 0.820_782_681_668_123_3).abs() < 1e-12, "{found}");
    }
}

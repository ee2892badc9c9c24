//! How far down a list of answers the true one stands.

/// Share of the cases whose true answer is among the first `k`: AC@k.
///
/// A rank counts from 1; `None` is an answer that was not given at all. In `0..=1`; `None`
/// without cases.
///
/// ```
/// use auscult_evaluate::{accuracy_at, average_accuracy};
/// let ranks = [Some(1), Some(3), None, Some(1)];
/// assert_eq!(accuracy_at(&ranks, 1), Some(0.5));
/// assert_eq!(accuracy_at(&ranks, 3), Some(0.75));
/// assert_eq!(average_accuracy(&ranks, 5), Some((0.5 + 0.5 + 0.75 * 3.0) / 5.0));
/// ```
#[must_use]
pub fn accuracy_at(ranks: &[Option<usize>], k: usize) -> Option<f64> {
    let hits = ranks.iter().filter(|rank| rank.is_some_and(|rank| rank <= k)).count();
    (!ranks.is_empty()).then(|| hits as f64 / ranks.len() as f64)
}

/// Mean of AC@1 to AC@k: Avg@k. `k` is at least 1.
///
/// Reference: P. Wang and others, "CloudRanger: root cause identification for cloud native
/// systems", CCGRID 2018 (there PR@k and MAP).
///
/// # Panics
///
/// When `k` is 0.
#[must_use]
pub fn average_accuracy(ranks: &[Option<usize>], k: usize) -> Option<f64> {
    assert!(k > 0, "a mean of no accuracies");
    let sum = (1..=k).map(|k| accuracy_at(ranks, k)).sum::<Option<f64>>()?;
    Some(sum / k as f64)
}

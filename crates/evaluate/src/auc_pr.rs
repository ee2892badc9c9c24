//! Area under the precision-recall curve.

use crate::{Scored, operating_points};

/// Area under the precision-recall curve, as average precision: the precision at
/// each threshold, weighted by the recall that it adds. In `0..=1`; a score that
/// knows nothing gets the share of anomalous rows.
///
/// Rows with equal scores enter together. `None` when no row is anomalous.
/// Time O(n log n). Equals `sklearn.metrics.average_precision_score`.
///
/// ```
/// use auscult_evaluate::{Scored, auc_pr};
/// let scored = Scored::new(&[false, true, false, true], &[0.1, 0.9, 0.8, 0.4])?;
/// // Recall 1/2 at precision 1, then 2/2 at precision 2/3.
/// assert!((auc_pr(&scored).unwrap() - (0.5 + 0.5 * 2.0 / 3.0)).abs() < 1e-12);
/// # Ok::<(), auscult_evaluate::EvaluateError>(())
/// ```
#[must_use]
pub fn auc_pr(scored: &Scored<'_>) -> Option<f64> {
    let anomalous = scored.anomalous();
    if anomalous == 0 {
        return None;
    }
    let mut before = 0;
    let mut area = 0.0;
    for point in operating_points(scored) {
        let precision = point.hits as f64 / (point.hits + point.false_alarms) as f64;
        area += (point.hits - before) as f64 * precision;
        before = point.hits;
    }
    Some(area / anomalous as f64)
}

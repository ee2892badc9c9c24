//! Area under the receiver operating characteristic.

use crate::{Scored, operating_points};

/// Probability that an anomalous row scores higher than a normal one, ties
/// counting half. In `0..=1`; a score that knows nothing gets 0.5.
///
/// Flatters where anomalies are rare; prefer [`crate::auc_pr()`] there. `None`
/// unless both kinds of row are there. Time O(n log n). Equals
/// `sklearn.metrics.roc_auc_score`.
///
/// ```
/// use auscult_evaluate::{Scored, auc_roc};
/// let scored = Scored::new(&[false, true, false, true], &[0.1, 0.9, 0.8, 0.4])?;
/// assert_eq!(auc_roc(&scored), Some(0.75));
/// # Ok::<(), auscult_evaluate::EvaluateError>(())
/// ```
#[must_use]
pub fn auc_roc(scored: &Scored<'_>) -> Option<f64> {
    let anomalous = scored.anomalous();
    let normal = scored.labels().len() - anomalous;
    if anomalous == 0 || normal == 0 {
        return None;
    }
    let (mut hits, mut false_alarms) = (0, 0);
    let mut area = 0.0;
    for point in operating_points(scored) {
        area += (point.false_alarms - false_alarms) as f64 * (point.hits + hits) as f64 / 2.0;
        (hits, false_alarms) = (point.hits, point.false_alarms);
    }
    Some(area / (anomalous as f64 * normal as f64))
}

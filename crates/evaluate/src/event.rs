//! Segments found against rows alarmed.

use crate::{Flagged, point_counts, segments};

/// Recall of segments, precision of rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventF1 {
    /// Share of alarmed rows that are anomalous; 0 without alarms.
    pub precision: f64,
    /// Share of anomalous segments with at least one alarm.
    pub recall: f64,
    /// Their harmonic mean; 0 when both are 0.
    pub f1: f64,
}

/// F1 of events: a segment is found by any alarm in it, a false alarm costs by
/// the row. `None` when no row is anomalous. Time O(n).
///
/// Reference: A. Garg and others, "An evaluation of anomaly detection and
/// diagnosis in multivariate time series", IEEE TNNLS 33(6), 2022.
///
/// ```
/// use auscult_evaluate::{Flagged, event_f1};
/// let labels = [true, true, false, true];
/// let event = event_f1(&Flagged::new(&labels, &[true, false, false, false])?).unwrap();
/// assert_eq!((event.precision, event.recall), (1.0, 0.5));
/// # Ok::<(), auscult_evaluate::EvaluateError>(())
/// ```
#[must_use]
pub fn event_f1(flagged: &Flagged<'_>) -> Option<EventF1> {
    let truth = segments(flagged.labels());
    if truth.is_empty() {
        return None;
    }
    let alarmed = |start: usize, end: usize| flagged.alarms()[start..=end].contains(&true);
    let found = truth.iter().filter(|segment| alarmed(segment.start, segment.end)).count();
    let recall = found as f64 / truth.len() as f64;
    let precision = point_counts(flagged).precision();
    Some(EventF1 { precision, recall, f1: harmonic(precision, recall) })
}

/// The harmonic mean; 0 when both are 0.
pub(crate) fn harmonic(one: f64, other: f64) -> f64 {
    if one + other == 0.0 { 0.0 } else { 2.0 * one * other / (one + other) }
}

//! What each threshold would have found.

use crate::Scored;

/// Outcome of the rule "alarm where the score is at least `threshold`".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OperatingPoint {
    /// The threshold: one of the scores.
    pub threshold: f64,
    /// Anomalous rows with an alarm.
    pub hits: usize,
    /// Normal rows with an alarm.
    pub false_alarms: usize,
}

/// One operating point for each distinct score, highest threshold first.
///
/// Time O(n log n), memory O(n).
#[must_use]
pub fn operating_points(scored: &Scored<'_>) -> Vec<OperatingPoint> {
    let mut rows: Vec<(f64, bool)> =
        scored.scores().iter().copied().zip(scored.labels().iter().copied()).collect();
    rows.sort_unstable_by(|one, other| other.0.total_cmp(&one.0));
    let mut points: Vec<OperatingPoint> = Vec::new();
    let (mut hits, mut false_alarms) = (0, 0);
    for (threshold, anomalous) in rows {
        if anomalous {
            hits += 1;
        } else {
            false_alarms += 1;
        }
        let point = OperatingPoint { threshold, hits, false_alarms };
        match points.last_mut() {
            Some(last) if last.threshold == threshold => *last = point,
            _ => points.push(point),
        }
    }
    points
}

//! Precision and recall of ranges.

use crate::event::harmonic;
use crate::{Flagged, Segment, segments};

/// Precision and recall of ranges, and their parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RangeBased {
    /// Mean overlap of alarmed ranges with true ones; 0 without alarms.
    pub precision: f64,
    /// `weight * existence + (1 - weight) * overlap`.
    pub recall: f64,
    /// Their harmonic mean; 0 when both are 0.
    pub f1: f64,
    /// Share of true ranges with at least one alarm.
    pub existence: f64,
    /// Mean share of a true range that alarms cover, divided by the number of
    /// alarmed ranges that it was broken into.
    pub overlap: f64,
}

/// Precision and recall of ranges, with flat position bias and reciprocal
/// cardinality, where existence has `weight` in `0..=1` in the recall; 0.2 is
/// what benchmarks use. `None` when no row is anomalous. Time O(n).
///
/// Reference: N. Tatbul and others, "Precision and recall for time series",
/// NeurIPS 2018.
///
/// ```
/// use auscult_evaluate::{Flagged, range_based};
/// let labels = [true, true, true, true, false];
/// let alarms = [true, false, true, false, false];
/// let ranges = range_based(&Flagged::new(&labels, &alarms)?, 0.2).unwrap();
/// // Half is covered, in two pieces.
/// assert_eq!((ranges.existence, ranges.overlap, ranges.precision), (1.0, 0.25, 1.0));
/// # Ok::<(), auscult_evaluate::EvaluateError>(())
/// ```
#[must_use]
pub fn range_based(flagged: &Flagged<'_>, weight: f64) -> Option<RangeBased> {
    let (truth, alarmed) = (segments(flagged.labels()), segments(flagged.alarms()));
    if truth.is_empty() {
        return None;
    }
    let (existence, overlap) = covered(&truth, &alarmed);
    let (_, precision) = covered(&alarmed, &truth);
    let recall = weight * existence + (1.0 - weight) * overlap;
    Some(RangeBased { precision, recall, f1: harmonic(precision, recall), existence, overlap })
}

/// Share of `ranges` that `others` touch, and mean share that they cover, divided
/// by the number of others at work. Both in order; 0 when there are no ranges.
fn covered(ranges: &[Segment], others: &[Segment]) -> (f64, f64) {
    let (mut touched, mut overlap) = (0, 0.0);
    let mut first = 0;
    for range in ranges {
        while others.get(first).is_some_and(|other| other.end < range.start) {
            first += 1;
        }
        let meeting = others[first..].iter().take_while(|other| other.start <= range.end);
        let (mut rows, mut pieces) = (0, 0);
        for other in meeting {
            rows += other.end.min(range.end) - other.start.max(range.start) + 1;
            pieces += 1;
        }
        if pieces > 0 {
            touched += 1;
            overlap += rows as f64 / range.len() as f64 / f64::from(pieces);
        }
    }
    let many = ranges.len().max(1) as f64;
    (f64::from(touched) / many, overlap / many)
}

//! Point-adjusted counts, to check other people's numbers by.

use crate::{Counts, Flagged, point_counts, segments};

/// Counts after every anomalous segment with one alarm in it was filled up.
///
/// **Not a measure of quality.** A random score gets 0.82 by it on data where it
/// deserves 0.25, because one lucky row pays for a whole segment. It is here so
/// that published figures can be recomputed; no report of ours uses it.
///
/// Reference: H. Xu and others, "Unsupervised anomaly detection via variational
/// auto-encoder for seasonal KPIs in web applications", WWW 2018; the objection
/// is that of S. Kim and others, "Towards a rigorous evaluation of time-series
/// anomaly detection", AAAI 2022.
///
/// ```
/// use auscult_evaluate::{Flagged, point_adjusted_counts};
/// let labels = [true, true, true, true, false];
/// let alarms = [false, false, true, false, false];
/// assert_eq!(point_adjusted_counts(&Flagged::new(&labels, &alarms)?).recall(), 1.0);
/// # Ok::<(), auscult_evaluate::EvaluateError>(())
/// ```
#[must_use]
pub fn point_adjusted_counts(flagged: &Flagged<'_>) -> Counts {
    let mut counts = point_counts(flagged);
    for segment in segments(flagged.labels()) {
        let rows = &flagged.alarms()[segment.start..=segment.end];
        let found = rows.iter().filter(|alarm| **alarm).count();
        if found > 0 {
            counts.hits += segment.len() - found;
            counts.misses -= segment.len() - found;
        }
    }
    counts
}

//! How long a person waits for the alarm.

use crate::{Flagged, segments};

/// Delay of the first alarm in each true segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delays {
    /// For each true segment: rows from its first to the first alarm in it;
    /// `None` where it was missed.
    pub each: Vec<Option<usize>>,
}

impl Delays {
    /// Segments with an alarm.
    #[must_use]
    pub fn found(&self) -> usize {
        self.each.iter().flatten().count()
    }

    /// Median delay of the segments that were found, in rows.
    #[must_use]
    pub fn median(&self) -> Option<f64> {
        let mut found: Vec<f64> = self.each.iter().flatten().map(|delay| *delay as f64).collect();
        (!found.is_empty()).then(|| auscult_stats::quantile::median(&mut found))
    }
}

/// Rows between the beginning of each true segment and the first alarm in it.
///
/// ```
/// use auscult_evaluate::{Flagged, detection_delays};
/// let labels = [true, true, true, false, true];
/// let alarms = [false, false, true, false, false];
/// let delays = detection_delays(&Flagged::new(&labels, &alarms)?);
/// assert_eq!(delays.each, [Some(2), None]);
/// # Ok::<(), auscult_evaluate::EvaluateError>(())
/// ```
#[must_use]
pub fn detection_delays(flagged: &Flagged<'_>) -> Delays {
    let first =
        |start: usize, end: usize| flagged.alarms()[start..=end].iter().position(|alarm| *alarm);
    let truth = segments(flagged.labels());
    Delays { each: truth.iter().map(|segment| first(segment.start, segment.end)).collect() }
}

//! Precision, recall and F1 of rows.

use crate::{Flagged, Scored, operating_points};

/// How many rows were found, invented and missed. Sums of counts pool series.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Anomalous rows with an alarm.
    pub hits: usize,
    /// Normal rows with an alarm.
    pub false_alarms: usize,
    /// Anomalous rows without one.
    pub misses: usize,
}

impl Counts {
    /// Share of alarms that are right; 0 without alarms, as is the custom.
    #[must_use]
    pub fn precision(&self) -> f64 {
        share(self.hits, self.hits + self.false_alarms)
    }

    /// Share of anomalous rows that were found; 0 when there are none.
    #[must_use]
    pub fn recall(&self) -> f64 {
        share(self.hits, self.hits + self.misses)
    }

    /// Harmonic mean of precision and recall; 0 without hits.
    #[must_use]
    pub fn f1(&self) -> f64 {
        share(2 * self.hits, 2 * self.hits + self.false_alarms + self.misses)
    }
}

impl std::ops::Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            hits: self.hits + other.hits,
            false_alarms: self.false_alarms + other.false_alarms,
            misses: self.misses + other.misses,
        }
    }
}

impl std::iter::Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), std::ops::Add::add)
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Counts row by row, without any adjustment.
///
/// ```
/// use auscult_evaluate::{Flagged, point_counts};
/// let counts = point_counts(&Flagged::new(&[true, true, false], &[true, false, true])?);
/// assert_eq!((counts.precision(), counts.recall(), counts.f1()), (0.5, 0.5, 0.5));
/// # Ok::<(), auscult_evaluate::EvaluateError>(())
/// ```
#[must_use]
pub fn point_counts(flagged: &Flagged<'_>) -> Counts {
    let mut counts = Counts::default();
    for (label, alarm) in flagged.labels().iter().zip(flagged.alarms()) {
        match (label, alarm) {
            (true, true) => counts.hits += 1,
            (true, false) => counts.misses += 1,
            (false, true) => counts.false_alarms += 1,
            (false, false) => {}
        }
    }
    counts
}

/// The threshold with the best F1, and what it yields.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BestPoint {
    /// Alarms are rows with at least this score.
    pub threshold: f64,
    /// What it finds.
    pub counts: Counts,
}

/// The best F1 over all thresholds, rows without adjustment: an oracle, since
/// the labels choose the threshold. Of equal ones the highest threshold is kept.
///
/// `None` when no row is anomalous. Time O(n log n).
///
/// ```
/// use auscult_evaluate::{Scored, best_point_f1};
/// let scored = Scored::new(&[false, true, true], &[0.2, 0.9, 0.3])?;
/// let best = best_point_f1(&scored).unwrap();
/// assert_eq!((best.threshold, best.counts.f1()), (0.3, 1.0));
/// # Ok::<(), auscult_evaluate::EvaluateError>(())
/// ```
#[must_use]
pub fn best_point_f1(scored: &Scored<'_>) -> Option<BestPoint> {
    let anomalous = scored.anomalous();
    let mut best: Option<BestPoint> = None;
    for point in operating_points(scored).into_iter().filter(|_| anomalous > 0) {
        let counts = Counts {
            hits: point.hits,
            false_alarms: point.false_alarms,
            misses: anomalous - point.hits,
        };
        if best.is_none_or(|best| counts.f1() > best.counts.f1()) {
            best = Some(BestPoint { threshold: point.threshold, counts });
        }
    }
    best
}

//! F1 of an operations contest: a segment found late is a segment missed.

use crate::{BestPoint, Counts, Flagged, Scored, segments};

/// Counts by rows where a segment is wholly found when an alarm falls on one of
/// its first `delay + 1` rows, and wholly missed otherwise; alarms outside are
/// false row by row. Add the counts of several series to pool them. Time O(n).
///
/// Reference: the AIOps 2018 KPI contest, with `delay` 7; H. Ren and others,
/// "Time-series anomaly detection service at Microsoft", KDD 2019.
///
/// ```
/// use auscult_evaluate::{Flagged, delay_limited_counts};
/// let labels = [true, true, true, false];
/// let late = [false, false, true, false];
/// assert_eq!(delay_limited_counts(&Flagged::new(&labels, &late)?, 2).f1(), 1.0);
/// assert_eq!(delay_limited_counts(&Flagged::new(&labels, &late)?, 1).f1(), 0.0);
/// # Ok::<(), auscult_evaluate::EvaluateError>(())
/// ```
#[must_use]
pub fn delay_limited_counts(flagged: &Flagged<'_>, delay: usize) -> Counts {
    let mut counts = Counts::default();
    for segment in segments(flagged.labels()) {
        let last = segment.end.min(segment.start.saturating_add(delay));
        if flagged.alarms()[segment.start..=last].contains(&true) {
            counts.hits += segment.len();
        } else {
            counts.misses += segment.len();
        }
    }
    let rows = flagged.labels().iter().zip(flagged.alarms());
    counts.false_alarms = rows.filter(|(label, alarm)| !**label && **alarm).count();
    counts
}

/// The best pooled F1 of [`delay_limited_counts`] over all thresholds, one for all
/// `series`: an oracle. Of equal ones the highest threshold is kept.
///
/// `None` when no row is anomalous. Time O(n log n) over all rows.
#[must_use]
pub fn best_delay_limited_f1(series: &[Scored<'_>], delay: usize) -> Option<BestPoint> {
    // Falling thresholds: what enters at each score, as (score, hits, false alarms).
    let mut entries: Vec<(f64, usize, usize)> = Vec::new();
    let mut anomalous = 0;
    for scored in series {
        anomalous += scored.anomalous();
        for segment in segments(scored.labels()) {
            let last = segment.end.min(segment.start.saturating_add(delay));
            let early = scored.scores()[segment.start..=last].iter().copied();
            let score = early.max_by(f64::total_cmp).expect("a segment has a row");
            entries.push((score, segment.len(), 0));
        }
        let rows = scored.labels().iter().zip(scored.scores());
        entries.extend(rows.filter(|(label, _)| !**label).map(|(_, score)| (*score, 0, 1)));
    }
    if anomalous == 0 {
        return None;
    }
    entries.sort_unstable_by(|one, other| other.0.total_cmp(&one.0));
    let mut counts = Counts { misses: anomalous, ..Counts::default() };
    let mut best: Option<BestPoint> = None;
    for (at, (threshold, hits, false_alarms)) in entries.iter().copied().enumerate() {
        counts.hits += hits;
        counts.misses -= hits;
        counts.false_alarms += false_alarms;
        let level_ends = entries.get(at + 1).is_none_or(|next| next.0 != threshold);
        if level_ends && best.is_none_or(|best| counts.f1() > best.counts.f1()) {
            best = Some(BestPoint { threshold, counts });
        }
    }
    best
}

/// Lays `values` on the even grid of `seconds`, which rise: one entry for each
/// multiple of `step` from the first time to the last, `missing` where no row is.
/// Of several rows in one cell the last stays. Empty for no rows.
///
/// ```
/// use auscult_evaluate::on_grid;
/// assert_eq!(on_grid(&[60, 120, 300], &[1.0, 2.0, 5.0], 60, 0.0), [1.0, 2.0, 0.0, 0.0, 5.0]);
/// ```
///
/// # Panics
///
/// When `step` is not positive, when `values` are fewer than `seconds`, or when
/// times fall.
#[must_use]
pub fn on_grid<T: Copy>(seconds: &[i64], values: &[T], step: i64, missing: T) -> Vec<T> {
    assert!(step > 0, "a grid needs a positive step, got {step}");
    assert_eq!(seconds.len(), values.len(), "one value for each time");
    let (Some(first), Some(last)) = (seconds.first(), seconds.last()) else { return Vec::new() };
    let cell =
        |second: i64| usize::try_from((second - first) / step).expect("times rise from the first");
    let mut grid = vec![missing; cell(*last) + 1];
    for (second, value) in seconds.iter().zip(values) {
        grid[cell(*second)] = *value;
    }
    grid
}

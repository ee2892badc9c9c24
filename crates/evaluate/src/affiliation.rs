//! Precision and recall by distance in time.

use crate::event::harmonic;
use crate::{Flagged, segments};

/// Precision and recall by distance, as probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Affiliation {
    /// Mean of the defined entries of `each_precision`; `None` without alarms.
    pub precision: Option<f64>,
    /// Mean of `each_recall`.
    pub recall: f64,
    /// Harmonic mean of both; `None` without alarms.
    pub f1: Option<f64>,
    /// For each true segment: the mean, over the alarms nearer to it than to any
    /// other, of the probability that a random point lies farther away than the
    /// alarm; `None` where no alarm is near.
    pub each_precision: Vec<Option<f64>>,
    /// For each true segment: the mean, over its points, of the probability that
    /// a random point lies farther away than the nearest alarm; 0 without one.
    pub each_recall: Vec<f64>,
}

/// Precision and recall by distance in time: alarms a little beside a segment
/// count nearly as much as alarms in it. A random alarm gets about 0.5, so that
/// only what lies above says anything.
///
/// Row `i` is the interval `[i, i + 1)`; each true segment owns the zone that is
/// nearer to it than to any other. `None` when no row is anomalous. Time O(n).
///
/// Reference: A. Huet, J. M. Navarro, D. Rossi, "Local evaluation of time series
/// anomaly detection algorithms", KDD 2022.
///
/// ```
/// use auscult_evaluate::{Flagged, affiliation};
/// let mut labels = [false; 100];
/// labels[50..60].fill(true);
/// let mut alarms = [false; 100];
/// alarms[61] = true;
/// let near = affiliation(&Flagged::new(&labels, &alarms)?).unwrap();
/// assert!(near.precision.unwrap() > 0.8);
/// # Ok::<(), auscult_evaluate::EvaluateError>(())
/// ```
#[must_use]
pub fn affiliation(flagged: &Flagged<'_>) -> Option<Affiliation> {
    let (truth, alarmed) = (spans(flagged.labels()), spans(flagged.alarms()));
    if truth.is_empty() {
        return None;
    }
    let rows = flagged.labels().len() as f64;
    let mut each_precision = Vec::with_capacity(truth.len());
    let mut each_recall = Vec::with_capacity(truth.len());
    for (at, segment) in truth.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| truth[before].end);
        let after = truth.get(at + 1).map(|after| after.start);
        let zone = Span {
            start: before.map_or(0.0, |end| f64::midpoint(end, segment.start)),
            end: after.map_or(rows, |start| f64::midpoint(segment.end, start)),
        };
        let first = alarmed.partition_point(|alarm| alarm.end <= zone.start);
        let near = alarmed[first..].iter().take_while(|alarm| alarm.start < zone.end);
        let near: Vec<Span> = near
            .map(|alarm| Span { start: alarm.start.max(zone.start), end: alarm.end.min(zone.end) })
            .collect();
        each_precision.push(precision(&near, *segment, zone));
        each_recall.push(recall(&near, *segment, zone));
    }
    let defined: Vec<f64> = each_precision.iter().copied().flatten().collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let precision = (!defined.is_empty()).then(|| mean(&defined));
    let recall = mean(&each_recall);
    let f1 = precision.map(|precision| harmonic(precision, recall));
    Some(Affiliation { precision, recall, f1, each_precision, each_recall })
}

/// A stretch of time, `start..end`, never empty.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: f64,
    end: f64,
}

impl Span {
    fn length(self) -> f64 {
        self.end - self.start
    }
}

fn spans(rows: &[bool]) -> Vec<Span> {
    let span = |start: usize, end: usize| Span { start: start as f64, end: (end + 1) as f64 };
    segments(rows).iter().map(|segment| span(segment.start, segment.end)).collect()
}

/// Mean over `alarms` of the probability that a random point of `zone` lies
/// farther from `segment`.
fn precision(alarms: &[Span], segment: Span, zone: Span) -> Option<f64> {
    if alarms.is_empty() {
        return None;
    }
    let margins = (segment.start - zone.start, zone.end - segment.end);
    // At distance t, the points as near lie in the segment and up to t beside it.
    let outside = |from: f64, to: f64| {
        let nearer = segment.length() * (to - from)
            + (clipped(to, margins.0) - clipped(from, margins.0))
            + (clipped(to, margins.1) - clipped(from, margins.1));
        (to - from) - nearer / zone.length()
    };
    let mut sum = 0.0;
    for alarm in alarms {
        if alarm.start < segment.start {
            let to = segment.start - alarm.start;
            sum += outside((segment.start - alarm.end).max(0.0), to);
        }
        sum += (alarm.end.min(segment.end) - alarm.start.max(segment.start)).max(0.0);
        if alarm.end > segment.end {
            let to = alarm.end - segment.end;
            sum += outside((alarm.start - segment.end).max(0.0), to);
        }
    }
    Some(sum / alarms.iter().map(|alarm| alarm.length()).sum::<f64>())
}

/// Integral of `min(t, limit)` for t in `0..distance`.
fn clipped(distance: f64, limit: f64) -> f64 {
    let rising = distance.min(limit);
    rising * rising / 2.0 + limit * (distance - rising)
}

/// Mean over `segment` of the probability that a random point of `zone` lies
/// farther away than the nearest of `alarms`, which lie in the zone.
fn recall(alarms: &[Span], segment: Span, zone: Span) -> f64 {
    let mut sum = 0.0;
    for (at, alarm) in alarms.iter().enumerate() {
        // The points of the segment to which this alarm is the nearest.
        let before = at.checked_sub(1).map(|before| alarms[before].end);
        let after = alarms.get(at + 1).map(|after| after.start);
        let from = before.map_or(f64::NEG_INFINITY, |end| f64::midpoint(end, alarm.start));
        let to = after.map_or(f64::INFINITY, |start| f64::midpoint(alarm.end, start));
        let (from, to) = (from.max(segment.start), to.min(segment.end));
        if from >= to {
            continue;
        }
        sum += (to.min(alarm.end) - from.max(alarm.start)).max(0.0);
        if from < alarm.start {
            let distances = (alarm.start - to.min(alarm.start), alarm.start - from);
            sum += missed(distances, alarm.start - zone.start, zone);
        }
        if to > alarm.end {
            let distances = (from.max(alarm.end) - alarm.end, to - alarm.end);
            sum += missed(distances, zone.end - alarm.end, zone);
        }
    }
    sum / segment.length()
}

/// Integral, over points at `distances` beside an alarm, of the probability that a
/// random point of `zone` lies farther off; `room` is what lies between alarm and
/// the edge of the zone on that side.
fn missed(distances: (f64, f64), room: f64, zone: Span) -> f64 {
    // A point at distance t has t on the alarm's side, and the lesser of t and
    // `room - t` on the other.
    let nearer = |distance: f64| {
        let half = room / 2.0;
        let rising = distance.min(half);
        let falling = (distance - half).max(0.0);
        distance * distance / 2.0 + rising * rising / 2.0 + half * falling - falling * falling / 2.0
    };
    let (from, to) = distances;
    (to - from) - (nearer(to) - nearer(from)) / zone.length()
}

//! Buckets of OpenTelemetry to bounds with what lies below them.
//!
//! Source: OpenTelemetry specification, "Metrics Data Model", on histograms and
//! exponential histograms.

use super::point::{DataPoint, MOST_BUCKETS, Side};
use crate::metrics::Histogram;

/// Scales of exponential histograms that are read; an SDK chooses from -10 to 20.
const SCALES: std::ops::RangeInclusive<i64> = -16..=32;

/// The histogram with explicit bounds that `point` holds, or why there is none.
pub(super) fn explicit(point: &DataPoint<'_>, delta: bool) -> Result<Histogram, String> {
    let (bounds, counts) = (&point.bounds, &point.bucket_counts);
    if counts.len() != bounds.len() + 1 && !(counts.is_empty() && bounds.is_empty()) {
        let (bounds, counts) = (bounds.len(), counts.len());
        return Err(format!("{bounds} bounds need one more bucket, got {counts}"));
    }
    if !bounds.is_sorted_by(|a, b| a < b) || bounds.iter().any(|bound| bound.is_nan()) {
        return Err("the bounds of its buckets do not ascend".to_owned());
    }
    let mut below = Below::default();
    for (bound, count) in bounds.iter().zip(counts) {
        below.add(*bound, *count);
    }
    let above = counts.last().copied().unwrap_or(0);
    below.finish(point, above, delta)
}

/// The histogram with bounds that grow by a factor that `point` holds, or why there is none.
pub(super) fn exponential(point: &DataPoint<'_>, delta: bool) -> Result<Histogram, String> {
    if !SCALES.contains(&point.scale) {
        let (low, high) = (SCALES.start(), SCALES.end());
        return Err(format!("scale {} is not between {low} and {high}", point.scale));
    }
    if point.zero_threshold.is_nan() || point.zero_threshold < 0.0 {
        return Err(format!("zero threshold {} is below 0", point.zero_threshold));
    }
    if point.positive.is_overfull || point.negative.is_overfull {
        return Err(format!("more than {MOST_BUCKETS} buckets"));
    }
    // The factor is 2^(2^-scale), so bound `index` is 2^(index * 2^-scale).
    let step = (-point.scale as f64).exp2();
    let bound = |index: i64| (index as f64 * step).exp2();
    let mut below = Below::default();
    for (index, count) in buckets(&point.negative).rev() {
        below.from(-bound(index.saturating_add(1)));
        below.add(-bound(index), count);
    }
    if point.zero_count > 0 {
        if point.zero_threshold > 0.0 {
            below.from(-point.zero_threshold);
        }
        below.add(point.zero_threshold, point.zero_count);
    }
    for (index, count) in buckets(&point.positive) {
        below.from(bound(index));
        below.add(bound(index.saturating_add(1)), count);
    }
    below.finish(point, 0, delta)
}

/// Index and count of each bucket that is not empty.
fn buckets(side: &Side) -> impl DoubleEndedIterator<Item = (i64, u64)> {
    let counts = side.counts.iter().enumerate().filter(|(_, count)| **count > 0);
    counts.map(|(place, count)| (side.offset.saturating_add(place as i64), *count))
}

/// Bounds with what lies below each, as they are found.
#[derive(Debug, Default)]
struct Below {
    total: f64,
    buckets: Vec<(f64, f64)>,
}

impl Below {
    /// The next bucket begins at `bound`.
    fn from(&mut self, bound: f64) {
        if bound.is_finite() && self.buckets.last().is_none_or(|last| last.0 < bound) {
            self.buckets.push((bound, self.total));
        }
    }

    /// `count` more lie at or below `bound`. Where bounds meet because they are too small
    /// to be told apart, so do their buckets; beyond all numbers lies no bound.
    fn add(&mut self, bound: f64, count: u64) {
        self.total += count as f64;
        match self.buckets.last_mut() {
            Some(last) if bound <= last.0 => last.1 = self.total,
            _ if bound.is_finite() => self.buckets.push((bound, self.total)),
            _ => {}
        }
    }

    /// With `above` more in the bucket without a bound.
    fn finish(self, point: &DataPoint<'_>, above: u64, delta: bool) -> Result<Histogram, String> {
        let (count, found) = (point.count as f64, self.total + above as f64);
        if found > count {
            return Err(format!("its buckets hold {found} observations, more than its {count}"));
        }
        Ok(Histogram { count, sum: point.sum, buckets: self.buckets, delta })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explicit_buckets_add_up_and_the_last_is_in_the_count_only() {
        let point = DataPoint {
            count: 10,
            sum: Some(30.0),
            bounds: vec![1.0, 2.0, f64::INFINITY],
            bucket_counts: vec![1, 2, 3, 4],
            ..DataPoint::default()
        };
        let histogram = explicit(&point, true).unwrap();
        assert_eq!(histogram.buckets, [(1.0, 1.0), (2.0, 3.0)]);
        assert_eq!((histogram.count, histogram.sum, histogram.delta), (10.0, Some(30.0), true));
        let none = DataPoint { count: 3, ..DataPoint::default() };
        assert_eq!(explicit(&none, false).unwrap().buckets, []);
    }

    #[test]
    fn what_cannot_be_a_histogram_is_told() {
        let point = |bounds: &[f64], counts: &[u64]| DataPoint {
            count: 5,
            bounds: bounds.to_vec(),
            bucket_counts: counts.to_vec(),
            ..DataPoint::default()
        };
        let refused =
            |bounds: &[f64], counts: &[u64]| explicit(&point(bounds, counts), false).unwrap_err();
        assert_eq!(refused(&[1.0], &[1]), "1 bounds need one more bucket, got 1");
        assert_eq!(refused(&[2.0, 1.0], &[1, 1, 1]), "the bounds of its buckets do not ascend");
        assert_eq!(refused(&[f64::NAN], &[1, 1]), "the bounds of its buckets do not ascend");
        assert_eq!(refused(&[1.0], &[4, 2]), "its buckets hold 6 observations, more than its 5");
        let steep = DataPoint { scale: 99, ..DataPoint::default() };
        assert_eq!(exponential(&steep, false).unwrap_err(), "scale 99 is not between -16 and 32");
    }

    #[test]
    fn exponential_buckets_get_their_bounds() {
        let side =
            |offset, counts: &[u64]| Side { offset, counts: counts.to_vec(), is_overfull: false };
        let point = DataPoint {
            count: 12,
            scale: 0,
            zero_count: 2,
            zero_threshold: 0.001,
            // (-4, -2] is empty.
            negative: side(0, &[1, 0, 1]),
            positive: side(-1, &[3, 0, 0, 5]),
            ..DataPoint::default()
        };
        let histogram = exponential(&point, false).unwrap();
        let expected = [
            (-8.0, 0.0),
            (-4.0, 1.0),
            (-2.0, 1.0),
            (-1.0, 2.0),
            (-0.001, 2.0),
            (0.001, 4.0),
            (0.5, 4.0),
            (1.0, 7.0),
            (4.0, 7.0),
            (8.0, 12.0),
        ];
        assert_eq!(histogram.buckets, expected);
        let finer =
            DataPoint { count: 1, scale: 1, positive: side(1, &[1]), ..DataPoint::default() };
        let buckets = exponential(&finer, false).unwrap().buckets;
        assert!((buckets[0].0 - 2_f64.sqrt()).abs() < 1e-12 && (buckets[1].0 - 2.0).abs() < 1e-12);
    }

    #[test]
    fn bounds_beyond_all_numbers_and_too_small_ones_stay_in_order() {
        let side =
            |offset, counts: &[u64]| Side { offset, counts: counts.to_vec(), is_overfull: false };
        let huge = DataPoint {
            count: 4,
            positive: side(1022, &[1, 1, 1, 1]),
            negative: side(-5000, &[0]),
            ..DataPoint::default()
        };
        let histogram = exponential(&huge, false).unwrap();
        assert_eq!(histogram.buckets.last().map(|last| last.1), Some(1.0));
        let tiny = DataPoint {
            count: 3,
            zero_count: 1,
            positive: side(-5000, &[1, 1]),
            ..DataPoint::default()
        };
        assert_eq!(exponential(&tiny, false).unwrap().buckets, [(0.0, 3.0)]);
        let far = DataPoint { count: 1, positive: side(i64::MAX, &[1]), ..DataPoint::default() };
        assert_eq!(exponential(&far, false).unwrap().buckets, []);
    }
}

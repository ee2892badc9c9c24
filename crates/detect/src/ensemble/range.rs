//! The range of readings that was declared: what there can be, and how much of it was seen.

use super::peaks::Extent;

/// Least and greatest reading that there can be, relative to an origin.
///
/// Who says what there can be says what is large. While a series has covered a small
/// part of the range, larger readings than its largest so far are to be expected,
/// and a record tells less than one close to a bound, which little can exceed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    low: f64,
    high: f64,
}

impl Range {
    /// From `low` to `high`, both at most `largest` from `origin`.
    pub(super) fn new(low: f64, high: f64, origin: f64, largest: f64) -> Self {
        let relative = |bound: f64| (bound - origin).clamp(-largest, largest);
        Self { low: relative(low), high: relative(high) }
    }

    /// `reading`, held at the nearest one that there can be.
    pub(super) fn held(self, reading: f64) -> f64 {
        reading.clamp(self.low, self.high)
    }

    /// What a departure counts once readings cover `seen` and `reading`: the square
    /// root of the share of the range that this is, from 0 to 1.
    pub(super) fn weight(self, seen: Extent, reading: f64) -> f64 {
        let width = self.high - self.low;
        let covered = f64::from(seen.high()).max(reading) - f64::from(seen.low()).min(reading);
        // A range too narrow to tell apart so far from the origin is covered at once.
        if covered < width { (covered / width).sqrt() } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(readings: [f32; 2]) -> Extent {
        let mut extent = Extent::new();
        extent.learn(readings[0], true);
        extent.learn(readings[1], false);
        extent
    }

    #[test]
    fn the_share_of_the_range_that_was_seen_is_the_weight() {
        let range = Range::new(0.0, 100.0, 40.0, 1e30);
        let about = |reading, weight: f64| {
            let got = range.weight(seen([0.0, 4.0]), reading);
            assert!((got - weight).abs() < 1e-3, "{reading}: {got}");
        };
        about(2.0, 0.2);
        about(-21.0, 0.5);
        about(49.0, 0.7);
        about(60.0, 0.6_f64.sqrt());
        assert_eq!(range.weight(seen([-40.0, 60.0]), 0.0).round(), 1.0);
        assert_eq!(range.held(61.0), 60.0);
        assert_eq!(range.held(-41.0), -40.0);
    }

    #[test]
    fn absurd_ranges_have_weights_too() {
        let widest = Range::new(-f64::MAX, f64::MAX, 0.0, 1e30);
        let weight = widest.weight(seen([0.0, 1.0]), 1.0);
        assert!(weight > 0.0 && weight < 1e-10, "{weight}");
        let far = Range::new(0.0, 1e-9, 1e20, 1e30);
        assert_eq!(far.weight(seen([0.0, 0.0]), far.held(5.0)), 1.0);
    }
}

//! Rates of counters: readings that only grow, and begin anew at 0.

use serde::{Deserialize, Serialize};

/// Where counters of 32 and of 64 bits begin anew.
const SIZES: [f64; 2] = [4_294_967_296.0, 18_446_744_073_709_551_616.0];
/// A wrap comes from above this share of a size and lands below the rest.
const NEARLY_FULL: f64 = 0.9;
/// Gaps whose median is the usual one.
const REMEMBERED: usize = 9;
/// A gap of more than this many usual ones may hide a reset.
const LONG: i64 = 5;
/// So many late readings in a row mean that the clock was set back.
const CLOCK_SET_BACK: u32 = 32;

/// What a reading of a counter says of its rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Growth {
    /// No reading came before: no rate.
    First,
    /// The rate since the reading before.
    Rate(f64),
    /// The counter began anew at 0; at least this rate, as it may have grown before.
    Reset(f64),
    /// The counter ran over its 32 or 64 bits; the rate across the seam.
    Wrapped(f64),
    /// So long after the reading before that a reset may hide in between: no rate.
    Gap,
    /// Not after the reading before: no rate, and otherwise ignored.
    Late,
    /// Not finite or below 0, so no reading of a counter: ignored.
    Invalid,
}

/// The rate at which a counter grows, reading by reading.
///
/// For reading `x` at time `t` after `x'` at `t'`, the rate is
/// `(x - x') / (t - t')`. If `x < x'`, the counter was reset and the rate is
/// `x / (t - t')`: what it gained before the reset is lost. If `x'` was above
/// 90 % of 2^32 or 2^64 and `x` is below 10 % of it, the counter wrapped, and
/// the size is added. A reset between two readings after which the counter
/// passes its old value cannot be seen; across more than five usual gaps
/// (the median of the last nine) no rate is given, as that is then likely.
/// After 32 late readings in a row the clock is taken to have been set back,
/// and the next reading is the first of a new start.
///
/// Time and memory O(1) a reading.
///
/// Source: resets as in `rate()` of Prometheus (Prometheus documentation,
/// "Query functions"). We give a rate per reading instead of one per window,
/// do not extrapolate, and know wraps.
///
/// ```
/// use auscult_stats::counter::{CounterRate, Growth};
/// // Times in milliseconds, rates per second.
/// let mut requests = CounterRate::new(1000.0);
/// assert_eq!(requests.step(0, 100.0), Growth::First);
/// assert_eq!(requests.step(500, 110.0), Growth::Rate(20.0));
/// // The process was restarted.
/// assert_eq!(requests.step(1500, 30.0), Growth::Reset(30.0));
/// assert_eq!(requests.step(2000, 31.0), Growth::Rate(2.0));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterRate {
    ticks_per_unit: f64,
    before: Option<(i64, f64)>,
    /// The last gaps, the oldest overwritten first.
    gaps: [i64; REMEMBERED],
    seen: usize,
    late: u32,
}

impl CounterRate {
    /// Before any reading. Times count ticks, of which `ticks_per_unit` make up
    /// the unit of the rates: 1e9 for nanoseconds and rates per second.
    #[must_use]
    pub fn new(ticks_per_unit: f64) -> Self {
        Self { ticks_per_unit, before: None, gaps: [0; REMEMBERED], seen: 0, late: 0 }
    }

    /// Takes a `reading` at `time` in.
    pub fn step(&mut self, time: i64, reading: f64) -> Growth {
        if !reading.is_finite() || reading < 0.0 {
            return Growth::Invalid;
        }
        let Some((time_before, before)) = self.before else {
            self.before = Some((time, reading));
            return Growth::First;
        };
        let gap = time.saturating_sub(time_before);
        if gap <= 0 {
            self.late += 1;
            if self.late < CLOCK_SET_BACK {
                return Growth::Late;
            }
            *self = Self::new(self.ticks_per_unit);
            return self.step(time, reading);
        }
        self.late = 0;
        self.before = Some((time, reading));
        let is_long = self.usual_gap().is_some_and(|usual| gap > usual.saturating_mul(LONG));
        self.gaps[self.seen % REMEMBERED] = gap;
        self.seen += 1;
        let rate = |grown: f64| (grown / (gap as f64 / self.ticks_per_unit)).min(f64::MAX);
        if reading >= before {
            return if is_long { Growth::Gap } else { Growth::Rate(rate(reading - before)) };
        }
        match SIZES.into_iter().find(|size| wrapped(*size, before, reading)) {
            Some(_) if is_long => Growth::Gap,
            Some(size) => Growth::Wrapped(rate(size - before + reading)),
            None => Growth::Reset(rate(reading)),
        }
    }

    /// Whether a stored one can be.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let readable = |(_, reading): (i64, f64)| reading.is_finite() && reading >= 0.0;
        self.ticks_per_unit.is_finite()
            && self.ticks_per_unit > 0.0
            && self.before.is_none_or(readable)
            && self.gaps.iter().all(|gap| *gap >= 0)
            && self.seen < usize::MAX / 2
            && self.late < CLOCK_SET_BACK
    }

    /// The median of the last gaps.
    fn usual_gap(&self) -> Option<i64> {
        let mut gaps = self.gaps;
        let gaps = &mut gaps[..self.seen.min(REMEMBERED)];
        gaps.sort_unstable();
        gaps.get(gaps.len() / 2).copied()
    }
}

/// Whether a counter of `size` values ran over from `before` to `reading`.
fn wrapped(size: f64, before: f64, reading: f64) -> bool {
    before > NEARLY_FULL * size && before <= size && reading < (1.0 - NEARLY_FULL) * size
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What readings a second apart say.
    fn steps(readings: &[f64]) -> Vec<Growth> {
        let mut counter = CounterRate::new(1.0);
        (0..).zip(readings).map(|(time, reading)| counter.step(time, *reading)).collect()
    }

    #[test]
    fn a_fall_is_a_reset_and_near_the_end_of_the_bits_a_wrap() {
        assert_eq!(
            steps(&[7.0, 9.0, 4.0, 4.0]),
            [Growth::First, Growth::Rate(2.0), Growth::Reset(4.0), Growth::Rate(0.0)]
        );
        for (size, step) in [(SIZES[0], 6.0), (SIZES[1], 4096.0)] {
            let half = step / 2.0;
            assert_eq!(steps(&[size - half, half])[1], Growth::Wrapped(step));
        }
        // From 80 % of the bits, or to the upper half, it is no wrap.
        let size = SIZES[0];
        assert_eq!(steps(&[0.8 * size, 5.0])[1], Growth::Reset(5.0));
        assert_eq!(steps(&[0.95 * size, 0.5 * size])[1], Growth::Reset(0.5 * size));
    }

    #[test]
    fn a_missing_reading_gives_no_rate_and_the_next_one_is_of_the_true_gap() {
        assert_eq!(
            steps(&[0.0, 2.0, f64::NAN, 6.0, -1.0, 16.0])[2..],
            [Growth::Invalid, Growth::Rate(2.0), Growth::Invalid, Growth::Rate(5.0)]
        );
    }

    #[test]
    fn a_long_gap_gives_no_rate_until_it_is_the_usual_one() {
        let mut counter = CounterRate::new(1.0);
        let times = [0, 10, 20, 30, 80, 131];
        let grown: Vec<Growth> =
            times.iter().map(|time| counter.step(*time, *time as f64)).collect();
        assert_eq!(grown[1..5], [Growth::Rate(1.0); 4], "five usual gaps are no long one");
        assert_eq!(grown[5], Growth::Gap);
        let slower: Vec<Growth> =
            (1..9).map(|row| counter.step(131 + 60 * row, row as f64)).collect();
        assert!(matches!(slower[7], Growth::Rate(_)), "{slower:?}");
        assert_eq!(counter.step(10_000, 1.0), Growth::Reset(1.0 / 9389.0), "a reset is seen");
    }

    #[test]
    fn late_readings_are_ignored_until_the_clock_was_set_back() {
        let mut counter = CounterRate::new(1.0);
        counter.step(1000, 10.0);
        assert_eq!(counter.step(1000, 99.0), Growth::Late);
        assert_eq!(counter.step(900, 5.0), Growth::Late);
        assert_eq!(counter.step(1001, 11.0), Growth::Rate(1.0));
        let late: Vec<Growth> = (0..34).map(|time| counter.step(time, time as f64)).collect();
        assert_eq!(late[30..], [Growth::Late, Growth::First, Growth::Rate(1.0), Growth::Rate(1.0)]);
    }

    #[test]
    fn a_stored_one_goes_on_as_the_original_and_an_impossible_one_is_told() {
        let mut original = CounterRate::new(1.0);
        for at in 0..20 {
            original.step(10 * at, 3.0 * at as f64);
        }
        let json = serde_json::to_value(&original).unwrap();
        let mut stored: CounterRate = serde_json::from_value(json.clone()).unwrap();
        assert!(stored.is_sound());
        assert_eq!(stored, original);
        assert_eq!(stored.step(200, 70.0), original.step(200, 70.0));
        for (key, value) in [("late", 32.into()), ("before", serde_json::json!([0, -1.0]))] {
            let mut json = json.clone();
            json[key] = value;
            assert!(!serde_json::from_value::<CounterRate>(json).unwrap().is_sound(), "{key}");
        }
    }

    proptest! {
        #[test]
        fn rates_times_gaps_add_up_to_the_growth(
            grown in prop::collection::vec((1_i64..=5, 0_u32..1_000_000), 1..200),
            start in 0_u32..1_000_000,
        ) {
            let mut counter = CounterRate::new(1.0);
            let (mut time, mut reading) = (0, f64::from(start));
            counter.step(time, reading);
            let mut sum = 0.0;
            for (gap, step) in &grown {
                time += gap;
                reading += f64::from(*step);
                match counter.step(time, reading) {
                    Growth::Rate(rate) => sum += rate * *gap as f64,
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            let total = reading - f64::from(start);
            prop_assert!((sum - total).abs() <= 1e-9 * total.max(1.0), "{sum} of {total}");
        }
    }
}

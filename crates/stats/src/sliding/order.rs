//! Median, quantiles and median deviation of the last few numbers.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::WindowError;

/// The last `window` numbers of a stream, in order of size.
///
/// A push costs two binary searches and one move of the numbers between the
/// leaving and the entering one: O(window) in theory, but a move of memory
/// that beats trees and heaps up to windows of tens of thousands. A quantile
/// costs O(1), [`SlidingOrder::median_deviation`] O(log window). Memory
/// O(window).
///
/// ```
/// use auscult_stats::sliding::SlidingOrder;
/// let mut last_three = SlidingOrder::new(3);
/// for value in [5.0, 1.0, 9.0, 2.0] {
///     last_three.push(value);
/// }
/// assert_eq!(last_three.sorted(), [1.0, 2.0, 9.0]);
/// assert_eq!(last_three.median_deviation(), (2.0, 1.0));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct SlidingOrder {
    window: usize,
    /// Oldest first.
    arrived: VecDeque<f64>,
    sorted: Vec<f64>,
}

/// What is written: the order follows from it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    window: usize,
    values: VecDeque<f64>,
}

impl SlidingOrder {
    /// An empty window with room for `window` numbers.
    ///
    /// # Panics
    ///
    /// When `window` is 0.
    #[must_use]
    pub fn new(window: usize) -> Self {
        assert!(window > 0, "a window needs room for a number");
        Self { window, arrived: VecDeque::new(), sorted: Vec::new() }
    }

    /// Takes in `value`, in place of the oldest number if the window is full.
    ///
    /// # Panics
    ///
    /// When `value` is NaN.
    pub fn push(&mut self, value: f64) {
        assert!(!value.is_nan(), "a window holds numbers in order, and NaN has none");
        let enter = self.rank(value);
        if self.arrived.len() < self.window {
            self.sorted.insert(enter, value);
        } else if let Some(oldest) = self.arrived.pop_front() {
            let leave = self.rank(oldest);
            // One move closes the gap of the oldest and opens that of the newest.
            if leave < enter {
                self.sorted.copy_within(leave + 1..enter, leave);
                self.sorted[enter - 1] = value;
            } else {
                self.sorted.copy_within(enter..leave, enter + 1);
                self.sorted[enter] = value;
            }
        }
        self.arrived.push_back(value);
    }

    /// How many numbers of the window are smaller than `value`.
    fn rank(&self, value: f64) -> usize {
        self.sorted.partition_point(|other| other.total_cmp(&value).is_lt())
    }

    /// The numbers of the window, smallest first.
    #[must_use]
    pub fn sorted(&self) -> &[f64] {
        &self.sorted
    }

    /// Median of the window; 0 when it is empty.
    #[must_use]
    pub fn median(&self) -> f64 {
        midpoint(self.sorted.len(), |at| self.sorted[at])
    }

    /// Median of the window and median absolute deviation from it, the latter
    /// unscaled; 0 when the window is empty.
    #[must_use]
    pub fn median_deviation(&self) -> (f64, f64) {
        let median = self.median();
        let split = self.sorted.partition_point(|value| *value < median);
        let (below, above) = self.sorted.split_at(split);
        // Distances from the median, nearest first, on either side of it.
        let lower = |at: usize| median - below[below.len() - 1 - at];
        let upper = |at: usize| above[at] - median;
        let kth = |at| kth_of_two(at, below.len(), lower, above.len(), upper);
        (median, midpoint(self.sorted.len(), kth))
    }

    /// Mean absolute deviation from the median; 0 when the window is empty.
    /// Time O(window).
    #[must_use]
    pub fn mean_deviation(&self) -> f64 {
        if self.sorted.first() == self.sorted.last() {
            return 0.0;
        }
        let median = self.median();
        let total: f64 = self.sorted.iter().map(|value| (value - median).abs()).sum();
        total / self.sorted.len() as f64
    }

    /// Numbers in the window, at most [`SlidingOrder::window`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether the window holds no number.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Numbers that the window has room for.
    #[must_use]
    pub fn window(&self) -> usize {
        self.window
    }
}

/// The median of `count` numbers of which `nth` gives the one of each rank.
fn midpoint(count: usize, nth: impl Fn(usize) -> f64) -> f64 {
    match count {
        0 => 0.0,
        odd if odd % 2 == 1 => nth(odd / 2),
        even => {
            let (low, high) = (nth(even / 2 - 1), nth(even / 2));
            // The form of `quantile`, which stays finite at both ends.
            high - (high - low) * 0.5
        }
    }
}

/// The number of rank `rank` among two sorted sequences of `a_count` and
/// `b_count` numbers together; time O(log of the shorter).
fn kth_of_two(
    rank: usize,
    a_count: usize,
    a: impl Fn(usize) -> f64,
    b_count: usize,
    b: impl Fn(usize) -> f64,
) -> f64 {
    // How many of the `rank` smaller numbers come from `a`: the least count
    // such that the next of `a` is not among them.
    let mut low = rank.saturating_sub(b_count);
    let mut high = rank.min(a_count);
    while low < high {
        let middle = low.midpoint(high);
        if a(middle) < b(rank - middle - 1) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let from_b = rank - low;
    match (low < a_count, from_b < b_count) {
        (true, true) => a(low).min(b(from_b)),
        (true, false) => a(low),
        (false, _) => b(from_b),
    }
}

impl From<SlidingOrder> for Stored {
    fn from(sliding: SlidingOrder) -> Self {
        Self { window: sliding.window, values: sliding.arrived }
    }
}

impl TryFrom<Stored> for SlidingOrder {
    type Error = WindowError;

    fn try_from(stored: Stored) -> Result<Self, WindowError> {
        let Stored { window, values } = stored;
        if window == 0 || values.len() > window {
            return Err(WindowError { window, values: values.len(), fresh: values.len() });
        }
        let mut sorted: Vec<f64> = values.iter().copied().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Ok(Self { window, arrived: values, sorted })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::quantile::{median, median_deviation};

    proptest! {
        #[test]
        fn a_window_agrees_with_sorting_afresh(
            // Few distinct numbers, so that ties are common.
            values in prop::collection::vec((-20i32..20).prop_map(|v| f64::from(v) / 3.0), 1..200),
            window in 1usize..40,
        ) {
            let mut sliding = SlidingOrder::new(window);
            for (at, value) in values.iter().enumerate() {
                sliding.push(*value);
                let mut direct = values[(at + 1).saturating_sub(window)..=at].to_vec();
                prop_assert_eq!(sliding.median_deviation(), median_deviation(&direct));
                prop_assert_eq!(sliding.median(), median(&mut direct));
                direct.sort_by(f64::total_cmp);
                prop_assert_eq!(sliding.sorted(), &direct);
            }
        }
    }

    #[test]
    fn a_stored_window_goes_on_as_the_original() {
        let mut original = SlidingOrder::new(8);
        for at in 0..100 {
            original.push(f64::from(at * 37 % 11) / 7.0);
            let text = serde_json::to_string(&original).expect("plain data");
            let restored: SlidingOrder = serde_json::from_str(&text).expect("as written");
            assert_eq!(restored, original, "after {at}");
        }
        for damaged in [r#"{"window":0,"values":[]}"#, r#"{"window":1,"values":[1.0,2.0]}"#] {
            assert!(serde_json::from_str::<SlidingOrder>(damaged).is_err(), "{damaged}");
        }
    }

    #[test]
    fn the_mean_deviation_is_taken_from_the_median() {
        let mut sliding = SlidingOrder::new(5);
        assert_eq!(sliding.mean_deviation(), 0.0);
        for value in [0.0, 0.0, 0.0, 0.0, 5.0] {
            sliding.push(value);
        }
        assert_eq!(sliding.mean_deviation(), 1.0);
    }
}

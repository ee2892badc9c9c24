//! Mean and variance of the last few numbers.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::WindowError;
use crate::moments::Moments;

/// Mean and variance of the last `window` numbers of a stream.
///
/// Nothing is ever subtracted: the window is kept as an older and a newer
/// part, the moments of every tail of the older part are stored, and the two
/// parts are merged on demand. A huge number therefore leaves no trace once it
/// has left the window, and rounding does not build up. Time O(1) per number
/// on average, O(window) once in every `window` numbers; memory O(window).
///
/// Reference: K. Tangwongsan, M. Hirzel, S. Schneider, K.-L. Wu, "General
/// incremental sliding-window aggregation", PVLDB 8(7), 2015 (the two-stacks
/// algorithm).
///
/// ```
/// use auscult_stats::sliding::SlidingMoments;
/// let mut last_two = SlidingMoments::new(2);
/// for value in [1e100, 1.0, 3.0] {
///     last_two.push(value);
/// }
/// assert_eq!(last_two.moments().mean(), 2.0);
/// assert_eq!(last_two.moments().variance(0), 1.0);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct SlidingMoments {
    window: usize,
    /// Oldest first.
    values: VecDeque<f64>,
    /// Moments of the older part without its first 0, 1, 2… numbers, in
    /// reverse: the last entry covers all of it.
    tails: Vec<Moments>,
    newer: Moments,
}

/// What is written: the rest follows from it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    window: usize,
    values: VecDeque<f64>,
    fresh: usize,
}

impl SlidingMoments {
    /// An empty window with room for `window` numbers.
    ///
    /// # Panics
    ///
    /// When `window` is 0.
    #[must_use]
    pub fn new(window: usize) -> Self {
        assert!(window > 0, "a window needs room for a number");
        Self { window, values: VecDeque::new(), tails: Vec::new(), newer: Moments::default() }
    }

    /// Takes in `value`, in place of the oldest number if the window is full.
    pub fn push(&mut self, value: f64) {
        if self.values.len() == self.window {
            if self.tails.is_empty() {
                self.tails = tails(self.values.iter().copied());
                self.newer = Moments::default();
            }
            self.tails.pop();
            self.values.pop_front();
        }
        self.values.push_back(value);
        self.newer.push(value);
    }

    /// Moments of the numbers in the window.
    #[must_use]
    pub fn moments(&self) -> Moments {
        let mut moments = self.tails.last().copied().unwrap_or_default();
        moments.merge(&self.newer);
        moments
    }

    /// Numbers in the window, at most [`SlidingMoments::window`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether the window holds no number.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Numbers that the window has room for.
    #[must_use]
    pub fn window(&self) -> usize {
        self.window
    }
}

/// Moments of every tail of `values`, the shortest first.
fn tails(values: impl DoubleEndedIterator<Item = f64>) -> Vec<Moments> {
    let mut moments = Moments::default();
    let longer = |value| {
        moments.push(value);
        moments
    };
    values.rev().map(longer).collect()
}

impl From<SlidingMoments> for Stored {
    fn from(sliding: SlidingMoments) -> Self {
        let fresh = sliding.values.len() - sliding.tails.len();
        Self { window: sliding.window, values: sliding.values, fresh }
    }
}

impl TryFrom<Stored> for SlidingMoments {
    type Error = WindowError;

    fn try_from(stored: Stored) -> Result<Self, WindowError> {
        let Stored { window, values, fresh } = stored;
        // An older part is left behind only by a full window.
        let full = values.len() == window;
        if window == 0 || values.len() > window || fresh > values.len() {
            return Err(WindowError { window, values: values.len(), fresh });
        }
        if !full && fresh < values.len() {
            return Err(WindowError { window, values: values.len(), fresh });
        }
        let older = values.len() - fresh;
        let tails = tails(values.range(..older).copied());
        let mut newer = Moments::default();
        values.range(older..).for_each(|value| newer.push(*value));
        Ok(Self { window, values, tails, newer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_agrees_with_the_moments_of_its_numbers() {
        let values: Vec<f64> = (0..500).map(|i| f64::from(i * 7919 % 1013)).collect();
        for window in [1, 2, 7, 100, 600] {
            let mut sliding = SlidingMoments::new(window);
            for (at, value) in values.iter().enumerate() {
                sliding.push(*value);
                let direct = Moments::of(&values[(at + 1).saturating_sub(window)..=at]);
                let moments = sliding.moments();
                assert_eq!(moments.count(), direct.count());
                assert!((moments.mean() - direct.mean()).abs() < 1e-10, "{window} {at}");
                assert!((moments.deviation(0) - direct.deviation(0)).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn a_huge_number_leaves_no_trace() {
        let mut sliding = SlidingMoments::new(10);
        sliding.push(1e100);
        for at in 0..10 {
            sliding.push(f64::from(at));
        }
        assert!((sliding.moments().variance(1) - 55.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn a_stored_window_goes_on_with_the_same_bits() {
        let mut original = SlidingMoments::new(8);
        for at in 0..100 {
            original.push(f64::from(at * 37 % 11) / 7.0);
            let text = serde_json::to_string(&original).expect("plain data");
            let restored: SlidingMoments = serde_json::from_str(&text).expect("as written");
            assert_eq!(restored, original, "after {at}");
        }
        for damaged in [
            r#"{"window":0,"values":[],"fresh":0}"#,
            r#"{"window":1,"values":[1.0,2.0],"fresh":1}"#,
            r#"{"window":3,"values":[1.0,2.0],"fresh":1}"#,
            r#"{"window":2,"values":[1.0,2.0],"fresh":3}"#,
        ] {
            assert!(serde_json::from_str::<SlidingMoments>(damaged).is_err(), "{damaged}");
        }
    }
}

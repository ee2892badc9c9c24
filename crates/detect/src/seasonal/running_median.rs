//! The median of the last few values.

use std::collections::VecDeque;

/// The median of the last `window` values.
///
/// Time O(log window) to find a place and O(window) moves within one block of
/// memory per value, memory O(window).
#[derive(Debug, Clone)]
pub(crate) struct RunningMedian {
    window: usize,
    arrived: VecDeque<f64>,
    sorted: Vec<f64>,
}

impl RunningMedian {
    /// An empty one; `window` is at least 1.
    pub(crate) fn new(window: usize) -> Self {
        let window = window.max(1);
        Self { window, arrived: VecDeque::new(), sorted: Vec::new() }
    }

    /// Takes in `value`, and drops the oldest when the window is full.
    pub(crate) fn push(&mut self, value: f64) {
        let above = self.place(value);
        if self.arrived.len() < self.window {
            self.sorted.insert(above, value);
        } else {
            let oldest = self.arrived.pop_front().expect("the window is full");
            let from = self.place(oldest);
            // Only what lies between the two places moves.
            if from < above {
                self.sorted.copy_within(from + 1..above, from);
                self.sorted[above - 1] = value;
            } else {
                self.sorted.copy_within(above..from, above + 1);
                self.sorted[above] = value;
            }
        }
        self.arrived.push_back(value);
    }

    /// The median; 0 of nothing.
    pub(crate) fn median(&self) -> f64 {
        let Some(last) = self.sorted.len().checked_sub(1) else { return 0.0 };
        let (low, high) = (self.sorted[last / 2], self.sorted[last.div_ceil(2)]);
        low + (high - low) / 2.0
    }

    /// How many values are below `value` in total order.
    fn place(&self, value: f64) -> usize {
        self.sorted.partition_point(|other| other.total_cmp(&value).is_lt())
    }
}

#[cfg(test)]
mod tests {
    use auscult_stats::quantile::median;

    use super::*;

    #[test]
    fn it_agrees_with_sorting_each_window() {
        let values: Vec<f64> = (0..300).map(|i: i64| (i * i % 37 - i % 11) as f64).collect();
        for window in [1, 2, 7, 50] {
            let mut running = RunningMedian::new(window);
            assert_eq!(running.median(), 0.0);
            for (at, value) in values.iter().enumerate() {
                running.push(*value);
                let mut last = values[(at + 1).saturating_sub(window)..=at].to_vec();
                assert_eq!(running.median(), median(&mut last), "window {window} at {at}");
            }
        }
    }
}

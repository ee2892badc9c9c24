//! Mean and variance, in one pass or in pieces.

use serde::{Deserialize, Serialize};

/// Count, mean and sum of squared deviations of a stream of numbers.
///
/// Pieces merge. Stable at large offsets. Time O(1) per number, memory O(1).
///
/// Reference: B. P. Welford, "Note on a method for calculating corrected sums
/// of squares and products", Technometrics 4(3), 1962; merging after T. F.
/// Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise
/// algorithm for computing sample variances", Stanford, 1979.
///
/// ```
/// use auscult_stats::moments::Moments;
/// let all = Moments::of(&[1.0, 2.0, 3.0, 4.0]);
/// let mut pieces = Moments::of(&[1.0, 2.0]);
/// pieces.merge(&Moments::of(&[3.0, 4.0]));
/// assert_eq!(pieces, all);
/// assert_eq!(all.variance(1), 5.0 / 3.0);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// The moments of `values`.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        if values.is_empty() {
            return Self::default();
        }
        // Two passes: as exact as Welford's recursion, and vectorised.
        let count = values.len() as f64;
        let rough = sum(values.iter().copied()) / count;
        let correction = sum(values.iter().map(|value| value - rough)) / count;
        let mean = rough + correction;
        let squares = sum(values.iter().map(|value| (value - mean) * (value - mean)));
        Self { count: values.len() as u64, mean, squares }
    }

    /// Takes in one more number.
    pub fn push(&mut self, value: f64) {
        self.count = self.count.saturating_add(1);
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
    }

    /// Takes in the numbers behind `other`.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let (ours, theirs) = (self.count as f64, other.count as f64);
        let total = ours + theirs;
        let apart = other.mean - self.mean;
        self.mean += apart * (theirs / total);
        self.squares += other.squares + apart * apart * (ours * theirs / total);
        self.count = self.count.saturating_add(other.count);
    }

    /// How many numbers.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean; 0 when there are none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Sum of squared deviations over `count - ddof`; 0 when that is not positive.
    #[must_use]
    pub fn variance(&self, ddof: u64) -> f64 {
        if self.count <= ddof { 0.0 } else { self.squares / (self.count - ddof) as f64 }
    }

    /// Square root of [`Moments::variance`].
    #[must_use]
    pub fn deviation(&self, ddof: u64) -> f64 {
        self.variance(ddof).sqrt()
    }
}

/// Sums with eight running sums, which is both faster and more exact than one.
fn sum(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let mut lanes = [0.0; 8];
    for (at, value) in values.enumerate() {
        lanes[at % 8] += value;
    }
    ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]))
        + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_ways_agree_at_a_large_offset() {
        let values: Vec<f64> = (0..1000).map(|i| 1e9 + f64::from(i % 17)).collect();
        let whole = Moments::of(&values);
        let mut pushed = Moments::default();
        values.iter().for_each(|value| pushed.push(*value));
        let mut merged = Moments::default();
        values.chunks(37).for_each(|piece| merged.merge(&Moments::of(piece)));
        let small: Vec<f64> = values.iter().map(|value| value - 1e9).collect();
        let exact = Moments::of(&small).variance(0);
        for moments in [whole, pushed, merged] {
            assert_eq!(moments.count(), 1000);
            assert!((moments.variance(0) / exact - 1.0).abs() < 1e-6, "{moments:?}");
        }
    }
}

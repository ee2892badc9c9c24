//! Resampling that keeps neighbours together.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use rayon::prelude::*;

use super::automatic_lags;

/// The moving-block bootstrap of two samples.
///
/// Each resample draws stretches of neighbouring rows, with replacement, from
/// each side by itself, until it is as long as that side. The same seed gives
/// the same resamples, on any number of cores.
///
/// Reference: H. R. Künsch, "The jackknife and the bootstrap for general
/// stationary observations", Annals of Statistics 17(3), 1989.
///
/// ```
/// use auscult_stats::two_sample::{Blocks, interval};
/// let (before, after) = ([1.0, 2.0, 3.0, 2.0, 1.5], [5.0, 6.0, 7.0, 6.0, 5.5]);
/// let mean = |values: &[f64], rows: &[usize]| {
///     rows.iter().map(|row| values[*row]).sum::<f64>() / rows.len() as f64
/// };
/// let blocks = Blocks { sizes: (5, 5), lengths: (1, 1), resamples: 400, seed: 7 };
/// let differences = blocks.map(|old, new| mean(&after, new) - mean(&before, old));
/// let (low, high) = interval(differences, 0.95);
/// assert!(low < 4.0 && 4.0 < high && low > 2.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks {
    /// Rows before and after, each at least 1.
    pub sizes: (usize, usize),
    /// Rows to a block before and after, each at least 1.
    pub lengths: (usize, usize),
    /// How many resamples.
    pub resamples: usize,
    /// Seed of the draws.
    pub seed: u64,
}

impl Blocks {
    /// Block lengths that suit the series `before` and `after`.
    #[must_use]
    pub fn suited(before: &[f64], after: &[f64], resamples: usize, seed: u64) -> Self {
        let length = |values: &[f64]| automatic_lags(values).max(1);
        Self {
            sizes: (before.len(), after.len()),
            lengths: (length(before), length(after)),
            resamples,
            seed,
        }
    }

    /// `statistic` of the rows before and the rows after of every resample.
    pub fn map<T: Send>(&self, statistic: impl Fn(&[usize], &[usize]) -> T + Sync) -> Vec<T> {
        let one = |resample: usize| {
            // A generator per resample: the order of work cannot matter.
            let seed = self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(resample as u64);
            let mut rng = Pcg64::seed_from_u64(seed);
            let before = draw(&mut rng, self.sizes.0, self.lengths.0);
            let after = draw(&mut rng, self.sizes.1, self.lengths.1);
            statistic(&before, &after)
        };
        (0..self.resamples).into_par_iter().map(one).collect()
    }
}

fn draw(rng: &mut Pcg64, size: usize, length: usize) -> Vec<usize> {
    let length = length.clamp(1, size.max(1));
    let mut rows = Vec::with_capacity(size + length);
    while rows.len() < size {
        let start = rng.random_range(0..=size - length);
        rows.extend(start..start + length);
    }
    rows.truncate(size);
    rows
}

/// The middle `confidence` of `values`; both 0 when there are none.
#[must_use]
pub fn interval(mut values: Vec<f64>, confidence: f64) -> (f64, f64) {
    let tail = (1.0 - confidence.clamp(0.0, 1.0)) / 2.0;
    let low = crate::quantile::quantile(&mut values, tail);
    (low, crate::quantile::quantile(&mut values, 1.0 - tail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::two_sample::{Independence, mean_shift};

    /// An autoregression: each value keeps 0.8 of the one before.
    fn sluggish(seed: u64, rows: usize) -> Vec<f64> {
        let mut rng = Pcg64::seed_from_u64(seed);
        let mut value = 0.0;
        let mut noise = || (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
        (0..50).for_each(|_| value = 0.8 * value + noise());
        (0..rows)
            .map(|_| {
                value = 0.8 * value + noise();
                value
            })
            .collect()
    }

    #[test]
    fn dependent_rows_raise_false_alarms_only_when_taken_as_independent() {
        let alarms = |independence| {
            let alarm = |seed: u64| {
                let (old, new) = (sluggish(2 * seed, 300), sluggish(2 * seed + 1, 300));
                mean_shift(&old, &new, independence).is_some_and(|shift| shift.p_value < 0.05)
            };
            (0..300).filter(|seed| alarm(*seed)).count() as f64 / 300.0
        };
        assert!(alarms(Independence::Assumed) > 0.4);
        let corrected = alarms(Independence::Estimated);
        assert!(corrected < 0.12, "{corrected}");
    }

    #[test]
    fn intervals_of_dependent_rows_cover_the_truth() {
        let covers = |seed: u64| {
            let (old, new) = (sluggish(2 * seed, 300), sluggish(2 * seed + 1, 300));
            let mean = |values: &[f64], rows: &[usize]| {
                rows.iter().map(|row| values[*row]).sum::<f64>() / rows.len() as f64
            };
            let blocks = Blocks::suited(&old, &new, 200, seed);
            let (low, high) = interval(blocks.map(|a, b| mean(&new, b) - mean(&old, a)), 0.95);
            low <= 0.0 && 0.0 <= high
        };
        let covered = (0..200).filter(|seed| covers(*seed)).count();
        assert!(covered > 174, "{covered} of 200");
    }
}

//! k-means: centres that lie as near as can be to windows of a series.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;

/// Windows beyond this number are represented by so many of them, drawn at random.
const MOST_WINDOWS: usize = 4000;
/// Rounds of moving the centres; they stand still long before, as a rule.
const MOST_ROUNDS: usize = 50;
/// Sums side by side.
const LANES: usize = 8;

/// Overlapping windows in one row of numbers: each begins `step` numbers after the one
/// before it and has `width`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Overlapping<'a> {
    pub(super) numbers: &'a [f64],
    pub(super) step: usize,
    pub(super) width: usize,
}

impl<'a> Overlapping<'a> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        if self.numbers.len() < self.width {
            0
        } else {
            (self.numbers.len() - self.width) / self.step + 1
        }
    }

    /// Window `at`.
    pub(super) fn get(&self, at: usize) -> &'a [f64] {
        &self.numbers[at * self.step..at * self.step + self.width]
    }
}

/// The centre nearest to `window`, and the squared distance to it.
pub(super) fn nearest(centres: &[Vec<f64>], window: &[f64]) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (at, centre) in centres.iter().enumerate() {
        let square = squared_distance(centre, window);
        if square < best.1 {
            best = (at, square);
        }
    }
    best
}

/// In several sums side by side, which a processor adds at once.
fn squared_distance(one: &[f64], other: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (ones, others) = (one.chunks_exact(LANES), other.chunks_exact(LANES));
    let rest: f64 =
        ones.remainder().iter().zip(others.remainder()).map(|(a, b)| (a - b) * (a - b)).sum();
    for (a, b) in ones.zip(others) {
        for lane in 0..LANES {
            sums[lane] += (a[lane] - b[lane]) * (a[lane] - b[lane]);
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// At most `clusters` centres of `windows`, fewer where there are fewer different ones.
///
/// Begins with windows drawn by k-means++ and moves each centre to the mean of the windows
/// that are nearest to it, until none moves or 50 rounds are over.
///
/// Reference: S. P. Lloyd, "Least squares quantization in PCM", IEEE Transactions on
/// Information Theory 28(2), 1982; D. Arthur, S. Vassilvitskii, "k-means++: the advantages
/// of careful seeding", SODA 2007.
pub(super) fn centres(windows: Overlapping<'_>, clusters: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let count = windows.len();
    let chosen: Vec<&[f64]> = if count > MOST_WINDOWS {
        let mut chosen = rand::seq::index::sample(&mut random, count, MOST_WINDOWS).into_vec();
        chosen.sort_unstable();
        chosen.into_iter().map(|at| windows.get(at)).collect()
    } else {
        (0..count).map(|at| windows.get(at)).collect()
    };
    let mut centres = plus_plus(&chosen, clusters, &mut random);
    let mut of: Vec<usize> = Vec::new();
    for _ in 0..MOST_ROUNDS {
        let now: Vec<usize> = chosen.par_iter().map(|window| nearest(&centres, window).0).collect();
        if now == of {
            break;
        }
        of = now;
        move_to_means(&mut centres, &chosen, &of);
    }
    centres
}

/// Draws windows as first centres, each with a chance that grows with the square of its
/// distance to those drawn before.
fn plus_plus(chosen: &[&[f64]], clusters: usize, random: &mut Pcg64Mcg) -> Vec<Vec<f64>> {
    let mut centres = vec![chosen[random.random_range(0..chosen.len())].to_vec()];
    let mut squares = vec![f64::INFINITY; chosen.len()];
    while centres.len() < clusters {
        let newest = &centres[centres.len() - 1];
        squares.par_iter_mut().zip(chosen).for_each(|(square, window)| {
            *square = square.min(squared_distance(newest, window));
        });
        let total: f64 = squares.iter().sum();
        if total == 0.0 || !total.is_finite() {
            break;
        }
        let mut left = random.random_range(0.0..total);
        let drawn = squares.iter().position(|square| {
            left -= square;
            left < 0.0
        });
        centres.push(chosen[drawn.unwrap_or(chosen.len() - 1)].to_vec());
    }
    centres
}

/// Moves each centre to the mean of its windows; one without windows stays.
fn move_to_means(centres: &mut [Vec<f64>], chosen: &[&[f64]], of: &[usize]) {
    let mut counts = vec![0_usize; centres.len()];
    let mut sums: Vec<Vec<f64>> = centres.iter().map(|centre| vec![0.0; centre.len()]).collect();
    for (window, centre) in chosen.iter().zip(of) {
        counts[*centre] += 1;
        sums[*centre].iter_mut().zip(*window).for_each(|(sum, value)| *sum += value);
    }
    for ((centre, sum), count) in centres.iter_mut().zip(sums).zip(counts) {
        if count > 0 {
            centre.iter_mut().zip(sum).for_each(|(value, sum)| *value = sum / count as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separate_groups_get_a_centre_each() {
        let numbers: Vec<f64> = (0..90)
            .flat_map(|at| {
                let group = f64::from(at % 3) * 10.0;
                [group + f64::from(at % 7) * 0.01, -group]
            })
            .collect();
        let windows = Overlapping { numbers: &numbers, step: 2, width: 2 };
        let mut centres = centres(windows, 3, 4);
        centres.sort_by(|one, other| one[0].total_cmp(&other[0]));
        for (group, centre) in centres.iter().enumerate() {
            let group = group as f64 * 10.0;
            assert!((centre[0] - group).abs() < 0.1 && centre[1] == -group, "{centre:?}");
        }
    }

    #[test]
    fn windows_that_are_all_the_same_have_one_centre() {
        let windows = Overlapping { numbers: &[2.0; 20], step: 1, width: 4 };
        assert_eq!(centres(windows, 5, 0), [[2.0; 4]]);
    }
}

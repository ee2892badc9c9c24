//! Sequential minimal optimization of the one-class problem.

use rayon::prelude::*;

use super::cache::RowCache;
use super::kernel::{KernelFunction, KernelRows};

/// Minimise `alpha K alpha / 2` for `0 <= alpha <= 1`, `sum(alpha) = nu rows`.
#[derive(Debug)]
pub(super) struct Problem<'a> {
    pub(super) rows: &'a KernelRows,
    pub(super) kernel: KernelFunction,
    pub(super) nu: f64,
    /// Largest violation of the optimality conditions that is let pass.
    pub(super) tolerance: f64,
    pub(super) cache_bytes: usize,
}

/// The minimum.
#[derive(Debug)]
pub(super) struct Solution {
    /// Weight of each row, in 0..=1.
    pub(super) alpha: Vec<f64>,
    /// `K alpha`: what the decision function is before `rho` is taken off.
    pub(super) sums: Vec<f64>,
    /// Offset of the decision function.
    pub(super) rho: f64,
}

/// Smallest curvature; kernels that are not positive definite reach below.
const LEAST_CURVATURE: f64 = 1e-12;

/// Steps between two looks for rows that can be set aside.
const SHRINK_EVERY: usize = 1000;

impl Problem<'_> {
    /// Solves the problem, or `None` when it does not settle.
    ///
    /// Each step moves weight between two rows, the pair that promises the most
    /// by a second-order estimate. Rows that seem settled at a bound are set
    /// aside and looked at again at the end.
    pub(super) fn solve(&self) -> Option<Solution> {
        let mut active = Active::all(self, self.start());
        let most = self.rows.rows().saturating_mul(100).max(10_000_000);
        for step in 1..=most {
            if active.step(self) {
                if step % SHRINK_EVERY == 0 {
                    active.shrink(self);
                }
                continue;
            }
            if active.is_whole() {
                let rho = active.rho();
                return Some(Solution { alpha: active.alpha, sums: active.sums, rho });
            }
            let alpha = active.whole_alpha();
            active = Active::all(self, alpha);
        }
        None
    }

    /// Full weight for the rows that are least like the others, judged against
    /// a few: near the solution, so that few steps are left to do.
    fn start(&self) -> Vec<f64> {
        const FEW: usize = 256;
        let rows = self.rows.rows();
        let few = KernelRows::select(self.rows, (0..rows).step_by(rows.div_ceil(FEW)));
        let likeness = sums(self.kernel, &few, &vec![1.0; few.rows()], self.rows);
        let mut order: Vec<usize> = (0..rows).collect();
        order.sort_by(|a, b| likeness[*a].total_cmp(&likeness[*b]));
        let mut left = self.nu * rows as f64;
        let mut alpha = vec![0.0; rows];
        for row in order {
            alpha[row] = left.min(1.0);
            left -= alpha[row];
        }
        alpha
    }
}

/// `sum(weights * kernel)` of every row of `targets` with `rows`.
pub(super) fn sums(
    kernel: KernelFunction,
    rows: &KernelRows,
    weights: &[f64],
    targets: &KernelRows,
) -> Vec<f64> {
    let mut padded = weights.to_vec();
    padded.resize(rows.padded(), 0.0);
    let one = |row: &mut Vec<f64>, target: usize| {
        targets.copy_row(target, row);
        rows.weighted_sum(kernel, row, &padded)
    };
    if targets.rows() == 1 {
        return vec![one(&mut Vec::new(), 0)];
    }
    (0..targets.rows()).into_par_iter().map_init(Vec::new, one).collect()
}

/// The rows still being worked on; every list has one entry per such row.
#[derive(Debug)]
struct Active {
    ids: Vec<usize>,
    rows: KernelRows,
    alpha: Vec<f64>,
    sums: Vec<f64>,
    /// Kernel of each row with itself.
    own: Vec<f64>,
    cache: RowCache,
    /// Weights of all rows, right for those set aside.
    all_alpha: Vec<f64>,
}

impl Active {
    fn all(problem: &Problem<'_>, alpha: Vec<f64>) -> Self {
        let support: Vec<usize> = (0..alpha.len()).filter(|row| alpha[*row] > 0.0).collect();
        let weights: Vec<f64> = support.iter().map(|row| alpha[*row]).collect();
        let support = problem.rows.select(support.into_iter());
        let sums = sums(problem.kernel, &support, &weights, problem.rows);
        Self::of(problem, (0..alpha.len()).collect(), sums, alpha)
    }

    fn of(problem: &Problem<'_>, ids: Vec<usize>, sums: Vec<f64>, all_alpha: Vec<f64>) -> Self {
        let rows = problem.rows.select(ids.iter().copied());
        let alpha = ids.iter().map(|row| all_alpha[*row]).collect();
        let mut one = Vec::new();
        let own = (0..ids.len()).map(|row| {
            rows.copy_row(row, &mut one);
            KernelRows::new(one.len(), std::iter::once(one.as_slice())).weighted_sum(
                problem.kernel,
                &one,
                &ONE,
            )
        });
        let own = own.collect();
        let cache = RowCache::new(ids.len(), rows.padded(), problem.cache_bytes);
        Self { ids, rows, alpha, sums, own, cache, all_alpha }
    }

    fn is_whole(&self) -> bool {
        self.ids.len() == self.all_alpha.len()
    }

    /// Slot of the kernel row of `row`.
    fn fetch(&mut self, problem: &Problem<'_>, row: usize) -> usize {
        let rows = &self.rows;
        self.cache.fetch(row, rows.padded(), |row, values| {
            let mut readings = Vec::new();
            rows.copy_row(row, &mut readings);
            rows.evaluate(problem.kernel, &readings, values);
        })
    }

    /// Moves weight between two rows; `false` when no pair is worth it.
    fn step(&mut self, problem: &Problem<'_>) -> bool {
        let (up, lowest) = self.lowest_that_can_rise();
        let slot = self.fetch(problem, up);
        let (down, highest) = self.best_partner(up, lowest, self.cache.values(slot));
        if highest - lowest < problem.tolerance {
            return false;
        }
        let kernel = self.cache.values(slot)[down];
        let curvature = (self.own[up] + self.own[down] - 2.0 * kernel).max(LEAST_CURVATURE);
        let room = (1.0 - self.alpha[up]).min(self.alpha[down]);
        let moved = ((self.sums[down] - lowest) / curvature).min(room);
        let other = self.fetch(problem, down);
        self.transfer(up, down, moved);
        let (gaining, losing) = (self.cache.values(slot), self.cache.values(other));
        for ((sum, gain), loss) in self.sums.iter_mut().zip(gaining).zip(losing) {
            *sum += moved * (gain - loss);
        }
        true
    }

    /// Moves weight and lands on the bounds exactly.
    fn transfer(&mut self, up: usize, down: usize, moved: f64) {
        let full = moved >= 1.0 - self.alpha[up];
        let empty = moved >= self.alpha[down];
        self.alpha[up] = if full { 1.0 } else { self.alpha[up] + moved };
        self.alpha[down] = if empty { 0.0 } else { self.alpha[down] - moved };
    }

    fn lowest_that_can_rise(&self) -> (usize, f64) {
        let mut lowest = (0, f64::INFINITY);
        for (row, (sum, alpha)) in self.sums.iter().zip(&self.alpha).enumerate() {
            if *alpha < 1.0 && *sum < lowest.1 {
                lowest = (row, *sum);
            }
        }
        lowest
    }

    /// The row to take weight from, by promised decrease, and the highest sum
    /// of any row that has weight.
    fn best_partner(&self, up: usize, lowest: f64, kernel: &[f64]) -> (usize, f64) {
        let (mut best, mut most, mut highest) = (up, 0.0, f64::NEG_INFINITY);
        for row in 0..self.alpha.len() {
            if self.alpha[row] <= 0.0 {
                continue;
            }
            highest = highest.max(self.sums[row]);
            let apart = self.sums[row] - lowest;
            if apart > 0.0 {
                let curvature = self.own[up] + self.own[row] - 2.0 * kernel[row];
                let decrease = apart * apart / curvature.max(LEAST_CURVATURE);
                if decrease > most {
                    (best, most) = (row, decrease);
                }
            }
        }
        (best, highest)
    }

    /// Sets aside rows at a bound that no step would move.
    fn shrink(&mut self, problem: &Problem<'_>) {
        let (_, lowest) = self.lowest_that_can_rise();
        let weighted = (0..self.alpha.len()).filter(|row| self.alpha[*row] > 0.0);
        let highest = weighted.map(|row| self.sums[row]).fold(f64::NEG_INFINITY, f64::max);
        let settled = |row: usize| {
            (self.alpha[row] >= 1.0 && self.sums[row] < lowest)
                || (self.alpha[row] <= 0.0 && self.sums[row] > highest)
        };
        let kept: Vec<usize> = (0..self.alpha.len()).filter(|row| !settled(*row)).collect();
        // Setting a few aside is not worth computing kernel rows again.
        if kept.len() * 2 > self.alpha.len() {
            return;
        }
        let all_alpha = self.whole_alpha();
        let ids = kept.iter().map(|row| self.ids[*row]).collect();
        let sums = kept.iter().map(|row| self.sums[*row]).collect();
        *self = Self::of(problem, ids, sums, all_alpha);
    }

    fn whole_alpha(&self) -> Vec<f64> {
        let mut all = self.all_alpha.clone();
        self.ids.iter().zip(&self.alpha).for_each(|(id, alpha)| all[*id] = *alpha);
        all
    }

    /// Mean sum of the rows strictly between the bounds; else half-way between
    /// what the bounds allow.
    fn rho(&self) -> f64 {
        let (mut total, mut free) = (0.0, 0);
        let (mut least, mut greatest) = (f64::NEG_INFINITY, f64::INFINITY);
        for (alpha, sum) in self.alpha.iter().zip(&self.sums) {
            if *alpha >= 1.0 {
                least = least.max(*sum);
            } else if *alpha <= 0.0 {
                greatest = greatest.min(*sum);
            } else {
                total += sum;
                free += 1;
            }
        }
        match (free, greatest.is_finite()) {
            (0, false) => least,
            (0, true) if least.is_finite() => (least + greatest) / 2.0,
            (0, true) => greatest,
            _ => total / f64::from(free),
        }
    }
}

/// Weights for a block that holds a single row.
const ONE: [f64; 8] = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::margin::Kernel;

    fn solve(readings: &[f64], nu: f64, cache_bytes: usize) -> Solution {
        let rows = KernelRows::new(2, readings.chunks_exact(2));
        let kernel = KernelFunction { kernel: Kernel::Rbf, gamma: 0.5, degree: 3, coef0: 0.0 };
        let problem = Problem { rows: &rows, kernel, nu, tolerance: 1e-9, cache_bytes };
        problem.solve().expect("settles")
    }

    /// Points that fill a square unevenly.
    fn points(rows: usize) -> Vec<f64> {
        (0..2 * rows).map(|i| (i as f64 * 12.989_8).sin() * 43_758.545_3 % 1.0 * 3.0).collect()
    }

    #[test]
    fn the_solution_meets_the_optimality_conditions() {
        let Solution { alpha, sums, rho } = solve(&points(200), 0.2, 1 << 20);
        assert!((alpha.iter().sum::<f64>() - 40.0).abs() < 1e-9);
        for (alpha, sum) in alpha.iter().zip(&sums) {
            assert!((0.0..=1.0).contains(alpha));
            assert!(*alpha < 1.0 || sum - rho < 1e-8, "at the upper bound, inside");
            assert!(*alpha > 0.0 || sum - rho > -1e-8, "no weight, outside");
        }
    }

    #[test]
    fn a_tiny_cache_and_shrinking_change_only_rounding() {
        // Enough rows that steps outnumber the interval between shrinkings.
        let readings = points(3000);
        let (large, small) = (solve(&readings, 0.3, 1 << 30), solve(&readings, 0.3, 0));
        assert!((large.rho - small.rho).abs() < 1e-7, "{} {}", large.rho, small.rho);
    }

    #[test]
    fn all_rows_carry_weight_when_nu_is_one() {
        let Solution { alpha, rho, .. } = solve(&points(20), 1.0, 1 << 20);
        assert_eq!(alpha, [1.0; 20]);
        assert!(rho.is_finite());
    }
}

//! Stochastic descent on the one-class problem.

use serde::{Deserialize, Serialize};

use super::fourier::dot;

/// Minimises `|w|^2 / 2 - rho + mean(max(0, rho - w z)) / nu` over batches of
/// feature rows `z`.
///
/// A step is that of stochastic subgradient descent on a strongly convex
/// function, `w += rate (g - w)` with `g` the mean of the rows under `rho` over
/// `nu`; `rho` follows the `nu`-quantile of `w z`, which is where the objective
/// is least for a given `w`. The mean of the steps, later ones counting more, is
/// what is used (S. Lacoste-Julien, M. Schmidt, F. Bach, "A simpler approach to
/// obtaining an O(1/t) convergence rate", arXiv 1212.2002, 2012).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Descent {
    steps: u64,
    weights: Vec<f64>,
    mean: Vec<f64>,
    rho: f64,
}

impl Descent {
    pub(super) fn new(features: usize) -> Self {
        Self { steps: 0, weights: vec![0.0; features], mean: vec![0.0; features], rho: 0.0 }
    }

    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    /// The averaged weights, shape `(features,)`.
    pub(super) fn weights(&self) -> &[f64] {
        &self.mean
    }

    /// Whether restored weights fit `features` features and are numbers.
    pub(super) fn is_sound(&self, features: usize) -> bool {
        let sound = |list: &[f64]| {
            list.len() == features && list.iter().all(|weight| weight.abs() < f64::MAX.sqrt())
        };
        sound(&self.weights) && sound(&self.mean) && self.rho.is_finite()
    }

    /// One step over the `batch`, feature rows of shape `(rows, features)`.
    /// The rate falls with the number of steps, but not below `least_rate`.
    pub(super) fn step<'a>(
        &mut self,
        batch: impl Iterator<Item = &'a [f64]> + Clone,
        nu: f64,
        least_rate: f64,
    ) {
        let mut sums: Vec<f64> = batch.clone().map(|row| dot(row, &self.weights)).collect();
        let rate = (2.0 / (self.steps + 2) as f64).max(least_rate);
        let share = 1.0 / (nu * sums.len() as f64);
        // At first nothing is known, and every row counts alike.
        let first = self.steps == 0;
        let mut pull = vec![0.0; self.weights.len()];
        for (row, sum) in batch.zip(&sums) {
            if first || *sum < self.rho {
                let share = if first { share * nu } else { share };
                pull.iter_mut().zip(row).for_each(|(pull, feature)| *pull += share * feature);
            }
        }
        let follow = |old: &mut f64, new: f64| *old += rate * (new - *old);
        self.weights.iter_mut().zip(&pull).for_each(|(weight, pull)| follow(weight, *pull));
        let averaged = self.mean.iter_mut().zip(&self.weights);
        averaged.for_each(|(mean, weight)| follow(mean, *weight));
        let quantile = auscult_stats::quantile::quantile(&mut sums, nu);
        // Slower than one batch, for a quantile of few rows is noisy; faster
        // than the weights, whose movement it has to follow.
        self.rho += rate.max(0.05) * (quantile - self.rho);
        self.steps += 1;
    }
}

//! Regression that large residuals cannot bend.

use super::fit::fit;
use super::{Equation, Rows};
use crate::quantile::{MAD_TO_DEVIATION, median_deviation};

/// Settings of [`huber`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HuberOptions {
    /// Residuals beyond this many scales count linearly; above 1. At 1.35 the
    /// fit is 95 % as efficient as least squares on normal residuals.
    pub epsilon: f64,
    /// Times each squared coefficient, added to the loss; at least 0.
    pub penalty: f64,
    /// Rounds of reweighting at most.
    pub max_rounds: usize,
    /// Stops when no prediction moves by more than this share of the scale.
    pub tolerance: f64,
}

impl Default for HuberOptions {
    fn default() -> Self {
        Self { epsilon: 1.35, penalty: 1e-4, max_rounds: 500, tolerance: 1e-9 }
    }
}

/// A robust linear model.
#[derive(Debug, Clone, PartialEq)]
pub struct HuberFit {
    /// The fitted equation.
    pub equation: Equation,
    /// Scale of the residuals, in units of the target.
    pub scale: f64,
    /// Whether each row lies beyond `epsilon` scales.
    pub outliers: Vec<bool>,
}

/// Huber regression with the scale estimated alongside.
///
/// Minimises `Σ (σ + H(r/σ) σ) + penalty · |b|²` over intercept, coefficients
/// and scale σ, where `H(z) = z²` within `epsilon` and `2 ε |z| - ε²` beyond.
/// Rows that are far out in the *inputs* can still bend it. Agrees with
/// `sklearn.linear_model.HuberRegressor`, which minimises the same function.
/// Time O(rounds · rows · inputs²).
///
/// Reference: P. J. Huber, E. M. Ronchetti, "Robust Statistics", 2nd edition,
/// 2009, section 7.7. We alternate weighted least squares with the exact
/// scale, instead of a quasi-Newton search.
///
/// ```
/// use auscult_stats::linear::{HuberOptions, Rows, huber};
/// let clock: Vec<f64> = (0..20).map(f64::from).collect();
/// let mut rate: Vec<f64> = clock.iter().map(|x| 5.0 + 2.0 * x + (x * 3.0).sin()).collect();
/// rate[7] = 500.0;
/// let fit = huber(Rows::new(&clock, 1), &rate, &HuberOptions::default());
/// assert!((fit.equation.coefficients[0] - 2.0).abs() < 0.1);
/// assert!(fit.outliers[7]);
/// ```
///
/// # Panics
///
/// Unless there is one target per row, and at least one row.
#[must_use]
pub fn huber(inputs: Rows<'_>, target: &[f64], options: &HuberOptions) -> HuberFit {
    let mut equation = fit(inputs, target, None, &[]).equation;
    let mut residuals = equation.residuals(inputs, target);
    // The median deviation first, so that one far outlier does not widen the start.
    let mut scale = MAD_TO_DEVIATION * median_deviation(&residuals).1;
    if scale <= 0.0 {
        scale = best_scale(&residuals, options.epsilon);
    }
    let floor = floor_of(target);
    let mut weights = vec![1.0; target.len()];
    for _ in 0..options.max_rounds {
        scale = scale.max(floor);
        for (weight, residual) in weights.iter_mut().zip(&residuals) {
            *weight = (options.epsilon * scale / residual.abs()).min(1.0);
        }
        let penalties = vec![options.penalty * scale; inputs.width()];
        equation = fit(inputs, target, Some(&weights), &penalties).equation;
        let before = std::mem::replace(&mut residuals, equation.residuals(inputs, target));
        let moved = before.iter().zip(&residuals).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let next = best_scale(&residuals, options.epsilon).max(floor);
        let rescaled = (next - scale).abs();
        scale = next;
        if moved.max(rescaled) <= options.tolerance * scale {
            break;
        }
    }
    let outliers = residuals.iter().map(|r| r.abs() > options.epsilon * scale).collect();
    HuberFit { equation, scale, outliers }
}

/// Scales below this share of the target's size are rounding.
fn floor_of(target: &[f64]) -> f64 {
    let largest = target.iter().fold(0.0_f64, |largest, y| largest.max(y.abs()));
    (largest * 1e-14).max(f64::MIN_POSITIVE)
}

/// The scale that minimises the loss for these residuals: the root of
/// `Σ min(r²/σ², ε²) = n`, whose left side falls as σ grows. 0 where the
/// residuals are mostly 0.
fn best_scale(residuals: &[f64], epsilon: f64) -> f64 {
    let mut sizes: Vec<f64> = residuals.iter().map(|residual| residual.abs()).collect();
    sizes.sort_unstable_by(f64::total_cmp);
    let rows = sizes.len() as f64;
    let mut inside: f64 = sizes.iter().map(|size| size * size).sum();
    // From all rows inside to fewer and fewer, the largest leaving first.
    for (at, size) in sizes.iter().enumerate().rev() {
        let left = rows - epsilon * epsilon * (sizes.len() - 1 - at) as f64;
        if left <= 0.0 {
            return 0.0;
        }
        let scale = (inside.max(0.0) / left).sqrt();
        if *size <= epsilon * scale {
            return scale;
        }
        inside -= size * size;
    }
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_solves_its_equation() {
        let residuals = [0.1, -0.4, 0.7, 1.0, -1.3, 9.0, 0.2, -0.6];
        let scale = best_scale(&residuals, 1.35);
        let sum: f64 = residuals.iter().map(|r: &f64| (r / scale).powi(2).min(1.35 * 1.35)).sum();
        assert!((sum - 8.0).abs() < 1e-12, "{sum}");
    }

    #[test]
    fn an_exact_line_is_found_exactly() {
        let x: Vec<f64> = (0..30).map(f64::from).collect();
        let y: Vec<f64> = x.iter().map(|x| 2.0 - 0.5 * x).collect();
        let fit = huber(Rows::new(&x, 1), &y, &HuberOptions::default());
        assert!((fit.equation.coefficients[0] + 0.5).abs() < 1e-9, "{:?}", fit.equation);
        assert!(fit.scale < 1e-9);
    }
}

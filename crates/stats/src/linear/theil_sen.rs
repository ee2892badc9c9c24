//! Regression by medians of slopes.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use rayon::prelude::*;

use super::fit::fit;
use super::{Equation, Rows};
use crate::quantile::median;

/// Settings of [`theil_sen`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TheilSenOptions {
    /// With one input: pairs of rows at most; all of them up to this number,
    /// else as many drawn at random.
    pub max_pairs: usize,
    /// With several inputs: subsets of rows at most, as for pairs.
    pub max_subsets: usize,
    /// Seed of the draw.
    pub seed: u64,
}

impl Default for TheilSenOptions {
    fn default() -> Self {
        Self { max_pairs: 2_000_000, max_subsets: 10_000, seed: 0 }
    }
}

/// Theil-Sen regression: up to 29 % of the rows may be arbitrarily wrong, in
/// the inputs too.
///
/// With one input, the slope is the median over pairs of rows, the intercept
/// the median of what is left: `scipy.stats.theilslopes(method="joint")`. With
/// several, every subset of `inputs + 1` rows gives an equation, and the
/// answer is their spatial median, as `sklearn.linear_model.TheilSenRegressor`
/// does it. Bring several inputs and the target to comparable spreads first:
/// the spatial median depends on units. Beyond the limits of `options` pairs
/// or subsets are drawn at random, the same ones for the same seed. Time
/// O(pairs) or O(subsets · inputs³).
///
/// Reference: P. K. Sen, "Estimates of the regression coefficient based on
/// Kendall's tau", JASA 63, 1968; X. Dang, H. Peng, X. Wang, H. Zhang,
/// "Theil-Sen estimators in a multiple linear regression model", 2008.
///
/// ```
/// use auscult_stats::linear::{Rows, TheilSenOptions, theil_sen};
/// let hour = [0.0, 1.0, 2.0, 3.0, 4.0];
/// let fit = theil_sen(Rows::new(&hour, 1), &[1.0, 3.0, 5.0, 700.0, 9.0], &TheilSenOptions::default());
/// assert_eq!((fit.intercept, fit.coefficients[0]), (1.0, 2.0));
/// ```
///
/// # Panics
///
/// Unless there is one target per row, and at least one row.
#[must_use]
pub fn theil_sen(inputs: Rows<'_>, target: &[f64], options: &TheilSenOptions) -> Equation {
    assert_eq!(inputs.len(), target.len(), "one target per row");
    assert!(!target.is_empty(), "a fit needs rows");
    match inputs.width() {
        1 => one_input(inputs, target, options),
        _ => several_inputs(inputs, target, options),
    }
}

fn one_input(inputs: Rows<'_>, target: &[f64], options: &TheilSenOptions) -> Equation {
    let slope_of = |one: usize, two: usize| {
        let run = inputs.row(two)[0] - inputs.row(one)[0];
        (run != 0.0).then(|| (target[two] - target[one]) / run)
    };
    let rows = target.len();
    let mut slopes = Vec::new();
    if rows * rows.saturating_sub(1) / 2 <= options.max_pairs {
        for one in 0..rows {
            slopes.extend((one + 1..rows).filter_map(|two| slope_of(one, two)));
        }
    } else {
        let mut rng = Pcg64::seed_from_u64(options.seed);
        let mut draw = || (rng.random_range(0..rows), rng.random_range(0..rows));
        slopes.extend((0..options.max_pairs).filter_map(|_| {
            let (one, two) = draw();
            slope_of(one, two)
        }));
    }
    slopes.retain(|slope| slope.is_finite());
    let slope = median(&mut slopes);
    let mut rest: Vec<f64> =
        target.iter().zip(inputs.iter()).map(|(y, row)| y - slope * row[0]).collect();
    Equation { intercept: median(&mut rest), coefficients: vec![slope] }
}

fn several_inputs(inputs: Rows<'_>, target: &[f64], options: &TheilSenOptions) -> Equation {
    let size = inputs.width() + 1;
    let rows = target.len();
    if rows <= size {
        return fit(inputs, target, None, &[]).equation;
    }
    let subsets = match count_subsets(rows, size) {
        Some(count) if count <= options.max_subsets => all_subsets(rows, size),
        _ => drawn_subsets(rows, size, options),
    };
    let equations: Vec<Vec<f64>> = subsets
        .par_chunks(size)
        .filter_map(|subset| equation_through(inputs, target, subset))
        .collect();
    if equations.is_empty() {
        return fit(inputs, target, None, &[]).equation;
    }
    let mut centre = spatial_median(&equations);
    let coefficients = centre.split_off(1);
    Equation { intercept: centre[0], coefficients }
}

/// The equation that passes through `subset`; `None` when it is not unique.
fn equation_through(inputs: Rows<'_>, target: &[f64], subset: &[usize]) -> Option<Vec<f64>> {
    let values: Vec<f64> = subset.iter().flat_map(|row| inputs.row(*row)).copied().collect();
    let target: Vec<f64> = subset.iter().map(|row| target[*row]).collect();
    let fit = fit(Rows::new(&values, inputs.width()), &target, None, &[]);
    let mut equation = vec![fit.equation.intercept];
    equation.extend(fit.equation.coefficients);
    let unique = fit.unused.is_empty() && equation.iter().all(|value| value.is_finite());
    unique.then_some(equation)
}

/// `rows` choose `size`; `None` when it is beyond counting.
fn count_subsets(rows: usize, size: usize) -> Option<usize> {
    let mut count = 1_usize;
    for at in 0..size {
        count = count.checked_mul(rows - at)? / (at + 1);
    }
    Some(count)
}

fn all_subsets(rows: usize, size: usize) -> Vec<usize> {
    let mut subset: Vec<usize> = (0..size).collect();
    let mut all = Vec::new();
    loop {
        all.extend_from_slice(&subset);
        let Some(at) = (0..size).rev().find(|at| subset[*at] < rows - size + at) else {
            return all;
        };
        subset[at] += 1;
        for later in at + 1..size {
            subset[later] = subset[later - 1] + 1;
        }
    }
}

fn drawn_subsets(rows: usize, size: usize, options: &TheilSenOptions) -> Vec<usize> {
    let mut rng = Pcg64::seed_from_u64(options.seed);
    let mut all = Vec::with_capacity(options.max_subsets * size);
    for _ in 0..options.max_subsets {
        all.extend(rand::seq::index::sample(&mut rng, rows, size));
    }
    all
}

/// The point with the least sum of distances to `points`.
///
/// Reference: Y. Vardi, C.-H. Zhang, "The multivariate L1-median and associated
/// data depth", PNAS 97(4), 2000: Weiszfeld's iteration, safe on a data point.
fn spatial_median(points: &[Vec<f64>]) -> Vec<f64> {
    let width = points[0].len();
    let mut centre: Vec<f64> = (0..width)
        .map(|at| median(&mut points.iter().map(|point| point[at]).collect::<Vec<_>>()))
        .collect();
    for _ in 0..1000 {
        let (mut weighted, mut weights, mut here) = (vec![0.0; width], 0.0, 0.0);
        let mut pull = vec![0.0; width];
        for point in points {
            let apart: f64 = point.iter().zip(&centre).map(|(p, c)| (p - c) * (p - c)).sum();
            let distance = apart.sqrt();
            if distance == 0.0 {
                here += 1.0;
                continue;
            }
            weights += 1.0 / distance;
            for at in 0..width {
                weighted[at] += point[at] / distance;
                pull[at] += (point[at] - centre[at]) / distance;
            }
        }
        let force = pull.iter().map(|x| x * x).sum::<f64>().sqrt();
        if weights == 0.0 || force <= here {
            break;
        }
        let stay = here / force;
        let next: Vec<f64> = weighted
            .iter()
            .zip(&centre)
            .map(|(w, c)| (1.0 - stay) * (w / weights) + stay * c)
            .collect();
        let moved: f64 = next.iter().zip(&centre).map(|(a, b)| (a - b) * (a - b)).sum();
        let size: f64 = next.iter().map(|x| x * x).sum();
        centre = next;
        if moved <= 1e-24 * size {
            break;
        }
    }
    centre
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_wrong_rows_does_not_bend_a_plane() {
        let inputs: Vec<f64> =
            (0..80).flat_map(|i| [f64::from(i % 9), f64::from(i * i % 7)]).collect();
        let rows = Rows::new(&inputs, 2);
        let mut target: Vec<f64> = rows.iter().map(|x| 1.0 + 2.0 * x[0] - 3.0 * x[1]).collect();
        for row in (0..80).step_by(5) {
            target[row] = 1e3;
        }
        let fit = theil_sen(rows, &target, &TheilSenOptions::default());
        assert!((fit.coefficients[0] - 2.0).abs() < 0.05, "{fit:?}");
        assert!((fit.coefficients[1] + 3.0).abs() < 0.05, "{fit:?}");
    }

    #[test]
    fn drawn_pairs_come_close_to_all_pairs_and_repeat() {
        let x: Vec<f64> = (0..400).map(f64::from).collect();
        let y: Vec<f64> = x.iter().map(|x| 3.0 * x + 40.0 * (x * 1.7).sin()).collect();
        let all = theil_sen(Rows::new(&x, 1), &y, &TheilSenOptions::default());
        let few = TheilSenOptions { max_pairs: 20_000, ..Default::default() };
        let drawn = theil_sen(Rows::new(&x, 1), &y, &few);
        assert!((all.coefficients[0] - drawn.coefficients[0]).abs() < 0.02);
        assert_eq!(drawn, theil_sen(Rows::new(&x, 1), &y, &few));
    }

    #[test]
    fn subsets_are_counted_and_listed() {
        assert_eq!(count_subsets(5, 3), Some(10));
        assert_eq!(all_subsets(5, 3).len(), 30);
        assert_eq!(count_subsets(100_000, 12), None);
    }
}

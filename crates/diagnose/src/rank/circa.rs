//! CIRCA along a known graph: what the parents of a series do not explain.

use super::case::{Case, RankError};
use super::cholesky::Factor;
use super::ranking::Ranking;
use super::scale::{Level, levels};
use super::series_graph::{children, parents};
use super::shift::given_or_found;

/// Residuals beyond this many scales are anomalies.
const ANOMALY: f64 = 3.0;

/// Added to the diagonal of the normal equations, per row, in squared scales.
const RIDGE: f64 = 0.1;

/// Ranks by the largest residual, in scales, of a regression on the parents of each series
/// in the graph that topology and layers give; series without parents by how far they moved.
///
/// With the floor of the robust score under the scale, which CIRCA lacks: saturated metrics
/// have normal residuals near 0, and any abnormal one is infinitely strange. The regression is
/// shrunken for the same reason. Descendants that are anomalies add to the score of a series
/// that is one.
///
/// Reference: M. Li and others, "Causal inference-based root cause analysis for online service
/// systems with intervention recognition", KDD 2022.
pub(super) fn circa(case: &Case) -> Result<Ranking, RankError> {
    if case.topology().is_empty() {
        return Err(RankError::Needs { method: "circa", what: "a topology" });
    }
    let onset = given_or_found(case);
    let levels = levels(case, &(0..onset.row));
    let steps: Vec<Vec<f64>> = (case.series().iter().zip(&levels))
        .map(|(series, level)| in_scales(&series.values, level))
        .collect();
    let parents = parents(case);
    let own: Vec<f64> =
        (0..steps.len()).map(|at| largest_residual(&steps, at, &parents[at], onset.row)).collect();
    let children = children(&parents);
    let mut scores = own.clone();
    for (at, score) in scores.iter_mut().enumerate() {
        if *score > ANOMALY {
            *score += largest_below(at, &children, &own, &mut vec![false; own.len()]);
        }
    }
    Ok(Ranking::by_series(case, &scores, onset))
}

/// Distances from the normal median in scales; what is missing is taken for normal.
fn in_scales(values: &[f64], level: &Level) -> Vec<f64> {
    values.iter().map(|value| if value.is_nan() { 0.0 } else { level.steps(*value) }).collect()
}

/// The largest abnormal residual of series `at`, in the larger of one scale and the deviation
/// of the normal residuals.
fn largest_residual(steps: &[Vec<f64>], at: usize, parents: &[usize], onset: usize) -> f64 {
    let weights = regression(steps, at, parents, onset);
    let residual = |row: usize| {
        let explained: f64 =
            parents.iter().zip(&weights).map(|(parent, weight)| weight * steps[*parent][row]).sum();
        steps[at][row] - explained
    };
    let normal: f64 = (0..onset).map(|row| residual(row).powi(2)).sum();
    let scale = (normal / onset as f64).sqrt().max(1.0);
    (onset..steps[at].len()).map(|row| residual(row).abs() / scale).fold(0.0, f64::max)
}

/// Weights of the parents by ridge regression on the normal rows.
fn regression(steps: &[Vec<f64>], at: usize, parents: &[usize], onset: usize) -> Vec<f64> {
    let size = parents.len();
    let mut matrix = vec![0.0; size * size];
    let mut right = vec![0.0; size];
    let dot = |one: usize, other: usize| -> f64 {
        steps[one][..onset].iter().zip(&steps[other]).map(|(one, other)| one * other).sum()
    };
    for (row, one) in parents.iter().enumerate() {
        right[row] = dot(*one, at);
        for (column, other) in parents.iter().enumerate() {
            matrix[row * size + column] = dot(*one, *other);
        }
        matrix[row * size + row] += RIDGE * onset as f64;
    }
    Factor::of(&matrix, size).map_or(vec![0.0; size], |factor| factor.solve(&right))
}

/// The largest score among the children of `at`, looking through those that are no anomalies.
fn largest_below(at: usize, children: &[Vec<usize>], own: &[f64], seen: &mut [bool]) -> f64 {
    let mut largest: f64 = 0.0;
    for child in &children[at] {
        if !std::mem::replace(&mut seen[*child], true) {
            largest = largest.max(if own[*child] > ANOMALY {
                own[*child]
            } else {
                largest_below(*child, children, own, seen)
            });
        }
    }
    largest
}

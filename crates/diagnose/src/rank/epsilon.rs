//! ε-diagnosis: series whose abnormal part no longer goes along with their normal part.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use auscult_stats::quantile::quantile;

use super::case::{Case, RankError};
use super::ranking::Ranking;
use super::shift::given_or_found;

/// Pairs of normal windows drawn for the threshold.
const PAIRS: usize = 200;

/// Share of pairs of normal windows that exceed the threshold.
const LEVEL: f64 = 0.05;

/// Ranks series by the squared correlation between a window before the onset and the
/// abnormal one; 0 below what pairs of normal windows reach in 19 of 20 cases.
///
/// Reference: H. Shan and others, "ε-diagnosis: unsupervised and real-time diagnosis of
/// small-window long-tail latency in large-scale microservice platforms", WWW 2019, in
/// the form that PyRCA gave it.
pub(super) fn epsilon(case: &Case) -> Result<Ranking, RankError> {
    let onset = given_or_found(case);
    let length = onset.row.min(case.rows() - onset.row);
    let scores: Vec<f64> = (case.series().iter().enumerate())
        .map(|(at, series)| {
            let values = filled(&series.values);
            let before = &values[onset.row - length..onset.row];
            let found = squared_correlation(before, &values[onset.row..onset.row + length]);
            let mut random = Pcg64Mcg::seed_from_u64(at as u64);
            // Two halves of what is normal, or windows as long as the abnormal one.
            let window = length.min(onset.row / 2).max(2);
            let mut usual: Vec<f64> = (0..PAIRS)
                .map(|_| {
                    let mut start = || random.random_range(0..=onset.row - window);
                    let (one, other) = (start(), start());
                    squared_correlation(&values[one..one + window], &values[other..other + window])
                })
                .collect();
            if found > quantile(&mut usual, 1.0 - LEVEL) { found } else { 0.0 }
        })
        .collect();
    Ok(Ranking::by_series(case, &scores, onset))
}

/// `values` with what is missing replaced by the reading before, at the start by 0.
fn filled(values: &[f64]) -> Vec<f64> {
    let mut last = 0.0;
    let fill = |value: &f64| {
        if !value.is_nan() {
            last = *value;
        }
        last
    };
    values.iter().map(fill).collect()
}

fn squared_correlation(one: &[f64], other: &[f64]) -> f64 {
    let count = one.len() as f64;
    let (first, second) = (one.iter().sum::<f64>() / count, other.iter().sum::<f64>() / count);
    let (mut both, mut ones, mut others) = (0.0, 0.0, 0.0);
    for (one, other) in one.iter().zip(other) {
        both += (one - first) * (other - second);
        ones += (one - first).powi(2);
        others += (other - second).powi(2);
    }
    if ones > 0.0 && others > 0.0 { (both * both / (ones * others)).min(1.0) } else { 0.0 }
}

//! How far each series moved: the robust shift score, and the mean and deviation.

use auscult_stats::moments::Moments;
use auscult_stats::quantile::{median, quantile};

use super::case::{Case, RankError};
use super::onset::{Onset, onset};
use super::ranking::Ranking;
use super::scale::{levels, present};

/// The onset exactly as it was given; methods that have no way to find one get ours.
pub(super) fn given_or_found(case: &Case) -> Onset {
    case.onset().map_or_else(|| onset(case), Onset::given)
}

/// Largest distance from the normal median, in robust scales.
pub(super) fn robust(case: &Case) -> Result<Ranking, RankError> {
    let onset = given_or_found(case);
    let levels = levels(case, &(0..onset.row));
    let scores: Vec<f64> = (case.series().iter().zip(&levels))
        .map(|(series, level)| {
            largest(&series.values[onset.row..], |value| level.steps(value).abs())
        })
        .collect();
    Ok(Ranking::by_series(case, &scores, onset))
}

/// Furthest above the normal mean, in standard deviations; a deviation of 0 is taken for 1.
/// Signed and without a floor, as in the code of the comparison that made it a baseline:
/// L. Pham, H. Ha, H. Zhang, "Root cause analysis for microservice system based on causal
/// inference: how far are we?", ASE 2024.
pub(super) fn n_sigma(case: &Case) -> Result<Ranking, RankError> {
    let onset = given_or_found(case);
    let score = |values: &[f64]| {
        let moments = Moments::of(&present(&values[..onset.row]));
        let deviation = or_one(moments.deviation(0));
        largest(&values[onset.row..], |value| (value - moments.mean()) / deviation)
    };
    let scores: Vec<f64> = case.series().iter().map(|series| score(&series.values)).collect();
    Ok(Ranking::by_series(case, &scores, onset))
}

/// Furthest above the normal median in interquartile ranges, without a floor: the scorer of
/// BARO, signed as in its code. An interquartile range of 0 is taken for 1, in whatever unit.
pub(super) fn interquartile(case: &Case, onset: Onset) -> Ranking {
    let score = |values: &[f64]| {
        let mut normal = present(&values[..onset.row]);
        let (low, high) = (quantile(&mut normal, 0.25), quantile(&mut normal, 0.75));
        let (centre, range) = (median(&mut normal), or_one(high - low));
        largest(&values[onset.row..], |value| (value - centre) / range)
    };
    let scores: Vec<f64> = case.series().iter().map(|series| score(&series.values)).collect();
    Ranking::by_series(case, &scores, onset)
}

/// The largest of `of` over what is read in `values`, at least 0.
fn largest(values: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    values.iter().filter(|value| !value.is_nan()).map(|value| of(*value)).fold(0.0, f64::max)
}

fn or_one(spread: f64) -> f64 {
    if spread > 0.0 { spread } else { 1.0 }
}

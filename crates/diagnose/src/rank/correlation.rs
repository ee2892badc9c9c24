//! Correlation with the symptom among the series that moved.

use std::ops::Range;

use super::case::{Case, RankError};
use super::combined::correlation;
use super::ranking::Ranking;
use super::shift::given_or_found;
use super::traversal::{ANOMALY, furthest};

/// Ranks the series that moved by the size of their correlation with the symptom around the
/// abnormal rows: these and as many before, as far as time is one stretch.
pub(super) fn correlated(case: &Case) -> Result<Ranking, RankError> {
    let method = "correlation";
    let symptom = case.symptom().ok_or(RankError::Needs { method, what: "a symptom" })?;
    let onset = given_or_found(case);
    let moved = furthest(case, onset.row);
    let mut scores = with_symptom(case, symptom, &case.around(&(onset.row..case.rows())));
    for (score, moved) in scores.iter_mut().zip(&moved) {
        if *moved < ANOMALY {
            *score = 0.0;
        }
    }
    // That it goes along with itself says nothing.
    scores[symptom] = 0.0;
    Ok(Ranking::by_series(case, &scores, onset))
}

/// The size of each series' correlation with the symptom, over those of `rows` in which both are
/// read.
pub(super) fn with_symptom(case: &Case, symptom: usize, rows: &Range<usize>) -> Vec<f64> {
    let shown = &case.series()[symptom].values[rows.clone()];
    let of = |values: &[f64]| {
        let both = shown.iter().zip(values).filter(|(one, other)| !one.is_nan() && !other.is_nan());
        let (one, other): (Vec<f64>, Vec<f64>) = both.map(|(one, other)| (*one, *other)).unzip();
        if one.is_empty() { 0.0 } else { correlation(&one, &other).map_or(0.0, f64::abs) }
    };
    case.series().iter().map(|series| of(&series.values[rows.clone()])).collect()
}

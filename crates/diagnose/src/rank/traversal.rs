//! Traversal: the anomalous target at the end of a path of anomalous targets.

use std::collections::BTreeMap;

use super::case::{Case, RankError};
use super::ranking::Ranking;
use super::scale::levels;
use super::shift::given_or_found;

/// Distances, in scales, from which a series is an anomaly.
pub(super) const ANOMALY: f64 = 3.0;

/// Ranks targets that are reached from the symptom's by way of anomalous targets only: first those
/// that have no anomalous dependency themselves, by how far they moved, then the others.
///
/// Reference: the graph traversal of J. Hardt and others, "The PetShop dataset", CLeaR 2024, whose
/// scores tie; here ties are broken by the distance, then by name.
pub(super) fn traversal(case: &Case) -> Result<Ranking, RankError> {
    let method = "traversal";
    let symptom = case.symptom().ok_or(RankError::Needs { method, what: "a symptom" })?;
    if case.topology().is_empty() {
        return Err(RankError::Needs { method, what: "a topology" });
    }
    let onset = given_or_found(case);
    let moved = furthest(case, onset.row);
    let mut worst: BTreeMap<&str, f64> = BTreeMap::new();
    for (series, moved) in case.series().iter().zip(&moved) {
        let worst = worst.entry(&series.target).or_default();
        *worst = worst.max(*moved);
    }
    let is_anomalous = |target: &str| worst.get(target).is_some_and(|worst| *worst >= ANOMALY);
    let topology = case.topology();
    let reached = topology.reach_through(&case.series()[symptom].target, is_anomalous);
    let scores: Vec<f64> = (case.series().iter().zip(&moved))
        .map(|(series, moved)| {
            if !reached.contains(&series.target) {
                return 0.0;
            }
            let is_last = !topology.dependencies(&series.target).any(is_anomalous);
            // Kept below 1 so that no distance makes up for a dependency.
            let distance = moved / (1.0 + moved);
            if is_last && is_anomalous(&series.target) { 1.0 + distance } else { distance }
        })
        .collect();
    Ok(Ranking::by_series(case, &scores, onset))
}

/// How far each series moved at most, in scales.
pub(super) fn furthest(case: &Case, onset: usize) -> Vec<f64> {
    let levels = levels(case, &(0..onset));
    let furthest = |at: usize| {
        let abnormal = case.series()[at].values[onset..].iter().filter(|value| !value.is_nan());
        abnormal.map(|value| levels[at].steps(*value).abs()).fold(0.0, f64::max)
    };
    (0..levels.len()).map(furthest).collect()
}

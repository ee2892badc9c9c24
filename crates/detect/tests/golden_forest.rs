//! Agreement of the forest methods with scikit-learn, on the file of
//! `golden/forest.py`.
//!
//! Forests are random, so agreement is statistical: the area under the ROC curve
//! is within the spread over seeds of scikit-learn, give or take half of it, and
//! ranks agree with their mean at least as well as two of their seeds agree.

use auscult_core::{Estimator, Frame, LabelledEstimator};
use auscult_detect::forest::{
    ForestResidual, ForestResidualSettings, RandomForest, RandomForestSettings,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    labelled: Runs,
    residuals: Runs,
}

#[derive(Deserialize)]
struct Runs {
    #[serde(rename = "X")]
    readings: Vec<f64>,
    columns: usize,
    anomalies: Vec<bool>,
    /// Mean over the seeds.
    scores: Vec<f64>,
    least_agreement: f64,
    areas: Vec<f64>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/forest.json")).expect("the file that was written")
}

/// Ranks from 1; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let below = |value: f64| values.iter().filter(|other| **other < value).count() as f64;
    let equal = |value: f64| values.iter().filter(|other| **other == value).count() as f64;
    values.iter().map(|value| below(*value) + (equal(*value) + 1.0) / 2.0).collect()
}

/// Spearman's rank correlation.
fn agreement(left: &[f64], right: &[f64]) -> f64 {
    let (left, right) = (ranks(left), ranks(right));
    let mean = (left.len() + 1) as f64 / 2.0;
    let sum = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum()
    };
    sum(&left, &right) / (sum(&left, &left) * sum(&right, &right)).sqrt()
}

/// The chance that an anomaly scores above a normal row.
fn area(scores: &[f64], anomalies: &[bool]) -> f64 {
    let ranks = ranks(scores);
    let positive = anomalies.iter().filter(|anomaly| **anomaly).count() as f64;
    let negative = anomalies.len() as f64 - positive;
    let sum: f64 =
        ranks.iter().zip(anomalies).filter(|(_, anomaly)| **anomaly).map(|(rank, _)| rank).sum();
    (sum - positive * (positive + 1.0) / 2.0) / (positive * negative)
}

fn as_good(name: &str, ours: &[f64], theirs: &Runs) {
    let low = theirs.areas.iter().copied().fold(f64::INFINITY, f64::min);
    let high = theirs.areas.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let own = area(ours, &theirs.anomalies);
    let slack = (high - low) / 2.0;
    assert!(own >= low - slack, "{name}: area {own}, theirs are in {low}..={high}");
    let agreement = agreement(ours, &theirs.scores);
    let least = theirs.least_agreement;
    assert!(agreement >= least, "{name}: ranks agree to {agreement}, theirs to {least}");
}

#[test]
fn labelled_rows_are_rated_as_by_scikit_learn() {
    let theirs = golden().labelled;
    let frame = Frame::new(&theirs.readings, theirs.columns).expect("whole rows");
    let labels: Vec<Option<bool>> = theirs.anomalies.iter().copied().map(Some).collect();
    for seed in 0..5 {
        let settings = RandomForestSettings { seed, ..Default::default() };
        let method = RandomForest::new(settings).expect("in range");
        let scores = method.fit_labelled(&frame, &labels).expect("fits").scores;
        as_good(&format!("seed {seed}"), &scores, &theirs);
    }
}

#[test]
fn residuals_are_those_of_scikit_learn() {
    let theirs = golden().residuals;
    let frame = Frame::new(&theirs.readings, theirs.columns).expect("whole rows");
    for seed in 0..5 {
        let settings = ForestResidualSettings { seed, ..Default::default() };
        let method = ForestResidual::new(settings).expect("in range");
        let scores = method.fit(&frame).expect("fits").scores;
        as_good(&format!("seed {seed}"), &scores, &theirs);
    }
}

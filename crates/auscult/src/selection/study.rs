//! How good choices by injected anomalies are, on public data whose truth is known.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use auscult_detect::Method;
use auscult_evaluate::{Scored, evaluation_window, rank_correlation, vus};
use serde::Serialize;

use super::folds::Fold;
use super::metric::Metric;
use super::{Candidate, Learning, Question, fusions, select, trial};
use crate::benchmark::series::Series;
use crate::benchmark::sets::Set;
use crate::outcome::CallError;
use crate::progress::Progress;

/// What came out for one series.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Case {
    /// Which series.
    pub series: String,
    /// What was chosen, its true VUS-PR, and that of the best candidate but for fusions.
    pub choice: String,
    pub chosen: f64,
    pub best: String,
    pub oracle: f64,
    /// That of the best candidate, fusions included.
    pub oracle_fused: f64,
    /// Rank correlation of injected and true figures; none when either is constant.
    pub correlation: Option<f64>,
    /// Injected and true VUS-PR of each candidate.
    pub candidates: Vec<(String, f64, f64)>,
}

/// Chooses on the training part of every series of `set`, and looks how the
/// candidates then do on the rest: row by row, or if not all are `online`, as a file
/// that follows the training part.
pub(crate) fn study(
    set: &Set,
    data: &Path,
    methods: &[&'static Method],
    online: bool,
    rows: usize,
    time_limit: Duration,
    mut report: impl FnMut(&Case),
) -> Result<Vec<Case>, CallError> {
    let mut cases = Vec::new();
    for name in (set.names)(data)? {
        let series = set.load(data, &name)?;
        if series.train < rows.min(1000) {
            continue;
        }
        let case = one(&series, methods, online, rows, time_limit)?;
        report(&case);
        cases.push(case);
    }
    Ok(cases)
}

fn one(
    series: &Series,
    methods: &[&'static Method],
    online: bool,
    rows: usize,
    time_limit: Duration,
) -> Result<Case, CallError> {
    let first = series.train.saturating_sub(rows);
    let question = Question {
        series: vec![trial::copy(series, first..series.train)],
        labelled: false,
        metric: Metric::VusPr,
        time_limit,
        methods: methods.to_vec(),
        online,
    };
    let quiet = Progress::new(false);
    let selection = select(&question, &quiet)?;
    let whole = Arc::new(trial::copy(series, 0..series.rows()));
    let fold = [Fold { judged: series.scored_from..series.rows() }];
    let labels = &series.labels[series.scored_from..];
    let window = evaluation_window(&series.channel(0)[series.scored_from..]);
    let (mut figures, mut fused) = (Vec::new(), Vec::new());
    for tried in &selection.ranking {
        let Ok(trial) = trial::within(time_limit, &tried.candidate, &whole, &fold) else {
            continue;
        };
        let scored = Scored::new(labels, &trial.folds[0].states).map_err(CallError::input)?;
        if let Some(truth) = vus(&scored, window) {
            figures.push((name(&tried.candidate), tried.value.mean, truth.pr));
            fused.push(fusions::is_fusion(tried.candidate.method));
        }
    }
    let largest = |fusions: bool| {
        let figures = figures.iter().zip(&fused).filter(|(_, fused)| fusions || !**fused);
        figures.map(|(figure, _)| figure).max_by(|one, other| one.2.total_cmp(&other.2))
    };
    let best = (largest(false), largest(true));
    let ((Some(best), Some(best_fused)), Some(chosen)) = (best, figures.first()) else {
        return Err(CallError::input(format!("{}: no candidate could be judged", series.name)));
    };
    let (injected, truth): (Vec<f64>, Vec<f64>) =
        figures.iter().map(|(_, injected, truth)| (*injected, *truth)).unzip();
    Ok(Case {
        series: series.name.clone(),
        choice: chosen.0.clone(),
        chosen: chosen.2,
        best: best.0.clone(),
        oracle: best.2,
        oracle_fused: best_fused.2,
        correlation: rank_correlation(&injected, &truth),
        candidates: figures,
    })
}

/// What a candidate is called: a method can be one twice, as it learns.
fn name(candidate: &Candidate) -> String {
    match candidate.learning {
        Learning::Online => candidate.title(),
        learning => format!("{} ({})", candidate.title(), learning.word()),
    }
}

/// The candidate that is best on average out of those that every series has, and its mean.
pub(crate) fn best_fixed(cases: &[Case]) -> Option<(String, f64)> {
    let names = cases.first()?.candidates.iter().map(|(name, _, _)| name);
    names
        .filter_map(|name| Some((name.clone(), mean_of(cases, name)?)))
        .max_by(|one, other| one.1.total_cmp(&other.1))
}

/// Mean true figure of the candidate called `name`; none where a series lacks it.
pub(crate) fn mean_of(cases: &[Case], name: &str) -> Option<f64> {
    let of = |case: &Case| {
        case.candidates.iter().find(|(one, _, _)| one == name).map(|(_, _, truth)| *truth)
    };
    let truths: Option<Vec<f64>> = cases.iter().map(of).collect();
    truths.map(|truths| truths.iter().sum::<f64>() / truths.len().max(1) as f64)
}

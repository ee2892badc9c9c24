//! One candidate on one series, fold after fold, within a time.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use auscult_detect::Threshold;

use super::folds::Fold;
use super::{Candidate, Learning};
use crate::benchmark::Mode;
use crate::benchmark::runner::{self, Outcome};
use crate::benchmark::series::Series;
use crate::detection::plan::score_of_share;

/// Anomalous rows from which a method that learns from labels can begin.
const LEAST_LABELLED: usize = 2;

/// What a candidate made of a series.
#[derive(Debug)]
pub(super) struct Trial {
    /// One for each fold.
    pub folds: Vec<Judged>,
    pub micros_per_row: f64,
}

/// The scores of one fold; vectors have one entry for each judged row.
#[derive(Debug)]
pub(super) struct Judged {
    /// What alarms are raised by.
    pub scores: Vec<f64>,
    /// How far from normal; the scores where the method tells no state apart.
    pub states: Vec<f64>,
    /// The method's own threshold, as it was known before the fold.
    pub threshold: f64,
}

/// Rows `rows` of `series`, to be judged from the first on.
pub(super) fn copy(series: &Series, rows: Range<usize>) -> Series {
    let channels = series.channels;
    Series {
        name: series.name.clone(),
        channels,
        readings: series.readings[rows.start * channels..rows.end * channels].to_vec(),
        times: series.times[rows.clone()].to_vec(),
        step_seconds: series.step_seconds,
        labels: series.labels[rows].to_vec(),
        train: 0,
        scored_from: 0,
        guilty: Vec::new(),
    }
}

/// Runs `candidate`, which learns from what comes before each fold.
///
/// A method cannot be stopped from outside; past the `limit` it is left behind in a
/// thread that ends with the program, and its result is not waited for.
pub(super) fn within(
    limit: Duration,
    candidate: &Candidate,
    series: &Arc<Series>,
    folds: &[Fold],
) -> Result<Trial, String> {
    if limit.is_zero() {
        return Err("not tried: the time was over".to_owned());
    }
    let (answer, waiting) = mpsc::channel();
    let (candidate, series, folds) = (candidate.clone(), series.clone(), folds.to_vec());
    std::thread::spawn(move || {
        // The one who asked may have gone.
        let _ = answer.send(run(&candidate, &series, &folds));
    });
    match waiting.recv_timeout(limit) {
        Ok(trial) => trial,
        Err(mpsc::RecvTimeoutError::Timeout) => {
            Err(format!("took more than {:.0} s", limit.as_secs_f64().max(1.0)))
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => Err("failed on this data".to_owned()),
    }
}

fn run(candidate: &Candidate, series: &Series, folds: &[Fold]) -> Result<Trial, String> {
    match candidate.learning {
        Learning::Online => online(candidate, series, folds),
        Learning::Batch => {
            let run = |part: &Series| {
                runner::run(candidate.method, &candidate.settings, Mode::Trained, part)
            };
            fold_by_fold(series, folds, run)
        }
        Learning::Labelled => fold_by_fold(series, folds, |part| labelled(candidate, part)),
    }
}

/// One pass; what comes before a row is all that is known at the row.
fn online(candidate: &Candidate, series: &Series, folds: &[Fold]) -> Result<Trial, String> {
    let mut part = copy(series, 0..series.rows());
    part.scored_from = folds[0].judged.start;
    part.train = part.scored_from;
    let outcome = runner::run(candidate.method, &candidate.settings, Mode::Streaming, &part)?;
    let states = outcome.states.as_ref().unwrap_or(&outcome.scores);
    let judged = folds.iter().map(|fold| {
        let rows = fold.judged.start - part.scored_from..fold.judged.end - part.scored_from;
        Judged {
            scores: outcome.scores[rows.clone()].to_vec(),
            states: states[rows].to_vec(),
            threshold: outcome.threshold,
        }
    });
    Ok(Trial { folds: judged.collect(), micros_per_row: outcome.micros_per_row })
}

/// Learns anew before each fold.
fn fold_by_fold(
    series: &Series,
    folds: &[Fold],
    run: impl Fn(&Series) -> Result<Outcome, String>,
) -> Result<Trial, String> {
    let mut trial = Trial { folds: Vec::new(), micros_per_row: 0.0 };
    for fold in folds {
        let mut part = copy(series, 0..fold.judged.end);
        part.train = fold.judged.start;
        part.scored_from = fold.judged.start;
        let outcome = run(&part)?;
        trial.micros_per_row += outcome.micros_per_row / folds.len() as f64;
        trial.folds.push(Judged {
            states: outcome.states.unwrap_or_else(|| outcome.scores.clone()),
            scores: outcome.scores,
            threshold: outcome.threshold,
        });
    }
    Ok(trial)
}

/// Learns from the labels of the past.
fn labelled(candidate: &Candidate, series: &Series) -> Result<Outcome, String> {
    let build = candidate.method.labelled.ok_or("takes no labels")?;
    let estimator = build(&candidate.settings).map_err(|error| error.to_string())?;
    let past = &series.labels[..series.train];
    if past.iter().filter(|label| **label).count() < LEAST_LABELLED {
        // Nothing to learn from yet: live, it would say nothing.
        return Ok(Outcome {
            scores: vec![0.0; series.rows() - series.train],
            states: None,
            threshold: 0.0,
            blame: Vec::new(),
            micros_per_row: 0.0,
            state_bytes: None,
        });
    }
    let labels: Vec<Option<bool>> = past.iter().copied().map(Some).collect();
    let frame = |rows| series.frame(&series.readings, series.channels, rows);
    let start = Instant::now();
    let fit = estimator.fit_labelled(&frame(0..series.train), &labels);
    let fit = fit.map_err(|error| error.to_string())?;
    let scores = fit.model.score(&frame(series.train..series.rows()));
    let scores = scores.map_err(|error| error.to_string())?;
    let threshold = match candidate.method.threshold {
        Threshold::Score(score) => score,
        Threshold::Share(share) => score_of_share(&fit.scores, share),
    };
    Ok(Outcome {
        scores,
        states: None,
        threshold,
        blame: Vec::new(),
        micros_per_row: start.elapsed().as_secs_f64() * 1e6 / series.rows() as f64,
        state_bytes: None,
    })
}

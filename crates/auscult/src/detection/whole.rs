//! Judging series that are held in memory.

use auscult_core::{Detector, Explanation, Frame, Sample, Score, Timestamp};
use auscult_detect::{BoxedFit, Threshold};

use super::finding::Finding;
use super::plan::{Bar, Mode, Plan, score_of_share};
use super::series::Series;
use super::tally::SeriesTally;
use crate::outcome::CallError;

/// The note on a series that has rows and none that is whole.
pub(super) const NOTHING_TO_JUDGE: &str = "every row has a missing cell, so that none was judged";

/// A judged series.
#[derive(Debug)]
pub(crate) struct Judged {
    pub tally: SeriesTally,
    /// The anomalies, or every row if the plan wants all rows; in series order.
    pub findings: Vec<Finding>,
    /// Rows picked for a plot, with what was expected of them.
    pub trace: Vec<Trace>,
}

/// A row for a plot.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    /// Place in the series.
    pub place: usize,
    /// What was expected there; `None` where the method cannot say.
    pub explanation: Option<Explanation>,
    /// Whether the row is an anomaly.
    pub is_anomaly: bool,
}

/// Judges `series` by `plan`, learning from `train` instead of from the series
/// itself if there is one. `traced` rows, spread evenly, are explained for a plot.
pub(crate) fn judge(
    series: &Series,
    train: Option<&Series>,
    plan: &Plan,
    traced: usize,
) -> Result<Judged, CallError> {
    let refuse = |error: &dyn std::fmt::Display| {
        let name = series.name.title();
        CallError::input(format!("{name}: method `{}`: {error}", plan.method.name))
    };
    if series.rows.is_empty() && series.rows_read > 0 {
        // One empty column must not keep the others from being judged.
        let mut tally = opened(series);
        tally.notes.push(NOTHING_TO_JUDGE.to_owned());
        return Ok(Judged { tally, findings: Vec::new(), trace: Vec::new() });
    }
    let every = (series.rows.len() / traced.max(1)).max(1);
    let is_traced = |place: usize| traced > 0 && place.is_multiple_of(every);
    match plan.mode {
        Mode::Online => watch(series, train, plan, is_traced),
        Mode::Batch => {
            let build = plan.method.batch.ok_or_else(|| refuse(&"it has no batch form"))?;
            let estimator = build(&plan.settings).map_err(|error| refuse(&error))?;
            let history = train.unwrap_or(series);
            let fit = estimator.fit(&history.frame()).map_err(|error| refuse(&error))?;
            rate(series, fit, train.is_some(), plan, is_traced)
        }
        Mode::Labelled => {
            let build = plan.method.labelled.ok_or_else(|| refuse(&"it takes no labels"))?;
            let estimator = build(&plan.settings).map_err(|error| refuse(&error))?;
            let history = train.unwrap_or(series);
            let labels = history.labels.as_ref().ok_or_else(|| refuse(&"it needs --label"))?;
            let fit = estimator.fit_labelled(&history.frame(), labels);
            rate(series, fit.map_err(|error| refuse(&error))?, train.is_some(), plan, is_traced)
        }
    }
}

/// The tally of `series` before any row is judged.
fn opened(series: &Series) -> SeriesTally {
    SeriesTally {
        rows: series.rows_read,
        missing: series.missing,
        infinite: series.infinite,
        notes: series.notes.clone(),
        ..SeriesTally::new(series.name.clone())
    }
}

/// The findings of a fitted model.
fn rate(
    series: &Series,
    fit: BoxedFit,
    trained_apart: bool,
    plan: &Plan,
    is_traced: impl Fn(usize) -> bool,
) -> Result<Judged, CallError> {
    let frame = series.frame();
    let threshold = match plan.threshold {
        Threshold::Score(score) => score,
        Threshold::Share(share) => score_of_share(&fit.scores, share),
    };
    let scores =
        if trained_apart { fit.model.score(&frame).map_err(CallError::input)? } else { fit.scores };
    let explain = |place: usize| -> Result<Option<Explanation>, CallError> {
        let explained = if trained_apart {
            fit.model.explain(&frame, place, threshold)
        } else {
            fit.model.explain_history(&frame, place, threshold)
        };
        explained.map_err(CallError::input)
    };
    let mut judged = Judged { tally: opened(series), findings: Vec::new(), trace: Vec::new() };
    judged.tally.threshold = Some(threshold);
    judged.tally.notes.extend(fit.model.describe());
    for (place, score) in scores.into_iter().enumerate() {
        if series.filled[place] {
            continue;
        }
        let passes = score > threshold;
        let wanted = passes || plan.all_rows || is_traced(place);
        let explanation = if wanted { explain(place)? } else { None };
        record(
            &mut judged,
            series,
            place,
            Some(score),
            threshold,
            explanation,
            plan,
            is_traced(place),
        );
    }
    Ok(judged)
}

/// Adds the finding of row `place` to where it belongs.
#[expect(clippy::too_many_arguments, reason = "the two callers hold exactly these")]
fn record(
    judged: &mut Judged,
    series: &Series,
    place: usize,
    score: Option<f64>,
    threshold: f64,
    explanation: Option<Explanation>,
    plan: &Plan,
    traced: bool,
) {
    let mut finding = Finding {
        row: series.rows[place],
        time: series.times.as_ref().map(|times| times[place]),
        series: series.name.clone(),
        readings: Vec::new(),
        score,
        threshold,
        explanation,
    };
    let is_anomaly = finding.is_anomaly();
    if traced || is_anomaly {
        let explanation = finding.explanation.clone();
        judged.trace.push(Trace { place, explanation, is_anomaly });
    }
    if is_anomaly || plan.all_rows {
        let channels = series.name.columns.len();
        finding.readings = series.readings[place * channels..(place + 1) * channels].to_vec();
    }
    let confirmed = plan.budget.is_some() && series.is_anomaly(place);
    judged.tally.count_watched(&finding, confirmed);
    if is_anomaly || plan.all_rows {
        judged.findings.push(finding);
    }
}

/// The findings of a detector that watches the series row by row.
fn watch(
    series: &Series,
    train: Option<&Series>,
    plan: &Plan,
    is_traced: impl Fn(usize) -> bool,
) -> Result<Judged, CallError> {
    let fresh = || -> Result<Box<dyn Detector>, CallError> {
        let mut detector = plan.detector(series.name.columns.len());
        for place in 0..train.map_or(0, |train| train.rows.len()) {
            let train = train.expect("there are rows to learn from");
            detector.learn(sample(train, &train.frame(), place)?).map_err(CallError::input)?;
        }
        Ok(detector)
    };
    let frame = series.frame();
    let mut judged = Judged { tally: opened(series), findings: Vec::new(), trace: Vec::new() };
    let threshold = match plan.threshold {
        Threshold::Score(score) => score,
        // The budget decides instead.
        Threshold::Share(_) if plan.budget.is_some() => f64::MAX,
        // The share refers to the whole series, so its scores come first.
        Threshold::Share(share) => {
            let mut detector = fresh()?;
            let mut scores = Vec::with_capacity(series.rows.len());
            for place in 0..series.rows.len() {
                let score = detector.update(sample(series, &frame, place)?);
                scores.extend(score.map_err(CallError::input)?.ready());
            }
            score_of_share(&scores, share)
        }
    };
    let mut bar = Bar::new(plan.budget, threshold);
    let mut detector = fresh()?;
    for place in 0..series.rows.len() {
        if series.filled[place] {
            continue;
        }
        let sample = sample(series, &frame, place)?;
        let wanted = plan.all_rows || is_traced(place);
        let (score, threshold, explanation) =
            step(detector.as_mut(), sample, &mut bar, series.is_anomaly(place), wanted)?;
        record(
            &mut judged,
            series,
            place,
            score.ready(),
            threshold,
            explanation,
            plan,
            is_traced(place),
        );
    }
    judged.tally.threshold = bar.level();
    judged.tally.coarse = bar.coarse();
    Ok(judged)
}

/// Scores a sample, explains it if it passes the bar or is wanted, learns it; its
/// score, what that had to pass, and why. A `confirmed` anomaly does not move the bar.
pub(crate) fn step(
    detector: &mut dyn Detector,
    sample: Sample<'_>,
    bar: &mut Bar,
    confirmed: bool,
    wanted: bool,
) -> Result<(Score, f64, Option<Explanation>), CallError> {
    let score = bar.rate(detector, sample).map_err(CallError::input)?;
    let height = bar.height(sample.time(), score.ready().unwrap_or(0.0));
    let passes = score.ready().is_some_and(|score| score > height);
    let mut explanation = if passes || wanted {
        detector.explain(sample, height).map_err(CallError::input)?
    } else {
        None
    };
    if bar.level().is_none() {
        // A budget without a history yet has no bar, so no reading lies outside a range.
        explanation.iter_mut().for_each(|why| why.band = None);
    }
    if let Some(score) = score.ready() {
        bar.learn(sample.time(), score, confirmed);
    }
    detector.learn(sample).map_err(CallError::input)?;
    Ok((score, height, explanation))
}

fn sample<'a>(
    series: &Series,
    frame: &'a Frame<'_>,
    place: usize,
) -> Result<Sample<'a>, CallError> {
    // Without a clock, rows are a second apart.
    let time = series
        .times
        .as_ref()
        .map_or_else(|| Timestamp::from_seconds(series.rows[place] as i64), |times| times[place]);
    Sample::new(time, frame.row(place)).map_err(CallError::input)
}

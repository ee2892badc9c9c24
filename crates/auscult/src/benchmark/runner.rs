//! Runs one method on one series, in one mode.

use std::time::Instant;

use auscult_core::{Explanation, Sample, SettingsMap};
use auscult_detect::{BoxedFit, Channels, Method, Threshold};

use super::Mode;
use super::series::{RANGE_HIGH, RANGE_LOW, Series};
use crate::detection::plan::score_of_share;

/// What a method made of a series; vectors have one entry for each row that counts.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Scores, 0 while the method was warming up.
    pub scores: Vec<f64>,
    /// How far from normal the series was, where the method tells that apart.
    pub states: Option<Vec<f64>>,
    /// The method's own threshold.
    pub threshold: f64,
    /// For each anomaly of which the guilty are known: the part each channel had in
    /// the strangest row of it; empty where the method named none.
    pub blame: Vec<Vec<f64>>,
    /// Time for each row seen, learning included, in microseconds.
    pub micros_per_row: f64,
    /// Bytes of the state, as stored; none for batch methods.
    pub state_bytes: Option<usize>,
}

/// Runs `method`; the error says why it would not.
pub(crate) fn run(
    method: &Method,
    settings: &SettingsMap,
    mode: Mode,
    series: &Series,
) -> Result<Outcome, String> {
    if method.channels == Channels::Several && series.channels < 2 {
        return Err("needs several columns".to_owned());
    }
    match mode {
        Mode::Streaming => stream(method, series, |_| settings.clone()),
        Mode::Told => stream(method, series, |head| told(settings, series, head)),
        Mode::Trained | Mode::Whole => batch(method, settings, mode == Mode::Whole, series),
    }
}

/// Channels that are judged together: all, or each by itself.
fn heads(method: &Method, series: &Series) -> Vec<Vec<usize>> {
    if method.channels == Channels::One {
        (0..series.channels).map(|channel| vec![channel]).collect()
    } else {
        vec![(0..series.channels).collect()]
    }
}

/// `settings` with the smallest and largest reading of the channels of `head` in all of
/// `series`; as they are where all readings are equal, which is no range.
fn told(settings: &SettingsMap, series: &Series, head: &[usize]) -> SettingsMap {
    let mut settings = settings.clone();
    let readings = || head.iter().flat_map(|channel| series.channel(*channel));
    let low = readings().fold(f64::INFINITY, f64::min);
    let high = readings().fold(f64::NEG_INFINITY, f64::max);
    if low < high {
        settings.insert(RANGE_LOW.to_owned(), low.into());
        settings.insert(RANGE_HIGH.to_owned(), high.into());
    }
    settings
}

/// Judges row by row; `settings` are those for the channels of one detector.
fn stream(
    method: &Method,
    series: &Series,
    settings: impl Fn(&[usize]) -> SettingsMap,
) -> Result<Outcome, String> {
    let build = method.online.ok_or("has no streaming form")?;
    let heads = heads(method, series);
    let alone = heads.len() > 1 || series.channels == 1;
    let mut detectors = Vec::with_capacity(heads.len());
    for head in &heads {
        detectors.push(build(&settings(head), head.len()).map_err(|error| error.to_string())?);
    }
    let rows = series.rows();
    let mut scores = Vec::with_capacity(rows - series.scored_from);
    let mut states = Vec::with_capacity(rows - series.scored_from);
    let mut tells_states = false;
    let mut learnt = Vec::new();
    let mut blame = Blame::new(series);
    let mut parts = vec![0.0; heads.len()];
    let start = Instant::now();
    for row in 0..rows {
        let (time, readings) = (series.times[row], series.row(row));
        let inside = blame.enter(row);
        let mut ready = false;
        let mut state = 0.0_f64;
        let mut explained = None;
        for (at, detector) in detectors.iter_mut().enumerate() {
            let own = if alone { &readings[at..=at] } else { readings };
            let sample = Sample::new(time, own).map_err(|error| error.to_string())?;
            let said = |error: auscult_core::DetectError| error.to_string();
            let score = if inside && !alone {
                // Explaining comes before learning; only the strangest row is explained.
                let score = detector.score(sample).map_err(said)?;
                if score.ready().is_some_and(|score| blame.is_strangest(score)) {
                    explained = detector
                        .explain(sample, score.ready().unwrap_or(0.0) / 2.0)
                        .map_err(said)?;
                }
                detector.learn(sample).map_err(said)?;
                score
            } else {
                detector.update(sample).map_err(said)?
            };
            ready |= score.ready().is_some();
            parts[at] = score.ready().unwrap_or(0.0);
            // Where a method tells no state, its score is one.
            let told = detector.deviation();
            tells_states |= told.is_some();
            state = state.max(told.unwrap_or(parts[at]));
        }
        let score = parts.iter().copied().fold(0.0, f64::max);
        if inside && blame.is_strangest(score) {
            blame.strangest(score, if alone { parts.clone() } else { shares(explained) });
        }
        if row < series.train && ready && matches!(method.threshold, Threshold::Share(_)) {
            learnt.push(score);
        }
        if row >= series.scored_from {
            scores.push(score);
            states.push(state);
        }
    }
    let micros_per_row = start.elapsed().as_secs_f64() * 1e6 / rows.max(1) as f64;
    let bytes = detectors.iter().map(|detector| {
        serde_json::to_vec(&detector.snapshot()).map_or(0, |snapshot| snapshot.len())
    });
    Ok(Outcome {
        scores,
        states: tells_states.then_some(states),
        threshold: own_threshold(method, &learnt),
        blame: blame.of_each,
        micros_per_row,
        state_bytes: Some(bytes.sum()),
    })
}

fn batch(
    method: &Method,
    settings: &SettingsMap,
    whole: bool,
    series: &Series,
) -> Result<Outcome, String> {
    let build = method.batch.ok_or("has no batch form")?;
    let heads = heads(method, series);
    let alone = heads.len() > 1 || series.channels == 1;
    let learn = if whole { 0..series.rows() } else { 0..series.train };
    let judged = if whole { 0..series.rows() } else { series.scored_from..series.rows() };
    let start = Instant::now();
    let (mut scores, mut learnt) = (vec![0.0_f64; judged.len()], vec![0.0_f64; learn.len()]);
    let mut by_head: Vec<Vec<f64>> = Vec::new();
    let mut fits: Vec<BoxedFit> = Vec::new();
    for head in &heads {
        let own = if heads.len() > 1 { Some(series.channel(head[0])) } else { None };
        let readings = own.as_deref().unwrap_or(&series.readings);
        let estimator = build(settings).map_err(|error| error.to_string())?;
        let history = series.frame(readings, head.len(), learn.clone());
        let fit = estimator.fit(&history).map_err(|error| error.to_string())?;
        let rated = if whole {
            fit.scores.clone()
        } else {
            let rows = series.frame(readings, head.len(), judged.clone());
            fit.model.score(&rows).map_err(|error| error.to_string())?
        };
        scores.iter_mut().zip(&rated).for_each(|(most, score)| *most = most.max(*score));
        learnt.iter_mut().zip(&fit.scores).for_each(|(most, score)| *most = most.max(*score));
        if !series.guilty.is_empty() {
            by_head.push(rated);
            fits.push(fit);
        }
    }
    let micros_per_row = start.elapsed().as_secs_f64() * 1e6 / series.rows().max(1) as f64;
    let threshold = own_threshold(method, &learnt);
    let mut blame = Vec::with_capacity(series.guilty.len());
    for guilty in &series.guilty {
        let rows = guilty.rows.start - judged.start..=guilty.rows.end - judged.start;
        let strangest = rows.rev().max_by(|one, other| scores[*one].total_cmp(&scores[*other]));
        let row = strangest.expect("an anomaly has a row");
        blame.push(if alone {
            by_head.iter().map(|scores| scores[row]).collect()
        } else {
            let rows = series.frame(&series.readings, series.channels, judged.clone());
            let model = &fits[0].model;
            let explained = if whole {
                model.explain_history(&rows, row, threshold)
            } else {
                model.explain(&rows, row, threshold)
            };
            shares(explained.map_err(|error| error.to_string())?)
        });
    }
    let from = series.scored_from - judged.start;
    Ok(Outcome {
        scores: scores.split_off(from),
        states: None,
        threshold,
        blame,
        micros_per_row,
        state_bytes: None,
    })
}

/// The score above which there is an alarm. A method without a convention takes the
/// share it names of what it `learnt`; the truth is never asked.
fn own_threshold(method: &Method, learnt: &[f64]) -> f64 {
    match method.threshold {
        Threshold::Score(score) => score,
        Threshold::Share(share) => score_of_share(learnt, share),
    }
}

/// The shares of `explained`; empty where nobody is named.
fn shares(explained: Option<Explanation>) -> Vec<f64> {
    let share = explained.map(|explained| explained.share).unwrap_or_default();
    if share.iter().any(|part| *part > 0.0) { share } else { Vec::new() }
}

/// Follows a stream through its anomalies and keeps the strangest row of each.
struct Blame<'a> {
    series: &'a Series,
    /// The anomaly at hand and its largest score so far.
    at: usize,
    largest: f64,
    of_each: Vec<Vec<f64>>,
}

impl<'a> Blame<'a> {
    fn new(series: &'a Series) -> Self {
        Self { series, at: 0, largest: 0.0, of_each: vec![Vec::new(); series.guilty.len()] }
    }

    /// Goes to `row`; whether it lies in an anomaly. Rows and anomalies are in order.
    fn enter(&mut self, row: usize) -> bool {
        while self.series.guilty.get(self.at).is_some_and(|guilty| guilty.rows.end < row) {
            self.at += 1;
            self.largest = 0.0;
        }
        self.series.guilty.get(self.at).is_some_and(|guilty| guilty.rows.start <= row)
    }

    fn is_strangest(&self, score: f64) -> bool {
        score > self.largest
    }

    fn strangest(&mut self, score: f64, share: Vec<f64>) {
        self.largest = score;
        self.of_each[self.at] = share;
    }
}

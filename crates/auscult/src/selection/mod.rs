//! Which method of the catalogue suits a person's own data.
//!
//! With labels, every candidate is tried as it would have run: it learns from the past
//! and judges the future, fold after fold. Without, anomalies are injected into the
//! later half of the data. Ranking, reasons and a ready configuration come out.

pub(crate) mod choice;
mod folds;
mod fusions;
mod grid;
pub(crate) mod metric;
pub(crate) mod picture;
pub(crate) mod policy;
mod records;
pub(crate) mod report;
pub(crate) mod study;
mod trial;
pub(crate) mod trust;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auscult_core::SettingsMap;
use auscult_detect::joint::LEAST_PEERS;
use auscult_detect::{CATALOGUE, Method};
use auscult_evaluate::{Interval, bootstrap_mean, consensus, inject, stability};

use crate::benchmark::series::Series;
use crate::outcome::CallError;
use crate::progress::Progress;
use folds::Fold;
use metric::{Metric, Summary};
use trial::Trial;

/// Seeds of the injections, each a try of its own.
const SEEDS: [u64; 3] = [1, 2, 3];
/// Anomalies that are injected at each try.
const INJECTED: usize = 16;
/// Candidates whose consensus and stability are worth measuring.
const FINALISTS: usize = 10;
/// Share of the whole time that one candidate may take.
const ONE_SHARE: u32 = 10;
/// Draws of the bootstrap.
const RESAMPLES: usize = 1000;
/// What its intervals cover.
const LEVEL: f64 = 0.95;

/// How many times as much of what was injected another candidate must find, at every try,
/// to take the place of what one would take for several columns.
const FAR_BETTER: f64 = 2.0;

/// What one would take without choosing: for several columns on a live stream, for several in a
/// file, and for one.
pub(crate) const UNSEEN_STREAM: &str = "mahalanobis-ensemble";
pub(crate) const UNSEEN_FILE: &str = "two-way-fusion";
const UNSEEN_ONE: &str = "pot-ensemble";

/// How a candidate learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Learning {
    /// Row by row, each judged by those before it.
    Online,
    /// From the past as a whole; the future is judged by what was learnt.
    Batch,
    /// The same, told which past rows were anomalies.
    Labelled,
}

impl Learning {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Batch => "batch",
            Self::Labelled => "labelled",
        }
    }
}

/// A method with settings, to be tried.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub method: &'static Method,
    pub settings: SettingsMap,
    pub learning: Learning,
}

impl Candidate {
    /// Name and settings, as a person would write them.
    pub(crate) fn title(&self) -> String {
        match fusions::members(&self.settings) {
            Some(members) => {
                let members = members.0.iter();
                let titles = members.map(|member| title(&member.method, &member.settings));
                format!("{} ({})", self.method.name, titles.collect::<Vec<_>>().join(", "))
            }
            None => title(self.method.name, &self.settings),
        }
    }
}

/// The method called `name` with `settings`, as a person would write them.
fn title(name: &str, settings: &SettingsMap) -> String {
    let flags = settings.iter().map(|(setting, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!(" --{} {value}", setting.replace('_', "-"))
    });
    name.to_owned() + &flags.collect::<String>()
}

/// A candidate that was tried.
#[derive(Debug, Clone)]
pub(crate) struct Tried {
    pub candidate: Candidate,
    /// The metric, and where its mean over other folds or tries probably lies.
    pub value: Interval,
    /// The metric, fold by fold or try by try.
    pub values: Vec<f64>,
    pub summary: Summary,
    /// A threshold that did best on the judged rows; none without labels.
    pub threshold: Option<f64>,
    pub micros_per_row: f64,
    /// Agreement with the other finalists; without labels only.
    pub consensus: Option<f64>,
    /// Agreement with itself after another history; without labels only.
    pub stability: Option<f64>,
    /// Scores of the judged rows of the first series, for a plot.
    pub scores: Vec<f64>,
    /// First of these rows.
    pub from: usize,
}

/// What is to be found out.
#[derive(Debug)]
pub(crate) struct Question {
    /// The series, at least one; their labels are the truth if `labelled`.
    pub series: Vec<Series>,
    pub labelled: bool,
    pub metric: Metric,
    pub time_limit: Duration,
    /// Only these methods; all when empty.
    pub methods: Vec<&'static Method>,
    /// Only methods that can run online.
    pub online: bool,
}

/// What was found out.
#[derive(Debug)]
pub(crate) struct Selection {
    /// Best first, at least one.
    pub ranking: Vec<Tried>,
    /// Candidates without a figure, and why.
    pub absent: Vec<(Candidate, String)>,
    /// Values that each figure is the mean of.
    pub tries: usize,
    /// Anomalies that were to be found.
    pub anomalies: usize,
}

/// Every candidate for series of `channels` columns.
pub(crate) fn candidates(question: &Question) -> Vec<Candidate> {
    let channels = question.series[0].channels;
    let named = |method: &&Method| {
        question.methods.is_empty() || question.methods.iter().any(|one| one.name == method.name)
    };
    let mut all = Vec::new();
    for method in CATALOGUE.iter().copied().flatten().filter(named) {
        if method.channels == auscult_detect::Channels::Several && channels < 2 {
            continue;
        }
        if method.name == "peers" && channels < LEAST_PEERS {
            continue;
        }
        for settings in grid::settings(method) {
            let mut add = |learning| {
                all.push(Candidate { method, settings: settings.clone(), learning });
            };
            if method.online.is_some() {
                add(Learning::Online);
            }
            if method.batch.is_some() && !question.online {
                add(Learning::Batch);
            }
            if method.labelled.is_some() && question.labelled && !question.online {
                add(Learning::Labelled);
            }
        }
    }
    // Plain settings first, so that a short time limit leaves variants out and no method.
    all.sort_by_key(|candidate| !candidate.settings.is_empty());
    all
}

/// Tries every candidate.
pub(crate) fn select(question: &Question, progress: &Progress) -> Result<Selection, CallError> {
    let (series, folds) = tasks(question)?;
    let all = candidates(question);
    let end = Instant::now() + question.time_limit;
    let (mut tried, mut absent) = (Vec::new(), Vec::new());
    let mut try_each = |candidates: Vec<Candidate>, tried: &mut Vec<Tried>| {
        progress.steps("trying", candidates.len() as u64);
        for candidate in candidates {
            let left = end.saturating_duration_since(Instant::now());
            let share = left.min(question.time_limit / ONE_SHARE);
            match attempt(&candidate, &series, &folds, question, share) {
                Ok(one) => tried.push(one),
                Err(why) => absent.push((candidate, why)),
            }
            progress.step();
        }
        rank(tried);
    };
    try_each(all, &mut tried);
    let fusions = fusions::fusions(question, &tried);
    try_each(fusions, &mut tried);
    prefer(&mut tried, question);
    if tried.is_empty() {
        let why = absent.first().map_or_else(
            || "there is no candidate".to_owned(),
            |(candidate, why)| format!("`{}`: {why}", candidate.method.name),
        );
        return Err(CallError::input(format!("no method could be tried: {why}")));
    }
    if !question.labelled {
        cross_check(&mut tried, question, end, progress);
    }
    progress.done();
    let anomalies =
        series.iter().zip(&folds).map(|(series, folds)| folds::anomalies(series, folds)).sum();
    let tries = folds.iter().map(Vec::len).sum();
    Ok(Selection { ranking: tried, absent, tries, anomalies })
}

/// Brings the best to the front.
fn rank(tried: &mut [Tried]) {
    // Of equals, the one whose alarms are worth more; then the simpler, which comes first.
    tried.sort_by(|one: &Tried, other: &Tried| {
        let key = |one: &Tried| (one.value.mean, one.summary.f1());
        let (one, other) = (key(one), key(other));
        other.0.total_cmp(&one.0).then(other.1.total_cmp(&one.1))
    });
}

/// Puts a candidate first that needs no choosing: a search over variants and fusions flatters the winner.
///
/// With labels that is the best with plain settings, unless the very best is better, fold by fold,
/// than chance explains. Without, it is what one would take unseen: for one column unless the
/// very best is better at every try, for several unless it is twice as good. Smaller leads on
/// injected anomalies did not carry over to real ones there: see `docs/select.md`.
fn prefer(tried: &mut [Tried], question: &Question) {
    let Some(best) = tried.first().map(|best| best.values.clone()) else { return };
    let is_preferred = |one: &Tried| {
        if question.labelled {
            one.candidate.settings.is_empty()
        } else {
            is_unseen(&one.candidate, question)
        }
    };
    let is_as_good = |one: &Tried| {
        let leads: Vec<f64> = best.iter().zip(&one.values).map(|(best, one)| best - one).collect();
        bootstrap_mean(&leads, RESAMPLES, LEVEL, 1).is_none_or(|lead| lead.low <= 0.0)
    };
    let is_half_as_good =
        |one: &Tried| best.iter().zip(&one.values).any(|(best, one)| *best <= FAR_BETTER * one);
    let is_enough = |one: &Tried| {
        if question.labelled || question.series[0].channels == 1 {
            is_as_good(one)
        } else {
            is_half_as_good(one)
        }
    };
    let place = tried.iter().position(is_preferred);
    if let Some(place) = place.filter(|place| is_enough(&tried[*place])) {
        tried[..=place].rotate_right(1);
    }
}

/// Whether `candidate` is what one would take without choosing.
fn is_unseen(candidate: &Candidate, question: &Question) -> bool {
    let unseen = match (question.series[0].channels, question.online) {
        (1, _) => UNSEEN_ONE,
        (_, true) => UNSEEN_STREAM,
        (_, false) => UNSEEN_FILE,
    };
    candidate.method.name == unseen
        && candidate.settings.is_empty()
        && (candidate.learning == Learning::Online || unseen == UNSEEN_FILE)
}

/// Series, and the folds of each.
type Tasks = (Vec<Arc<Series>>, Vec<Vec<Fold>>);

/// The series to be judged, with their folds: the person's own, or copies with
/// injected anomalies.
fn tasks(question: &Question) -> Result<Tasks, CallError> {
    let (mut series, mut folds) = (Vec::new(), Vec::new());
    for own in &question.series {
        if question.labelled {
            folds.push(folds::expanding(own));
            series.push(Arc::new(trial::copy(own, 0..own.rows())));
            continue;
        }
        for seed in SEEDS {
            let half = own.rows() / 2;
            let injected = inject(&own.readings, own.channels, half..own.rows(), INJECTED, seed);
            let injected = injected.ok_or_else(|| {
                CallError::input(format!(
                    "{} rows are too few to inject anomalies into; at least {} are needed",
                    own.rows(),
                    16 * INJECTED
                ))
            })?;
            let mut copy = trial::copy(own, 0..own.rows());
            copy.readings = injected.readings;
            copy.labels = injected.labels;
            folds.push(vec![Fold { judged: half..own.rows() }]);
            series.push(Arc::new(copy));
        }
    }
    let any = series.iter().zip(&folds).any(|(series, folds)| folds::anomalies(series, folds) > 0);
    if any {
        Ok((series, folds))
    } else {
        Err(CallError::input(
            "no row of the later 60 % is labelled an anomaly, so that no method can be judged; \
             leave --label out to choose by injected anomalies",
        ))
    }
}

/// Tries one candidate on every series within `limit`.
fn attempt(
    candidate: &Candidate,
    series: &[Arc<Series>],
    folds: &[Vec<Fold>],
    question: &Question,
    limit: Duration,
) -> Result<Tried, String> {
    let end = Instant::now() + limit;
    let mut trials: Vec<Trial> = Vec::with_capacity(series.len());
    for (series, folds) in series.iter().zip(folds) {
        let left = end.saturating_duration_since(Instant::now());
        trials.push(trial::within(left, candidate, series, folds)?);
    }
    let mut summary = Summary::default();
    let mut values = Vec::new();
    for ((trial, series), folds) in trials.iter().zip(series).zip(folds) {
        values.extend(metric::judge(question.metric, trial, series, folds, &mut summary));
    }
    let value = bootstrap_mean(&values, RESAMPLES, LEVEL, 1)
        .ok_or("the metric has no value on any fold")?;
    let threshold =
        if question.labelled { metric::best_threshold(&trials, series, folds) } else { None };
    let micros = trials.iter().map(|trial| trial.micros_per_row).sum::<f64>();
    Ok(Tried {
        candidate: candidate.clone(),
        value,
        values,
        summary,
        threshold,
        micros_per_row: micros / trials.len() as f64,
        consensus: None,
        stability: None,
        from: folds[0][0].judged.start,
        scores: trials.swap_remove(0).folds.into_iter().flat_map(|fold| fold.states).collect(),
    })
}

/// Measures consensus and stability of the best candidates on the data as it is.
fn cross_check(tried: &mut [Tried], question: &Question, end: Instant, progress: &Progress) {
    progress.say("cross-checking the best");
    let own = &question.series[0];
    let (rows, half) = (own.rows(), own.rows() / 2);
    let whole = Arc::new(trial::copy(own, 0..rows));
    let later = Arc::new(trial::copy(own, half / 2..rows));
    let mut scores: HashMap<usize, Vec<f64>> = HashMap::new();
    for (at, one) in tried.iter_mut().take(FINALISTS).enumerate() {
        let run = |series: &Arc<Series>, from: usize| {
            let folds = [Fold { judged: from..series.rows() }];
            let left = end.saturating_duration_since(Instant::now());
            let trial = trial::within(left, &one.candidate, series, &folds).ok()?;
            trial.folds.into_iter().next().map(|fold| fold.states)
        };
        let (Some(plain), Some(short)) = (run(&whole, half), run(&later, half - half / 2)) else {
            continue;
        };
        one.stability = stability(&plain, &[&short]);
        one.scores.clone_from(&plain);
        scores.insert(at, plain);
    }
    let mut places: Vec<usize> = scores.keys().copied().collect();
    places.sort_unstable();
    let vectors: Vec<&[f64]> = places.iter().map(|at| scores[at].as_slice()).collect();
    for (at, agreement) in places.iter().zip(consensus(&vectors)) {
        tried[*at].consensus = agreement;
    }
}

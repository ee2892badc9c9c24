//! Series as they are now, and those that are not watched.

use auscult_core::{Band, Labels, LabelsRef, METRIC_NAME, SettingsMap};
use auscult_engine::{Judging, MethodView, Selector};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ask::{Ask, Nothing};
use super::problem::Problem;
use super::values::{Time, limit};
use crate::serve::Shared;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SeriesQuery {
    /// Only series of this metric.
    metric: Option<String>,
    /// Labels that a series must have, as `name=value`, joined by commas.
    labels: Option<String>,
    /// Only series that one of these series selectors means. May stand more than once.
    #[serde(default, rename = "match[]")]
    select: Vec<Selector>,
    /// Where the page begins: what `next` of the page before said.
    after: Option<String>,
    /// Most entries of the page, from 1 to 10,000; 100 unless set.
    limit: Option<usize>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SeriesPage")]
pub(super) struct SeriesPage {
    /// In the order of their labels.
    series: Vec<SeriesNow>,
    /// Series behind those of the page.
    more: usize,
    /// What to give as `after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A series as it is now.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Series")]
pub(super) struct SeriesNow {
    /// What it is called.
    labels: Labels,
    /// The signal that it tells, where its metric is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<String>,
    /// The unit of that signal, such as `seconds`, `ratio` or `bytes per second`.
    #[serde(skip_serializing_if = "Option::is_none")]
    signal_unit: Option<String>,
    /// The reading in that unit; `reading`, `expected` and `band` are as the series was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    signal_reading: Option<f64>,
    /// When it was last read.
    time: Time,
    /// What it read, after counters were turned into rates per second.
    reading: f64,
    /// What would be normal; `null` while it is new.
    expected: Option<f64>,
    /// What would not be odd; `null` while it is new.
    band: Option<Band>,
    /// How far from normal it is lately, at least 0; `null` while it is new.
    deviation: Option<f64>,
    /// Whether its source said that it has ended for now.
    ended: bool,
    /// Methods that policies assign to it; `expected`, `band` and `deviation` are those of the
    /// default detector.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    methods: Vec<MethodNow>,
}

/// A method on a series, as it is now.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SeriesMethod")]
struct MethodNow {
    /// What it is called in the catalogue.
    name: String,
    /// Its settings that differ from the defaults.
    settings: SettingsMap,
    /// Whether it judges several series of the target jointly.
    joint: bool,
    /// How many series it judges, with this one.
    series: usize,
    /// How far it has come: `learning` (its history does not yet say how rare its scores are),
    /// `judging`, `waiting` (for the series that it is to judge jointly), `no_room`.
    state: &'static str,
    /// Seconds in which it says something as odd as it did last once; 0 while that is not known.
    return_seconds: f64,
}

impl MethodNow {
    fn new(view: MethodView) -> Self {
        Self {
            name: view.method.name().to_owned(),
            settings: view.method.settings().clone(),
            joint: view.judging == Judging::Jointly,
            series: view.channels,
            state: view.state.as_str(),
            return_seconds: view.return_seconds,
        }
    }
}

fn cursor(labels: &Labels) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(labels.as_ref().bytes())
}

fn read_cursor(text: &str) -> Option<Labels> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    LabelsRef::decode(&bytes).map(LabelsRef::to_owned)
}

pub(super) fn list(shared: &Shared, ask: Ask<SeriesQuery, Nothing>) -> Result<SeriesPage, Problem> {
    let query = ask.query;
    let limit = limit(query.limit)?;
    let mut wanted: Vec<(&str, &str)> = Vec::new();
    wanted.extend(query.metric.as_deref().map(|metric| (METRIC_NAME, metric)));
    for pair in query.labels.iter().flat_map(|labels| labels.split(',')) {
        let refuse = || Problem::wrong(format!("`labels` has `{pair}`: expected name=value"));
        wanted.push(pair.split_once('=').ok_or_else(refuse)?);
    }
    let after = query.after.as_deref().map(|after| {
        let refuse = || Problem::wrong(format!("`after` is `{after}`: expected `next` of a page"));
        read_cursor(after).ok_or_else(refuse)
    });
    let after = after.transpose()?;
    let is_wanted = |labels: &Labels| {
        let is_meant = |selector: &Selector| selector.matches(labels.as_ref());
        wanted.iter().all(|(name, value)| labels.get(name) == Some(*value))
            && (query.select.is_empty() || query.select.iter().any(is_meant))
    };
    let (views, more) = shared.engine.series_page(is_wanted, after.as_ref(), limit);
    let next = views.last().filter(|_| more > 0).map(|last| cursor(&last.labels));
    let series = views
        .into_iter()
        .map(|view| SeriesNow {
            labels: view.labels,
            signal: view.signal,
            signal_reading: view.unit.as_ref().map(|(_, scale)| view.reading * scale),
            signal_unit: view.unit.map(|(unit, _)| unit),
            time: Time(view.time),
            reading: view.reading,
            expected: view.expected,
            band: view.band,
            deviation: view.deviation,
            ended: view.ended,
            methods: view.methods.into_iter().map(MethodNow::new).collect(),
        })
        .collect();
    Ok(SeriesPage { series, more, next })
}

/// Samples that are not watched.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct UnwatchedSeries {
    /// Series that are watched.
    series: usize,
    /// Most series that are watched.
    series_limit: usize,
    /// Samples since the start of series that are not watched, as there is no room for them.
    samples: u64,
    /// The metrics with most of them, 100 at most.
    metrics: Vec<UnwatchedMetric>,
}

/// A metric with series that are not watched.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct UnwatchedMetric {
    /// What it is called.
    metric: String,
    /// Samples since the start, at most.
    samples: u64,
    /// By how much `samples` may be too high.
    samples_over: u64,
    /// When the newest of them was read.
    newest: Time,
    /// One of its series that are not watched.
    example: Labels,
}

pub(super) fn unwatched(
    shared: &Shared,
    _: Ask<Nothing, Nothing>,
) -> Result<UnwatchedSeries, Problem> {
    let engine = &shared.engine;
    let metrics = engine.unwatched().into_iter().map(|one| UnwatchedMetric {
        metric: one.metric,
        samples: one.samples,
        samples_over: one.samples_over,
        newest: Time(one.newest),
        example: one.example,
    });
    Ok(UnwatchedSeries {
        series: engine.series(),
        series_limit: engine.settings().most_series,
        samples: engine.counts().unwatched,
        metrics: metrics.collect(),
    })
}

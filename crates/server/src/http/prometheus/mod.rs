//! The query API of Prometheus, for Grafana and other clients.
//!
//! Source: "HTTP API" of the Prometheus documentation.

mod answer;
mod parameters;
mod units;

use std::collections::BTreeMap;
use std::sync::Arc;

use auscult_promql::{Limits, QueryError, Selector};
use auscult_telemetry::metrics::MetricKind;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use crate::access::{Protocol, Role, Routes};
use crate::query::{self, Asked, Stored};
use crate::serve::Shared;
use answer::{ApiError, data, listed};
use parameters::Parameters;

/// The release of Prometheus whose API and language this is; clients go by it.
const SPOKEN: &str = "3.0.0";
/// How far back metrics count that are told of, in milliseconds.
const RECENT: i64 = 3_600_000;

pub(super) fn routes(shared: &Arc<Shared>) -> Routes {
    let reader = Role::Reader;
    Routes::new(shared, Protocol::HTTP)
        .route(reader, "/query", get(instant).post(instant))
        .route(reader, "/query_range", get(range).post(range))
        .route(reader, "/series", get(series).post(series))
        .route(reader, "/labels", get(labels).post(labels))
        .route(reader, "/label/{name}/values", get(label_values))
        .route(reader, "/metadata", get(metadata))
        .route(reader, "/format_query", get(format_query).post(format_query))
        .route(reader, "/status/buildinfo", get(build_info))
}

type Answered = Result<Response, ApiError>;

async fn instant(State(shared): State<Arc<Shared>>, request: Request) -> Answered {
    let parameters = Parameters::of(request).await?;
    let time = parameters.time("time")?.unwrap_or_else(units::now);
    let limit = parameters.limit("limit")?;
    let query = parameters.query()?;
    let answer = run(shared, parameters.asked()?, move |shared, limits| {
        query.instant(&Stored::new(shared, limits.stop), time, limits)
    });
    Ok(answer::of(answer.await?, limit))
}

async fn range(State(shared): State<Arc<Shared>>, request: Request) -> Answered {
    let parameters = Parameters::of(request).await?;
    let (start, end) = (parameters.need_time("start")?, parameters.need_time("end")?);
    if end < start {
        let reason = "invalid parameter \"end\": end timestamp must not be before start time";
        return Err(ApiError::bad_data(reason));
    }
    let step = parameters.step()?;
    let most = shared.settings.query.most_points;
    let points = end.saturating_sub(start) / step;
    if usize::try_from(points).is_ok_and(|points| points > most) {
        let most = units::with_commas(most);
        return Err(ApiError::bad_data(format!(
            "exceeded maximum resolution of {most} points per timeseries. Try decreasing the query resolution (?step=XX)"
        )));
    }
    let limit = parameters.limit("limit")?;
    let query = parameters.query()?;
    let answer = run(shared, parameters.asked()?, move |shared, limits| {
        query.range(&Stored::new(shared, limits.stop), (start, end, step), limits)
    });
    Ok(answer::of(answer.await?, limit))
}

async fn series(State(shared): State<Arc<Shared>>, request: Request) -> Answered {
    let parameters = Parameters::of(request).await?;
    let limit = parameters.limit("limit")?;
    if parameters.all("match[]").next().is_none() {
        return Err(ApiError::bad_data("no match[] parameter provided"));
    }
    let found = look(shared, &parameters, |stored, selectors, (from, to)| {
        stored.series(selectors, from, to)
    });
    Ok(listed(found.await?.into_iter().map(|(labels, _)| json!(labels)), limit))
}

async fn labels(State(shared): State<Arc<Shared>>, request: Request) -> Answered {
    let parameters = Parameters::of(request).await?;
    let limit = parameters.limit("limit")?;
    let names = look(shared, &parameters, |stored, selectors, (from, to)| {
        stored.label_names(selectors, from, to)
    });
    Ok(listed(names.await?.into_iter().map(Value::from), limit))
}

async fn label_values(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    request: Request,
) -> Answered {
    let parameters = Parameters::of(request).await?;
    let limit = parameters.limit("limit")?;
    let values = look(shared, &parameters, move |stored, selectors, (from, to)| {
        stored.label_values(&name, selectors, from, to)
    });
    Ok(listed(values.await?.into_iter().map(Value::from), limit))
}

/// What sources said that metrics are: those with samples in the last hour, and those that were
/// declared apart from samples. Help and units are not kept.
async fn metadata(State(shared): State<Arc<Shared>>, request: Request) -> Answered {
    let parameters = Parameters::of(request).await?;
    let limit = parameters.limit("limit")?.unwrap_or(usize::MAX);
    let each = parameters.limit("limit_per_metric")?.unwrap_or(1);
    let wanted = parameters.get("metric").filter(|metric| !metric.is_empty());
    let mut kinds: BTreeMap<String, MetricKind> = shared.engine.declared().into_iter().collect();
    if shared.storage.is_some() {
        let now = units::now();
        let look = move |shared: &Shared, limits: &Limits<'_>| {
            Stored::new(shared, limits.stop).series(&[], now - RECENT, i64::MAX)
        };
        for (labels, kind) in run(shared, parameters.asked()?, look).await? {
            let kind = MetricKind::of_code(kind);
            if kind != MetricKind::Unknown {
                kinds.insert(family(labels.as_ref().metric(), kind).to_owned(), kind);
            }
        }
    }
    let kinds = kinds.into_iter();
    let kinds = kinds.filter(|(metric, _)| wanted.is_none_or(|wanted| wanted == metric));
    let entries = kinds.take(limit).map(|(metric, kind)| {
        let entry = json!({"type": kind.name(), "help": "", "unit": ""});
        (metric, Value::Array([entry].into_iter().take(each).collect()))
    });
    Ok(data(&Value::Object(entries.collect())))
}

/// What the parts of a histogram or a summary are parts of.
fn family(metric: &str, kind: MetricKind) -> &str {
    let has_parts =
        matches!(kind, MetricKind::Histogram | MetricKind::GaugeHistogram | MetricKind::Summary);
    let parts = ["_bucket", "_sum", "_count"].into_iter().filter(|_| has_parts);
    parts.filter_map(|part| metric.strip_suffix(part)).next().unwrap_or(metric)
}

async fn format_query(request: Request) -> Answered {
    let parameters = Parameters::of(request).await?;
    Ok(data(&json!(parameters.query()?.pretty())))
}

async fn build_info() -> Response {
    data(&json!({
        "application": "auscult",
        "version": SPOKEN,
        "revision": env!("CARGO_PKG_VERSION"),
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
    }))
}

/// What `ask` finds of the series and times that the parameters select.
async fn look<T: Send + 'static>(
    shared: Arc<Shared>,
    parameters: &Parameters,
    ask: impl FnOnce(&Stored<'_>, &[Selector], (i64, i64)) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, ApiError> {
    let (from, to) = (parameters.time("start")?, parameters.time("end")?);
    let window = (from.unwrap_or(i64::MIN), to.unwrap_or(i64::MAX));
    let selectors: Result<Vec<Selector>, ApiError> =
        parameters.all("match[]").map(parameters::selector).collect();
    let selectors = selectors?;
    let look = move |shared: &Shared, limits: &Limits<'_>| {
        ask(&Stored::new(shared, limits.stop), &selectors, window)
    };
    run(shared, parameters.asked()?, look).await
}

async fn run<T: Send + 'static>(
    shared: Arc<Shared>,
    asked: Asked,
    work: impl FnOnce(&Shared, &Limits<'_>) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, ApiError> {
    match query::run(shared, asked, work).await {
        Some(answer) => answer.map_err(ApiError::from),
        None => Err(ApiError::internal("the evaluation failed; this is a bug of auscult")),
    }
}

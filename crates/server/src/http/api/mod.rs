//! What auscult knows, as JSON.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use auscult_core::{Band, Labels, METRIC_NAME};
use auscult_engine::incident::{Incident, State as IncidentState};
use auscult_telemetry::format_time;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::access::{Protocol, Role, Routes};
use crate::serve::Shared;

/// Entries of a page, unless another number is asked for.
const PAGE: usize = 100;
/// Most entries of a page.
const MOST: usize = 10_000;
/// How often a live view looks for what is new.
const LOOK: Duration = Duration::from_millis(500);

pub(super) fn routes(shared: &Arc<Shared>, stopped: watch::Receiver<bool>) -> Routes {
    let live = get(move |state, headers| changes(state, headers, stopped.clone()));
    Routes::new(shared, Protocol::HTTP)
        .route(Role::Reader, "/incidents", get(incidents))
        .route(Role::Reader, "/incidents/{id}", get(incident))
        .route(Role::Reader, "/series", get(series))
        .route(Role::Reader, "/changes", live)
}

/// What was asked for cannot be.
#[derive(Debug, Serialize)]
struct Problem {
    error: String,
}

fn refuse(status: StatusCode, error: impl Into<String>) -> Response {
    (status, Json(Problem { error: error.into() })).into_response()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct IncidentsQuery {
    /// Only incidents in this state.
    state: Option<IncidentState>,
    /// Only incidents older than the one with this number.
    before: Option<u64>,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
struct IncidentsPage {
    incidents: Vec<Incident>,
    /// What to give as `before` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

async fn incidents(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<IncidentsQuery>,
) -> Json<IncidentsPage> {
    let limit = query.limit.unwrap_or(PAGE).clamp(1, MOST);
    let find = move || shared.find_incidents(query.state, query.before, limit + 1);
    let mut incidents = tokio::task::spawn_blocking(find).await.unwrap_or_default();
    let more = incidents.len() > limit;
    incidents.truncate(limit);
    let next = incidents.last().filter(|_| more).map(|incident| incident.id);
    Json(IncidentsPage { incidents, next })
}

async fn incident(State(shared): State<Arc<Shared>>, Path(id): Path<u64>) -> Response {
    let found = tokio::task::spawn_blocking(move || shared.find_incident(id)).await;
    match found.ok().flatten() {
        Some(incident) => Json(incident).into_response(),
        None => refuse(StatusCode::NOT_FOUND, format!("there is no incident {id}")),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeriesQuery {
    /// Only series of this metric.
    metric: Option<String>,
    /// Labels that a series must have, as `name=value`, joined by commas.
    labels: Option<String>,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
struct SeriesPage {
    series: Vec<SeriesNow>,
    /// Series beyond the limit.
    more: usize,
}

#[derive(Debug, Serialize)]
struct SeriesNow {
    labels: Labels,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<String>,
    time: String,
    reading: f64,
    expected: Option<f64>,
    band: Option<Band>,
    deviation: Option<f64>,
    ended: bool,
}

async fn series(State(shared): State<Arc<Shared>>, Query(query): Query<SeriesQuery>) -> Response {
    let mut wanted: Vec<(String, String)> = Vec::new();
    wanted.extend(query.metric.map(|metric| (METRIC_NAME.to_owned(), metric)));
    for pair in query.labels.iter().flat_map(|labels| labels.split(',')) {
        let Some((name, value)) = pair.split_once('=') else {
            let error = format!("labels has `{pair}`; expected name=value");
            return refuse(StatusCode::BAD_REQUEST, error);
        };
        wanted.push((name.to_owned(), value.to_owned()));
    }
    let limit = query.limit.unwrap_or(PAGE).clamp(1, MOST);
    let look = move || {
        shared.engine.series_now(|labels| {
            wanted.iter().all(|(name, value)| labels.get(name) == Some(value.as_str()))
        })
    };
    let Ok(mut views) = tokio::task::spawn_blocking(look).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let more = views.len().saturating_sub(limit);
    views.truncate(limit);
    let series = views
        .into_iter()
        .map(|view| SeriesNow {
            labels: view.labels,
            signal: view.signal,
            time: format_time(view.time),
            reading: view.reading,
            expected: view.expected,
            band: view.band,
            deviation: view.deviation,
            ended: view.ended,
        })
        .collect();
    Json(SeriesPage { series, more }).into_response()
}

/// What happens to incidents, as it happens. A client that comes back says in
/// `Last-Event-ID` what it has seen last.
async fn changes(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    stopped: watch::Receiver<bool>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let state = (shared, seen.unwrap_or(0), stopped);
    let events = stream::unfold(state, |(shared, seen, mut stopped)| async move {
        loop {
            let changes = shared.engine.changes_after(seen);
            if let Some(change) = changes.first() {
                let event = Event::default()
                    .id(change.number.to_string())
                    .event("incident")
                    .json_data(change)
                    .unwrap_or_default();
                return Some((Ok(event), (shared, change.number, stopped)));
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = stopped.changed() => return None,
            }
        }
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

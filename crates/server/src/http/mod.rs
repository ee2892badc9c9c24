//! Every address of the service.

mod api;
mod pages;
mod prometheus;
mod report_page;
mod scores;
mod verdict_page;
mod write;

pub(crate) use api::PREFIX as API;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tokio::sync::watch;

use crate::access::{Protocol, Role, Routes};
use crate::otlp;
use crate::own_metrics::OwnMetrics;
use crate::reload::Reloader;
use crate::serve::Shared;
use crate::storage::Storage;

/// What answers requests; streams end when `stopped` says so.
pub(crate) fn routes(
    shared: &Arc<Shared>,
    reloader: Reloader,
    stopped: watch::Receiver<bool>,
) -> Routes {
    Routes::new(shared, Protocol::HTTP)
        .route(Role::Writer, "/api/v1/write", post(write::remote_write))
        .merge(otlp::http::routes(shared))
        .nest(api::PREFIX, api::routes(shared, stopped))
        .nest("/api/v1", prometheus::routes(shared))
        .merge(verdict_page::routes(shared))
        .merge(report_page::routes(shared))
        .open_route("/-/healthy", get(|| async { "healthy\n" }))
        .open_route("/-/ready", get(ready))
        .route(Role::Operator, "/-/reload", post(move || reload(reloader.clone())))
        .route(Role::Reader, "/metrics", get(metrics))
}

/// 200 once the past of all sources is read, and as long as samples are judged, also while they
/// cannot be stored: who routes by this must not keep samples away because a disk is full.
async fn ready(State(shared): State<Arc<Shared>>) -> (StatusCode, String) {
    if !shared.is_warm() {
        let reason = "the past of its sources is still being read\n".to_owned();
        return (StatusCode::SERVICE_UNAVAILABLE, reason);
    }
    match shared.storage.as_ref().and_then(Storage::trouble) {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(trouble) => {
            (StatusCode::OK, format!("ready, but not everything is stored: {trouble}\n"))
        }
    }
}

/// 200 once the configuration that is there now holds, 500 with what is wrong with it.
async fn reload(reloader: Reloader) -> (StatusCode, String) {
    match reloader.reload().await {
        Ok(()) => (StatusCode::OK, "reloaded\n".to_owned()),
        Err(reason) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{reason}\n")),
    }
}

async fn metrics(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], OwnMetrics::render(&shared))
}

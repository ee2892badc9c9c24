//! Every address of the service.

mod api;
mod write;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tokio::sync::watch;

use crate::own_metrics::OwnMetrics;
use crate::serve::Shared;
use crate::storage::Storage;

/// Answers requests; streams end when `stopped` says so.
pub(crate) fn router(shared: Arc<Shared>, stopped: watch::Receiver<bool>) -> Router {
    let limit = shared.settings.most_request_bytes;
    Router::new()
        .route("/api/v1/write", post(write::remote_write))
        .nest("/api/auscult/v1", api::router(stopped))
        .route("/-/healthy", get(|| async { "healthy\n" }))
        .route("/-/ready", get(ready))
        .route("/metrics", get(metrics))
        .layer(DefaultBodyLimit::max(limit))
        .with_state(shared)
}

/// 200 as long as samples are judged, also while they cannot be stored: who routes by this
/// must not keep samples away because a disk is full.
async fn ready(State(shared): State<Arc<Shared>>) -> String {
    match shared.storage.as_ref().and_then(Storage::trouble) {
        None => "ready\n".to_owned(),
        Some(trouble) => format!("ready, but not everything is stored: {trouble}\n"),
    }
}

async fn metrics(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], OwnMetrics::render(&shared))
}

//! What pages for people have in common: documents without scripts that load nothing.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::api::Problem;

/// What a page may do: show itself and send its form to where it came from.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Does what reads from the disk beside other requests.
pub(super) async fn answer(
    work: impl FnOnce() -> Result<Response, Problem> + Send + 'static,
) -> Response {
    let done = tokio::task::spawn_blocking(work).await;
    // A panic is reported by the runtime.
    match done.unwrap_or_else(|_| Err(Problem::mistake())) {
        Ok(response) => response,
        Err(problem) => {
            let (status, error) = problem.into_parts();
            (status, format!("{error}\n")).into_response()
        }
    }
}

/// The number of an incident in an address.
pub(super) fn number(id: &str) -> Result<u64, Problem> {
    let refuse = |_| Problem::wrong(format!("`{id}` is no number of an incident"));
    id.parse().map_err(refuse)
}

/// A page as it is sent.
pub(super) fn html(page: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        // Without any referrer browsers would hide where a form comes from, too.
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, page).into_response()
}

//! A request that is not carried out, in the words of each protocol.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::admission::SNAPPY;
use super::body::Packing;

/// Why a request is not carried out.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// A sentence.
    pub(crate) reason: String,
    /// As metrics call it.
    pub(super) label: &'static str,
    /// When it may be sent again.
    pub(crate) retry_after: Option<Duration>,
}

/// How a protocol says no, to a request with these headers.
pub(crate) type Refuse = fn(&HeaderMap, &Refusal) -> Response;

impl Refusal {
    pub(super) fn new(status: StatusCode, label: &'static str, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), label, retry_after: None }
    }

    pub(super) fn again_in(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// Adds to `response` what a refusal says in headers, whatever the protocol.
    pub(super) fn add_headers(&self, response: &mut Response) {
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, seconds.max(1).into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            for challenge in
                [r#"Basic realm="auscult", charset="UTF-8""#, r#"Bearer realm="auscult""#]
            {
                let value = header::HeaderValue::from_static(challenge);
                headers.append(header::WWW_AUTHENTICATE, value);
            }
        }
        if self.status == StatusCode::REQUEST_TIMEOUT {
            headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
        }
    }
}

/// What a route speaks, as far as it matters to who is let in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Protocol {
    pub(crate) refuse: Refuse,
    /// How bodies are packed whose headers do not tell.
    pub(super) unsaid: Packing,
}

impl Protocol {
    /// HTTP, with refusals in words. Metrics pushed by it are packed by snappy.
    pub(crate) const HTTP: Self = Self { refuse: in_words, unsaid: SNAPPY };

    /// HTTP, with refusals as JSON.
    pub(crate) const JSON: Self = Self { refuse: in_json, unsaid: Packing::Plain };

    /// OTLP, with refusals as `refuse` makes them.
    pub(crate) const fn otlp(refuse: Refuse) -> Self {
        Self { refuse, unsaid: Packing::Plain }
    }
}

fn in_json(_: &HeaderMap, refusal: &Refusal) -> Response {
    (refusal.status, Json(serde_json::json!({"error": refusal.reason}))).into_response()
}

fn in_words(_: &HeaderMap, refusal: &Refusal) -> Response {
    (refusal.status, format!("{}\n", refusal.reason)).into_response()
}

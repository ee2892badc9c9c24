//! Why a request of the API is not carried out, as JSON.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

/// Why a request is not carried out.
#[derive(Debug)]
pub(in crate::http) struct Problem {
    status: StatusCode,
    error: String,
}

/// What every answer is that says why a request is not carried out.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(super) struct ProblemAnswer {
    /// One sentence.
    error: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into() }
    }

    /// The request itself is wrong.
    pub(in crate::http) fn wrong(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// What it is about is not there.
    pub(super) fn missing(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error)
    }

    /// It is a mistake of the service.
    pub(in crate::http) fn mistake() -> Self {
        let error = "the service made a mistake; its log says more";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error)
    }

    /// How it is said by HTTP, and in a sentence.
    pub(in crate::http) fn into_parts(self) -> (StatusCode, String) {
        (self.status, self.error)
    }

    /// What is stored cannot be read.
    pub(in crate::http) fn unread(error: impl std::fmt::Display) -> Self {
        let error = format!("what is stored cannot be read: {error}");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error)
    }

    /// The database refuses.
    pub(super) fn unstored(error: impl std::fmt::Display) -> Self {
        let error = format!("nothing was changed, as it cannot be stored: {error}");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, Json(ProblemAnswer { error: self.error })).into_response()
    }
}

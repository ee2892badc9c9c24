//! OTLP over HTTP.
//!
//! Source: OTLP specification, "OTLP/HTTP".

use std::sync::Arc;

use auscult_telemetry::metrics::otlp::{self, Encoding, RequestError};
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use super::take::{count, take};
use crate::own_metrics::Ending;
use crate::serve::Shared;

const PROTOCOL: &str = "otlp_http";

/// The addresses of the protocol.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/v1/metrics", post(export))
}

/// Answers on a port that takes nothing else.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    let limit = shared.settings.most_request_bytes;
    routes().layer(DefaultBodyLimit::max(limit)).with_state(shared)
}

/// Takes an `ExportMetricsServiceRequest`.
///
/// 200 with an `ExportMetricsServiceResponse`, which counts the data points that were left
/// out; 400 when it cannot be read, 413 when it is too large, 415 when it is written or
/// packed otherwise. None of these is worth a repetition; 503, while the past of other sources is read, is. What is wrong is a `google.rpc.Status`.
async fn export(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let content_type = header(header::CONTENT_TYPE).unwrap_or_default();
    let Some(encoding) = Encoding::of_content_type(content_type) else {
        let expected = "expected application/x-protobuf or application/json";
        let reason = format!("Content-Type `{content_type}` is not understood: {expected}");
        count(&shared, PROTOCOL, Ending::Refused);
        return refuse(Encoding::Json, StatusCode::UNSUPPORTED_MEDIA_TYPE, &reason);
    };
    let is_compressed = match header(header::CONTENT_ENCODING).unwrap_or("identity") {
        packing if packing.eq_ignore_ascii_case("gzip") => true,
        packing if packing.eq_ignore_ascii_case("identity") || packing.is_empty() => false,
        packing => {
            let reason = format!("Content-Encoding `{packing}` is not understood: expected gzip");
            count(&shared, PROTOCOL, Ending::Refused);
            return refuse(encoding, StatusCode::UNSUPPORTED_MEDIA_TYPE, &reason);
        }
    };
    if !shared.is_warm() {
        let reason = "the past of other sources is being read, send this again";
        return refuse(encoding, StatusCode::SERVICE_UNAVAILABLE, reason);
    }
    let body = match body {
        Ok(body) => body,
        Err(rejection) => {
            let reason = match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => {
                    let most = shared.settings.most_request_bytes;
                    format!("the request has more than {most} bytes")
                }
                _ => rejection.body_text(),
            };
            count(&shared, PROTOCOL, Ending::Refused);
            return refuse(encoding, rejection.status(), &reason);
        }
    };
    match take(shared, PROTOCOL, encoding, body, is_compressed).await {
        Ok(Ok((written, refused))) => {
            let response = otlp::response(encoding, written, refused.as_ref());
            ([(header::CONTENT_TYPE, encoding.content_type())], response).into_response()
        }
        Ok(Err(error)) => {
            let status = match error {
                RequestError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
                _ => StatusCode::BAD_REQUEST,
            };
            refuse(encoding, status, &error.to_string())
        }
        Err(_) => {
            refuse(encoding, StatusCode::INTERNAL_SERVER_ERROR, "the request could not be judged")
        }
    }
}

fn refuse(encoding: Encoding, status: StatusCode, reason: &str) -> Response {
    // Source: google/rpc/code.proto.
    let code = match status {
        StatusCode::PAYLOAD_TOO_LARGE => 8,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => 12,
        StatusCode::INTERNAL_SERVER_ERROR => 13,
        _ => 3,
    };
    let body = otlp::status(encoding, code, reason);
    (status, [(header::CONTENT_TYPE, encoding.content_type())], body).into_response()
}

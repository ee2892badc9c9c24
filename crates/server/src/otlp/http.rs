//! OTLP over HTTP.
//!
//! Source: OTLP specification, "OTLP/HTTP".

use std::sync::Arc;

use auscult_telemetry::metrics::otlp::{self, Encoding, RequestError};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use super::take::{count, take};
use crate::access::{Admitted, Protocol, Refusal, Role, Routes};
use crate::own_metrics::Ending;
use crate::serve::Shared;

const PROTOCOL: &str = "otlp_http";

/// The addresses of the protocol.
pub(crate) fn routes(shared: &Arc<Shared>) -> Routes {
    let protocol = Protocol::otlp(refuse_as_asked);
    Routes::new(shared, protocol).route(Role::Writer, "/v1/metrics", post(export))
}

/// Takes an `ExportMetricsServiceRequest`.
///
/// 200 with an `ExportMetricsServiceResponse`, which counts the data points that were left
/// out; 400 when it cannot be read, 413 when it is too large, 415 when it is written or
/// packed otherwise. None of these is worth a repetition; 503, while the past of other sources is read, is. What is wrong is a `google.rpc.Status`.
async fn export(
    State(shared): State<Arc<Shared>>,
    Extension(admitted): Extension<Admitted>,
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
    match take(shared, PROTOCOL, encoding, body, is_compressed, admitted).await {
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

/// Says, in the encoding of the request, that it is not let in.
fn refuse_as_asked(headers: &HeaderMap, refusal: &Refusal) -> Response {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let encoding = content_type.and_then(Encoding::of_content_type).unwrap_or(Encoding::Json);
    refuse(encoding, refusal.status, &refusal.reason)
}

fn refuse(encoding: Encoding, status: StatusCode, reason: &str) -> Response {
    // Source: google/rpc/code.proto.
    let code = match status {
        StatusCode::REQUEST_TIMEOUT => 4,
        StatusCode::FORBIDDEN => 7,
        StatusCode::PAYLOAD_TOO_LARGE => 8,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => 12,
        StatusCode::INTERNAL_SERVER_ERROR => 13,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => 14,
        StatusCode::UNAUTHORIZED => 16,
        _ => 3,
    };
    let body = otlp::status(encoding, code, reason);
    (status, [(header::CONTENT_TYPE, encoding.content_type())], body).into_response()
}

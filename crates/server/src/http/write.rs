//! Metrics that others push.

use std::sync::Arc;
use std::time::Instant;

use auscult_telemetry::metrics::MetricBatch;
use auscult_telemetry::metrics::remote_write::{self, Version, Written};
use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::access::Admitted;
use crate::own_metrics::{Ending, WriteLabels};
use crate::serve::Shared;

/// Takes a remote-write request of either version.
///
/// 204 when everything was taken; 400 when it cannot be read, or when some series could not
/// be (the rest was taken, and a repetition would not help); 415 for another protocol; 503 while
/// the past of other sources is read, or where there is no room, to be sent again. Headers
/// say how much was written, as version 2.0 asks.
pub(super) async fn remote_write(
    State(shared): State<Arc<Shared>>,
    Extension(admitted): Extension<Admitted>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !shared.is_warm() {
        let again = [(header::RETRY_AFTER, "5")];
        let reason = "the past of other sources is still being read; send it again\n";
        return (StatusCode::SERVICE_UNAVAILABLE, again, reason).into_response();
    }
    let header =
        |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let content_type = header(header::CONTENT_TYPE).unwrap_or("application/x-protobuf");
    let refused = || {
        let labels = WriteLabels { protocol: "remote_write", ending: Ending::Refused };
        shared.metrics.writes.get_or_create(&labels).inc();
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    };
    let Some(version) = Version::of_content_type(content_type) else {
        let expected = "expected application/x-protobuf with proto=prometheus.WriteRequest or proto=io.prometheus.write.v2.Request";
        let reason = format!("Content-Type `{content_type}` is not understood: {expected}\n");
        return (refused(), reason).into_response();
    };
    let encoding = header(header::CONTENT_ENCODING).unwrap_or("snappy");
    if !encoding.eq_ignore_ascii_case("snappy") {
        let reason = format!("Content-Encoding `{encoding}` is not understood: expected snappy\n");
        return (refused(), reason).into_response();
    }
    // Judging takes the processor, not the socket.
    let judged = tokio::task::spawn_blocking(move || {
        let start = Instant::now();
        let mut batch = MetricBatch::default();
        let most = admitted.allowance();
        let read = remote_write::read(version, &body, most, &mut batch);
        if let Ok((written, _)) = &read {
            admitted.charge(written.samples.saturating_add(written.histograms));
            shared.take(&batch);
        }
        let ending = match &read {
            Ok((_, None)) => Ending::Taken,
            Ok((_, Some(_))) => Ending::Partly,
            Err(_) => Ending::Refused,
        };
        let protocol = "remote_write";
        shared.metrics.writes.get_or_create(&WriteLabels { protocol, ending }).inc();
        shared.metrics.write_seconds.observe(start.elapsed().as_secs_f64());
        read
    });
    match judged.await {
        Ok(Ok((written, None))) => (StatusCode::NO_CONTENT, counts(written)).into_response(),
        Ok(Ok((written, Some(refused)))) => {
            let left_out = written.refused_series;
            let reason = format!("{left_out} series left out, the rest was written: {refused}\n");
            (StatusCode::BAD_REQUEST, counts(written), reason).into_response()
        }
        Ok(Err(error)) => {
            (StatusCode::BAD_REQUEST, counts(Written::default()), format!("{error}\n"))
                .into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn counts(written: Written) -> [(&'static str, String); 3] {
    [
        ("x-prometheus-remote-write-samples-written", written.samples.to_string()),
        ("x-prometheus-remote-write-histograms-written", written.histograms.to_string()),
        // Exemplars are not kept.
        ("x-prometheus-remote-write-exemplars-written", "0".to_owned()),
    ]
}

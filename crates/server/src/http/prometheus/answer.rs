//! Answers and errors in the JSON of the query API.
//!
//! Long answers are written piece by piece while they are sent, so that they take no memory
//! beside their samples.

use std::convert::Infallible;
use std::fmt::Write;

use auscult_core::Labels;
use auscult_promql::{Answer, Instant, QueryError, Sample, format_number};
use axum::Json;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};

/// Bytes of a piece, about.
const PIECE: usize = 64 << 10;
/// What is said where a limit left something out.
const TRUNCATED: &str = "results truncated due to limit";
/// The status for a client that has gone, by which Prometheus means a cancelled query.
const GONE: u16 = 499;

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct ApiError {
    kind: &'static str,
    reason: String,
}

impl ApiError {
    pub(super) fn bad_data(reason: impl Into<String>) -> Self {
        Self { kind: "bad_data", reason: reason.into() }
    }

    pub(super) fn internal(reason: impl Into<String>) -> Self {
        Self { kind: "internal", reason: reason.into() }
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        let kind = match &error {
            QueryError::Query(_) => "bad_data",
            QueryError::TimedOut => "timeout",
            QueryError::Cancelled => "canceled",
            QueryError::Source(_) => "internal",
            _ => "execution",
        };
        Self { kind, reason: error.to_string() }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = match self.kind {
            "bad_data" => StatusCode::BAD_REQUEST,
            "execution" => StatusCode::UNPROCESSABLE_ENTITY,
            "timeout" => StatusCode::SERVICE_UNAVAILABLE,
            "canceled" => StatusCode::from_u16(GONE).unwrap_or(StatusCode::BAD_REQUEST),
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let body = json!({"status": "error", "errorType": self.kind, "error": self.reason});
        (status, Json(body)).into_response()
    }
}

/// A short answer.
pub(super) fn data(data: &Value) -> Response {
    Json(json!({"status": "success", "data": data})).into_response()
}

/// An answer that is a list, at most `limit` long.
pub(super) fn listed(
    entries: impl ExactSizeIterator<Item = Value>,
    limit: Option<usize>,
) -> Response {
    let is_cut = limit.is_some_and(|limit| entries.len() > limit);
    let entries: Vec<Value> = entries.take(limit.unwrap_or(usize::MAX)).collect();
    let mut body = json!({"status": "success", "data": entries});
    if is_cut {
        body["warnings"] = json!([TRUNCATED]);
    }
    Json(body).into_response()
}

/// What a query yields, of series at most `limit`.
pub(super) fn of(answer: Answer, limit: Option<usize>) -> Response {
    match answer {
        Answer::Scalar(sample) => {
            let mut text = String::from(r#"{"resultType":"scalar","result":"#);
            push_sample(&mut text, sample);
            text.push('}');
            whole(&text)
        }
        Answer::Text(time, text) => {
            let mut pair = String::from(r#"{"resultType":"string","result":["#);
            push_time(&mut pair, time);
            pair.push(',');
            push_text(&mut pair, &text);
            pair.push_str("]}");
            whole(&pair)
        }
        Answer::Vector(found) => pieces("vector", found, limit, |text, one: &Instant| {
            push_labels(text, &one.labels);
            text.push_str(",\"value\":");
            push_sample(text, one.sample);
        }),
        Answer::Matrix(found) => pieces("matrix", found, limit, |text, one| {
            push_labels(text, &one.labels);
            push_samples(text, one.samples.iter().copied());
        }),
        Answer::Range(steps, rows) => pieces("matrix", rows, limit, move |text, row| {
            push_labels(text, &row.labels);
            push_samples(text, row.samples(steps));
        }),
    }
}

fn json_of(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn whole(data: &str) -> Response {
    json_of(Body::from(format!(r#"{{"status":"success","data":{data}}}"#)))
}

/// Series one after the other; `push` writes what stands within the braces of one.
fn pieces<T: Send + 'static>(
    kind: &str,
    mut series: Vec<T>,
    limit: Option<usize>,
    push: impl Fn(&mut String, &T) + Send + 'static,
) -> Response {
    let is_cut = limit.is_some_and(|limit| series.len() > limit);
    series.truncate(limit.unwrap_or(usize::MAX));
    let end =
        if is_cut { format!("]}},\"warnings\":[\"{TRUNCATED}\"]}}") } else { "]}}".to_owned() };
    let head = format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":["#);
    let mut next = Some(head);
    let mut series = series.into_iter().peekable();
    let written = std::iter::from_fn(move || {
        let mut text = next.take()?;
        while text.len() < PIECE {
            let Some(one) = series.next() else { break };
            text.push('{');
            push(&mut text, &one);
            text.push('}');
            if series.peek().is_some() {
                text.push(',');
            }
        }
        match series.peek() {
            Some(_) => next = Some(String::new()),
            None => text.push_str(&end),
        }
        Some(Ok::<_, Infallible>(text))
    });
    json_of(Body::from_stream(stream::iter(written)))
}

fn push_labels(text: &mut String, labels: &Labels) {
    text.push_str("\"metric\":{");
    for (place, (name, value)) in labels.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        push_text(text, name);
        text.push(':');
        push_text(text, value);
    }
    text.push('}');
}

fn push_samples(text: &mut String, samples: impl Iterator<Item = Sample>) {
    text.push_str(",\"values\":[");
    for (place, sample) in samples.enumerate() {
        if place > 0 {
            text.push(',');
        }
        push_sample(text, sample);
    }
    text.push(']');
}

fn push_sample(text: &mut String, sample: Sample) {
    text.push('[');
    push_time(text, sample.time);
    text.push_str(",\"");
    text.push_str(&format_number(sample.value));
    text.push_str("\"]");
}

/// Seconds, with the milliseconds where there are some.
fn push_time(text: &mut String, milliseconds: i64) {
    let sign = if milliseconds < 0 { "-" } else { "" };
    let size = milliseconds.unsigned_abs();
    let (seconds, rest) = (size / 1000, size % 1000);
    let written = match rest {
        0 => write!(text, "{sign}{seconds}"),
        _ => write!(text, "{sign}{seconds}.{rest:03}"),
    };
    written.expect("writing to a string does not fail");
}

fn push_text(text: &mut String, value: &str) {
    text.push_str(&serde_json::to_string(value).expect("text becomes JSON"));
}

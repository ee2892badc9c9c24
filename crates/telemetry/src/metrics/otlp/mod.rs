//! Metrics of OpenTelemetry: what its protocol (OTLP) carries, as protobuf or JSON.
//!
//! Source: OTLP specification 1.x and its protobuf definitions; names and labels as Prometheus
//! gives them (`names.rs`).
//!
//! | sent | becomes |
//! |---|---|
//! | gauge, sum that goes up and down | gauge |
//! | sum that only grows, cumulative | counter, `_total` |
//! | sum, delta | gauge of the growth per second over the point's own interval, `_total` if it only grows |
//! | histogram, exponential histogram | distribution |
//! | summary | gauges with the label `quantile`, counters `_sum` and `_count` |
//! | a point without a recorded value | the mark that the series has ended for now |
//!
//! The attributes of a point become labels. Of a resource, those become labels that tell
//! its target from others: `service.namespace`/`service.name` is `job`, `service.instance.id`
//! is `instance`, `host.name` is `host`, `k8s.{cluster,namespace,node,pod,container}.name` are
//! `cluster` and so on, `model.name` and `model.version` are `model_name` and
//! `model_version`, and `gen_ai.*` keeps its name. Not kept: other attributes of the resource, scope, description,
//! exemplars, minimum and maximum of histograms.

mod answer;
mod any_value;
mod convert;
mod distribution;
mod json;
mod json_number;
mod names;
mod point;
mod unpack;
mod wire;

use self::convert::Converter;
use super::{MetricBatch, WireError};

pub use self::answer::{response, status};
pub use self::unpack::gunzip;

/// Where a fault lies, when nothing closer is known.
const PLACE: &str = "in the OTLP request";

/// How a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Protocol buffers.
    Protobuf,
    /// The JSON mapping of OTLP.
    Json,
}

impl Encoding {
    /// The encoding that a `Content-Type` names; `None` for one that is neither.
    ///
    /// ```
    /// use auscult_telemetry::metrics::otlp::Encoding;
    /// let json = Encoding::of_content_type("application/json; charset=utf-8");
    /// assert_eq!(json, Some(Encoding::Json));
    /// assert_eq!(Encoding::of_content_type("text/plain"), None);
    /// ```
    #[must_use]
    pub fn of_content_type(content_type: &str) -> Option<Self> {
        let kind = content_type.split(';').next()?.trim();
        if kind.eq_ignore_ascii_case(Self::Protobuf.content_type()) {
            Some(Self::Protobuf)
        } else if kind.eq_ignore_ascii_case(Self::Json.content_type()) {
            Some(Self::Json)
        } else {
            None
        }
    }

    /// The `Content-Type` of its messages.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// What a request held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Values.
    pub samples: u64,
    /// Distributions.
    pub histograms: u64,
    /// Data points that could not be.
    pub refused_points: u64,
}

/// Why a whole request was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum RequestError {
    /// It grows beyond what is allowed.
    #[error("the request takes more than {most} bytes {of}")]
    TooLarge { most: usize, of: &'static str },
    /// It is not what it should be.
    #[error(transparent)]
    Broken(#[from] WireError),
}

/// Reads an `ExportMetricsServiceRequest` into `batch`, of which it may take `most_bytes` of memory.
///
/// A data point that cannot be is left out, counted, and the first one told of in the second
/// value; the rest is read.
///
/// ```
/// use auscult_telemetry::metrics::MetricBatch;
/// use auscult_telemetry::metrics::otlp::{Encoding, read};
/// let body = br#"{"resourceMetrics": [{
///     "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "llm"}}]},
///     "scopeMetrics": [{"metrics": [{"name": "gpu.power", "unit": "W", "gauge": {"dataPoints": [
///         {"timeUnixNano": "1700000000000000000", "asInt": "310"}]}}]}]}]}"#;
/// let mut batch = MetricBatch::default();
/// let (written, refused) = read(Encoding::Json, body, 1 << 20, &mut batch)?;
/// assert_eq!((written.samples, refused), (1, None));
/// let series = batch.series().next().expect("one was sent");
/// assert_eq!(series.labels.to_string(), r#"gpu_power_watts{job="llm"}"#);
/// # Ok::<(), auscult_telemetry::metrics::otlp::RequestError>(())
/// ```
///
/// # Errors
///
/// [`RequestError`] when it is no such message, or would take more memory.
pub fn read(
    encoding: Encoding,
    message: &[u8],
    most_bytes: usize,
    batch: &mut MetricBatch,
) -> Result<(Written, Option<WireError>), RequestError> {
    let too_large = RequestError::TooLarge { most: most_bytes, of: "in memory" };
    let mut converter = Converter::new(batch, most_bytes);
    match encoding {
        Encoding::Protobuf => {
            wire::read(message, &mut converter).map_err(|unread| match unread {
                wire::Unread::TooLarge => too_large,
                wire::Unread::Broken => {
                    let what = "expected a protobuf ExportMetricsServiceRequest, which this is not";
                    WireError::new(what, PLACE).into()
                }
            })?
        }
        Encoding::Json => json::read(message, &mut converter).map_err(|unread| match unread {
            json::Unread::TooLarge => too_large,
            json::Unread::Broken(reason) => WireError::new(reason, PLACE).into(),
        })?,
    }
    Ok(converter.finish())
}

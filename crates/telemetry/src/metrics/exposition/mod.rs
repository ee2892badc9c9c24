//! What a `/metrics` page says, in the three formats there are; pages of our own are text.
//!
//! | format | `Content-Type` | source |
//! |---|---|---|
//! | text 0.0.4 | `text/plain`, and whatever says nothing better | Prometheus documentation, "Exposition formats" |
//! | OpenMetrics 1.0 | `application/openmetrics-text` | OpenMetrics specification 1.0 |
//! | protobuf | `application/vnd.google.protobuf`, delimited messages | `io.prometheus.client` of prometheus/client_model |
//!
//! A page is taken whole or not at all: a fault in one line says that the others may be
//! cut or mixed up too. Exemplars, help, units and times of creation are passed over.

mod cursor;
mod family;
mod float;
mod openmetrics;
mod protobuf;
mod text;
mod write;

use auscult_core::Timestamp;

use super::{MetricBatch, WireError};

pub use family::Families;
pub use write::{TEXT_CONTENT_TYPE, TextPage};

/// What to send as `Accept`: what tells most about a metric comes first.
pub const ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
application/openmetrics-text;version=1.0.0;q=0.5,\
text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,\
application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.2,\
*/*;q=0.1";

/// The format of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text, 0.0.4 and 1.0.0.
    Text,
    /// OpenMetrics 1.0 and 0.0.1.
    OpenMetrics,
    /// Delimited messages `io.prometheus.client.MetricFamily`.
    Protobuf,
}

/// Which times the samples of a page get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// When the page was asked for.
    pub asked: Timestamp,
    /// Whether a sample that says its own time keeps it.
    pub honor: bool,
}

impl Times {
    /// The time of a sample that says `own`.
    fn of(self, own: Option<Timestamp>) -> Timestamp {
        own.filter(|_| self.honor).unwrap_or(self.asked)
    }
}

impl Format {
    /// The format that a `Content-Type` names. Exporters of old say anything, so what is not
    /// known is taken for text.
    ///
    /// ```
    /// use auscult_telemetry::metrics::exposition::Format;
    /// let open = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    /// assert_eq!(Format::of_content_type(open), Format::OpenMetrics);
    /// assert_eq!(Format::of_content_type("text/plain; version=0.0.4"), Format::Text);
    /// ```
    #[must_use]
    pub fn of_content_type(content_type: &str) -> Self {
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("application/openmetrics-text") {
            Self::OpenMetrics
        } else if kind.eq_ignore_ascii_case("application/vnd.google.protobuf") {
            Self::Protobuf
        } else {
            Self::Text
        }
    }

    /// Reads `page` into `batch`, a series for each sample.
    ///
    /// ```
    /// use auscult_core::Timestamp;
    /// use auscult_telemetry::metrics::exposition::{Format, Times};
    /// use auscult_telemetry::metrics::{MetricBatch, MetricKind};
    /// let page = b"# TYPE power_watts gauge\npower_watts{gpu=\"0\"} 310.5\n";
    /// let times = Times { asked: Timestamp::from_seconds(60), honor: true };
    /// let mut batch = MetricBatch::default();
    /// Format::Text.read(page, times, &mut batch)?;
    /// let series = batch.series().next().expect("one stands there");
    /// assert_eq!(series.labels.to_string(), "power_watts{gpu=\"0\"}");
    /// assert_eq!((series.kind, series.points[0].value), (MetricKind::Gauge, 310.5));
    /// # Ok::<(), auscult_telemetry::metrics::WireError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WireError`] for a page that breaks the format, with line and column where it has
    /// such; `batch` holds what came before the fault, for the caller to clear.
    pub fn read(self, page: &[u8], times: Times, batch: &mut MetricBatch) -> Result<(), WireError> {
        match self {
            Self::Text => text::read(utf8(page)?, times, batch),
            Self::OpenMetrics => openmetrics::read(utf8(page)?, times, batch),
            Self::Protobuf => protobuf::read(page, times, batch),
        }
    }
}

fn utf8(page: &[u8]) -> Result<&str, WireError> {
    std::str::from_utf8(page).map_err(|error| {
        let before = &page[..error.valid_up_to()];
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        let start = memchr::memrchr(b'\n', before).map_or(0, |place| place + 1);
        let column = 1 + before.len() - start;
        WireError::new("expected UTF-8", format!("line {line}, byte {column}"))
    })
}

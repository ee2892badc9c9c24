//! Delimited messages `io.prometheus.client.MetricFamily`.
//!
//! Classic histograms and summaries become the series that the text format would show.
//!
//! Source: `metrics.proto` of prometheus/client_model.

use auscult_core::{METRIC_NAME, Timestamp};

use super::Times;
use super::float::canonical;
use crate::metrics::native_histogram::{Native, deltas, span};
use crate::metrics::protobuf::{Broken, Value, doubles, fields, varint};
use crate::metrics::{MetricBatch, MetricKind, WireError};

/// Why a family cannot be taken.
enum Fault {
    Broken,
    /// Its labels are none.
    Labels(String),
}

impl From<Broken> for Fault {
    fn from(_: Broken) -> Self {
        Self::Broken
    }
}

/// Reads `page` into `batch`.
pub(super) fn read(page: &[u8], times: Times, batch: &mut MetricBatch) -> Result<(), WireError> {
    let mut rest = page;
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let broken =
            || WireError::new("the protobuf message is broken", format!("family {number}"));
        let length = varint(&mut rest).and_then(|length| usize::try_from(length).ok());
        let split = length.and_then(|length| rest.split_at_checked(length));
        let (message, behind) = split.ok_or_else(broken)?;
        rest = behind;
        family(message, times, batch).map_err(|fault| match fault {
            Fault::Broken => broken(),
            Fault::Labels(error) => WireError::new(error, format!("family {number}")),
        })?;
    }
    Ok(())
}

fn family(message: &[u8], times: Times, batch: &mut MetricBatch) -> Result<(), Fault> {
    let (mut name, mut kind) = ("", 0);
    for field in fields(message) {
        match field? {
            (1, field) => name = field.text()?,
            (3, field) => kind = field.unsigned()?,
            _ => {}
        }
    }
    if name.is_empty() {
        return Err(Fault::Labels("expected the name of a metric".to_owned()));
    }
    let kind = match kind {
        0 => MetricKind::Counter,
        1 => MetricKind::Gauge,
        2 => MetricKind::Summary,
        4 => MetricKind::Histogram,
        5 => MetricKind::GaugeHistogram,
        _ => MetricKind::Unknown,
    };
    batch.declare(name, kind);
    let mut output = Output { name, kind, labels: Vec::new(), time: times.asked, batch };
    for field in fields(message) {
        if let (4, metric) = field? {
            output.metric(metric.bytes()?, times)?;
        }
    }
    Ok(())
}

/// Where the series of a family go.
struct Output<'a, 'b> {
    name: &'a str,
    kind: MetricKind,
    /// Labels of the metric that is read.
    labels: Vec<(&'a str, &'a str)>,
    time: Timestamp,
    batch: &'b mut MetricBatch,
}

impl<'a> Output<'a, '_> {
    fn metric(&mut self, metric: &'a [u8], times: Times) -> Result<(), Fault> {
        self.labels.clear();
        let mut own = None;
        for field in fields(metric) {
            match field? {
                (1, label) => {
                    let (mut name, mut value) = ("", "");
                    for field in fields(label.bytes()?) {
                        match field? {
                            (1, field) => name = field.text()?,
                            (2, field) => value = field.text()?,
                            _ => {}
                        }
                    }
                    self.labels.push((name, value));
                }
                (6, field) => {
                    let nanos = field.signed()?.saturating_mul(1_000_000);
                    own = Some(Timestamp::from_nanos(nanos));
                }
                _ => {}
            }
        }
        self.time = times.of(own);
        for field in fields(metric) {
            match field? {
                // Gauge, counter and untyped alike: a value and what is passed over.
                (2 | 3 | 5, field) => {
                    let mut value = 0.0;
                    for field in fields(field.bytes()?) {
                        if let (1, field) = field? {
                            value = field.double()?;
                        }
                    }
                    self.value("", None, value)?;
                }
                (4, field) => self.summary(field.bytes()?)?,
                (7, field) => self.histogram(field.bytes()?)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn begin(&mut self, suffix: &str, extra: Option<(&str, f64)>) -> Result<(), Fault> {
        let metric = format!("{}{suffix}", self.name);
        let extra = extra.map(|(name, value)| (name, canonical(value)));
        let mut pairs: Vec<(&str, &str)> = self.labels.clone();
        pairs.push((METRIC_NAME, &metric));
        pairs.extend(extra.as_ref().map(|(name, value)| (*name, value.as_str())));
        let begun = self.batch.begin_series(self.kind, &mut pairs);
        begun.map_err(|error| Fault::Labels(error.to_string()))
    }

    fn value(&mut self, suffix: &str, extra: Option<(&str, f64)>, value: f64) -> Result<(), Fault> {
        self.begin(suffix, extra)?;
        self.batch.push(self.time, value);
        Ok(())
    }

    fn summary(&mut self, summary: &[u8]) -> Result<(), Fault> {
        let (mut count, mut sum) = (0.0, 0.0);
        for field in fields(summary) {
            match field? {
                (1, field) => count = field.unsigned()? as f64,
                (2, field) => sum = field.double()?,
                (3, field) => {
                    let (mut quantile, mut value) = (0.0, 0.0);
                    for field in fields(field.bytes()?) {
                        match field? {
                            (1, field) => quantile = field.double()?,
                            (2, field) => value = field.double()?,
                            _ => {}
                        }
                    }
                    self.value("", Some(("quantile", quantile)), value)?;
                }
                _ => {}
            }
        }
        self.value("_sum", None, sum)?;
        self.value("_count", None, count)
    }

    fn histogram(&mut self, histogram: &[u8]) -> Result<(), Fault> {
        let mut native = Native::default();
        let mut buckets = Vec::new();
        for field in fields(histogram) {
            match field? {
                (1, value) => native.count = value.unsigned()? as f64,
                (4, value) => native.count = value.double()?,
                (2, value) => native.sum = Some(value.double()?),
                (3, value) => buckets.push(bucket(value)?),
                (5, value) => native.schema = value.zigzag()?,
                (6, value) => native.zero_threshold = value.double()?,
                (7, value) => native.zero_count = value.unsigned()? as f64,
                (8, value) => native.zero_count = value.double()?,
                (9, value) => native.negative.spans.push(span(value)?),
                (10, value) => deltas(value, &mut native.negative.counts)?,
                (11, value) => doubles(value, |count| native.negative.counts.push(count))?,
                (12, value) => native.positive.spans.push(span(value)?),
                (13, value) => deltas(value, &mut native.positive.counts)?,
                (14, value) => doubles(value, |count| native.positive.counts.push(count))?,
                _ => {}
            }
        }
        // One that is both is told as both, for what reads either. A span says that it is native,
        // even one without buckets.
        let is_native = native.zero_threshold > 0.0
            || !native.positive.spans.is_empty()
            || !native.negative.spans.is_empty();
        if is_native {
            let read = native.histogram()?;
            self.begin("", None)?;
            self.batch.push_histogram(self.time, read);
        }
        if buckets.is_empty() && is_native {
            return Ok(());
        }
        let (sum, count) = match self.kind {
            MetricKind::GaugeHistogram => ("_gsum", "_gcount"),
            _ => ("_sum", "_count"),
        };
        if buckets.last().is_none_or(|(bound, _)| *bound != f64::INFINITY) {
            buckets.push((f64::INFINITY, native.count));
        }
        for (bound, count) in buckets {
            self.value("_bucket", Some(("le", bound)), count)?;
        }
        self.value(sum, None, native.sum.unwrap_or_default())?;
        self.value(count, None, native.count)
    }
}

/// Upper bound, and observations at most that large.
fn bucket(message: Value<'_>) -> Result<(f64, f64), Broken> {
    let (mut bound, mut count) = (0.0, 0.0);
    for field in fields(message.bytes()?) {
        match field? {
            (1, value) => count = value.unsigned()? as f64,
            (4, value) => count = value.double()?,
            (2, value) => bound = value.double()?,
            _ => {}
        }
    }
    Ok((bound, count))
}

//! Prometheus remote write, both directions.
//!
//! Source: "Prometheus Remote-Write 1.0" and "2.0" specifications. Bodies are
//! protobuf in snappy's block format.

mod native_histogram;
mod version1;
mod version2;
mod writer;

use auscult_core::Timestamp;

pub use self::writer::{Writer, write};
use super::protobuf::{Broken, Value, fields};
use super::{MetricBatch, MetricKind, WireError};

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `prometheus.WriteRequest`.
    One,
    /// `io.prometheus.write.v2.Request`.
    Two,
}

impl Version {
    /// The version that a `Content-Type` names; `None` for one that is neither.
    ///
    /// ```
    /// use auscult_telemetry::metrics::remote_write::Version;
    /// assert_eq!(Version::of_content_type("application/x-protobuf"), Some(Version::One));
    /// let two = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
    /// assert_eq!(Version::of_content_type(two), Some(Version::Two));
    /// assert_eq!(Version::of_content_type("application/json"), None);
    /// ```
    #[must_use]
    pub fn of_content_type(content_type: &str) -> Option<Self> {
        let mut parts = content_type.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case("application/x-protobuf") {
            return None;
        }
        let proto = parts.find_map(|part| part.strip_prefix("proto="));
        match proto {
            None | Some("prometheus.WriteRequest") => Some(Self::One),
            Some("io.prometheus.write.v2.Request") => Some(Self::Two),
            Some(_) => None,
        }
    }

    /// The `Content-Type` of its messages.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::One => "application/x-protobuf",
            Self::Two => "application/x-protobuf;proto=io.prometheus.write.v2.Request",
        }
    }
}

/// What a message held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Values.
    pub samples: u64,
    /// Native histograms.
    pub histograms: u64,
    /// Exemplars, which are counted and not kept.
    pub exemplars: u64,
    /// Series that could not be: their labels are none.
    pub refused_series: u64,
}

/// Reads a compressed `body` into `batch`. A body that would grow beyond `most_bytes`
/// is refused before it is unpacked.
///
/// A series whose labels cannot be is left out, counted, and named in the second
/// value; the rest is read.
///
/// # Errors
///
/// [`WireError`] when the body is no snappy block or no such message.
pub fn read(
    version: Version,
    body: &[u8],
    most_bytes: usize,
    batch: &mut MetricBatch,
) -> Result<(Written, Option<WireError>), WireError> {
    let unpacked = unpack(body, most_bytes)?;
    read_message(version, &unpacked, batch)
}

/// Unpacks a snappy block of at most `most_bytes`.
fn unpack(body: &[u8], most_bytes: usize) -> Result<Vec<u8>, WireError> {
    let refuse = |what: String| WireError::new(what, "in the body of the remote-write request");
    let length = snap::raw::decompress_len(body)
        .map_err(|error| refuse(format!("expected a snappy block: {error}")))?;
    if length > most_bytes {
        return Err(refuse(format!("{length} bytes unpacked, of which {most_bytes} are allowed")));
    }
    snap::raw::Decoder::new()
        .decompress_vec(body)
        .map_err(|error| refuse(format!("expected a snappy block: {error}")))
}

/// As [`read`], for a message that was unpacked.
///
/// # Errors
///
/// [`WireError`] when it is no such message.
pub fn read_message(
    version: Version,
    message: &[u8],
    batch: &mut MetricBatch,
) -> Result<(Written, Option<WireError>), WireError> {
    match version {
        Version::One => version1::read(message, batch),
        Version::Two => version2::read(message, batch),
    }
}

/// From milliseconds since the epoch; held at the ends of what there is.
fn from_milliseconds(milliseconds: i64) -> Timestamp {
    Timestamp::from_nanos(milliseconds.saturating_mul(1_000_000))
}

/// Adds a sample of either version to the series begun last.
fn push_sample(
    message: Value<'_>,
    batch: &mut MetricBatch,
    written: &mut Written,
) -> Result<(), Broken> {
    let (mut value, mut time) = (0.0, 0);
    for field in fields(message.bytes()?) {
        match field? {
            (1, field) => value = field.double()?,
            (2, field) => time = field.signed()?,
            _ => {}
        }
    }
    batch.push(from_milliseconds(time), value);
    written.samples += 1;
    Ok(())
}

/// Adds a native histogram of either version to the series begun last.
fn push_histogram(
    message: Value<'_>,
    batch: &mut MetricBatch,
    written: &mut Written,
) -> Result<(), Broken> {
    let (time, histogram) = native_histogram::read(message.bytes()?)?;
    batch.push_histogram(time, histogram);
    written.histograms += 1;
    Ok(())
}

/// The kind that a number of the `MetricType` of either version stands for.
fn kind(number: u64) -> MetricKind {
    match number {
        1 => MetricKind::Counter,
        2 => MetricKind::Gauge,
        3 => MetricKind::Histogram,
        4 => MetricKind::GaugeHistogram,
        5 => MetricKind::Summary,
        6 => MetricKind::Info,
        7 => MetricKind::StateSet,
        _ => MetricKind::Unknown,
    }
}

fn broken(place: impl Into<String>) -> WireError {
    WireError::new("expected a protobuf message of remote write, which this is not", place)
}

#[cfg(test)]
mod tests {
    use auscult_core::Labels;
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::Point;
    use crate::metrics::protobuf::Message;

    /// What a batch holds, a line for each point.
    fn lines(batch: &MetricBatch) -> Vec<String> {
        let points = batch.series().flat_map(|series| {
            let line = move |point: &Point| {
                let (labels, kind) = (series.labels, series.kind);
                format!("{labels} {kind:?} {} {}", point.time.seconds(), point.value)
            };
            series.points.iter().map(line)
        });
        points.collect()
    }

    #[test]
    fn what_is_written_as_version_1_is_read() {
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "llm")]).unwrap();
        let points = [(1, 1.0), (-2, f64::INFINITY)]
            .map(|(second, value)| Point { time: Timestamp::from_seconds(second), value });
        let body = write([(labels.as_ref(), points.as_slice())]);
        let mut batch = MetricBatch::default();
        let (written, refused) = read(Version::One, &body, 1000, &mut batch).unwrap();
        assert_eq!((written.samples, refused), (2, None));
        let expected = [r#"up{job="llm"} Unknown 1 1"#, r#"up{job="llm"} Unknown -2 inf"#];
        assert_eq!(lines(&batch), expected);
        let error = read(Version::One, &body, 10, &mut batch).unwrap_err().to_string();
        assert!(error.contains("of which 10 are allowed"), "{error}");
    }

    /// A message of version 2 whose one series has these label references.
    fn version_2(references: &[u8]) -> Vec<u8> {
        let mut request = Message::default();
        for symbol in ["", "__name__", "up", "job", "llm"] {
            request.bytes(4, symbol.as_bytes());
        }
        request.message(5, |series| {
            series.bytes(1, references);
            series.message(2, |sample| {
                sample.double(1, 0.5);
                sample.unsigned(2, 1500);
            });
            series.message(5, |metadata| metadata.unsigned(1, 2));
        });
        request.into_bytes()
    }

    #[test]
    fn version_2_looks_its_labels_up_and_knows_their_kind() {
        let mut batch = MetricBatch::default();
        let message = version_2(&[1, 2, 3, 4]);
        let (written, refused) = read_message(Version::Two, &message, &mut batch).unwrap();
        assert_eq!((written.samples, refused), (1, None));
        assert_eq!(lines(&batch), [r#"up{job="llm"} Gauge 1.5 0.5"#]);
    }

    #[test]
    fn a_series_that_cannot_be_is_left_out_and_told() {
        let refused = |references: &[u8]| {
            let mut batch = MetricBatch::default();
            let (written, refused) =
                read_message(Version::Two, &version_2(references), &mut batch).unwrap();
            assert_eq!((written.samples, written.refused_series, batch.len()), (0, 1, 0));
            refused.unwrap().to_string()
        };
        assert_eq!(
            refused(&[1, 2, 3]),
            "expected labels as pairs of references, got an odd number, series 1"
        );
        assert_eq!(refused(&[1, 9]), "labels [1, 9] refer beyond the 5 symbols, series 1");
        assert_eq!(refused(&[1, 2, 1, 4]), "label `__name__` stands twice in one series, series 1");
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_a_word(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            for version in [Version::One, Version::Two] {
                let mut batch = MetricBatch::default();
                drop(read(version, &bytes, 1 << 20, &mut batch));
                drop(read_message(version, &bytes, &mut batch));
                prop_assert!(batch.series().count() == batch.len());
            }
        }
    }
}

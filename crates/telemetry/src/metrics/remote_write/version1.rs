//! `prometheus.WriteRequest`: labels spelt out in every series.

use super::{Written, broken, kind, push_histogram, push_sample};
use crate::metrics::protobuf::{Broken, fields};
use crate::metrics::{MetricBatch, MetricKind, WireError};

/// Reads `message` into `batch`.
pub(super) fn read(
    message: &[u8],
    batch: &mut MetricBatch,
) -> Result<(Written, Option<WireError>), WireError> {
    let mut written = Written::default();
    let mut refused = None;
    let mut labels = Vec::new();
    let mut place = 0;
    for field in fields(message) {
        let series = match field.map_err(|_| broken("at its end"))? {
            (1, series) => series,
            (3, metadata) => {
                let metadata = metadata.bytes().and_then(metadata_of);
                let (family, kind) = metadata.map_err(|_| broken("in its metadata"))?;
                batch.declare(family, kind);
                continue;
            }
            _ => continue,
        };
        place += 1;
        let read =
            series.bytes().and_then(|series| read_series(series, &mut labels, batch, &mut written));
        if let Some(error) = read.map_err(|_| broken(format!("in series {place}")))? {
            written.refused_series += 1;
            refused.get_or_insert(WireError::new(error, format!("series {place}")));
        }
    }
    Ok((written, refused))
}

/// Reads a series; says why its labels cannot be.
fn read_series<'a>(
    series: &'a [u8],
    labels: &mut Vec<(&'a str, &'a str)>,
    batch: &mut MetricBatch,
    written: &mut Written,
) -> Result<Option<String>, Broken> {
    labels.clear();
    for field in fields(series) {
        if let (1, label) = field? {
            let (mut name, mut value) = ("", "");
            for field in fields(label.bytes()?) {
                match field? {
                    (1, field) => name = field.text()?,
                    (2, field) => value = field.text()?,
                    _ => {}
                }
            }
            labels.push((name, value));
        }
    }
    if let Err(error) = batch.begin_series(MetricKind::Unknown, labels) {
        return Ok(Some(error.to_string()));
    }
    for field in fields(series) {
        match field? {
            (2, field) => push_sample(field, batch, written)?,
            (3, _) => written.exemplars += 1,
            (4, field) => push_histogram(field, batch, written)?,
            _ => {}
        }
    }
    Ok(None)
}

/// The family that a `MetricMetadata` is of, and what kind it is.
fn metadata_of(message: &[u8]) -> Result<(&str, MetricKind), Broken> {
    let (mut family, mut number) = ("", 0);
    for field in fields(message) {
        match field? {
            (1, field) => number = field.unsigned()?,
            (2, field) => family = field.text()?,
            _ => {}
        }
    }
    Ok((family, kind(number)))
}

//! `io.prometheus.write.v2.Request`: every text once, labels by number.

use super::{Written, broken, kind, push_histogram, push_sample};
use crate::metrics::protobuf::{Broken, fields, varints};
use crate::metrics::{MetricBatch, WireError};

/// Reads `message` into `batch`.
pub(super) fn read(
    message: &[u8],
    batch: &mut MetricBatch,
) -> Result<(Written, Option<WireError>), WireError> {
    let mut written = Written::default();
    let mut refused = None;
    let mut symbols = Vec::new();
    for field in fields(message) {
        if let (4, symbol) = field.map_err(|_| broken("at its end"))? {
            symbols.push(symbol.text().map_err(|_| broken("in its symbols"))?);
        }
    }
    let mut labels = Vec::new();
    let mut references = Vec::new();
    let mut place = 0;
    for field in fields(message) {
        let (5, series) = field.map_err(|_| broken("at its end"))? else { continue };
        place += 1;
        let read = series.bytes().and_then(|series| {
            read_series(series, &symbols, (&mut references, &mut labels), batch, &mut written)
        });
        if let Some(error) = read.map_err(|_| broken(format!("in series {place}")))? {
            written.refused_series += 1;
            refused.get_or_insert(WireError::new(error, format!("series {place}")));
        }
    }
    Ok((written, refused))
}

/// Reads a series; says why its labels cannot be.
fn read_series<'a>(
    series: &[u8],
    symbols: &[&'a str],
    (references, labels): (&mut Vec<u64>, &mut Vec<(&'a str, &'a str)>),
    batch: &mut MetricBatch,
    written: &mut Written,
) -> Result<Option<String>, Broken> {
    references.clear();
    labels.clear();
    let mut number = 0;
    for field in fields(series) {
        match field? {
            (1, field) => varints(field, |reference| references.push(reference))?,
            (5, field) => {
                for field in fields(field.bytes()?) {
                    if let (1, field) = field? {
                        number = field.unsigned()?;
                    }
                }
            }
            _ => {}
        }
    }
    let (pairs, []) = references.as_chunks::<2>() else {
        return Ok(Some("expected labels as pairs of references, got an odd number".to_owned()));
    };
    for pair in pairs {
        let text = |reference: u64| symbols.get(usize::try_from(reference).ok()?).copied();
        let [Some(name), Some(value)] = pair.map(text) else {
            let count = symbols.len();
            return Ok(Some(format!("labels {pair:?} refer beyond the {count} symbols")));
        };
        labels.push((name, value));
    }
    if let Err(error) = batch.begin_series(kind(number), labels) {
        return Ok(Some(error.to_string()));
    }
    for field in fields(series) {
        match field? {
            (2, field) => push_sample(field, batch, written)?,
            (3, field) => push_histogram(field, batch, written)?,
            (4, _) => written.exemplars += 1,
            _ => {}
        }
    }
    Ok(None)
}

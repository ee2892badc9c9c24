//! Prometheus text, version 0.0.4, with the quoted names of 1.0.0.
//!
//! Source: Prometheus documentation, "Exposition formats".

use super::Times;
use super::cursor::{Blanks, Cursor, Pairs};
use super::family::Families;
use crate::metrics::{MetricBatch, MetricKind, WireError};
use auscult_core::Timestamp;

/// Reads `page` into `batch`.
pub(super) fn read(page: &str, times: Times, batch: &mut MetricBatch) -> Result<(), WireError> {
    let mut families = Families::default();
    let mut pairs = Pairs::default();
    let mut start = 0;
    let ends = memchr::memchr_iter(b'\n', page.as_bytes()).chain([page.len()]);
    for (number, end) in ends.enumerate() {
        let line = &page[start..end];
        start = end + 1;
        // Some exporters end their lines as on Windows.
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mut cursor = Cursor::new(line, number + 1);
        cursor.skip(Blanks::Free);
        match cursor.peek() {
            None => {}
            Some(b'#') => comment(&mut cursor, &mut families, batch)?,
            Some(_) => sample(&mut cursor, &mut pairs, &families, times, batch)?,
        }
    }
    Ok(())
}

fn comment<'a>(
    cursor: &mut Cursor<'a>,
    families: &mut Families<'a>,
    batch: &mut MetricBatch,
) -> Result<(), WireError> {
    cursor.take(b'#');
    cursor.skip(Blanks::Free);
    if cursor.word() != "TYPE" {
        return Ok(());
    }
    cursor.skip(Blanks::Free);
    let family = cursor.family_name()?;
    cursor.skip(Blanks::Free);
    let before = cursor.clone();
    let name = cursor.word();
    let later = matches!(name, "info" | "stateset" | "gaugehistogram");
    let Some(kind) = MetricKind::of_name(name).filter(|_| !later) else {
        let expected = "expected one of the types counter, gauge, histogram, summary and untyped";
        return Err(before.error(expected));
    };
    cursor.skip(Blanks::Free);
    if !cursor.is_at_end() {
        return Err(cursor.expected("the end of the line behind the type"));
    }
    batch.declare(&family, kind);
    families.declare(family, kind);
    Ok(())
}

fn sample<'a>(
    cursor: &mut Cursor<'a>,
    pairs: &mut Pairs<'a>,
    families: &Families<'_>,
    times: Times,
    batch: &mut MetricBatch,
) -> Result<(), WireError> {
    cursor.series(Blanks::Free, pairs)?;
    let value = cursor.value()?;
    cursor.skip(Blanks::Free);
    let own = if cursor.is_at_end() {
        None
    } else {
        let milliseconds = cursor.whole()?;
        cursor.skip(Blanks::Free);
        Some(Timestamp::from_nanos(milliseconds.saturating_mul(1_000_000)))
    };
    if !cursor.is_at_end() {
        return Err(cursor.expected("the end of the line behind the time"));
    }
    pairs.begin(families.kind(pairs.metric()), batch, cursor)?;
    batch.push(times.of(own), value);
    Ok(())
}

//! OpenMetrics text, version 1.0, with the quoted names of its successors.
//!
//! Source: OpenMetrics specification 1.0, "ABNF" and "Overall structure". As strict as
//! Prometheus: order and grouping of families are not held against a page.

use auscult_core::Timestamp;

use super::Times;
use super::cursor::{Blanks, Cursor, Pairs};
use super::family::Families;
use crate::metrics::{MetricBatch, MetricKind, WireError};

/// Reads `page` into `batch`.
pub(super) fn read(page: &str, times: Times, batch: &mut MetricBatch) -> Result<(), WireError> {
    let mut families = Families::default();
    let (mut pairs, mut exemplar) = (Pairs::default(), Pairs::default());
    let mut start = 0;
    let mut number = 0;
    let mut ended = false;
    let ends = memchr::memchr_iter(b'\n', page.as_bytes()).chain([page.len()]);
    for end in ends {
        let line = &page[start..end];
        start = end + 1;
        // Behind the last line feed there is no line.
        if end == page.len() && line.is_empty() {
            break;
        }
        number += 1;
        let mut cursor = Cursor::new(line, number);
        if ended {
            return Err(cursor.expected("nothing behind `# EOF`"));
        }
        match cursor.peek() {
            Some(b'#') => ended = comment(&mut cursor, &mut families, batch)?,
            _ => {
                sample(&mut cursor, (&mut pairs, &mut exemplar), &families, times, batch)?;
            }
        }
    }
    if ended {
        return Ok(());
    }
    Err(WireError::new("expected `# EOF`, without which the page may be cut", "at its end"))
}

/// Reads a line of metadata; says whether it is the last line of the page.
fn comment<'a>(
    cursor: &mut Cursor<'a>,
    families: &mut Families<'a>,
    batch: &mut MetricBatch,
) -> Result<bool, WireError> {
    if cursor.take_text("# EOF") {
        return if cursor.is_at_end() { Ok(true) } else { Err(cursor.expected("a line feed")) };
    }
    let is_type = cursor.take_text("# TYPE ");
    if !is_type && !cursor.take_text("# HELP ") && !cursor.take_text("# UNIT ") {
        return Err(cursor.expected("`# TYPE `, `# HELP `, `# UNIT ` or `# EOF`"));
    }
    let family = cursor.family_name()?;
    let may_end = !is_type && cursor.is_at_end();
    if !may_end && !cursor.take(b' ') {
        return Err(cursor.expected("one blank behind the name"));
    }
    if !is_type {
        return Ok(false);
    }
    let before = cursor.clone();
    let name = cursor.word();
    let Some(kind) = MetricKind::of_name(name).filter(|_| name != "untyped") else {
        return Err(before.error(
            "expected one of the types counter, gauge, histogram, gaugehistogram, summary, info, stateset and unknown",
        ));
    };
    if !cursor.is_at_end() {
        return Err(cursor.expected("the end of the line behind the type"));
    }
    batch.declare(&family, kind);
    families.declare(family, kind);
    Ok(false)
}

fn sample<'a>(
    cursor: &mut Cursor<'a>,
    (pairs, exemplar): (&mut Pairs<'a>, &mut Pairs<'a>),
    families: &Families<'_>,
    times: Times,
    batch: &mut MetricBatch,
) -> Result<(), WireError> {
    cursor.series(Blanks::Strict, pairs)?;
    let value = cursor.value()?;
    let own = time(cursor)?;
    if cursor.take_text(" # {") {
        *exemplar = Pairs::default();
        cursor.labels(Blanks::Strict, exemplar)?;
        if !cursor.take(b' ') {
            return Err(cursor.expected("one blank before the value of the exemplar"));
        }
        cursor.value()?;
        time(cursor)?;
    }
    if !cursor.is_at_end() {
        return Err(cursor.expected("the end of the line"));
    }
    pairs.begin(families.kind(pairs.metric()), batch, cursor)?;
    batch.push(times.of(own), value);
    Ok(())
}

/// The time behind a value, in seconds, if there is one.
fn time(cursor: &mut Cursor<'_>) -> Result<Option<Timestamp>, WireError> {
    let before = cursor.clone();
    if !cursor.take(b' ') || cursor.peek() == Some(b'#') {
        *cursor = before;
        return Ok(None);
    }
    let seconds = cursor.value()?;
    if !seconds.is_finite() {
        return Err(before.error("expected a time in seconds"));
    }
    // A double holds seconds since 1970 to less than a microsecond.
    let microseconds = (seconds * 1e6).round() as i64;
    Ok(Some(Timestamp::from_nanos(microseconds.saturating_mul(1000))))
}

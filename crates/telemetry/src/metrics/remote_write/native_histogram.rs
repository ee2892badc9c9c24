//! Histograms whose buckets grow by a factor, few bytes for many buckets.
//!
//! Source: Prometheus documentation, "Native Histograms"; fields as in the
//! remote-write specifications, which agree on them.

use auscult_core::Timestamp;

use super::from_milliseconds;
use crate::metrics::Histogram;
use crate::metrics::is_stale;
use crate::metrics::protobuf::{Broken, Value, doubles, fields, unzigzag, varints};

/// Buckets whose bounds are spelt out.
const CUSTOM: i64 = -53;
/// Schemas there are: the factor is 2^(2^-schema).
const SCHEMAS: std::ops::RangeInclusive<i64> = -4..=8;

/// Buckets of one sign: runs of them, and what each holds.
#[derive(Debug, Default)]
struct Side {
    /// Distance from the run before, and length.
    spans: Vec<(i64, u64)>,
    counts: Vec<f64>,
}

impl Side {
    /// Index and count of each bucket; fails when there are more buckets than counts.
    fn buckets(&self) -> Result<Vec<(i64, f64)>, Broken> {
        let mut buckets = Vec::with_capacity(self.counts.len());
        let mut counts = self.counts.iter();
        let mut index = 0_i64;
        for (offset, length) in &self.spans {
            index = index.checked_add(*offset).ok_or(Broken)?;
            for _ in 0..*length {
                buckets.push((index, *counts.next().ok_or(Broken)?));
                index = index.checked_add(1).ok_or(Broken)?;
            }
        }
        Ok(buckets)
    }
}

/// Reads a histogram: its time, and what it holds unless the series has ended for now.
pub(super) fn read(message: &[u8]) -> Result<(Timestamp, Option<Histogram>), Broken> {
    let mut histogram = Histogram::default();
    let (mut schema, mut time) = (0, 0);
    let (mut zero_threshold, mut zero_count) = (0.0, 0.0);
    let (mut negative, mut positive) = (Side::default(), Side::default());
    let mut custom = Vec::new();
    for field in fields(message) {
        match field? {
            (1, value) => histogram.count = value.unsigned()? as f64,
            (2, value) => histogram.count = value.double()?,
            (3, value) => histogram.sum = Some(value.double()?),
            (4, value) => schema = value.zigzag()?,
            (5, value) => zero_threshold = value.double()?,
            (6, value) => zero_count = value.unsigned()? as f64,
            (7, value) => zero_count = value.double()?,
            (8, value) => negative.spans.push(span(value)?),
            (9, value) => deltas(value, &mut negative.counts)?,
            (10, value) => doubles(value, |count| negative.counts.push(count))?,
            (11, value) => positive.spans.push(span(value)?),
            (12, value) => deltas(value, &mut positive.counts)?,
            (13, value) => doubles(value, |count| positive.counts.push(count))?,
            (15, value) => time = value.signed()?,
            (16, value) => doubles(value, |bound| custom.push(bound))?,
            _ => {}
        }
    }
    let time = from_milliseconds(time);
    if histogram.sum.is_some_and(is_stale) {
        return Ok((time, None));
    }
    let mut below = 0.0;
    if schema == CUSTOM {
        for (index, count) in positive.buckets()? {
            below += count;
            // What lies above the last bound is in the count only.
            if let Some(bound) = usize::try_from(index).ok().and_then(|index| custom.get(index)) {
                histogram.buckets.push((*bound, below));
            }
        }
    } else if SCHEMAS.contains(&schema) {
        let exponent = 2_f64.powi(-schema as i32);
        let bound = |index: i64| (index as f64 * exponent).exp2();
        for (index, count) in negative.buckets()?.into_iter().rev() {
            below += count;
            histogram.buckets.push((-bound(index - 1), below));
        }
        if zero_count > 0.0 || !histogram.buckets.is_empty() {
            below += zero_count;
            histogram.buckets.push((zero_threshold, below));
        }
        for (index, count) in positive.buckets()? {
            below += count;
            histogram.buckets.push((bound(index), below));
        }
    } else {
        return Err(Broken);
    }
    let sound = histogram.buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1)
        && histogram.buckets.iter().all(|(_, count)| count.is_finite());
    if sound { Ok((time, Some(histogram))) } else { Err(Broken) }
}

fn span(value: Value<'_>) -> Result<(i64, u64), Broken> {
    let (mut offset, mut length) = (0, 0);
    for field in fields(value.bytes()?) {
        match field? {
            (1, value) => offset = value.zigzag()?,
            (2, value) => length = value.unsigned()?,
            _ => {}
        }
    }
    Ok((offset, length))
}

/// Counts, each as the difference from the one before.
fn deltas(value: Value<'_>, counts: &mut Vec<f64>) -> Result<(), Broken> {
    varints(value, |delta| {
        let before = counts.last().copied().unwrap_or(0.0);
        counts.push(before + unzigzag(delta) as f64);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::protobuf::Message;

    fn zigzag(number: i64) -> u64 {
        (number << 1 ^ number >> 63).cast_unsigned()
    }

    fn span(message: &mut Message, field: u64, offset: i64, length: u64) {
        message.message(field, |span| {
            span.unsigned(1, zigzag(offset));
            span.unsigned(2, length);
        });
    }

    #[test]
    fn buckets_get_their_bounds_and_counts_add_up() {
        let mut message = Message::default();
        message.unsigned(1, 12);
        message.double(3, 30.0);
        message.unsigned(4, zigzag(0));
        message.double(5, 0.001);
        message.unsigned(6, 2);
        span(&mut message, 8, 1, 1);
        message.unsigned(9, zigzag(1));
        span(&mut message, 11, 0, 2);
        span(&mut message, 11, 2, 1);
        for delta in [3, 1, -2] {
            message.unsigned(12, zigzag(delta));
        }
        message.unsigned(15, 5000);
        let (time, histogram) = read(&message.into_bytes()).unwrap();
        let histogram = histogram.unwrap();
        assert_eq!(time, Timestamp::from_seconds(5));
        assert_eq!((histogram.count, histogram.sum), (12.0, Some(30.0)));
        let expected = [(-1.0, 1.0), (0.001, 3.0), (1.0, 6.0), (2.0, 10.0), (16.0, 12.0)];
        assert_eq!(histogram.buckets, expected);
    }

    #[test]
    fn a_stale_one_says_so_and_a_huge_span_ends() {
        let mut message = Message::default();
        message.double(3, f64::from_bits(crate::metrics::STALE_BITS));
        assert_eq!(read(&message.into_bytes()).unwrap().1, None);
        let mut message = Message::default();
        span(&mut message, 11, 0, u64::MAX);
        message.unsigned(12, 1);
        assert_eq!(read(&message.into_bytes()), Err(Broken));
    }
}

//! Native histograms, by the field numbers of remote write.
//!
//! Source: the remote-write specifications, which agree on them.

use auscult_core::Timestamp;

use super::from_milliseconds;
use crate::metrics::Histogram;
use crate::metrics::native_histogram::{Native, deltas, span};
use crate::metrics::protobuf::{Broken, doubles, fields};

/// Reads a histogram: its time, and what it holds unless the series has ended for now.
pub(super) fn read(message: &[u8]) -> Result<(Timestamp, Option<Histogram>), Broken> {
    let mut native = Native::default();
    let mut time = 0;
    for field in fields(message) {
        match field? {
            (1, value) => native.count = value.unsigned()? as f64,
            (2, value) => native.count = value.double()?,
            (3, value) => native.sum = Some(value.double()?),
            (4, value) => native.schema = value.zigzag()?,
            (5, value) => native.zero_threshold = value.double()?,
            (6, value) => native.zero_count = value.unsigned()? as f64,
            (7, value) => native.zero_count = value.double()?,
            (8, value) => native.negative.spans.push(span(value)?),
            (9, value) => deltas(value, &mut native.negative.counts)?,
            (10, value) => doubles(value, |count| native.negative.counts.push(count))?,
            (11, value) => native.positive.spans.push(span(value)?),
            (12, value) => deltas(value, &mut native.positive.counts)?,
            (13, value) => doubles(value, |count| native.positive.counts.push(count))?,
            (15, value) => time = value.signed()?,
            (16, value) => doubles(value, |bound| native.custom.push(bound))?,
            _ => {}
        }
    }
    Ok((from_milliseconds(time), native.histogram()?))
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

//! Remote write 1.0, outwards.

use auscult_core::{LabelsRef, Timestamp};

use crate::metrics::Point;
use crate::metrics::protobuf::Message;

/// A message of version 1 that is being written: `prometheus.WriteRequest`.
///
/// ```
/// use auscult_core::{Labels, Timestamp};
/// use auscult_telemetry::metrics::remote_write::{Version, Writer, read};
/// use auscult_telemetry::metrics::{MetricBatch, Point};
/// let labels = Labels::from_pairs([("__name__", "up"), ("job", "llm")])?;
/// let mut writer = Writer::default();
/// writer.series(labels.as_ref(), &[Point { time: Timestamp::from_seconds(60), value: 1.0 }]);
/// let mut batch = MetricBatch::default();
/// let (written, _) = read(Version::One, &writer.finish(), 1000, &mut batch)?;
/// assert_eq!(written.samples, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Writer {
    request: Message,
    samples: usize,
}

impl Writer {
    /// Adds a series, whose labels come sorted by name, as receivers want them, and whose
    /// points come in order of time.
    pub fn series(&mut self, labels: LabelsRef<'_>, points: &[Point]) {
        self.samples += points.len();
        self.request.message(1, |series| {
            for (name, value) in labels.iter() {
                series.message(1, |label| {
                    label.bytes(1, name.as_bytes());
                    label.bytes(2, value.as_bytes());
                });
            }
            for point in points {
                series.message(2, |sample| {
                    sample.double(1, point.value);
                    sample.unsigned(2, milliseconds(point.time).cast_unsigned());
                });
            }
        });
    }

    /// How many samples were added.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The message in a snappy block.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        snap::raw::Encoder::new()
            .compress_vec(&self.request.into_bytes())
            .expect("a message that is in memory is short enough for snappy")
    }
}

/// Writes series as a compressed message of version 1.
#[must_use]
pub fn write<'a>(series: impl IntoIterator<Item = (LabelsRef<'a>, &'a [Point])>) -> Vec<u8> {
    let mut writer = Writer::default();
    series.into_iter().for_each(|(labels, points)| writer.series(labels, points));
    writer.finish()
}

fn milliseconds(time: Timestamp) -> i64 {
    time.nanos().div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use auscult_core::Labels;
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::MetricBatch;
    use crate::metrics::remote_write::{Version, read};

    proptest! {
        #[test]
        fn what_is_written_is_read_bit_by_bit(
            all in prop::collection::vec(
                (
                    prop::collection::btree_map("[a-z_]{1,8}", "[^\0]{1,12}", 1..6),
                    prop::collection::vec((-1 << 40..1_i64 << 40, any::<u64>()), 0..4),
                ),
                0..6,
            )
        ) {
            let mut writer = Writer::default();
            let mut expected = Vec::new();
            for (pairs, points) in &all {
                let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                let labels = Labels::from_pairs(pairs).unwrap();
                let points: Vec<Point> = points
                    .iter()
                    .map(|(milliseconds, bits)| Point {
                        time: Timestamp::from_nanos(milliseconds * 1_000_000),
                        value: f64::from_bits(*bits),
                    })
                    .collect();
                writer.series(labels.as_ref(), &points);
                expected.push((labels, points));
            }
            let mut batch = MetricBatch::default();
            let samples = writer.samples() as u64;
            let (written, refused) =
                read(Version::One, &writer.finish(), 1 << 20, &mut batch).unwrap();
            prop_assert_eq!((written.samples, refused), (samples, None));
            prop_assert_eq!(batch.len(), expected.len());
            for (series, (labels, points)) in batch.series().zip(&expected) {
                prop_assert_eq!(series.labels, labels.as_ref());
                let bits = |points: &[Point]| -> Vec<(i64, u64)> {
                    points.iter().map(|point| (point.time.nanos(), point.value.to_bits())).collect()
                };
                prop_assert_eq!(bits(series.points), bits(points));
            }
        }
    }
}

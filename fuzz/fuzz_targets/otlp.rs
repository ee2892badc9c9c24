//! Any bytes as an OTLP request: sound series, or a sentence. The first byte chooses
//! between protobuf, JSON, and protobuf in gzip.
#![no_main]

use auscult_telemetry::metrics::MetricBatch;
use auscult_telemetry::metrics::otlp::{Encoding, gunzip, read};

/// As much as the service allows for what the fuzzer makes.
const MOST: usize = 64 << 20;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, body)) = bytes.split_first() else { return };
    let mut batch = MetricBatch::default();
    let read = match first % 3 {
        0 => read(Encoding::Protobuf, body, MOST, &mut batch),
        1 => read(Encoding::Json, body, MOST, &mut batch),
        _ => {
            gunzip(body, 1 << 20).and_then(|body| read(Encoding::Protobuf, &body, MOST, &mut batch))
        }
    };
    let Ok((written, refused)) = read else { return };
    assert_eq!(written.refused_points > 0, refused.is_some());
    assert_eq!((written.samples + written.histograms) as usize, batch.samples());
    for series in batch.series() {
        assert!(!series.labels.metric().is_empty());
        assert!(series.labels.iter().is_sorted_by(|a, b| a.0 < b.0));
        for histogram in series.histograms.iter().filter_map(|point| point.value.as_ref()) {
            let buckets = &histogram.buckets;
            assert!(buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{buckets:?}");
            assert!(buckets.iter().all(|bucket| bucket.0.is_finite()), "{buckets:?}");
            assert!(buckets.last().is_none_or(|last| last.1 <= histogram.count), "{histogram:?}");
        }
    }
});

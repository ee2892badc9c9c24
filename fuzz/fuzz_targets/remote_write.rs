//! Any bytes as a remote-write request of either version: sound series, or a sentence.
//! The first byte chooses the version, and whether the rest is compressed.
#![no_main]

use auscult_telemetry::metrics::MetricBatch;
use auscult_telemetry::metrics::remote_write::{Version, read, read_message};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, body)) = bytes.split_first() else { return };
    let version = if first & 1 == 0 { Version::One } else { Version::Two };
    let mut batch = MetricBatch::default();
    let read = if first & 2 == 0 {
        read_message(version, body, &mut batch)
    } else {
        read(version, body, 1 << 20, &mut batch)
    };
    let Ok((written, refused)) = read else { return };
    assert_eq!(written.refused_series > 0, refused.is_some());
    for series in batch.series() {
        assert!(series.labels.iter().is_sorted_by(|a, b| a.0 < b.0));
        for histogram in series.histograms.iter().filter_map(|point| point.value.as_ref()) {
            let buckets = &histogram.buckets;
            assert!(buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{buckets:?}");
        }
    }
});

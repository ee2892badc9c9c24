//! No page of metrics is too odd to be read or refused, in any format.
#![no_main]

use auscult_core::Timestamp;
use auscult_telemetry::metrics::MetricBatch;
use auscult_telemetry::metrics::exposition::{Format, Times};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|page: &[u8]| {
    let times = Times { asked: Timestamp::from_seconds(0), honor: true };
    for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
        let mut batch = MetricBatch::default();
        if let Err(error) = format.read(page, times, &mut batch) {
            assert!(!error.to_string().contains('\n'));
        }
        assert_eq!(batch.series().count(), batch.len());
    }
});

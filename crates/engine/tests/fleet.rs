//! A made-up fleet: four replicas with eight series each.

use auscult_core::Timestamp;
use auscult_engine::Engine;
use auscult_telemetry::metrics::{MetricBatch, MetricKind};

/// Seconds between samples.
pub(crate) const STEP: i64 = 15;

/// A repeatable number from -1 to 1.
pub(crate) fn noise(seed: u64) -> f64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// A fleet of replicas with some series each, where `fault` adds to a reading.
pub(crate) fn run(
    engine: &Engine,
    steps: std::ops::Range<i64>,
    fault: impl Fn(i64, usize, usize) -> f64,
) {
    for step in steps {
        engine.ingest(&batch(step, &fault));
        engine.tick(time(step));
    }
}

pub(crate) fn time(step: i64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + step * STEP)
}

/// What comes at `step`.
pub(crate) fn batch(step: i64, fault: impl Fn(i64, usize, usize) -> f64) -> MetricBatch {
    let mut batch = MetricBatch::default();
    for replica in 0..4 {
        for metric in 0..8 {
            let name = format!("metric_{metric}");
            let instance = format!("replica-{replica}:8000");
            let mut labels = [("__name__", name.as_str()), ("instance", &instance), ("job", "llm")];
            batch.begin_series(MetricKind::Gauge, &mut labels).unwrap();
            let seed = (step as u64) << 16 | (replica as u64) << 8 | metric as u64;
            batch.push(time(step), 100.0 + 5.0 * noise(seed) + fault(step, replica, metric));
        }
    }
    batch
}

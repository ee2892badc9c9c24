//! What is stored, as the service's own metrics.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{PARTS, Storage};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PartLabels {
    part: &'static str,
}

type Seconds = Gauge<f64, AtomicU64>;

impl Storage {
    /// Adds everything as it is now.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let (log, history) = (self.log.size(), self.history.size());
        let (checkpoint_bytes, checkpoint_seconds, age) = {
            let checkpoint = self.checkpoint.lock().unwrap_or_else(PoisonError::into_inner);
            (checkpoint.bytes, checkpoint.seconds, checkpoint.at.elapsed().as_secs_f64())
        };
        let troubles = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let mut gauge = |name: &str, help: &str, value: u64| {
            let gauge: Gauge = Gauge::default();
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            registry.register(name, help, gauge);
        };
        let well = u64::from(troubles.0.iter().all(Option::is_none));
        gauge("storage_up", "Whether everything can be stored", well);
        gauge("log_bytes", "Bytes in the log of samples", log.bytes);
        gauge("log_segments", "Segments of the log of samples", log.segments);
        gauge("history_bytes", "Bytes in the history of samples", history.bytes);
        gauge("history_files", "Files of the history of samples", history.files);
        gauge("history_samples", "Samples in the history, without the log", history.samples);
        gauge("checkpoint_bytes", "Bytes of what was last written down", checkpoint_bytes);
        for (name, help, value) in [
            (
                "checkpoint_seconds",
                "Seconds it took to write down what was learnt",
                checkpoint_seconds,
            ),
            ("checkpoint_age_seconds", "Seconds since it was last tried", age),
        ] {
            let gauge = Seconds::default();
            gauge.set(value);
            registry.register(name, help, gauge);
        }
        let tally = &self.tally;
        for (name, help, value) in [
            ("checkpoints", "Times that what was learnt was written down", &tally.checkpoints),
            ("samples_not_stored", "Samples that were judged and not stored", &tally.unstored),
            ("files_set_aside", "Damaged files that were set aside", &tally.set_aside),
        ] {
            let counter = Counter::<u64>::default();
            counter.inc_by(value.load(Ordering::Relaxed));
            registry.register(name, help, counter);
        }
        let failures = Family::<PartLabels, Counter>::default();
        for (part, name) in PARTS {
            let count = tally.failures[part as usize].load(Ordering::Relaxed);
            failures.get_or_create(&PartLabels { part: name }).inc_by(count);
        }
        registry.register("storage_failures", "Attempts to store that failed", failures);
    }
}

//! What the service says of itself on `/metrics`.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use auscult_engine::Judging;

use crate::clock;
use crate::delivery::DeliveryMetrics;
use crate::serve::Shared;

/// How a request to write ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum Ending {
    /// All of it was taken.
    Taken,
    /// Some series could not be.
    Partly,
    /// None of it could be read.
    Refused,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct WriteLabels {
    pub(crate) protocol: &'static str,
    pub(crate) ending: Ending,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ScrapeLabels {
    pub(crate) job: String,
    pub(crate) outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct JobLabels {
    pub(crate) job: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct SourceLabels {
    pub(crate) source: String,
    pub(crate) outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MethodLabels {
    method: String,
    judging: &'static str,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

/// Counters that tasks add to; the rest is asked of the engine when it is needed.
#[derive(Debug)]
pub(crate) struct OwnMetrics {
    pub(crate) writes: Family<WriteLabels, Counter>,
    /// Seconds from having a request to having judged it.
    pub(crate) write_seconds: Histogram,
    pub(crate) delivery: DeliveryMetrics,
    pub(crate) scrapes: Family<ScrapeLabels, Counter>,
    pub(crate) scrape_refused_samples: Counter,
    pub(crate) scrape_targets: Family<JobLabels, Gauge>,
    pub(crate) discovery_failures: Counter,
    pub(crate) source_reads: Family<SourceLabels, Counter>,
    pub(crate) source_refused_records: Counter,
    /// Jumps of the time of day.
    pub(crate) clock_jumps: Counter,
    /// 1 if the configuration was applied when it was read last.
    pub(crate) last_reload_ok: Gauge,
    /// When a configuration was applied last, in seconds since 1970.
    pub(crate) last_reload_time: Gauge,
}

impl Default for OwnMetrics {
    fn default() -> Self {
        Self {
            writes: Family::default(),
            write_seconds: Histogram::new(exponential_buckets(0.001, 2.0, 14)),
            delivery: DeliveryMetrics::default(),
            scrapes: Family::default(),
            scrape_refused_samples: Counter::default(),
            scrape_targets: Family::default(),
            discovery_failures: Counter::default(),
            source_reads: Family::default(),
            source_refused_records: Counter::default(),
            clock_jumps: Counter::default(),
            last_reload_ok: Gauge::default(),
            last_reload_time: Gauge::default(),
        }
    }
}

impl OwnMetrics {
    /// A configuration holds from now on.
    pub(crate) fn note_applied(&self) {
        self.last_reload_ok.set(1);
        self.last_reload_time.set(clock::now().nanos() / 1_000_000_000);
    }

    /// Everything, in the OpenMetrics text format.
    pub(crate) fn render(shared: &Shared) -> String {
        let own = &shared.metrics;
        let mut registry = Registry::with_prefix("auscult");
        registry.register(
            "write_requests",
            "Requests to write, by how they ended",
            own.writes.clone(),
        );
        let help = "Seconds to read and judge a request to write";
        registry.register("write_seconds", help, own.write_seconds.clone());
        own.delivery.register(&mut registry);
        registry.register("scrapes", "Scrapes, by job and outcome", own.scrapes.clone());
        let help = "Samples of scraped pages whose labels cannot be after relabelling";
        registry.register("scrape_refused_samples", help, own.scrape_refused_samples.clone());
        let help = "Targets that are scraped, by job";
        registry.register("scrape_targets", help, own.scrape_targets.clone());
        let help = "Attempts to read a file of targets that failed";
        registry.register("discovery_failures", help, own.discovery_failures.clone());
        let help = "Pieces asked of sources with a past, by outcome";
        registry.register("source_reads", help, own.source_reads.clone());
        let help = "Records of followed files that cannot be read";
        registry.register("source_refused_records", help, own.source_refused_records.clone());
        let help = "Jumps of the time of day: the clock was set, or the service could not run";
        registry.register("clock_jumps", help, own.clock_jumps.clone());
        let help = "1 if the configuration was applied when it was read last";
        registry.register("config_last_reload_successful", help, own.last_reload_ok.clone());
        let help = "When a configuration was applied last, in seconds since 1970";
        registry.register(
            "config_last_reload_success_timestamp_seconds",
            help,
            own.last_reload_time.clone(),
        );
        let samples = Family::<OutcomeLabels, Counter<u64, AtomicU64>>::default();
        let counts = shared.engine.counts();
        for (outcome, count) in [
            ("judged", counts.judged),
            ("not_judged", counts.not_judged),
            ("unwatched", counts.unwatched),
            ("late", counts.late),
            ("duplicate", counts.duplicate),
            ("invalid", counts.invalid),
            ("stale", counts.stale),
        ] {
            samples.get_or_create(&OutcomeLabels { outcome }).inc_by(count);
        }
        registry.register("samples", "Samples that came, by what became of them", samples);
        let methods = Family::<MethodLabels, Gauge>::default();
        for count in shared.engine.methods() {
            let judging = if count.judging == Judging::Jointly { "jointly" } else { "alone" };
            let labels =
                MethodLabels { method: count.method, judging, state: count.state.as_str() };
            let series = i64::try_from(count.series).unwrap_or(i64::MAX);
            methods.get_or_create(&labels).set(series);
        }
        let help = "Series with a method that policies assign, by how far it has come";
        registry.register("method_series", help, methods);
        let mut gauge = |name: &str, help: &str, value: usize| {
            let gauge: Gauge = Gauge::default();
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            registry.register(name, help, gauge);
        };
        gauge("series", "Series that are watched", shared.engine.series());
        gauge("series_limit", "Most series that are watched", shared.engine.settings().most_series);
        let of_u64 = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let help = "Bytes that methods which policies assign take, about";
        gauge("method_memory_bytes", help, of_u64(shared.engine.method_memory()));
        let help = "Most bytes that methods which policies assign may take";
        let limit = shared.engine.settings().method_memory_limit;
        gauge("method_memory_limit_bytes", help, of_u64(limit));
        gauge("targets", "Targets that series belong to", shared.engine.targets());
        gauge("warm", "1 once the past of all sources is read", usize::from(shared.is_warm()));
        gauge("open_incidents", "Incidents that are open", shared.engine.open_incidents());
        shared.access.register(&mut registry);
        if let Some(storage) = &shared.storage {
            storage.register(&mut registry);
        }
        let mut out = String::new();
        text::encode(&mut out, &registry).expect("writing to a string does not fail");
        out
    }
}

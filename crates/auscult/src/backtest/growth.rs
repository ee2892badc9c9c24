//! Series of a replay that look like counters and were not declared to be.

use std::collections::{BTreeMap, HashMap};

use auscult_server::Moment;
use auscult_telemetry::metrics::MetricKind;

use crate::detection::lookalike::Grown;

/// Ends of names that the engine takes for counters by itself.
const COUNTER_NAMES: [&str; 3] = ["_total", "_count", "_sum"];

/// How each series grew so far, and which metrics came as counters.
#[derive(Debug, Default)]
pub(crate) struct Growth {
    /// By the bytes of the labels.
    series: HashMap<Vec<u8>, Grown>,
    /// Metrics of those series, each by the first one.
    metrics: BTreeMap<String, Vec<Vec<u8>>>,
    counters: Vec<String>,
}

impl Growth {
    /// Goes on with a moment.
    pub(crate) fn take(&mut self, moment: &Moment<'_>) {
        for series in moment.batch.series() {
            let metric = series.labels.metric();
            if series.kind != MetricKind::Unknown {
                if series.kind == MetricKind::Counter && !self.has_counter(metric) {
                    self.counters.push(metric.to_owned());
                }
                continue;
            }
            if COUNTER_NAMES.iter().any(|end| metric.ends_with(end)) {
                continue;
            }
            let bytes = series.labels.bytes();
            if !self.series.contains_key(bytes) {
                self.series.insert(bytes.to_vec(), Grown::default());
                self.metrics.entry(metric.to_owned()).or_default().push(bytes.to_vec());
            }
            if let Some(grown) = self.series.get_mut(bytes) {
                grown.take(series.points.iter().map(|point| point.value));
            }
        }
    }

    /// Whether a series of `metric` came as a counter.
    pub(crate) fn has_counter(&self, metric: &str) -> bool {
        self.counters.iter().any(|counter| counter == metric)
    }

    /// A sentence on each metric that has a series like a counter.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let sentence = |(metric, series): (&String, &Vec<Vec<u8>>)| {
            let grown = series.iter().filter_map(|bytes| self.series.get(bytes));
            grown.filter_map(|grown| grown.sentence(metric)).next()
        };
        self.metrics.iter().filter_map(sentence).collect()
    }
}

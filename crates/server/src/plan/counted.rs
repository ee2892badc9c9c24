//! Series of a batch as the engine would take them.

use std::time::Instant;

use auscult_core::SettingsMap;
use auscult_engine::{AssignedMethod, Engine, EngineSettings, MethodTrial, MethodView, Selector};
use auscult_telemetry::metrics::MetricBatch;
use serde::Serialize;

use super::costs::USUAL_LABEL_BYTES;

/// Series that are made of a histogram: two quantiles, the mean and the rate.
const OF_A_HISTOGRAM: u64 = 4;

/// What comes each time from a source.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Counted {
    /// Samples, after relabelling.
    pub samples: f64,
    /// Series, with those that are made of histograms.
    pub series: u64,
    /// Those among them that are judged.
    pub judged: u64,
    /// Bytes of the labels of all series.
    pub label_bytes: f64,
    /// Whether `label_bytes` and `judged` were seen, and not supposed.
    pub is_seen: bool,
    /// Of each receiver of scores, in their order, the series that it selects; at most so many where they were not
    /// seen.
    pub selected: Vec<u64>,
    /// Methods that policies assign to these series.
    pub methods: Vec<MethodNeed>,
}

/// A method that policies assign, and what it takes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MethodNeed {
    /// What it is called in the catalogue.
    pub name: String,
    /// Its settings that differ from the defaults.
    pub settings: SettingsMap,
    /// Series of each stream; more than 1 where it judges jointly.
    pub channels: usize,
    /// Streams that it judges.
    pub streams: u64,
    /// Bytes that each of them takes, after as many made-up samples as it takes to grow no more.
    pub bytes_each: u64,
    /// Whether it was still growing after 8,192 samples.
    pub is_growing: bool,
    /// Seconds of a processor for each sample, on this machine.
    pub processor_seconds: f64,
}

impl MethodNeed {
    /// Of the method on one stream, which is run on made-up samples to find out.
    fn of(method: &AssignedMethod, channels: usize) -> Self {
        let begun = Instant::now();
        let trial = method.trial(channels);
        let elapsed = begun.elapsed().as_secs_f64();
        // Settings that do not fit so many channels wait for more of them.
        let trial = trial.unwrap_or(MethodTrial { bytes: 0, is_growing: false, samples: 1 });
        Self {
            name: method.name().to_owned(),
            settings: method.settings().clone(),
            channels,
            streams: 1,
            bytes_each: trial.bytes,
            is_growing: trial.is_growing,
            processor_seconds: elapsed / trial.samples as f64,
        }
    }

    fn is_like(&self, method: &str, settings: &SettingsMap, channels: usize) -> bool {
        (self.name.as_str(), &self.settings, self.channels) == (method, settings, channels)
    }
}

impl Counted {
    /// Of `batch`, which holds each series once, under these `settings`; each of `receivers` selects series.
    pub(crate) fn of(
        batch: &MetricBatch,
        settings: &EngineSettings,
        receivers: &[&[Selector]],
    ) -> Self {
        let unlimited = EngineSettings {
            most_series: usize::MAX,
            method_memory_limit: u64::MAX,
            ..settings.clone()
        };
        let engine = Engine::new(unlimited);
        let counts = engine.ingest(batch).counts;
        let mut counted = Self { is_seen: true, ..Self::default() };
        let mut histograms = 0;
        for series in batch.series() {
            counted.samples += (series.points.len() + series.histograms.len()) as f64;
            let bytes = series.labels.bytes().len() as f64;
            counted.label_bytes += bytes;
            let buckets = series.labels.metric().ends_with("_bucket");
            let last = matches!(series.labels.get("le"), Some("+Inf" | "Inf"));
            let own = series.histograms.len() as u64;
            let made = if buckets && last { 1 } else { own.min(1) };
            // A native histogram is judged, but is no series itself.
            counted.judged += OF_A_HISTOGRAM * made;
            histograms += own;
            counted.series += OF_A_HISTOGRAM * made;
            counted.label_bytes += (OF_A_HISTOGRAM * made) as f64 * bytes;
        }
        counted.series += engine.series() as u64;
        let watched = counts.judged + counts.late + counts.duplicate + counts.invalid;
        counted.judged += watched.saturating_sub(histograms);
        for MethodView { method, channels, .. } in engine.assigned() {
            let mut known = counted.methods.iter_mut();
            let is_like =
                |need: &&mut MethodNeed| need.is_like(method.name(), method.settings(), channels);
            match known.find(is_like) {
                Some(need) => need.streams += 1,
                None => counted.methods.push(MethodNeed::of(&method, channels)),
            }
        }
        let selects = |select: &[Selector]| {
            let fits = |labels: &auscult_core::Labels| {
                select.iter().any(|one| one.matches(labels.as_ref()))
            };
            batch.series().filter(|series| fits(&series.labels.to_owned())).count() as u64
        };
        counted.selected = receivers.iter().map(|select| selects(select)).collect();
        counted
    }

    /// Of `series` that nobody has seen: all are judged, their labels are as usual, and a receiver that selects any
    /// may select them all.
    pub(crate) fn supposed(series: u64, receivers: &[&[Selector]]) -> Self {
        let selected = |select: &&[Selector]| if select.is_empty() { 0 } else { series };
        Self {
            samples: series as f64,
            series,
            judged: series,
            label_bytes: series as f64 * USUAL_LABEL_BYTES,
            is_seen: false,
            selected: receivers.iter().map(selected).collect(),
            methods: Vec::new(),
        }
    }

    /// Adds `other`.
    pub(crate) fn add(&mut self, other: &Self) {
        self.samples += other.samples;
        self.series += other.series;
        self.judged += other.judged;
        self.label_bytes += other.label_bytes;
        self.is_seen &= other.is_seen;
        for other in &other.methods {
            let mut known = self.methods.iter_mut();
            let is_like =
                |need: &&mut MethodNeed| need.is_like(&other.name, &other.settings, other.channels);
            match known.find(is_like) {
                Some(need) => need.streams += other.streams,
                None => self.methods.push(other.clone()),
            }
        }
        self.selected.resize(self.selected.len().max(other.selected.len()), 0);
        self.selected.iter_mut().zip(&other.selected).for_each(|(sum, more)| *sum += more);
    }
}

#[cfg(test)]
mod tests {
    use auscult_core::Timestamp;
    use auscult_telemetry::metrics::exposition::{Format, Times};

    use super::*;

    fn page(text: &str) -> MetricBatch {
        let mut batch = MetricBatch::default();
        let times = Times { asked: Timestamp::from_seconds(1_714_521_600), honor: true };
        Format::Text.read(text.as_bytes(), times, &mut batch).unwrap();
        batch
    }

    #[test]
    fn a_histogram_is_judged_by_four_series_and_not_bucket_by_bucket() {
        let batch = page(
            "# TYPE power gauge\npower 1\n# TYPE d histogram\nd_bucket{le=\"1\"} 1\nd_bucket{le=\"+Inf\"} 2\nd_sum 3\nd_count 2\n",
        );
        let counted = Counted::of(&batch, &EngineSettings::default(), &[]);
        assert_eq!(counted.samples, 5.0);
        assert_eq!(counted.series, 5 + 4);
        let gauge =
            Counted::of(&page("# TYPE power gauge\npower 1\n"), &EngineSettings::default(), &[]);
        assert_eq!((gauge.series, gauge.judged), (1, 1));
        assert!(counted.judged >= 5 && counted.judged < counted.series, "{counted:?}");
    }

    #[test]
    fn methods_that_policies_assign_are_counted_with_what_they_take() {
        let batch = page("a{x=\"1\"} 1\na{x=\"2\"} 1\nb 1\nc 1\n");
        let policies = [
            r#"{"match": "a", "method": {"name": "matrix-profile"}}"#,
            r#"{"match": "{__name__=~\"b|c\"}", "joint_method": {"name": "mahalanobis-ew"}}"#,
        ];
        let policies = policies.map(|json| serde_json::from_str(json).unwrap()).into();
        let settings = EngineSettings { policies, ..EngineSettings::default() };
        let mut counted = Counted::of(&batch, &settings, &[]);
        let again = counted.clone();
        counted.add(&again);
        let mut found: Vec<_> = counted.methods.iter().collect();
        found.sort_by_key(|need| need.channels);
        let shown = |need: &MethodNeed| (need.name.clone(), need.channels, need.streams);
        assert_eq!(shown(found[0]), ("matrix-profile".to_owned(), 1, 4));
        assert_eq!(shown(found[1]), ("mahalanobis-ew".to_owned(), 2, 2));
        assert!(found[0].bytes_each > 10_000 && found[1].bytes_each > 50, "{found:?}");
        assert!(found.iter().all(|need| need.processor_seconds > 0.0));
    }

    #[test]
    fn policies_and_selectors_hold() {
        let batch = page("a{x=\"1\"} 1\na{x=\"2\"} 1\nb 1\n");
        let policies = vec![serde_json::from_str(r#"{"match": "b", "watch": false}"#).unwrap()];
        let settings = EngineSettings { policies, ..EngineSettings::default() };
        let (all, none): (Selector, [Selector; 0]) = ("{x=\"2\"}".parse().unwrap(), []);
        let counted = Counted::of(&batch, &settings, &[&[all], &none]);
        assert_eq!((counted.series, counted.judged), (3, 2));
        assert_eq!(counted.selected, [1, 0]);
        let named: usize = batch.series().map(|series| series.labels.bytes().len()).sum();
        assert_eq!(counted.label_bytes, named as f64);
    }
}

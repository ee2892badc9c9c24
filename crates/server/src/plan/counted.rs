//! Series of a batch as the engine would take them.

use auscult_engine::{Engine, EngineSettings, Selector};
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
}

impl Counted {
    /// Of `batch`, which holds each series once, under these `settings`; each of `receivers` selects series.
    pub(crate) fn of(
        batch: &MetricBatch,
        settings: &EngineSettings,
        receivers: &[&[Selector]],
    ) -> Self {
        let engine = Engine::new(EngineSettings { most_series: usize::MAX, ..settings.clone() });
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
        }
    }

    /// Adds `other`.
    pub(crate) fn add(&mut self, other: &Self) {
        self.samples += other.samples;
        self.series += other.series;
        self.judged += other.judged;
        self.label_bytes += other.label_bytes;
        self.is_seen &= other.is_seen;
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

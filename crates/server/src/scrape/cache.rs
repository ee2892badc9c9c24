//! What was seen of one target: labels once relabelled, and series that have gone.

use std::collections::HashMap;

use auscult_core::{Labels, LabelsRef, METRIC_NAME, Timestamp};
use auscult_telemetry::metrics::{MetricBatch, MetricKind, MetricSeries, STALE_BITS};

use super::relabel::{LabelMap, Rule, apply};

/// How labels of pages become labels of series.
#[derive(Debug)]
pub(super) struct Naming {
    /// Labels of the target.
    pub(super) target: Labels,
    pub(super) honor_labels: bool,
    pub(super) rules: Vec<Rule>,
}

/// Series of one target by the labels that its page gives them.
#[derive(Debug, Default)]
pub(super) struct Cache {
    series: HashMap<Box<[u8]>, Seen>,
    round: u64,
}

#[derive(Debug)]
struct Seen {
    /// `None` where the rules drop it.
    labels: Option<Labels>,
    kind: MetricKind,
    round: u64,
    /// Whether the page says its time: then it goes without a word.
    own_time: bool,
    /// Whether a sample of it was taken over for good.
    told: bool,
}

/// Samples of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Scraped {
    /// In the page.
    pub(super) samples: u64,
    /// Left after relabelling.
    pub(super) kept: u64,
    /// Of series whose labels cannot be after relabelling; not kept.
    pub(super) refused: u64,
    /// Series that the page before did not have.
    pub(super) added: u64,
}

impl Naming {
    /// The labels of a series; `None` where rules drop it. Fails where labels cannot be.
    fn name(&self, scraped: LabelsRef<'_>) -> Result<Option<Labels>, ()> {
        let own = scraped.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut labels: LabelMap = own.collect();
        for (name, value) in self.target.iter() {
            match labels.insert(name.to_owned(), value.to_owned()) {
                Some(scraped) if self.honor_labels => drop(labels.insert(name.to_owned(), scraped)),
                Some(scraped) => {
                    let mut exported = format!("exported_{name}");
                    while labels.contains_key(&exported) || self.target.get(&exported).is_some() {
                        exported.insert_str(0, "exported_");
                    }
                    labels.insert(exported, scraped);
                }
                None => {}
            }
        }
        if !apply(&self.rules, &mut labels) {
            return Ok(None);
        }
        // Labels that only rules were to see.
        labels.retain(|name, _| name == METRIC_NAME || !name.starts_with("__"));
        if !labels.contains_key(METRIC_NAME) {
            return Err(());
        }
        let pairs = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Labels::from_pairs(pairs).map(Some).map_err(|_| ())
    }
}

impl Cache {
    /// Takes the samples of `page`, asked for at `asked`, over into `batch`, named. They count once
    /// [`Cache::settle`] is called; [`Cache::end`] undoes them.
    pub(super) fn take(
        &mut self,
        page: &MetricBatch,
        naming: &Naming,
        asked: Timestamp,
        batch: &mut MetricBatch,
    ) -> Scraped {
        let mut scraped = Scraped::default();
        self.round += 1;
        for series in page.series() {
            self.take_series(series, naming, asked, batch, &mut scraped);
        }
        scraped
    }

    /// Tells of the series that the page before had and the one taken last has not.
    pub(super) fn settle(&mut self, asked: Timestamp, batch: &mut MetricBatch) {
        let round = self.round;
        self.series.retain(|_, seen| {
            if seen.round != round {
                end(seen, asked, batch);
            }
            seen.told = true;
            seen.round == round
        });
    }

    fn take_series(
        &mut self,
        series: MetricSeries<'_>,
        naming: &Naming,
        asked: Timestamp,
        batch: &mut MetricBatch,
        scraped: &mut Scraped,
    ) {
        let samples = (series.points.len() + series.histograms.len()) as u64;
        scraped.samples += samples;
        if !self.series.contains_key(series.labels.bytes()) {
            let Ok(labels) = naming.name(series.labels) else {
                scraped.refused += samples;
                return;
            };
            scraped.added += u64::from(labels.is_some());
            let seen = Seen { labels, kind: series.kind, round: 0, own_time: false, told: false };
            self.series.insert(series.labels.bytes().into(), seen);
        }
        let Some(seen) = self.series.get_mut(series.labels.bytes()) else { return };
        seen.round = self.round;
        seen.kind = series.kind;
        seen.own_time = series.points.iter().any(|point| point.time != asked);
        let Some(labels) = &seen.labels else { return };
        scraped.kept += samples;
        batch.begin_labels(series.kind, labels.as_ref());
        series.points.iter().for_each(|point| batch.push(point.time, point.value));
        for histogram in series.histograms {
            batch.push_histogram(histogram.time, histogram.value.clone());
        }
    }

    /// Tells that every series has ended for now that was told of before, and forgets all.
    pub(super) fn end(&mut self, time: Timestamp, batch: &mut MetricBatch) {
        for (_, seen) in self.series.drain() {
            end(&seen, time, batch);
        }
    }
}

fn end(seen: &Seen, time: Timestamp, batch: &mut MetricBatch) {
    if let Some(labels) = seen.labels.as_ref().filter(|_| seen.told && !seen.own_time) {
        batch.begin_labels(seen.kind, labels.as_ref());
        batch.push(time, f64::from_bits(STALE_BITS));
    }
}

#[cfg(test)]
mod tests {
    use auscult_telemetry::metrics::exposition::{Format, Times};
    use auscult_telemetry::metrics::is_stale;

    use super::*;

    fn naming(honor_labels: bool, rules: &str) -> Naming {
        let target = Labels::from_pairs([("job", "llm"), ("instance", "a:1")]).unwrap();
        let rules: Vec<super::super::RelabelSettings> = serde_saphyr::from_str(rules).unwrap();
        let rules = rules.into_iter().map(|rule| Rule::new(rule).unwrap()).collect();
        Naming { target, honor_labels, rules }
    }

    fn take(cache: &mut Cache, naming: &Naming, second: i64, page: &str) -> (Scraped, Vec<String>) {
        let asked = Timestamp::from_seconds(second);
        let (mut read, mut batch) = (MetricBatch::default(), MetricBatch::default());
        Format::Text.read(page.as_bytes(), Times { asked, honor: true }, &mut read).unwrap();
        let scraped = cache.take(&read, naming, asked, &mut batch);
        cache.settle(asked, &mut batch);
        (scraped, shown(&batch))
    }

    fn shown(batch: &MetricBatch) -> Vec<String> {
        let value =
            |value: f64| if is_stale(value) { "ended".to_owned() } else { value.to_string() };
        let mut shown: Vec<String> = batch
            .series()
            .map(|series| format!("{} {}", series.labels, value(series.points[0].value)))
            .collect();
        shown.sort();
        shown
    }

    #[test]
    fn labels_of_the_target_win_unless_the_page_is_honored() {
        let page = "up{job=\"x\",exported_job=\"y\"} 1\n";
        let (_, batch) = take(&mut Cache::default(), &naming(false, "[]"), 1, page);
        let both = r#"up{exported_exported_job="x",exported_job="y",instance="a:1",job="llm"} 1"#;
        assert_eq!(batch, [both]);
        let (_, batch) = take(&mut Cache::default(), &naming(true, "[]"), 1, page);
        assert_eq!(batch, [r#"up{exported_job="y",instance="a:1",job="x"} 1"#]);
    }

    #[test]
    fn series_that_vanish_are_told_once_unless_they_say_their_time() {
        let (mut cache, naming) = (Cache::default(), naming(false, "[]"));
        let (first, _) = take(&mut cache, &naming, 1, "a 1\nb 2\nc 3 500\n");
        assert_eq!(first, Scraped { samples: 3, kept: 3, refused: 0, added: 3 });
        let (second, batch) = take(&mut cache, &naming, 2, "a 1\nd 2\n");
        assert_eq!((second.samples, second.added), (2, 1));
        let label = r#"{instance="a:1",job="llm"}"#;
        assert_eq!(
            batch,
            [format!("a{label} 1"), format!("b{label} ended"), format!("d{label} 2")]
        );
        let (_, batch) = take(&mut cache, &naming, 3, "a 1\nd 2\n");
        assert_eq!(batch.len(), 2);
        let mut batch = MetricBatch::default();
        cache.end(Timestamp::from_seconds(4), &mut batch);
        assert_eq!(shown(&batch), [format!("a{label} ended"), format!("d{label} ended")]);
    }

    #[test]
    fn a_page_that_was_not_settled_leaves_no_trace() {
        let (mut cache, naming) = (Cache::default(), naming(false, "[]"));
        take(&mut cache, &naming, 1, "a 1\n");
        let (mut read, mut batch) = (MetricBatch::default(), MetricBatch::default());
        let asked = Timestamp::from_seconds(2);
        Format::Text.read(b"b 1\n", Times { asked, honor: true }, &mut read).unwrap();
        cache.take(&read, &naming, asked, &mut batch);
        batch.clear();
        cache.end(asked, &mut batch);
        assert_eq!(shown(&batch), [r#"a{instance="a:1",job="llm"} ended"#]);
    }

    #[test]
    fn rules_drop_and_rename_series() {
        let rules = "[{source_labels: [__name__], regex: 'go_.*', action: drop},
            {source_labels: [__name__], regex: 'old', target_label: __name__, replacement: new},
            {source_labels: [__name__], regex: 'nameless', target_label: __name__, replacement: ''}]";
        let page = "go_threads 1\nold 2\nnameless 3\n";
        let (scraped, batch) = take(&mut Cache::default(), &naming(false, rules), 1, page);
        assert_eq!(batch, [r#"new{instance="a:1",job="llm"} 2"#]);
        assert_eq!(scraped, Scraped { samples: 3, kept: 1, refused: 1, added: 1 });
    }
}

//! Sources with a past, looked at once to see what they would bring.

use std::collections::HashSet;
use std::time::Duration;

use auscult_core::Labels;
use auscult_telemetry::metrics::MetricBatch;
use serde::Deserialize;

use super::follow::FollowSettings;
use super::prometheus::{PrometheusSettings, PrometheusSource};
use super::tail::Tail;

#[derive(Debug, Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    result: Vec<Row>,
}

#[derive(Debug, Deserialize)]
struct Row {
    value: (f64, String),
}

/// Asks how many series the queries of a server have now, each for at most `within`.
/// Fails in a sentence.
pub(crate) async fn count(settings: &PrometheusSettings, within: Duration) -> Result<u64, String> {
    let timeout = settings.timeout.min(within);
    let source = PrometheusSource::new(PrometheusSettings { timeout, ..settings.clone() })?;
    let mut series = 0;
    for query in &settings.queries {
        let counting = format!("count({query})");
        let answer = source.get("query", &[("query", &counting)]).await;
        let answer = answer.map_err(|error| format!("{error} (query `{query}`)"))?;
        series += number(&answer).map_err(|error| format!("{error} (query `{query}`)"))?;
    }
    Ok(series)
}

/// The number in the answer to `count(…)`; nothing counts 0.
fn number(answer: &[u8]) -> Result<u64, String> {
    let answer: Answer = serde_json::from_slice(answer)
        .map_err(|error| format!("its answer is no vector: {error}"))?;
    let Some(row) = answer.data.result.first() else { return Ok(0) };
    let (_, text) = &row.value;
    text.parse().map_err(|_| format!("its answer has `{text}` for a count"))
}

/// What the beginning of a followed file says.
#[derive(Debug)]
pub(crate) struct FileLook {
    /// Each series once.
    pub(crate) batch: MetricBatch,
    /// From one record to the next, on average; `None` if there is only one moment.
    pub(crate) interval: Option<Duration>,
    /// Samples a moment, on average.
    pub(crate) samples: f64,
}

/// Reads the first megabytes of a followed file. Fails in a sentence.
pub(crate) fn look_at_file(settings: &FollowSettings) -> Result<FileLook, String> {
    let read = Tail::new(settings.clone()).read();
    let (Some(first), Some(last)) = (read.slices.first(), read.slices.last()) else {
        return Err(read.problem.unwrap_or_else(|| "it has no whole record yet".to_owned()));
    };
    let moments = read.slices.len();
    let span =
        Duration::from_nanos(u64::try_from(last.time.nanos() - first.time.nanos()).unwrap_or(0));
    let between = u32::try_from(moments - 1).ok().filter(|between| *between > 0);
    let interval = between.map(|between| span / between).filter(|interval| !interval.is_zero());
    let mut seen: HashSet<Labels> = HashSet::new();
    let (mut batch, mut samples) = (MetricBatch::default(), 0);
    for slice in &read.slices {
        for series in slice.batch.series() {
            samples += series.points.len();
            if seen.insert(series.labels.to_owned()) {
                batch.begin_labels(series.kind, series.labels);
                series.points.iter().take(1).for_each(|point| batch.push(point.time, point.value));
            }
        }
    }
    Ok(FileLook { batch, interval, samples: samples as f64 / moments as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_the_answer() {
        let vector =
            br#"{"data":{"resultType":"vector","result":[{"metric":{},"value":[1.5,"42"]}]}}"#;
        assert_eq!(number(vector), Ok(42));
        assert_eq!(number(br#"{"data":{"resultType":"vector","result":[]}}"#), Ok(0));
        assert!(number(b"<html>").unwrap_err().starts_with("its answer is no vector: "));
    }

    #[test]
    fn a_file_tells_its_series_and_how_often_they_come() {
        let name = format!("auscult-look-{}.csv", std::process::id());
        let path = std::env::temp_dir().join(name);
        let records =
            "time,rank,loss,rate\n1714521600,0,2.5,1\n1714521600,1,2.5,1\n1714521610,0,2.25,\n";
        std::fs::write(&path, records).unwrap();
        let labels = vec!["rank".to_owned()];
        let look = look_at_file(&FollowSettings { labels, ..FollowSettings::new(&path) });
        std::fs::remove_file(&path).unwrap();
        let look = look.unwrap();
        assert_eq!(look.batch.series().count(), 4);
        assert_eq!((look.interval, look.samples), (Some(Duration::from_secs(10)), 2.5));
    }
}

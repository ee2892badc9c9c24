//! The answer to a query over a range of time.
//!
//! Source: Prometheus documentation, "HTTP API", "Range queries".

use std::collections::{BTreeMap, VecDeque};

use auscult_core::{Labels, METRIC_NAME, Timestamp};
use auscult_telemetry::metrics::{Families, MetricBatch};
use serde::Deserialize;

use super::Slice;

#[derive(Debug, Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Debug, Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    result: Vec<Row<'a>>,
}

#[derive(Debug, Deserialize)]
struct Row<'a> {
    metric: Labels,
    /// Seconds, and a number as text; absent in a series of native histograms.
    #[serde(borrow, default)]
    values: Vec<(f64, &'a str)>,
}

/// Moments by milliseconds since the epoch.
#[derive(Debug, Default)]
pub(super) struct Moments(BTreeMap<i64, MetricBatch>);

impl Moments {
    /// Adds the `answer` to `query`, whose series are called by it where they have no name.
    pub(super) fn add(
        &mut self,
        answer: &[u8],
        query: &str,
        families: &Families<'_>,
    ) -> Result<u64, String> {
        let answer: Answer<'_> = serde_json::from_slice(answer)
            .map_err(|error| format!("its answer is no matrix: {error}"))?;
        let mut samples = 0;
        for row in answer.data.result {
            let labels = match row.metric.get(METRIC_NAME) {
                Some(_) => row.metric,
                None => row
                    .metric
                    .with([(METRIC_NAME, query)])
                    .map_err(|error| format!("its answer has wrong labels: {error}"))?,
            };
            let kind = families.kind(labels.as_ref().metric());
            for (seconds, text) in row.values {
                let value: f64 =
                    text.parse().map_err(|_| format!("its answer has `{text}` for a number"))?;
                let time = (seconds * 1000.0).round() as i64;
                let batch = self.0.entry(time).or_default();
                batch.begin_labels(kind, labels.as_ref());
                batch.push(from_milliseconds(time), value);
                samples += 1;
            }
        }
        Ok(samples)
    }

    /// Oldest first.
    pub(super) fn slices(self) -> VecDeque<Slice> {
        let slice = |(time, batch)| Slice { time: from_milliseconds(time), batch };
        self.0.into_iter().map(slice).collect()
    }
}

fn from_milliseconds(milliseconds: i64) -> Timestamp {
    Timestamp::from_nanos(milliseconds.saturating_mul(1_000_000))
}

#[derive(Debug, Deserialize)]
struct Metadata {
    data: BTreeMap<String, Vec<MetricMetadata>>,
}

#[derive(Debug, Deserialize)]
struct MetricMetadata {
    #[serde(rename = "type")]
    kind: String,
}

/// What the server says of its metrics; nothing where it says nothing that can be read.
pub(super) fn families(answer: &[u8]) -> Families<'static> {
    let mut families = Families::default();
    if let Ok(metadata) = serde_json::from_slice::<Metadata>(answer) {
        for (family, said) in metadata.data {
            let kind = said
                .first()
                .and_then(|said| auscult_telemetry::metrics::MetricKind::of_name(&said.kind));
            if let Some(kind) = kind {
                families.declare(family.into(), kind);
            }
        }
    }
    families
}

#[cfg(test)]
mod tests {
    use auscult_telemetry::metrics::MetricKind;

    use super::*;

    #[test]
    fn a_matrix_becomes_moments_in_order_of_time() {
        let answer = br#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"__name__":"power","gpu":"0"},"values":[[15,"1"],[30.5,"+Inf"]]},
            {"metric":{"gpu":"1"},"values":[[15,"NaN"]]}]}}"#;
        let metadata =
            br#"{"status":"success","data":{"power":[{"type":"gauge","help":"","unit":""}]}}"#;
        let mut moments = Moments::default();
        assert_eq!(moments.add(answer, "sum(power)", &families(metadata)), Ok(3));
        let slices = moments.slices();
        let shown: Vec<String> = slices
            .iter()
            .flat_map(|slice| {
                slice.batch.series().map(|series| {
                    let seconds = slice.time.nanos() as f64 / 1e9;
                    format!(
                        "{seconds} {} {:?} {}",
                        series.labels, series.kind, series.points[0].value
                    )
                })
            })
            .collect();
        assert_eq!(
            shown,
            [
                r#"15 power{gpu="0"} Gauge 1"#,
                r#"15 sum(power){gpu="1"} Unknown NaN"#,
                r#"30.5 power{gpu="0"} Gauge inf"#,
            ]
        );
        assert_eq!(families(b"no").kind("power"), MetricKind::Unknown);
    }

    #[test]
    fn answers_that_are_none_are_refused_in_words() {
        let add = |answer: &[u8]| Moments::default().add(answer, "q", &Families::default());
        assert!(add(b"<html>").unwrap_err().starts_with("its answer is no matrix: "));
        let word = br#"{"data":{"result":[{"metric":{"a":"b"},"values":[[1,"x"]]}]}}"#;
        assert_eq!(add(word).unwrap_err(), "its answer has `x` for a number");
    }
}

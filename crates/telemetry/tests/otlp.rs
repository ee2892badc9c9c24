//! Requests of OpenTelemetry's own classes (`golden/otlp.py`), read.

use auscult_telemetry::metrics::otlp::{Encoding, Written, read};
use auscult_telemetry::metrics::{MetricBatch, WireError, is_stale};
use proptest::prelude::*;

const EVERY_SHAPE: &[u8] = include_bytes!("golden/otlp/every_shape.bin");
const EVERY_SHAPE_JSON: &[u8] = include_bytes!("golden/otlp/every_shape.json");
const SDK: &[u8] = include_bytes!("golden/otlp/sdk.bin");
/// When every fixture was read, in seconds.
const TIME: i64 = 1_700_000_010;

/// What a batch holds, a line for each point.
fn lines(batch: &MetricBatch) -> Vec<String> {
    let mut lines = Vec::new();
    for series in batch.series() {
        let (labels, kind) = (series.labels, series.kind);
        for point in series.points {
            let late = point.time.nanos() - TIME * 1_000_000_000;
            let value = point.value;
            let value = if is_stale(value) { "stale".to_owned() } else { value.to_string() };
            lines.push(format!("{labels} {kind:?} +{late} {value}"));
        }
        for point in series.histograms {
            let late = point.time.nanos() - TIME * 1_000_000_000;
            let value = point.value.as_ref().expect("none is stale");
            let (count, sum, buckets) =
                (value.count, value.sum.unwrap_or(f64::NAN), &value.buckets);
            let since = if value.delta { "delta" } else { "cumulative" };
            lines.push(format!("{labels} {kind:?} +{late} {count} {sum} {buckets:?} {since}"));
        }
    }
    lines
}

fn all(encoding: Encoding, body: &[u8]) -> (Vec<String>, Written, Option<WireError>) {
    let mut batch = MetricBatch::default();
    let (written, refused) = read(encoding, body, 1 << 20, &mut batch).unwrap();
    (lines(&batch), written, refused)
}

#[test]
fn every_shape_is_read() {
    let (lines, written, refused) = all(Encoding::Protobuf, EVERY_SHAPE);
    let target =
        r#"gen_ai_request_model="large",host="node-7",instance="replica-0",job="prod/llm","#;
    let with = |more: &str| format!(r#"{target}{more}pod="llm-0""#);
    let power = r#"gpu_power_watts{bytes="AP8=",exported_host="other",gen_ai_request_model="large",gpu_index="3",host="node-7",instance="replica-0",is_spare="true",job="prod/llm",list="[\"a\\\"b\",1]",map="{\"x\":false,\"y\":null}",pod="llm-0",ratio="0.25",same_name="1;2"} Gauge +0 310.5"#;
    let plain = with("");
    let expected = [
        power.to_owned(),
        format!("gpu_power_watts{{{plain}}} Gauge +1 -3"),
        format!("gpu_power_watts{{{plain}}} Gauge +2 NaN"),
        format!("gpu_power_watts{{{plain}}} Gauge +3 -inf"),
        format!("gpu_power_watts{{{plain}}} Gauge +4 stale"),
        format!("gpu_utilization_ratio{{{plain}}} Gauge +0 0.9"),
        format!("requests_total{{{plain}}} Counter +0 9007199254740992"),
        format!("tokens_total{{{plain}}} Gauge +0 50"),
        format!("queue_size{{{plain}}} Gauge +0 12"),
        format!("queue_change{{{plain}}} Gauge +0 -2"),
        format!("ttft_seconds{{{plain}}} Histogram +0 7 3.5 [(0.1, 1.0), (0.5, 3.0)] cumulative"),
        format!(
            "tpot_seconds{{{plain}}} Histogram +0 9 12 [(-1.0, 0.0), (-0.25, 3.0), (0.5, 4.0), \
             (1.0, 4.0), (4.0, 6.0), (16.0, 6.0), (64.0, 9.0)] delta"
        ),
        format!("rpc_milliseconds{{{plain},quantile=\"0.5\",route=\"/\"}} Summary +0 1.5"),
        format!("rpc_milliseconds{{{plain},quantile=\"0.99\",route=\"/\"}} Summary +0 9"),
        format!("rpc_milliseconds_sum{{{plain},route=\"/\"}} Summary +0 8"),
        format!("rpc_milliseconds_count{{{plain},route=\"/\"}} Summary +0 4"),
    ];
    assert_eq!(lines, expected);
    assert_eq!(written, Written { samples: 14, histograms: 2, refused_points: 4 });
    let reason = "expected delta or cumulative temporality, got neither, metric `unsaid`";
    assert_eq!(refused.unwrap().to_string(), reason);
}

#[test]
fn json_says_the_same_as_protobuf() {
    assert_eq!(all(Encoding::Json, EVERY_SHAPE_JSON), all(Encoding::Protobuf, EVERY_SHAPE));
}

/// Recorded from `@opentelemetry/exporter-metrics-otlp-http` 0.223.0.
#[test]
fn the_sdk_for_javascript_is_understood() {
    let body = include_bytes!("golden/otlp/javascript.json");
    let (lines, written, refused) = all(Encoding::Json, body);
    assert_eq!((written.samples, written.histograms, refused), (3, 1, None));
    let requests = r#"requests_total{a="1",b="[1,\"x\"]",instance="j1",job="js"} Counter "#;
    assert!(lines[0].starts_with(requests) && lines[0].ends_with(" 15"), "{}", lines[0]);
    let duration = r#"gen_ai_server_request_duration_seconds{instance="j1",job="js"} Histogram "#;
    assert!(lines[1].starts_with(duration), "{}", lines[1]);
    assert!(lines[1].contains(" 3 0.8999999999999999 [(0.0, 0.0), (5.0, 3.0), "), "{}", lines[1]);
    assert!(lines[2].starts_with("temp_celsius{") && lines[2].ends_with(" 2.5"), "{}", lines[2]);
    assert!(lines[3].starts_with("running{") && lines[3].ends_with(" 3"), "{}", lines[3]);
}

#[test]
fn the_sdk_tells_of_a_model_by_its_conventions() {
    let (lines, written, refused) = all(Encoding::Protobuf, SDK);
    assert_eq!(refused, None);
    assert_eq!((written.samples, written.histograms), (3, 5));
    let names: Vec<&str> = lines.iter().filter_map(|line| line.split('{').next()).collect();
    let expected = [
        "gen_ai_client_token_usage",
        "gen_ai_client_token_usage",
        "gen_ai_server_request_duration_seconds",
        "gen_ai_server_time_to_first_token_seconds",
        "gen_ai_server_time_per_output_token_seconds",
        "requests_completed_total",
        "requests_running",
        "kv_cache_usage_ratio",
    ];
    assert_eq!(names, expected);
    let input = r#"gen_ai_client_token_usage{gen_ai_operation_name="chat",gen_ai_provider_name="self_hosted",gen_ai_request_model="large",gen_ai_token_type="input",host="node-1",instance="chat-1",job="chat"} Histogram +0 2 3120 [(1.0, 0.0), (4.0, 0.0), (16.0, 0.0), (64.0, 0.0), (256.0, 1.0), (1024.0, 1.0)] cumulative"#;
    assert_eq!(lines[0], input);
    assert!(lines[4].contains(" Histogram +0 3 0.065 ["), "{}", lines[4]);
    assert!(lines[5].ends_with(" Counter +0 3"), "{}", lines[5]);
    assert!(lines[6].ends_with("Gauge +0 2"), "{}", lines[6]);
}

#[test]
fn the_sdk_s_exponential_buckets_hold_what_was_recorded() {
    let mut batch = MetricBatch::default();
    read(Encoding::Protobuf, SDK, 1 << 20, &mut batch).unwrap();
    let name = "gen_ai_server_time_per_output_token_seconds";
    let series = batch.series().find(|series| series.labels.metric() == name).unwrap();
    let histogram = series.histograms[0].value.as_ref().unwrap();
    for (seconds, rank) in [(0.005, 1.0), (0.02, 2.0), (0.04, 3.0)] {
        let place = histogram.buckets.iter().position(|(_, below)| *below >= rank).unwrap();
        let (bound, _) = histogram.buckets[place];
        let (before, _) = histogram.buckets[place - 1];
        assert!(before < seconds && seconds <= bound, "{before} < {seconds} <= {bound}");
        // 160 buckets for a factor of 8: 1.3 % each at best, 2.6 % with a power of two.
        assert!(bound / before < 1.03, "the SDK's buckets are fine: {before}, {bound}");
    }
}

#[test]
fn a_request_takes_no_more_memory_than_it_may() {
    for (encoding, body) in [(Encoding::Protobuf, EVERY_SHAPE), (Encoding::Json, EVERY_SHAPE_JSON)]
    {
        let error = read(encoding, body, 2000, &mut MetricBatch::default()).unwrap_err();
        let expected = "the request takes more than 2000 bytes in memory";
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn what_is_no_request_is_told() {
    let refused = |encoding, body: &[u8]| {
        read(encoding, body, 1 << 20, &mut MetricBatch::default()).unwrap_err().to_string()
    };
    let cut = &EVERY_SHAPE[..EVERY_SHAPE.len() - 1];
    let expected =
        "expected a protobuf ExportMetricsServiceRequest, which this is not, in the OTLP request";
    assert_eq!(refused(Encoding::Protobuf, cut), expected);
    let json = |body: &str| refused(Encoding::Json, body.as_bytes());
    let cut = json(r#"{"resourceMetrics":"#);
    assert!(cut.starts_with("EOF while parsing a value at line 1 column 19"), "{cut}");
    let point = |point: &str| {
        let metric = format!(r#"{{"name":"x","gauge":{{"dataPoints":[{point}]}}}}"#);
        format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{metric}]}}]}}]}}"#)
    };
    let wrong = json(&point(r#"{"timeUnixNano":"soon"}"#));
    let expected =
        "expected a whole number from 0, in quotes or not, got `soon`, in the OTLP request";
    assert_eq!(wrong, expected);
    let deep = format!("{}{}", r#"{"arrayValue":{"values":["#.repeat(17), "]}}".repeat(17));
    let deep = json(&point(&format!(r#"{{"attributes":[{{"key":"a","value":{deep}}}]}}"#)));
    assert!(deep.starts_with("more than 16 lists and maps in each other"), "{deep}");
}

#[test]
fn json_may_lack_keys_have_null_or_unknown_ones() {
    for body in [
        "{}",
        r#"{"resourceMetrics":null,"other":[1,{"x":[]}]}"#,
        r#"{"resourceMetrics":[{},{"resource":null,"scopeMetrics":[{"metrics":[{}]}]}]}"#,
        r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"x","sum":{"dataPoints":null}}]}]}]}"#,
    ] {
        let (lines, written, refused) = all(Encoding::Json, body.as_bytes());
        assert_eq!((lines.len(), written, refused), (0, Written::default(), None), "{body}");
    }
}

#[test]
fn points_with_too_many_attributes_are_left_out() {
    let attributes: Vec<String> = (0..257)
        .map(|number| format!(r#"{{"key":"a{number}","value":{{"intValue":1}}}}"#))
        .collect();
    let body = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"x","gauge":{{"dataPoints":[
            {{"timeUnixNano":"1","asInt":1,"attributes":[{}]}},{{"timeUnixNano":"1","asInt":1}}]}}}}]}}]}}]}}"#,
        attributes.join(",")
    );
    let (lines, written, refused) = all(Encoding::Json, body.as_bytes());
    assert_eq!((lines.len(), written.refused_points), (1, 1));
    let expected = "a point with more than 256 attributes, metric `x`";
    assert_eq!(refused.unwrap().to_string(), expected);
}

/// What every reader of a batch relies on.
fn assert_sound(batch: &MetricBatch, written: Written) {
    assert_eq!((written.samples + written.histograms) as usize, batch.samples());
    for series in batch.series() {
        assert!(!series.labels.metric().is_empty());
        assert!(series.labels.iter().is_sorted_by(|a, b| a.0 < b.0));
        for histogram in series.histograms.iter().filter_map(|point| point.value.as_ref()) {
            let buckets = &histogram.buckets;
            assert!(buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{buckets:?}");
            assert!(buckets.iter().all(|bucket| bucket.0.is_finite()), "{buckets:?}");
            assert!(buckets.last().is_none_or(|last| last.1 <= histogram.count), "{histogram:?}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_end_in_a_word(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            let mut batch = MetricBatch::default();
            if let Ok((written, _)) = read(encoding, &bytes, 1 << 20, &mut batch) {
                assert_sound(&batch, written);
            }
        }
    }

    /// Chance alone never comes far into a message.
    #[test]
    fn damaged_requests_end_in_a_word(places in prop::collection::vec(any::<prop::sample::Index>(), 1..4), byte in any::<u8>(), sdk: bool) {
        for (encoding, body) in [
            (Encoding::Protobuf, if sdk { SDK } else { EVERY_SHAPE }),
            (Encoding::Json, EVERY_SHAPE_JSON),
        ] {
            let mut body = body.to_vec();
            for place in &places {
                let place = place.index(body.len());
                body[place] = byte;
            }
            let mut batch = MetricBatch::default();
            if let Ok((written, _)) = read(encoding, &body, 1 << 20, &mut batch) {
                assert_sound(&batch, written);
            }
        }
    }
}

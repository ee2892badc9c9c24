//! Histograms are judged by what they say, not bucket by bucket.

use auscult_core::{Labels, Timestamp};
use auscult_engine::{Engine, EngineSettings};
use auscult_telemetry::metrics::{Histogram, MetricBatch, MetricKind};

const BOUNDS: [f64; 4] = [0.1, 0.2, 0.4, 0.8];

/// The readings of `engine`'s series that match, by what they are called.
fn readings(engine: &Engine) -> Vec<(String, f64)> {
    let views = engine.series_now(|_: &Labels| true);
    views.into_iter().map(|view| (view.labels.to_string(), view.reading)).collect()
}

#[test]
fn buckets_sum_and_count_become_rate_mean_and_quantiles() {
    let engine = Engine::new(EngineSettings::default());
    for step in 0..3_i64 {
        let mut batch = MetricBatch::default();
        let time = Timestamp::from_seconds(15 * step);
        let observations = 100.0 * step as f64;
        let mut part = |name: &str, le: &str, value: f64| {
            let mut labels = [("__name__", name), ("job", "llm"), ("le", le)];
            batch.begin_series(MetricKind::Histogram, &mut labels).unwrap();
            batch.push(time, value);
        };
        // Half of the observations are at most 0.2 seconds, all at most 0.4.
        for (bound, share) in BOUNDS.iter().zip([0.25, 0.5, 1.0, 1.0]) {
            part("ttft_seconds_bucket", &bound.to_string(), share * observations);
        }
        part("ttft_seconds_bucket", "+Inf", observations);
        part("ttft_seconds_sum", "", 0.25 * observations);
        part("ttft_seconds_count", "", observations);
        engine.ingest(&batch);
        engine.tick(time);
    }
    let names = readings(&engine);
    let reading = |name: &str| {
        let found = names.iter().find(|(other, _)| other == name);
        found.unwrap_or_else(|| panic!("no {name} in {names:#?}")).1
    };
    assert_eq!(names.len(), 4, "{names:#?}");
    assert!((reading(r#"ttft_seconds_count{job="llm"}"#) - 100.0 / 15.0).abs() < 1e-9);
    assert_eq!(reading(r#"ttft_seconds_mean{job="llm"}"#), 0.25);
    assert!((reading(r#"ttft_seconds{job="llm",quantile="0.5"}"#) - 0.2).abs() < 1e-9);
    assert!((reading(r#"ttft_seconds{job="llm",quantile="0.99"}"#) - 0.396).abs() < 1e-9);
    engine.tick(Timestamp::from_seconds(100_000));
    assert_eq!(engine.series(), 0);
}

#[test]
fn whole_histograms_say_the_same() {
    let engine = Engine::new(EngineSettings::default());
    for step in 0..3_i64 {
        let mut batch = MetricBatch::default();
        let observations = 100.0 * step as f64;
        let mut labels = [("__name__", "ttft_seconds"), ("job", "llm")];
        batch.begin_series(MetricKind::Histogram, &mut labels).unwrap();
        let shares = [0.25, 0.5, 1.0, 1.0];
        let histogram = Histogram {
            count: observations,
            sum: Some(0.25 * observations),
            buckets: BOUNDS.into_iter().zip(shares.map(|share| share * observations)).collect(),
            delta: false,
        };
        batch.push_histogram(Timestamp::from_seconds(15 * step), Some(histogram));
        engine.ingest(&batch);
    }
    let expected = [
        (r#"ttft_seconds{job="llm",quantile="0.5"}"#, 0.2),
        (r#"ttft_seconds{job="llm",quantile="0.99"}"#, 0.396),
        (r#"ttft_seconds_count{job="llm"}"#, 100.0 / 15.0),
        (r#"ttft_seconds_mean{job="llm"}"#, 0.25),
    ];
    let got = readings(&engine);
    assert_eq!(got.len(), expected.len());
    for ((name, value), (expected_name, expected)) in got.iter().zip(expected) {
        assert_eq!(name, expected_name);
        assert!((value - expected).abs() < 1e-9, "{name}: {value}");
    }
}

#[test]
fn what_a_source_declares_later_is_believed() {
    let engine = Engine::new(EngineSettings::default());
    let send = |second: i64, value: f64, declare: bool| {
        let mut batch = MetricBatch::default();
        if declare {
            batch.declare("requests", MetricKind::Counter);
        }
        batch.begin_series(MetricKind::Unknown, &mut [("__name__", "requests")]).unwrap();
        batch.push(Timestamp::from_seconds(second), value);
        engine.ingest(&batch);
    };
    send(0, 100.0, false);
    assert_eq!(readings(&engine)[0].1, 100.0);
    for (second, value) in [(10, 150.0), (20, 200.0), (30, 250.0)] {
        send(second, value, true);
    }
    assert_eq!(readings(&engine)[0].1, 5.0, "a rate");
}

#[test]
fn a_flood_of_whole_histograms_is_held_off_like_any_other() {
    let settings = EngineSettings { most_series: 100, ..EngineSettings::default() };
    let engine = Engine::new(settings);
    let flood = |second: i64| {
        let mut batch = MetricBatch::default();
        for number in 0..100_000 {
            let number = format!("{second}-{number}");
            let mut labels = [("__name__", "ttft_seconds"), ("id", number.as_str())];
            batch.begin_series(MetricKind::Histogram, &mut labels).unwrap();
            let buckets = vec![(0.1, 1.0)];
            let histogram = Histogram { count: 1.0, sum: Some(0.1), buckets, delta: false };
            batch.push_histogram(Timestamp::from_seconds(second), Some(histogram));
        }
        engine.ingest(&batch);
        engine.tick(Timestamp::from_seconds(second));
        engine.counts()
    };
    let first = flood(15);
    assert!(first.judged < 50_000 && first.unwatched > 50_000, "{first:?}");
    // They make room again, as nothing came of them.
    let second = flood(30);
    assert_eq!(second.judged, 2 * first.judged, "{second:?}");
    assert!(engine.series() <= 100);
}

//! Judges made-up series in this process: how long a sample takes, without sockets and storage.
//!
//! `engine SERIES STEPS [POLICIES]` feeds `STEPS` samples to each of `SERIES` gauges and counts
//! the time of the second half, in which detectors are warm. `POLICIES` is a JSON file with a
//! list of policies. Prints a line of JSON.

use std::time::{Duration, Instant};

use auscult_core::Timestamp;
use auscult_engine::{Engine, EngineSettings, Policy};
use auscult_telemetry::metrics::{MetricBatch, MetricKind};

/// Series of a batch, as many as Prometheus sends at once by default.
const IN_ONE: usize = 2000;
/// Seconds between samples.
const STEP: i64 = 15;

/// The samples of some series at one step.
fn batch(series: std::ops::Range<usize>, step: i64) -> MetricBatch {
    let mut batch = MetricBatch::default();
    for number in series {
        let (metric, instance) = (number % 500, number / 500);
        let metric = format!("vllm:made_up_metric_{metric}");
        let instance = format!("10.0.{}.{}:8000", instance / 256, instance % 256);
        let mut labels = [
            ("__name__", metric.as_str()),
            ("instance", instance.as_str()),
            ("job", "llm"),
            ("model_name", "meta-llama/Llama-3.1-70B-Instruct"),
            ("namespace", "inference"),
        ];
        batch.begin_series(MetricKind::Gauge, &mut labels).expect("sound labels");
        let seed = (number as u64) << 32 | step as u64;
        let mut bits = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ bits >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let noise = (bits >> 40) as f64 / f64::from(1 << 24);
        let swing = 5.0 * (step as f64 / 200.0).sin();
        let time = Timestamp::from_seconds(1_700_000_000 + STEP * step);
        batch.push(time, 100.0 + number as f64 + 10.0 * noise + swing);
    }
    batch
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = || arguments.next().and_then(|number| number.parse::<usize>().ok());
    let (Some(series), Some(steps)) = (number(), number()) else {
        eprintln!("usage: engine SERIES STEPS [POLICIES]");
        std::process::exit(2);
    };
    let policies: Vec<Policy> = arguments.next().map_or_else(Vec::new, |path| {
        let text = std::fs::read_to_string(&path).expect("a file that can be read");
        serde_json::from_str(&text).expect("a list of policies")
    });
    let engine = Engine::new(EngineSettings { policies, ..Default::default() });
    let (mut judged, mut spent, mut events) = (0_u64, Duration::ZERO, 0);
    for step in 0..steps as i64 {
        let ends = (0..series).step_by(IN_ONE).map(|start| (start, (start + IN_ONE).min(series)));
        let batches: Vec<_> = ends.map(|(start, end)| batch(start..end, step)).collect();
        let start = Instant::now();
        for batch in &batches {
            let done = engine.ingest(batch);
            events += done.events;
            judged += if step >= steps as i64 / 2 { done.counts.judged } else { 0 };
        }
        spent += if step >= steps as i64 / 2 { start.elapsed() } else { Duration::ZERO };
        engine.tick(Timestamp::from_seconds(1_700_000_000 + STEP * step));
    }
    let nanos = spent.as_nanos() as f64 / judged.max(1) as f64;
    let result = serde_json::json!({
        "series": series, "judged": judged, "nanoseconds_per_sample": nanos, "events": events,
    });
    println!("{result}");
}

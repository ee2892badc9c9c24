//! How series are spread over shards changes nothing that is told.

use std::time::Duration;

use auscult_engine::incident::{Change, Incident};
use auscult_engine::{Engine, EngineSettings};
use auscult_telemetry::metrics::{MetricBatch, MetricKind};

use super::fleet::{noise, time};

const REPLICAS: usize = 8;

/// Two replicas leave their siblings at step 150, one has a fault of its own at 700, and
/// three send nothing from step 900 on.
fn batch(step: i64) -> MetricBatch {
    let mut batch = MetricBatch::default();
    for replica in (0..REPLICAS).filter(|replica| step < 900 || *replica < 5) {
        for metric in 0..6 {
            let name = format!("metric_{metric}");
            let instance = format!("replica-{replica}:8000");
            let mut labels = [("__name__", name.as_str()), ("instance", &instance), ("job", "llm")];
            batch.begin_series(MetricKind::Gauge, &mut labels).unwrap();
            let seed = (step as u64) << 16 | (replica as u64) << 8 | metric as u64;
            let left = if (150..400).contains(&step) && replica < 2 { 70.0 } else { 0.0 };
            let fault = if (700..720).contains(&step) && replica == 3 { 90.0 } else { 0.0 };
            batch.push(time(step), 100.0 + 5.0 * noise(seed) + left + fault);
        }
    }
    batch
}

fn told(shards: usize) -> (Vec<Incident>, Vec<Change>) {
    // Each replica a target of its own, and no label that would make them one incident.
    let settings = EngineSettings {
        shards,
        topology_labels: Vec::new(),
        quiet_after: Duration::from_secs(120),
        ..Default::default()
    };
    let engine = Engine::new(settings);
    for step in 0..1000 {
        engine.tick(time(step));
        engine.ingest(&batch(step));
    }
    (engine.incidents(), engine.changes_after(0))
}

#[test]
fn the_same_samples_tell_the_same_however_series_are_spread() {
    let one = told(1);
    let silent = |incident: &&Incident| {
        incident.members.iter().any(|member| member.reasons[0].contains("send nothing"))
    };
    assert_eq!(one.0.iter().filter(silent).count(), 3, "{:#?}", one.0);
    assert!(one.0.len() >= 5, "{:#?}", one.0);
    for shards in [1, 3, 16] {
        let other = told(shards);
        assert_eq!(one.0, other.0, "{shards} shards");
        assert_eq!(one.1, other.1, "{shards} shards");
    }
}

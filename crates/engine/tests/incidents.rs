//! From a fault to an incident, and back.

use std::time::Duration;

use auscult_core::Timestamp;
use auscult_engine::incident::{Happening, State};
use auscult_engine::{Engine, EngineSettings};

use auscult_telemetry::metrics::{MetricBatch, MetricKind};

use super::fleet::{STEP, noise, run};

fn engine() -> Engine {
    Engine::new(EngineSettings { forget_after: Duration::from_secs(3600), ..Default::default() })
}

#[test]
fn a_fault_of_one_replica_is_one_incident_that_recovers() {
    let engine = engine();
    run(&engine, 0..4000, |_, _, _| 0.0);
    // A budget of one a week on four targets for seventeen hours, of which the first know little:
    // all series of a target learn the day at once.
    let before = engine.incidents();
    assert!(before.len() <= 2, "{before:#?}");
    let seen = engine.changes_after(0).len() as u64;
    let fault = |step: i64, replica: usize, metric: usize| {
        let is_on = (4000..4040).contains(&step) && replica == 2 && metric < 3;
        if is_on { 60.0 } else { 0.0 }
    };
    run(&engine, 4000..4040, fault);
    let newest = || engine.incidents().into_iter().next().expect("an incident");
    let incident = newest();
    assert_eq!(engine.incidents().len(), before.len() + 1);
    assert_eq!(incident.state, State::Open);
    let onset = Timestamp::from_seconds(1_700_000_000 + 4000 * STEP);
    // What was odd in the minutes before may belong to it.
    let ahead = onset.seconds() - incident.began.seconds();
    assert!((0.0..=300.0).contains(&ahead), "{ahead}");
    assert!(incident.noticed.seconds() - onset.seconds() <= 30.0);
    assert_eq!(incident.targets.len(), 1);
    assert_eq!(incident.targets[0].get("instance"), Some("replica-2:8000"));
    let odd = incident.members.iter().filter(|member| member.score > 10.0);
    assert_eq!(odd.count(), 3, "{:#?}", incident.members);
    run(&engine, 4040..4400, fault);
    assert_eq!(engine.incidents().len(), before.len() + 1, "{:#?}", engine.incidents());
    assert_eq!(newest().state, State::Recovered);
    let happened: Vec<Happening> =
        engine.changes_after(seen).iter().map(|change| change.happening).collect();
    assert_eq!(happened.first(), Some(&Happening::Opened));
    assert_eq!(happened.last(), Some(&Happening::Recovered));
}

#[test]
fn series_beyond_the_limit_are_counted_and_old_ones_forgotten() {
    let engine = Engine::new(EngineSettings {
        most_series: 10,
        forget_after: Duration::from_secs(60),
        ..Default::default()
    });
    run(&engine, 0..2, |_, _, _| 0.0);
    assert_eq!(engine.series(), 10);
    assert_eq!(engine.counts().unwatched, 2 * 22);
    engine.tick(Timestamp::from_seconds(1_700_000_000 + 1000));
    assert_eq!((engine.series(), engine.targets()), (0, 0));
    run(&engine, 100..101, |_, _, _| 0.0);
    assert_eq!(engine.series(), 10);
}

/// Samples of `up` and of some other series of each target that `sends` says.
fn alive(engine: &Engine, steps: std::ops::Range<i64>, up: impl Fn(i64, &str) -> Option<f64>) {
    for step in steps {
        let mut batch = MetricBatch::default();
        let time = Timestamp::from_seconds(1_700_000_000 + step * STEP);
        for instance in ["a", "b"] {
            let Some(up) = up(step, instance) else { continue };
            for metric in ["up", "load", "power"] {
                let mut labels = [("__name__", metric), ("instance", instance)];
                batch.begin_series(MetricKind::Gauge, &mut labels).unwrap();
                batch.push(time, if metric == "up" { up } else { 1.0 });
            }
        }
        engine.ingest(&batch);
        engine.tick(time);
    }
}

#[test]
fn a_target_that_does_not_answer_is_an_incident_from_the_third_time_on() {
    let engine = engine();
    let up = |step: i64, instance: &str| {
        Some(if instance == "b" && (20..60).contains(&step) { 0.0 } else { 1.0 })
    };
    alive(&engine, 0..22, up);
    assert!(engine.incidents().is_empty());
    alive(&engine, 22..50, up);
    let [incident] = engine.incidents().try_into().expect("one incident");
    assert_eq!((incident.state, incident.targets[0].get("instance")), (State::Open, Some("b")));
    assert_eq!(incident.members[0].reasons, ["the target does not answer"]);
    alive(&engine, 50..59, up);
    assert_eq!(engine.open_incidents(), 1);
    alive(&engine, 59..120, up);
    assert_eq!((engine.incidents().len(), engine.open_incidents()), (1, 0));
}

#[test]
fn a_target_that_falls_silent_is_an_incident_and_one_that_ended_is_not() {
    let engine = engine();
    alive(&engine, 0..20, |_, _| Some(1.0));
    alive(&engine, 20..40, |_, instance| (instance == "a").then_some(1.0));
    let [incident] = engine.incidents().try_into().expect("one incident");
    assert_eq!(incident.targets[0].get("instance"), Some("b"));
    // The first tick without samples.
    assert_eq!(incident.began.seconds(), (1_700_000_000 + 19 * STEP) as f64);
    let reasons = &incident.members[0].reasons;
    assert_eq!(reasons[0], "3 of 3 series of the target send nothing", "{reasons:?}");
    alive(&engine, 40..100, |_, _| Some(1.0));
    assert_eq!(engine.open_incidents(), 0);

    let stale = f64::from_bits(auscult_telemetry::metrics::STALE_BITS);
    let mut batch = MetricBatch::default();
    for metric in ["up", "load", "power"] {
        let mut labels = [("__name__", metric), ("instance", "b")];
        batch.begin_series(MetricKind::Gauge, &mut labels).unwrap();
        batch.push(Timestamp::from_seconds(1_700_000_000 + 100 * STEP), stale);
    }
    engine.ingest(&batch);
    alive(&engine, 101..140, |_, instance| (instance == "a").then_some(1.0));
    assert_eq!((engine.incidents().len(), engine.open_incidents()), (1, 0));
}

#[test]
fn a_replica_that_differs_from_its_peers_is_found_in_the_first_minutes() {
    let engine = engine();
    for step in 0..40 {
        let mut batch = MetricBatch::default();
        let time = Timestamp::from_seconds(1_700_000_000 + step * STEP);
        // All carry the same load, which moves a lot.
        let load = 50.0 + 30.0 * (step as f64 / 5.0).sin();
        for replica in 0..8_u64 {
            let instance = format!("replica-{replica}:8000");
            let mut labels =
                [("__name__", "itl_seconds"), ("instance", instance.as_str()), ("job", "llm")];
            batch.begin_series(MetricKind::Gauge, &mut labels).unwrap();
            let slow = if replica == 6 && step >= 20 { 1.3 } else { 1.0 };
            batch.push(time, slow * (load + noise((step as u64) << 8 | replica)));
        }
        engine.ingest(&batch);
        engine.tick(time);
    }
    let [incident] = engine.incidents().try_into().expect("one incident");
    assert_eq!(incident.targets[0].get("instance"), Some("replica-6:8000"));
    let reason = &incident.members[0].reasons[0];
    assert!(reason.starts_with("has left its place among 7 peers"), "{reason}");
    let minutes = (incident.noticed.seconds() - 1_700_000_000.0) / 60.0;
    assert!((5.0..7.5).contains(&minutes), "noticed after {minutes} minutes");
}

#[test]
fn changes_of_large_incidents_are_kept_by_their_size_and_of_small_ones_by_their_number() {
    let kept = |members: usize| {
        let time = "2026-03-02T08:00:00Z";
        let member = serde_json::json!({
            "series": {"__name__": "x"}, "target": {"job": "a"}, "onset": time, "time": time,
            "reading": 1.0, "expected": 0.0, "band": null, "score": 9.0, "return_seconds": 1e9,
            "reasons": [], "usual_since": null,
        });
        let change = |number: u64| -> auscult_engine::incident::Change {
            let incident = serde_json::json!({
                "id": 1, "state": "open", "began": time, "noticed": time, "updated": time,
                "reopened": 0, "surprise": 9.0, "targets": [{"job": "a"}],
                "members": vec![member.clone(); members], "more_members": 0,
            });
            let change =
                serde_json::json!({"number": number, "happening": "grew", "incident": incident});
            serde_json::from_value(change).expect("a change")
        };
        let engine = Engine::new(EngineSettings::default());
        let count = if members > 1 { 1_000 } else { 10_500 };
        engine.adopt_changes((1..=count).map(change));
        let kept = engine.changes_after(0);
        assert_eq!(kept.last().map(|change| change.number), Some(count), "the newest stay");
        kept.len()
    };
    assert_eq!(kept(1), 10_000);
    assert_eq!(kept(200), 500);
}

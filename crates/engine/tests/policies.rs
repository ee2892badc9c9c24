//! What a person wants of some series, and silences.

use auscult_core::{Labels, Timestamp};
use auscult_engine::incident::{Incident, State};
use auscult_engine::{Engine, EngineSettings, Policy, Severity, Silence};
use auscult_telemetry::metrics::{MetricBatch, MetricKind};

use super::fleet::{STEP, noise, run, time};

const WARM: i64 = 2000;

fn policies(yaml: &str) -> Vec<Policy> {
    serde_saphyr::from_str(yaml).unwrap()
}

fn engine(yaml: &str) -> Engine {
    Engine::new(EngineSettings { policies: policies(yaml), ..Default::default() })
}

/// Feeds one series, `load` of job `llm`, and ticks.
fn feed(engine: &Engine, steps: std::ops::Range<i64>, reading: impl Fn(i64) -> f64) {
    for step in steps {
        let mut batch = MetricBatch::default();
        let mut labels = [("__name__", "load"), ("instance", "a"), ("job", "llm")];
        batch.begin_series(MetricKind::Gauge, &mut labels).unwrap();
        batch.push(time(step), reading(step));
        engine.ingest(&batch);
        engine.tick(time(step));
    }
}

/// Around 100 with noise of 5, and a jump by `size` from `WARM` on.
fn jump(size: f64) -> impl Fn(i64) -> f64 {
    move |step| 100.0 + 5.0 * noise(step as u64) + if step >= WARM { size } else { 0.0 }
}

/// Incidents of a jump by `size` under the policies `yaml`.
fn after_jump(yaml: &str, size: f64) -> Vec<Incident> {
    let engine = engine(yaml);
    feed(&engine, 0..WARM + 40, jump(size));
    engine.incidents()
}

#[test]
fn only_departures_of_the_side_and_size_that_a_person_wants_are_told() {
    for (yaml, size, expected) in [
        ("[]", 60.0, 1),
        ("[]", -60.0, 1),
        ("[{direction: up}]", 60.0, 1),
        ("[{direction: up}]", -60.0, 0),
        ("[{direction: down}]", -60.0, 1),
        ("[{least_change: 50}]", 60.0, 1),
        ("[{least_change: 80}]", 60.0, 0),
        ("[{least_relative_change: 0.5}]", 60.0, 1),
        ("[{least_relative_change: 0.8}]", 60.0, 0),
        ("[{match: '{job=\"other\"}', least_change: 80}]", 60.0, 1),
        ("[{least_change: 80}, {match: load, least_change: 0}]", 60.0, 1),
        ("[{watch: false}]", 60.0, 0),
    ] {
        assert_eq!(after_jump(yaml, size).len(), expected, "{yaml} and {size}");
    }
}

#[test]
fn a_departure_must_last_and_one_that_does_not_is_never_told() {
    let minutes = |minutes: i64| minutes * 60 / STEP;
    let short = engine("[{for: 5m}]");
    let end = WARM + minutes(4);
    feed(&short, 0..WARM + minutes(20), |step| jump(if step < end { 60.0 } else { 0.0 })(step));
    assert!(short.incidents().is_empty(), "{:#?}", short.incidents());
    // The detector takes the new level for usual before it counts; it is told all the same.
    let long = engine("[{for: 45m}]");
    feed(&long, 0..WARM + minutes(45), jump(60.0));
    assert!(long.incidents().is_empty(), "{:#?}", long.incidents());
    feed(&long, WARM + minutes(45)..WARM + minutes(46), jump(60.0));
    let [incident] = long.incidents().try_into().expect("one incident");
    assert_eq!(incident.began, time(WARM));
    assert_eq!(incident.noticed, time(WARM + minutes(45)));
}

#[test]
fn a_hard_limit_holds_from_the_first_sample_on_and_does_not_wear_off() {
    let engine = engine("[{valid_range: {low: 0, high: 90}, severity: critical}]");
    let hot = |step: i64| if step % 480 < 8 { 91.0 } else { 40.0 };
    feed(&engine, 0..1, hot);
    let [incident] = engine.incidents().try_into().expect("one incident");
    assert_eq!(incident.severity, Severity::Critical);
    let reason = &incident.members[0].reasons[0];
    assert_eq!(reason, "above its valid range, whose bound is 90");
    // Every two hours again, for ten days.
    feed(&engine, 1..57_600, hot);
    let incidents = engine.incidents();
    assert_eq!(incidents.len(), 120);
    assert!(incidents.iter().all(|incident| incident.state == State::Recovered));
}

#[test]
fn nothing_is_told_of_a_series_in_maintenance_nor_learnt() {
    let (from, to) = (time(WARM), time(WARM + 40));
    let window = format!("starts: '{}', ends: '{}'", rfc3339(from), rfc3339(to));
    let yaml = format!("[{{maintenance: [{{{window}}}]}}]");
    let engine = engine(&yaml);
    feed(&engine, 0..WARM + 40, jump(60.0));
    assert!(engine.incidents().is_empty());
    assert_eq!(engine.counts().not_judged, 40);
    // As if nothing had come meanwhile.
    let other = Engine::new(EngineSettings::default());
    feed(&other, 0..WARM, jump(60.0));
    for engine in [&engine, &other] {
        feed(engine, WARM + 40..WARM + 80, jump(60.0));
    }
    let seen = |engine: &Engine| format!("{:?}", engine.series_now(|_| true));
    assert_eq!(seen(&engine), seen(&other));
    assert_eq!(engine.incidents().len(), 1, "it has not come back as it was");
}

fn rfc3339(time: Timestamp) -> String {
    auscult_telemetry::format_time(time)
}

#[test]
fn a_target_that_is_switched_off_in_maintenance_is_no_alarm() {
    let (from, to) = (time(20), time(60));
    let window = format!("starts: '{}', ends: '{}'", rfc3339(from), rfc3339(to));
    let engine = engine(&format!("[{{maintenance: [{{{window}}}]}}]"));
    feed(&engine, 0..20, |_| 1.0);
    (20..60).for_each(|step| engine.tick(time(step)));
    assert!(engine.incidents().is_empty(), "{:#?}", engine.incidents());
    (60..64).for_each(|step| engine.tick(time(step)));
    assert_eq!(engine.incidents().len(), 1, "it should be back by now");
}

#[test]
fn policies_that_are_set_later_hold_for_what_is_there_and_nothing_learnt_is_lost() {
    let engine = engine("[]");
    feed(&engine, 0..WARM, jump(60.0));
    let seen = |engine: &Engine| format!("{:?}", engine.series_now(|_| true));
    let before = seen(&engine);
    engine.set_policies(policies("[{watch: false}]"));
    assert_eq!(engine.targets(), 0);
    feed(&engine, WARM..WARM + 1, |_| 500.0);
    assert_eq!(engine.series_now(|_| true).len(), 0, "it is not judged");
    engine.set_policies(policies("[{severity: critical, member_labels: [instance], for: 1s}]"));
    assert_eq!((engine.targets(), seen(&engine)), (1, before));
    engine.set_policies(policies("[{severity: critical}]"));
    feed(&engine, WARM + 1..WARM + 10, jump(60.0));
    let [incident] = engine.incidents().try_into().expect("one incident");
    assert_eq!(incident.severity, Severity::Critical);
    // What comes later is under them too.
    let mut batch = MetricBatch::default();
    batch.begin_series(MetricKind::Gauge, &mut [("__name__", "other")]).unwrap();
    batch.push(time(WARM + 10), 1.0);
    engine.set_policies(policies("[{match: other, watch: false}]"));
    engine.ingest(&batch);
    assert_eq!((engine.series(), engine.targets()), (2, 1));
}

/// Eight replicas, of which one is slower from `slow_from` on; incidents.
fn replicas(engine: &Engine, steps: std::ops::Range<i64>, slow_from: i64) -> Vec<Incident> {
    for step in steps {
        let mut batch = MetricBatch::default();
        let load = 50.0 + 30.0 * (step as f64 / 5.0).sin();
        for replica in 0..8_u64 {
            let instance = format!("replica-{replica}:8000");
            let mut labels =
                [("__name__", "itl_seconds"), ("instance", instance.as_str()), ("job", "llm")];
            batch.begin_series(MetricKind::Gauge, &mut labels).unwrap();
            let slow = if replica == 6 && step >= slow_from { 1.3 } else { 1.0 };
            batch.push(time(step), slow * (load + noise((step as u64) << 8 | replica)));
        }
        engine.ingest(&batch);
        engine.tick(time(step));
    }
    engine.incidents()
}

#[test]
fn departures_from_siblings_obey_policies_too() {
    let told = |yaml: &str, steps| replicas(&engine(yaml), 0..steps, 20).len();
    assert_eq!(told("[]", 60), 1);
    assert_eq!(told("[{direction: down}]", 60), 0);
    assert_eq!(told("[{least_change: 1000}]", 60), 0);
    assert_eq!(told("[{member_labels: []}]", 60), 0);
    assert_eq!((told("[{for: 5m}]", 40), told("[{for: 5m}]", 60)), (0, 1));
}

#[test]
fn a_departure_that_has_to_last_goes_on_after_a_restart() {
    let settings =
        || EngineSettings { policies: policies("[{for: 5m}]"), ..EngineSettings::default() };
    let original = Engine::new(settings());
    feed(&original, 0..WARM + 10, jump(60.0));
    let mut resuming = auscult_engine::Resuming::new(settings());
    let sink = |record: &[u8]| resuming.take(record);
    original.save(time(WARM + 10), || 0, sink).unwrap();
    let (restored, found) = resuming.finish();
    assert_eq!((found.unreadable, found.series), (0, 1));
    for engine in [&original, &restored] {
        feed(engine, WARM + 10..WARM + 30, jump(60.0));
        assert_eq!(engine.incidents().len(), 1);
    }
    assert_eq!(restored.incidents(), original.incidents());
}

#[test]
fn a_silenced_incident_is_shown_and_marked_while_all_of_its_series_are_silenced() {
    let engine = engine("[]");
    let fault = |step: i64, replica: usize, metric: usize| {
        if step >= WARM && replica == 2 && metric < 3 { 60.0 } else { 0.0 }
    };
    run(&engine, 0..WARM, fault);
    let known = engine.incidents().len();
    let silence = |matchers: &str, from: i64, to: i64| Silence {
        id: 0,
        matchers: matchers.parse().unwrap(),
        starts: time(from),
        ends: time(to),
        author: "ops".to_owned(),
        comment: "kernel update".to_owned(),
    };
    let now = time(WARM - 1);
    let of_two =
        silence("{instance=\"replica-2:8000\", __name__=~\"metric_[01]\"}", WARM, WARM + 20);
    let id = engine.set_silence(of_two, now).unwrap();
    run(&engine, WARM..WARM + 5, fault);
    assert_eq!(engine.incidents().len(), known + 1);
    let newest = || engine.incidents().remove(0);
    assert!(newest().members.len() == 3 && !newest().silenced, "one series is not silenced");
    let all = silence("{instance=\"replica-2:8000\"}", WARM, WARM + 10);
    let all = engine.set_silence(all, time(WARM + 5)).unwrap();
    assert!(newest().silenced && newest().state == State::Open);
    run(&engine, WARM + 5..WARM + 12, fault);
    assert!(!newest().silenced, "the silence is over");
    assert_eq!(engine.silences().len(), 2);
    assert!(engine.expire_silence(id, time(WARM + 12)));
    assert!(!engine.expire_silence(all, time(WARM + 12)), "it is over already");
}

#[test]
fn the_example_of_the_manual_is_read() {
    let manual = include_str!("../../../docs/policies.md");
    let example = manual.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Configuration {
        policies: Vec<Policy>,
    }
    let read: Configuration = serde_saphyr::from_str(example.expect("an example")).unwrap();
    assert_eq!(read.policies.len(), 5);
    let written = serde_json::to_value(&read.policies).unwrap();
    let list = written.as_array().unwrap();
    let fields: std::collections::BTreeSet<&str> = list
        .iter()
        .flat_map(|policy| policy.as_object().unwrap().keys())
        .map(String::as_str)
        .collect();
    for field in &fields {
        assert!(manual.contains(&format!("| `{field}` |")), "`{field}` has no line in the manual");
    }
    assert_eq!(fields.len(), 10, "every field stands in the example: {fields:?}");
    let labels = Labels::from_pairs([("__name__", "DCGM_FI_DEV_GPU_TEMP"), ("gpu", "0")]).unwrap();
    assert!(read.policies[1].selector.matches(labels.as_ref()));
}

/// A series that leaves its band every `period` steps for `out` of them, for a day; incidents
/// and changes.
fn flapping(yaml: &str, period: i64, out: i64) -> (usize, usize) {
    let engine = engine(yaml);
    feed(&engine, 0..WARM, jump(0.0));
    let before = engine.incidents().len();
    let flap = |step: i64| jump(if (step - WARM) % period < out { 60.0 } else { 0.0 })(step);
    feed(&engine, WARM..WARM + 86_400 / STEP, flap);
    (engine.incidents().len() - before, engine.changes_after(0).len())
}

#[test]
fn a_series_that_flaps_for_a_day_is_one_incident_with_few_changes() {
    for (minutes, out) in [(2, 4), (10, 4), (15, 4), (20, 8), (30, 8), (55, 8)] {
        for yaml in ["[]", "[{valid_range: {high: 130}}]"] {
            let (incidents, changes) = flapping(yaml, minutes * 60 / STEP, out);
            assert_eq!(incidents, 1, "every {minutes} minutes, {yaml}");
            assert!(changes <= 8, "every {minutes} minutes, {yaml}: {changes} changes");
        }
    }
}

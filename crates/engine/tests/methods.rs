//! Methods of the catalogue that policies assign to series.

use std::convert::Infallible;

use auscult_core::{Labels, Timestamp};
use auscult_engine::{
    AlarmBudget, Engine, EngineSettings, Judging, MethodCount, MethodState, Policy, Resuming,
};
use auscult_telemetry::metrics::{MetricBatch, MetricKind};

use super::fleet::{noise, time};

/// Samples of a beat.
const BEAT: i64 = 24;
/// When one is missing, and how many samples there are.
const MISSING: i64 = 2400;
const END: i64 = 2600;

fn policies(yaml: &str) -> Vec<Policy> {
    serde_saphyr::from_str(yaml).unwrap()
}

fn settings(yaml: &str) -> EngineSettings {
    let budget: AlarmBudget = "1/day".parse().unwrap();
    EngineSettings { shards: 4, budget, policies: policies(yaml), ..EngineSettings::default() }
}

/// What each metric of a target reads at a step.
type Read<'a> = &'a dyn Fn(i64, usize) -> f64;

fn batch(step: i64, metrics: usize, read: Read<'_>) -> MetricBatch {
    let mut batch = MetricBatch::default();
    for metric in 0..metrics {
        let name = format!("metric_{metric}");
        let mut labels = [("__name__", name.as_str()), ("job", "llm"), ("instance", "a:1")];
        batch.begin_series(MetricKind::Gauge, &mut labels).unwrap();
        batch.push(time(step), read(step, metric));
    }
    batch
}

fn run(engine: &Engine, steps: std::ops::Range<i64>, metrics: usize, read: Read<'_>) {
    for step in steps {
        engine.ingest(&batch(step, metrics, read));
        engine.tick(time(step));
    }
}

/// A beat that is never the same height twice, and once stays away: its readings are all usual.
fn beat(step: i64, _: usize) -> f64 {
    let at = step.rem_euclid(BEAT);
    let height = 10.0 + 2.0 * noise(step.div_euclid(BEAT) as u64);
    let is_there = step.div_euclid(BEAT) != MISSING.div_euclid(BEAT);
    let pulse =
        if is_there && at < 8 { height * (1.0 - (at as f64 - 4.0).abs() / 4.0) } else { 0.0 };
    20.0 + pulse + 0.2 * noise(step as u64 ^ 0x5555)
}

const SHAPE: &str = r#"
- match: metric_0
  method: { name: matrix-profile, settings: { window: 24, history: 600 } }
"#;

/// Three that follow the same load, each in its way; for some steps the second goes its own.
fn load(step: i64, metric: usize) -> f64 {
    let common =
        |seed: u64| 5.0 * noise(step as u64 ^ seed) + 3.0 * noise((step as u64 / 7) ^ (seed << 1));
    let own = 0.2 * noise((step as u64) << 8 | metric as u64);
    let is_off = metric == 1 && (MISSING..MISSING + 20).contains(&step);
    let load = common(if is_off { 0xcccc_0000 } else { 0xaaaa_0000 });
    50.0 + load * (1.0 + metric as f64) + own
}

const JOINT: &str = r#"
- match: '{__name__=~"metric_.*"}'
  joint_method: { name: mahalanobis-ew, settings: { warmup: 100 } }
"#;

/// Incidents noticed from the fault on, and before it.
fn noticed(engine: &Engine) -> (usize, usize) {
    let incidents = engine.incidents();
    let after = incidents.iter().filter(|incident| incident.noticed >= time(MISSING)).count();
    (after, incidents.len() - after)
}

#[test]
fn a_method_sees_in_a_series_what_the_default_detector_does_not() {
    let (plain, assigned) = (Engine::new(settings("[]")), Engine::new(settings(SHAPE)));
    run(&plain, 0..END, 1, &beat);
    run(&assigned, 0..END, 1, &beat);
    assert_eq!(noticed(&plain), (0, 0));
    assert_eq!(noticed(&assigned), (1, 0), "{:#?}", assigned.incidents());
    let incident = assigned.incidents().remove(0);
    let reasons = &incident.members[0].reasons;
    assert!(reasons.contains(&"found by `matrix-profile`".to_owned()), "{reasons:?}");
    let expected = MethodCount {
        method: "matrix-profile".to_owned(),
        judging: Judging::Alone,
        state: MethodState::Judging,
        series: 1,
        streams: 1,
    };
    assert_eq!(assigned.methods(), [expected]);
    assert!(assigned.method_memory() > 600 * 8, "{}", assigned.method_memory());
    assert_eq!((plain.methods(), plain.method_memory()), (Vec::new(), 0));
    let view = assigned.series_now(|_| true).remove(0);
    assert_eq!(view.methods[0].method.name(), "matrix-profile");
}

#[test]
fn until_it_knows_the_stream_the_default_detector_judges() {
    let engine = Engine::new(settings(
        "[{ match: metric_0, method: { name: zscore, settings: { warmup: 100000 } } }]",
    ));
    let leap =
        |step: i64, metric: usize| beat(step, metric) + if step > 2500 { 500.0 } else { 0.0 };
    run(&engine, 0..2530, 1, &leap);
    assert_eq!(engine.methods()[0].state, MethodState::Learning);
    assert_eq!(engine.open_incidents(), 1);
}

#[test]
fn a_joint_method_sees_that_one_of_a_target_goes_its_own_way() {
    let (plain, assigned) = (Engine::new(settings("[]")), Engine::new(settings(JOINT)));
    run(&plain, 0..END, 3, &load);
    run(&assigned, 0..END, 3, &load);
    assert_eq!(noticed(&plain), (0, 0), "{:#?}", plain.incidents());
    assert_eq!(noticed(&assigned), (1, 0), "{:#?}", assigned.incidents());
    let member = &assigned.incidents()[0].members[0];
    let words = "found by `mahalanobis-ew` in 3 series of the target jointly";
    assert!(member.reasons.contains(&words.to_owned()), "{member:?}");
    assert!((time(MISSING)..time(MISSING + 4)).contains(&member.onset), "{member:?}");
    let count = &assigned.methods()[0];
    assert_eq!((count.judging, count.series, count.streams), (Judging::Jointly, 3, 1));
    assert_eq!(assigned.open_incidents(), 0, "it is over");
}

fn saved(engine: &Engine, taken: Timestamp) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    let sink = |record: &[u8]| -> Result<(), Infallible> {
        records.push(record.to_vec());
        Ok(())
    };
    engine.save(taken, || 0, sink).unwrap();
    records
}

fn resumed(records: &[Vec<u8>], settings: EngineSettings) -> Engine {
    let mut resuming = Resuming::new(settings);
    records.iter().for_each(|record| resuming.take(record).unwrap());
    let (engine, found) = resuming.finish();
    assert_eq!((found.unreadable, found.lost_series), (0, 0));
    engine
}

fn seen(engine: &Engine) -> String {
    format!("{:#?} {:#?}", engine.series_now(|_| true), engine.incidents())
}

#[test]
fn a_restart_changes_nothing_of_what_methods_say() {
    for (yaml, metrics, read) in [(SHAPE, 1, &beat as Read<'_>), (JOINT, 3, &load as Read<'_>)] {
        let original = Engine::new(settings(yaml));
        run(&original, 0..MISSING - 100, metrics, read);
        let records = saved(&original, time(MISSING - 100));
        let restored = resumed(&records, EngineSettings { shards: 7, ..settings(yaml) });
        assert_eq!(restored.methods(), original.methods());
        assert_eq!(seen(&restored), seen(&original));
        run(&original, MISSING - 100..MISSING, metrics, read);
        run(&restored, MISSING - 100..MISSING, metrics, read);
        assert_eq!(noticed(&restored), (0, 0), "a restart is no fault");
        run(&original, MISSING..END, metrics, read);
        run(&restored, MISSING..END, metrics, read);
        assert_eq!(noticed(&restored), (1, 0));
        assert_eq!(seen(&restored), seen(&original));
    }
}

#[test]
fn after_a_restart_with_another_method_that_one_learns_anew_and_nothing_is_damaged() {
    let original = Engine::new(settings(SHAPE));
    run(&original, 0..1200, 1, &beat);
    let records = saved(&original, time(1200));
    let others = "[{ match: metric_0, method: { name: zscore } }]";
    let restored = resumed(&records, settings(others));
    assert_eq!(restored.methods()[0].state, MethodState::Learning);
    assert_eq!(resumed(&records, settings("[]")).methods(), []);
}

#[test]
fn policies_that_are_read_again_keep_what_methods_learnt_and_take_methods_back() {
    let engine = Engine::new(settings(SHAPE));
    run(&engine, 0..1200, 1, &beat);
    assert_eq!(engine.methods()[0].state, MethodState::Judging);
    engine.set_policies(policies(
        &format!("[{{ severity: info }}]\n{SHAPE}")
            .replace("[{ severity: info }]\n", "- severity: info\n"),
    ));
    assert_eq!(engine.methods()[0].state, MethodState::Judging, "it is the same method");
    engine.set_policies(policies(&SHAPE.replace("24", "32")));
    assert_eq!(engine.methods()[0].state, MethodState::Learning, "it has other settings");
    engine.set_policies(policies(&format!("{SHAPE}\n- method: {{ name: none }}\n")));
    assert_eq!(engine.methods(), []);
    assert_eq!(engine.method_memory(), 0);
    engine.set_policies(policies(JOINT));
    run(&engine, 1200..1220, 3, &load);
    assert_eq!(engine.methods()[0].state, MethodState::Learning);
    engine.set_policies(Vec::new());
    assert_eq!((engine.methods(), engine.method_memory()), (Vec::new(), 0));
}

#[test]
fn there_is_room_for_methods_up_to_the_limit_and_what_has_none_is_told() {
    let yaml = "[{ method: { name: rolling-zscore } }]";
    let engine = Engine::new(EngineSettings { method_memory_limit: 20_000, ..settings(yaml) });
    run(&engine, 0..600, 40, &load);
    let count = |state| {
        let counts = engine.methods();
        counts.iter().find(|count| count.state == state).map_or(0, |count| count.series)
    };
    let (judging, refused) = (count(MethodState::Judging), count(MethodState::NoRoom));
    assert!(judging > 0 && refused > 0 && judging + refused == 40, "{:?}", engine.methods());
    assert!(engine.method_memory() <= 20_000, "{}", engine.method_memory());
    // More room is given by the settings, while it runs.
    engine.reconfigure(EngineSettings { method_memory_limit: 1 << 30, ..settings(yaml) }).unwrap();
    assert_eq!(count(MethodState::NoRoom), 0);
}

#[test]
fn a_joint_method_waits_for_its_series_and_learns_anew_when_they_are_others() {
    let engine = Engine::new(settings(JOINT));
    let state = || engine.methods()[0].state;
    run(&engine, 0..20, 1, &load);
    assert_eq!(state(), MethodState::Waiting, "one series has nothing to go along with");
    run(&engine, 20..40, 3, &load);
    assert_eq!(state(), MethodState::Learning);
    run(&engine, 40..900, 3, &load);
    assert_eq!(state(), MethodState::Judging);
    run(&engine, 900..910, 2, &load);
    assert_eq!(state(), MethodState::Waiting, "one sends nothing");
    run(&engine, 910..920, 3, &load);
    assert_eq!(state(), MethodState::Judging);
    run(&engine, 920..940, 4, &load);
    assert_eq!(state(), MethodState::Learning, "a fourth has come");
    assert_eq!(engine.incidents(), []);
    let methods = engine.series_now(|labels: &Labels| labels.as_ref().metric() == "metric_3");
    assert_eq!(methods[0].methods[0].channels, 4);
}

#[test]
fn series_in_maintenance_are_no_part_of_a_row() {
    let window = "maintenance: [{ from: '00:00', to: '24:00' }]";
    let engine = Engine::new(settings(&format!("{JOINT}  {window}\n")));
    run(&engine, 0..40, 3, &load);
    assert_eq!(engine.methods()[0].state, MethodState::Waiting);
}

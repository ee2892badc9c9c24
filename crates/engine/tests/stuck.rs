//! Series that repeat one value.

use auscult_engine::incident::State;
use auscult_engine::{Engine, EngineSettings};
use auscult_telemetry::metrics::{MetricBatch, MetricKind};

use super::fleet::{noise, time};

const WARM: i64 = 2000;

/// A sensor, a flag and a count of errors of one target; the sensor is stuck in some steps.
fn feed(engine: &Engine, steps: std::ops::Range<i64>, stuck: std::ops::Range<i64>) {
    for step in steps {
        let mut batch = MetricBatch::default();
        let sensor = if stuck.contains(&step) { stuck.start } else { step };
        let readings = [
            ("power_watts", 300.0 + 20.0 * noise(sensor as u64)),
            ("enabled", 1.0),
            ("errors", if noise((step as u64) << 32) > 0.999 { 1.0 } else { 0.0 }),
        ];
        for (metric, reading) in readings {
            let mut labels = [("__name__", metric), ("instance", "a")];
            batch.begin_series(MetricKind::Gauge, &mut labels).unwrap();
            batch.push(time(step), reading);
        }
        engine.ingest(&batch);
        engine.tick(time(step));
    }
}

#[test]
fn a_sensor_that_is_stuck_within_its_band_is_an_incident_until_it_moves_again() {
    let engine = Engine::new(EngineSettings::default());
    let stuck = WARM..WARM + 200;
    feed(&engine, 0..WARM + 32, stuck.clone());
    let [incident] = engine.incidents().try_into().expect("one incident, after eight minutes");
    assert_eq!(incident.began, time(WARM));
    let member = &incident.members[0];
    assert_eq!(member.series.as_ref().metric(), "power_watts");
    assert!(member.reasons[0].ends_with("it never did before"), "{:?}", member.reasons);
    feed(&engine, WARM + 32..WARM + 200, stuck.clone());
    assert_eq!(engine.open_incidents(), 1, "its reading is usual, but it still repeats it");
    feed(&engine, WARM + 200..WARM + 500, stuck);
    let [incident] = engine.incidents().try_into().expect("no other one");
    assert_eq!((incident.state, incident.members.len()), (State::Recovered, 1));
}

#[test]
fn what_was_learnt_of_repetitions_is_stored() {
    let original = Engine::new(EngineSettings::default());
    feed(&original, 0..WARM + 5, WARM..WARM + 200);
    let mut resuming = auscult_engine::Resuming::new(EngineSettings::default());
    original.save(time(WARM + 5), || 0, |record| resuming.take(record)).unwrap();
    let (restored, found) = resuming.finish();
    assert_eq!((found.series, found.unreadable), (3, 0));
    for engine in [&original, &restored] {
        feed(engine, WARM + 5..WARM + 32, WARM..WARM + 200);
        assert_eq!(engine.incidents().len(), 1);
    }
    assert_eq!(restored.incidents(), original.incidents());
}

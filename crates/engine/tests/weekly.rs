//! What happens every week.

use auscult_engine::{Engine, EngineSettings};
use auscult_telemetry::metrics::{MetricBatch, MetricKind};

use auscult_core::Timestamp;

use super::fleet::noise;

const WEEK: i64 = 7 * 86_400;
const STEP: i64 = 300;

/// Of a target's series, the loads do something for an hour every Saturday night.
const SERIES: [&str; 6] = ["load_0", "load_1", "load_2", "latency_0", "latency_1", "latency_2"];

/// A week of the target; `fault` adds to a reading. Returns the series that an incident was
/// opened or opened again for, and its hour of the week.
fn week(engine: &Engine, week: i64, fault: impl Fn(i64, &str) -> f64) -> Vec<(String, i64)> {
    let mut told = Vec::new();
    let mut seen = engine.changes_after(0).last().map_or(0, |change| change.number);
    for second in (0..WEEK).step_by(STEP as usize) {
        let time = Timestamp::from_seconds(week * WEEK + second);
        let hour = second / 3600;
        let mut batch = MetricBatch::default();
        for (number, metric) in SERIES.into_iter().enumerate() {
            let job = if metric.starts_with("load") && hour == 122 { 20.0 } else { 0.0 };
            let mut labels = [("__name__", metric), ("instance", "a")];
            batch.begin_series(MetricKind::Gauge, &mut labels).unwrap();
            let noise = noise(((week * WEEK + second) as u64) << 4 | number as u64);
            batch.push(time, 100.0 + noise + job + fault(hour, metric));
        }
        engine.ingest(&batch);
        engine.tick(time);
        for change in engine.changes_after(seen) {
            use auscult_engine::incident::Happening::{Opened, Reopened};
            seen = change.number;
            if matches!(change.happening, Opened | Reopened) {
                let members = change.incident.members.iter();
                let last = members.max_by_key(|member| member.time).expect("a member");
                told.push((last.series.as_ref().metric().to_owned(), hour));
            }
        }
    }
    told
}

#[test]
fn what_comes_every_week_is_told_twice_and_anything_else_still() {
    let engine = Engine::new(EngineSettings::default());
    let none = |_: i64, _: &str| 0.0;
    let at_night = |told: &[(String, i64)]| {
        told.iter().filter(|(metric, hour)| metric.starts_with("load") && *hour == 122).count()
    };
    let told: Vec<usize> = (0..6).map(|number| at_night(&week(&engine, number, none))).collect();
    assert_eq!(told, [1, 1, 0, 0, 0, 0]);
    // In the same hour, but much further.
    let farther = |hour: i64, metric: &str| {
        if metric.starts_with("load") && hour == 122 { 100.0 } else { 0.0 }
    };
    assert_eq!(at_night(&week(&engine, 6, farther)), 1);
    // In the same hour, other series.
    let other = |hour: i64, metric: &str| {
        if metric.starts_with("latency") && hour == 122 { 20.0 } else { 0.0 }
    };
    let told = week(&engine, 7, other);
    let is_other = |(metric, hour): &(String, i64)| metric.starts_with("latency") && *hour == 122;
    assert!(told.iter().any(is_other), "{told:?}");
}

#[test]
fn what_is_known_of_one_hour_does_not_hold_for_another() {
    let engine = Engine::new(EngineSettings::default());
    (0..2).for_each(|number| drop(week(&engine, number, |_, _| 0.0)));
    let early = |hour: i64, metric: &str| {
        if metric.starts_with("load") && hour == 50 { 20.0 } else { 0.0 }
    };
    let told = week(&engine, 2, early);
    assert!(told.iter().any(|(_, hour)| *hour == 50), "{told:?}");
}

#[test]
fn what_is_known_of_the_week_survives_a_restart() {
    let engine = Engine::new(EngineSettings::default());
    let none = |_: i64, _: &str| 0.0;
    let told: Vec<usize> = (0..3).map(|number| week(&engine, number, none).len()).collect();
    assert!(told[0] > 0 && told[1] > 0, "{told:?}");
    let mut resuming = auscult_engine::Resuming::new(EngineSettings::default());
    let taken = Timestamp::from_seconds(3 * WEEK);
    engine.save(taken, || 0, |record| resuming.take(record)).unwrap();
    let (restored, found) = resuming.finish();
    assert_eq!((found.series, found.unreadable), (6, 0));
    let told = week(&restored, 3, none);
    assert!(!told.iter().any(|(_, hour)| *hour == 122), "{told:?}");
}

//! Clocks that are wrong for a while: those of sources, and our own.

use std::collections::BTreeMap;

use auscult_core::{Labels, Timestamp};
use auscult_engine::{Engine, EngineSettings};
use auscult_telemetry::metrics::{Histogram, MetricBatch, MetricKind};

use super::fleet::{STEP, noise, time};

const HOUR: i64 = 3600;

/// A gauge, a counter, a classic and a native histogram of each of two replicas at `step`, as
/// their clock says it is `ahead` seconds later.
fn batch(step: i64, ahead: i64) -> MetricBatch {
    let mut batch = MetricBatch::default();
    let at = Timestamp::from_seconds(time(step).seconds() as i64 + ahead);
    for replica in 0..2_u64 {
        let instance = format!("replica-{replica}:8000");
        let begin = |batch: &mut MetricBatch, kind, name: &str, more: &[(&str, &str)]| {
            let mut labels = vec![("__name__", name), ("instance", &instance), ("job", "llm")];
            labels.extend_from_slice(more);
            batch.begin_series(kind, &mut labels).unwrap();
        };
        let wobble = |metric: u64| noise((step as u64) << 16 | metric << 8 | replica);
        begin(&mut batch, MetricKind::Gauge, "load", &[]);
        batch.push(at, 100.0 + 5.0 * wobble(0));
        let counted = |metric| (1000 * (step + 1)) as f64 + 20.0 * wobble(metric);
        begin(&mut batch, MetricKind::Counter, "requests_total", &[]);
        batch.push(at, counted(1));
        for (le, share) in [("0.1", 0.5), ("1", 0.9), ("+Inf", 1.0)] {
            begin(&mut batch, MetricKind::Histogram, "ttft_seconds_bucket", &[("le", le)]);
            batch.push(at, (share * counted(2)).floor());
        }
        begin(&mut batch, MetricKind::Histogram, "ttft_seconds_count", &[]);
        batch.push(at, counted(2).floor());
        begin(&mut batch, MetricKind::Histogram, "itl_seconds", &[]);
        let buckets =
            [(0.1, 0.5), (1.0, 0.9)].map(|(le, share)| (le, (share * counted(3)).floor()));
        let (count, buckets) = (counted(3).floor(), buckets.to_vec());
        let whole = Histogram { count, sum: Some(counted(3)), buckets, delta: false };
        batch.push_histogram(at, Some(whole));
    }
    batch
}

/// Feeds some steps of sources that are `ahead`.
fn feed(engine: &Engine, steps: std::ops::Range<i64>, ahead: i64) {
    for step in steps {
        engine.ingest(&batch(step, ahead));
        engine.tick(time(step));
    }
}

/// When each series was judged last, in seconds after the step `step`.
fn ages(engine: &Engine, step: i64) -> BTreeMap<Labels, i64> {
    let views = engine.series_now(|_| true);
    let age = |then: Timestamp| (then.seconds() - time(step).seconds()) as i64;
    views.into_iter().map(|view| (view.labels, age(view.time))).collect()
}

#[test]
fn a_source_whose_clock_was_an_hour_ahead_for_a_minute_is_judged_again_after_another() {
    let engine = Engine::new(EngineSettings::default());
    feed(&engine, 0..600, 0);
    let series = engine.series();
    let late = engine.counts().late;
    feed(&engine, 600..604, HOUR);
    assert!(ages(&engine, 603).values().all(|age| *age == HOUR), "{:?}", ages(&engine, 603));
    // The fourth request is believed; rates and histograms need two.
    feed(&engine, 604..610, 0);
    let after = ages(&engine, 609);
    assert!(after.len() > 10 && after.values().all(|age| *age == 0), "{after:#?}");
    assert_eq!(engine.series(), series);
    // Of each of the gauges and counters three samples.
    assert_eq!(engine.counts().late - late, 3 * 2 * 3);
    assert!(engine.incidents().is_empty(), "{:#?}", engine.incidents());
    // They are still known: nothing begins to be learnt anew.
    feed(&engine, 610..660, 0);
    let views = engine.series_now(|_| true);
    assert!(views.iter().all(|view| view.deviation.is_some()), "{views:#?}");
    assert!(engine.incidents().is_empty(), "{:#?}", engine.incidents());
}

#[test]
fn a_fault_is_found_soon_after_a_clock_was_set_back() {
    let engine = Engine::new(EngineSettings::default());
    feed(&engine, 0..600, HOUR);
    feed(&engine, 600..620, 0);
    for step in 620..640 {
        let mut batch = batch(step, 0);
        for name in ["up", "alive"] {
            let mut labels = [("__name__", name), ("instance", "replica-0:8000"), ("job", "llm")];
            batch.begin_series(MetricKind::Gauge, &mut labels).unwrap();
            batch.push(time(step), if name == "up" && step >= 630 { 0.0 } else { 1.0 });
        }
        engine.ingest(&batch);
        engine.tick(time(step));
    }
    assert_eq!(engine.open_incidents(), 1, "{:#?}", engine.incidents());
}

#[test]
fn what_is_sent_again_is_not_taken_for_a_clock_that_was_set_back() {
    let engine = Engine::new(EngineSettings::default());
    feed(&engine, 0..100, 0);
    let counts = engine.counts();
    // The answer was lost, again and again.
    let mut labels = [("__name__", "load"), ("instance", "replica-0:8000"), ("job", "llm")];
    for _ in 0..10 {
        let mut again = MetricBatch::default();
        again.begin_series(MetricKind::Gauge, &mut labels).unwrap();
        (50..100).for_each(|step| again.push(time(step), 1e6));
        engine.ingest(&again);
    }
    let after = engine.counts();
    assert_eq!((after.judged, after.late), (counts.judged, counts.late + 490));
    assert_eq!(after.duplicate, counts.duplicate + 10);
}

#[test]
fn our_own_clock_may_jump_an_hour_forth_and_back() {
    for hours in [1, -1] {
        let engine = Engine::new(EngineSettings::default());
        feed(&engine, 0..400, 0);
        let series = engine.series();
        let jumped =
            |step: i64| Timestamp::from_seconds(time(step).seconds() as i64 + hours * HOUR);
        // A tick without samples in between, so that all of them seem to be silent.
        engine.tick(time(400));
        engine.clock_jumped(jumped(401));
        engine.tick(jumped(401));
        for step in 401..440 {
            engine.ingest(&batch(step, hours * HOUR));
            engine.tick(jumped(step));
        }
        assert_eq!(engine.series(), series);
        assert!(engine.incidents().is_empty(), "{:#?}", engine.incidents());
        assert!(ages(&engine, 439).values().all(|age| *age == hours * HOUR));
        // Silence is found as ever.
        (440..460).for_each(|step| engine.tick(jumped(step)));
        assert_eq!(engine.open_incidents(), 1);
        let back = engine.incidents()[0].noticed.seconds() - jumped(440).seconds();
        assert!((0.0..180.0).contains(&back), "{back}");
    }
}

#[test]
fn an_incident_does_not_recover_because_our_clock_jumped() {
    let engine = Engine::new(EngineSettings::default());
    let up = |step: i64, up: f64, ahead: i64| {
        let mut batch = MetricBatch::default();
        let mut labels = [("__name__", "up"), ("instance", "replica-0:8000"), ("job", "llm")];
        batch.begin_series(MetricKind::Gauge, &mut labels).unwrap();
        let at = Timestamp::from_seconds(time(step).seconds() as i64 + ahead);
        batch.push(at, up);
        engine.ingest(&batch);
        engine.tick(at);
    };
    (0..10).for_each(|step| up(step, 1.0, 0));
    (10..20).for_each(|step| up(step, 0.0, 0));
    (20..22).for_each(|step| up(step, 1.0, 0));
    assert_eq!(engine.open_incidents(), 1);
    engine.clock_jumped(Timestamp::from_seconds(time(22).seconds() as i64 + HOUR));
    (22..60).for_each(|step| up(step, 1.0, HOUR));
    assert_eq!(engine.open_incidents(), 1, "usual for less than ten minutes since");
    (60..64).for_each(|step| up(step, 1.0, HOUR));
    assert_eq!(engine.open_incidents(), 0);
    assert_eq!(STEP, 15);
}

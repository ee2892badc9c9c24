//! What is stored of an engine, and how it goes on from there.

use std::cell::Cell;
use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use auscult_core::Timestamp;
use auscult_engine::incident::{Incident, State};
use auscult_engine::{Engine, EngineSettings, ResumeError, Resumed, Resuming};
use auscult_store::{StateReader, StateWriter};

use super::fleet::{batch, run, time};

/// Ends a warm-up, with a fault of one replica at the end of it.
const WARM: i64 = 2000;

fn fault(step: i64, replica: usize, metric: usize) -> f64 {
    let is_on = (WARM..WARM + 40).contains(&step) && replica == 2 && metric < 3;
    if is_on { 60.0 } else { 0.0 }
}

fn settings() -> EngineSettings {
    EngineSettings { shards: 4, ..EngineSettings::default() }
}

fn saved(engine: &Engine, taken: Timestamp, mark: u64) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    let sink = |record: &[u8]| -> Result<(), Infallible> {
        records.push(record.to_vec());
        Ok(())
    };
    engine.save(taken, || mark, sink).unwrap();
    records
}

fn resumed(records: &[Vec<u8>], settings: EngineSettings) -> (Engine, Resumed) {
    let mut resuming = Resuming::new(settings);
    records.iter().for_each(|record| resuming.take(record).unwrap());
    resuming.finish()
}

/// Incidents of the fault; what recovered before is not part of a state.
fn of_the_fault(engine: &Engine) -> Vec<Incident> {
    engine.incidents_that(|incident| incident.noticed >= time(WARM))
}

/// Everything that can be seen of an engine.
fn seen(engine: &Engine) -> String {
    format!("{:#?} {:#?}", engine.series_now(|_| true), of_the_fault(engine))
}

#[test]
fn a_resumed_engine_goes_on_as_the_original_in_the_middle_of_an_incident() {
    let original = Engine::new(settings());
    run(&original, 0..WARM + 10, fault);
    assert_eq!(original.open_incidents(), 1);
    let records = saved(&original, time(WARM + 10), 10);
    let bytes: usize = records.iter().map(Vec::len).sum();
    assert!(bytes < 32 * 1024 + 16 * 1024, "{bytes} bytes for 32 series");
    // Another number of parts, as a person may have changed it.
    let (restored, found) = resumed(&records, EngineSettings { shards: 7, ..settings() });
    assert_eq!((found.series, found.lost_series, found.unreadable), (32, 0, 0));
    assert_eq!(found.taken, Some(time(WARM + 10)));
    assert_eq!(found.marks.first(), 10);
    assert_eq!(seen(&restored), seen(&original));
    run(&original, WARM + 10..WARM + 200, fault);
    run(&restored, WARM + 10..WARM + 200, fault);
    assert_eq!(restored.incidents()[0].state, State::Recovered);
    assert_eq!(seen(&restored), seen(&original));
}

#[test]
fn what_is_fed_again_counts_once_for_every_part() {
    let original = Engine::new(settings());
    run(&original, 0..WARM - 50, fault);
    // Each part is taken later than the one before, while samples come.
    let mark = Cell::new(WARM - 50);
    let marks = || {
        let step = mark.get();
        // What is judged while the state is taken is not judged under its lock.
        mark.set(step + 10);
        u64::try_from(step).unwrap()
    };
    let mut records: Vec<Vec<u8>> = Vec::new();
    let mut fed = WARM - 50;
    let sink = |record: &[u8]| -> Result<(), Infallible> {
        records.push(record.to_vec());
        while fed < mark.get() {
            original.ingest(&batch(fed, fault));
            original.tick(time(fed));
            fed += 1;
        }
        Ok(())
    };
    original.save(time(WARM - 50), marks, sink).unwrap();
    let (restored, found) = resumed(&records, settings());
    assert_eq!(found.marks.first(), (WARM - 50) as u64);
    let end = WARM + 30;
    for step in WARM - 50..end {
        restored.replay(&batch(step, fault), step as u64, &found.marks);
        restored.tick(time(step));
        if step >= fed {
            original.ingest(&batch(step, fault));
            original.tick(time(step));
        }
    }
    restored.awake();
    let views = |engine: &Engine| format!("{:#?}", engine.series_now(|_| true));
    assert_eq!(views(&restored), views(&original));
    assert_eq!(restored.open_incidents(), 1);
    assert_eq!(restored.incidents()[0].members.len(), 3);
}

#[test]
fn an_incident_whose_series_were_newer_than_the_stored_state_recovers() {
    let original = Engine::new(settings());
    run(&original, 0..WARM + 30, fault);
    let incident = original.incidents().remove(0);
    assert_eq!(incident.state, State::Open);
    // The incident was stored, its series were not; the log has their samples.
    let restored = Engine::new(settings());
    restored.adopt(incident, true);
    run(&restored, 0..WARM + 30, fault);
    restored.awake();
    assert_eq!(restored.open_incidents(), 1);
    run(&restored, WARM + 30..WARM + 200, fault);
    assert_eq!((of_the_fault(&restored).len(), restored.open_incidents()), (1, 0));
}

#[test]
fn an_incident_that_was_stored_elsewhere_is_not_opened_again_by_what_is_fed_again() {
    let original = Engine::new(settings());
    run(&original, 0..WARM - 10, fault);
    let records = saved(&original, time(WARM - 10), 0);
    run(&original, WARM - 10..WARM + 200, fault);
    let incident = original.incidents().remove(0);
    assert_eq!(incident.state, State::Recovered);
    let (restored, found) = resumed(&records, settings());
    restored.adopt(incident.clone(), true);
    restored.adopt_changes(original.changes_after(0));
    for step in WARM - 10..WARM + 200 {
        restored.replay(&batch(step, fault), 0, &found.marks);
        restored.tick(time(step));
    }
    restored.awake();
    assert_eq!(of_the_fault(&restored), std::slice::from_ref(&incident));
    assert_eq!(restored.changes_after(0), original.changes_after(0));
    // A later one has the next number.
    let again = |step: i64, replica, metric| fault(step - 1000, replica + 1, metric);
    run(&restored, WARM + 200..WARM + 1040, again);
    assert_eq!(restored.incidents()[0].id, incident.id + 1);
}

#[test]
fn a_record_that_is_damaged_costs_one_series() {
    let original = Engine::new(settings());
    run(&original, 0..400, |_, _, _| 0.0);
    let records = saved(&original, time(400), 1);
    for damaged in 1..records.len() {
        let mut records = records.clone();
        let length = records[damaged].len();
        records[damaged][length / 2] ^= 0xff;
        records[damaged].truncate(length - 1);
        let (engine, found) = resumed(&records, settings());
        assert!(engine.series() >= 31, "record {damaged}");
        assert_eq!(found.series + found.lost_series, 32, "record {damaged}");
        run(&engine, 400..402, |_, _, _| 0.0);
    }
}

#[test]
fn series_beyond_the_limit_are_told_and_another_file_is_refused() {
    let original = Engine::new(settings());
    run(&original, 0..10, |_, _, _| 0.0);
    let records = saved(&original, time(10), 0);
    let (engine, found) = resumed(&records, EngineSettings { most_series: 20, ..settings() });
    assert_eq!((engine.series(), found.series, found.lost_series), (20, 20, 12));
    let refused = Resuming::new(settings()).take(&records[1]);
    assert_eq!(refused, Err(ResumeError::NoHeader));
    let mut newer = records[0].clone();
    newer[1] = 9;
    let refused = Resuming::new(settings()).take(&newer);
    assert_eq!(refused, Err(ResumeError::Newer { found: 9, known: 4 }));
}

#[test]
fn nothing_is_forgotten_because_the_service_was_away() {
    let original = Engine::new(settings());
    run(&original, 0..400, |_, _, _| 0.0);
    let records = saved(&original, time(400), 0);
    let (engine, found) = resumed(&records, settings());
    engine.replay(&batch(400, |_, _, _| 0.0), 0, &found.marks);
    engine.tick(time(400));
    engine.awake();
    let day = Duration::from_secs(86_400);
    engine.tick(Timestamp::from_nanos(time(400).nanos() + day.as_nanos() as i64));
    assert_eq!(engine.series(), 32);
}

/// A file, written once by the release that began this version; what it says must stay readable.
fn the_fixture_loads(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    let mut reader = StateReader::open(&path).unwrap().expect("the fixture is there");
    let mut resuming = Resuming::new(settings());
    while let Some(record) = reader.record().unwrap() {
        resuming.take(record).unwrap();
    }
    assert!(reader.is_complete());
    assert_eq!(reader.damaged(), 0);
    let (engine, found) = resuming.finish();
    assert_eq!((found.series, found.lost_series, found.unreadable), (32, 0, 0));
    assert_eq!(found.marks.first(), 77);
    assert_eq!(engine.incidents()[0].members.len(), 3);
    let warm = engine.series_now(|_| true).iter().all(|view| view.deviation.is_some());
    assert!(warm, "no series starts over");
    run(&engine, WARM + 10..WARM + 200, fault);
    assert_eq!(engine.incidents()[0].state, State::Recovered);
}

#[test]
fn the_fixture_of_state_version_1_loads() {
    the_fixture_loads("state-version-1");
}

#[test]
fn the_fixture_of_state_version_2_loads() {
    the_fixture_loads("state-version-2");
}

#[test]
fn the_fixture_of_state_version_3_loads() {
    the_fixture_loads("state-version-3");
}

/// `AUSCULT_WRITE_STATE=1 cargo test -p auscult-engine fixture` writes one for a new version.
#[test]
fn the_fixture_of_state_version_4_loads() {
    if std::env::var_os("AUSCULT_WRITE_STATE").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/state-version-4");
        let engine = Engine::new(settings());
        run(&engine, 0..WARM + 10, fault);
        let mut writer = StateWriter::create(&path).unwrap();
        engine.save(time(WARM + 10), || 77, |record| writer.record(record)).unwrap();
        writer.commit().unwrap();
    }
    the_fixture_loads("state-version-4");
}

//! From a fault to an incident, and back.

use std::time::Duration;

use auscult_core::Timestamp;
use auscult_engine::incident::{Happening, State};
use auscult_engine::{Engine, EngineSettings};

use super::fleet::{STEP, run};

fn engine() -> Engine {
    Engine::new(EngineSettings { forget_after: Duration::from_secs(3600), ..Default::default() })
}

#[test]
fn a_fault_of_one_replica_is_one_incident_that_recovers() {
    let engine = engine();
    run(&engine, 0..4000, |_, _, _| 0.0);
    // A budget of one a week on four targets for seventeen hours.
    let before = engine.incidents();
    assert!(before.len() <= 1, "{before:#?}");
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
    assert_eq!(incident.began, onset);
    assert!(incident.noticed.seconds() - onset.seconds() <= 30.0);
    assert_eq!(incident.targets.len(), 1);
    assert_eq!(incident.targets[0].get("instance"), Some("replica-2:8000"));
    assert_eq!(incident.members.len(), 3, "{:#?}", incident.members);
    run(&engine, 4040..4400, fault);
    assert_eq!(engine.incidents().len(), before.len() + 1);
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

//! What people say was truly wrong.

use auscult_core::Timestamp;
use auscult_engine::incident::Happening::{Opened, Reopened};
use auscult_engine::incident::Incident;
use auscult_engine::{Engine, EngineSettings};
use auscult_telemetry::metrics::{MetricBatch, MetricKind};

use super::fleet::noise;

const DAY: i64 = 86_400;
const STEP: i64 = 300;
const DAYS: i64 = 56;

/// A series that is truly ill for half an hour four times a week, at no regular hour. Gives how
/// many of these times of the later four weeks an incident told of, and the incidents at other times.
fn told(people: impl Fn(&Engine, &Incident)) -> (usize, usize) {
    let engine = Engine::new(EngineSettings::default());
    let (mut found, mut others, mut seen) = (Vec::new(), 0, 0);
    let mut awaited = None;
    for second in (0..DAYS * DAY).step_by(STEP as usize) {
        let time = Timestamp::from_seconds(second);
        // Four in seven days, each at an hour of its own.
        let (day, hour) = (second / DAY, second % DAY / 3600);
        let is_due = matches!(day % 7, 0 | 2 | 3 | 5) && hour == (day * 37 + 11) % 24;
        let ill = is_due && second % 3600 < 1800 && day > 2;
        let mut batch = MetricBatch::default();
        for (number, metric) in ["latency", "load"].into_iter().enumerate() {
            let mut labels = [("__name__", metric), ("instance", "a")];
            batch.begin_series(MetricKind::Gauge, &mut labels).unwrap();
            let noise = noise((second as u64) << 4 | number as u64);
            let fault = if ill && number == 0 { 15.0 } else { 0.0 };
            batch.push(time, 100.0 + noise + fault);
        }
        engine.ingest(&batch);
        engine.tick(time);
        for change in engine.changes_after(seen) {
            seen = change.number;
            if matches!(change.happening, Opened | Reopened) && day >= DAYS / 2 {
                if ill { found.push(day) } else { others += 1 }
            }
            if matches!(change.happening, Opened | Reopened) && ill {
                awaited = Some((second + 2 * 3600, change.incident.id));
            }
        }
        if let Some((_, id)) = awaited.take_if(|(due, _)| *due <= second) {
            let incident = engine.incidents().into_iter().find(|incident| incident.id == id);
            incident.iter().for_each(|incident| people(&engine, incident));
        }
    }
    found.dedup();
    (found.len(), others)
}

#[test]
fn faults_that_are_confirmed_do_not_become_usual() {
    let (silent, _) = told(|_, _| {});
    let (confirmed, others) = told(|engine, incident| engine.confirm(incident));
    // Sixteen in four weeks, at a budget of one alarm a week. The detector gets used to them by
    // itself, a little more each time; what is forgotten is only how rare they are.
    assert!(silent <= 2, "{silent} of 16 were told without anybody's word");
    assert!(confirmed >= 6, "{confirmed} of 16 were told, {silent} without anybody's word");
    assert!(others <= 4, "{others} false alarms in four weeks");
}

//! How the service keeps its budget: alarms of the engine of `auscult serve` on the same series.

use std::collections::BTreeSet;
use std::path::Path;

use auscult_core::Timestamp;
use auscult_detect::ensemble::AlarmBudget;
use auscult_engine::incident::Happening;
use auscult_engine::{Engine, EngineSettings};
use auscult_telemetry::metrics::{MetricBatch, MetricKind};
use serde::Serialize;

use super::count::{more_than_twice, watched};
use super::stretches::Source;
use super::{Known, Stretch, each};
use crate::outcome::CallError;

/// What came of a budget in the service, on targets of one kind.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Served {
    pub set: String,
    /// Whether the series of a part (a machine, a server, a kind of simulated health) that are sampled
    /// together are one target; else each is a target of its own.
    pub together: bool,
    /// Whether people say of each incident in a labelled anomaly that something was wrong.
    pub told: bool,
    pub budget: String,
    pub targets: usize,
    /// Incidents opened, or opened again, where nothing is wrong.
    pub alarms: u32,
    /// What the budget promised for the healthy time.
    pub promised: f64,
    /// Share of targets with more than twice the promise, and what chance alone would make it.
    pub over: f64,
    pub over_by_chance: f64,
    /// Labelled anomalies, and those in which an incident was opened.
    pub anomalies: u32,
    pub found: u32,
}

/// What came of one target.
#[derive(Debug, Clone, Copy, Default)]
struct One {
    alarms: u32,
    promised: f64,
    anomalies: u32,
    found: u32,
}

/// Gives every series of `source` to the engine, under each of `budgets`: each series as a target
/// of its own, and where parts have several, those that are sampled together as one target.
pub(crate) fn measure(
    source: &Source,
    data: &Path,
    budgets: &[AlarmBudget],
    threads: usize,
    done: impl Fn() + Sync,
) -> Result<Vec<Served>, CallError> {
    let names = (source.names)(data)?;
    let part = |name: &str| -> Result<Vec<[Vec<One>; 3]>, CallError> {
        let stretches = (source.load)(data, name)?;
        let moving: Vec<&Stretch> = stretches.iter().filter(|one| !one.is_constant()).collect();
        let of = |budget: &AlarmBudget| {
            let alone = |told: bool| {
                moving.iter().map(|stretch| watch(&[stretch], *budget, told)).collect::<Vec<One>>()
            };
            let is_labelled = moving.iter().any(|stretch| stretch.known.contains(&Known::Anomaly));
            let told = if is_labelled { alone(true) } else { Vec::new() };
            let together = moving.chunk_by(|one, other| one.times == other.times);
            let several = together.filter(|target| target.len() > 1);
            let together = several.map(|target| watch(target, *budget, false)).collect();
            [alone(false), told, together]
        };
        Ok(budgets.iter().map(of).collect())
    };
    let made = each(&names, threads, part, done)?;
    let mut served = Vec::new();
    for (kind, (together, told)) in
        [(false, false), (false, true), (true, false)].into_iter().enumerate()
    {
        for (place, budget) in budgets.iter().enumerate() {
            let ones: Vec<One> = made.iter().flat_map(|part| part[place][kind].clone()).collect();
            if ones.is_empty() {
                continue;
            }
            let share =
                |of: &dyn Fn(&One) -> f64| ones.iter().map(of).sum::<f64>() / ones.len() as f64;
            served.push(Served {
                set: source.name.to_owned(),
                together,
                told,
                budget: budget.to_string(),
                targets: ones.len(),
                alarms: ones.iter().map(|one| one.alarms).sum(),
                promised: ones.iter().map(|one| one.promised).sum(),
                over: share(&|one| f64::from(u8::from(f64::from(one.alarms) > 2.0 * one.promised))),
                over_by_chance: share(&|one| more_than_twice(one.promised)),
                anomalies: ones.iter().map(|one| one.anomalies).sum(),
                found: ones.iter().map(|one| one.found).sum(),
            });
        }
    }
    Ok(served)
}

/// Alarms of an engine whose only target has `stretches` for series, sampled at the same times; it
/// is `told` of each incident in a labelled anomaly that it was true, once that is over.
fn watch(stretches: &[&Stretch], budget: AlarmBudget, told: bool) -> One {
    let settings = EngineSettings { budget, topology_labels: Vec::new(), ..Default::default() };
    let engine = Engine::new(settings);
    let names: Vec<String> = (0..stretches.len()).map(|place| format!("reading_{place}")).collect();
    let first = stretches[0];
    let healthy = first.known.iter().zip(watched(first));
    let healthy: f64 =
        healthy.filter(|(known, _)| **known == Known::Healthy).map(|(_, seconds)| seconds).sum();
    let mut one = One { promised: healthy / budget.interval_seconds(), ..One::default() };
    let mut batch = MetricBatch::default();
    let (mut seen, mut is_found) = (0, false);
    let mut to_confirm = BTreeSet::new();
    for at in 0..first.times.len() {
        let time = later(first.times[at]);
        let known = first.known[at];
        if known == Known::Anomaly && (at == 0 || first.known[at - 1] != Known::Anomaly) {
            one.anomalies += 1;
            is_found = false;
        }
        batch.clear();
        for (name, stretch) in names.iter().zip(stretches) {
            let mut labels = [("__name__", name.as_str()), ("job", "set"), ("instance", "target")];
            batch.begin_series(MetricKind::Gauge, &mut labels).expect("labels are sound");
            batch.push(time, stretch.readings[at]);
        }
        engine.ingest(&batch);
        engine.tick(time);
        for change in engine.changes_after(seen) {
            seen = change.number;
            if !matches!(change.happening, Happening::Opened | Happening::Reopened) {
                continue;
            }
            one.alarms += u32::from(known == Known::Healthy);
            if told && known == Known::Anomaly {
                to_confirm.insert(change.incident.id);
            }
            if known == Known::Anomaly && !is_found {
                is_found = true;
                one.found += 1;
            }
        }
        if known == Known::Healthy && !to_confirm.is_empty() {
            let those = std::mem::take(&mut to_confirm);
            let those = engine.incidents_that(|incident| those.contains(&incident.id));
            those.iter().for_each(|incident| engine.confirm(incident));
        }
    }
    one
}

/// `time`, moved into a past that a service takes: data sets without dates begin in 1970.
fn later(time: Timestamp) -> Timestamp {
    const YEARS_30: f64 = 946_080_000.0;
    let moved = if time.seconds() < YEARS_30 { 1.7e9 } else { 0.0 };
    Timestamp::from_nanos(time.nanos() + (moved * 1e9) as i64)
}

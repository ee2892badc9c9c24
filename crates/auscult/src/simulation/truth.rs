//! The truth of a simulated scenario, as files.

use std::collections::BTreeMap;

use auscult_core::Timestamp;
use auscult_simulate::identity::{Labels, own, reach};
use auscult_simulate::logs::{Log, LogLine};
use auscult_simulate::page::Page;
use auscult_simulate::place::Place;
use auscult_simulate::scenario::{Plan, PlannedFault, Scenario};
use auscult_simulate::truth::{Comparison, Touched};
use auscult_telemetry::format_time;
use serde_json::{Value, json};

/// The faults as `auscult backtest --events` reads them, a row for each: from, to, and the labels of series of
/// what it struck and of what that carries; then fault, name and places. Look-alikes are none.
pub(super) fn events(scenario: &Scenario, plan: &Plan) -> String {
    let mut text = "from,to,target,fault,name,place\n".to_owned();
    for fault in plan.faults.iter().filter(|fault| fault.is_harmful) {
        let (from, to) = times(scenario, fault);
        let target =
            target(fault.places.iter().flat_map(|place| reach(plan, scenario.seed, *place)));
        let id = fault.id.unwrap_or_default();
        text += &format!("{from},{to},{target},{id},{},{}\n", fault.name, places(plan, fault));
    }
    text
}

/// What people did, as a log of changes, with the labels of series of what they did it to.
pub(super) fn changes(scenario: &Scenario, plan: &Plan) -> String {
    let mut text = "time,kind,target,place\n".to_owned();
    for fault in &plan.faults {
        let Some(change) = fault.change else { continue };
        let (from, _) = times(scenario, fault);
        let target = struck(plan, scenario.seed, fault);
        text += &format!("{from},{},{target},{}\n", change.word(), places(plan, fault));
    }
    text
}

/// What a fault strikes, by labels of its series.
pub(super) fn struck(plan: &Plan, seed: u64, fault: &PlannedFault) -> String {
    target(fault.places.iter().flat_map(|place| own(plan, seed, *place)))
}

/// `instance=chat-1:8000|training_job=pretrain&rank=3`: series with these labels, or with those.
fn target(sets: impl IntoIterator<Item = Labels>) -> String {
    let mut known: Vec<String> = Vec::new();
    for set in sets {
        let pairs: Vec<String> =
            set.into_iter().map(|(label, value)| format!("{label}={value}")).collect();
        let set = pairs.join("&");
        if !known.contains(&set) {
            known.push(set);
        }
    }
    known.join("|")
}

/// The names of the places in scenarios, a blank between them.
fn places(plan: &Plan, fault: &PlannedFault) -> String {
    let names: Vec<String> = fault.places.iter().map(|place| plan.name(*place)).collect();
    names.join(" ")
}

/// Everything that is true of the scenario; `written` are lines of logs that the healthy twin did not write.
pub(super) fn document(
    scenario: &Scenario,
    plan: &Plan,
    pages: &[Page],
    comparison: &Comparison,
    logs: &[Log],
    written: &[LogLine],
) -> Value {
    let faults = plan.faults.iter().enumerate().map(|(number, fault)| {
        let (from, to) = times(scenario, fault);
        let touched: Vec<Value> = comparison
            .touched(number)
            .iter()
            .map(|touched| self::touched(touched, pages))
            .collect();
        let place = |place: &Place| {
            let own = own(plan, scenario.seed, *place).into_iter();
            let labels: Vec<BTreeMap<_, _>> = own.map(|set| set.into_iter().collect()).collect();
            json!({ "name": plan.name(*place), "labels": labels })
        };
        let places: Vec<Value> = fault.places.iter().map(place).collect();
        let is_its =
            |line: &&LogLine| line.seconds >= fault.course.start && line.seconds < fault.course.end;
        let lines = written.iter().filter(is_its).map(|line| {
            let time = moment(scenario, line.seconds);
            json!({ "file": logs[line.log].file(), "time": time, "line": line.text })
        });
        let lines: Vec<Value> = lines.collect();
        json!({
            "fault": fault.id,
            "name": fault.name,
            "variant": fault.variant,
            "harmful": fault.is_harmful,
            "places": places,
            "from": from,
            "to": to,
            "onset": fault.course.onset.word(),
            "severity": fault.severity,
            "change": fault.change.map(|change| change.word()),
            "touched": touched,
            "log_lines": lines,
        })
    });
    let faults: Vec<Value> = faults.collect();
    let log = |log: &Log| {
        let labels: BTreeMap<_, _> = log.labels.iter().cloned().collect();
        json!({ "file": log.file(), "kind": log.kind.word(), "labels": labels })
    };
    let logs: Vec<Value> = logs.iter().map(log).collect();
    json!({ "scenario": scenario.scenario, "seed": scenario.seed, "logs": logs, "faults": faults })
}

fn times(scenario: &Scenario, fault: &PlannedFault) -> (String, String) {
    (moment(scenario, fault.course.start), moment(scenario, fault.course.end))
}

/// The time of a second of the scenario.
fn moment(scenario: &Scenario, second: f64) -> String {
    let nanos = (scenario.start as f64 + second) * 1e9;
    format_time(Timestamp::from_nanos(nanos as i64))
}

fn touched(touched: &Touched, pages: &[Page]) -> Value {
    let page = &pages[touched.page];
    let (name, labels) = page.scraped().nth(touched.series).expect("a series of the page");
    json!({
        "metric": name,
        "labels": labels.into_iter().collect::<BTreeMap<_, _>>(),
        "healthy": finite(touched.healthy),
        "ill": finite(touched.ill),
        "effect": touched.effect,
    })
}

/// JSON knows no NaN.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

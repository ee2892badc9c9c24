//! The truth of a simulated scenario, as files.

use std::collections::BTreeMap;

use auscult_core::Timestamp;
use auscult_simulate::page::Page;
use auscult_simulate::place::Place;
use auscult_simulate::scenario::{Plan, PlannedFault, Scenario};
use auscult_simulate::truth::{Comparison, Touched};
use auscult_telemetry::format_time;
use serde_json::{Value, json};

/// The faults as `auscult backtest --events` reads them: from, to, target; and their names. Look-alikes are none.
pub(super) fn events(scenario: &Scenario, plan: &Plan) -> String {
    let mut text = "from,to,target,fault,name\n".to_owned();
    for fault in plan.faults.iter().filter(|fault| fault.is_harmful) {
        let (from, to) = times(scenario, fault);
        for place in &fault.places {
            let id = fault.id.unwrap_or_default();
            text += &format!("{from},{to},{},{id},{}\n", plan.name(*place), fault.name);
        }
    }
    text
}

/// What people did, as a log of changes.
pub(super) fn changes(scenario: &Scenario, plan: &Plan) -> String {
    let mut text = "time,kind,target\n".to_owned();
    for fault in &plan.faults {
        let Some(change) = fault.change else { continue };
        let (from, _) = times(scenario, fault);
        for place in &fault.places {
            text += &format!("{from},{},{}\n", change.word(), plan.name(*place));
        }
    }
    text
}

/// Everything that is true of the scenario.
pub(super) fn document(
    scenario: &Scenario,
    plan: &Plan,
    pages: &[Page],
    comparison: &Comparison,
) -> Value {
    let faults = plan.faults.iter().enumerate().map(|(number, fault)| {
        let (from, to) = times(scenario, fault);
        let touched: Vec<Value> = comparison
            .touched(number)
            .iter()
            .map(|touched| self::touched(touched, pages))
            .collect();
        let names: Vec<String> =
            fault.places.iter().map(|place: &Place| plan.name(*place)).collect();
        json!({
            "fault": fault.id,
            "name": fault.name,
            "variant": fault.variant,
            "harmful": fault.is_harmful,
            "places": names,
            "from": from,
            "to": to,
            "onset": fault.course.onset.word(),
            "severity": fault.severity,
            "change": fault.change.map(|change| change.word()),
            "touched": touched,
        })
    });
    let faults: Vec<Value> = faults.collect();
    json!({ "scenario": scenario.scenario, "seed": scenario.seed, "faults": faults })
}

fn times(scenario: &Scenario, fault: &PlannedFault) -> (String, String) {
    let at = |second: f64| {
        let nanos = (scenario.start as f64 + second) * 1e9;
        format_time(Timestamp::from_nanos(nanos as i64))
    };
    (at(fault.course.start), at(fault.course.end))
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

//! Every fault in a whole fleet: it touches something, and nothing before it begins.

use auscult_simulate::fault::{LOOKALIKES, faults};
use auscult_simulate::page::{Answer, Values};
use auscult_simulate::scenario::{Scenario, scenario_text};
use auscult_simulate::simulation::Simulation;
use auscult_simulate::truth::{Comparison, Touched};

const START: u64 = 300;
const END: u64 = 1800;

/// The first scenario of the library, with the fault from minute 5 to minute 30.
fn scenario(id: &str) -> Scenario {
    let text = scenario_text(&format!("{id}/1")).expect("a scenario of the library");
    let mut scenario = Scenario::read(id, &text).expect("it can be read");
    scenario.faults[0].at = std::time::Duration::from_secs(START);
    scenario.faults[0].lasts = std::time::Duration::from_secs(END - START);
    scenario
}

/// Plays the scenario beside its twin; gives what was touched as text, strongest first.
fn touched(id: &str) -> Vec<String> {
    let scenario = scenario(id);
    let plan = scenario.plan().expect("it can be planned");
    let mut twin = Simulation::twin(&scenario, &plan);
    let mut ill = Simulation::new(&scenario, plan);
    let mut comparison = Comparison::new(ill.pages(), [(START as f64, END as f64)]);
    let (mut values, mut healthy) = (Values::default(), Values::default());
    for second in 1..=END {
        ill.advance();
        twin.advance();
        if second % 15 != 0 {
            continue;
        }
        for page in 0..ill.pages().len() {
            let read = matches!(ill.read(page, &mut values), Answer::Page(_));
            let read_twin = matches!(twin.read(page, &mut healthy), Answer::Page(_));
            assert_eq!(values.len(), ill.pages()[page].series(), "{id}: a value for each series");
            if second <= START {
                let bits = |values: &Values| -> Vec<Option<u64>> {
                    values.iter().map(|value| value.map(f64::to_bits)).collect()
                };
                let name = &ill.pages()[page].instance;
                assert_eq!(bits(&values), bits(&healthy), "{id}: {name} before the fault");
            }
            let values = read.then_some(&values);
            comparison.take(page, second as f64, 15.0, values, read_twin.then_some(&healthy));
        }
    }
    let text = |touched: &Touched| {
        let page = &ill.pages()[touched.page];
        let (family, line) = page.lines().nth(touched.series).expect("a series of the page");
        let labels: Vec<&str> = line.labels.iter().map(|(_, value)| value.as_str()).collect();
        let Touched { healthy, ill, effect, .. } = touched;
        let name = format!("{} {} {}", page.instance, line.name(family), labels.join(","));
        format!("{name}: {healthy:.4} {ill:.4} ({effect:.1})")
    };
    comparison.touched(0).iter().map(text).collect()
}

#[test]
fn every_fault_touches_something() {
    let untouched: Vec<&str> = faults()
        .filter(|fault| {
            let touched = touched(fault.id);
            println!("== {} {}: {}", fault.id, fault.name, touched.len());
            touched.iter().take(12).for_each(|line| println!("   {line}"));
            touched.is_empty()
        })
        .map(|fault| fault.id)
        .collect();
    assert_eq!(untouched, NONE);
}

const NONE: [&str; 0] = [];

#[test]
fn lookalikes_can_be_played() {
    for fault in LOOKALIKES {
        let touched = touched(fault.id);
        println!("== {} {}: {}", fault.id, fault.name, touched.len());
        touched.iter().take(12).for_each(|line| println!("   {line}"));
    }
}

//! From simulated faults to their names.

use auscult_core::{Labels, METRIC_NAME, Timestamp};
use auscult_diagnose::scene::{Event, LogLine};
use auscult_engine::{Case, Diagnosis};
use auscult_simulate::identity::own;
use auscult_simulate::page::{Answer, Page, Values};
use auscult_simulate::place::{PartKind, Place};
use auscult_simulate::scenario::{Plan, Scenario, scenario_text};
use auscult_simulate::simulation::Simulation;

/// Seconds from one sample to the next.
const STEP: u64 = 15;

fn labels(page: &Page) -> Vec<Labels> {
    let series = page.scraped().map(|(name, mut labels)| {
        labels.push((METRIC_NAME, &name));
        Labels::from_pairs(labels).expect("pages carry each label once")
    });
    series.collect()
}

/// What a part is called among the targets of a scene: of a replica that is its address.
fn called(plan: &Plan, seed: u64, place: Place) -> String {
    match place.kind {
        PartKind::Replica => own(plan, seed, place)[0][0].1.clone(),
        _ => plan.name(place),
    }
}

/// The diagnosis of scenario `name` at the end of its fault; without what does not pass `shown`.
fn diagnosed(name: &str, shown: impl Fn(&str) -> bool) -> Diagnosis {
    noticed(name, shown, &[])
}

/// The same, of what was noticed in the series with these labels.
fn noticed(name: &str, shown: impl Fn(&str) -> bool, at_series: &[Labels]) -> Diagnosis {
    case(name, shown, at_series).diagnose()
}

/// What is known of a scenario at the end of its fault.
pub(crate) fn case(name: &str, shown: impl Fn(&str) -> bool, at_series: &[Labels]) -> Case {
    let text = scenario_text(name).expect("the library has it");
    let scenario = Scenario::read(name, &text).expect("it can be read");
    let mut simulation = Simulation::new(&scenario, scenario.plan().expect("it can be planned"));
    let plan = simulation.plan().clone();
    let course = plan.faults.first().map(|fault| fault.course);
    let (begins, ends) = course.map_or((3000.0, 4200.0), |course| (course.start, course.end));
    let start = scenario.start as f64;
    let at = |seconds: f64| Timestamp::from_nanos(((start + seconds) * 1e9) as i64);
    let mut case = Case::new(at(begins), at(ends));
    at_series.iter().for_each(|labels| case.noticed(labels));
    let pages: Vec<Vec<Labels>> = simulation.pages().iter().map(labels).collect();
    let (mut values, mut lines) = (Values::default(), Vec::new());
    for second in 1..=ends as u64 {
        simulation.advance();
        simulation.take_log_lines(&mut lines);
        // What came long before is not looked at.
        if second % STEP != 0 || (second as f64) < begins - 2700.0 {
            continue;
        }
        for (page, series) in pages.iter().enumerate() {
            let answer = simulation.read(page, &mut values);
            let is_up = matches!(answer, Answer::Page(seconds) if seconds < 10.0);
            let (up, series) = series.split_last().expect("every page has `up`");
            let now = at(second as f64);
            for (labels, value) in series.iter().zip(values.iter()).filter(|_| is_up) {
                let Some(value) = value else { continue };
                if shown(labels.get(METRIC_NAME).unwrap_or_default()) {
                    case.series(labels, [(now, value)]);
                }
            }
            case.series(up, [(now, f64::from(u8::from(is_up)))]);
        }
    }
    case.expect_changes();
    for fault in &plan.faults {
        for place in fault.places.iter().filter(|_| fault.change.is_some()) {
            let kind = fault.change.expect("some change was made").word().to_owned();
            let target = called(&plan, scenario.seed, *place);
            case.change(Event { time: start + fault.course.start, kind, target });
        }
    }
    for line in lines.into_iter().filter(|line| !line.is_step) {
        let source = simulation.logs()[line.log].of.clone();
        case.log(LogLine { time: start + line.seconds, source, text: line.text });
    }
    case
}

/// One of each layer, drawn from numbers that no experience was made from.
#[test]
fn simulated_faults_are_named_where_they_are() {
    for (name, kind, place) in [
        ("T1/102", "service", "chat"),
        ("S2/102", "service", "chat"),
        ("E1/102", "replica", "chat-1:8000"),
        ("G3/102", "gpu", "serve-0/1"),
        ("H1/102", "host", "serve-2"),
        ("M1/102", "service", "chat"),
        ("D2/102", "host", "serve-0"),
        ("R6/103", "rank", "pretrain/7"),
    ] {
        let diagnosis = diagnosed(name, |_| true);
        let first = &diagnosis.causes[0];
        let fault = name.split_once('/').unwrap().0;
        assert_eq!(
            (first.fault.as_str(), first.kind.as_str(), first.place.as_str()),
            (fault, kind, place),
            "{}",
            diagnosis.text()
        );
        assert!(!first.supports.is_empty() && first.supports[0].weight > 0.0);
        let sum: f64 = diagnosis.causes.iter().map(|cause| cause.probability).sum();
        assert!(sum + diagnosis.unknown + diagnosis.healthy <= 1.0 + 1e-9);
    }
}

#[test]
fn a_healthy_fleet_gets_no_fault() {
    let diagnosis = diagnosed("healthy/102", |_| true);
    let harmful = diagnosis.causes.iter().filter(|cause| !cause.benign);
    let most = harmful.map(|cause| cause.probability).fold(0.0, f64::max);
    assert!(most < 0.5, "{}", diagnosis.text());
}

/// A cause that nobody can see is not named with certainty: without any reading of the card there
/// is no telling that it is hot.
#[test]
fn what_cannot_be_seen_is_not_said() {
    let diagnosis = diagnosed("G3/102", |metric| !metric.starts_with("DCGM"));
    let sure = diagnosis.causes.iter().find(|cause| cause.fault == "G3");
    assert!(sure.is_none_or(|cause| cause.probability < 0.9), "{}", diagnosis.text());
}

/// What goes on elsewhere at the same time is not the cause: one card of `serve-0` is ill, and
/// asked for is what was noticed at a host that has nothing to do with it.
#[test]
fn causes_are_looked_for_where_something_was_noticed() {
    let of_host = |host: &str| {
        let instance = format!("{host}:9100");
        let labels = [(METRIC_NAME, "node_load1"), ("instance", instance.as_str())];
        Labels::from_pairs(labels).expect("labels")
    };
    let here = noticed("G3/102", |_| true, &[of_host("serve-0")]);
    let first = &here.causes[0];
    assert_eq!(
        (first.fault.as_str(), first.place.as_str()),
        ("G3", "serve-0/1"),
        "{}",
        here.text()
    );
    let elsewhere = noticed("G3/102", |_| true, &[of_host("serve-1")]);
    let of_another = |place: &str| place.starts_with("serve-0");
    let taken = elsewhere.causes.iter().find(|cause| of_another(&cause.place));
    assert!(taken.is_none(), "{}", elsewhere.text());
}

#[test]
fn a_case_without_samples_says_that_nothing_is_known() {
    let at = Timestamp::from_seconds;
    let diagnosis = Case::new(at(10_000), at(10_600)).diagnose();
    assert!(diagnosis.causes.is_empty(), "{}", diagnosis.text());
    assert!(diagnosis.sentence.starts_with("nothing is known"), "{}", diagnosis.sentence);
}

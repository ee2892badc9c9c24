//! Scenarios: what they become, and what is said of bad ones.

use auscult_simulate::fault::{LOOKALIKES, Onset, faults};
use auscult_simulate::place::PartKind;
use std::collections::BTreeSet;

use auscult_simulate::scenario::{LIBRARY_EACH, Scenario, library, scenario_text, small_text};
use auscult_simulate::simulation::Simulation;

const FLEET: &str = "
scenario: test
duration: 1h
fleet:
  hosts:
    - {name: serve, count: 2, gpu: H100}
    - {name: train, count: 3, gpu: H100}
  services:
    - {name: chat, hosts: serve, replicas: 6, gpus: 2, adapters: 20, speculation: true, disaggregation: true, traffic: code}
    - {name: moe, model: qwen3-30b-a3b, hosts: serve, replicas: 2, gpus: 2, load: 0.3}
  perception:
    - {name: calls, hosts: train, kind: speech, sources: 3}
  jobs:
    - {name: pretrain, hosts: train}
";

fn with(faults: &str) -> Result<Scenario, Vec<String>> {
    let text = format!("{FLEET}faults:\n{faults}");
    Scenario::read("test.yaml", &text)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn replicas_spread_over_hosts_and_a_job_takes_what_is_left() {
    let plan = with("  []").unwrap().plan().unwrap();
    let hosts: Vec<usize> = plan.services[0].replicas.iter().map(|seats| seats[0].host).collect();
    assert_eq!(hosts, [0, 1, 0, 1, 0, 1]);
    assert_eq!(plan.jobs[0].ranks.len(), 16);
    let mut seats: Vec<_> =
        plan.services.iter().flat_map(|service| service.replicas.iter().flatten()).collect();
    seats.extend(&plan.jobs[0].ranks);
    seats.sort();
    seats.dedup();
    assert_eq!(seats.len(), 16 + 16, "every GPU has one user");
}

#[test]
fn every_fault_finds_its_place() {
    for fault in faults().chain(LOOKALIKES) {
        let scenario = with(&format!("  - {{fault: {}, at: 10m, for: 5m}}\n", fault.id)).unwrap();
        let plan = scenario.plan().unwrap();
        let [planned] = plan.faults.as_slice() else { panic!("{}: one fault", fault.id) };
        assert_eq!((planned.id, planned.course.onset), (Some(fault.id), fault.onsets[0]));
        assert!(!planned.places.is_empty(), "{}", fault.id);
        let mut injector = plan.injector();
        assert_eq!(injector.at(599.0), plan.healthy().injector().at(0.0), "{}", fault.id);
        let at_height = injector.at(899.0).clone();
        assert_ne!(&at_height, plan.healthy().injector().at(0.0), "{}", fault.id);
    }
}

#[test]
fn places_can_be_named() {
    let plan = with(
        "  - {fault: G1, at: 1m, for: 1m, place: serve-1/3, variant: one card, onset: sudden}\n",
    )
    .unwrap()
    .plan()
    .unwrap();
    let fault = &plan.faults[0];
    assert_eq!(
        (fault.places[0].kind, fault.places[0].holder, fault.places[0].member),
        (PartKind::Gpu, 1, 3)
    );
    assert_eq!(
        (plan.name(fault.places[0]).as_str(), fault.course.onset),
        ("serve-1/3", Onset::Sudden)
    );
    for name in [
        "chat",
        "chat/2",
        "calls/source-1",
        "train-1",
        "train-1/port-7",
        "pretrain",
        "pretrain/14",
        "storage",
    ] {
        let dial = match name {
            "chat" => "service.arrivals",
            "chat/2" => "replica.hung",
            "calls/source-1" => "source.degraded",
            "train-1" => "host.down",
            "train-1/port-7" => "port.down",
            "pretrain" => "job.bad_batch",
            "pretrain/14" => "rank.stuck",
            _ => "storage.bandwidth",
        };
        let plan =
            with(&format!("  - {{dial: {dial}, value: 0.7, at: 1m, for: 1m, place: {name}}}\n"))
                .unwrap()
                .plan()
                .unwrap();
        assert_eq!(plan.name(plan.faults[0].places[0]), name);
    }
}

#[test]
fn a_host_stands_for_all_its_gpus() {
    let plan = with("  - {fault: G2, at: 1m, for: 1m, place: train-1}\n").unwrap().plan().unwrap();
    assert_eq!(plan.faults[0].places.len(), 8);
    let plan = with("  - {fault: M4, at: 1m, for: 1m, place: chat}\n").unwrap().plan().unwrap();
    assert_eq!(plan.faults[0].places.len(), 2);
}

#[test]
fn clients_that_wait_no_time_are_refused() {
    let text = FLEET.replace("load: 0.3}", "load: 0.3, client_timeout: 0s}");
    let problems = Scenario::read("test.yaml", &text).unwrap_err();
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let sentence = "clients that wait no time get no answer; expected a time such as 2m";
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("test.yaml:10:") && said[0].ends_with(sentence), "{said:?}");
}

#[test]
fn mistakes_say_where_and_what_was_expected() {
    let said = |faults: &str| with(faults).unwrap_err();
    assert_eq!(
        said("  - {fault: G99, at: 1m, for: 1m}\n"),
        ["test.yaml:16:13: there is no fault `G99`; did you mean `G9`?"]
    );
    assert_eq!(
        said("  - {fault: G1, variant: one cart, at: 1m, for: 1m}\n"),
        ["test.yaml:16:26: there is no variant of G1 `one cart`; did you mean `one card`?"]
    );
    assert_eq!(
        said("  - {fault: G1, at: 1m, for: 1m, place: chat/1, variant: one card}\n"),
        [
            "test.yaml:16:41: G1 (thermal throttle) strikes a gpu, such as serve-0/0; chat/1 is none that can have it"
        ]
    );
    assert_eq!(
        said("  - {fault: T5, at: 1m, for: 1m, place: chat}\n"),
        [
            "test.yaml:16:41: T5 (prefix locality lost) strikes a service, such as moe; chat is none that can have it"
        ]
    );
    assert_eq!(
        said("  - {dial: gpu.coling, value: 1, at: 1m, for: 1m}\n"),
        ["test.yaml:16:12: there is no dial `gpu.coling`; did you mean `gpu.cooling`?"]
    );
    assert_eq!(
        said("  - {dial: gpu.cooling, value: 1, at: 1m, for: 1m, place: pretrain}\n"),
        ["test.yaml:16:59: `gpu.cooling` is a dial of a gpu, and pretrain has none"]
    );
    assert_eq!(
        said("  - {dial: gpu.cooling, at: 1m, for: 1m}\n"),
        ["test.yaml:16:5: `gpu.cooling` needs a `value`"]
    );
    assert_eq!(
        said("  - {dial: replica.kv_need, value: -1, at: 1m, for: 1m}\n"),
        ["test.yaml:16:36: `replica.kv_need` cannot be -1; expected 0 or more"]
    );
    with("  - {dial: host.clock_offset, value: -1, at: 1m, for: 1m}\n").expect("clocks lag, too");
    assert_eq!(
        said("  - {at: 1m, for: 1m}\n"),
        ["test.yaml:16:5: expected either a `fault` or a `dial`"]
    );
    assert_eq!(said("  - {fault: G1, at: 1m, for: soon, severity: 2, wher: x}\n").len(), 3);
    let read = |text: &str| Scenario::read("test.yaml", text).unwrap_err()[0].to_string();
    assert_eq!(
        read(
            "scenario: x\nduration: 1h\nfleet:\n  hosts: [{name: a, gpus: 2}]\n  services: [{hosts: a, replicas: 3}]\n"
        ),
        "test.yaml:5:35: `a` has room for 2 of 3 replicas with 1 GPUs each; add hosts or take fewer replicas"
    );
    assert_eq!(
        read(
            "scenario: x\nduration: 1h\nfleet:\n  hosts: [{name: a}]\nfaults: [{fault: R1, at: 1m, for: 1m}]\n"
        ),
        "test.yaml:5:18: R1 (loss spike) needs a training job"
    );
}

#[test]
fn the_library_has_five_different_scenarios_for_each_fault_and_all_can_be_played() {
    let names: Vec<String> = library().collect();
    assert_eq!(names.len(), (72 + LOOKALIKES.len() + 1) * LIBRARY_EACH);
    let mut fleets = BTreeSet::new();
    for name in &names {
        let text = scenario_text(name).unwrap();
        let scenario = Scenario::read(name, &text).unwrap_or_else(|problems| {
            let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
            panic!("{name}: {}\n{text}", said.join("\n"))
        });
        assert!(fleets.insert(format!("{:?}", (scenario.seed, scenario.fleet))), "{name} is new");
    }
}

#[test]
fn small_fleets_have_a_host_that_serves_or_trains_and_all_that_strikes_them_can_be_played() {
    let ids = faults().chain(LOOKALIKES).map(|fault| fault.id).chain(["healthy"]);
    let mut played = 0;
    for (id, number) in ids.flat_map(|id| (1..=4).map(move |number| (id, number))) {
        let name = format!("{id}/{number}");
        let Some(text) = small_text(&name) else { continue };
        let plan = Scenario::read(&name, &text).ok().and_then(|scenario| scenario.plan().ok());
        let plan = plan.unwrap_or_else(|| panic!("{name} cannot be planned:\n{text}"));
        let (serves, trains) = (plan.services.len(), plan.jobs.len());
        assert!(serves <= 1 && trains <= 1 && plan.hosts.len() == serves + trains, "{text}");
        assert!(plan.services.iter().all(|service| service.replicas.len() <= 2), "{text}");
        assert!(plan.jobs.iter().all(|job| matches!(job.ranks.len(), 4 | 8)), "{text}");
        played += 1;
    }
    assert!(played > 4 * 60, "{played}");
    assert_eq!(small_text("N1/1"), None, "a fabric takes more");
}

#[test]
fn two_faults_strike_together() {
    let text = scenario_text("G1+T1/9").unwrap();
    let plan = Scenario::read("two", &text).unwrap().plan().unwrap();
    let ids: Vec<_> = plan.faults.iter().filter_map(|fault| fault.id).collect();
    assert_eq!(ids, ["G1", "T1"]);
    assert_eq!(scenario_text("G1+T1/9"), Some(text), "the same name gives the same scenario");
}

#[test]
fn names_of_accelerators_and_models_hold_whatever_the_case() {
    let text = "scenario: x\nduration: 1m\nfleet:\n  hosts: [{name: a, gpu: h100}, {name: b, gpu: b200}]\n  \
        services: [{hosts: a, model: LLaMA-3.1-8B}]\n  jobs: [{hosts: b}]\n";
    let scenario = Scenario::read("test.yaml", text).unwrap();
    let mut simulation = Simulation::new(&scenario, scenario.plan().unwrap());
    (0..60).for_each(|_| simulation.advance());
    assert_eq!(simulation.seconds(), 60);
}

#[test]
fn the_scenario_of_the_manual_can_be_played() {
    let manual = include_str!("../../../docs/simulate.md");
    let text = manual.split("```yaml").nth(1).and_then(|rest| rest.split("```").next());
    let scenario = Scenario::read("simulate.md", text.expect("the manual shows a scenario"));
    let scenario = scenario.map_err(|problems| {
        problems.iter().map(|problem| problem.with_source()).collect::<String>()
    });
    assert_eq!(scenario.unwrap().faults.len(), 3);
}

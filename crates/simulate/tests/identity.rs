//! Labels of parts are those that series carry, and logs tell what happened with its time.

use auscult_simulate::identity::{Labels, own, reach};
use auscult_simulate::logs::LogLine;
use auscult_simulate::place::PartKind;
use auscult_simulate::scenario::Scenario;
use auscult_simulate::simulation::Simulation;

use super::adapters::EVERYTHING;

fn everything(faults: &str) -> (Scenario, Simulation) {
    let text = format!("{EVERYTHING}{faults}");
    let scenario = Scenario::read("everything", &text).expect("it can be read");
    let plan = scenario.plan().expect("it can be planned");
    let simulation = Simulation::new(&scenario, plan);
    (scenario, simulation)
}

#[test]
fn every_label_set_of_every_part_is_on_some_series() {
    let (scenario, simulation) = everything("");
    let plan = simulation.plan();
    let series: Vec<Vec<(&str, &str)>> = simulation
        .pages()
        .iter()
        .flat_map(|page| page.scraped().map(|(_, labels)| labels))
        .collect();
    let is_shown = |set: &Labels| {
        let has = |labels: &Vec<(&str, &str)>| {
            set.iter().all(|(name, value)| labels.contains(&(*name, value.as_str())))
        };
        series.iter().any(has)
    };
    let mut sets = 0;
    for place in PartKind::ALL.into_iter().flat_map(|kind| plan.shape.parts(kind)) {
        let labels = reach(plan, scenario.seed, place);
        let missing: Vec<&Labels> = labels.iter().filter(|set| !is_shown(set)).collect();
        assert!(missing.is_empty(), "{}: {missing:?}", plan.name(place));
        let own = own(plan, scenario.seed, place);
        assert!(own.is_empty() == (plan.name(place) == "storage"), "{}", plan.name(place));
        sets += labels.len();
    }
    assert!(sets > 300, "{sets}");
}

const FAULTS: &str = "
faults:
  - {fault: G7, at: 2m, for: 10m, severity: 1, place: train-1/3}
  - {fault: N1, at: 14m, for: 5m, severity: 1, place: train-0/port-2}
";

#[test]
fn logs_tell_what_happened_with_its_time() {
    let (_, mut simulation) = everything(FAULTS);
    let mut lines: Vec<LogLine> = Vec::new();
    for _ in 0..1200 {
        simulation.advance();
        simulation.take_log_lines(&mut lines);
    }
    let of = |file: &str| -> Vec<&LogLine> {
        lines.iter().filter(|line| simulation.logs()[line.log].file() == file).collect()
    };
    let kernel = of("kernel-train-1.log");
    assert!(kernel.iter().any(|line| {
        line.text.contains("train-1 kernel: NVRM: Xid (PCI:0000:61:00): 79, ")
            && (120.0..122.0).contains(&line.seconds)
    }));
    let port = of("kernel-train-0.log");
    assert!(port.iter().any(|line| line.text.contains(" ib2: Link down") && line.seconds >= 840.0));
    let job = of("training-pretrain.log");
    let said = |what: &str| job.iter().filter(|line| line.text.contains(what)).count();
    assert!(said("| lm loss: ") > 20, "{}", job.len());
    assert!(said("using world size: 16, data-parallel size: ") >= 2, "it starts again");
    assert!(said("torch.AcceleratorError: CUDA error") >= 1);
    for lines in [kernel, port, job] {
        assert!(lines.windows(2).all(|pair| pair[0].seconds <= pair[1].seconds + 1.0));
    }
    // A calm host writes nothing.
    assert!(of("kernel-serve-0.log").is_empty());
}

#[test]
fn workers_say_that_they_wait_where_nobody_asks_and_where_the_engine_hangs() {
    let waits = |engine: &str, fault: &str| -> Vec<f64> {
        let text = format!(
            "
scenario: waits
seed: 3
start: 1772445600
duration: 15m
fleet:
  hosts:
    - {{name: serve, gpu: H100}}
  services:
    - {{name: chat, hosts: serve, replicas: 3, gpus: 2, load: 0.4, engine: {engine}}}
faults:
  - {{{fault}, at: 4m, for: 8m, severity: 1, place: chat/1}}
"
        );
        let scenario = Scenario::read("waits.yaml", &text).unwrap();
        let mut simulation = Simulation::new(&scenario, scenario.plan().unwrap());
        let mut lines: Vec<LogLine> = Vec::new();
        for _ in 0..900 {
            simulation.advance();
            simulation.take_log_lines(&mut lines);
        }
        let file = |line: &LogLine| simulation.logs()[line.log].file();
        for line in lines.iter().filter(|line| file(line) == "engine-chat-1.log") {
            assert!(line.text.contains(" chat-1 vllm: INFO "), "{}", line.text);
        }
        assert!(lines.iter().all(|line| file(line) == "engine-chat-1.log"));
        lines.iter().map(|line| line.seconds).collect()
    };
    for fault in ["fault: L9", "fault: E1"] {
        let waits = waits("vllm", fault);
        // Once a minute as long as it lasts, and after a while at the soonest.
        assert!((5..=8).contains(&waits.len()), "{fault}: {waits:?}");
        assert!(waits[0] >= 300.0 && waits.windows(2).all(|pair| pair[1] - pair[0] == 60.0));
    }
    let drained = "dial: replica.routing_weight, value: 0";
    assert!(!waits("vllm", drained).is_empty() && waits("sglang", drained).is_empty());
}

//! Pages: schema and values agree, names are those that auscult knows.

use auscult_knowledge::Knowledge;
use auscult_simulate::conditions::ReplicaConditions;
use auscult_simulate::exporter::{replica_page, router, write_replica};
use auscult_simulate::page::{Answer, Kind, Page, Values};
use auscult_simulate::serving::{EngineKind, ReplicaSpec, Role, Service};

use super::run::Run;

fn specs() -> Vec<ReplicaSpec> {
    let mut specs = Vec::new();
    for engine in [EngineKind::Vllm, EngineKind::Sglang] {
        let usual = ReplicaSpec { engine, ..ReplicaSpec::default() };
        specs.push(usual);
        specs.push(ReplicaSpec { drafts: 3, old_names: true, ..usual });
        specs.push(ReplicaSpec { role: Role::Prefill, ..usual });
        specs.push(ReplicaSpec { role: Role::Decode, adapter_slots: 0, ..usual });
    }
    let engine = EngineKind::LlamaCpp;
    specs.push(ReplicaSpec { engine, max_running: 4, ..ReplicaSpec::default() });
    specs
}

fn values(service: &Service, index: usize) -> Vec<Option<f64>> {
    let mut values = Values::default();
    write_replica(&service.replicas()[index], service.start(), &mut values);
    values.iter().collect()
}

/// The value of a series without labels of its own, by its whole name.
fn read(page: &Page, values: &[Option<f64>], name: &str) -> f64 {
    let mut at = 0;
    for family in &page.families {
        for line in &family.lines {
            if format!("{}{}", family.name, line.suffix) == name {
                return values[at].expect("present");
            }
            at += 1;
        }
    }
    panic!("no series `{name}`");
}

#[test]
fn every_page_has_a_value_for_each_series() {
    let mut run = Run::new(specs().len(), 8.0);
    run.spec.replicas = specs();
    (run.warm, run.seconds) = (5, 5);
    let summary = run.run();
    for (index, replica) in summary.service.replicas().iter().enumerate() {
        let page = replica_page(replica.spec(), "replica:8000");
        assert_eq!(page.series(), values(&summary.service, index).len(), "replica {index}");
    }
    let mut values = Values::default();
    let workers: Vec<String> = (0..specs().len()).map(|index| index.to_string()).collect();
    router::write(&summary.service, &mut values);
    assert_eq!(router::page("chat", "router:29000", &workers).series(), values.len());
    values.clear();
    router::write_gateway(&summary.service, &mut values);
    assert_eq!(router::gateway_page("chat", "m", "gateway:80").series(), values.len());
}

/// llama.cpp has a slot for each request, and counts the tokens of an answer when it ends.
#[test]
fn requests_without_a_slot_are_deferred() {
    let mut run = Run::new(1, 8.0);
    let engine = EngineKind::LlamaCpp;
    run.spec.replicas = vec![ReplicaSpec { engine, max_running: 4, ..ReplicaSpec::default() }];
    (run.warm, run.seconds) = (60, 60);
    let service = run.run().service;
    let replica = &service.replicas()[0];
    let page = replica_page(replica.spec(), "replica:8080");
    let values = values(&service, 0);
    let read = |name: &str| read(&page, &values, &format!("llamacpp:{name}"));
    assert_eq!(read("requests_processing"), 4.0);
    assert!(read("requests_deferred") > 50.0, "{}", read("requests_deferred"));
    assert!(read("n_busy_slots_per_decode") <= 4.0);
    let meters = replica.meters();
    let answers = meters.output_length.sum();
    assert!((read("tokens_predicted_total") / answers - 1.0).abs() < 1e-5, "{answers}");
    assert!(read("prompt_tokens_total") > 0.0 && read("n_tokens_max") > 100.0);
}

#[test]
fn engines_show_what_auscult_watches_them_by() {
    let knowledge = Knowledge::embedded();
    let shown: Vec<String> = specs()
        .iter()
        .flat_map(|spec| replica_page(spec, "").families)
        .map(|family| family.name)
        .collect();
    for signal in ["time_to_first_token", "kv_cache_usage", "preemptions", "engine_steps"] {
        let shows = |name: &String| {
            let total = format!("{name}_total");
            let count = format!("{name}_count");
            [name.as_str(), &total, &count].iter().any(|name| {
                knowledge.look_up(name).is_some_and(|known| format!("{known:?}").contains(signal))
            })
        };
        assert!(shown.iter().any(shows), "{signal}");
    }
}

/// Names, kinds and labels of vLLM 0.32, as its Python client prints them.
const VLLM: &str = include_str!("../../../telemetry/tests/expositions/vllm.txt");

#[test]
fn names_kinds_and_labels_are_those_of_the_real_server() {
    let kind =
        |name: &str| VLLM.lines().find_map(|line| line.strip_prefix(&format!("# TYPE {name} ")));
    let labels = |name: &str| -> Vec<&str> {
        let line = VLLM.lines().find(|line| line.starts_with(&format!("{name}{{")));
        let inside = line.and_then(|line| line.split(['{', '}']).nth(1)).unwrap_or_default();
        let mut labels: Vec<&str> =
            inside.split(',').filter_map(|label| label.split('=').next()).collect();
        labels.sort_unstable();
        labels
    };
    let mut compared = 0;
    for role in [Role::Both, Role::Decode] {
        let spec = ReplicaSpec { drafts: 2, role, ..ReplicaSpec::default() };
        for family in replica_page(&spec, "replica:8000").families {
            let suffix = if family.kind == Kind::Counter { "_total" } else { "" };
            let name = format!("{}{suffix}", family.name);
            let expected = match family.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                _ => "histogram",
            };
            assert_eq!(kind(&name), Some(expected), "{name}");
            // Settings are told by labels whose number grows with every release.
            if name == "vllm:cache_config_info" || !name.starts_with("vllm:") {
                continue;
            }
            let line = &family.lines[0];
            let mut own: Vec<&str> = line.labels.iter().map(|(label, _)| label.as_str()).collect();
            own.sort_unstable();
            assert_eq!(own, labels(&format!("{}{}", family.name, line.suffix)), "{name}");
            compared += 1;
        }
    }
    assert!(compared > 60, "{compared}");
}

#[test]
fn old_names_count_the_cache_in_blocks() {
    let mut run = Run::new(1, 4.0);
    run.spec.replicas[0].old_names = true;
    run.seconds = 30;
    let summary = run.run();
    let page = replica_page(&run.spec.replicas[0], "replica:8000");
    let shown = values(&summary.service, 0);
    let meters = summary.service.replicas()[0].meters();
    assert!(meters.hits > 1000);
    let hits = read(&page, &shown, "vllm:gpu_prefix_cache_hits_total");
    assert_eq!(hits, (meters.hits / 16) as f64);
    assert!(page.families.iter().all(|family| family.name != "vllm:prefix_cache_hits"));
}

#[test]
fn counters_begin_anew_with_the_process_and_the_page_is_away_meanwhile() {
    let mut run = Run::new(2, 6.0);
    run.replicas[0].restarted = 1.0;
    run.seconds = 150;
    let page = replica_page(&run.spec.replicas[0], "replica:8000");
    let (mut answers, mut starts, mut tokens) = (Vec::new(), Vec::new(), Vec::new());
    let summary = run.run_with(|_, service| {
        answers.push(service.replica_mut(0).scrape());
        let values = values(service, 0);
        starts.push(read(&page, &values, "process_start_time_seconds"));
        tokens.push(read(&page, &values, "vllm:generation_tokens_total"));
    });
    assert!(answers.contains(&Answer::Refused));
    assert!(matches!(answers.last(), Some(Answer::Page(_))), "{:?}", answers.last());
    assert!(starts.last() > starts.first());
    let before = summary.before[0].generation_tokens as f64;
    assert!(before > 0.0 && tokens.iter().any(|tokens| *tokens < before));
}

#[test]
fn a_frozen_exporter_shows_what_it_showed_and_a_doubled_one_counts_twice() {
    let mut run = Run::new(3, 9.0);
    run.replicas[0].frozen_exporter = 1.0;
    run.replicas[1].double_counting = 1.0;
    run.replicas[2].failing_exporter = 0.5;
    run.seconds = 60;
    let page = replica_page(&run.spec.replicas[0], "replica:8000");
    let (mut frozen, mut failed) = (Vec::new(), 0);
    let mut doubled = Vec::new();
    let summary = run.run_with(|_, service| {
        frozen.push(read(&page, &values(service, 0), "vllm:generation_tokens_total"));
        let shown = values(service, 1);
        let tokens = ["vllm:prompt_tokens_total", "vllm:generation_tokens_total"];
        let sum: f64 = tokens.iter().map(|name| read(&page, &shown, name)).sum();
        doubled.push((sum, read(&page, &shown, "vllm:iteration_tokens_total_sum")));
        failed += u32::from(service.replica_mut(2).scrape() == Answer::Status(500));
    });
    assert!(frozen.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(summary.rate_of(0, |meters| meters.generation_tokens) > 100.0);
    // Law 2 is broken by the one that counts twice.
    let (first, last) = (doubled[0], doubled[doubled.len() - 1]);
    assert!(last.0 - first.0 > 1.5 * (last.1 - first.1));
    assert!((15..45).contains(&failed), "{failed}");
    assert_eq!(ReplicaConditions::default().failing_exporter, 0.0);
}

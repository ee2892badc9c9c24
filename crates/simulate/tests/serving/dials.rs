//! No dial is without effect: each, turned alone, changes what somebody sees.

use auscult_simulate::catalogue::Model;
use auscult_simulate::catalogue::accelerator::H200;
use auscult_simulate::conditions::{ReplicaConditions, ServiceConditions};
use auscult_simulate::exporter::{router, write_replica};
use auscult_simulate::page::{Answer, Values};
use auscult_simulate::quality::Evaluation;
use auscult_simulate::serving::{ReplicaSpec, Role, Service};

use super::run::Run;

/// A pair for prompts and answers, and two mixtures with drafts, with every kind of request.
fn everything() -> Run {
    let mut run = Run::new(4, 14.0);
    let workload = &mut run.spec.workload;
    (workload.adapted, workload.adapters, workload.media, workload.grammars) = (0.2, 8, 0.1, 0.2);
    let model = Model::named("qwen3-30b-a3b").expect("known");
    let mixture =
        ReplicaSpec { model, accelerator: H200, gpus: 2, drafts: 2, ..ReplicaSpec::default() };
    run.spec.replicas[0].role = Role::Prefill;
    run.spec.replicas[1].role = Role::Decode;
    (run.spec.replicas[2], run.spec.replicas[3]) = (mixture, mixture);
    run.spec.replicas.iter_mut().for_each(|replica| replica.max_running = 24);
    // Little room, so that what matters only under pressure matters.
    for conditions in &mut run.replicas {
        (conditions.kv_blocks, conditions.reserved_output) = (0.03, 0.0);
    }
    (run.warm, run.seconds) = (30, 180);
    run
}

/// Everything that anybody sees in a run, as bits.
fn seen(run: &Run) -> Vec<u64> {
    let mut evaluation = Evaluation::new(4, 1);
    let mut bits = Vec::new();
    let show = |service: &mut Service, evaluation: &Evaluation, bits: &mut Vec<u64>| {
        let mut values = Values::default();
        for replica in service.replicas() {
            write_replica(replica, service.start(), &mut values);
        }
        router::write(service, &mut values);
        router::write_gateway(service, &mut values);
        evaluation.write(&mut values);
        bits.extend(values.iter().map(|value| value.map_or(1, f64::to_bits)));
        for index in 0..4 {
            bits.push(u64::from(matches!(service.replica_mut(index).scrape(), Answer::Page(_))));
        }
    };
    run.run_with(|second, service| {
        evaluation.advance(second, service, &run.replicas, &run.service);
        if second % 30 == 29 {
            show(service, &evaluation, &mut bits);
        }
    });
    bits
}

#[test]
fn each_dial_of_a_replica_changes_what_is_seen() {
    let well = seen(&everything());
    for (number, dial) in ReplicaConditions::DIALS.iter().enumerate() {
        let mut run = everything();
        for conditions in &mut run.replicas {
            let by = match dial.name {
                "replica.kv_blocks" => 0.5,
                "replica.crashes_per_hour" => 200.0,
                "replica.leak_bytes" => 1e7,
                _ if dial.healthy == 1.0 => -0.6,
                _ => 0.7,
            };
            conditions.turn(number, by);
        }
        if dial.name == "replica.routing_weight" {
            run.replicas[2].routing_weight = 3.0;
        }
        if ["replica.start_time", "replica.weight_speed"].contains(&dial.name) {
            // What a start takes shows in a start.
            let mut usual = everything();
            usual.replicas[2].restarted = 1.0;
            run.replicas[2].restarted = 1.0;
            assert!(seen(&usual) != seen(&run), "{}", dial.name);
        } else if dial.name == "replica.blocked_health" {
            // Health is asked every few seconds: it shows when steps are long.
            let mut usual = everything();
            usual.service.long_prompts = 0.5;
            run.service.long_prompts = 0.5;
            for run in [&mut usual, &mut run] {
                run.replicas.iter_mut().for_each(|conditions| conditions.step_tokens = 8.0);
            }
            assert!(seen(&usual) != seen(&run), "{}", dial.name);
        } else {
            assert!(well != seen(&run), "{}", dial.name);
        }
    }
}

#[test]
fn each_dial_of_a_service_changes_what_is_seen() {
    let well = seen(&everything());
    for (number, dial) in ServiceConditions::DIALS.iter().enumerate() {
        let mut run = everything();
        match dial.name {
            "service.client_timeout" => run.service.client_timeout = 3.0,
            "service.client_retries" => {
                // Somebody must give up first.
                let mut usual = everything();
                usual.service.client_timeout = 3.0;
                run.service = ServiceConditions { client_retries: 5.0, ..usual.service };
                assert!(seen(&usual) != seen(&run), "{}", dial.name);
            }
            "service.concept_drift" => {
                // Labels are late.
                let mut usual = everything();
                (usual.seconds, usual.spec.workload.rate) = (1000, 2.0);
                run = usual.clone();
                run.service.turn(number, 0.6);
                assert!(seen(&usual) != seen(&run), "{}", dial.name);
            }
            "service.media_bytes" => run.service.media_bytes = 2e11,
            _ => run.service.turn(number, 0.6),
        }
        assert!(well != seen(&run), "{}", dial.name);
    }
}

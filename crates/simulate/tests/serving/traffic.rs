//! Faults of traffic (T1 to T8): what they show, and what tells them from others.

use auscult_simulate::serving::Policy;
use auscult_simulate::workload::Class;

use super::run::{Run, Summary, differs, first_token, similar};

#[test]
fn t1_a_surge_fills_all_replicas_and_changes_no_length() {
    let mut run = Run::new(2, 10.0);
    for replica in &mut run.spec.replicas {
        replica.max_running = 64;
    }
    let well = run.run();
    run.service.arrivals = 4.0;
    let sick = run.run();
    differs(well.clients.sent as f64, sick.clients.sent as f64, 2.5);
    for replica in 0..2 {
        assert!(sick.waiting[replica] > 20.0 && well.waiting[replica] < 1.0);
        assert!(sick.most_running[replica] >= 64.0);
    }
    differs(queue(&well), queue(&sick), 10.0);
    similar(prompt(&well), prompt(&sick), 0.2);
    similar(output(&well), output(&sick), 0.2);
}

#[test]
fn t2_long_prompts_shift_the_lengths_and_not_the_cost_of_a_token() {
    let mut run = Run::new(1, 2.0);
    let well = run.run();
    run.service.long_prompts = 0.2;
    let sick = run.run();
    similar(well.clients.sent as f64, sick.clients.sent as f64, 0.15);
    differs(prompt(&well), prompt(&sick), 2.0);
    differs(well.mean(|meters| &meters.prefill), sick.mean(|meters| &meters.prefill), 2.0);
    differs(well.mean(|meters| &meters.itl), sick.mean(|meters| &meters.itl), 1.3);
    let token = |summary: &Summary| {
        summary.grown(|meters| meters.extend_seconds) / summary.rate(|meters| meters.computed)
    };
    similar(token(&well), token(&sick), 0.4);
}

#[test]
fn t3_long_answers_fill_the_cache_and_leave_first_tokens_alone() {
    let mut run = Run::new(1, 1.5);
    let well = run.run();
    run.service.output_length = 4.0;
    let sick = run.run();
    similar(well.clients.sent as f64, sick.clients.sent as f64, 0.25);
    differs(output(&well), output(&sick), 2.5);
    let length = |summary: &Summary| summary.rate(|meters| meters.finished[1]);
    assert!(length(&sick) > 0.03 && length(&well) < 0.02);
    differs(well.usage[0], sick.usage[0], 2.5);
    differs(e2e(&well), e2e(&sick), 2.5);
    similar(well.mean(|meters| &meters.itl), sick.mean(|meters| &meters.itl), 0.6);
    similar(well.mean(|meters| &meters.ttft), sick.mean(|meters| &meters.ttft), 1.0);
}

#[test]
fn t4_impatient_clients_ask_again_and_nobody_gets_more() {
    let mut run = Run::new(1, 12.0);
    let well = run.run();
    run.service.client_timeout = 4.0;
    run.service.client_retries = 4.0;
    let sick = run.run();
    let aborted = |summary: &Summary| summary.rate(|meters| meters.finished[2]);
    assert!(aborted(&well) == 0.0 && aborted(&sick) > 1.0, "{}", aborted(&sick));
    differs(well.clients.sent as f64, sick.clients.sent as f64, 1.15);
    assert!(sick.clients.answered < well.clients.answered);
    assert!(sick.router().duplicates() > 100);
    assert!(sick.hit_ratio() > well.hit_ratio(), "{} {}", well.hit_ratio(), sick.hit_ratio());
}

/// Clients ask again, as their libraries do, whatever it is that leaves them without an answer.
#[test]
fn clients_that_get_no_answer_ask_again_as_often_as_they_are_set_to() {
    let asked = |retries: u32, timeout: f64| {
        let mut run = Run::new(1, 6.0);
        (run.spec.workload.retries, run.spec.workload.timeout) = (retries, timeout);
        run.replicas[0].hung = 1.0;
        let sick = run.run();
        (sick.clients.sent, sick.clients.gave_up, sick.router().duplicates())
    };
    let (_, gave_up, again) = asked(0, 20.0);
    assert!(gave_up > 100 && again == 0, "{gave_up} {again}");
    let (_, gave_up, again) = asked(2, 20.0);
    assert!(again > 100 && again <= gave_up, "{again} of {gave_up}");
    let (_, gave_up, again) = asked(2, 600.0);
    assert_eq!((gave_up, again), (0, 0), "who waits asks once");
}

#[test]
fn t5_lost_locality_computes_again_what_was_known() {
    let mut run = Run::new(4, 24.0);
    let well = run.run();
    run.service.scattered_sessions = 1.0;
    let routing = run.run();
    run.service.scattered_sessions = 0.0;
    run.service.unique_beginnings = 1.0;
    let template = run.run();
    let computed = |summary: &Summary| summary.rate(|meters| meters.computed);
    for sick in [&routing, &template] {
        differs(sick.hit_ratio(), well.hit_ratio(), 1.25);
        differs(computed(&well), computed(sick), 1.25);
        assert!(sick.mean(|meters| &meters.ttft) > well.mean(|meters| &meters.ttft));
        similar(prompt(&well), prompt(sick), 0.15);
    }
    // A time at the front of the template leaves nothing to be found; the router leaves the system prompt.
    assert!(template.hit_ratio() < 0.02, "{}", template.hit_ratio());
    assert!(routing.hit_ratio() > 0.2, "{}", routing.hit_ratio());
}

#[test]
fn t6_one_replica_is_hot_and_its_peers_are_idle() {
    let mut run = Run::new(4, 20.0);
    run.spec.policy = Policy::LeastLoaded;
    run.replicas[2].routing_weight = 12.0;
    let sick = run.run();
    let workers = sick.router().workers();
    for peer in [0, 1, 3] {
        differs(sick.running[peer], sick.running[2], 4.0);
        differs(sick.usage[peer], sick.usage[2], 3.0);
        differs(workers[peer].sent as f64, workers[2].sent as f64, 1.5);
    }
}

#[test]
fn t7_pictures_keep_the_processors_busy_and_let_the_gpu_wait() {
    let mut run = Run::new(1, 6.0);
    run.spec.replicas[0].frontend_cores = 1.0;
    let well = run.run();
    run.service.media = 0.9;
    let sick = run.run();
    differs(well.residual(), sick.residual(), 8.0);
    let pictures = |summary: &Summary| summary.rate(|meters| meters.media_queries);
    assert!(pictures(&well) == 0.0 && pictures(&sick) > 2.0);
    let host = |summary: &Summary| summary.service.replicas()[0].demand().host;
    assert!(host(&sick).cpu_seconds > host(&well).cpu_seconds);
    assert!(sick.mean(|meters| &meters.queue) < 0.5);
}

#[test]
fn t8_fresh_grammars_delay_only_those_who_have_one() {
    let mut run = Run::new(1, 4.0);
    let well = run.run();
    run.service.grammars = 0.4;
    run.service.fresh_grammars = 0.8;
    let sick = run.run();
    differs(well.deferred[0].max(0.05), sick.deferred[0], 5.0);
    let hits = |summary: &Summary| {
        let asked = summary.rate(|meters| meters.grammars);
        summary.rate(|meters| meters.grammar_hits) / asked
    };
    assert!(hits(&well) > 0.9 && hits(&sick) < 0.4);
    assert!(sick.mean(|meters| &meters.compile) > 0.5);
    differs(first_token(&sick, Class::Chat), first_token(&sick, Class::Structured), 5.0);
    similar(first_token(&well, Class::Chat), first_token(&sick, Class::Chat), 0.5);
}

fn prompt(summary: &Summary) -> f64 {
    summary.mean(|meters| &meters.prompt_length)
}

fn output(summary: &Summary) -> f64 {
    summary.mean(|meters| &meters.output_length)
}

fn queue(summary: &Summary) -> f64 {
    summary.mean(|meters| &meters.queue).max(1e-3)
}

fn e2e(summary: &Summary) -> f64 {
    summary.mean(|meters| &meters.e2e)
}

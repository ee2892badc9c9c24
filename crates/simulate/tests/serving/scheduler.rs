//! Faults of the scheduler (S1 to S8): what they show, and what tells them from others.

use auscult_simulate::conditions::{ReplicaConditions, ServiceConditions};
use auscult_simulate::serving::{EngineKind, ReplicaSpec, Role, Service, Supply};

use super::run::{Run, Summary, differs, similar};

#[test]
fn s1_a_small_cache_holds_back_requests_without_preempting_them() {
    let mut run = Run::new(1, 8.0);
    let well = run.run();
    run.replicas[0].kv_blocks = 0.06;
    run.replicas[0].reserved_output = 0.2;
    let sick = run.run();
    assert!(well.usage[0] < 0.4 && sick.most_usage[0] > 0.8, "{}", sick.most_usage[0]);
    assert!(sick.waiting[0] > 5.0 && well.waiting[0] < 1.0, "{}", sick.waiting[0]);
    assert!(sick.most_running[0] < 100.0);
    assert!(preempted(&sick) < 0.02, "{}", preempted(&sick));
}

#[test]
fn s2_a_cache_that_is_promised_twice_makes_requests_start_over() {
    let mut run = Run::new(1, 8.0);
    let well = run.run();
    run.replicas[0].kv_blocks = 0.06;
    run.service.output_length = 3.0;
    let sick = run.run();
    assert!(well.rate(|meters| meters.preemptions) == 0.0);
    assert!(preempted(&sick) > 0.1, "{}", preempted(&sick));
    assert!(sick.rate(|meters| meters.recomputed) > 100.0);
    assert!(sick.most_usage[0] > 0.97);
    // The same cache with what answers will need reserved makes more tokens.
    run.replicas[0].reserved_output = 0.3;
    let reserved = run.run();
    assert!(preempted(&reserved) < preempted(&sick) / 3.0);
}

#[test]
fn s3_prompts_in_one_piece_stall_answers_while_nobody_waits() {
    let mut run = Run::new(1, 1.5);
    run.service.long_prompts = 0.12;
    let well = run.run();
    run.replicas[0].step_tokens = 8.0;
    let sick = run.run();
    let stalls = |summary: &Summary| summary.share_above(|meters| &meters.itl, 0.5);
    differs(stalls(&well), stalls(&sick), 3.0);
    assert!(stalls(&sick) > 5e-4, "{}", stalls(&sick));
    assert!(sick.waiting[0] < 0.5 && sick.usage[0] < 0.4);
    assert!(sick.rate(|meters| meters.preemptions) == 0.0);
    // SGLang lets prompts go first, so that answers stall even with the usual chunks.
    run.replicas[0].step_tokens = 1.0;
    run.spec.replicas[0].engine = EngineKind::Sglang;
    let first = run.run();
    differs(stalls(&well), first.share_above(|meters| &meters.itl, 0.4), 2.0);
}

#[test]
fn s4_a_cap_binds_while_there_is_room() {
    let mut run = Run::new(1, 8.0);
    let well = run.run();
    run.replicas[0].max_running = 0.05;
    let sick = run.run();
    assert!(well.most_running[0] > 13.0);
    assert_eq!(sick.most_running[0], 13.0);
    assert!(sick.waiting[0] > 10.0 && sick.usage[0] < 0.7);
    assert!(sick.dram[0] < 0.7, "{}", sick.dram[0]);
}

#[test]
fn s5_more_adapters_than_places_make_requests_wait_for_one_another() {
    let mut run = Run::new(1, 4.0);
    run.spec.workload.adapted = 0.8;
    run.spec.workload.adapters = 4;
    let well = run.run();
    run.service.adapters = 12.0;
    let sick = run.run();
    // SGLang #13349: 40 ms became 6.3 s in the median.
    differs(well.mean(|meters| &meters.ttft), sick.mean(|meters| &meters.ttft), 20.0);
    assert!(well.deferred[0] < 0.5 && sick.deferred[0] > 5.0, "{}", sick.deferred[0]);
    assert!(sick.usage[0] < 0.5);
}

#[test]
fn s6_a_cache_that_cannot_match_finds_nothing_from_the_start() {
    let mut run = Run::new(1, 4.0);
    let well = run.run();
    run.replicas[0].cacheable = 0.0;
    run.warm = 0;
    let sick = run.run();
    assert!(well.hit_ratio() > 0.4 && sick.hit_ratio() == 0.0);
    assert!(sick.rate(|meters| meters.queries) > 0.0);
    // vLLM #54607: no prefix that is shared fills a block of 784 tokens.
    run.replicas[0].cacheable = 1.0;
    run.spec.workload.turns = 1.0;
    let small = run.run().hit_ratio();
    run.spec.replicas[0].block = 784;
    let large = run.run().hit_ratio();
    assert!(large < 0.6 * small, "{small} {large}");
}

/// A replica for prompts and one for answers.
pub(crate) fn pair(rate: f64) -> Run {
    let mut run = Run::new(2, rate);
    run.spec.replicas[0] = ReplicaSpec { role: Role::Prefill, ..ReplicaSpec::default() };
    run.spec.replicas[1] = ReplicaSpec { role: Role::Decode, ..ReplicaSpec::default() };
    run
}

#[test]
fn s7_hand_overs_that_fail_hold_the_cache_here_and_idle_the_gpu_there() {
    let mut run = pair(6.0);
    let well = run.run();
    assert!(well.rate_of(1, |meters| meters.finished[0]) > 4.0);
    run.replicas[0].failed_transfers = 0.7;
    let sick = run.run();
    assert!(sick.rate_of(1, |meters| meters.transfer_failed) > 1.0);
    assert!(sick.rate_of(0, |meters| meters.expired) > 1.0);
    assert!(sick.deferred[1] > 20.0 && well.deferred[1] < 1.0, "{}", sick.deferred[1]);
    differs(well.usage[0].max(0.01), sick.usage[0], 5.0);
    // Slow links: caches wait here to be fetched, requests wait there, and the GPU there has less to do.
    run.replicas[0].failed_transfers = 0.0;
    run.replicas[0].transfer_speed = 0.02;
    let slow = run.run();
    let transfer = |summary: &Summary| summary.mean_of(1, |meters| &meters.transfer);
    differs(transfer(&well), transfer(&slow), 20.0);
    differs(well.usage[0].max(0.01), slow.usage[0], 5.0);
    assert!(slow.deferred[1] > 20.0, "{}", slow.deferred[1]);
    assert!(slow.dram[1] < well.dram[1], "{} {}", slow.dram[1], well.dram[1]);
}

#[test]
fn s8_a_collapse_outlives_the_load_that_caused_it_and_a_restart_cures_it() {
    let run = Run::new(1, 10.0);
    let supply = vec![Supply::default()];
    let tokens = |collapses: f64, restarted: bool| {
        let mut service = Service::new(&run.spec, run.seed);
        let mut conditions = vec![ReplicaConditions { collapses, ..ReplicaConditions::default() }];
        let mut made = 0;
        for second in 0..400 {
            // Pressure on the cache from second 100 on, for a minute.
            conditions[0].kv_blocks = if (100..160).contains(&second) { 0.04 } else { 1.0 };
            if restarted && second == 180 {
                conditions[0].restarted = 1.0;
            }
            service.advance(second, &supply, &conditions, &ServiceConditions::default());
            if second == 319 {
                made = service.replicas()[0].meters().generation_tokens;
            }
        }
        (service.replicas()[0].meters().generation_tokens - made) as f64 / 80.0
    };
    let (well, collapsed, restarted) = (tokens(0.0, false), tokens(1.0, false), tokens(1.0, true));
    differs(collapsed, well, 3.0);
    similar(well, restarted, 0.5);
}

#[test]
fn s8_who_is_thrown_out_once_comes_back_unless_the_scheduler_collapses() {
    let mut run = Run::new(1, 10.0);
    let well = run.run();
    run.replicas[0].retracted = 0.5;
    let once = run.run();
    assert!(well.rate(|meters| meters.preemptions) == 0.0);
    let thrown_out = once.rate(|meters| meters.preemptions) * once.seconds;
    assert!(thrown_out >= 1.0 && thrown_out <= once.most_running[0], "{thrown_out}");
    similar(well.rate(|meters| meters.generation_tokens), once.rate(|m| m.generation_tokens), 0.1);
    run.replicas[0].collapses = 1.0;
    let collapsed = run.run();
    differs(collapsed.rate(|m| m.generation_tokens), well.rate(|m| m.generation_tokens), 3.0);
    assert!(collapsed.waiting[0] > 50.0 && collapsed.usage[0] < well.usage[0]);
}

#[test]
fn l1_a_cache_that_the_fullest_moment_nearly_fills_makes_nobody_wait() {
    let mut run = Run::new(1, 8.0);
    (run.warm, run.seconds) = (900, 900);
    // Prompts that seldom go on from others, for which a prefix cache does little.
    run.spec.workload.turns = 1.2;
    let well = run.run();
    run.replicas[0].kv_peak = 0.9;
    let full = run.run();
    assert!(well.most_usage[0] < 0.6 && full.most_usage[0] > 0.7, "{}", full.most_usage[0]);
    assert!(full.waiting[0] < well.waiting[0] + 0.5, "{} {}", well.waiting[0], full.waiting[0]);
    assert!(preempted(&full) < 0.01, "{}", preempted(&full));
    // One that its mean fills does.
    run.replicas[0] = ReplicaConditions { kv_need: 1.2, ..ReplicaConditions::default() };
    let small = run.run();
    assert!(small.waiting[0] > 10.0 && preempted(&small) > 0.05, "{}", small.waiting[0]);
}

fn preempted(summary: &Summary) -> f64 {
    let ended = summary.rate(|meters| meters.finished[0] + meters.finished[1]);
    summary.rate(|meters| meters.preemptions) / ended
}

/// What a cache remembers of others, or of more than a request shares, never keeps out one that fits in it.
#[test]
fn nobody_waits_for_room_while_nothing_runs() {
    for seed in 0..6 {
        let mut run = Run::new(1, 1.0);
        run.seed = seed;
        // Some 3,000 tokens.
        run.replicas[0].kv_blocks = 3.0e3 / 16.0 / 30_000.0;
        run.replicas[0].restarted = 1.0;
        run.seconds = 600;
        let mut idle = 0;
        run.run_with(|_, service| {
            let now = &service.replicas()[0].counted().now;
            let stands = now.running == 0.0 && now.waiting > 0.0;
            idle = if stands { idle + 1 } else { 0 };
            assert!(idle < 5, "seed {seed}: {} wait for a replica with nothing to do", now.waiting);
        });
    }
}

//! Faults of the engine (E1 to E11): what they show, and what tells them from others. E12 is with the pages.

use auscult_simulate::catalogue::Model;
use auscult_simulate::catalogue::accelerator::H200;
use auscult_simulate::conditions::{ReplicaConditions, ServiceConditions};
use auscult_simulate::page::Answer;
use auscult_simulate::serving::{ReplicaSpec, Service, Supply};
use auscult_simulate::supply::Kill;

use super::run::{Run, Summary, differs, similar};
use super::scheduler::pair;

#[test]
fn e1_a_hung_engine_looks_well_and_makes_no_steps() {
    let mut run = Run::new(2, 10.0);
    run.replicas[0].hung = 1.0;
    run.service.client_timeout = 20.0;
    let mut health = Vec::new();
    let sick = run.run_with(|second, service| {
        health.push(service.replicas()[0].health((second + 1) as f64));
    });
    assert_eq!(sick.rate_of(0, |meters| meters.steps), 0.0);
    assert_eq!(sick.rate_of(0, |meters| meters.generation_tokens), 0.0);
    assert!(sick.running[0] > 0.0);
    assert!(health.iter().all(|answer| matches!(answer, Answer::Page(wait) if *wait < 0.1)));
    assert!(sick.active[0] > 0.99 && sick.tensor[0] == 0.0 && sick.dram[0] == 0.0);
    assert!(sick.clients.gave_up > 200 && sick.rate_of(1, |meters| meters.steps) > 10.0);
}

#[test]
fn e1_a_stopped_process_answers_nobody_and_takes_no_processor() {
    let mut run = Run::new(2, 10.0);
    run.replicas[0].stopped = 1.0;
    run.service.client_timeout = 20.0;
    let (mut answers, mut cpu) = (Vec::new(), Vec::new());
    let sick = run.run_with(|second, service| {
        let replica = &service.replicas()[0];
        answers.push(replica.health((second + 1) as f64));
        cpu.push(replica.cpu_seconds());
        let other = &service.replicas()[1];
        assert!(matches!(other.health((second + 1) as f64), Answer::Page(_)));
    });
    assert!(answers.iter().all(|answer| *answer == Answer::Hangs));
    assert_eq!(cpu.first(), cpu.last());
    assert_eq!(sick.rate_of(0, |meters| meters.steps), 0.0);
    assert!(sick.running[0] > 0.0 && sick.active[0] == 0.0);
    assert!(sick.clients.gave_up > 20 && sick.rate_of(1, |meters| meters.steps) > 10.0);
}

#[test]
fn e2_a_busy_engine_fails_its_health_checks_while_it_steps() {
    let mut run = Run::new(1, 3.0);
    run.service.long_prompts = 0.8;
    run.replicas[0].step_tokens = 8.0;
    run.replicas[0].blocked_health = 1.0;
    let sick = run.run();
    assert!(sick.router().workers()[0].probes_failed > 3);
    assert!(sick.router().workers()[0].ejections > 0);
    assert!(sick.steps() > 1.0);
    run.replicas[0].blocked_health = 0.0;
    assert_eq!(run.run().router().workers()[0].probes_failed, 0);
}

#[test]
fn e3_a_crash_is_told_by_the_start_of_the_process() {
    let mut run = Run::new(2, 8.0);
    run.replicas[0].crashes_per_hour = 120.0;
    let (mut refused, mut started) = (0, Vec::new());
    let sick = run.run_with(|_, service| {
        refused += u32::from(service.replica_mut(0).scrape() == Answer::Refused);
        started.push(service.replicas()[0].process().started());
    });
    assert!(refused > 20);
    assert!(started.last() > started.first());
    assert_eq!(sick.service.replicas()[0].process().last_exit(), Some(Kill::Crash));
    assert!(sick.clients.failed > 0);
    assert_eq!(sick.service.replicas()[1].process().exits(), 0);
}

#[test]
fn e4_a_picture_too_large_for_the_rest_of_the_memory_ends_the_process() {
    let mut run = Run::new(1, 3.0);
    run.service.media = 0.5;
    assert_eq!(run.run().service.replicas()[0].process().exits(), 0);
    run.service.media_bytes = 9e9;
    let mut most: f64 = 0.0;
    let sick = run.run_with(|_, service| {
        most = most.max(service.replicas()[0].demand().busiest.memory_bytes);
    });
    assert!(sick.service.replicas()[0].process().exits() > 0);
    assert!(most > 0.95 * run.spec.replicas[0].accelerator.memory_bytes);
    assert!(sick.most_usage[0] < 0.8);
}

#[test]
fn e5_memory_grows_with_requests_until_the_kernel_ends_it() {
    let mut run = Run::new(1, 6.0);
    run.replicas[0].leak_bytes = 6e7;
    let mut memory = Vec::new();
    let sick = run.run_with(|_, service| memory.push(service.replicas()[0].memory_bytes()));
    assert_eq!(sick.service.replicas()[0].process().last_exit(), Some(Kill::OutOfMemory));
    let first = memory[..60].windows(2).map(|pair| pair[1] - pair[0]).sum::<f64>();
    // Six requests a second leave 60 MB each.
    assert!((first / (59.0 * 6.0 * 6e7) - 1.0).abs() < 0.25, "{first}");
    // What leaks does not leave when the load does.
    run.replicas[0].leak_bytes = 2e7;
    run.service.arrivals = 0.0;
    let mut idle = Vec::new();
    run.run_with(|_, service| idle.push(service.replicas()[0].memory_bytes()));
    assert!(idle.last() >= idle.first());
}

#[test]
fn e6_too_few_processors_starve_the_engine() {
    let mut run = Run::new(1, 6.0);
    let well = run.run();
    run.replicas[0].frontend_cores = 0.02;
    run.service.client_timeout = 60.0;
    let sick = run.run();
    differs(well.residual(), sick.residual(), 20.0);
    assert!(sick.mean(|meters| &meters.queue) < 0.1);
    assert!(sick.active[0] < well.active[0]);
    assert!(sick.waiting[0] < 1.0);
}

#[test]
fn e7_a_slow_host_makes_steps_long_and_leaves_the_memory_idle() {
    let mut run = Run::new(1, 2.0);
    let well = run.run();
    run.replicas[0].step_overhead = 18.0;
    let sick = run.run();
    differs(well.mean(|meters| &meters.itl), sick.mean(|meters| &meters.itl), 2.0);
    differs(sick.dram[0], well.dram[0], 1.6);
    assert!(sick.active[0] < 0.6, "{}", sick.active[0]);
    assert!(well.rate(|meters| meters.eager_passes) == 0.0);
    assert!(sick.rate(|meters| meters.eager_passes) > 10.0);
    similar(well.residual(), sick.residual(), 0.3);
}

#[test]
fn e8_guesses_that_miss_cost_time_for_each_token_and_not_for_each_step() {
    let mut run = Run::new(1, 4.0);
    run.spec.replicas[0].drafts = 3;
    let well = run.run();
    run.replicas[0].acceptance = 0.25;
    let sick = run.run();
    let ratio = |summary: &Summary| {
        let accepted = summary.rate(|meters| meters.accepted_tokens() as u64);
        accepted / summary.rate(|meters| meters.draft_tokens)
    };
    differs(ratio(&sick), ratio(&well), 3.0);
    differs(well.mean(|meters| &meters.tpot), sick.mean(|meters| &meters.tpot), 1.6);
    similar(well.mean(|meters| &meters.itl), sick.mean(|meters| &meters.itl), 0.5);
}

#[test]
fn e9_a_cold_start_is_late_by_its_phases() {
    let ready = |start_time: f64, weight_speed: f64| {
        let mut run = Run::new(2, 4.0);
        run.replicas[0].restarted = 1.0;
        run.replicas[0].start_time = start_time;
        run.replicas[0].weight_speed = weight_speed;
        run.seconds = 420;
        let mut first = None;
        let sick = run.run_with(|second, service| {
            let process = service.replicas()[0].process();
            if process.exits() > 0 && process.serving() && first.is_none() {
                first = Some(second - 150);
            }
        });
        (first.expect("it serves again"), sick.service.replicas()[0].process().phases())
    };
    let (usual, slow, disk) = (ready(1.0, 1.0), ready(3.0, 1.0), ready(1.0, 0.08));
    assert!(slow.0 > usual.0 + 80, "{usual:?} {slow:?}");
    differs(usual.1[2], slow.1[2], 2.9);
    assert!(disk.0 > usual.0 + 60, "{usual:?} {disk:?}");
    differs(usual.1[1], disk.1[1], 10.0);
    similar(usual.1[2], disk.1[2], 0.01);
}

#[test]
fn e9_a_replica_that_is_added_helps_only_when_it_is_there() {
    let run = Run::new(1, 14.0);
    let wait = |slowness: f64| {
        let mut service = Service::new(&run.spec, run.seed);
        let asked = ServiceConditions { arrivals: 1.6, ..ServiceConditions::default() };
        let (mut first, mut waits) = (None, 0.0);
        for second in 0..500 {
            if second == 60 {
                service.scale_out(run.spec.replicas[0], second, slowness);
            }
            let count = service.replicas().len();
            let (supply, conditions) =
                (vec![Supply::default(); count], vec![ReplicaConditions::default(); count]);
            service.advance(second, &supply, &conditions, &asked);
            if count == 2 && service.router().workers()[1].sent > 0 && first.is_none() {
                first = Some(second);
            }
            waits += service.replicas()[0].meters().now.waiting / 500.0;
        }
        (first.expect("it serves"), waits)
    };
    let (usual, slow) = (wait(1.0), wait(4.0));
    // Importing 15 s, weights 8 s, compiling 28 s, graphs 24 s.
    assert!((130..150).contains(&usual.0) && slow.0 > usual.0 + 120, "{usual:?} {slow:?}");
    assert!(slow.1 > 1.3 * usual.1, "{usual:?} {slow:?}");
}

#[test]
fn after_a_start_steps_pause_now_and_then_for_less_than_a_hang() {
    let mut run = Run::new(1, 3.0);
    run.replicas[0].restarted = 1.0;
    run.seconds = 500;
    let (mut still, mut runs, mut last) = (0, Vec::new(), 0);
    run.run_with(|second, service| {
        let replica = &service.replicas()[0];
        let steps = replica.counted().steps;
        if replica.process().exits() == 1 && replica.process().serving() {
            still =
                if steps == last && replica.counted().now.running > 0.0 { still + 1 } else { 0 };
            runs.push((second, still));
        }
        last = steps;
    });
    let longest = runs.iter().map(|(_, still)| *still).max().expect("it serves again");
    assert!((1..10).contains(&longest), "{longest}");
    let calm = runs.iter().filter(|(second, _)| *second > 450);
    assert!(calm.map(|(_, still)| *still).max() == Some(0));
}

#[test]
fn e10_stale_caches_are_told_by_nothing_but_the_answers() {
    // Of a pair one sends caches and the other fetches them: either can damage them.
    for damages in 0..2 {
        let mut run = pair(5.0);
        let well = run.run();
        run.replicas[damages].stale_transfers = 0.3;
        let sick = run.run();
        assert_eq!(well.clients.stale, 0);
        let share = sick.clients.stale as f64 / sick.clients.answered as f64;
        assert!((share - 0.3).abs() < 0.06, "{damages}: {share}");
        assert_eq!(sick.clients.failed, 0);
        similar(well.mean(|meters| &meters.e2e), sick.mean(|meters| &meters.e2e), 0.01);
    }
}

#[test]
fn e11_uneven_experts_slow_all_and_idle_most() {
    let mut run = Run::new(1, 2.0);
    let model = Model::named("deepseek-v3").expect("known");
    run.spec.replicas[0] =
        ReplicaSpec { model, accelerator: H200, gpus: 8, ..ReplicaSpec::default() };
    let well = run.run();
    run.replicas[0].expert_skew = 0.25;
    let sick = run.run();
    differs(well.mean(|meters| &meters.itl), sick.mean(|meters| &meters.itl), 1.3);
    let replica = &sick.service.replicas()[0];
    assert!(replica.gpu_demand(1).tensor < 0.75 * replica.gpu_demand(0).tensor);
    assert!(sick.after[0].now.balance < 0.6 && well.after[0].now.balance == 1.0);
}

#[test]
fn memory_that_others_hold_keeps_a_replica_from_starting() {
    let mut run = Run::new(2, 4.0);
    run.replicas[0].restarted = 1.0;
    run.supply[0].gpu.taken_bytes = 7e10;
    run.seconds = 500;
    let sick = run.run();
    let process = sick.service.replicas()[0].process();
    assert!(process.exits() > 2 && !process.serving(), "{}", process.exits());
    assert!(sick.service.replicas()[1].process().serving());
}

#[test]
fn an_error_of_the_gpu_ends_the_process_and_a_lost_one_keeps_it_down() {
    let mut run = Run::new(2, 4.0);
    run.supply[0].gpu.alive = false;
    let lost = run.run();
    assert_eq!(lost.service.replicas()[0].process().last_exit(), Some(Kill::GpuLost));
    assert_eq!(lost.active[0], 0.0);
    assert_eq!(lost.service.replicas()[0].process().exits(), 1);
    run.supply[0].gpu.alive = true;
    run.supply[0].gpu.kill = Some(Kill::GpuError);
    run.seconds = 1;
    let killed = run.run();
    assert_eq!(killed.service.replicas()[0].process().last_exit(), Some(Kill::GpuError));
}

#[test]
fn slow_links_slow_a_group_and_not_a_single_gpu() {
    let prefill = |name: &str, gpus: u32, nvlink: f64| {
        let mut run = Run::new(1, 2.0);
        let model = Model::named(name).expect("known");
        run.spec.replicas[0] = ReplicaSpec { model, gpus, ..ReplicaSpec::default() };
        run.supply[0].gpu.nvlink = nvlink;
        run.run().mean(|meters| &meters.prefill)
    };
    differs(prefill("llama-3.3-70b", 4, 1.0), prefill("llama-3.3-70b", 4, 0.1), 1.4);
    similar(prefill("llama-3.1-8b", 1, 1.0), prefill("llama-3.1-8b", 1, 0.1), 1e-9);
}

#[test]
fn an_engine_that_no_longer_hangs_goes_on() {
    let run = Run::new(1, 6.0);
    let mut service = Service::new(&run.spec, run.seed);
    let supply = vec![Supply::default()];
    let asked = ServiceConditions { client_timeout: 15.0, ..ServiceConditions::default() };
    let mut conditions = vec![ReplicaConditions::default()];
    let mut gave_up = 0;
    for second in 0..200 {
        conditions[0].hung = f64::from(u8::from((60..120).contains(&second)));
        service.advance(second, &supply, &conditions, &asked);
        if second >= 120 {
            gave_up += service.clients().gave_up;
        }
    }
    let now = &service.replicas()[0].meters().now;
    assert!(now.running > 0.0 && now.running < 60.0 && now.waiting < 5.0, "{now:?}");
    assert!(gave_up < 200, "{gave_up}");
}

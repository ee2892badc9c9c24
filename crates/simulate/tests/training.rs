//! Training jobs: laws that hold while all is well, and every fault of the section "Training".

use auscult_simulate::conditions::GpuConditions;
use auscult_simulate::exporter::TrainingExporter;
use auscult_simulate::page::{Kind, Values};
use auscult_simulate::supply::{GpuSupply, HostSupply};
use auscult_simulate::training::{Cause, Flight, Job, JobDemand, JobSettings, What, best_interval};

use crate::exporter::known;
use crate::rig::Rig;

/// Law 12.
#[test]
fn tokens_a_second_times_step_time_is_the_batch() {
    let mut rig = Rig::warm();
    rig.run(200);
    assert!(rig.log.len() > 30);
    let settings = rig.job.settings().clone();
    for step in &rig.log {
        let reading = step.reading;
        let batch = reading.tokens_per_second * reading.step_seconds;
        assert!((batch / settings.batch_tokens - 1.0).abs() < 1e-9);
        let mfu = 6.0 * settings.parameters * reading.tokens_per_second / (16.0 * 989.0e12);
        assert!((reading.mfu / mfu - 1.0).abs() < 1e-9);
    }
    let tokens = rig.log.last().expect("steps").reading.tokens;
    assert_eq!(tokens, rig.reading().step as f64 * settings.batch_tokens);
    assert!((0.36..0.50).contains(&rig.reading().mfu), "{:?}", rig.reading());
}

/// 38 to 43 % of the peak on up to 16,384 H100 (Llama 3, table 4).
#[test]
fn llama_reaches_what_was_published() {
    let settings = JobSettings::llama_405b();
    assert_eq!((settings.ranks(), settings.hosts()), (16_384, 2_048));
    let ranks = vec![Default::default(); settings.ranks()];
    let gpus = vec![GpuSupply { clock: 0.93, ..Default::default() }; settings.ranks()];
    let hosts = vec![HostSupply::default(); settings.hosts()];
    let mut job = Job::new(settings, 1);
    let mut demand = JobDemand::default();
    for second in 0..60 {
        let (from, to) = (f64::from(second) * 5.0, f64::from(second + 1) * 5.0);
        job.advance(from, to, &gpus, &hosts, &Default::default(), &ranks, &mut demand);
    }
    let reading = job.reading();
    assert!(reading.step > 5 && (0.38..0.43).contains(&reading.mfu), "{reading:?}");
}

/// A job on perfect hardware, after two minutes.
fn alone(settings: JobSettings) -> Job {
    let gpus = vec![GpuSupply::default(); settings.ranks()];
    let hosts = vec![HostSupply::default(); settings.hosts()];
    let ranks = vec![Default::default(); settings.ranks()];
    let mut job = Job::new(settings, 1);
    let mut demand = JobDemand::default();
    for second in 0..120 {
        let (from, to) = (f64::from(second), f64::from(second + 1));
        job.advance(from, to, &gpus, &hosts, &Default::default(), &ranks, &mut demand);
    }
    assert!(job.reading().step > 0);
    job
}

/// A ring moves `2 (n − 1) / n` of the gradients through each port (P. Patarasuk and X. Yuan,
/// "Bandwidth optimal all-reduce algorithms", 2009): 16 GB over 16 ports of 50 GB/s in 0.6 s.
#[test]
fn an_exchange_that_nothing_hides_takes_as_long_as_its_bytes() {
    let settings = JobSettings { sharded: false, overlap: 0.0, ..JobSettings::sixteen() };
    let seconds = alone(settings).reading().exchange_seconds;
    assert!((seconds - 0.6).abs() < 1e-9, "{seconds}");
}

/// A pipeline of `p` stages and `m` parts stands still for `(p − 1) / m` of its work (Y. Huang
/// et al., "GPipe", 2019).
#[test]
fn stages_wait_for_the_first_part_and_after_the_last() {
    let settings =
        JobSettings { pipeline: 4, data: 4, micro_batches: 16, ..JobSettings::sixteen() };
    let job = alone(settings);
    let ranks: Vec<_> = (0..16).map(|rank| job.rank(rank)).collect();
    let slowest = ranks.iter().map(|rank| rank.own_seconds).fold(0.0, f64::max);
    let busy = ranks[0].own_seconds + ranks[0].collective_seconds;
    let bubble = job.reading().step_seconds - busy;
    assert!((bubble / slowest - 3.0 / 16.0).abs() < 0.02, "{}", bubble / slowest);
}

/// Law 9: slower by at most the ratio of clocks, and by nearly that when arithmetic bounds.
/// Law 10: the step is its slowest rank's, and that rank waits least.
#[test]
fn g1_one_throttled_gpu_slows_all_and_waits_least() {
    let mut rig = Rig::warm();
    rig.run(100);
    let before = rig.mean_step();
    let before_clock = rig.gpus[5].reading().sm_mhz;
    let watts = rig.mean(100, |rig| rig.gpus[0].reading().watts);
    rig.dials.gpus[5].cooling = 0.2;
    rig.run(600);
    rig.log.clear();
    let ratio = rig.mean(200, |rig| before_clock / rig.gpus[5].reading().sm_mhz);
    let after = rig.mean_step();
    assert!(ratio > 1.15, "{ratio}");
    assert!(after / before < 1.05 * ratio && after / before > 0.75 * ratio, "{after} {before}");
    assert_eq!(rig.waits_least(), 5);
    let ranks = rig.ranks();
    let slowest = ranks.iter().map(|rank| rank.own_seconds).fold(0.0, f64::max);
    assert_eq!(ranks[5].own_seconds, slowest);
    // Own time and waiting add up to the same step on every rank.
    let step = ranks[5].own_seconds + ranks[5].collective_seconds;
    assert!(ranks.iter().all(|r| (r.own_seconds + r.collective_seconds - step).abs() < 1e-9));
    // Peers idle in the collective: they draw less than before.
    assert!(rig.mean(100, |rig| rig.gpus[0].reading().watts) < 0.9 * watts);
}

/// One GPU of sixteen held at its lowest clock cut the throughput to a fifth (J. Zhang, "Impact
/// of GPU Thermal Throttling on LLM Training", Azure ND H100 v5, FSDP): the extreme.
#[test]
fn one_gpu_at_a_fifth_of_its_clock_costs_a_factor_of_five() {
    let mut rig = Rig::warm();
    rig.run(100);
    let before = rig.mean_step();
    rig.dials.gpus[5].clock_limit = 0.2;
    rig.run(100);
    rig.log.clear();
    rig.run(300);
    let slowdown = rig.mean_step() / before;
    assert!((3.5..5.0).contains(&slowdown), "{slowdown}");
}

#[test]
fn g4_a_contained_error_restarts_the_job_and_loses_what_was_not_saved() {
    let mut rig = Rig::warm();
    rig.dials.gpus[3].contained_error = 1.0;
    rig.run(10);
    assert_eq!(rig.happened(|what| *what == What::Failed(Cause::Gpu(3))), 1);
    let lost = rig.reading().lost_steps;
    assert!(lost > 10 && !rig.reading().running && rig.reading().step == 0);
    rig.run(300);
    let reading = rig.reading();
    assert!(reading.running && reading.restarts == 1 && reading.step > 10);
    assert_eq!(rig.job.failures(), [1, 0]);
    assert!(rig.xids.iter().all(|(gpu, _)| *gpu == 3));
}

#[test]
fn g7_a_gpu_that_is_gone_keeps_the_job_down_until_it_is_back() {
    let mut rig = Rig::warm();
    rig.dials.gpus[9].off_bus = 1.0;
    rig.run(600);
    assert!(!rig.reading().running && rig.reading().restarts == 1);
    assert_eq!(rig.job.failures(), [0, 1]);
    rig.dials.gpus[9] = GpuConditions::default();
    rig.run(300);
    assert!(rig.reading().running && rig.reading().heartbeat > 1_100.0);
}

#[test]
fn g9_fewer_links_slow_the_exchange_within_layers() {
    let mut settings = JobSettings::sixteen();
    (settings.tensor, settings.data) = (8, 2);
    let mut rig = Rig::new(settings, 4);
    rig.run(400);
    let before = rig.reading().exchange_seconds;
    rig.dials.gpus[2].nvlinks_down = 0.6;
    rig.run(100);
    assert!(rig.reading().exchange_seconds > 1.4 * before);
    assert_eq!(rig.xids.iter().filter(|(_, xid)| xid.code == 74).count(), 1);
}

#[test]
fn g11_a_gpu_with_few_lanes_slows_the_exchange_of_all() {
    let mut rig = Rig::warm();
    let (before, sequence) = (rig.reading().exchange_seconds, rig.reading().step);
    rig.dials.gpus[4].pcie_lanes = 0.25;
    rig.run(100);
    // It reaches its port over its lanes: 16 GB/s instead of 50.
    let ratio = rig.reading().exchange_seconds / before;
    assert!((2.5..3.5).contains(&ratio) && rig.reading().step > sequence, "{ratio}");
    assert!(rig.gpus[4].reading().pcie_width == 4.0 && rig.gpus[5].reading().pcie_width == 16.0);
    let own: Vec<f64> = rig.ranks().iter().map(|rank| rank.own_seconds).collect();
    assert!(own[4] < 1.1 * own[5], "arithmetic is unaffected");
}

#[test]
fn g14_an_orphan_leaves_no_room_for_the_next_start() {
    let mut rig = Rig::warm();
    rig.dials.gpus[8].orphan_bytes = 4.0e10;
    rig.run(60);
    assert!(rig.reading().running, "what runs has its memory");
    rig.dials.job.restarted = 1.0;
    rig.run(600);
    assert!(rig.happened(|what| *what == What::Failed(Cause::OutOfMemory(8))) > 2);
    assert!(rig.gpus[8].reading().used_mib > 38_000.0);
}

#[test]
fn g12_silent_corruption_spikes_and_does_not_come_out_again() {
    let mut rig = Rig::warm();
    rig.dials.gpus[6].corruption = 0.005;
    rig.run(1_500);
    let reading = rig.reading();
    assert!(reading.other_again > 2 && reading.same_again == 0, "{reading:?}");
    let all = rig.happened(|what| matches!(what, What::OtherAgain(..)));
    let there = rig.happened(|what| matches!(what, What::OtherAgain(_, 6)));
    assert_eq!(all, there, "it moves with the GPU");
    assert!(rig.xids.is_empty() && rig.gpus[6].errors().double_bit == 0);
    let norms = rig.log.iter().map(|step| step.reading.gradient_norm);
    assert!(norms.fold(0.0, f64::max) > 5.0);
}

#[test]
fn h1_a_starved_host_slows_its_ranks_and_so_all() {
    let mut rig = Rig::warm();
    rig.run(100);
    let before = rig.mean_step();
    rig.dials.hosts[1].cpu_quota = 0.1;
    rig.run(60);
    rig.log.clear();
    rig.run(200);
    assert!(rig.mean_step() > 1.1 * before, "{} {before}", rig.mean_step());
    let ranks = rig.ranks();
    assert!(ranks[..8].iter().all(|rank| rank.own_seconds < 0.95 * ranks[8].own_seconds));
    assert!(rig.hosts[1].counters().throttled_seconds > 10.0);
}

#[test]
fn h2_a_lost_host_ends_the_job_without_an_xid() {
    let mut rig = Rig::warm();
    rig.dials.hosts[0].down = 1.0;
    rig.run(300);
    assert!(!rig.reading().running && rig.xids.is_empty());
    assert_eq!(rig.happened(|what| *what == What::Failed(Cause::Host(0))), 1);
    rig.dials.hosts[0].down = 0.0;
    rig.run(300);
    assert!(rig.reading().running && rig.reading().step > 0);
}

#[test]
fn h3_a_skewed_clock_moves_the_heartbeat_and_no_duration() {
    let mut rig = Rig::warm();
    rig.run(100);
    let before = rig.mean_step();
    rig.dials.hosts[0].clock_offset = -30.0;
    rig.run(20);
    rig.log.clear();
    rig.run(100);
    assert!((rig.mean_step() / before - 1.0).abs() < 0.02);
    assert!(rig.reading().heartbeat < 400.0 + 220.0 - 28.0, "{}", rig.reading().heartbeat);
}

#[test]
fn n1_a_short_flap_is_outlived_and_a_dead_link_is_not() {
    let mut rig = Rig::warm();
    rig.dials.ports[0][3].down = 1.0;
    rig.run(8);
    let stood = rig.fabric_bytes();
    rig.run(8);
    assert_eq!(rig.fabric_bytes(), stood, "nothing crosses while it is down");
    rig.dials.ports[0][3].down = 0.0;
    rig.run(60);
    assert_eq!(rig.reading().restarts, 0);
    assert!(rig.reading().heartbeat > 450.0);
    rig.dials.ports[0][3].down = 1.0;
    rig.run(120);
    assert_eq!(rig.happened(|what| *what == What::Failed(Cause::Transport)), 1);
    assert!(rig.hosts[0].ports()[3].counters().ack_timeouts > 10);
}

#[test]
fn n2_congestion_stretches_exchanges_on_all_ranks() {
    let mut rig = Rig::warm();
    rig.run(100);
    let (before, exchange) = (rig.mean_step(), rig.reading().exchange_seconds);
    rig.dials.ports[1][0].path = 0.2;
    rig.run(50);
    rig.log.clear();
    rig.run(200);
    assert!(rig.mean_step() > 1.15 * before, "{} {before}", rig.mean_step());
    assert!(rig.reading().exchange_seconds > 3.0 * exchange);
    let ranks = rig.ranks();
    let own: Vec<f64> = ranks.iter().map(|rank| rank.own_seconds).collect();
    let spread =
        own.iter().fold(0.0_f64, |a, b| a.max(*b)) / own.iter().fold(9e9_f64, |a, b| a.min(*b));
    assert!(spread < 1.05, "no rank is slow by itself: {spread}");
    let counters = rig.hosts[1].ports()[0].counters();
    assert!(counters.transmit_wait > 20 * rig.hosts[1].ports()[1].counters().transmit_wait);
    assert_eq!(counters.symbol_errors, 0);
}

#[test]
fn n4_a_deadlock_stalls_all_and_the_reporter_is_a_victim() {
    let mut rig = Rig::warm();
    rig.dials.ranks[7].deadlock = 1.0;
    rig.run(5);
    let bytes = rig.fabric_bytes();
    rig.run(300);
    assert_eq!(rig.fabric_bytes(), bytes);
    let ranks = rig.ranks();
    let odd: Vec<usize> = (0..16).filter(|rank| ranks[*rank].flight != Flight::Started).collect();
    assert_eq!((odd, ranks[7].flight), (vec![7], Flight::Scheduled));
    // Victims spin: active, without tensor work, near the power of one that waits.
    let spinning = rig.gpus[0].reading();
    assert!(spinning.active > 0.99 && spinning.tensor == 0.0 && spinning.watts < 200.0);
    rig.run(400);
    let watchdog = rig.events.iter().find_map(|event| match event.what {
        What::Failed(Cause::Watchdog(rank)) => Some(rank),
        _ => None,
    });
    assert!(watchdog.is_some_and(|rank| rank != 7));
    assert_eq!(rig.reading().watchdogs, 1);
}

#[test]
fn r6_the_rank_that_is_stuck_is_absent_from_the_last_collective() {
    let mut rig = Rig::warm();
    rig.dials.ranks[4].stuck = 1.0;
    rig.run(5);
    rig.log.clear();
    let bytes = rig.fabric_bytes();
    rig.run(500);
    assert!(rig.log.is_empty(), "the log is silent");
    assert_eq!(rig.fabric_bytes(), bytes);
    let ranks = rig.ranks();
    for (rank, reading) in ranks.iter().enumerate() {
        let stuck = rank == 4;
        assert_eq!(reading.flight, if stuck { Flight::Outside } else { Flight::Started });
        assert_eq!(reading.sequence, ranks[0].sequence - u64::from(stuck));
    }
    assert!(rig.gpus[4].reading().active < 0.01 && rig.gpus[5].reading().active > 0.99);
    rig.dials.ranks[4].stuck = 0.0;
    rig.run(400);
    assert!(rig.reading().running && !rig.log.is_empty(), "and it goes on when let go");
}

#[test]
fn ranks_that_wait_keep_a_processor_busy_or_sleep() {
    let cores = |busy_waiting: bool, stuck: f64| {
        let mut rig = Rig::new(JobSettings { busy_waiting, ..JobSettings::sixteen() }, 1);
        rig.run(200);
        rig.dials.ranks[4].stuck = stuck;
        rig.run(60);
        let before = rig.hosts[0].programs()[0].cpu_seconds;
        rig.run(100);
        (rig.hosts[0].programs()[0].cpu_seconds - before) / 100.0
    };
    let (spins, sleeps) = (cores(true, 0.0), cores(false, 0.0));
    assert!(spins > sleeps && sleeps > 0.6 * spins, "{spins} {sleeps}");
    let (spins, sleeps) = (cores(true, 1.0), cores(false, 1.0));
    assert!(spins > 8.0 && sleeps < 0.1, "{spins} {sleeps}");
}

#[test]
fn d1_saves_on_slow_storage_make_steps_stand_still() {
    let stall = |bandwidth: f64| {
        let mut rig = Rig::warm();
        rig.dials.storage.bandwidth = bandwidth;
        rig.dials.job.checkpoint_interval = 0.05;
        rig.run(1_500);
        assert!(rig.reading().saves > 2, "{:?}", rig.reading());
        (rig.reading().save_seconds, rig.hosts[0].counters().io_waiting)
    };
    let ((usual, _), (slow, waiting)) = (stall(1.0), stall(0.02));
    assert!((6.0..15.0).contains(&usual) && slow > 10.0 * usual, "{usual} {slow}");
    assert!(waiting > 3.0 * slow, "hosts wait for input and output");
}

#[test]
fn d2_on_a_full_disk_saves_fail_and_the_log_stops() {
    let mut rig = Rig::warm();
    rig.dials.hosts[0].disk_fill = 1.5e9;
    rig.dials.job.checkpoint_interval = 0.05;
    rig.run(1_200);
    let lines = rig.log.len();
    let saves = rig.reading().saves;
    rig.log.clear();
    rig.run(600);
    assert!(lines > 100 && rig.log.is_empty());
    assert!(rig.reading().failed_saves > 2 && rig.reading().saves == saves);
    assert!(rig.reading().heartbeat > 2_100.0, "steps go on");
}

#[test]
fn r1_a_bad_batch_spikes_once_and_comes_out_the_same_again() {
    let mut rig = Rig::warm();
    let usual = rig.reading();
    rig.dials.job.bad_batch = 1.0;
    rig.run(1_200);
    let worst = rig.log.iter().map(|step| step.reading.gradient_norm).fold(0.0, f64::max);
    assert!(worst > 200.0, "{worst}");
    let top = rig.log.iter().map(|step| step.reading.loss).fold(0.0, f64::max);
    assert!(top > usual.loss + 1.5);
    let spike = rig.log.iter().position(|step| step.reading.gradient_norm > 100.0);
    let after = &rig.log[spike.expect("a spike") + 45..];
    assert!(after.len() > 100);
    assert!(after.iter().all(|step| step.reading.loss < usual.loss + 0.1), "recovered");
    assert_eq!((rig.reading().same_again, rig.reading().other_again), (1, 0));
}

#[test]
fn r1_too_high_a_learning_rate_makes_the_loss_climb() {
    let mut rig = Rig::warm();
    let usual = rig.reading().loss;
    rig.dials.job.learning_rate = 8.0;
    rig.run(900);
    let reading = rig.reading();
    assert!(reading.loss > usual + 0.25 && reading.gradient_norm > 2.0, "{reading:?}");
    assert!(reading.learning_rate > 1.5e-3);
}

#[test]
fn r2_gradients_that_are_not_numbers_begin_in_one_rank() {
    let mut rig = Rig::warm();
    let scale = rig.reading().loss_scale;
    rig.dials.ranks[10].nan_gradients = 1.0;
    rig.run(60);
    let reading = rig.reading();
    assert!(reading.loss.is_nan() && reading.skipped > 5 && reading.loss_scale < scale / 8.0);
    let first: Vec<usize> = (0..16).filter(|rank| rig.job.rank(*rank).not_a_number > 0).collect();
    assert_eq!(first, [10]);
    assert!(reading.same_again <= 1 + reading.skipped / 10, "not every one is computed again");
    rig.dials.ranks[10].nan_gradients = 0.0;
    rig.run(60);
    assert!(rig.reading().loss.is_finite());
}

#[test]
fn r3_the_straggler_waits_least_and_scores_lowest() {
    let mut rig = Rig::warm();
    rig.run(100);
    let before = rig.mean_step();
    rig.dials.ranks[12].speed = 0.7;
    rig.run(50);
    rig.log.clear();
    rig.run(100);
    assert!(rig.mean_step() > 1.3 * before);
    assert_eq!(rig.waits_least(), 12);
    let ranks = rig.ranks();
    assert!(ranks[12].score < 0.75);
    assert!((0..16).all(|rank| rank == 12 || ranks[rank].score > 0.95));
    let clocks: Vec<f64> = rig.gpus.iter().map(|gpu| gpu.reading().sm_mhz).collect();
    assert!(clocks.iter().all(|clock| *clock >= clocks[12] - 100.0), "its clock is well");
}

#[test]
fn r4_starved_loaders_show_in_data_time_and_gaps_of_power() {
    let mut rig = Rig::warm();
    rig.run(100);
    let (before, exchange) = (rig.mean_step(), rig.reading().exchange_seconds);
    let watts = rig.mean(100, |rig| rig.gpus[0].reading().watts);
    rig.dials.job.loader_speed = 0.25;
    rig.run(60);
    rig.log.clear();
    rig.run(200);
    let reading = rig.reading();
    assert!(rig.mean_step() > 1.4 * before && reading.data_seconds > 0.4 * before);
    assert_eq!(reading.exchange_seconds, exchange, "communication is as it was");
    assert!(rig.mean(100, |rig| rig.gpus[0].reading().active) < 0.75);
    assert!(rig.mean(100, |rig| rig.gpus[0].reading().watts) < 0.85 * watts);
    // The dips come with the fetch, once a step, on all ranks together.
    let idle = |rig: &Rig| f64::from(u8::from(rig.gpus[0].reading().active < 0.2));
    let dips = rig.mean(200, idle);
    assert!((0.1..0.6).contains(&dips), "{dips}");
    let together = |rig: &Rig| rig.gpus[0].reading().active - rig.gpus[15].reading().active;
    assert!(rig.mean(50, |rig| together(rig).abs()) < 0.05);
    let ranks = rig.ranks();
    assert!(ranks.iter().all(|rank| rank.data_seconds > 0.0), "every rank waits");
}

#[test]
fn r5_collections_of_garbage_dip_here_and_there() {
    let mut rig = Rig::warm();
    rig.run(600);
    let slow = |rig: &Rig, over: f64| {
        rig.log.iter().filter(|step| step.reading.step_seconds > over).count() as f64
            / rig.log.len() as f64
    };
    let usual = rig.mean_step();
    assert!(slow(&rig, 1.08 * usual) < 0.02);
    rig.dials.job.garbage_pauses = 1.0;
    rig.run(10);
    rig.log.clear();
    rig.run(1_200);
    let share = slow(&rig, 1.08 * usual);
    assert!((0.15..0.45).contains(&share), "sixteen ranks in turns of fifty steps: {share}");
    rig.dials.job.garbage_pauses = 0.0;
    rig.run(10);
    rig.log.clear();
    rig.run(600);
    assert!(slow(&rig, 1.08 * usual) < 0.02, "gone when they are told to collect together");
}

/// Law 11, J. Young, 1974.
#[test]
fn r7_the_best_interval_between_checkpoints_loses_least() {
    assert!((best_interval(50.0, 10_000.0) - 1_000.0).abs() < 1e-9);
    let lost = |dial: f64| {
        let mut share = 0.0;
        for seed in 0..3 {
            let mut settings = JobSettings::sixteen();
            settings.interruption_seconds = 2.0 * 3600.0;
            (settings.planned_write, settings.replace_seconds) = (1.0e9, 10.0);
            let ranks = vec![
                auscult_simulate::conditions::RankConditions {
                    crashes_per_hour: 0.5 / 16.0,
                    ..Default::default()
                };
                16
            ];
            let conditions = auscult_simulate::conditions::JobConditions {
                checkpoint_interval: dial,
                ..Default::default()
            };
            let gpus = [GpuSupply::default(); 16];
            let hosts = [HostSupply { write_bytes: 1.0e9, ..Default::default() }; 2];
            let mut job = Job::new(settings, seed);
            let mut demand = JobDemand::default();
            for step in 0..15_000 {
                let (from, to) = (f64::from(step) * 10.0, f64::from(step + 1) * 10.0);
                job.advance(from, to, &gpus, &hosts, &conditions, &ranks, &mut demand);
            }
            let reading = job.reading();
            assert!(reading.restarts > 10, "{reading:?}");
            share += 1.0 - reading.effective();
        }
        share / 3.0
    };
    let (often, best, seldom) = (lost(0.2), lost(1.0), lost(5.0));
    assert!(best < often - 0.03 && best < seldom - 0.03, "{often} {best} {seldom}");
}

#[test]
fn r7_a_large_checkpoint_stalls_longer_than_planned() {
    let mut rig = Rig::warm();
    rig.dials.job.checkpoint_interval = 0.05;
    rig.run(900);
    let usual = rig.reading().save_seconds;
    rig.dials.job.checkpoint_size = 6.0;
    rig.run(1_200);
    assert!(rig.reading().save_seconds > 5.0 * usual);
    let interval = rig.reading().save_interval;
    let best = best_interval(rig.reading().save_seconds, 86_400.0);
    assert!(best > 5.0 * interval, "far more often than would be best");
}

#[test]
fn r8_replayed_data_lower_the_loss_until_they_end() {
    let mut rig = Rig::warm();
    rig.dials.job.checkpoint_interval = 0.1;
    rig.run(900);
    let (before, sample) = (rig.reading(), rig.reading().sample);
    rig.log.clear();
    rig.dials.job.replays_data = 1.0;
    rig.dials.job.restarted = 1.0;
    rig.run(1_800);
    assert_eq!(rig.reading().restarts, before.restarts + 1);
    let samples: Vec<u64> = rig.log.iter().map(|step| step.reading.sample).collect();
    assert!(samples[0] < sample / 4, "samples repeat from the front: {}", samples[0]);
    let during = |step: &&auscult_simulate::training::StepRecord| step.reading.sample < sample / 2;
    let mean = |losses: Vec<f64>| losses.iter().sum::<f64>() / losses.len() as f64;
    let replayed = mean(rig.log.iter().filter(during).map(|step| step.reading.loss).collect());
    assert!(replayed < before.loss - 0.08, "{replayed} {}", before.loss);
    let jump = rig
        .log
        .windows(9)
        .map(|nine| nine[8].reading.loss - nine[0].reading.loss)
        .fold(0.0, f64::max);
    assert!(jump > 0.12 && rig.reading().sample > sample, "and a jump where they end: {jump}");
}

#[test]
fn r9_one_slow_node_costs_all_a_few_percent() {
    let mut rig = Rig::warm();
    rig.run(300);
    let mfu =
        |rig: &Rig| rig.log.iter().map(|step| step.reading.mfu).sum::<f64>() / rig.log.len() as f64;
    let before = mfu(&rig);
    rig.dials.gpus[8..16].iter_mut().for_each(|gpu| gpu.compute = 0.93);
    rig.run(20);
    rig.log.clear();
    rig.run(300);
    let decline = 1.0 - mfu(&rig) / before;
    assert!((0.04..0.08).contains(&decline), "{decline}");
    let own = |rank: usize| rig.job.rank(rank).own_seconds;
    assert!((8..16).all(|rank| own(rank) > 1.04 * own(rank - 8)), "a benchmark by node finds it");
    assert!(rig.gpus[8].reading().sm_mhz == rig.gpus[0].reading().sm_mhz);
}

#[test]
fn r10_a_lemon_collects_the_failures() {
    let mut settings = JobSettings::sixteen();
    settings.data = 48;
    let mut rig = Rig::new(settings, 2);
    rig.dials.hosts.iter_mut().for_each(|host| host.failures_per_day = 0.5);
    rig.dials.hosts[5].failures_per_day = 60.0;
    rig.run_by(5_000, 5.0);
    let failures = rig.job.failures();
    let others: u64 = failures.iter().sum::<u64>() - failures[5];
    assert!(failures[5] > 8 && failures[5] > 2 * others, "{failures:?}");
}

#[test]
fn r11_imbalance_follows_the_rank_and_not_the_machine() {
    let mut settings = JobSettings::sixteen();
    (settings.pipeline, settings.data, settings.micro_batches) = (4, 4, 16);
    let mut rig = Rig::new(settings, 5);
    rig.dials.job.imbalance = 0.25;
    rig.run(500);
    let slow: Vec<f64> = rig.ranks().iter().map(|rank| rank.own_seconds).collect();
    assert!((12..16).all(|rank| slow[rank] > 1.2 * slow[rank - 8]), "the last stage: {slow:?}");
    // Machines are swapped: the same ranks are slow.
    rig.gpus.reverse();
    rig.hosts.reverse();
    rig.run(100);
    let swapped: Vec<f64> = rig.ranks().iter().map(|rank| rank.own_seconds).collect();
    assert!((0..16).all(|rank| (swapped[rank] / slow[rank] - 1.0).abs() < 0.05));
    // A GPU that is slow by itself takes its slowness along.
    rig.dials.job.imbalance = 0.0;
    rig.dials.gpus[3].compute = 0.7;
    rig.run(100);
    assert_eq!(rig.waits_least(), 3);
    rig.dials.gpus.reverse();
    rig.run(100);
    assert_eq!(rig.waits_least(), 12);
}

#[test]
fn the_page_has_as_many_values_as_series_and_keeps_them_while_down() {
    let mut rig = Rig::warm();
    let exporter = TrainingExporter::new(1.8e9);
    let page = exporter.page(&["gpu-0", "gpu-1"], &rig.job);
    let mut values = Values::default();
    exporter.write(&mut values, &rig.job);
    assert_eq!(page.series(), values.len());
    for adapter in ["training", "training-rank"] {
        assert_eq!(known(&page, adapter).1, [""; 0]);
    }
    rig.dials.hosts[1].down = 1.0;
    rig.run(100);
    values.clear();
    exporter.write(&mut values, &rig.job);
    assert_eq!(page.series(), values.len());
    let step = values.iter().next().flatten();
    assert_eq!(step, Some(0.0), "back at the last checkpoint");
}

#[test]
fn counters_of_the_page_never_fall_whatever_strikes_the_job() {
    let mut rig = Rig::warm();
    let exporter = TrainingExporter::new(1.8e9);
    let page = exporter.page(&["gpu-0", "gpu-1"], &rig.job);
    let lines =
        |kind| page.families.iter().flat_map(move |f| f.lines.iter().map(move |_| f.kind == kind));
    let counts: Vec<bool> = lines(Kind::Counter).collect();
    let mut before = vec![0.0; counts.len()];
    rig.dials.job.checkpoint_interval = 0.05;
    rig.dials.ranks[3].crashes_per_hour = 20.0;
    rig.dials.gpus[5].corruption = 0.01;
    for _ in 0..200 {
        rig.run(10);
        let mut values = Values::default();
        exporter.write(&mut values, &rig.job);
        let now: Vec<f64> = values.iter().flatten().collect();
        let falls = |place: &usize| counts[*place] && now[*place] < before[*place];
        let fallen: Vec<usize> = (0..now.len()).filter(falls).collect();
        assert!(fallen.is_empty(), "{fallen:?}");
        before = now;
    }
    let reading = rig.reading();
    assert!(reading.restarts > 5 && reading.lost_seconds > 0.0 && reading.other_again > 2);
    assert!((0.2..0.9).contains(&reading.effective()), "{}", reading.effective());
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let once = || {
        let mut rig = Rig::new(JobSettings::sixteen(), 21);
        rig.dials.gpus[1].cooling = 0.3;
        rig.dials.gpus[2].corruption = 0.01;
        rig.dials.hosts[0].neighbour_cores = 80.0;
        rig.dials.ranks[3].crashes_per_hour = 10.0;
        rig.dials.ports[1][1].flaps_per_hour = 50.0;
        rig.run(2_000);
        let losses: Vec<u64> = rig.log.iter().map(|step| step.reading.loss.to_bits()).collect();
        (losses, rig.events, rig.gpus[1].totals().joules.to_bits())
    };
    assert_eq!(once(), once());
}

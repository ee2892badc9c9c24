//! GPUs: heat, power and clocks against published figures, and every fault of the section GPU.

use auscult_simulate::conditions::GpuConditions;
use auscult_simulate::device::{Gpu, Reading, Spec, Xid, reason};
use auscult_simulate::supply::{GpuDemand, GpuSupply, Kill};

/// A steady large matrix product.
const PRODUCT: GpuDemand = GpuDemand {
    active: 1.0,
    tensor: 0.95,
    dram: 0.35,
    memory_bytes: 6.0e10,
    pcie_in_bytes: 0.0,
    pcie_out_bytes: 0.0,
    nvlink_bytes: 0.0,
};
/// A training step, averaged.
const TRAINING: GpuDemand = GpuDemand { tensor: 0.5, dram: 0.45, ..PRODUCT };
/// Decoding: memory busy, tensor pipes nearly idle.
const DECODING: GpuDemand = GpuDemand { tensor: 0.1, dram: 0.75, ..PRODUCT };

fn h100(index: u64) -> Gpu {
    Gpu::new(Spec::named("H100").expect("a known GPU"), 7, index)
}

/// Runs for `seconds`, gives the last supply and every report.
fn run(gpu: &mut Gpu, seconds: usize, demand: &GpuDemand, conditions: &GpuConditions) -> Ran {
    let mut ran = Ran { supply: GpuSupply::default(), xids: Vec::new(), kills: Vec::new() };
    for _ in 0..seconds {
        ran.supply = gpu.advance(1.0, demand, 27.0, conditions);
        ran.kills.extend(ran.supply.kill);
        ran.xids.extend(gpu.take_xids());
    }
    ran
}

struct Ran {
    supply: GpuSupply,
    xids: Vec<Xid>,
    kills: Vec<Kill>,
}

impl Ran {
    fn codes(&self) -> Vec<u16> {
        self.xids.iter().map(|xid| xid.code).collect()
    }
}

fn turned(turn: impl Fn(&mut GpuConditions)) -> GpuConditions {
    let mut conditions = GpuConditions::default();
    turn(&mut conditions);
    conditions
}

/// A large matrix product is bound by the 700 W of an H100's data sheet, at a clock below the
/// 1,980 MHz of its highest; a healthy air-cooled board stays well below the slowdown at 87 °C.
#[test]
fn at_design_power_an_h100_settles_at_its_limit_and_below_its_slowdown() {
    let mut gpu = h100(0);
    run(&mut gpu, 600, &PRODUCT, &GpuConditions::default());
    let reading = *gpu.reading();
    assert!((690.0..=705.0).contains(&reading.watts), "{reading:?}");
    assert!((60.0..75.0).contains(&reading.celsius), "{reading:?}");
    assert!(reading.memory_celsius > reading.celsius, "HBM is the hotter one: {reading:?}");
    // The power limit holds the clock below the highest: routine, bit 0x4 and no other.
    assert_eq!(reading.reasons, reason::POWER_CAP);
    assert!((1_500.0..1_980.0).contains(&reading.sm_mhz), "{reading:?}");
    run(&mut gpu, 600, &GpuDemand::default(), &GpuConditions::default());
    let reading = *gpu.reading();
    assert!((65.0..80.0).contains(&reading.watts) && reading.celsius < 40.0, "{reading:?}");
    assert_eq!((reading.reasons, reading.sm_mhz), (reason::IDLE, 345.0));
}

/// Sixty-four GPUs of one kind under one load differ: a few degrees, a few percent of clock
/// (P. Sinha et al., "Not All GPUs Are Created Equal", SC 2022: 8 % in speed on average, 22 % at most).
#[test]
fn no_two_gpus_are_alike() {
    let readings: Vec<_> = (0..64)
        .map(|index| {
            let mut gpu = h100(index);
            run(&mut gpu, 300, &PRODUCT, &GpuConditions::default());
            *gpu.reading()
        })
        .collect();
    let spread = |read: fn(&Reading) -> f64| {
        let values = || readings.iter().map(read);
        (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max))
    };
    let (slow, fast) = spread(|reading| reading.sm_mhz);
    assert!((1.04..1.2).contains(&(fast / slow)), "{slow} to {fast} MHz");
    let (cool, hot) = spread(|reading| reading.celsius);
    assert!((4.0..18.0).contains(&(hot - cool)) && hot < 85.0, "{cool} to {hot} °C");
    assert!(readings.iter().all(|reading| reading.reasons & !reason::POWER_CAP == 0));
}

/// Generating tokens needs far less power than computing prompts (P. Patel et al., "Splitwise",
/// ISCA 2024).
#[test]
fn decoding_leaves_power_unused_and_a_spinning_collective_more_so() {
    let mut gpu = h100(0);
    run(&mut gpu, 300, &DECODING, &GpuConditions::default());
    assert!((320.0..480.0).contains(&gpu.reading().watts), "{:?}", gpu.reading());
    assert_eq!(gpu.reading().sm_mhz, 1_980.0);
    let spinning = GpuDemand { tensor: 0.0, dram: 0.0, ..PRODUCT };
    run(&mut gpu, 300, &spinning, &GpuConditions::default());
    assert!((90.0..180.0).contains(&gpu.reading().watts), "{:?}", gpu.reading());
    assert_eq!(gpu.reading().active, 1.0);
}

#[test]
fn energy_is_the_integral_of_power_and_memory_adds_up() {
    let mut gpu = h100(0);
    let mut joules = 0.0;
    let mut sums = Vec::new();
    for second in 0..900 {
        let demand = if second % 200 < 100 { TRAINING } else { GpuDemand::default() };
        gpu.advance(1.0, &demand, 27.0, &GpuConditions::default());
        let reading = gpu.reading();
        joules += reading.watts;
        sums.push(reading.used_mib + reading.free_mib + reading.reserved_mib);
    }
    assert!((joules / gpu.totals().joules - 1.0).abs() < 2e-3);
    assert!(sums.iter().all(|sum| *sum == 81_559.0));
}

#[test]
fn longer_steps_end_where_short_ones_do() {
    let (mut fine, mut coarse) = (h100(0), h100(0));
    for _ in 0..600 {
        fine.advance(1.0, &TRAINING, 27.0, &GpuConditions::default());
    }
    for _ in 0..120 {
        coarse.advance(5.0, &TRAINING, 27.0, &GpuConditions::default());
    }
    let (fine, coarse) = (fine.reading(), coarse.reading());
    assert!((fine.celsius - coarse.celsius).abs() < 1.0, "{fine:?} {coarse:?}");
    assert!((fine.watts / coarse.watts - 1.0).abs() < 0.02);
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let once = || {
        let mut gpu = h100(3);
        let conditions = turned(|c| {
            (c.cooling, c.application_faults_per_hour, c.nvlink_errors) = (0.4, 60.0, 3.0);
        });
        let ran = run(&mut gpu, 2_000, &TRAINING, &conditions);
        (*gpu.reading(), *gpu.errors(), gpu.totals().joules.to_bits(), ran.codes())
    };
    assert_eq!(once(), once());
}

#[test]
fn g1_poor_cooling_heats_lowers_the_clock_and_says_why() {
    let (mut sick, mut peer) = (h100(0), h100(1));
    let ran = run(&mut sick, 900, &TRAINING, &turned(|c| c.cooling = 0.25));
    run(&mut peer, 900, &TRAINING, &GpuConditions::default());
    let (sick, peer) = (sick.reading(), peer.reading());
    assert!(sick.celsius > peer.celsius + 12.0, "peers are cooler: {sick:?} {peer:?}");
    assert!(sick.sm_mhz < 0.8 * peer.sm_mhz, "{sick:?} {peer:?}");
    assert!(sick.reasons & (reason::SOFTWARE_THERMAL | reason::HARDWARE_THERMAL) != 0);
    assert!(sick.watts < peer.watts);
    // Law 9: what memory bounds does not feel it.
    assert!(ran.xids.is_empty() && ran.supply.clock < 0.8 && ran.supply.bandwidth == 1.0);
    // Nothing is left to be cooled by: the hardware halves the clock (bits 0x40 and 0x8).
    let mut still = h100(2);
    let mut bits = 0;
    for _ in 0..300 {
        still.advance(1.0, &PRODUCT, 27.0, &turned(|c| c.cooling = 0.1));
        bits |= still.reading().reasons;
    }
    assert_eq!(bits & 0x48, 0x48);
}

#[test]
fn g2_power_limits_hold_the_clock_at_normal_temperature() {
    let (mut capped, mut braked, mut peer) = (h100(0), h100(1), h100(2));
    run(&mut capped, 600, &TRAINING, &turned(|c| c.power_limit = 0.6));
    run(&mut braked, 600, &TRAINING, &turned(|c| c.power_brake = 0.6));
    run(&mut peer, 600, &TRAINING, &GpuConditions::default());
    assert_eq!(capped.reading().reasons, reason::POWER_CAP);
    assert!((capped.reading().watts - 420.0).abs() < 10.0, "{:?}", capped.reading());
    assert_eq!(braked.reading().reasons, reason::POWER_BRAKE | reason::HARDWARE);
    assert!(braked.reading().sm_mhz <= 990.0, "the signal at least halves the clock");
    for gpu in [&capped, &braked] {
        assert!(gpu.reading().sm_mhz < peer.reading().sm_mhz - 100.0);
        assert!(gpu.reading().celsius <= peer.reading().celsius);
    }
}

#[test]
fn g3_a_clock_setting_is_flat_cool_and_has_its_bit() {
    let (mut set, mut peer) = (h100(0), h100(1));
    let conditions = turned(|c| c.clock_limit = 0.6);
    run(&mut peer, 300, &TRAINING, &GpuConditions::default());
    run(&mut set, 300, &TRAINING, &conditions);
    for _ in 0..200 {
        run(&mut set, 1, &TRAINING, &conditions);
        assert_eq!((set.reading().sm_mhz, set.reading().reasons), (1_185.0, reason::SETTING));
    }
    set.restart();
    run(&mut set, 10, &TRAINING, &conditions);
    assert_eq!(set.reading().sm_mhz, 1_185.0, "the same after a reboot");
    assert!(set.totals().joules < 10.0 * 700.0, "which begins the counters anew");
    assert!(set.reading().watts < peer.reading().watts - 50.0);
    assert!(set.reading().celsius < peer.reading().celsius);
}

#[test]
fn g4_a_contained_error_kills_one_process_once() {
    let mut gpu = h100(0);
    let ran = run(&mut gpu, 600, &TRAINING, &turned(|c| c.contained_error = 1.0));
    assert_eq!(ran.kills, [Kill::GpuError]);
    let codes = ran.codes();
    assert_eq!(codes.iter().filter(|code| **code == 94).count(), 1);
    assert!(!codes.contains(&95) && !codes.contains(&48), "{codes:?}");
    assert!(ran.supply.alive && [94, 45].contains(&gpu.errors().last_xid));
    // The gauge never goes back.
    run(&mut gpu, 3_000, &TRAINING, &GpuConditions::default());
    assert_ne!(gpu.errors().last_xid, 0);
}

#[test]
fn g5_uncontained_errors_kill_until_the_reset() {
    let mut gpu = h100(0);
    let conditions = turned(|c| c.uncontained_error = 1.0);
    let ran = run(&mut gpu, 600, &TRAINING, &conditions);
    assert!(ran.kills.len() > 3 && ran.kills.iter().all(|kill| *kill == Kill::GpuLost));
    for code in [48, 95, 140] {
        assert!(ran.codes().contains(&code));
    }
    assert!(gpu.errors().double_bit >= ran.kills.len() as u64);
    let ever = gpu.errors().double_bit_ever;
    run(&mut gpu, 60, &TRAINING, &GpuConditions::default());
    let errors = gpu.errors();
    assert_eq!((errors.double_bit, errors.double_bit_ever, errors.last_xid), (0, ever, 0));
    assert!(errors.remapped_uncorrectable > 0);
}

#[test]
fn g6_remapping_is_harmless_until_no_row_is_left() {
    let (mut benign, mut spent) = (h100(0), h100(1));
    let ran = run(&mut benign, 3_600, &TRAINING, &turned(|c| c.remaps_per_hour = 5.0));
    let rows = benign.errors().remapped_correctable;
    assert!(rows > 0 && ran.codes().iter().all(|code| *code == 63) && ran.kills.is_empty());
    assert!(!benign.errors().remap_failure);
    let ran = run(&mut spent, 60, &TRAINING, &turned(|c| c.no_spare_rows = 1.0));
    assert_eq!((ran.codes(), spent.errors().remap_failure), (vec![64], true));
}

#[test]
fn g7_off_the_bus_it_is_gone_until_the_reboot() {
    let mut gpu = h100(0);
    let conditions = turned(|c| c.off_bus = 1.0);
    let ran = run(&mut gpu, 60, &TRAINING, &conditions);
    assert_eq!((ran.codes(), ran.kills), (vec![79, 154], vec![Kill::GpuLost]));
    assert!(!ran.supply.alive && !gpu.on_bus());
    let ran = run(&mut gpu, 1, &TRAINING, &GpuConditions::default());
    assert!(ran.supply.alive && gpu.on_bus());
    assert_eq!(gpu.errors().last_xid, 0);
}

#[test]
fn g8_a_silent_system_processor_has_no_memory_or_link_errors() {
    let mut gpu = h100(0);
    let ran = run(&mut gpu, 600, &TRAINING, &turned(|c| c.gsp_timeout = 1.0));
    let codes = ran.codes();
    assert_eq!(codes[..2], [119, 154]);
    assert!(codes.iter().all(|code| [45, 119, 120, 154].contains(code)) && codes.len() > 4);
    assert!(gpu.slow() && !ran.supply.alive && ran.kills == [Kill::GpuLost]);
    let errors = gpu.errors();
    assert_eq!((errors.double_bit, errors.nvlink_crc_flit, errors.nvlink_replays), (0, 0, 0));
}

#[test]
fn g9_links_that_fail_count_errors_and_give_less() {
    let mut gpu = h100(0);
    let conditions = turned(|c| (c.nvlinks_down, c.nvlink_errors) = (0.5, 20.0));
    let ran = run(&mut gpu, 300, &TRAINING, &conditions);
    assert_eq!(ran.codes(), [74]);
    assert!(ran.supply.nvlink < 0.5);
    let errors = gpu.errors();
    assert!(errors.nvlink_crc_flit > 5_000 && errors.nvlink_replays > 5_000);
    assert_eq!((errors.nvlink_recoveries, errors.double_bit), (1, 0));
}

#[test]
fn g10_faults_of_the_application_kill_it_and_nothing_else() {
    let mut gpu = h100(0);
    let conditions = turned(|c| c.application_faults_per_hour = 20.0);
    let ran = run(&mut gpu, 3_600, &TRAINING, &conditions);
    assert!(ran.kills.len() > 8 && ran.kills.iter().all(|kill| *kill == Kill::GpuError));
    assert!(ran.codes().iter().all(|code| [13, 31, 45].contains(code)));
    let mut other = h100(40);
    let elsewhere = run(&mut other, 3_600, &TRAINING, &conditions);
    let code = |codes: Vec<u16>| codes.into_iter().find(|code| *code != 45);
    assert_eq!(code(ran.codes()), code(elsewhere.codes()), "one mistake, whichever GPU");
    assert_eq!((gpu.errors().double_bit, ran.supply.alive), (0, true));
    // An idle GPU has no application that could fail.
    let mut idle = h100(1);
    assert!(run(&mut idle, 3_600, &GpuDemand::default(), &conditions).xids.is_empty());
}

#[test]
fn g11_fewer_lanes_slow_the_way_to_the_host_only() {
    let mut gpu = h100(0);
    let conditions = turned(|c| (c.pcie_lanes, c.pcie_replays) = (0.25, 50.0));
    let ran = run(&mut gpu, 100, &TRAINING, &conditions);
    assert!(ran.supply.pcie < 0.25 && ran.supply.bandwidth == 1.0 && ran.supply.clock > 0.9);
    assert_eq!(gpu.reading().pcie_width, 4.0);
    assert!((4_000..6_000).contains(&gpu.errors().pcie_replays));
}

#[test]
fn g12_silent_corruption_shows_nowhere() {
    let (mut sick, mut peer) = (h100(0), h100(0));
    let ran = run(&mut sick, 600, &TRAINING, &turned(|c| c.corruption = 0.2));
    let healthy = run(&mut peer, 600, &TRAINING, &GpuConditions::default());
    assert_eq!((ran.supply.corruption, healthy.supply.corruption), (0.2, 0.0));
    assert_eq!((sick.reading(), sick.errors()), (peer.reading(), peer.errors()));
}

#[test]
fn g13_a_wedged_driver_answers_nobody_while_kernels_run() {
    let mut gpu = h100(0);
    let ran = run(&mut gpu, 60, &TRAINING, &turned(|c| c.wedged_driver = 1.0));
    assert!(!gpu.answers() && ran.supply.alive && ran.xids.is_empty());
}

#[test]
fn g14_an_orphan_holds_memory_that_no_program_asked_for() {
    let mut gpu = h100(0);
    let ran = run(&mut gpu, 10, &GpuDemand::default(), &turned(|c| c.orphan_bytes = 4.0e10));
    assert_eq!(ran.supply.taken_bytes, 4.0e10);
    assert!(gpu.reading().used_mib > 38_000.0 && gpu.reading().active == 0.0);
}

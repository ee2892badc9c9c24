//! Hosts, ports and shared storage: every fault of the section "Host, network, storage".

use auscult_simulate::conditions::{HostConditions, PortConditions, StorageConditions};
use auscult_simulate::fabric::Port;
use auscult_simulate::host::{
    Files, Host, HostCounters, HostSettings, Storage, StorageSettings, StorageShare,
};
use auscult_simulate::supply::{HostDemand, HostSupply, Kill};

const SERVING: HostDemand = HostDemand {
    cpu_seconds: 20.0,
    memory_bytes: 3.0e11,
    received_bytes: 2.0e8,
    sent_bytes: 3.0e8,
    fabric_bytes: 8.0e10,
    read_bytes: 0.0,
    written_bytes: 1.0e6,
};

fn host() -> Host {
    Host::new(HostSettings::default(), 3, 0)
}

/// Runs for `seconds` with `programs`; gives the last supplies and all that were set to kill.
fn run(
    host: &mut Host,
    seconds: usize,
    programs: &[HostDemand],
    conditions: &HostConditions,
    ports: &[PortConditions],
) -> (Vec<HostSupply>, Vec<Kill>) {
    let (mut supplies, mut kills) = (Vec::new(), Vec::new());
    for _ in 0..seconds {
        host.advance(1.0, programs, StorageShare::default(), conditions, ports, &mut supplies);
        kills.extend(supplies.iter().filter_map(|supply| supply.kill));
    }
    (supplies, kills)
}

fn turned(turn: impl Fn(&mut HostConditions)) -> HostConditions {
    let mut conditions = HostConditions::default();
    turn(&mut conditions);
    conditions
}

/// By how much `read` grew a second while `act` ran for `seconds`.
fn rate(
    host: &mut Host,
    seconds: usize,
    programs: &[HostDemand],
    conditions: &HostConditions,
    read: fn(&HostCounters) -> f64,
) -> f64 {
    let before = read(host.counters());
    run(host, seconds, programs, conditions, &[]);
    (read(host.counters()) - before) / seconds as f64
}

#[test]
fn a_healthy_host_gives_what_is_asked_and_its_modes_add_up() {
    let mut host = host();
    let (supplies, kills) = run(&mut host, 600, &[SERVING; 2], &HostConditions::default(), &[]);
    assert!(supplies.iter().all(|supply| supply.cpu > 0.99 && supply.network == 1.0));
    assert!(kills.is_empty() && supplies[0].writable && supplies[0].fabric == 1.0);
    let counters = host.counters();
    let all = counters.user_seconds
        + counters.system_seconds
        + counters.softirq_seconds
        + counters.iowait_seconds
        + counters.idle_seconds;
    assert!((all / (600.0 * 96.0) - 1.0).abs() < 1e-9, "{all}");
    assert!(counters.cpu_waiting < 3.0 && counters.memory_waiting == 0.0);
    assert!((counters.load[0] - 40.5).abs() < 1.0, "{counters:?}");
}

#[test]
fn h1_neighbours_take_cores_and_every_program_waits() {
    let mut host = host();
    let healthy = rate(&mut host, 60, &[SERVING; 2], &HostConditions::default(), |c| c.cpu_waiting);
    let crowded = turned(|c| c.neighbour_cores = 120.0);
    let all = |c: &HostCounters| {
        c.user_seconds + c.system_seconds + c.softirq_seconds + c.iowait_seconds + c.idle_seconds
    };
    let spent = rate(&mut host, 60, &[SERVING; 2], &crowded, all);
    assert!((spent / 96.0 - 1.0).abs() < 1e-9, "cores have no more than their time: {spent}");
    let waiting = rate(&mut host, 60, &[SERVING; 2], &crowded, |c| c.cpu_waiting);
    assert!(healthy < 0.01 && waiting > 0.9);
    let (supplies, _) = run(&mut host, 1, &[SERVING; 2], &crowded, &[]);
    // 96 cores for 160 tasks; several services on the host suffer alike.
    assert!(supplies.iter().all(|supply| (0.4..0.61).contains(&supply.cpu)), "{supplies:?}");
    let mut given = Vec::new();
    for _ in 0..60 {
        given.push(run(&mut host, 1, &[SERVING], &crowded, &[]).0[0].cpu);
    }
    let (low, high) = given.iter().fold((1.0_f64, 0.0_f64), |(l, h), g| (l.min(*g), h.max(*g)));
    assert!(high - low > 0.1, "time comes unevenly: {low} to {high}");
}

#[test]
fn h1_a_quota_throttles_although_cores_are_idle() {
    let mut host = host();
    let limited = turned(|c| c.cpu_quota = 0.25);
    let (supplies, _) = run(&mut host, 60, &[SERVING; 2], &limited, &[]);
    let counters = host.counters();
    assert!(supplies[0].cpu < 0.6);
    assert!(counters.quota_throttled / counters.quota_periods > 0.9);
    assert!(counters.throttled_seconds > 600.0 && counters.idle_seconds > 60.0 * 60.0);
    assert!(counters.cpu_waiting > 50.0);
}

#[test]
fn h2_a_lost_host_ends_everything_and_starts_anew() {
    let mut host = host();
    run(&mut host, 100, &[SERVING], &HostConditions::default(), &[]);
    let started = host.counters().started;
    let (supplies, kills) = run(&mut host, 50, &[SERVING], &turned(|c| c.down = 1.0), &[]);
    assert_eq!((supplies[0].alive, kills, host.up()), (false, vec![Kill::HostLost], false));
    run(&mut host, 10, &[SERVING], &HostConditions::default(), &[]);
    assert!(host.up() && host.counters().started > started);
    assert!(host.counters().user_seconds < 20.0 * 11.0, "counters begin anew");
}

#[test]
fn h3_a_skewed_clock_shows_in_its_offset_only() {
    let (mut sick, mut peer) = (host(), host());
    let (supplies, _) = run(&mut sick, 60, &[SERVING], &turned(|c| c.clock_offset = 3.0), &[]);
    run(&mut peer, 60, &[SERVING], &HostConditions::default(), &[]);
    assert!((supplies[0].clock_offset - 3.0).abs() < 1e-3);
    let clear = HostCounters { clock_offset: 0.0, ..*sick.counters() };
    assert_eq!(clear, HostCounters { clock_offset: 0.0, ..*peer.counters() });
}

#[test]
fn want_of_memory_kills_the_largest_program() {
    let mut host = host();
    let large = HostDemand { memory_bytes: 1.9e12, ..SERVING };
    let (supplies, _) = run(&mut host, 1, &[SERVING, large], &HostConditions::default(), &[]);
    let killed: Vec<_> = supplies.iter().map(|supply| supply.kill).collect();
    assert_eq!(killed, [None, Some(Kill::OutOfMemory)]);
    assert!(supplies[1].out_of_memory && host.counters().oom_kills == 1);
    assert!(host.counters().memory_waiting > 0.9 && host.counters().memory_available == 0.0);
}

#[test]
fn n1_a_port_that_goes_down_stops_its_fabric_and_counts() {
    let mut host = host();
    let healthy = HostConditions::default();
    let mut ports = [PortConditions::default(); 8];
    run(&mut host, 30, &[SERVING], &healthy, &ports);
    ports[2].down = 1.0;
    let (supplies, _) = run(&mut host, 30, &[SERVING], &healthy, &ports);
    assert_eq!(supplies[0].fabric, 0.0);
    for (index, port) in host.ports().iter().enumerate() {
        let counters = port.counters();
        assert_eq!(counters.link_downed, u64::from(index == 2), "one port, peers are well");
        assert_eq!(port.up(), index != 2);
        assert_eq!(counters.ack_timeouts > 20, index == 2);
    }
    ports[2] = PortConditions { flaps_per_hour: 60.0, ..Default::default() };
    let (mut low, mut last) = (0, 1.0);
    for _ in 0..3_600 {
        let (supplies, _) = run(&mut host, 1, &[SERVING], &healthy, &ports);
        low += usize::from(supplies[0].fabric == 0.0);
        last = supplies[0].fabric;
    }
    let downs = host.ports()[2].counters().link_downed;
    assert!((30..100).contains(&downs) && (100..800).contains(&low), "{downs} {low}");
    assert!(last == 0.0 || last == 1.0);
    assert!(host.ports()[2].counters().carrier_changes >= 2 * downs - 1);
}

#[test]
fn n2_congestion_follows_load_and_has_no_symbol_errors() {
    let congested = PortConditions { path: 0.4, ..Default::default() };
    let (mut busy, mut idle) = (Port::new(5e10, 1, 0), Port::new(5e10, 1, 1));
    let mut healthy = Port::new(5e10, 1, 2);
    for _ in 0..100 {
        assert_eq!(busy.advance(1.0, 2e10, &congested), 0.4);
        idle.advance(1.0, 0.0, &congested);
        healthy.advance(1.0, 2e10, &PortConditions::default());
    }
    let [busy, idle, healthy] = [busy.counters(), idle.counters(), healthy.counters()];
    assert!(busy.transmit_wait > 50 * healthy.transmit_wait && idle.transmit_wait == 0);
    assert!(busy.transmit_discards > 100 * 100 && healthy.transmit_discards == 0);
    assert_eq!((busy.symbol_errors, busy.link_downed), (0, 0));
}

#[test]
fn n3_symbol_errors_do_not_ask_for_load() {
    let sick = PortConditions { symbol_errors: 20.0, ..Default::default() };
    let (mut busy, mut idle) = (Port::new(5e10, 1, 0), Port::new(5e10, 1, 1));
    for _ in 0..600 {
        assert!((0.9..1.0).contains(&busy.advance(1.0, 2e10, &sick)));
        idle.advance(1.0, 0.0, &sick);
    }
    for port in [&busy, &idle] {
        let errors = port.counters().symbol_errors as f64 / 600.0;
        assert!((errors - 20.0).abs() < 2.0, "{errors}");
        assert_eq!(port.counters().transmit_discards, 0);
    }
}

/// `hosts` hosts that each write as fast as they may.
fn saves(hosts: usize, conditions: &StorageConditions) -> Vec<StorageShare> {
    let mut storage = Storage::new(StorageSettings::default(), 1);
    let mut shares = vec![StorageShare::default(); hosts];
    for _ in 0..60 {
        let demands: Vec<HostDemand> = shares
            .iter()
            .map(|share| HostDemand { written_bytes: share.bytes, ..Default::default() })
            .collect();
        storage.advance(1.0, &demands, conditions, &mut shares);
    }
    shares
}

#[test]
fn d1_storage_saturates_only_at_scale() {
    let few = saves(4, &StorageConditions::default());
    let many = saves(60, &StorageConditions::default());
    assert!(few.iter().all(|share| share.bytes > 7.0e9), "{:?}", few[0]);
    let sum: f64 = many.iter().map(|share| share.bytes).sum();
    assert!((sum / 40.0e9 - 1.0).abs() < 0.15, "all together get what there is: {sum}");
    let bytes = |share: &StorageShare| share.bytes;
    let least = many.iter().map(bytes).fold(f64::INFINITY, f64::min);
    let most = many.iter().map(bytes).fold(0.0, f64::max);
    assert!(most / least < 1.2, "and each the same");
    assert!(many[0].queue > 5.0 * few[0].queue && many[0].response > few[0].response);
    let slow = saves(4, &StorageConditions { backlog: 50.0, ..Default::default() });
    assert!(slow[0].bytes < 0.4 * few[0].bytes && slow[0].response > 10.0 * few[0].response);
}

#[test]
fn a_host_that_takes_less_leaves_the_rest_to_others() {
    let mut storage = Storage::new(StorageSettings { bandwidth: 10e9, client: 8e9 }, 1);
    let mut shares = vec![StorageShare::default(); 2];
    for _ in 0..30 {
        let small = HostDemand { read_bytes: 1e9, ..Default::default() };
        let large = HostDemand { read_bytes: shares[1].bytes, ..Default::default() };
        storage.advance(1.0, &[small, large], &StorageConditions::default(), &mut shares);
    }
    assert!(shares[1].bytes > 7e9 && shares[0].bytes >= 1e9, "{shares:?}");
}

#[test]
fn d1_saving_hosts_queue_requests_and_wait_for_io() {
    let mut host = host();
    let mut supplies = Vec::new();
    let share = StorageShare { bytes: 6e8, response: 0.05, queue: 0.2 };
    for _ in 0..60 {
        let save = [HostDemand { written_bytes: 6e8, ..SERVING }];
        host.advance(1.0, &save, share, &HostConditions::default(), &[], &mut supplies);
    }
    let counters = host.counters();
    assert!(counters.writes.queue_seconds > 1_000.0 && counters.rpc_backlog > 10_000.0);
    assert!(counters.io_waiting > 50.0 && supplies[0].write_bytes == 6e8);
}

#[test]
fn d2_the_disk_fills_in_a_straight_line_until_nothing_can_be_written() {
    let mut host = host();
    let filling = turned(|c| c.disk_fill = 2.0e8);
    let mut left = Vec::new();
    let mut writable = Vec::new();
    for _ in 0..60 {
        let (supplies, _) = run(&mut host, 100, &[SERVING], &filling, &[]);
        left.push(host.settings().disk_bytes - host.counters().disk_used);
        writable.push(supplies[0].writable);
    }
    let steps: Vec<f64> = left.windows(2).take(30).map(|pair| pair[0] - pair[1]).collect();
    assert!(steps.iter().all(|step| (step / 2.0e10 - 1.0).abs() < 0.01), "{steps:?}");
    assert!(writable[..40].iter().all(|writable| *writable) && !writable[59]);
    assert_eq!(left[59], 0.0);
    run(&mut host, 200, &[SERVING], &HostConditions::default(), &[]);
    let (supplies, _) = run(&mut host, 1, &[SERVING], &HostConditions::default(), &[]);
    assert!(supplies[0].writable, "somebody deleted it");
}

/// A host reads 140 GB of weights; a slow store makes the load long, with the store at its cap.
#[test]
fn d3_slow_storage_makes_the_load_of_weights_long() {
    let load = |bandwidth: f64| {
        let mut storage = Storage::new(StorageSettings::default(), 1);
        let conditions = StorageConditions { bandwidth, ..Default::default() };
        let (mut host, mut left, mut seconds) = (host(), 1.4e11, 0);
        let mut shares = vec![StorageShare::default()];
        let mut supplies = vec![HostSupply::default()];
        while left > 0.0 {
            let read = supplies[0].read_bytes.min(left);
            left -= read;
            seconds += 1;
            let demand = [HostDemand { read_bytes: read, ..SERVING }];
            storage.advance(1.0, &demand, &conditions, &mut shares);
            let healthy = HostConditions::default();
            host.advance(1.0, &demand, shares[0], &healthy, &[], &mut supplies);
        }
        (seconds, host.counters().io_waiting / f64::from(seconds))
    };
    let (usual, _) = load(1.0);
    let (slow, waiting) = load(0.01);
    assert!((17..30).contains(&usual) && slow > 8 * usual, "{usual} {slow}");
    assert!(waiting > 0.9, "input at its cap: {waiting}");
}

#[test]
fn a_lemon_fails_jobs_as_often_as_it_says() {
    let mut host = host();
    let (_, kills) =
        run(&mut host, 86_400, &[SERVING], &turned(|c| c.failures_per_day = 20.0), &[]);
    assert!((10..32).contains(&kills.len()) && kills.iter().all(|kill| *kill == Kill::Crash));
}

#[test]
fn local_files_use_the_disk() {
    let settings = HostSettings { files: Files::Local, ..HostSettings::default() };
    let mut host = Host::new(settings, 1, 0);
    let reading = [HostDemand { read_bytes: 6.0e9, ..SERVING }];
    let (supplies, _) = run(&mut host, 60, &reading, &HostConditions::default(), &[]);
    let counters = host.counters();
    assert!(supplies[0].read_bytes == 6.0e9 && counters.disk_busy > 59.0);
    assert!(counters.io_waiting > 55.0 && counters.reads.requests == 0.0);
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let once = || {
        let mut host = host();
        let ports =
            [PortConditions { flaps_per_hour: 100.0, symbol_errors: 3.0, path: 0.5, down: 0.0 }];
        let conditions = turned(|c| (c.neighbour_cores, c.failures_per_day) = (90.0, 50.0));
        run(&mut host, 1_000, &[SERVING; 3], &conditions, &ports);
        (*host.counters(), *host.ports()[0].counters())
    };
    assert_eq!(once(), once());
}

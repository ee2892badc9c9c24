//! One host: what it gives its programs, and what its kernel shows.

use super::chores::Chores;
use super::counters::{HostCounters, ProgramCounters, RpcCounters};
use super::processor::Shared;
use super::settings::{Files, HostSettings};
use super::storage::{REQUEST, StorageShare};
use super::{memory, processor};
use crate::conditions::{HostConditions, PortConditions};
use crate::fabric::Port;
use crate::random::Random;
use crate::supply::{HostDemand, HostSupply, Kill};

/// Bytes a second that the system logs.
const LOGS: f64 = 1.5e6;
/// Seconds after which logs are rotated.
const ROTATION: f64 = 6.0 * 3600.0;
/// Seconds in which what filled the disk is deleted, once nobody writes it any more.
const CLEANUP: f64 = 60.0;

/// One host in steps of a second or a few; a step costs some 100 ns and 20 ns for each port.
#[derive(Debug, Clone)]
pub struct Host {
    settings: HostSettings,
    random: Random,
    chores: Chores,
    now: f64,
    up: bool,
    ports: Vec<Port>,
    counters: HostCounters,
    programs: Vec<ProgramCounters>,
    /// Bytes on the disk that something wrote and never deleted.
    filled: f64,
    seconds: f64,
    decays: [f64; 3],
}

impl Host {
    /// Host number `index` of the run `seed`.
    pub fn new(settings: HostSettings, seed: u64, index: u64) -> Self {
        let first = index * settings.ports as u64;
        let port = |port: usize| Port::new(settings.port_bytes, seed, first + port as u64);
        let mut random = Random::member(seed, "host", index);
        let counters = HostCounters {
            started: -random.between(3.0, 60.0) * 86_400.0,
            disk_used: settings.disk_used * settings.disk_bytes,
            memory_available: settings.memory_bytes,
            ..HostCounters::default()
        };
        Self {
            settings,
            random,
            chores: Chores::new(seed, index),
            now: 0.0,
            up: true,
            ports: (0..settings.ports).map(port).collect(),
            counters,
            programs: Vec::new(),
            filled: 0.0,
            seconds: 0.0,
            decays: [0.0; 3],
        }
    }

    /// Goes on by `seconds` in which its programs did `programs`, with `share` of the shared
    /// storage. Writes what each gets next into `supplies`. Ports beyond `ports` are healthy.
    pub fn advance(
        &mut self,
        seconds: f64,
        programs: &[HostDemand],
        share: StorageShare,
        conditions: &HostConditions,
        ports: &[PortConditions],
        supplies: &mut Vec<HostSupply>,
    ) {
        self.now += seconds;
        supplies.clear();
        if conditions.down >= 0.5 {
            let kill = self.up.then_some(Kill::HostLost);
            self.up = false;
            self.programs.clear();
            let lost = HostSupply { alive: false, kill, ..HostSupply::default() };
            supplies.resize(programs.len(), lost);
            return;
        }
        if !self.up {
            self.start();
        }
        let all = programs.iter().fold(HostDemand::default(), |all, program| all.and(*program));
        let (cpu, shared) = self.processor(seconds, &all, conditions);
        let killed = memory::account(
            &mut self.counters,
            self.settings.memory_bytes,
            seconds,
            programs,
            &mut self.random,
        );
        self.count(seconds, programs, &shared, killed, conditions.cpu_quota < 1.0);
        self.disk(seconds, &all, conditions);
        let network = self.network(seconds, &all);
        let fabric = self.fabric(seconds, &all, ports);
        self.storage(seconds, &all, share);
        let noise = 2.0e-5 * (2.0 * self.random.uniform() - 1.0);
        self.counters.clock_offset = conditions.clock_offset + noise;

        let failed = conditions.failures_per_day > 0.0
            && self.random.chance(conditions.failures_per_day * seconds / 86_400.0);
        let supply = HostSupply {
            alive: true,
            cpu,
            network,
            fabric,
            read_bytes: self.files(share, self.settings.disk_read),
            write_bytes: self.files(share, self.settings.disk_write),
            writable: self.counters.disk_used < self.settings.disk_bytes,
            clock_offset: self.counters.clock_offset,
            out_of_memory: false,
            kill: failed.then_some(Kill::Crash),
        };
        supplies.resize(programs.len(), supply);
        if let Some(killed) = killed {
            supplies[killed].out_of_memory = true;
            supplies[killed].kill = Some(Kill::OutOfMemory);
        }
    }

    /// What it has.
    pub fn settings(&self) -> &HostSettings {
        &self.settings
    }

    /// What its kernel shows.
    pub fn counters(&self) -> &HostCounters {
        &self.counters
    }

    /// What its kernel counts of each program, in their order.
    pub fn programs(&self) -> &[ProgramCounters] {
        &self.programs
    }

    /// Its ports on the fabric.
    pub fn ports(&self) -> &[Port] {
        &self.ports
    }

    /// Whether it is up; nothing on it answers while it is not.
    pub fn up(&self) -> bool {
        self.up
    }

    /// Seconds since the simulation began.
    pub fn now(&self) -> f64 {
        self.now
    }

    fn start(&mut self) {
        self.up = true;
        let disk_used = self.counters.disk_used;
        self.counters = HostCounters { started: self.now, disk_used, ..HostCounters::default() };
        self.ports.iter_mut().for_each(Port::reset);
    }

    fn processor(
        &mut self,
        seconds: f64,
        all: &HostDemand,
        conditions: &HostConditions,
    ) -> (f64, Shared) {
        let cores = self.settings.cores as f64;
        let asked = all.cpu_seconds / seconds;
        let shared = processor::share(cores, asked, conditions);
        let counters = &mut self.counters;
        // Timers, daemons and interrupts come and go.
        let system = (0.3 + 0.08 * shared.busy) * self.random.between(0.9, 1.1);
        let daemons = self.random.between(0.1, 0.5);
        // A gigabyte through the network stack costs about a fifth of a core.
        let softirq = 0.02 + 2.0e-10 * (all.received_bytes + all.sent_bytes) / seconds;
        let user = 0.92 * shared.busy + shared.neighbours + daemons;
        // A core has one second a second, whoever wants it.
        let user = user.min(cores - system - softirq);
        let left = cores - system - softirq - user;
        let chore = self.chores.at(self.now);
        let chores = (chore.share * cores).min(left);
        let busy = (user + chores, system, softirq);
        let idle = (cores - busy.0 - busy.1 - busy.2).max(0.0);
        let iowait = idle.min(4.0e-10 * (all.read_bytes + all.written_bytes) / seconds);
        counters.user_seconds += busy.0 * seconds;
        counters.system_seconds += busy.1 * seconds;
        counters.softirq_seconds += busy.2 * seconds;
        counters.iowait_seconds += iowait * seconds;
        counters.idle_seconds += (idle - iowait) * seconds;
        let nobody_waits = (1.0 - shared.waiting) * (1.0 - chore.waits);
        counters.cpu_waiting += (1.0 - nobody_waits) * seconds;
        if conditions.cpu_quota < 1.0 {
            counters.quota_periods += 10.0 * seconds;
            counters.quota_throttled += 10.0 * shared.throttled * seconds;
            counters.throttled_seconds += shared.withheld * seconds;
        }
        if self.seconds != seconds {
            self.seconds = seconds;
            self.decays = [60.0, 300.0, 900.0].map(|constant| libm::exp(-seconds / constant));
        }
        let tasks =
            asked / conditions.cpu_speed.max(0.01) + conditions.neighbour_cores + daemons + chores;
        for (load, decay) in counters.load.iter_mut().zip(self.decays) {
            *load = tasks + (*load - tasks) * decay;
        }
        // Who shares cores gets its time unevenly.
        let uneven = 0.25 * shared.waiting * self.random.uniform();
        ((shared.given * (1.0 - uneven)).clamp(1.0e-4, 1.0), shared)
    }

    /// What the kernel counts of each program: its part of what all got.
    fn count(
        &mut self,
        seconds: f64,
        programs: &[HostDemand],
        shared: &Shared,
        killed: Option<usize>,
        limited: bool,
    ) {
        let now = self.now;
        self.programs.resize(programs.len(), ProgramCounters::default());
        let asked: f64 = programs.iter().map(|program| program.cpu_seconds).sum();
        for (index, (of, program)) in self.programs.iter_mut().zip(programs).enumerate() {
            let part = if asked > 0.0 { program.cpu_seconds / asked } else { 0.0 };
            of.cpu_seconds += part * shared.busy * seconds;
            of.cpu_waiting += shared.waiting_of(program.cpu_seconds / seconds) * seconds;
            if limited {
                of.periods += 10.0 * seconds;
                of.throttled_periods += 10.0 * shared.throttled * seconds;
                of.throttled_seconds += part * shared.withheld * seconds;
            }
            if of.memory_bytes == 0.0 && program.memory_bytes > 0.0 {
                (of.starts, of.started) = (of.starts + 1, now);
            }
            of.memory_bytes = program.memory_bytes;
            of.oom_kills += u64::from(killed == Some(index));
            of.received += program.received_bytes;
            of.sent += program.sent_bytes;
        }
    }

    fn disk(&mut self, seconds: f64, all: &HostDemand, conditions: &HostConditions) {
        let local = f64::from(u8::from(self.settings.files == Files::Local));
        let full = self.counters.disk_used >= self.settings.disk_bytes;
        let writes = if full { 0.0 } else { LOGS * seconds + local * all.written_bytes };
        let reads = local * all.read_bytes;
        // Whatever fills the disk gets what its bandwidth leaves.
        let left = (self.settings.disk_write * seconds - writes).max(0.0);
        let filling = if full { 0.0 } else { (conditions.disk_fill * seconds).min(left) };
        if conditions.disk_fill > 0.0 {
            self.filled += filling;
        } else {
            self.filled *= (1.0 - seconds / CLEANUP).max(0.0);
        }
        let counters = &mut self.counters;
        let settings = &self.settings;
        // Logs and checkpoints are rotated: what is in use stays, apart from what fills.
        let steady = settings.disk_used * settings.disk_bytes + LOGS * (self.now % ROTATION);
        counters.disk_used = (steady + self.filled).min(settings.disk_bytes);
        counters.disk_read += reads;
        counters.disk_written += writes + filling;
        let busy = reads / settings.disk_read + (writes + filling) / settings.disk_write;
        let busy = (busy / seconds).min(1.0);
        counters.disk_busy += busy * seconds;
        counters.disk_weighted += busy * seconds / (1.05 - busy);
        if local > 0.0 {
            counters.io_waiting += busy * busy * seconds;
            counters.io_stalled += 0.5 * busy * busy * seconds;
        }
    }

    fn network(&mut self, seconds: f64, all: &HostDemand) -> f64 {
        let counters = &mut self.counters;
        counters.received += all.received_bytes + self.random.between(1.0e4, 4.0e4) * seconds;
        counters.sent += all.sent_bytes + self.random.between(2.0e4, 5.0e4) * seconds;
        let load = all.received_bytes.max(all.sent_bytes) / (self.settings.network * seconds);
        if load > 1.0 {
            counters.dropped += self.random.poisson(200.0 * (load - 1.0).min(10.0) * seconds);
        }
        if load > 1.0 { 1.0 / load } else { 1.0 }
    }

    fn fabric(&mut self, seconds: f64, all: &HostDemand, conditions: &[PortConditions]) -> f64 {
        let each = all.fabric_bytes / self.ports.len().max(1) as f64;
        let healthy = PortConditions::default();
        let mut slowest: f64 = 1.0;
        for (index, port) in self.ports.iter_mut().enumerate() {
            let conditions = conditions.get(index).unwrap_or(&healthy);
            slowest = slowest.min(port.advance(seconds, each, conditions));
        }
        slowest
    }

    fn storage(&mut self, seconds: f64, all: &HostDemand, share: StorageShare) {
        if self.settings.files == Files::Local {
            return;
        }
        let count = |counters: &mut RpcCounters, bytes: f64| {
            let requests = bytes / REQUEST;
            counters.requests += requests;
            counters.queue_seconds += requests * share.queue;
            counters.response_seconds += requests * (share.queue + share.response);
            counters.bytes += bytes;
        };
        let counters = &mut self.counters;
        count(&mut counters.reads, all.read_bytes);
        count(&mut counters.writes, all.written_bytes);
        let moved = all.read_bytes + all.written_bytes;
        if share.queue > 0.0 {
            counters.rpc_backlog += moved / REQUEST;
        }
        let busy = (moved / (share.bytes.max(1.0) * seconds)).min(1.0);
        counters.io_waiting += busy * seconds;
        counters.io_stalled += 0.5 * busy * busy * seconds;
    }

    fn files(&self, share: StorageShare, disk: f64) -> f64 {
        match self.settings.files {
            Files::Local => disk,
            Files::Shared => share.bytes.min(self.settings.network),
        }
    }
}

//! A replica: the process, its front end, its engine, what it uses and what it shows.

mod demand;

use crate::conditions::{ReplicaConditions, ServiceConditions};
use crate::page::Answer;
use crate::random::Random;
use crate::supply::{GpuDemand, GpuSupply, HostDemand, HostSupply, Kill};
use crate::workload::Request;

use super::process::{Process, State};
use super::{End, Engine, EngineKind, Frontend, Meters, Outcome, ReplicaSpec, Role, Tick, Usage};
pub use demand::Demand;

/// A request on its way into a replica.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// When it gets there.
    pub time: f64,
    /// What is asked.
    pub request: Request,
    /// Of a request whose prompt was computed elsewhere: when its cache is there, whether it is lost, whether it is stale.
    pub handed: Option<(f64, bool, bool)>,
}

/// Seconds over which it is seen how much of the cache is needed.
const NEED_SECONDS: f64 = 600.0;
/// Seconds in which the fullest moment is forgotten by two thirds.
const PEAK_SECONDS: f64 = 14_400.0;
/// Seconds without a step after which the workers of an engine say that they wait for one.
const QUIET_SECONDS: u32 = 60;
/// Bytes of host memory without any request, and more for each GPU's worker.
const HOST_BYTES: f64 = 6.0e9;
const WORKER_BYTES: f64 = 2.5e9;
/// Seconds after a start in which kernels are still compiled, and the chance of it in each.
const WARM_UP: f64 = 120.0;
const WARM_UP_PAUSES: f64 = 0.06;
/// Bytes on the front network for a token of a prompt.
const TOKEN_IN: f64 = 4.0;

/// One replica.
#[derive(Debug)]
pub struct Replica {
    spec: ReplicaSpec,
    seed: u64,
    index: usize,
    process: Process,
    engine: Engine,
    /// Blocks that its memory gave room for when it started.
    sized: u64,
    /// Blocks that requests held lately, while the cache was as it should be.
    needed: f64,
    /// Blocks that they held at the fullest, while the cache was as it should be.
    peak: f64,
    frontend: Frontend,
    meters: Meters,
    /// What the exporter shows for good, since its clockwork stopped.
    frozen: Option<Box<Meters>>,
    /// Prompt tokens that the exporter counted twice.
    counted_twice: u64,
    /// Processor seconds of the process.
    cpu_seconds: f64,
    leaked: f64,
    memory_bytes: f64,
    restarted: bool,
    hung: bool,
    stopped: bool,
    blocked_health: bool,
    failing_exporter: f64,
    host_up: bool,
    /// Steps by the end of the last second, and seconds without one.
    stepped: u64,
    quiet: u32,
    /// When its workers said that they wait, since somebody asked.
    waits: Vec<f64>,
    corruption: f64,
    usage: Usage,
    demand: Demand,
    scrapes: u64,
}

impl Replica {
    /// Replica `index` of a service, which has served for an hour at second 0.
    pub fn new(spec: ReplicaSpec, seed: u64, index: usize) -> Self {
        let random = Random::member(seed, "steps", index as u64);
        Self {
            spec,
            seed: seed ^ (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            index,
            process: Process::running(&spec),
            sized: spec.blocks(0.0),
            needed: 0.0,
            peak: 0.0,
            engine: Engine::new(spec, spec.blocks(0.0), random, 0.0),
            frontend: Frontend::new(),
            meters: Meters::new(spec.engine, spec.model.longest, spec.drafts),
            frozen: None,
            counted_twice: 0,
            cpu_seconds: 0.0,
            leaked: 0.0,
            memory_bytes: HOST_BYTES + WORKER_BYTES * f64::from(spec.gpus),
            restarted: false,
            hung: false,
            stopped: false,
            blocked_health: false,
            failing_exporter: 0.0,
            host_up: true,
            stepped: 0,
            quiet: 0,
            waits: Vec::new(),
            corruption: 0.0,
            usage: Usage::default(),
            demand: Demand::default(),
            scrapes: 0,
        }
    }

    /// Replica `index` of a service, which starts at `second`, `slowness` times as slowly as usual.
    pub fn starting(
        spec: ReplicaSpec,
        seed: u64,
        index: usize,
        second: u64,
        slowness: f64,
    ) -> Self {
        let process = Process::starting(&spec, slowness, second as f64);
        Self { process, ..Self::new(spec, seed, index) }
    }

    /// What it is made of.
    pub fn spec(&self) -> &ReplicaSpec {
        &self.spec
    }

    /// The life of its process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// What its exporter shows.
    pub fn meters(&self) -> &Meters {
        self.frozen.as_deref().unwrap_or(&self.meters)
    }

    /// What it counted in truth.
    pub fn counted(&self) -> &Meters {
        &self.meters
    }

    /// Prompt tokens that the exporter shows beyond the truth.
    pub fn counted_twice(&self) -> u64 {
        self.counted_twice
    }

    /// Processor seconds of the process since it started.
    pub fn cpu_seconds(&self) -> f64 {
        self.cpu_seconds
    }

    /// Bytes of host memory of the process.
    pub fn memory_bytes(&self) -> f64 {
        self.memory_bytes
    }

    /// Blocks of its KV cache.
    pub fn blocks(&self) -> u64 {
        self.engine.total_blocks()
    }

    /// Adapters that running requests use.
    pub fn running_adapters(&self) -> Vec<u32> {
        let mut running: Vec<u32> = self.engine.adapters().running().collect();
        running.sort_unstable();
        running
    }

    /// Probability that what its GPUs computed in the last second is wrong without a sign.
    pub fn corruption(&self) -> f64 {
        self.corruption
    }

    /// Requests inside.
    pub fn inside(&self) -> usize {
        self.engine.inside()
    }

    /// What it did in the last second.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// What it did to its hardware in the last second.
    pub fn demand(&self) -> &Demand {
        &self.demand
    }

    /// What GPU `rank` of its group did in the last second.
    pub fn gpu_demand(&self, rank: usize) -> &GpuDemand {
        if rank == 0 { &self.demand.busiest } else { &self.demand.other }
    }

    /// What a scrape of `/metrics` at the end of the last second gets; each call is another scrape.
    pub fn scrape(&mut self) -> Answer {
        self.scrapes += 1;
        if !self.host_up || self.stopped {
            return Answer::Hangs;
        }
        if !self.process.serving() {
            return Answer::Refused;
        }
        let mut random = Random::member(self.seed, "scrape", self.scrapes);
        if random.chance(self.failing_exporter) {
            return Answer::Status(500);
        }
        Answer::Page(random.log_normal(0.004, 0.3) + self.frontend.lag())
    }

    /// What a health check at second `now` gets. A hung engine's server still says that all is well.
    pub fn health(&self, now: f64) -> Answer {
        match self.process.state() {
            _ if !self.host_up || self.stopped => Answer::Hangs,
            State::Down(_) | State::Starting(_) => Answer::Refused,
            State::Draining(_) => Answer::Status(503),
            State::Running if self.blocked_health && !self.hung => {
                let (step, queue) = self.engine.delay(now);
                Answer::Page(0.002 + step + queue.max(0.0))
            }
            State::Running => Answer::Page(0.002 + self.frontend.lag()),
        }
    }

    /// Simulates the second from `second` on. `arrivals` are in order of time; what leaves is
    /// added to `outcomes`.
    pub fn advance(
        &mut self,
        second: u64,
        arrivals: &[Arrival],
        (gpu, host): (&GpuSupply, &HostSupply),
        (conditions, service): (&ReplicaConditions, &ServiceConditions),
        outcomes: &mut Vec<Outcome>,
    ) -> &Demand {
        let (from, to) = (second as f64, second as f64 + 1.0);
        self.stopped = conditions.stopped >= 0.5 && self.process.serving();
        // Nothing that is stopped makes steps.
        let conditions = &ReplicaConditions {
            hung: if self.stopped { 1.0 } else { conditions.hung },
            ..*conditions
        };
        self.hung = conditions.hung >= 0.5;
        self.blocked_health = conditions.blocked_health >= 0.5;
        self.failing_exporter = conditions.failing_exporter;
        self.host_up = host.alive;
        self.corruption = gpu.corruption;
        self.demand = Demand::default();
        self.restart_if_asked(conditions, from);
        let kill = self.kill(second, gpu, host, conditions);
        if let Some(kill) = kill.filter(|_| !matches!(self.process.state(), State::Down(_))) {
            self.end(from, Some(kill), outcomes);
        }
        if let State::Down(until) = self.process.state()
            && from >= until
            && gpu.alive
            && host.alive
            && !host.out_of_memory
        {
            self.process.start(&self.spec, conditions.start_time, from);
        }
        if self.process.serving() {
            self.serve(second, arrivals, (gpu, host), (conditions, service), outcomes);
        } else {
            for arrival in arrivals {
                outcomes.push(refused(arrival));
            }
            self.start(gpu, host, conditions, from);
        }
        if let State::Draining(until) = self.process.state()
            && (self.engine.inside() == 0 || to >= until)
        {
            self.end(to, None, outcomes);
        }
        self.wait(to);
        &self.demand
    }

    /// Workers that hear of no step for a minute say so, whether their engine idles or hangs.
    fn wait(&mut self, to: f64) {
        let says = self.has_workers() && self.process.serving() && !self.stopped;
        let steps = self.meters.steps;
        self.quiet = if says && steps == self.stepped { self.quiet + 1 } else { 0 };
        self.stepped = steps;
        if self.quiet > 0 && self.quiet.is_multiple_of(QUIET_SECONDS) {
            self.waits.push(to);
        }
    }

    /// Whether processes of their own compute for its engine: vLLM's on several GPUs.
    pub fn has_workers(&self) -> bool {
        self.spec.engine == EngineKind::Vllm && self.spec.gpus > 1
    }

    /// When its workers said that they wait for a step, in seconds since the simulation began, since the
    /// last call.
    pub fn take_waits(&mut self) -> impl Iterator<Item = f64> {
        self.waits.drain(..)
    }

    /// A planned restart begins with taking nothing new.
    fn restart_if_asked(&mut self, conditions: &ReplicaConditions, time: f64) {
        let asked = conditions.restarted >= 0.5;
        if asked && !self.restarted && self.process.accepting() {
            self.process.drain(time);
        }
        self.restarted = asked;
    }

    fn kill(
        &self,
        second: u64,
        gpu: &GpuSupply,
        host: &HostSupply,
        conditions: &ReplicaConditions,
    ) -> Option<Kill> {
        let crash = 1.0 - libm::exp(-conditions.crashes_per_hour / 3600.0);
        if !host.alive {
            Some(Kill::HostLost)
        } else if !gpu.alive {
            Some(Kill::GpuLost)
        } else if gpu.kill.is_some() {
            gpu.kill
        } else if host.out_of_memory || self.memory_bytes > self.spec.memory_limit {
            Some(Kill::OutOfMemory)
        } else if crash > 0.0 && Random::member(self.seed, "crash", second).chance(crash) {
            Some(Kill::Crash)
        } else {
            None
        }
    }

    fn end(&mut self, time: f64, why: Option<Kill>, outcomes: &mut Vec<Outcome>) {
        self.engine.fail_all(time, outcomes);
        self.process.end(time, why);
        self.frontend.clear(time);
        self.meters = Meters::new(self.spec.engine, self.spec.model.longest, self.spec.drafts);
        self.frozen = None;
        (self.leaked, self.cpu_seconds, self.counted_twice) = (0.0, 0.0, 0);
        self.memory_bytes = 0.0;
    }

    /// A second of a start: weights come in, processors compile, nothing is served.
    fn start(
        &mut self,
        gpu: &GpuSupply,
        host: &HostSupply,
        conditions: &ReplicaConditions,
        from: f64,
    ) {
        let State::Starting(_) = self.process.state() else { return };
        let (done, read) = self.process.advance_start(1.0, host, conditions.weight_speed, from);
        let gpus = f64::from(self.spec.gpus);
        let blocks = self.spec.blocks(gpu.taken_bytes);
        if done && blocks == 0 {
            // No room for a cache: the process ends with an out-of-memory error and tries again.
            self.process.end(from + 1.0, Some(Kill::Crash));
            return;
        }
        if done {
            self.sized = blocks;
        }
        let State::Starting(start) = self.process.state() else { return };
        let loaded = self.spec.model.weight_bytes() - start.load;
        let working = if start.load > 0.0 { 0.0 } else { 0.25 };
        let each = GpuDemand {
            active: working,
            tensor: 0.05 * working,
            dram: 0.2 * working,
            memory_bytes: 6e8 + loaded / gpus,
            pcie_in_bytes: read / gpus,
            ..GpuDemand::default()
        };
        self.memory_bytes = HOST_BYTES + WORKER_BYTES * gpus;
        self.cpu_seconds += 1.0 + gpus;
        self.demand = Demand {
            busiest: each,
            other: each,
            host: HostDemand {
                cpu_seconds: 1.0 + gpus,
                memory_bytes: self.memory_bytes,
                read_bytes: read,
                ..HostDemand::default()
            },
        };
    }

    fn size_cache(&mut self, conditions: &ReplicaConditions) {
        let mut blocks = scaled(self.sized, conditions.kv_blocks);
        if conditions.kv_need == 0.0 && conditions.kv_peak == 0.0 {
            let held = self.engine.held() as f64;
            self.needed += (held - self.needed) / NEED_SECONDS;
            self.peak = held.max(self.peak * (1.0 - 1.0 / PEAK_SECONDS));
        }
        for (held, full) in [(self.needed, conditions.kv_need), (self.peak, conditions.kv_peak)] {
            // Nothing is known of what it needs before anybody asked.
            if full > 0.0 && held > 0.0 {
                blocks = blocks.min((held / full).round().max(1.0) as u64);
            }
        }
        self.engine.resize(blocks);
    }

    fn serve(
        &mut self,
        second: u64,
        arrivals: &[Arrival],
        (gpu, host): (&GpuSupply, &HostSupply),
        (conditions, service): (&ReplicaConditions, &ServiceConditions),
        outcomes: &mut Vec<Outcome>,
    ) {
        let (from, to) = (second as f64, second as f64 + 1.0);
        let cores = self.spec.frontend_cores * conditions.frontend_cores;
        self.frontend.supply(cores, host.cpu, self.usage.tokens as f64);
        self.engine.roofline().supply(gpu, conditions.expert_skew);
        self.size_cache(conditions);
        let mut received = 0.0;
        for arrival in arrivals {
            if !self.process.accepting() {
                outcomes.push(refused(arrival));
                continue;
            }
            received += TOKEN_IN * f64::from(arrival.request.prompt);
            self.accept(arrival, conditions.stale_transfers);
        }
        self.warm_up(second);
        let (ended, prompts) = (self.meters.ended(), self.meters.prompt_tokens);
        let mut tick = Tick {
            from,
            to,
            seed: self.seed,
            conditions,
            cpu: host.cpu,
            pcie: gpu.pcie,
            fabric: host.fabric,
            lag: self.frontend.lag() / host.network.clamp(0.01, 1.0),
            outcomes,
            meters: &mut self.meters,
        };
        self.engine.run(&mut tick);
        self.usage = self.engine.take_usage();
        if self.stopped {
            // What was given to the GPU has ended; nobody gives it more, or waits for it.
            self.usage.active = 0.0;
        }
        if conditions.double_counting >= 0.5 {
            self.counted_twice += self.meters.prompt_tokens - prompts;
        }
        if conditions.frozen_exporter < 0.5 {
            self.frozen = None;
        } else if self.frozen.is_none() {
            self.frozen = Some(Box::new(self.meters.clone()));
        }
        self.leaked += conditions.leak_bytes * (self.meters.ended() - ended) as f64;
        let pictures = f64::from(self.engine.take_pictures());
        let picture_bytes = pictures * service.media_bytes;
        self.ask(
            received,
            picture_bytes,
            arrivals.iter().map(|arrival| arrival.request.media).sum(),
        );
        let used = self.spec.gpu_bytes(self.engine.total_blocks()) + picture_bytes;
        if pictures > 0.0 && used + gpu.taken_bytes > self.spec.accelerator.memory_bytes {
            // The driver has nothing left to give: the engine dies with a CUDA out-of-memory error.
            self.end(to, Some(Kill::Crash), outcomes);
        }
    }

    /// In the first minutes after a start kernels are still compiled for shapes that come for the
    /// first time, and everyone waits: short pauses that are no hang.
    fn warm_up(&mut self, second: u64) {
        if second as f64 - self.process.serves() > WARM_UP {
            return;
        }
        let mut random = Random::member(self.seed, "warm-up", second);
        if random.chance(WARM_UP_PAUSES) {
            self.engine.pause(random.between(0.5, 3.0));
        }
    }

    fn accept(&mut self, arrival: &Arrival, stale_fetches: f64) {
        let Arrival { time, request, handed } = *arrival;
        let ready = self.frontend.accept(&request, time);
        if let Some((handed, lost, stale)) = handed {
            let mut random = Random::member(self.seed, "fetch", request.id);
            let stale = stale || random.chance(stale_fetches);
            return self.engine.accept_handed(request, (time, ready), handed, lost, stale);
        }
        let compiled =
            (request.compile > 0.0).then(|| self.frontend.compile(request.compile, ready));
        self.engine.accept(request, time, ready, compiled);
    }

    /// Its number in the service.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Its part.
    pub fn role(&self) -> Role {
        self.spec.role
    }

    /// Its program.
    pub fn engine_kind(&self) -> EngineKind {
        self.spec.engine
    }
}

fn scaled(blocks: u64, by: f64) -> u64 {
    (blocks as f64 * by.max(0.0)).round().max(1.0) as u64
}

fn refused(arrival: &Arrival) -> Outcome {
    Outcome {
        request: arrival.request,
        end: End::Failed,
        time: arrival.time,
        first_token: None,
        output: 0,
        stale: false,
    }
}

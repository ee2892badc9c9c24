//! The engine of a replica: queue, batch, blocks, and the steps that it makes one after another.
//!
//! A step is computed as a whole: prompts in chunks under a budget of tokens, and one token (or
//! what a draft guessed right) for each request that decodes. Steps that only decode are all
//! alike until something happens, so that many are made at once; the cost of a simulated second
//! is the number of things that happen in it, not the number of tokens.

mod admit;
mod events;
mod leave;
mod steps;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use crate::conditions::ReplicaConditions;
use crate::random::Random;
use crate::workload::Request;

use super::slot::{Place, Slots};
use super::{Adapters, Batch, Blocks, Cost, Meters, ReplicaSpec, Roofline};

/// How a request left a replica.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// What was asked.
    pub request: Request,
    /// What became of it.
    pub end: End,
    /// When.
    pub time: f64,
    /// When its first token left, if any did.
    pub first_token: Option<f64>,
    /// Tokens of the answer.
    pub output: u32,
    /// Whether part of its cache was wrong without a sign.
    pub stale: bool,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    /// It was answered to its end.
    Stop,
    /// It was answered to its limit.
    Length,
    /// Its client gave up.
    GaveUp,
    /// It failed: the process died, or the request does not fit.
    Failed,
    /// Its prompt is done and its cache will be handed over.
    HandedOff {
        /// When the cache is there.
        ready: f64,
        /// Whether it never will be.
        failed: bool,
        /// Whether part of it is wrong without a sign.
        stale: bool,
    },
}

/// What the engine did in a tick, in seconds of its GPUs unless told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Kernels ran.
    pub active: f64,
    /// Tensor pipes would have needed at their peak.
    pub tensor: f64,
    /// Memory would have needed at its published bandwidth.
    pub memory: f64,
    /// Of `active`, most ranks waited for one.
    pub waiting: f64,
    /// Bytes to other GPUs.
    pub link_bytes: f64,
    /// Tokens given out.
    pub tokens: u64,
    /// Bytes handed over to other replicas.
    pub handed_bytes: f64,
}

/// The second that is simulated, and what holds in it.
#[derive(Debug)]
pub struct Tick<'a> {
    /// Its begin, seconds since the run's start.
    pub from: f64,
    /// Its end.
    pub to: f64,
    /// Seed of the run.
    pub seed: u64,
    /// What is wrong.
    pub conditions: &'a ReplicaConditions,
    /// Share of the processor time asked for that is given.
    pub cpu: f64,
    /// Share of the published bandwidth to the host.
    pub pcie: f64,
    /// Share of the fabric between hosts.
    pub fabric: f64,
    /// Seconds by which tokens are late on their way out.
    pub lag: f64,
    /// Receives what left.
    pub outcomes: &'a mut Vec<Outcome>,
    /// Counts.
    pub meters: &'a mut Meters,
}

/// Seconds of the host between two steps, and for each running request more.
const STEP_HOST: f64 = 0.8e-3;
const REQUEST_HOST: f64 = 8e-6;
/// Seconds of the host for each request whose next token must fit a grammar.
const GRAMMAR_HOST: f64 = 60e-6;
/// Bytes of an adapter, and seconds of the host to make it usable.
const ADAPTER_BYTES: f64 = 3.2e8;
const ADAPTER_HOST: f64 = 0.06;
/// Largest batch that was captured as a graph.
const LARGEST_GRAPH: u64 = 512;
/// From this multiple of the host's usual time on, graphs cannot have been used.
const EAGER_OVERHEAD: f64 = 3.0;
/// Bytes a second of a hand-over from each GPU: 400 Gbit/s, half reached.
const HANDOVER: f64 = 25e9;
/// Seconds to agree on a hand-over.
const HANDOVER_SECONDS: f64 = 0.004;
/// After this long a hand-over that failed is given up by who waits for it, and by who offers it.
const HANDOVER_WAIT: f64 = 15.0;
const HANDOVER_LEASE: f64 = 60.0;
/// What a scheduler that collapsed still runs, as a part of what it ran (SGLang #26248: 14 times fewer tokens).
const COLLAPSE: u32 = 14;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Ready,
    Go,
    Release,
    GiveUp,
}

/// What happens when: time (bits of a positive number sort as it does), order of planning, what, slot and generation.
type Due = (u64, u64, Event, u32, u32);

/// A step about to be made.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    cost: Cost,
    seconds: f64,
}

/// The engine.
#[derive(Debug)]
pub struct Engine {
    spec: ReplicaSpec,
    roofline: Roofline,
    blocks: Blocks,
    batch: Batch,
    slots: Slots,
    adapters: Adapters,
    random: Random,
    /// Running requests, by when they were admitted; ones that left are dropped later.
    order: Vec<(u32, u32)>,
    running: u32,
    structured: u32,
    /// Running requests whose pictures are worked on, and most of them in the tick.
    pictures: u32,
    most_pictures: u32,
    prefilling: VecDeque<(u32, u32)>,
    chunks: Vec<(u32, u32)>,
    /// Prompt tokens of running requests to compute still.
    pending: u64,
    waiting: VecDeque<(u32, u32)>,
    waits: u32,
    for_adapter: Vec<(u32, u32)>,
    for_adapters: u32,
    for_grammar: u32,
    for_transfer: u32,
    /// Caches of prompts that wait to be fetched.
    offered: u32,
    events: BinaryHeap<Reverse<Due>>,
    /// When clients give up, by the second: nearly all are answered long before.
    deadlines: BTreeMap<u64, Vec<(f64, u32, u32)>>,
    sequence: u64,
    tickets: u32,
    /// Most tokens that running requests may still make, as of their admission, and their
    /// contexts when they joined the batch.
    promised: i64,
    joined: i64,
    collapsed: Option<u32>,
    /// Whether those that are to be thrown out once have been.
    retracted: bool,
    /// Whether someone was preempted for the step that comes: nobody is admitted before it.
    preempting: bool,
    clock: f64,
    jitter: f64,
    /// Seconds since decoding requests last got a token.
    since: f64,
    /// Seconds that the next step takes longer, for adapters to be loaded or kernels to be compiled.
    stall: f64,
    usage: Usage,
    /// When the links to other replicas are free.
    link: f64,
    /// Seconds of the step that is being made.
    under_way: f64,
}

impl Engine {
    /// An idle engine at `time` with so many blocks.
    pub fn new(spec: ReplicaSpec, blocks: u64, random: Random, time: f64) -> Self {
        Self {
            spec,
            roofline: Roofline::new(spec.model, spec.accelerator, spec.gpus),
            blocks: Blocks::new(blocks),
            batch: Batch::new(spec.block),
            slots: Slots::default(),
            adapters: Adapters::default(),
            random,
            order: Vec::new(),
            running: 0,
            structured: 0,
            pictures: 0,
            most_pictures: 0,
            prefilling: VecDeque::new(),
            chunks: Vec::new(),
            pending: 0,
            waiting: VecDeque::new(),
            waits: 0,
            for_adapter: Vec::new(),
            for_adapters: 0,
            for_grammar: 0,
            for_transfer: 0,
            offered: 0,
            events: BinaryHeap::new(),
            deadlines: BTreeMap::new(),
            sequence: 0,
            tickets: 0,
            promised: 0,
            joined: 0,
            collapsed: None,
            retracted: false,
            preempting: false,
            clock: time,
            jitter: 1.0,
            since: 0.0,
            stall: 0.0,
            usage: Usage::default(),
            link: time,
            under_way: 0.0,
        }
    }

    /// Requests inside, the ones at the front end too.
    pub fn inside(&self) -> usize {
        self.slots.count()
    }

    /// Blocks there are.
    pub fn total_blocks(&self) -> u64 {
        self.blocks.total()
    }

    /// Blocks that requests hold.
    pub fn held(&self) -> u64 {
        self.blocks.total() - self.blocks.available()
    }

    /// There are so many blocks from now on.
    pub fn resize(&mut self, blocks: u64) {
        self.blocks.resize(blocks);
    }

    /// The time of the step under way, and how long the first in the queue has waited.
    pub fn delay(&self, now: f64) -> (f64, f64) {
        let first = self.waiting.iter().find_map(|(slot, generation)| {
            self.slots.live(*slot, *generation).map(|slot| now - slot.queued)
        });
        (self.under_way, first.unwrap_or(0.0))
    }

    /// The next step takes so many seconds longer.
    pub fn pause(&mut self, seconds: f64) {
        self.stall += seconds;
    }

    /// What it did since the last call.
    pub fn take_usage(&mut self) -> Usage {
        std::mem::take(&mut self.usage)
    }

    /// Most pictures that were worked on at once since the last call.
    pub fn take_pictures(&mut self) -> u32 {
        std::mem::replace(&mut self.most_pictures, self.pictures)
    }

    /// Adapters that running requests use.
    pub fn adapters(&self) -> &Adapters {
        &self.adapters
    }

    /// What the hardware gives from now on.
    pub fn roofline(&mut self) -> &mut Roofline {
        &mut self.roofline
    }

    /// A request arrives at `time`; its prompt is ready at `ready`, its grammar at `compiled`.
    pub fn accept(&mut self, request: Request, time: f64, ready: f64, compiled: Option<f64>) {
        let (slot, generation) = self.slots.add(request, time);
        self.push(ready, Event::Ready, slot, generation);
        if let Some(compiled) = compiled {
            self.push(compiled, Event::Go, slot, generation);
        }
        self.deadline(request.deadline.max(time), slot, generation);
    }

    /// A request arrives whose cache will be there at `handed`, or is given up if it `failed`.
    pub fn accept_handed(
        &mut self,
        request: Request,
        (time, ready): (f64, f64),
        handed: f64,
        failed: bool,
        stale: bool,
    ) {
        let (slot, generation) = self.slots.add(request, time);
        let entry = self.slots.get_mut(slot);
        (entry.handed, entry.lost, entry.stale) = (true, failed, stale && !failed);
        self.push(ready, Event::Ready, slot, generation);
        let go = if failed { ready + HANDOVER_WAIT } else { handed.max(ready) };
        self.push(go, Event::Go, slot, generation);
        self.deadline(request.deadline.max(time), slot, generation);
    }

    /// Everything inside fails, and nothing is remembered.
    pub fn fail_all(&mut self, time: f64, outcomes: &mut Vec<Outcome>) {
        for index in self.slots.used().collect::<Vec<_>>() {
            let slot = *self.slots.get(index);
            if slot.place != Place::Held && !slot.given_up {
                outcomes.push(Outcome {
                    request: slot.request,
                    end: End::Failed,
                    time,
                    first_token: slot.first_token,
                    output: 0,
                    stale: false,
                });
            }
        }
        let random = self.random.clone();
        *self = Self::new(self.spec, self.blocks.total(), random, time);
    }

    /// Makes steps until the end of the tick.
    pub fn run(&mut self, tick: &mut Tick<'_>) {
        self.under_way = 0.0;
        self.due(tick.to);
        if tick.conditions.hung >= 0.5 {
            self.hang(tick);
            return;
        }
        let mut stepped = false;
        loop {
            self.deliver(self.clock, false, tick);
            self.admit(tick);
            if self.running == 0 {
                let next =
                    self.events.peek().map_or(f64::INFINITY, |next| f64::from_bits(next.0.0));
                self.clock = self.clock.max(next.min(tick.to));
                if next > tick.to {
                    break;
                }
                continue;
            }
            let went =
                if self.pending > 0 { self.chunk_step(tick) } else { self.decode_steps(tick) };
            if !went {
                break;
            }
            stepped = true;
        }
        if stepped || self.running == 0 {
            self.read_gauges(tick);
        }
    }

    /// No steps: kernels spin, clients give up, readings stay as they were.
    fn hang(&mut self, tick: &mut Tick<'_>) {
        if self.running > 0 {
            self.usage.active += tick.to - tick.from;
        }
        self.clock = tick.to;
        self.under_way = tick.to - tick.from;
        self.deliver(tick.to, true, tick);
    }

    fn read_gauges(&mut self, tick: &mut Tick<'_>) {
        let now = &mut tick.meters.now;
        now.running = f64::from(self.running);
        now.waiting = f64::from(self.waits);
        now.deferred = f64::from(self.for_adapters + self.for_grammar + self.for_transfer);
        now.grammar = f64::from(self.for_grammar);
        now.transfer = f64::from(self.for_transfer);
        now.offered = f64::from(self.offered);
        now.reserved = tick.conditions.reserved_output;
        now.usage = self.blocks.usage();
        now.held = self.held() as f64;
        now.remembered = self.blocks.remembered() as f64;
        now.context = self.batch.context() as f64;
        now.adapters = self.adapters.loaded() as f64;
        now.throughput = self.usage.tokens as f64 / (tick.to - tick.from);
        let ranks = f64::from(self.spec.gpus) - 1.0;
        now.balance = 1.0 / (1.0 + tick.conditions.expert_skew.clamp(0.0, 1.0) * ranks);
    }

    fn leave(&self, slot: &super::slot::Slot, end: End, time: f64, tick: &mut Tick<'_>) {
        tick.outcomes.push(Outcome {
            request: slot.request,
            end,
            time,
            first_token: slot.first_token,
            output: slot.request.output,
            stale: slot.stale,
        });
    }
}

//! The router before the replicas: where a request goes, who is well, what it counts.

use crate::conditions::ReplicaConditions;
use crate::page::{Answer, Histogram};
use crate::workload::{Class, Request};

use super::{End, Replica, Role};

/// How the router chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// The replica with the fewest requests inside, for its weight.
    LeastLoaded,
    /// The replica that the session was on.
    SessionAffinity,
}

/// Seconds between health checks of a replica, and the longest wait for their answer.
const PROBE_EVERY: u64 = 5;
const PROBE_TIMEOUT: f64 = 1.0;
/// Checks in a row that fail before a replica gets nothing new.
const PROBES_FAILED: u32 = 2;

/// Bounds of the router's latency histograms, seconds.
pub(crate) const LATENCY: &[f64] =
    &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 240.0];

/// What the router counts of one replica.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "named as what they count")]
pub struct Worker {
    pub healthy: bool,
    /// Requests that the router sent there and that have not come back.
    pub running: i64,
    pub sent: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub timed_out: u64,
    pub ejections: u64,
    pub probes_failed: u64,
    pub duration: Histogram,
    in_a_row: u32,
}

impl Worker {
    fn new(healthy: bool) -> Self {
        Self {
            healthy,
            running: 0,
            sent: 0,
            succeeded: 0,
            failed: 0,
            timed_out: 0,
            ejections: 0,
            probes_failed: 0,
            duration: Histogram::new(LATENCY),
            in_a_row: 0,
        }
    }
}

/// What the router counts of one kind of request, as its client sees it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "named as what they count")]
pub struct Route {
    pub requests: u64,
    pub answered: u64,
    pub failed: u64,
    pub timed_out: u64,
    pub first_token: Histogram,
    pub duration: Histogram,
    pub prompt_tokens: u64,
    pub output_tokens: u64,
}

/// The router of one service.
#[derive(Debug)]
pub struct Router {
    policy: Policy,
    workers: Vec<Worker>,
    routes: Vec<Route>,
    retries: u64,
    /// Requests for which no replica was left.
    unrouted: u64,
    /// Requests answered by another variant than was asked for.
    misrouted: u64,
    /// Requests that clients sent again.
    duplicates: u64,
    weights: Vec<f64>,
    cumulative: Vec<(f64, usize)>,
}

impl Router {
    /// A router before so many replicas.
    pub fn new(policy: Policy, replicas: usize) -> Self {
        let route = Route {
            requests: 0,
            answered: 0,
            failed: 0,
            timed_out: 0,
            first_token: Histogram::new(LATENCY),
            duration: Histogram::new(LATENCY),
            prompt_tokens: 0,
            output_tokens: 0,
        };
        Self {
            policy,
            workers: vec![Worker::new(true); replicas],
            routes: vec![route; Class::ALL.len()],
            retries: 0,
            unrouted: 0,
            misrouted: 0,
            duplicates: 0,
            weights: vec![1.0; replicas],
            cumulative: Vec::new(),
        }
    }

    /// One more replica, which gets nothing before its health was seen.
    pub fn add(&mut self) {
        self.workers.push(Worker::new(false));
        self.weights.push(1.0);
    }

    /// What it counts of each replica.
    pub fn workers(&self) -> &[Worker] {
        &self.workers
    }

    /// What it counts of each kind of request, in the order of [`Class::ALL`].
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Requests that it tried on another replica because one refused them.
    pub fn retries(&self) -> u64 {
        self.retries
    }

    /// Requests for which no replica was left.
    pub fn unrouted(&self) -> u64 {
        self.unrouted
    }

    /// Requests that another variant of the model answered than was asked for.
    pub fn misrouted(&self) -> u64 {
        self.misrouted
    }

    /// Requests that clients sent again.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Checks the replicas whose turn it is, and takes up their weights.
    pub fn probe(&mut self, second: u64, replicas: &[Replica], conditions: &[ReplicaConditions]) {
        for (index, (replica, conditions)) in replicas.iter().zip(conditions).enumerate() {
            self.weights[index] = conditions.routing_weight.max(0.0);
            if !(second + index as u64).is_multiple_of(PROBE_EVERY) {
                continue;
            }
            let well = matches!(replica.health(second as f64), Answer::Page(wait) if wait <= PROBE_TIMEOUT);
            let worker = &mut self.workers[index];
            worker.in_a_row = if well { 0 } else { worker.in_a_row + 1 };
            worker.probes_failed += u64::from(!well);
            if worker.healthy && worker.in_a_row >= PROBES_FAILED {
                worker.healthy = false;
                worker.ejections += 1;
            } else if well {
                worker.healthy = true;
            }
        }
        self.cumulative.clear();
        let mut sum = 0.0;
        for (index, replica) in replicas.iter().enumerate() {
            if self.workers[index].healthy && replica.role() != Role::Decode {
                sum += self.weights[index];
                self.cumulative.push((sum, index));
            }
        }
    }

    /// A client's request comes in.
    pub fn asked(&mut self, request: &Request) {
        let route = &mut self.routes[request.class as usize];
        route.requests += 1;
        route.prompt_tokens += u64::from(request.prompt);
        self.duplicates += u64::from(request.attempt > 0);
    }

    /// Where the request goes; `tried` refused it already. `None` when nobody is left.
    pub fn choose(&mut self, request: &Request, tried: Option<usize>) -> Option<usize> {
        let (total, _) = *self.cumulative.last()?;
        let chosen = if request.scatter < 1.0 {
            self.at(request.scatter * total)
        } else if self.policy == Policy::SessionAffinity && tried.is_none() {
            self.at(spread(request.session) * total)
        } else {
            let load = |index: usize| {
                (self.workers[index].running + 1) as f64 / self.weights[index].max(1e-6)
            };
            self.cumulative
                .iter()
                .map(|(_, index)| *index)
                .filter(|index| Some(*index) != tried)
                .min_by(|a, b| load(*a).total_cmp(&load(*b)))?
        };
        self.send(chosen);
        self.retries += u64::from(tried.is_some());
        Some(chosen)
    }

    /// The replica for the answer of a request whose prompt is done: the one with the fewest inside.
    pub fn choose_decode(&mut self, replicas: &[Replica]) -> Option<usize> {
        let chosen = (0..replicas.len())
            .filter(|index| replicas[*index].role() == Role::Decode && self.workers[*index].healthy)
            .min_by_key(|index| (self.workers[*index].running, *index))?;
        self.send(chosen);
        Some(chosen)
    }

    fn send(&mut self, index: usize) {
        self.workers[index].running += 1;
        self.workers[index].sent += 1;
    }

    fn at(&self, place: f64) -> usize {
        let position = self.cumulative.partition_point(|(sum, _)| *sum <= place);
        self.cumulative[position.min(self.cumulative.len() - 1)].1
    }

    /// Nobody was left for a request.
    pub fn turned_away(&mut self, request: &Request) {
        self.unrouted += 1;
        let route = &mut self.routes[request.class as usize];
        route.failed += 1;
        route.duration.observe(0.0);
    }

    /// A request left replica `index`, which had it for `seconds`.
    pub fn back(&mut self, index: usize, end: End, seconds: f64) {
        let worker = &mut self.workers[index];
        worker.running -= 1;
        match end {
            End::Stop | End::Length | End::HandedOff { .. } => {
                worker.succeeded += 1;
                worker.duration.observe(seconds);
            }
            End::GaveUp => worker.timed_out += 1,
            End::Failed => worker.failed += 1,
        }
    }

    /// A client has its answer, or none, after `seconds`; the first token after `first`.
    pub fn done(
        &mut self,
        request: &Request,
        end: End,
        first: Option<f64>,
        seconds: f64,
        output: u32,
    ) {
        let route = &mut self.routes[request.class as usize];
        // Operations that fail have a duration, too, as OpenTelemetry's convention has it.
        if !matches!(end, End::HandedOff { .. }) {
            route.duration.observe(seconds);
        }
        match end {
            End::Stop | End::Length => {
                route.answered += 1;
                self.misrouted += u64::from(request.misrouted);
                route.output_tokens += u64::from(output);
                if let Some(first) = first {
                    route.first_token.observe(first);
                }
            }
            End::GaveUp => route.timed_out += 1,
            End::Failed => route.failed += 1,
            End::HandedOff { .. } => {}
        }
    }
}

/// Evenly over [0, 1) by number.
fn spread(session: u64) -> f64 {
    let mut z = session.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    ((z ^ (z >> 32)) >> 11) as f64 / (1_u64 << 53) as f64
}

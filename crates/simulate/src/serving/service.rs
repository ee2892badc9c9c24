//! A service: its clients, its router, its replicas, second by second.

use crate::conditions::{ReplicaConditions, ServiceConditions};
use crate::supply::{GpuSupply, HostSupply};
use crate::workload::{Arrivals, Request, Trace, Workload};

use super::replica::Arrival;
use super::router::{Policy, Router};
use super::{End, Outcome, Replica, ReplicaSpec, Role};

/// One served model.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceSpec {
    /// Its name.
    pub name: String,
    /// What its clients do.
    pub workload: Workload,
    /// How its router chooses.
    pub policy: Policy,
    /// Its replicas.
    pub replicas: Vec<ReplicaSpec>,
    /// Unix time of second 0.
    pub start: f64,
}

/// What a replica is given in a second.
#[derive(Debug, Clone, Copy, Default)]
pub struct Supply {
    /// The slowest of its GPUs.
    pub gpu: GpuSupply,
    /// Its host.
    pub host: HostSupply,
}

/// What clients got in one second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Clients {
    /// Requests sent, retries too.
    pub sent: u64,
    /// Answers that came to an end.
    pub answered: u64,
    /// Requests given up.
    pub gave_up: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Answers made of a cache that was wrong without a sign.
    pub stale: u64,
    /// Tokens of answers that came to an end.
    pub tokens: u64,
}

/// A served model at work.
///
/// Time is in seconds since the run's start; [`ServiceSpec::start`] says which Unix time second 0 is.
/// Within a second everything happens at its exact time.
///
/// ```
/// # use auscult_simulate::{conditions::*, serving::*, workload::*};
/// let spec = ServiceSpec {
///     name: "chat".to_owned(),
///     workload: Workload { rate: 5.0, rhythm: Rhythm::flat(), ..Workload::default() },
///     policy: Policy::SessionAffinity,
///     replicas: vec![ReplicaSpec::default(); 2],
///     start: 1.8e9,
/// };
/// let mut service = Service::new(&spec, 7);
/// let (supply, conditions) = (vec![Supply::default(); 2], vec![ReplicaConditions::default(); 2]);
/// for second in 0..60 {
///     service.advance(second, &supply, &conditions, &ServiceConditions::default());
/// }
/// assert!(service.replicas()[0].meters().prompt_tokens > 0);
/// ```
#[derive(Debug)]
pub struct Service {
    name: String,
    start: f64,
    seed: u64,
    arrivals: Arrivals,
    router: Router,
    replicas: Vec<Replica>,
    inboxes: Vec<Vec<Arrival>>,
    outcomes: Vec<Outcome>,
    requests: Vec<Request>,
    clients: Clients,
}

impl Service {
    /// A service whose replicas have served for an hour, with nobody inside yet.
    pub fn new(spec: &ServiceSpec, seed: u64) -> Self {
        let longest = spec.replicas.iter().map(|replica| replica.model.longest).min();
        let replicas: Vec<Replica> = spec
            .replicas
            .iter()
            .enumerate()
            .map(|(index, replica)| Replica::new(*replica, seed, index))
            .collect();
        Self {
            name: spec.name.clone(),
            start: spec.start,
            seed,
            arrivals: Arrivals::new(spec.workload, seed, spec.start, longest.unwrap_or(32_768)),
            router: Router::new(spec.policy, replicas.len()),
            inboxes: vec![Vec::new(); replicas.len()],
            replicas,
            outcomes: Vec::new(),
            requests: Vec::new(),
            clients: Clients::default(),
        }
    }

    /// From now on clients ask what is in `trace`, in place of what is drawn.
    pub fn replay(&mut self, trace: Trace) {
        self.arrivals.replay(trace);
    }

    /// One more replica is started at `second`, `slowness` times as slowly as usual; it serves when its start is done.
    pub fn scale_out(&mut self, spec: ReplicaSpec, second: u64, slowness: f64) {
        let index = self.replicas.len();
        self.replicas.push(Replica::starting(spec, self.seed, index, second, slowness));
        self.inboxes.push(Vec::new());
        self.router.add();
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Unix time of second 0.
    pub fn start(&self) -> f64 {
        self.start
    }

    /// Its replicas.
    pub fn replicas(&self) -> &[Replica] {
        &self.replicas
    }

    /// One of its replicas, to be scraped.
    pub fn replica_mut(&mut self, index: usize) -> &mut Replica {
        &mut self.replicas[index]
    }

    /// Its router.
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// What clients got in the last second.
    pub fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Simulates the second from `second` on; `supply` and `conditions` are by replica.
    ///
    /// # Panics
    ///
    /// When `supply` or `conditions` are not as many as replicas.
    pub fn advance(
        &mut self,
        second: u64,
        supply: &[Supply],
        conditions: &[ReplicaConditions],
        service: &ServiceConditions,
    ) {
        assert_eq!(supply.len(), self.replicas.len(), "a supply for each replica");
        assert_eq!(conditions.len(), self.replicas.len(), "conditions for each replica");
        self.clients = Clients::default();
        self.router.probe(second, &self.replicas, conditions);
        let mut requests = std::mem::take(&mut self.requests);
        self.arrivals.of_second(second, service, &mut requests);
        for request in requests.drain(..) {
            self.clients.sent += 1;
            self.router.asked(&request);
            self.route(request, second, service);
        }
        self.requests = requests;
        // Prompts first: a cache that is handed over can be fetched in the same second.
        for part in [Role::Prefill, Role::Both, Role::Decode] {
            for index in 0..self.replicas.len() {
                if self.replicas[index].role() != part {
                    continue;
                }
                let mut inbox = std::mem::take(&mut self.inboxes[index]);
                if part == Role::Decode {
                    inbox.sort_by(|a, b| a.time.total_cmp(&b.time));
                }
                let mut outcomes = std::mem::take(&mut self.outcomes);
                self.replicas[index].advance(
                    second,
                    &inbox,
                    (&supply[index].gpu, &supply[index].host),
                    (&conditions[index], service),
                    &mut outcomes,
                );
                inbox.clear();
                self.inboxes[index] = inbox;
                for outcome in outcomes.drain(..) {
                    self.came_back(index, &outcome, service);
                }
                self.outcomes = outcomes;
            }
        }
    }

    fn route(&mut self, request: Request, second: u64, service: &ServiceConditions) {
        let mut chosen = self.router.choose(&request, None);
        // A replica that takes nothing refuses at once, and the router tries another.
        if let Some(index) = chosen
            && !self.replicas[index].process().accepting()
        {
            self.router.back(index, End::Failed, 0.0);
            chosen = self.router.choose(&request, Some(index));
        }
        match chosen {
            Some(index) => {
                self.inboxes[index].push(Arrival { time: request.sent, request, handed: None });
            }
            None => {
                self.router.turned_away(&request);
                self.clients.failed += 1;
                self.arrivals.unanswered(&request, second as f64 + 1.0, service);
            }
        }
    }

    fn came_back(&mut self, index: usize, outcome: &Outcome, service: &ServiceConditions) {
        let request = &outcome.request;
        self.router.back(index, outcome.end, outcome.time - request.sent);
        if let End::HandedOff { ready, failed, stale } = outcome.end {
            match self.router.choose_decode(&self.replicas) {
                Some(decode) => self.inboxes[decode].push(Arrival {
                    time: outcome.time,
                    request: *request,
                    handed: Some((ready, failed, stale)),
                }),
                None => {
                    self.router.turned_away(request);
                    self.clients.failed += 1;
                    self.arrivals.unanswered(request, outcome.time, service);
                }
            }
            return;
        }
        let first = outcome.first_token.map(|first| first - request.sent);
        let seconds = outcome.time - request.sent;
        self.router.done(request, outcome.end, first, seconds, outcome.output);
        match outcome.end {
            End::Stop | End::Length => {
                self.clients.answered += 1;
                self.clients.tokens += u64::from(outcome.output);
                self.clients.stale += u64::from(outcome.stale);
                self.arrivals.answered(request, outcome.output, outcome.time);
            }
            End::GaveUp => {
                self.clients.gave_up += 1;
                self.arrivals.unanswered(request, outcome.time, service);
            }
            End::Failed => {
                self.clients.failed += 1;
                self.arrivals.unanswered(request, outcome.time, service);
            }
            End::HandedOff { .. } => {}
        }
    }
}

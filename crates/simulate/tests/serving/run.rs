//! Runs a service under given conditions and sums up what was seen.

use auscult_simulate::conditions::{ReplicaConditions, ServiceConditions};
use auscult_simulate::page::Histogram;
use auscult_simulate::serving::{
    Clients, Meters, Policy, ReplicaSpec, Router, Service, ServiceSpec, Supply,
};
use auscult_simulate::workload::{Class, Rhythm, Workload};

/// A run: what serves, who asks, what is wrong.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) spec: ServiceSpec,
    pub(crate) service: ServiceConditions,
    pub(crate) replicas: Vec<ReplicaConditions>,
    pub(crate) supply: Vec<Supply>,
    /// Seconds in health before what is wrong begins, and seconds of it.
    pub(crate) warm: u64,
    pub(crate) seconds: u64,
    pub(crate) seed: u64,
}

/// What was seen after the warm-up, by replica unless told.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) seconds: f64,
    pub(crate) before: Vec<Meters>,
    pub(crate) after: Vec<Meters>,
    /// Means over the seconds.
    pub(crate) running: Vec<f64>,
    pub(crate) waiting: Vec<f64>,
    pub(crate) deferred: Vec<f64>,
    pub(crate) usage: Vec<f64>,
    pub(crate) active: Vec<f64>,
    pub(crate) tensor: Vec<f64>,
    pub(crate) dram: Vec<f64>,
    /// Highest of the seconds.
    pub(crate) most_usage: Vec<f64>,
    pub(crate) most_running: Vec<f64>,
    pub(crate) clients: Clients,
    pub(crate) service: Service,
}

impl Run {
    /// So many 8B replicas with so many requests a second together, all well.
    pub(crate) fn new(replicas: usize, rate: f64) -> Self {
        let workload = Workload { rate, rhythm: Rhythm::flat(), ..Workload::default() };
        Self {
            spec: ServiceSpec {
                name: "chat".to_owned(),
                workload,
                policy: Policy::SessionAffinity,
                replicas: vec![ReplicaSpec::default(); replicas],
                start: 1.8e9,
            },
            service: ServiceConditions::default(),
            replicas: vec![ReplicaConditions::default(); replicas],
            supply: vec![Supply::default(); replicas],
            warm: 150,
            seconds: 240,
            seed: 11,
        }
    }

    /// Runs it in health for the warm-up, then with what is wrong.
    pub(crate) fn run(&self) -> Summary {
        self.run_with(|_, _| {})
    }

    /// Runs it, and looks at each second after the warm-up.
    pub(crate) fn run_with(&self, mut look: impl FnMut(u64, &mut Service)) -> Summary {
        let count = self.spec.replicas.len();
        let mut service = Service::new(&self.spec, self.seed);
        let well = (vec![Supply::default(); count], vec![ReplicaConditions::default(); count]);
        for second in 0..self.warm {
            service.advance(second, &well.0, &well.1, &ServiceConditions::default());
        }
        let meters = |service: &Service| -> Vec<Meters> {
            service.replicas().iter().map(|replica| replica.counted().clone()).collect()
        };
        let before = meters(&service);
        let zero = || vec![0.0; count];
        let mut clients = Clients::default();
        let (mut running, mut waiting, mut deferred, mut usage) = (zero(), zero(), zero(), zero());
        let (mut active, mut tensor, mut dram) = (zero(), zero(), zero());
        let (mut most_usage, mut most_running) = (zero(), zero());
        for second in self.warm..self.warm + self.seconds {
            service.advance(second, &self.supply, &self.replicas, &self.service);
            let got = *service.clients();
            clients.sent += got.sent;
            clients.answered += got.answered;
            clients.gave_up += got.gave_up;
            clients.failed += got.failed;
            clients.stale += got.stale;
            clients.tokens += got.tokens;
            for (index, replica) in service.replicas().iter().enumerate() {
                let (now, part) = (&replica.counted().now, 1.0 / self.seconds as f64);
                running[index] += now.running * part;
                waiting[index] += now.waiting * part;
                deferred[index] += now.deferred * part;
                usage[index] += now.usage * part;
                most_usage[index] = now.usage.max(most_usage[index]);
                most_running[index] = now.running.max(most_running[index]);
                let gpu = &replica.demand().busiest;
                active[index] += gpu.active * part;
                tensor[index] += gpu.tensor * part;
                dram[index] += gpu.dram * part;
            }
            look(second, &mut service);
        }
        let after = meters(&service);
        let seconds = self.seconds as f64;
        Summary {
            seconds,
            before,
            after,
            running,
            waiting,
            deferred,
            usage,
            active,
            tensor,
            dram,
            most_usage,
            most_running,
            clients,
            service,
        }
    }
}

impl Summary {
    /// Growth a second of a count, over all replicas.
    pub(crate) fn rate(&self, count: impl Fn(&Meters) -> u64) -> f64 {
        (0..self.after.len()).map(|index| self.rate_of(index, &count)).sum()
    }

    /// Growth a second of a count of one replica; of one that started anew, since then.
    pub(crate) fn rate_of(&self, index: usize, count: impl Fn(&Meters) -> u64) -> f64 {
        let (before, after) = (count(&self.before[index]), count(&self.after[index]));
        after.checked_sub(before).unwrap_or(after) as f64 / self.seconds
    }

    /// Mean of what a distribution took in, over all replicas.
    pub(crate) fn mean(&self, histogram: impl Fn(&Meters) -> &Histogram) -> f64 {
        let pairs = || self.before.iter().zip(&self.after);
        let sum: f64 =
            pairs().map(|(before, after)| histogram(after).sum() - histogram(before).sum()).sum();
        let count: u64 = pairs()
            .map(|(before, after)| histogram(after).count() - histogram(before).count())
            .sum();
        sum / count.max(1) as f64
    }

    /// Growth a second of what only grows, over all replicas.
    pub(crate) fn grown(&self, sum: impl Fn(&Meters) -> f64) -> f64 {
        let pairs = self.before.iter().zip(&self.after);
        pairs.map(|(before, after)| sum(after) - sum(before)).sum::<f64>() / self.seconds
    }

    /// Share of observations above a bound of the first replica's distribution.
    pub(crate) fn share_above(&self, histogram: impl Fn(&Meters) -> &Histogram, bound: f64) -> f64 {
        let (before, after) = (histogram(&self.before[0]), histogram(&self.after[0]));
        let count = (after.count() - before.count()).max(1) as f64;
        (after.count_above(bound) - before.count_above(bound)) as f64 / count
    }

    /// The same of one replica.
    pub(crate) fn mean_of(&self, index: usize, histogram: impl Fn(&Meters) -> &Histogram) -> f64 {
        let (before, after) = (histogram(&self.before[index]), histogram(&self.after[index]));
        (after.sum() - before.sum()) / (after.count() - before.count()).max(1) as f64
    }

    /// Share of looked-for prompt tokens that were found.
    pub(crate) fn hit_ratio(&self) -> f64 {
        self.rate(|meters| meters.hits) / self.rate(|meters| meters.queries).max(1e-9)
    }

    /// Time to the first token less queue and prompt: what the front end took.
    pub(crate) fn residual(&self) -> f64 {
        self.mean(|meters| &meters.ttft)
            - self.mean(|meters| &meters.queue)
            - self.mean(|meters| &meters.prefill)
    }

    /// Steps a second.
    pub(crate) fn steps(&self) -> f64 {
        self.rate(|meters| meters.steps)
    }

    /// Tokens given out a second.
    pub(crate) fn generated(&self) -> f64 {
        self.rate(|meters| meters.generation_tokens)
    }

    /// The router.
    pub(crate) fn router(&self) -> &Router {
        self.service.router()
    }
}

/// Fails unless `more` is at least `factor` times `less`.
#[track_caller]
pub(crate) fn differs(less: f64, more: f64, factor: f64) {
    assert!(more >= factor * less, "{more} is not {factor} times {less}");
}

/// Fails unless both are the same but for a share of the first.
#[track_caller]
pub(crate) fn similar(one: f64, other: f64, share: f64) {
    assert!(
        (other - one).abs() <= share * one.abs(),
        "{one} and {other} differ by more than {share}"
    );
}

/// Mean time to the first token of one kind of request, as clients see it since the run's start.
pub(crate) fn first_token(summary: &Summary, class: Class) -> f64 {
    let route = &summary.router().routes()[class as usize];
    route.first_token.sum() / route.first_token.count().max(1) as f64
}

//! How long a job would have taken, had this or that been as usual.

use super::causes::{Cause, causes};
use super::graph::Graph;
use super::trace::{Operation, OperationKind as Kind, Trace, TraceError, Worker};

/// Share of the workers that count as the worst.
const WORST: f64 = 0.03;

/// A part of the job, and how much slower the ideal job is with only this part
/// as it really was.
#[derive(Debug, Clone, PartialEq)]
pub struct Slowdown<P> {
    /// The part.
    pub part: P,
    /// Time over ideal time: 1 for a part that costs nothing.
    pub factor: f64,
}

/// What is won back when a part of the job is mended.
#[derive(Debug, Clone, PartialEq)]
pub struct Mended<P> {
    /// The part.
    pub part: P,
    /// Share of the time lost that is won back; a little below 0 where mending
    /// costs.
    pub share: f64,
}

/// What [`what_if`] found. Times are means over steps, in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct WhatIf {
    /// Steps that were replayed.
    pub steps: usize,
    /// Time of a step as measured.
    pub measured: f64,
    /// Time of a step replayed with the real durations: what no recorded
    /// operation accounts for (launch delays) is left out.
    pub real: f64,
    /// Time of a step in which every operation takes the usual time of its kind.
    pub ideal: f64,
    /// `real / ideal`.
    pub slowdown: f64,
    /// By kind of operation, the slowest first; both ends of transfers between
    /// stages together.
    pub kinds: Vec<Slowdown<&'static str>>,
    /// By stage of the pipeline, the slowest first.
    pub stages: Vec<Slowdown<u32>>,
    /// By data-parallel rank, the slowest first.
    pub ranks: Vec<Slowdown<u32>>,
    /// By worker, the slowest first: the smaller of the slowdowns of its rank
    /// and its stage.
    pub workers: Vec<Slowdown<Worker>>,
    /// The worst 3 % of the workers, at least one, mended: `Mw`.
    pub worst_workers: Mended<Vec<Worker>>,
    /// Each stage mended, by stage; the last one is `Ms`.
    pub mended_stages: Vec<Mended<u32>>,
    /// All communication mended.
    pub communication: f64,
    /// Every micro-batch mended to the mean of its worker and kind.
    pub even_batches: f64,
    /// Correlation of the times that micro-batches take forward and backward,
    /// over all workers, each held against its mean; `None` without any spread.
    pub batch_correlation: Option<f64>,
    /// What is wrong, the greatest share first; empty when the job is about as
    /// fast as it can be.
    pub causes: Vec<Cause>,
}

impl WhatIf {
    /// Share of the time lost that is won back by mending the last stage.
    #[must_use]
    pub fn last_stage(&self) -> f64 {
        self.mended_stages.last().map_or(0.0, |mended| mended.share)
    }
}

/// A trace, its graph, and durations to choose from.
pub(super) struct Job<'t> {
    operations: &'t [Operation],
    graph: &'t Graph,
    real: Vec<f64>,
    ideal: Vec<f64>,
    pub(super) ideal_time: f64,
    pub(super) real_time: f64,
}

/// Replays a training job with usual durations for parts of it, to tell which
/// part makes it slow.
///
/// The job is synchronous, with data, tensor and pipeline parallelism, one
/// stage a worker. An operation that others take part in counts from the moment
/// at which the last of them was ready: waiting is not work. The usual duration
/// of a kind is its mean for computing, its median for communication, over all
/// workers and steps. The slowdown of a part is the time of the ideal job in
/// which only that part keeps its real durations, over the ideal time; what
/// mending wins back is measured the other way round, in the real job.
///
/// Sees what is slow compared with the rest of the same job; a job slow
/// everywhere looks ideal. Time O(operations · (kinds + ranks + 2 stages)),
/// memory O(operations).
///
/// Reference: J. Lin and others, "Understanding stragglers in large model
/// training using what-if analysis", OSDI 2025. We take a transfer that ends
/// before it began, by clocks that differ, for one of no duration.
pub fn what_if(trace: &Trace) -> Result<WhatIf, TraceError> {
    let graph = Graph::of(trace)?;
    let job = Job::of(trace, &graph);
    let last_stage = trace.last_stage();
    let mut all_ranks: Vec<u32> = trace.workers().iter().map(|worker| worker.dp_rank).collect();
    all_ranks.dedup();
    let mut all_stages: Vec<u32> = trace.workers().iter().map(|worker| worker.stage).collect();
    all_stages.sort_unstable();
    all_stages.dedup();

    let mut families: Vec<&'static str> = Kind::ALL.iter().map(|kind| kind.family()).collect();
    families.sort_unstable();
    families.dedup();
    families.retain(|family| job.operations.iter().any(|one| one.kind.family() == *family));
    let kinds = slowest(families, |family| job.with(|one| one.kind.family() == *family));
    let ranks = slowest(all_ranks, |rank| job.with(|one| one.dp_rank == *rank));
    let stages = slowest(all_stages.clone(), |stage| job.with(|one| one.stage == *stage));
    let factor = |slowdowns: &[Slowdown<u32>], part: u32| {
        slowdowns.iter().find(|slowdown| slowdown.part == part).map_or(1.0, |one| one.factor)
    };
    let workers = slowest(trace.workers().to_vec(), |worker| {
        factor(&ranks, worker.dp_rank).min(factor(&stages, worker.stage))
    });

    let count = (workers.len() as f64 * WORST).ceil() as usize;
    let worst: Vec<Worker> = workers.iter().take(count.max(1)).map(|one| one.part).collect();
    let share = job.mended(|one| worst.contains(&one.worker()));
    let mended_stages = all_stages.into_iter().map(|part| {
        let share = job.mended(|one| one.stage == part);
        Mended { part, share }
    });
    let mut found = WhatIf {
        steps: trace.steps().len(),
        measured: measured(trace),
        real: job.real_time,
        ideal: job.ideal_time,
        slowdown: job.slowdown(),
        kinds,
        stages,
        ranks,
        workers,
        worst_workers: Mended { part: worst, share },
        mended_stages: mended_stages.collect(),
        communication: job.mended(|one| one.kind.is_communication()),
        even_batches: job.won_back(&job.even_batches()),
        batch_correlation: batch_correlation(trace),
        causes: Vec::new(),
    };
    found.causes = causes(&found, trace, &job.real, last_stage);
    Ok(found)
}

/// Parts with their factors, the greatest first; among equals as they came.
fn slowest<P>(parts: Vec<P>, factor: impl Fn(&P) -> f64) -> Vec<Slowdown<P>> {
    let slowdown = |part| Slowdown { factor: factor(&part), part };
    let mut all: Vec<Slowdown<P>> = parts.into_iter().map(slowdown).collect();
    all.sort_by(|one, other| other.factor.total_cmp(&one.factor));
    all
}

impl<'t> Job<'t> {
    pub(super) fn of(trace: &'t Trace, graph: &'t Graph) -> Self {
        let operations = trace.operations();
        let real = own_durations(operations, graph);
        let ideal = usual_durations(operations, &real);
        let mut job = Self { operations, graph, real, ideal, ideal_time: 0.0, real_time: 0.0 };
        job.ideal_time = job.time(&job.ideal);
        job.real_time = job.time(&job.real);
        job
    }

    fn time(&self, durations: &[f64]) -> f64 {
        let times = self.graph.step_times(durations);
        times.iter().sum::<f64>() / times.len() as f64
    }

    /// `time` over `ideal`; 1 for a job that takes no time.
    fn slowdown(&self) -> f64 {
        over(self.real_time, self.ideal_time)
    }

    /// The slowdown of the ideal job with the real durations of some operations.
    fn with(&self, is_real: impl Fn(&Operation) -> bool) -> f64 {
        let durations: Vec<f64> = (0..self.operations.len())
            .map(|at| if is_real(&self.operations[at]) { self.real[at] } else { self.ideal[at] })
            .collect();
        over(self.time(&durations), self.ideal_time)
    }

    /// The share won back with the ideal durations of some operations.
    fn mended(&self, is_ideal: impl Fn(&Operation) -> bool) -> f64 {
        self.share(self.mended_time(is_ideal))
    }

    /// Time of a step with the ideal durations of some operations.
    pub(super) fn mended_time(&self, is_ideal: impl Fn(&Operation) -> bool) -> f64 {
        let durations: Vec<f64> = (0..self.operations.len())
            .map(|at| if is_ideal(&self.operations[at]) { self.ideal[at] } else { self.real[at] })
            .collect();
        self.time(&durations)
    }

    /// The share of the time lost that these durations win back.
    fn won_back(&self, durations: &[f64]) -> f64 {
        self.share(self.time(durations))
    }

    /// The share of the time lost that is won back in a step that takes so long; 0 where
    /// nothing was lost.
    pub(super) fn share(&self, time: f64) -> f64 {
        let lost = self.real_time - self.ideal_time;
        if lost <= 0.0 { 0.0 } else { (self.real_time - time) / lost }
    }

    /// Durations in which every micro-batch takes its worker as long as the
    /// mean one.
    fn even_batches(&self) -> Vec<f64> {
        let is_batch =
            |one: &Operation| matches!(one.kind, Kind::ForwardCompute | Kind::BackwardCompute);
        let mut sums = std::collections::HashMap::new();
        for (one, real) in self.operations.iter().zip(&self.real).filter(|(one, _)| is_batch(one)) {
            let (sum, count) = sums.entry((one.worker(), one.kind)).or_insert((0.0, 0.0));
            *sum += real;
            *count += 1.0;
        }
        let even = |(one, real): (&Operation, &f64)| match sums.get(&(one.worker(), one.kind)) {
            Some((sum, count)) if is_batch(one) => sum / count,
            _ => *real,
        };
        self.operations.iter().zip(&self.real).map(even).collect()
    }
}

fn over(time: f64, ideal: f64) -> f64 {
    if ideal > 0.0 { time / ideal } else { 1.0 }
}

/// From the moment at which all that take part were ready.
fn own_durations(operations: &[Operation], graph: &Graph) -> Vec<f64> {
    let mut durations = vec![0.0; operations.len()];
    for members in graph.meetings() {
        let starts = members.iter().map(|&at| operations[at].start);
        let start = starts.fold(f64::NEG_INFINITY, f64::max);
        for &at in members {
            durations[at] = match members {
                [_] => operations[at].duration,
                _ => (operations[at].end() - start).max(0.0),
            };
        }
    }
    durations
}

fn usual_durations(operations: &[Operation], real: &[f64]) -> Vec<f64> {
    let usual = Kind::ALL.map(|kind| {
        let of_kind = operations.iter().zip(real).filter(|(one, _)| one.kind == kind);
        let mut all: Vec<f64> = of_kind.map(|(_, real)| *real).collect();
        if all.is_empty() {
            return 0.0;
        }
        if !kind.is_communication() {
            return all.iter().sum::<f64>() / all.len() as f64;
        }
        all.sort_by(f64::total_cmp);
        f64::midpoint(all[(all.len() - 1) / 2], all[all.len() / 2])
    });
    operations.iter().map(|one| usual[one.kind as usize]).collect()
}

/// From the first start to the last end, mean over steps.
fn measured(trace: &Trace) -> f64 {
    let mut total = 0.0;
    let operations = trace.operations();
    for step in operations.chunk_by(|one, other| one.step == other.step) {
        let start = step.iter().map(|one| one.start).fold(f64::INFINITY, f64::min);
        let end = step.iter().map(Operation::end).fold(f64::NEG_INFINITY, f64::max);
        total += end - start;
    }
    total / trace.steps().len() as f64
}

/// Of the forward and backward times of a micro-batch on a worker, each less
/// its worker's mean.
fn batch_correlation(trace: &Trace) -> Option<f64> {
    let mut forward = std::collections::HashMap::new();
    let mut pairs: Vec<(Worker, f64, f64)> = Vec::new();
    for one in trace.operations() {
        let key = (one.step, one.worker(), one.sequence);
        match one.kind {
            Kind::ForwardCompute => {
                forward.insert(key, one.duration);
            }
            Kind::BackwardCompute => {
                if let Some(&forward) = forward.get(&key) {
                    pairs.push((one.worker(), forward, one.duration));
                }
            }
            _ => {}
        }
    }
    pairs.sort_by_key(|(worker, ..)| *worker);
    let (mut both, mut first, mut second) = (0.0, 0.0, 0.0);
    for of_worker in pairs.chunk_by(|one, other| one.0 == other.0) {
        let count = of_worker.len() as f64;
        let mean_forward = of_worker.iter().map(|pair| pair.1).sum::<f64>() / count;
        let mean_backward = of_worker.iter().map(|pair| pair.2).sum::<f64>() / count;
        for (_, forward, backward) in of_worker {
            let (x, y) = (forward - mean_forward, backward - mean_backward);
            both += x * y;
            first += x * x;
            second += y * y;
        }
    }
    (first > 0.0 && second > 0.0).then(|| both / (first * second).sqrt())
}

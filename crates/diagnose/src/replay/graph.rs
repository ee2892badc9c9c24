//! Which operations of a synchronous job wait for which.

use std::collections::HashMap;
use std::ops::Range;

use super::trace::{Operation, OperationKind as Kind, Trace, TraceError};

/// The operations of a trace, joined where they end together, in an order in
/// which each comes after all that it waits for.
#[derive(Debug)]
pub(super) struct Graph {
    /// Operations that start after all of them are ready: ranges of `members`.
    groups: Vec<Range<usize>>,
    /// Places of operations.
    members: Vec<usize>,
    /// What each operation waits for: ranges of `awaited`.
    waits: Vec<Range<usize>>,
    awaited: Vec<usize>,
    /// Step of each operation, by its place among steps.
    step: Vec<usize>,
    steps: usize,
}

/// An operation's group, before it has a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Meeting {
    /// Between a stage and the next, of one replica; forward or not.
    Transfer { step: i64, dp_rank: u32, stage: u32, is_forward: bool, sequence: u32 },
    /// All replicas of a stage.
    Replicas { step: i64, stage: u32, kind: Kind, sequence: u32 },
    /// The first and the last stage of a replica.
    Ends { step: i64, dp_rank: u32, sequence: u32 },
    /// Everyone.
    All { step: i64, kind: Kind, sequence: u32 },
    /// Alone.
    None(usize),
}

impl Meeting {
    fn of(place: usize, operation: &Operation) -> Self {
        let Operation { step, dp_rank, stage, kind, sequence, .. } = *operation;
        let transfer =
            |stage, is_forward| Self::Transfer { step, dp_rank, stage, is_forward, sequence };
        match kind {
            Kind::ForwardSend => transfer(stage, true),
            // A receive of the first stage meets nobody, and is refused later.
            Kind::ForwardReceive => transfer(stage.wrapping_sub(1), true),
            Kind::BackwardReceive => transfer(stage, false),
            Kind::BackwardSend => transfer(stage.wrapping_sub(1), false),
            Kind::ParamsAllGather | Kind::GradsReduceScatter => {
                Self::Replicas { step, stage, kind, sequence }
            }
            Kind::EmbeddingGradsAllReduce => Self::Ends { step, dp_rank, sequence },
            Kind::ClipMainGrad => Self::All { step, kind, sequence },
            Kind::ForwardCompute
            | Kind::BackwardCompute
            | Kind::GarbageCollection
            | Kind::LayernormGradsAllReduce
            | Kind::Optimizer => Self::None(place),
        }
    }
}

impl Graph {
    /// The graph of a synchronous job with one stage a worker:
    ///
    /// - a worker computes in the order of the trace, and so does each of its
    ///   four streams of transfers;
    /// - a receive comes before the compute of its number, and after the
    ///   compute before that; a send comes after its compute;
    /// - the first forward compute waits for the parameters;
    /// - after the last compute come, one after another, garbage collection, the
    ///   reductions of gradients, clipping and the optimizer;
    /// - transfers, collectives of replicas, of the first and last stage, and
    ///   clipping begin when everyone in them is ready.
    pub(super) fn of(trace: &Trace) -> Result<Self, TraceError> {
        let operations = trace.operations();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut group_of = vec![0; operations.len()];
        let mut numbers: HashMap<Meeting, usize> = HashMap::with_capacity(operations.len());
        for (place, operation) in operations.iter().enumerate() {
            let number = *numbers.entry(Meeting::of(place, operation)).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[number].push(place);
            group_of[place] = number;
        }
        check_pairs(operations, &groups)?;
        let mut waits = vec![Vec::new(); operations.len()];
        let mut from = 0;
        while from < operations.len() {
            let key = (operations[from].step, operations[from].worker());
            let is_same = |operation: &Operation| (operation.step, operation.worker()) == key;
            let count = operations[from..].iter().take_while(|one| is_same(one)).count();
            of_worker(operations, from..from + count, &mut waits)?;
            from += count;
        }
        let order = in_order(operations, &groups, &group_of, &waits)?;
        Ok(Self::flat(trace, &groups, &order, &waits))
    }

    fn flat(trace: &Trace, groups: &[Vec<usize>], order: &[usize], waits: &[Vec<usize>]) -> Self {
        let mut members = Vec::new();
        let mut ranges = Vec::with_capacity(order.len());
        for &group in order {
            let from = members.len();
            members.extend(&groups[group]);
            ranges.push(from..members.len());
        }
        let mut awaited = Vec::new();
        let mut wait_ranges = Vec::with_capacity(waits.len());
        for wait in waits {
            let from = awaited.len();
            awaited.extend(wait);
            wait_ranges.push(from..awaited.len());
        }
        let mut at = 0;
        let step = |operation: &Operation| {
            while trace.steps()[at] != operation.step {
                at += 1;
            }
            at
        };
        let step = trace.operations().iter().map(step).collect();
        Self {
            groups: ranges,
            members,
            waits: wait_ranges,
            awaited,
            step,
            steps: trace.steps().len(),
        }
    }

    /// The places of operations that begin together with others, one range for
    /// each meeting.
    pub(super) fn meetings(&self) -> impl Iterator<Item = &[usize]> {
        self.groups.iter().map(|group| &self.members[group.clone()])
    }

    /// How long each step takes when each operation takes so long once everyone
    /// in it is ready.
    pub(super) fn step_times(&self, durations: &[f64]) -> Vec<f64> {
        let mut ends = vec![0.0; durations.len()];
        let mut times = vec![0.0_f64; self.steps];
        for group in &self.groups {
            let members = &self.members[group.clone()];
            let mut start = 0.0_f64;
            for &member in members {
                for &before in &self.awaited[self.waits[member].clone()] {
                    start = start.max(ends[before]);
                }
            }
            for &member in members {
                let end = start + durations[member];
                ends[member] = end;
                let time = &mut times[self.step[member]];
                *time = time.max(end);
            }
        }
        times
    }
}

/// Every transfer has two ends.
fn check_pairs(operations: &[Operation], groups: &[Vec<usize>]) -> Result<(), TraceError> {
    for group in groups {
        let [place] = group[..] else { continue };
        let operation = operations[place];
        let (expected, step) = match operation.kind {
            Kind::ForwardSend => (Kind::ForwardReceive, 1),
            Kind::ForwardReceive => (Kind::ForwardSend, -1),
            Kind::BackwardSend => (Kind::BackwardReceive, -1),
            Kind::BackwardReceive => (Kind::BackwardSend, 1),
            _ => continue,
        };
        return Err(TraceError::Alone {
            step: operation.step,
            kind: operation.kind,
            sequence: operation.sequence,
            worker: operation.worker(),
            expected,
            stage: i64::from(operation.stage) + step,
        });
    }
    Ok(())
}

/// What the operations of one worker in one step wait for, among themselves.
fn of_worker(
    operations: &[Operation],
    range: Range<usize>,
    waits: &mut [Vec<usize>],
) -> Result<(), TraceError> {
    let of = |kind: Kind| -> Vec<usize> {
        range.clone().filter(|&at| operations[at].kind == kind).collect()
    };
    let chain = |places: &[usize], waits: &mut [Vec<usize>]| {
        places.windows(2).for_each(|pair| waits[pair[1]].push(pair[0]));
    };
    let is_compute =
        |at: &usize| matches!(operations[*at].kind, Kind::ForwardCompute | Kind::BackwardCompute);
    let computes: Vec<usize> = range.clone().filter(is_compute).collect();
    chain(&computes, waits);
    for kind in [Kind::ForwardSend, Kind::ForwardReceive, Kind::BackwardSend, Kind::BackwardReceive]
    {
        chain(&of(kind), waits);
    }
    let directions = [
        (Kind::ForwardCompute, Kind::ForwardReceive, Kind::ForwardSend),
        (Kind::BackwardCompute, Kind::BackwardReceive, Kind::BackwardSend),
    ];
    for (compute, receive, send) in directions {
        let by_sequence: HashMap<u32, usize> =
            of(compute).into_iter().map(|at| (operations[at].sequence, at)).collect();
        let computed = |at: usize| {
            let Operation { step, kind, sequence, .. } = operations[at];
            let (worker, expected) = (operations[at].worker(), compute);
            let missing = TraceError::NoCompute { step, kind, sequence, worker, expected };
            by_sequence.get(&sequence).copied().ok_or(missing)
        };
        for at in of(send) {
            waits[at].push(computed(at)?);
        }
        for at in of(receive) {
            waits[computed(at)?].push(at);
            let before = operations[at].sequence.checked_sub(1);
            waits[at].extend(before.and_then(|before| by_sequence.get(&before)));
        }
    }
    let gathers = of(Kind::ParamsAllGather);
    chain(&gathers, waits);
    let first = computes.iter().find(|&&at| operations[at].kind == Kind::ForwardCompute);
    if let (Some(&gather), Some(&first)) = (gathers.last(), first) {
        waits[first].push(gather);
    }
    let by_end = |one: &&usize, other: &&usize| {
        operations[**one].end().total_cmp(&operations[**other].end())
    };
    // What comes after, in the order of kinds.
    let last = computes.iter().max_by(by_end).copied();
    let mut tail: Vec<usize> = last.or(gathers.last().copied()).into_iter().collect();
    for kind in [
        Kind::GarbageCollection,
        Kind::LayernormGradsAllReduce,
        Kind::EmbeddingGradsAllReduce,
        Kind::GradsReduceScatter,
        Kind::ClipMainGrad,
        Kind::Optimizer,
    ] {
        tail.extend(of(kind));
    }
    chain(&tail, waits);
    Ok(())
}

/// Groups in an order in which each comes after all that it waits for.
fn in_order(
    operations: &[Operation],
    groups: &[Vec<usize>],
    group_of: &[usize],
    waits: &[Vec<usize>],
) -> Result<Vec<usize>, TraceError> {
    let mut missing = vec![0_usize; groups.len()];
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); groups.len()];
    for (place, wait) in waits.iter().enumerate() {
        for &before in wait {
            missing[group_of[place]] += 1;
            next[group_of[before]].push(group_of[place]);
        }
    }
    let mut order: Vec<usize> = (0..groups.len()).filter(|&group| missing[group] == 0).collect();
    let mut at = 0;
    while at < order.len() {
        for &group in &next[order[at]] {
            missing[group] -= 1;
            if missing[group] == 0 {
                order.push(group);
            }
        }
        at += 1;
    }
    match missing.iter().position(|&missing| missing > 0) {
        None => Ok(order),
        Some(group) => Err(TraceError::Circle { step: operations[groups[group][0]].step }),
    }
}

//! What a training job did, operation by operation.

use std::collections::HashMap;
use std::fmt;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of the field")]
pub enum OperationKind {
    ParamsAllGather,
    ForwardReceive,
    ForwardCompute,
    ForwardSend,
    BackwardReceive,
    BackwardCompute,
    BackwardSend,
    GarbageCollection,
    LayernormGradsAllReduce,
    EmbeddingGradsAllReduce,
    GradsReduceScatter,
    ClipMainGrad,
    Optimizer,
}

use OperationKind as Kind;

impl Kind {
    /// All of them, in the order in which a step comes to them.
    pub const ALL: [Self; 13] = [
        Self::ParamsAllGather,
        Self::ForwardReceive,
        Self::ForwardCompute,
        Self::ForwardSend,
        Self::BackwardReceive,
        Self::BackwardCompute,
        Self::BackwardSend,
        Self::GarbageCollection,
        Self::LayernormGradsAllReduce,
        Self::EmbeddingGradsAllReduce,
        Self::GradsReduceScatter,
        Self::ClipMainGrad,
        Self::Optimizer,
    ];

    /// Its name in traces.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ParamsAllGather => "params-all-gather",
            Self::ForwardReceive => "forward-recv",
            Self::ForwardCompute => "forward-compute",
            Self::ForwardSend => "forward-send",
            Self::BackwardReceive => "backward-recv",
            Self::BackwardCompute => "backward-compute",
            Self::BackwardSend => "backward-send",
            Self::GarbageCollection => "gc",
            Self::LayernormGradsAllReduce => "layernorm-grads-all-reduce",
            Self::EmbeddingGradsAllReduce => "embedding-grads-all-reduce",
            Self::GradsReduceScatter => "grads-reduce-scatter",
            Self::ClipMainGrad => "optimizer-clip-main-grad",
            Self::Optimizer => "optimizer",
        }
    }

    /// The kind of that name.
    ///
    /// ```
    /// use auscult_diagnose::replay::OperationKind;
    /// assert_eq!(OperationKind::named("gc"), Some(OperationKind::GarbageCollection));
    /// ```
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it is data on the way rather than work.
    #[must_use]
    pub fn is_communication(self) -> bool {
        !matches!(
            self,
            Self::ForwardCompute
                | Self::BackwardCompute
                | Self::GarbageCollection
                | Self::Optimizer
        )
    }

    /// What it is told as: the two ends of a transfer between stages are one.
    #[must_use]
    pub fn family(self) -> &'static str {
        match self {
            Self::ForwardReceive | Self::ForwardSend => "forward-pp-comm",
            Self::BackwardReceive | Self::BackwardSend => "backward-pp-comm",
            other => other.name(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A row of a trace. Workers that always do the same at the same time (those
/// of a tensor-parallel group) are one worker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Operation {
    /// Training step.
    pub step: i64,
    /// Place among the data-parallel replicas, from 0.
    pub dp_rank: u32,
    /// Stage of the pipeline, from 0.
    pub stage: u32,
    /// What it does.
    pub kind: Kind,
    /// How many of its kind the worker did in this step before.
    pub sequence: u32,
    /// When it began, in seconds from any moment that is the same for all
    /// workers of a step.
    pub start: f64,
    /// Until it ended, waiting for others included, in seconds; at least 0.
    pub duration: f64,
}

impl Operation {
    pub(super) fn end(&self) -> f64 {
        self.start + self.duration
    }

    pub(super) fn worker(&self) -> Worker {
        Worker { dp_rank: self.dp_rank, stage: self.stage }
    }
}

/// Who does operations: a stage of a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Worker {
    /// Place among the data-parallel replicas.
    pub dp_rank: u32,
    /// Stage of the pipeline.
    pub stage: u32,
}

impl fmt::Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dp {}, stage {}", self.dp_rank, self.stage)
    }
}

/// Why operations are not a trace that can be replayed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum TraceError {
    /// No rows.
    #[error("the trace has no operations")]
    Empty,
    /// A time that is none.
    #[error(
        "row {row}: {what} is {value}; expected a finite number{}",
        if *what == "duration" { " of at least 0" } else { "" }
    )]
    Number { row: usize, what: &'static str, value: f64 },
    /// One operation twice.
    #[error("row {row}: step {step} has {kind} {sequence} of {worker} a second time")]
    Twice { row: usize, step: i64, kind: Kind, sequence: u32, worker: Worker },
    /// A send without its receive, or the other way round.
    #[error(
        "step {step}: {kind} {sequence} of {worker} has no counterpart; expected {expected} {sequence} \
         of stage {stage}"
    )]
    Alone { step: i64, kind: Kind, sequence: u32, worker: Worker, expected: Kind, stage: i64 },
    /// A transfer of what was never worked on.
    #[error("step {step}: {kind} {sequence} of {worker} has no {expected} {sequence}")]
    NoCompute { step: i64, kind: Kind, sequence: u32, worker: Worker, expected: Kind },
    /// Work that waits for itself, by the order in which workers did theirs.
    #[error(
        "step {step}: operations wait for each other in a circle; the order of start times cannot be right"
    )]
    Circle { step: i64 },
}

/// A trace that was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    operations: Vec<Operation>,
    steps: Vec<i64>,
    workers: Vec<Worker>,
}

impl Trace {
    /// Checks and sorts operations of any number of steps; rows may come in
    /// any order.
    pub fn new(operations: Vec<Operation>) -> Result<Self, TraceError> {
        if operations.is_empty() {
            return Err(TraceError::Empty);
        }
        let mut seen = HashMap::with_capacity(operations.len());
        for (row, operation) in operations.iter().enumerate() {
            let number = |what, value| Err(TraceError::Number { row, what, value });
            if !operation.start.is_finite() {
                return number("start", operation.start);
            }
            if !(operation.duration.is_finite() && operation.duration >= 0.0) {
                return number("duration", operation.duration);
            }
            let Operation { step, kind, sequence, .. } = *operation;
            let worker = operation.worker();
            if seen.insert((step, worker, kind, sequence), row).is_some() {
                return Err(TraceError::Twice { row, step, kind, sequence, worker });
            }
        }
        let mut operations = operations;
        operations.sort_by(|one, other| {
            (one.step, one.worker())
                .cmp(&(other.step, other.worker()))
                .then(one.start.total_cmp(&other.start))
                .then((one.sequence, one.kind).cmp(&(other.sequence, other.kind)))
        });
        let mut steps: Vec<i64> = operations.iter().map(|operation| operation.step).collect();
        steps.dedup();
        let mut workers: Vec<Worker> = operations.iter().map(Operation::worker).collect();
        workers.sort_unstable();
        workers.dedup();
        Ok(Self { operations, steps, workers })
    }

    /// By step, then by worker, then in the order in which they began.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Steps, ascending.
    #[must_use]
    pub fn steps(&self) -> &[i64] {
        &self.steps
    }

    /// Workers, by replica, then by stage.
    #[must_use]
    pub fn workers(&self) -> &[Worker] {
        &self.workers
    }

    /// The last stage of the pipeline.
    #[must_use]
    pub fn last_stage(&self) -> u32 {
        self.workers.iter().map(|worker| worker.stage).max().unwrap_or(0)
    }
}

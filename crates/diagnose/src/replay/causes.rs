//! What a replay says is wrong, in words.

use std::collections::HashMap;
use std::fmt;

use super::trace::{OperationKind as Kind, Trace, Worker};
use super::what_if::WhatIf;

/// A job that is slower than ideal by less than this is well.
const STRAGGLING: f64 = 1.1;
/// A cause that wins back less than this share when mended is none.
const LEAST_SHARE: f64 = 0.25;
/// Forward and backward times that go along with each other at least like this
/// have the length of their sequences in common.
const SAME_LENGTHS: f64 = 0.9;

/// Why a job is slow.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// What it is.
    pub kind: CauseKind,
    /// Share of the time lost that is won back when it is mended.
    pub share: f64,
}

/// What makes a job slow.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum CauseKind {
    /// A few workers compute more slowly than the others of their stage.
    SlowWorkers {
        /// Which.
        workers: Vec<Worker>,
        /// Their computing time over that of the middle worker of their stages.
        factor: f64,
    },
    /// The stages of the pipeline are not equally long.
    UnevenStages {
        /// The longest.
        stage: u32,
        /// Its computing time over the mean of the other stages.
        factor: f64,
    },
    /// Micro-batches differ in length, forward and backward alike.
    UnequalSequences {
        /// Correlation of forward and backward times.
        correlation: f64,
    },
    /// Micro-batches take unequal times for another reason.
    UnsteadyCompute {
        /// Correlation of forward and backward times.
        correlation: f64,
    },
    /// Data is slow on its way.
    SlowCommunication {
        /// The slowest kind.
        operations: &'static str,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            CauseKind::SlowWorkers { workers, factor } => {
                let names: Vec<String> = workers.iter().map(Worker::to_string).collect();
                let (noun, verb) = if workers.len() == 1 {
                    ("worker", "computes")
                } else {
                    ("workers", "compute")
                };
                let names = names.join("; ");
                write!(f, "slow {noun} ({names}): {verb} {factor:.2} times as long as others")?;
            }
            CauseKind::UnevenStages { stage, factor } => {
                write!(
                    f,
                    "uneven stages: stage {stage} computes {factor:.2} times as long as the others"
                )?;
            }
            CauseKind::UnequalSequences { correlation } => {
                write!(
                    f,
                    "unequal sequence lengths: micro-batches that are slow forward are slow backward \
                     (correlation {correlation:.2})"
                )?;
            }
            CauseKind::UnsteadyCompute { correlation } => {
                write!(
                    f,
                    "unsteady computing: micro-batches take unequal times, forward and backward not \
                     together (correlation {correlation:.2})"
                )?;
            }
            CauseKind::SlowCommunication { operations } => {
                write!(f, "slow communication, most of all {operations}")?;
            }
        }
        write!(f, "; mending it wins back {:.0} % of the time lost", self.share * 100.0)
    }
}

/// Everything that wins back a good share, the greatest first. Stages are not
/// accused of what a few of their workers do.
pub(super) fn causes(found: &WhatIf, trace: &Trace, real: &[f64], last_stage: u32) -> Vec<Cause> {
    if found.slowdown < STRAGGLING {
        return Vec::new();
    }
    let computing = computing(trace, real);
    let mut causes = Vec::new();
    let workers = &found.worst_workers;
    if workers.share >= LEAST_SHARE {
        let kind = CauseKind::SlowWorkers {
            workers: workers.part.clone(),
            factor: workers_factor(&computing, &workers.part),
        };
        causes.push(Cause { kind, share: workers.share });
    }
    let longest = found.mended_stages.iter().max_by(|one, other| one.share.total_cmp(&other.share));
    if let Some(longest) = longest.filter(|longest| last_stage > 0 && longest.share >= LEAST_SHARE)
        && longest.share - workers.share.max(0.0) >= LEAST_SHARE
    {
        let kind = CauseKind::UnevenStages {
            stage: longest.part,
            factor: stage_factor(&computing, longest.part),
        };
        causes.push(Cause { kind, share: longest.share });
    }
    if found.even_batches >= LEAST_SHARE {
        let correlation = found.batch_correlation.unwrap_or(0.0);
        let kind = if correlation >= SAME_LENGTHS {
            CauseKind::UnequalSequences { correlation }
        } else {
            CauseKind::UnsteadyCompute { correlation }
        };
        causes.push(Cause { kind, share: found.even_batches });
    }
    if found.communication >= LEAST_SHARE {
        let is_communication = |family: &str| {
            Kind::ALL.iter().any(|kind| kind.family() == family && kind.is_communication())
        };
        let slowest = found.kinds.iter().find(|kind| is_communication(kind.part));
        if let Some(slowest) = slowest {
            let kind = CauseKind::SlowCommunication { operations: slowest.part };
            causes.push(Cause { kind, share: found.communication });
        }
    }
    causes.sort_by(|one, other| other.share.total_cmp(&one.share));
    causes
}

/// Mean computing time of a micro-batch, by worker.
fn computing(trace: &Trace, real: &[f64]) -> HashMap<Worker, f64> {
    let mut sums: HashMap<Worker, (f64, f64)> = HashMap::new();
    for (one, real) in trace.operations().iter().zip(real) {
        if matches!(one.kind, Kind::ForwardCompute | Kind::BackwardCompute) {
            let (sum, count) = sums.entry(one.worker()).or_default();
            *sum += real;
            *count += 1.0;
        }
    }
    sums.into_iter().map(|(worker, (sum, count))| (worker, sum / count)).collect()
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 1.0 }
}

/// The mean over workers of their time against the middle one of their stage.
fn workers_factor(computing: &HashMap<Worker, f64>, workers: &[Worker]) -> f64 {
    let factor = |worker: &Worker| {
        let of_stage = computing.iter().filter(|(other, _)| other.stage == worker.stage);
        let mut times: Vec<f64> = of_stage.map(|(_, time)| *time).collect();
        times.sort_by(f64::total_cmp);
        let middle = times.get((times.len().max(1) - 1) / 2).copied().unwrap_or(0.0);
        ratio(computing.get(worker).copied().unwrap_or(middle), middle)
    };
    workers.iter().map(factor).sum::<f64>() / workers.len().max(1) as f64
}

fn stage_factor(computing: &HashMap<Worker, f64>, stage: u32) -> f64 {
    let mean = |is_in: &dyn Fn(u32) -> bool| {
        // Sorted, as the order of a map would change the last digits.
        let mut times: Vec<f64> =
            computing.iter().filter(|(one, _)| is_in(one.stage)).map(|(_, time)| *time).collect();
        times.sort_by(f64::total_cmp);
        times.iter().sum::<f64>() / times.len().max(1) as f64
    };
    ratio(mean(&|other| other == stage), mean(&|other| other != stage))
}

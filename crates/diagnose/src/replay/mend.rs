//! How long a job would have taken, had some of its operations been as usual.

use super::graph::Graph;
use super::trace::{Operation, Trace, TraceError};
use super::what_if::Job;

/// Times of a step, means over steps, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MendedTime {
    /// Replayed with the real durations.
    pub real: f64,
    /// With the usual durations of the operations that were mended.
    pub mended: f64,
    /// With the usual durations of all operations.
    pub ideal: f64,
    /// Share of the time lost that mending wins back; a little below 0 where
    /// it costs, 0 where nothing was lost.
    pub share: f64,
    /// Operations that were mended.
    pub operations: usize,
}

/// Replays a training job with the usual durations of the operations that
/// `is_mended` picks: what if this rank, this stage, this kind of operation had
/// been normal?
///
/// What is usual, and what the replay leaves out, is as in [`what_if`](super::what_if()).
/// Time and memory O(operations).
///
/// ```
/// use auscult_diagnose::replay::{Operation, OperationKind, Trace, mend};
/// let compute = |dp_rank, duration| Operation {
///     step: 1,
///     dp_rank,
///     stage: 0,
///     kind: OperationKind::ForwardCompute,
///     sequence: 0,
///     start: 0.0,
///     duration,
/// };
/// let trace = Trace::new(vec![compute(0, 1.0), compute(1, 3.0)])?;
/// let mended = mend(&trace, |operation| operation.dp_rank == 1)?;
/// // Usual is the mean of both, 2 seconds.
/// assert_eq!((mended.real, mended.mended, mended.ideal), (3.0, 2.0, 2.0));
/// assert_eq!(mended.share, 1.0);
/// # Ok::<(), auscult_diagnose::replay::TraceError>(())
/// ```
pub fn mend(
    trace: &Trace,
    is_mended: impl Fn(&Operation) -> bool,
) -> Result<MendedTime, TraceError> {
    let graph = Graph::of(trace)?;
    let job = Job::of(trace, &graph);
    let operations = trace.operations().iter().filter(|one| is_mended(one)).count();
    let mended = job.mended_time(is_mended);
    let share = job.share(mended);
    Ok(MendedTime { real: job.real_time, mended, ideal: job.ideal_time, share, operations })
}

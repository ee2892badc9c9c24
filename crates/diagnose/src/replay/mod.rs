//! What-if replay of a training job: which part makes it slow, and by how much.

mod causes;
mod graph;
mod mend;
mod trace;
mod what_if;

pub use causes::{Cause, CauseKind};
pub use mend::{MendedTime, mend};
pub use trace::{Operation, OperationKind, Trace, TraceError, Worker};
pub use what_if::{Mended, Slowdown, WhatIf, what_if};

//! Samples that are odd, and what is odd by itself.

use auscult_core::{Explanation, Labels, Timestamp};

use crate::policy::Severity;
use crate::slab::Key;
use crate::target::TargetId;

/// A sample that is odd by the history of its series.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) shard: usize,
    pub(crate) key: Key,
    pub(crate) target: TargetId,
    pub(crate) time: Timestamp,
    pub(crate) reading: f64,
    pub(crate) score: f64,
    /// Seconds in which the series tells of something so odd once.
    pub(crate) return_seconds: f64,
    pub(crate) severity: Severity,
    pub(crate) labels: Labels,
    pub(crate) explanation: Explanation,
}

impl Event {
    /// Whether it is an alarm by itself, whatever history says.
    pub(crate) fn is_certain(&self) -> bool {
        self.score == CERTAIN_SCORE && self.return_seconds == CERTAIN_SECONDS
    }
}

/// Return period of what is an alarm by itself, whatever history says.
pub(super) const CERTAIN_SECONDS: f64 = 1e15;

/// Its score.
pub(super) const CERTAIN_SCORE: f64 = 1000.0;

/// The explanation of what is an alarm by itself.
pub(super) fn certain(expected: f64, reason: String) -> Explanation {
    let mut explanation = Explanation::of_one(expected, None, CERTAIN_SCORE);
    explanation.reasons.push(reason);
    explanation
}

//! Ranking causes by requests: spans, and the statements that were logged within them.
//!
//! Three kinds of fault show themselves in three ways. Code that goes another way changes
//! which statement follows which. A processor that is short makes spans spend more time of
//! their own. A network that is slow makes calls last longer than what was called. Each is
//! a log likelihood ratio of "this changed" against "nothing did", so that the three can be
//! held against each other.

mod phase;
mod rank;
mod statements;
mod templates;
mod times;

pub use rank::{FaultKind, RequestRanking, RequestSuspect, rank_requests};
pub use templates::Templates;

/// One operation of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The request that it belongs to.
    pub request: usize,
    /// The span that waited for it, as a place in the same list.
    pub parent: Option<usize>,
    /// The target that did it.
    pub target: String,
    /// What was done.
    pub operation: String,
    /// When it began, in microseconds of any clock.
    pub start_micros: f64,
    /// How long it took, in microseconds.
    pub duration_micros: f64,
    /// What was logged within it, in order: a template ([`Templates`]), or the place in the
    /// code where the line has it.
    pub statements: Vec<String>,
}

/// Requests while nothing was wrong, and while something was.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestCase {
    /// Before, or at another time.
    pub normal: Vec<Span>,
    /// From the onset on.
    pub abnormal: Vec<Span>,
}

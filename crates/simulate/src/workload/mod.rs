//! Who asks for what, and when: arrivals, sessions, kinds of requests, lengths.
//!
//! Every request's attributes are drawn from its own number, not from a running stream, so
//! that a run with a fault and the same run without differ only where the fault reaches.

mod arrivals;
mod request;
mod rhythm;
mod trace;

pub use arrivals::{Arrivals, Session};
pub(crate) use request::REFUSED;
pub use request::{Class, Request};
pub use rhythm::Rhythm;
pub use trace::{Trace, Traced};

/// What the clients of one served model do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Workload {
    /// Requests a second, in the mean over a week.
    pub rate: f64,
    /// How day and week shape it.
    pub rhythm: Rhythm,
    /// Turns of a session in the mean, at least 1.
    pub turns: f64,
    /// System prompts in use.
    pub groups: u32,
    /// Share of requests that bring documents.
    pub retrieval: f64,
    /// Share of requests whose answer must follow a grammar.
    pub grammars: f64,
    /// Share of requests with pictures.
    pub media: f64,
    /// Share of requests for an adapter.
    pub adapted: f64,
    /// Adapters in use.
    pub adapters: u32,
    /// Longest answer a client asks for, tokens.
    pub limit: u32,
    /// Seconds that a client waits for an answer.
    pub timeout: f64,
    /// Times that a client asks again if it gets none.
    pub retries: u32,
}

impl Default for Workload {
    fn default() -> Self {
        Self {
            rate: 4.0,
            rhythm: Rhythm::default(),
            turns: 2.5,
            groups: 6,
            retrieval: 0.1,
            grammars: 0.05,
            media: 0.0,
            adapted: 0.0,
            adapters: 0,
            limit: 2048,
            // As the client libraries of OpenAI are set if nobody sets them.
            timeout: 600.0,
            retries: 2,
        }
    }
}

//! From a table to judged rows: series, methods, findings.
//!
//! [`whole`] holds the input in memory, [`stream`] passes over it once or
//! twice; both hand their findings to a report and return a [`tally::Tally`].

pub(crate) mod counters;
pub(crate) mod finding;
pub(crate) mod keep;
pub(crate) mod lookalike;
pub(crate) mod plan;
pub(crate) mod series;
pub(crate) mod source;
pub(crate) mod stream;
mod suspects;
pub(crate) mod tally;
pub(crate) mod whole;
pub(crate) mod words;

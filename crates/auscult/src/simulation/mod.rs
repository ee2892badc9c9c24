//! Simulated fleets: recorded into files, sent on, or served as pages that can be scraped.

pub(crate) mod demo;
pub(crate) mod fault_log;
pub(crate) mod live;
pub(crate) mod logs;
pub(crate) mod pages;
pub(crate) mod record;
pub(crate) mod send;
pub(crate) mod teller;
mod truth;

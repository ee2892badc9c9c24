//! Serving: laws that hold in health, behaviours that were published, faults with their evidence.

mod azure;
mod dials;
mod engine;
mod laws;
mod model;
mod pages;
mod run;
mod scheduler;
mod storm;
mod traffic;

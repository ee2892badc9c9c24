//! The engine on made-up fleets.

mod fleet;
mod histograms;
mod incidents;
mod policies;
mod resume;
mod spread;
mod stuck;
mod weekly;

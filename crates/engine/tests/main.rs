//! The engine on made-up fleets.

mod clocks;
mod confirmed;
mod diagnosis;
mod fleet;
mod histograms;
mod incidents;
mod methods;
mod mutated;
mod page;
mod policies;
mod resume;
mod spread;
mod stuck;
mod vllm;
mod weekly;

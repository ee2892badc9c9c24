//! The engine on made-up fleets.

mod histograms;
mod incidents;

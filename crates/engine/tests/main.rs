//! The engine on made-up fleets.

mod fleet;
mod incidents;
mod resume;

//! The engine on made-up fleets.

mod incidents;

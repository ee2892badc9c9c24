//! The live service: takes metrics in, judges them, tells of incidents.
//!
//! [`Server::bind`] opens the port, [`Server::run`] serves until it is told to
//! stop. Everything that waits (sockets, clocks, other services) lives here;
//! what is judged and how lives in `auscult-engine`.

mod clock;
mod delivery;
mod http;
mod own_metrics;
mod serve;
mod settings;
mod storage;

pub use serve::{ServeError, Server};
pub use settings::{AlertmanagerSettings, DataSettings, ServerSettings};

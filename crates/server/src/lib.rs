//! The live service: takes metrics in, judges them, tells of incidents.
//!
//! [`Server::bind`] opens the port, [`Server::run`] serves until it is told to
//! stop. Everything that waits (sockets, clocks, other services) lives here;
//! what is judged and how lives in `auscult-engine`.

mod client;
mod clock;
mod delivery;
mod http;
mod otlp;
mod own_metrics;
mod scrape;
mod serve;
mod settings;
mod sources;
mod storage;

use auscult_core::units;

pub use auscult_core::units::{parse_bytes, parse_duration};
pub use scrape::{
    FileDiscoverySettings, RelabelAction, RelabelSettings, ScrapeSettings, TargetGroup,
};
pub use serve::{ServeError, Server};
pub use settings::{AlertmanagerSettings, DataSettings, Port, ServerSettings};
pub use sources::{FollowSettings, PrometheusSettings};

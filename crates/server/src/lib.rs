//! The live service: takes metrics in, judges them, tells of incidents.
//!
//! [`Server::bind`] opens the port, [`Server::run`] serves until it is told to
//! stop. Everything that waits (sockets, clocks, other services) lives here;
//! what is judged and how lives in `auscult-engine`.

mod access;
mod client;
mod clock;
mod delivery;
mod http;
mod otlp;
mod own_metrics;
mod scrape;
mod secret;
mod serve;
mod settings;
mod sources;
mod storage;
mod units;

pub use access::{
    AccessSettings, ClientAuth, LimitSettings, Role, TlsSettings, TlsVersion, UserSettings,
    hash_password, hash_token,
};
pub use client::{AuthorizationSettings, BasicAuthSettings, HttpClientSettings, TlsClientSettings};
pub use scrape::{
    FileDiscoverySettings, RelabelAction, RelabelSettings, ScrapeSettings, TargetGroup,
};
pub use secret::Secret;
pub use serve::{ServeError, Server};
pub use settings::{AlertmanagerSettings, DataSettings, Port, ServerSettings};
pub use sources::{FollowSettings, PrometheusSettings};
pub use units::{parse_bytes, parse_duration};

//! The live service: takes metrics in, judges them, tells of incidents.
//!
//! [`Server::bind`] opens the port, [`Server::run`] serves until it is told to
//! stop. Everything that waits (sockets, clocks, other services) lives here;
//! what is judged and how lives in `auscult-engine`.

mod accepted;
mod access;
mod backtest;
mod client;
mod clock;
mod config;
mod delivery;
mod diagnosis;
mod handbook;
mod http;
mod otlp;
mod own_metrics;
pub mod plan;
mod query;
mod readings;
mod recovery;
mod reload;
mod scrape;
mod secret;
mod serve;
mod settings;
mod sources;
mod storage;
mod supervisor;
mod verdict;

use auscult_core::units;

pub use access::{
    AccessSettings, ClientAuth, LimitSettings, Role, TlsSettings, TlsVersion, UserSettings,
    hash_password, hash_token,
};
pub use auscult_core::units::{parse_bytes, parse_duration};
pub use backtest::{
    Backtest, BacktestError, BacktestSettings, Backtested, Moment, RecordedFile, Recording, Replay,
    Story,
};
pub use client::{AuthorizationSettings, BasicAuthSettings, HttpClientSettings, TlsClientSettings};
pub use config::{
    ConfigError, ConfigFile, Configuration, GlobalSection, ListenSection, StorageSection,
    reference, schema,
};
pub use delivery::settings::{
    AlertmanagerSettings, DeliverySettings, Event, RemoteWriteSettings, SlackSettings,
    WebhookSettings,
};
pub use handbook::DiagnosisSettings;
pub use query::QuerySettings;
pub use reload::{Reloader, SettingsSource};
pub use scrape::{
    FileDiscoverySettings, RelabelAction, RelabelSettings, ScrapeSettings, TargetGroup,
};
pub use secret::Secret;
pub use serve::{ServeError, Server};
pub use settings::{DataSettings, Port, ServerSettings};
pub use sources::{FollowSettings, PrometheusSettings};

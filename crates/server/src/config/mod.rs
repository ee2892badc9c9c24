//! The configuration file: what may stand in it, and what becomes of it.

mod check;
mod file;
mod reference;
mod sections;

use std::net::SocketAddr;

use auscult_core::units::FORMATS;
use auscult_engine::{AlarmBudget, AssignedMethod, EngineSettings, Policy, Selector};
use auscult_yaml::Format;
use schemars::JsonSchema;
use serde::Deserialize;

pub use file::{ConfigError, ConfigFile};
pub use reference::{reference, schema};
pub use sections::{GlobalSection, ListenSection, StorageSection};

use crate::access::AccessSettings;
use crate::delivery::settings::DeliverySettings;
use crate::handbook::DiagnosisSettings;
use crate::query::QuerySettings;
use crate::scrape::ScrapeSettings;
use crate::settings::{Port, ServerSettings};
use crate::sources::{FollowSettings, PrometheusSettings};

/// What texts of the configuration must be.
fn formats() -> Vec<Format> {
    let address: fn(&str) -> Result<(), String> = |text| {
        let refuse = |_| format!("`{text}` is no address: expected one such as 127.0.0.1:9709");
        text.parse::<SocketAddr>().map(drop).map_err(refuse)
    };
    let own: [Format; 5] = [
        ("auscult-method", AssignedMethod::check_name),
        ("auscult-selector", |text| {
            text.parse::<Selector>().map(drop).map_err(|error| error.to_string())
        }),
        ("auscult-address", address),
        ("auscult-port", |text| text.parse::<Port>().map(drop)),
        ("auscult-budget", |text| {
            text.parse::<AlarmBudget>().map(drop).map_err(|error| error.to_string())
        }),
    ];
    FORMATS.iter().copied().chain(own).collect()
}

/// The configuration of `auscult serve`: one YAML file. Every key may be left out.
///
/// ```
/// use auscult_server::Configuration;
/// let text = "
/// detection:
///   budget: 1/day
/// scrape_configs:
///   - job_name: vllm
///     static_configs:
///       - targets: ['gpu1:8000']
/// ";
/// let configuration: Configuration =
///     auscult_yaml::Document::parse("auscult.yml", text).unwrap().read_as().unwrap();
/// assert_eq!(configuration.scrape_configs[0].job_name, "vllm");
/// ```
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Configuration {
    /// Where the service listens, and what a request may be.
    pub server: ListenSection,
    /// Who may do what: encryption, users, limits.
    pub access: AccessSettings,
    /// What is kept, and how long.
    pub storage: StorageSection,
    /// How series are judged and alarms become incidents.
    pub detection: EngineSettings,
    /// What is wanted of some series, such as which departures count and how much they matter;
    /// laid over each other in this order.
    pub policies: Vec<Policy>,
    /// What holds for every job that does not say otherwise.
    pub global: GlobalSection,
    /// What incidents are diagnosed by.
    pub diagnosis: DiagnosisSettings,
    /// Jobs whose targets are scraped, as Prometheus writes them.
    pub scrape_configs: Vec<ScrapeSettings>,
    /// Existing servers with Prometheus's HTTP API that are asked; their past is judged first.
    pub prometheus_sources: Vec<PrometheusSettings>,
    /// CSV and JSON Lines files that are read as they grow.
    pub followed_files: Vec<FollowSettings>,
    /// What queries in PromQL may take.
    pub query: QuerySettings,
    /// Who is told of incidents, and where scores are written.
    pub delivery: DeliverySettings,
}

impl Configuration {
    /// What it sets of the service.
    #[must_use]
    pub fn settings(self) -> ServerSettings {
        let Self { server, storage, detection, global, mut scrape_configs, .. } = self;
        for job in &mut scrape_configs {
            global.complete(job);
        }
        ServerSettings {
            access: self.access,
            listen: server.listen,
            otlp_http: server.otlp_http,
            otlp_grpc: server.otlp_grpc,
            external_url: server.external_url,
            tick: server.tick,
            most_request_bytes: usize::try_from(server.request_size_limit).unwrap_or(usize::MAX),
            most_unpacked_bytes: usize::try_from(server.unpacked_size_limit).unwrap_or(usize::MAX),
            engine: EngineSettings { policies: self.policies, ..detection },
            diagnosis: self.diagnosis,
            scrapes: scrape_configs,
            prometheuses: self.prometheus_sources,
            files: self.followed_files,
            data: storage.settings(),
            query: self.query,
            delivery: self.delivery,
        }
    }
}

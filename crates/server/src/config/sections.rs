//! Sections of the configuration file that are not settings of a part by themselves.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use auscult_core::units::{self, AsBytes, AsDuration, AsSomeBytes, AsSomeDuration, AsText};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scrape::ScrapeSettings;
use crate::settings::{DataSettings, Port, ServerSettings};

/// Where the service listens, and what a request may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ListenSection {
    /// The address and port for everything: API, remote write, OTLP over HTTP.
    #[serde(with = "AsText::<SocketAddr>")]
    #[schemars(extend("format" = "auscult-address"))]
    pub listen: SocketAddr,
    /// Where OTLP over HTTP is taken besides: an address and port, `none`, or one with
    /// ` if free` behind it, which is not opened where another program has it.
    #[serde(with = "AsText::<Port>")]
    #[schemars(extend("format" = "auscult-port"))]
    pub otlp_http: Port,
    /// Where OTLP over gRPC is taken, written as `otlp_http` is.
    #[serde(with = "AsText::<Port>")]
    #[schemars(extend("format" = "auscult-port"))]
    pub otlp_grpc: Port,
    /// Where people reach the service, such as `https://auscult.example.org`, for links in
    /// alerts; the address it listens on unless set.
    pub external_url: Option<String>,
    /// How often history goes on and incidents are looked at for recovery; as often as samples
    /// come.
    #[serde(with = "AsDuration")]
    pub tick: Duration,
    /// Most bytes of a request, as sent.
    #[serde(with = "AsBytes")]
    pub request_size_limit: u64,
    /// Most bytes of a request, unpacked.
    #[serde(with = "AsBytes")]
    pub unpacked_size_limit: u64,
}

impl Default for ListenSection {
    fn default() -> Self {
        let settings = ServerSettings::default();
        let usual = |port| Port::IfFree(SocketAddr::from(([127, 0, 0, 1], port)));
        Self {
            listen: settings.listen,
            otlp_http: usual(4318),
            otlp_grpc: usual(4317),
            external_url: None,
            tick: settings.tick,
            request_size_limit: settings.most_request_bytes as u64,
            unpacked_size_limit: settings.most_unpacked_bytes as u64,
        }
    }
}

const IF_FREE: &str = " if free";

impl FromStr for Port {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = |text: &str| {
            let refuse = || {
                format!(
                    "`{text}` is no address: expected one such as 127.0.0.1:4318, one with `{IF_FREE}` behind it, or none"
                )
            };
            text.parse().map_err(|_| refuse())
        };
        match text.strip_suffix(IF_FREE) {
            _ if text == "none" => Ok(Self::Off),
            Some(text) => address(text).map(Self::IfFree),
            None => address(text).map(Self::At),
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("none"),
            Self::IfFree(address) => write!(f, "{address}{IF_FREE}"),
            Self::At(address) => write!(f, "{address}"),
        }
    }
}

/// What is kept, and how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StorageSection {
    /// The folder for samples, incidents and what was learnt; `none` keeps all in memory.
    #[schemars(with = "units::AsPath")]
    pub folder: PathBuf,
    /// Samples that are older are dropped.
    #[serde(with = "AsDuration")]
    pub retention: Duration,
    /// The oldest samples are dropped when all take more than this.
    #[serde(with = "AsSomeBytes")]
    pub retention_size: Option<u64>,
    /// How often what was learnt is written down; a restart feeds the samples since again.
    #[serde(with = "AsDuration")]
    pub checkpoint_every: Duration,
    /// Samples after which it is written down before that time.
    pub checkpoint_samples: u64,
}

impl Default for StorageSection {
    fn default() -> Self {
        let settings = DataSettings::new("auscult-data");
        Self {
            folder: settings.folder,
            retention: settings.keep_for.unwrap_or_default(),
            retention_size: settings.most_bytes,
            checkpoint_every: settings.checkpoint_every,
            checkpoint_samples: settings.checkpoint_samples,
        }
    }
}

impl StorageSection {
    /// `None` where everything is kept in memory.
    #[must_use]
    pub fn settings(self) -> Option<DataSettings> {
        (self.folder != Path::new("none")).then_some(DataSettings {
            folder: self.folder,
            keep_for: Some(self.retention),
            most_bytes: self.retention_size,
            checkpoint_every: self.checkpoint_every,
            checkpoint_samples: self.checkpoint_samples,
        })
    }
}

/// What holds for every job that does not say otherwise.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GlobalSection {
    /// From one scrape of a target to the next; 15s unless set.
    #[serde(with = "AsSomeDuration")]
    pub scrape_interval: Option<Duration>,
    /// How long a scrape may take.
    #[serde(with = "AsSomeDuration")]
    pub scrape_timeout: Option<Duration>,
}

impl GlobalSection {
    /// Sets what the job leaves open.
    pub(super) fn complete(&self, job: &mut ScrapeSettings) {
        job.scrape_interval = job.scrape_interval.or(self.scrape_interval);
        job.scrape_timeout = job.scrape_timeout.or(self.scrape_timeout);
    }
}

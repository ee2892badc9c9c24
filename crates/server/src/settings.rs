//! What a person may set of the service.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use auscult_engine::EngineSettings;

use crate::access::AccessSettings;
use crate::delivery::settings::DeliverySettings;
use crate::handbook::DiagnosisSettings;
use crate::query::QuerySettings;
use crate::scrape::ScrapeSettings;
use crate::sources::{FollowSettings, PrometheusSettings};

/// Settings of a [`crate::Server`].
#[derive(Debug, Clone, PartialEq)]
pub struct ServerSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where it takes OTLP over HTTP besides.
    pub otlp_http: Port,
    /// Where it takes OTLP over gRPC.
    pub otlp_grpc: Port,
    /// Where people reach it, for links in alerts; the address it listens on unless set.
    pub external_url: Option<String>,
    /// Who may do what.
    pub access: AccessSettings,
    /// How it judges.
    pub engine: EngineSettings,
    /// How often history goes on and incidents are looked at for recovery.
    pub tick: Duration,
    /// Most bytes of a request, as sent.
    pub most_request_bytes: usize,
    /// Most bytes of a request, unpacked.
    pub most_unpacked_bytes: usize,
    /// What incidents are diagnosed by; its adapters are what the engine knows of metrics.
    pub diagnosis: DiagnosisSettings,
    /// Jobs whose targets are scraped.
    pub scrapes: Vec<ScrapeSettings>,
    /// Servers with Prometheus's HTTP API that are asked; their past is judged first.
    pub prometheuses: Vec<PrometheusSettings>,
    /// Files that are read as they grow; what stands in them is judged first.
    pub files: Vec<FollowSettings>,
    /// Where everything is kept that outlives the process; `None` keeps it in memory only.
    pub data: Option<DataSettings>,
    /// What queries of others may take.
    pub query: QuerySettings,
    /// Who is told of incidents, and where scores are written.
    pub delivery: DeliverySettings,
}

/// A port besides the one for everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// It is not opened.
    Off,
    /// It is opened unless another program has it.
    IfFree(SocketAddr),
    /// It is opened, or the service does not start.
    At(SocketAddr),
}

/// What is kept, and how long.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSettings {
    /// The folder; made if it is not there.
    pub folder: PathBuf,
    /// Samples older than this are dropped.
    pub keep_for: Option<Duration>,
    /// Most bytes of samples; the oldest are dropped first.
    pub most_bytes: Option<u64>,
    /// How often what was learnt is written down.
    pub checkpoint_every: Duration,
    /// Samples after which it is written down before that time.
    pub checkpoint_samples: u64,
}

impl DataSettings {
    /// In `folder`, with 30 days of samples, and what was learnt written down every five minutes.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            keep_for: Some(Duration::from_secs(30 * 86_400)),
            most_bytes: None,
            checkpoint_every: Duration::from_secs(300),
            checkpoint_samples: 10_000_000,
        }
    }
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 9709)),
            otlp_http: Port::Off,
            otlp_grpc: Port::Off,
            external_url: None,
            access: AccessSettings::default(),
            engine: EngineSettings::default(),
            tick: Duration::from_secs(15),
            most_request_bytes: 16 << 20,
            most_unpacked_bytes: 64 << 20,
            diagnosis: DiagnosisSettings::default(),
            scrapes: Vec::new(),
            prometheuses: Vec::new(),
            files: Vec::new(),
            data: None,
            query: QuerySettings::default(),
            delivery: DeliverySettings::default(),
        }
    }
}

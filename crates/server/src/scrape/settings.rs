//! What a person may set of scraping, with the keys of Prometheus's `scrape_config`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Job;
use super::relabel::RelabelSettings;
use super::target::Target;
use crate::client::HttpClientSettings;
use crate::units;

/// Most bytes of a page, unless a job sets another number.
const BODY_LIMIT: u64 = 64 << 20;

/// A job: targets that are scraped alike.
///
/// ```
/// let yaml = "
/// job_name: vllm
/// scrape_interval: 5s
/// static_configs:
///   - targets: ['gpu1:8000', 'gpu2:8000']
///     labels: {rack: '7'}
/// ";
/// let job: auscult_server::ScrapeSettings = serde_saphyr::from_str(yaml)?;
/// assert_eq!(job.static_configs[0].targets.len(), 2);
/// # Ok::<(), serde_saphyr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScrapeSettings {
    /// Label `job` of all its series.
    pub job_name: String,
    /// From one scrape of a target to the next, at least 10 ms; 15 s unless set here or for all jobs.
    #[serde(with = "units::AsSomeDuration")]
    pub scrape_interval: Option<Duration>,
    /// How long a scrape may take; 10 s, or the interval where that is shorter, unless set.
    #[serde(with = "units::AsSomeDuration")]
    pub scrape_timeout: Option<Duration>,
    /// The path that is asked for.
    pub metrics_path: String,
    /// `http` or `https`.
    pub scheme: String,
    /// What is sent along and how TLS is spoken: `basic_auth`, `authorization`, `tls_config`,
    /// `proxy_url` stand beside the other keys.
    #[serde(flatten)]
    pub http: HttpClientSettings,
    /// Whether answers that lead elsewhere are followed.
    pub follow_redirects: bool,
    /// Parameters of the query of the address.
    pub params: BTreeMap<String, Vec<String>>,
    /// Whether a label of the page wins over one of the target with the same name; otherwise
    /// that of the page is kept with `exported_` before its name.
    pub honor_labels: bool,
    /// Whether samples keep times that the page says.
    pub honor_timestamps: bool,
    /// Most bytes of a page, unpacked; a larger one fails the scrape. 0 for no limit.
    #[serde(with = "units::AsBytes")]
    pub body_size_limit: u64,
    /// Most samples of a page after relabelling; more of them fail the scrape. 0 for no limit.
    pub sample_limit: u64,
    /// Targets that are told here.
    pub static_configs: Vec<TargetGroup>,
    /// Targets that files tell.
    pub file_sd_configs: Vec<FileDiscoverySettings>,
    /// Rules for labels of targets, before they are scraped.
    pub relabel_configs: Vec<RelabelSettings>,
    /// Rules for labels of samples.
    pub metric_relabel_configs: Vec<RelabelSettings>,
}

/// Targets with labels in common.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetGroup {
    /// Each `host:port`.
    #[serde(default)]
    pub targets: Vec<String>,
    /// Labels of all of them.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// Files that tell targets, read again when they change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileDiscoverySettings {
    /// Paths that end in `.json`, `.yml` or `.yaml`; the name of the file may have `*` in it.
    #[schemars(with = "Vec<units::AsPath>")]
    pub files: Vec<PathBuf>,
    /// The longest time after which they are read again even if they seem not to have changed.
    #[serde(default = "five_minutes", with = "units::AsDuration")]
    pub refresh_interval: Duration,
}

fn five_minutes() -> Duration {
    Duration::from_secs(300)
}

impl Default for ScrapeSettings {
    fn default() -> Self {
        Self {
            job_name: String::new(),
            scrape_interval: None,
            scrape_timeout: None,
            metrics_path: "/metrics".to_owned(),
            scheme: "http".to_owned(),
            http: HttpClientSettings::default(),
            follow_redirects: true,
            params: BTreeMap::new(),
            honor_labels: false,
            honor_timestamps: true,
            body_size_limit: BODY_LIMIT,
            sample_limit: 0,
            static_configs: Vec::new(),
            file_sd_configs: Vec::new(),
            relabel_configs: Vec::new(),
            metric_relabel_configs: Vec::new(),
        }
    }
}

impl ScrapeSettings {
    /// The job `scrape`, with a target for each address, such as `localhost:8000` or
    /// `http://gpu1:9400/metrics?collect=all`. The path is `/metrics` unless one is given.
    ///
    /// # Errors
    ///
    /// A sentence for an address that is none.
    pub fn of_addresses(addresses: &[String], interval: Duration) -> Result<Self, String> {
        let groups: Result<Vec<TargetGroup>, String> =
            addresses.iter().map(|address| group_of(address)).collect();
        Ok(Self {
            job_name: "scrape".to_owned(),
            scrape_interval: Some(interval),
            static_configs: groups?,
            ..Self::default()
        })
    }

    /// For each target of `static_configs` that the rules keep, in order: how long after the
    /// beginning of every interval, counted from 1970, it is scraped. Another who scraped it at
    /// these moments leaves no seam where this job goes on.
    ///
    /// # Errors
    ///
    /// A sentence for a rule or an address that cannot be.
    pub fn moments(&self) -> Result<Vec<Duration>, String> {
        let job = Job::new(self.clone())?;
        let mut problems = Vec::new();
        let targets = job.targets(&mut problems);
        match problems.into_iter().next() {
            None => Ok(targets.iter().map(Target::offset).collect()),
            Some(problem) => Err(problem),
        }
    }

    /// How long a scrape may take.
    pub(super) fn timeout(&self) -> Duration {
        self.scrape_timeout.unwrap_or(Duration::from_secs(10).min(self.interval()))
    }

    /// From one scrape of a target to the next.
    pub(super) fn interval(&self) -> Duration {
        self.scrape_interval.unwrap_or(Duration::from_secs(15))
    }
}

fn group_of(address: &str) -> Result<TargetGroup, String> {
    let refuse = |reason: &str| {
        format!(
            "`{address}` is no address to scrape: {reason}; expected one such as http://127.0.0.1:9100/metrics"
        )
    };
    let spelt =
        if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let url = reqwest::Url::parse(&spelt).map_err(|error| refuse(&error.to_string()))?;
    let host = url.host_str().ok_or_else(|| refuse("it has no host"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse(
            "names and passwords stand in basic_auth of a job, where they are not shown",
        ));
    }
    let port = url.port_or_known_default().ok_or_else(|| refuse("it has no port"))?;
    let path = if url.path() == "/" { "/metrics" } else { url.path() };
    let mut labels = BTreeMap::from([
        ("__scheme__".to_owned(), url.scheme().to_owned()),
        ("__metrics_path__".to_owned(), path.to_owned()),
    ]);
    for (name, value) in url.query_pairs() {
        labels.insert(format!("__param_{name}"), value.into_owned());
    }
    Ok(TargetGroup { targets: vec![format!("{host}:{port}")], labels })
}

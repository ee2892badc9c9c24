//! What a person may set of telling others.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use auscult_engine::Selector;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::client::HttpClientSettings;
use crate::secret::Secret;
use crate::units;

/// Who is told of incidents, and where scores are written.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeliverySettings {
    /// Alertmanagers that incidents are sent to.
    pub alertmanagers: Vec<AlertmanagerSettings>,
    /// Programs that are told of incidents in signed JSON.
    pub webhooks: Vec<WebhookSettings>,
    /// Channels of Slack, Mattermost or Rocket.Chat.
    pub slack: Vec<SlackSettings>,
    /// Servers that scores are written to by remote write.
    pub remote_write: Vec<RemoteWriteSettings>,
}

/// An Alertmanager that incidents are sent to.
///
/// ```
/// let yaml = "{url: 'http://127.0.0.1:9093', resend: 30s}";
/// let settings: auscult_server::AlertmanagerSettings = serde_saphyr::from_str(yaml)?;
/// assert_eq!(settings.resend.as_secs(), 30);
/// # Ok::<(), serde_saphyr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AlertmanagerSettings {
    /// What it is called in logs and metrics; `alertmanager-HOST:PORT` unless set.
    pub name: Option<String>,
    /// Its address, such as `http://127.0.0.1:9093`.
    pub url: String,
    /// How often a firing alert is sent again.
    #[serde(with = "units::AsDuration")]
    pub resend: Duration,
    /// How long a resolved alert is sent again.
    #[serde(with = "units::AsDuration")]
    pub resolved_for: Duration,
    /// How long an answer may take.
    #[serde(with = "units::AsDuration")]
    pub timeout: Duration,
    /// First wait after a failure; doubled each time.
    #[serde(with = "units::AsDuration")]
    pub min_backoff: Duration,
    /// Longest wait after failures.
    #[serde(with = "units::AsDuration")]
    pub max_backoff: Duration,
    /// Headers that are sent along; their values are never shown.
    pub headers: BTreeMap<String, Secret>,
    /// What is sent along and how TLS is spoken: `basic_auth`, `authorization`, `tls_config`,
    /// `proxy_url` stand beside the other keys. Answers that lead elsewhere are not followed.
    #[serde(flatten)]
    pub http: HttpClientSettings,
}

impl AlertmanagerSettings {
    /// With the times that Prometheus itself uses.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            name: None,
            url: url.into(),
            resend: Duration::from_secs(60),
            resolved_for: Duration::from_secs(300),
            timeout: Duration::from_secs(10),
            min_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(60),
            headers: BTreeMap::new(),
            http: HttpClientSettings::default(),
        }
    }
}

impl Default for AlertmanagerSettings {
    fn default() -> Self {
        Self::new("")
    }
}

/// What is told of an incident.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// Something is odd.
    Opened,
    /// More is odd than was told before.
    Updated,
    /// Everything is as usual again.
    Recovered,
    /// It came back soon after it had recovered.
    Reopened,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Opened, Self::Updated, Self::Recovered, Self::Reopened];
}

/// A receiver of signed JSON.
///
/// ```
/// let yaml = "{url: 'https://example.org/hook', secret_file: /etc/auscult/hook, events: [opened]}";
/// let settings: auscult_server::WebhookSettings = serde_saphyr::from_str(yaml)?;
/// assert_eq!(settings.events.len(), 1);
/// assert!(!format!("{settings:?}").contains("example.org"));
/// # Ok::<(), serde_saphyr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookSettings {
    /// What it is called in logs and metrics, and where it is remembered what it was told;
    /// `webhook-HOST` unless set.
    pub name: Option<String>,
    /// Its address, which is never shown: it may hold a token.
    pub url: Secret,
    /// File with its address, instead of `url`; read at the start.
    #[schemars(with = "Option<units::AsPath>")]
    pub url_file: Option<PathBuf>,
    /// Key that messages are signed with: `whsec_` and base64, or any other text as it stands.
    /// Without one they are not signed.
    pub secret: Option<Secret>,
    /// File with the key, instead of `secret`; read anew each time.
    #[schemars(with = "Option<units::AsPath>")]
    pub secret_file: Option<PathBuf>,
    /// What it is told.
    pub events: Vec<Event>,
    /// An incident that grows is told of again at most so often; what came between is told
    /// together.
    #[serde(with = "units::AsDuration")]
    pub update_every: Duration,
    /// How long an answer may take.
    #[serde(with = "units::AsDuration")]
    pub timeout: Duration,
    /// First wait after a failure; doubled each time.
    #[serde(with = "units::AsDuration")]
    pub min_backoff: Duration,
    /// Longest wait after failures, unless the receiver asks for a longer one.
    #[serde(with = "units::AsDuration")]
    pub max_backoff: Duration,
    /// A state that could not be told for so long is given up.
    #[serde(with = "units::AsDuration")]
    pub give_up_after: Duration,
    /// Most states that wait; what is superseded is dropped first, then what is oldest.
    pub most_waiting: usize,
    /// Headers that are sent along; their values are never shown.
    pub headers: BTreeMap<String, Secret>,
    /// What is sent along and how TLS is spoken: `basic_auth`, `authorization`, `tls_config`,
    /// `proxy_url` stand beside the other keys. Answers that lead elsewhere are not followed.
    #[serde(flatten)]
    pub http: HttpClientSettings,
}

impl WebhookSettings {
    /// Told of everything, at most every 15 seconds of one that grows; unsigned.
    #[must_use]
    pub fn new(url: Secret) -> Self {
        Self {
            name: None,
            url,
            url_file: None,
            secret: None,
            secret_file: None,
            events: Event::ALL.to_vec(),
            update_every: Duration::from_secs(15),
            timeout: Duration::from_secs(10),
            min_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(300),
            give_up_after: Duration::from_secs(86_400),
            most_waiting: 1000,
            headers: BTreeMap::new(),
            http: HttpClientSettings::default(),
        }
    }
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self::new(Secret::default())
    }
}

/// A channel of Slack, or of Mattermost or Rocket.Chat, which take the same messages.
///
/// ```
/// let yaml = "{url_file: /etc/auscult/slack, update_every: 10m}";
/// let settings: auscult_server::SlackSettings = serde_saphyr::from_str(yaml)?;
/// assert_eq!(settings.update_every.as_secs(), 600);
/// # Ok::<(), serde_saphyr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SlackSettings {
    /// What it is called in logs and metrics, and where it is remembered what it was told;
    /// `slack-HOST` unless set.
    pub name: Option<String>,
    /// The address of its incoming webhook, which is never shown: who knows it can write.
    pub url: Secret,
    /// File with the address, instead of `url`; read at the start.
    #[schemars(with = "Option<units::AsPath>")]
    pub url_file: Option<PathBuf>,
    /// Another channel than the one that the webhook is for; Slack's own ignore it.
    pub channel: Option<String>,
    /// What it is told.
    pub events: Vec<Event>,
    /// An incident that grows is told of again at most so often; what came between is told
    /// together.
    #[serde(with = "units::AsDuration")]
    pub update_every: Duration,
    /// How long an answer may take.
    #[serde(with = "units::AsDuration")]
    pub timeout: Duration,
    /// First wait after a failure; doubled each time.
    #[serde(with = "units::AsDuration")]
    pub min_backoff: Duration,
    /// Longest wait after failures, unless the receiver asks for a longer one.
    #[serde(with = "units::AsDuration")]
    pub max_backoff: Duration,
    /// A state that could not be told for so long is given up.
    #[serde(with = "units::AsDuration")]
    pub give_up_after: Duration,
    /// Most states that wait; what is superseded is dropped first, then what is oldest.
    pub most_waiting: usize,
    /// How TLS is spoken: `tls_config` and `proxy_url` stand beside the other keys, and what is
    /// sent along, `basic_auth` and `authorization`. Answers that lead elsewhere are not followed.
    #[serde(flatten)]
    pub http: HttpClientSettings,
}

impl SlackSettings {
    /// Told of everything, at most every five minutes of one that grows.
    #[must_use]
    pub fn new(url: Secret) -> Self {
        Self {
            name: None,
            url,
            url_file: None,
            channel: None,
            events: Event::ALL.to_vec(),
            update_every: Duration::from_secs(300),
            timeout: Duration::from_secs(10),
            min_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(300),
            give_up_after: Duration::from_secs(86_400),
            most_waiting: 1000,
            http: HttpClientSettings::default(),
        }
    }
}

impl Default for SlackSettings {
    fn default() -> Self {
        Self::new(Secret::default())
    }
}

/// A server that takes scores by Prometheus remote write 1.0.
///
/// ```
/// let yaml = "{url: 'http://127.0.0.1:9090/api/v1/write', select: ['{job=\"vllm\"}'], band: true}";
/// let settings: auscult_server::RemoteWriteSettings = serde_saphyr::from_str(yaml)?;
/// assert!(settings.band && !settings.expected);
/// # Ok::<(), serde_saphyr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RemoteWriteSettings {
    /// What it is called in logs and metrics; `remote-write-HOST:PORT` unless set.
    pub name: Option<String>,
    /// Its address, such as `http://127.0.0.1:9090/api/v1/write`; never shown, as it may hold
    /// a password.
    pub url: Secret,
    /// How often scores are written.
    #[serde(with = "units::AsDuration")]
    pub interval: Duration,
    /// Selectors such as `power_watts{job="vllm"}` of the series whose scores are always
    /// written. Those of series in an open incident are in any case.
    pub select: Vec<Selector>,
    /// Whether the expected reading is written too.
    pub expected: bool,
    /// Whether the band of usual readings is written too, as two series.
    pub band: bool,
    /// Whether a series for each open incident is written.
    pub incidents: bool,
    /// Most series whose scores are written; those of incidents go first.
    pub most_series: usize,
    /// How long an answer may take.
    #[serde(with = "units::AsDuration")]
    pub timeout: Duration,
    /// First wait after a failure; doubled each time.
    #[serde(with = "units::AsDuration")]
    pub min_backoff: Duration,
    /// Longest wait after failures, unless the receiver asks for a longer one.
    #[serde(with = "units::AsDuration")]
    pub max_backoff: Duration,
    /// Most requests that wait, of 2,000 samples at most; the oldest are dropped first.
    pub most_waiting: usize,
    /// Headers that are sent along; their values are never shown.
    pub headers: BTreeMap<String, Secret>,
    /// What is sent along and how TLS is spoken: `basic_auth`, `authorization`, `tls_config`,
    /// `proxy_url` stand beside the other keys. Answers that lead elsewhere are not followed.
    #[serde(flatten)]
    pub http: HttpClientSettings,
}

impl RemoteWriteSettings {
    /// Every 15 seconds, scores and alarms of series in open incidents.
    #[must_use]
    pub fn new(url: Secret) -> Self {
        Self {
            name: None,
            url,
            interval: Duration::from_secs(15),
            select: Vec::new(),
            expected: false,
            band: false,
            incidents: true,
            most_series: 10_000,
            timeout: Duration::from_secs(30),
            min_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(60),
            most_waiting: 500,
            headers: BTreeMap::new(),
            http: HttpClientSettings::default(),
        }
    }
}

impl Default for RemoteWriteSettings {
    fn default() -> Self {
        Self::new(Secret::default())
    }
}

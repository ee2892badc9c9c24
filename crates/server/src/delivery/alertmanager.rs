//! Incidents as alerts of Prometheus's Alertmanager.
//!
//! Source: Alertmanager API v2 (its OpenAPI document). The labels of an alert are
//! what it is; whatever changes while it fires (numbers, times, members) is in its annotations.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use auscult_core::{Labels, METRIC_NAME, Timestamp};
use auscult_engine::incident::{Incident, Member, State};
use auscult_telemetry::format_time;
use reqwest::{Client, Url};
use serde::Serialize;
use tokio::sync::watch;

use crate::own_metrics::ReceiverLabels;
use crate::serve::{ServeError, Shared};
use crate::settings::AlertmanagerSettings;
use crate::{client, clock};

/// How often incidents are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// First wait after a failure; doubled each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Longest wait after failures.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Series that an alert names.
const NAMED: usize = 5;

/// An alert, as the API takes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<&'static str, String>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: String,
}

/// Sends incidents to one Alertmanager.
#[derive(Debug)]
pub(crate) struct Alertmanager {
    settings: AlertmanagerSettings,
    client: Client,
    alerts: Url,
    /// Where this service can be reached.
    external: String,
    labels: ReceiverLabels,
}

/// What was sent of an incident last.
#[derive(Debug, Clone, Copy)]
struct Sent {
    updated: Timestamp,
    state: State,
    at: Timestamp,
}

impl Alertmanager {
    /// Alerts lead back to `external`.
    pub(crate) fn new(settings: AlertmanagerSettings, external: &str) -> Result<Self, ServeError> {
        let refuse =
            |reason: String| ServeError::Alertmanager { url: settings.url.clone(), reason };
        let base = settings.url.trim_end_matches('/');
        let alerts = Url::parse(&format!("{base}/api/v2/alerts"))
            .map_err(|error| refuse(error.to_string()))?;
        let client = client::builder().timeout(settings.timeout).build();
        let client = client.map_err(|error| refuse(error.to_string()))?;
        let labels = ReceiverLabels { receiver: settings.url.clone() };
        Ok(Self { settings, client, alerts, external: external.to_owned(), labels })
    }

    /// Sends what is new at once and what fires again and again, until `stopped`.
    pub(crate) async fn run(&self, shared: &Shared, mut stopped: watch::Receiver<bool>) {
        let mut sent: HashMap<u64, Sent> = HashMap::new();
        let mut wait = LOOK;
        loop {
            let now = clock::now();
            let due = shared
                .engine
                .incidents_that(|incident| self.is_due(incident, sent.get(&incident.id), now));
            // Of one that recovered, and was told of often enough, nothing is to be remembered.
            let long = self.settings.resolved_for + self.settings.resend;
            sent.retain(|_, sent| sent.state == State::Open || since(sent.at, now) < long);
            wait = if due.is_empty() || self.send(&due, now).await {
                for incident in &due {
                    let (updated, state) = (incident.updated, incident.state);
                    sent.insert(incident.id, Sent { updated, state, at: now });
                    shared.metrics.sent.get_or_create(&self.labels).inc();
                }
                LOOK
            } else {
                shared.metrics.send_failures.get_or_create(&self.labels).inc();
                (wait * 2).clamp(FIRST_WAIT, LONGEST_WAIT)
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = stopped.changed() => return,
            }
        }
    }

    /// Whether the receiver has to be told of `incident`, of which it was `sent` something.
    fn is_due(&self, incident: &Incident, sent: Option<&Sent>, now: Timestamp) -> bool {
        match (incident.state, sent) {
            // One that came and went while nobody listened is no news.
            (State::Recovered, None) => false,
            (State::Open, None) => true,
            (state, Some(sent)) if state != sent.state || incident.updated != sent.updated => true,
            (State::Open, Some(sent)) => since(sent.at, now) >= self.settings.resend,
            (State::Recovered, Some(sent)) => {
                since(incident.updated, now) < self.settings.resolved_for
                    && since(sent.at, now) >= self.settings.resend
            }
        }
    }

    /// Says whether the receiver took them.
    async fn send(&self, incidents: &[Incident], now: Timestamp) -> bool {
        let alerts: Vec<Alert> =
            incidents.iter().map(|incident| self.alert(incident, now)).collect();
        let answer = self.client.post(self.alerts.clone()).json(&alerts).send().await;
        match answer.and_then(reqwest::Response::error_for_status) {
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(receiver = %self.settings.url, "alerts not taken: {error}");
                false
            }
        }
    }

    fn alert(&self, incident: &Incident, now: Timestamp) -> Alert {
        let mut labels = BTreeMap::from([
            ("alertname".to_owned(), "AuscultIncident".to_owned()),
            ("incident".to_owned(), incident.id.to_string()),
            ("severity".to_owned(), "warning".to_owned()),
        ]);
        labels.extend(shared_labels(&incident.targets));
        let ends = match incident.state {
            // Longer than until the next time, so that a lost message resolves nothing.
            State::Open => {
                let beyond = i64::try_from(self.settings.resend.as_nanos()).unwrap_or(i64::MAX / 8);
                Timestamp::from_nanos(now.nanos().saturating_add(beyond.saturating_mul(4)))
            }
            State::Recovered => incident.updated,
        };
        let id = incident.id;
        Alert {
            labels,
            annotations: annotations(incident),
            starts_at: format_time(incident.began),
            ends_at: format_time(ends),
            generator_url: format!("{}/api/auscult/v1/incidents/{id}", self.external),
        }
    }
}

/// The time from `then` to `now`; none if the clock was set back.
fn since(then: Timestamp, now: Timestamp) -> Duration {
    Duration::from_nanos(u64::try_from(now.nanos().saturating_sub(then.nanos())).unwrap_or(0))
}

/// Labels that all targets have in common.
fn shared_labels(targets: &[Labels]) -> impl Iterator<Item = (String, String)> + '_ {
    let first = targets.first().into_iter().flat_map(Labels::iter);
    first
        .filter(|(name, value)| targets.iter().all(|target| target.get(name) == Some(value)))
        .filter(|(name, _)| *name != METRIC_NAME)
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

fn annotations(incident: &Incident) -> BTreeMap<&'static str, String> {
    let mut members: Vec<_> = incident.members.iter().collect();
    members.sort_by(|a, b| b.return_seconds.total_cmp(&a.return_seconds));
    let others = (members.len() as u64 + incident.more_members).saturating_sub(1);
    let lines: Vec<String> = members.iter().take(NAMED).map(|member| line(member)).collect();
    let strangest = lines.first().map_or("", String::as_str);
    let more = if others > 0 { format!("; {others} more series are odd") } else { String::new() };
    let targets: Vec<String> = incident.targets.iter().map(Labels::to_string).collect();
    BTreeMap::from([
        ("summary", format!("{strangest}{more}")),
        ("description", lines.join("\n")),
        ("targets", targets.join("\n")),
        ("began", format_time(incident.began)),
        ("surprise", format!("{:.1}", incident.surprise)),
    ])
}

/// What is odd of a series, in a line.
fn line(member: &Member) -> String {
    let reason = member.reasons.first().map_or("", String::as_str);
    let (series, reading, expected) = (&member.series, member.reading, member.expected);
    match member.band {
        // It is not the reading that is odd.
        None if reading == expected => format!("{series}: {reason}"),
        _ => format!("{series}: {reason}; reads {reading:.4}, expected {expected:.4}"),
    }
}

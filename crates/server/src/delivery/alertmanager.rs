//! Incidents as alerts of Prometheus's Alertmanager.
//!
//! Source: Alertmanager API v2 (its OpenAPI document). The labels of an alert are
//! what it is; whatever changes while it fires (numbers, times, members) is in its annotations.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use auscult_core::{Labels, Timestamp};
use auscult_engine::Diagnosis;
use auscult_engine::incident::{Incident, Member, State};
use auscult_store::{OutboxEntry, StoredTold};
use auscult_telemetry::format_time;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Serialize;
use tokio::sync::watch;

use super::post::Post;
use super::retry::{Backoff, Refused};
use super::settings::AlertmanagerSettings;
use super::words::{self, since};
use super::{LOOK, link, report_link, verdict_link};
use crate::clock;
use crate::secret::Secret;
use crate::serve::Shared;

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
pub(super) struct Alertmanager {
    name: String,
    settings: AlertmanagerSettings,
    post: Post,
    /// Where this service can be reached.
    external: Arc<str>,
}

/// What was sent of an incident last.
#[derive(Debug, Clone)]
struct Sent {
    /// What the alert was: with other labels it would be another one. Not known of what was
    /// sent before a restart.
    labels: Option<BTreeMap<String, String>>,
    updated: Timestamp,
    state: State,
    at: Timestamp,
}

impl Sent {
    fn stored(&self, incident: u64) -> StoredTold {
        let state = match self.state {
            State::Open => "open",
            State::Recovered => "recovered",
        };
        let (updated, time) = (self.updated, self.at);
        StoredTold { incident, state: state.to_owned(), updated, time }
    }
}

impl From<StoredTold> for Sent {
    fn from(stored: StoredTold) -> Self {
        let state = if stored.state == "open" { State::Open } else { State::Recovered };
        Self { labels: None, updated: stored.updated, state, at: stored.time }
    }
}

impl Alertmanager {
    /// The way to its API; says what is wrong with the address.
    pub(super) fn post(settings: &AlertmanagerSettings) -> Result<Post, String> {
        let base = settings.url.trim_end_matches('/');
        let url = Secret::new(format!("{base}/api/v2/alerts"));
        Post::new(&url, settings.timeout, &settings.headers, settings.http.clone())
    }

    /// Alerts lead back to `external`.
    pub(super) fn new(
        name: String,
        settings: AlertmanagerSettings,
        post: Post,
        external: Arc<str>,
    ) -> Self {
        Self { name, settings, post, external }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Sends what is new at once and what fires again and again, until `stopped`.
    pub(super) async fn run(self, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
        let stored = {
            let (shared, name) = (Arc::clone(&shared), self.name.clone());
            tokio::task::spawn_blocking(move || shared.outgoing(&name)).await.unwrap_or_default()
        };
        let told = stored.told.into_iter();
        let mut sent: HashMap<u64, Sent> = told.map(|told| (told.incident, told.into())).collect();
        let (first, longest) = (self.settings.min_backoff, self.settings.max_backoff);
        let backoff = Backoff { first, longest };
        let mut failures = 0_u32;
        let mut unsaved = Vec::new();
        loop {
            let now = clock::now();
            let due = shared
                .engine
                .incidents_that(|incident| self.is_due(incident, sent.get(&incident.id), now));
            // Of one that recovered, and was told of often enough, nothing is to be remembered.
            let long = self.settings.resolved_for + self.settings.resend;
            sent.retain(|_, sent| sent.state == State::Open || since(sent.at, now) < long);
            let taken =
                if due.is_empty() { Ok(()) } else { self.send(&shared, &due, &sent, now).await };
            self.count(&shared, &due, &taken);
            let wait = match &taken {
                Err(refused) if !refused.is_final => {
                    failures = failures.saturating_add(1);
                    let reason = &refused.reason;
                    let name = &self.name;
                    tracing::warn!("receiver `{name}` could not be told of incidents: {reason}");
                    backoff.wait(failures).max(refused.retry_after.unwrap_or_default())
                }
                taken => {
                    if let Err(refused) = taken {
                        let (name, reason) = (&self.name, &refused.reason);
                        tracing::error!(
                            "receiver `{name}` does not take incidents as they are now: {reason}"
                        );
                    }
                    for incident in &due {
                        let (updated, state) = (incident.updated, incident.state);
                        let labels = Some(labels(incident));
                        let now_sent = Sent { labels, updated, state, at: now };
                        let told = now_sent.stored(incident.id);
                        let before = sent.insert(incident.id, now_sent);
                        let is_new = before.is_none_or(|before| {
                            (before.updated, before.state) != (updated, state)
                        });
                        if is_new && taken.is_ok() {
                            let receiver = self.name.clone();
                            unsaved.push(OutboxEntry::Told { receiver, told });
                        }
                    }
                    failures = 0;
                    LOOK
                }
            };
            if !unsaved.is_empty() {
                let shared = Arc::clone(&shared);
                let mut steps = std::mem::take(&mut unsaved);
                let save = move || {
                    shared.note_outbox(&mut steps);
                    steps
                };
                unsaved = tokio::task::spawn_blocking(save).await.unwrap_or_default();
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = stopped.changed() => return,
            }
        }
    }

    fn count(&self, shared: &Shared, due: &[Incident], taken: &Result<(), Refused>) {
        let number = due.len() as u64;
        shared.metrics.delivery.count(&self.name, |tally| {
            (tally.waiting, tally.oldest) = (0, None);
            match taken {
                Ok(()) => tally.sent += number,
                Err(refused) => {
                    tally.failures += 1;
                    if refused.is_final {
                        tally.given_up += number;
                    } else {
                        tally.waiting = due.len();
                        tally.oldest = due.iter().map(|incident| incident.updated).min();
                    }
                }
            }
        });
    }

    /// Whether the receiver has to be told of `incident`, of which it was `sent` something.
    fn is_due(&self, incident: &Incident, sent: Option<&Sent>, now: Timestamp) -> bool {
        match (incident.state, sent) {
            (State::Open, _) if incident.silenced => false,
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

    async fn send(
        &self,
        shared: &Shared,
        incidents: &[Incident],
        sent: &HashMap<u64, Sent>,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let causes = |id| shared.diagnoses.of(id);
        let alerts = self.alerts_of(incidents, sent, &causes, now);
        let body = serde_json::to_vec(&alerts).expect("plain data becomes JSON");
        let json = HeaderValue::from_static("application/json");
        self.post.send(HeaderMap::from_iter([(CONTENT_TYPE, json)]), body).await
    }

    /// The alerts of `incidents`. Where the labels of one are others than those that were sent,
    /// because it matters more or grew, the alert before ends.
    fn alerts_of(
        &self,
        incidents: &[Incident],
        sent: &HashMap<u64, Sent>,
        causes: &dyn Fn(u64) -> Option<Diagnosis>,
        now: Timestamp,
    ) -> Vec<Alert> {
        let mut alerts = Vec::with_capacity(incidents.len());
        for incident in incidents {
            let alert = self.alert(incident, causes(incident.id).as_ref(), now);
            let before = sent.get(&incident.id).and_then(|sent| sent.labels.as_ref());
            alerts.extend(before.filter(|before| **before != alert.labels).map(|before| Alert {
                labels: before.clone(),
                ends_at: format_time(now),
                ..alert.clone()
            }));
            alerts.push(alert);
        }
        alerts
    }

    fn alert(&self, incident: &Incident, cause: Option<&Diagnosis>, now: Timestamp) -> Alert {
        let ends = match incident.state {
            // Longer than until the next time, so that a lost message resolves nothing.
            State::Open => {
                let beyond = i64::try_from(self.settings.resend.as_nanos()).unwrap_or(i64::MAX / 8);
                Timestamp::from_nanos(now.nanos().saturating_add(beyond.saturating_mul(4)))
            }
            State::Recovered => incident.updated,
        };
        let mut annotations = annotations(incident, cause);
        annotations.insert("verdict", verdict_link(&self.external, incident.id));
        annotations.insert("report", report_link(&self.external, incident.id));
        Alert {
            labels: labels(incident),
            annotations,
            starts_at: format_time(incident.began),
            ends_at: format_time(ends),
            generator_url: link(&self.external, incident.id),
        }
    }
}

/// What the alert of an incident is.
fn labels(incident: &Incident) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([
        ("alertname".to_owned(), "AuscultIncident".to_owned()),
        ("incident".to_owned(), incident.id.to_string()),
        ("severity".to_owned(), incident.severity.as_str().to_owned()),
    ]);
    let shared = words::shared_labels(&incident.targets);
    labels.extend(shared.map(|(name, value)| (name.to_owned(), value.to_owned())));
    labels
}

fn annotations(incident: &Incident, cause: Option<&Diagnosis>) -> BTreeMap<&'static str, String> {
    let members = words::strangest(incident);
    let others = (members.len() as u64 + incident.more_members).saturating_sub(1);
    let lines: Vec<String> = members.iter().take(NAMED).map(|member| line(member)).collect();
    let strangest = lines.first().map_or("", String::as_str);
    let more = if others > 0 { format!("; {others} more series are odd") } else { String::new() };
    let targets: Vec<String> = incident.targets.iter().map(Labels::to_string).collect();
    let mut annotations = BTreeMap::from([
        ("summary", format!("{strangest}{more}")),
        ("description", lines.join("\n")),
        ("targets", targets.join("\n")),
        ("began", format_time(incident.began)),
        ("surprise", format!("{:.1}", incident.surprise)),
    ]);
    if let Some(diagnosis) = cause.filter(|known| !known.causes.is_empty()) {
        annotations.insert("cause", diagnosis.sentence.clone());
    }
    if let Some(cause) = cause.and_then(|known| known.answer()) {
        let evidence = cause.supports.iter().take(NAMED);
        let evidence: Vec<String> = evidence.map(ToString::to_string).collect();
        annotations.insert("evidence", evidence.join("\n"));
        if !cause.remedy.now.is_empty() {
            annotations.insert("remedy", cause.remedy.now.clone());
        }
    }
    if let Some(recovery) = cause.and_then(|known| known.recovery.as_ref()) {
        annotations.insert("recovery", recovery.sentence.clone());
    }
    annotations
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

#[cfg(test)]
mod tests {
    use auscult_engine::{Engine, EngineSettings, Policy, Severity, ValidRange};
    use auscult_telemetry::metrics::{MetricBatch, MetricKind};

    use super::*;

    fn alertmanager() -> Alertmanager {
        let settings = AlertmanagerSettings::new("http://127.0.0.1:9093");
        let post = Alertmanager::post(&settings).unwrap();
        Alertmanager::new("it".to_owned(), settings, post, "http://localhost:9464".into())
    }

    /// An incident of a series beyond its valid range, with this severity.
    fn incident(severity: Severity) -> Incident {
        let policy = Policy {
            valid_range: Some(ValidRange::new(None, Some(85.0)).unwrap()),
            severity: Some(severity),
            ..Policy::default()
        };
        let engine = Engine::new(EngineSettings { policies: vec![policy], ..Default::default() });
        let mut batch = MetricBatch::default();
        let mut labels = [("__name__", "temperature_celsius"), ("instance", "a")];
        batch.begin_series(MetricKind::Gauge, &mut labels).unwrap();
        batch.push(Timestamp::from_seconds(60), 90.0);
        engine.ingest(&batch);
        engine.incidents().remove(0)
    }

    #[test]
    fn nobody_is_told_of_a_silenced_incident_until_it_is_silenced_no_more() {
        let alertmanager = alertmanager();
        let now = Timestamp::from_seconds(100);
        let open = incident(Severity::Warning);
        let silenced = Incident { silenced: true, ..open.clone() };
        assert!(alertmanager.is_due(&open, None, now));
        assert!(!alertmanager.is_due(&silenced, None, now));
        let (labels, state) = (Some(labels(&open)), State::Open);
        let sent = Sent { labels, updated: open.updated, state, at: Timestamp::from_seconds(0) };
        assert!(!alertmanager.is_due(&silenced, Some(&sent), Timestamp::from_seconds(100_000)));
        let recovered = Incident { state: State::Recovered, ..silenced };
        assert!(alertmanager.is_due(&recovered, Some(&sent), now), "what was told has an end");
    }

    #[test]
    fn an_incident_that_matters_more_is_another_alert_and_the_one_before_ends() {
        let alertmanager = alertmanager();
        let now = Timestamp::from_seconds(100);
        let (before, after) = (incident(Severity::Warning), incident(Severity::Critical));
        let (labels, updated) = (Some(labels(&before)), before.updated);
        let sent = Sent { labels, updated, state: State::Open, at: now };
        let sent = HashMap::from([(before.id, sent)]);
        let alerts = alertmanager.alerts_of(&[before], &sent, &|_| None, now);
        assert_eq!(alerts.len(), 1);
        let base = format!("http://localhost:9464/incidents/{}", after.id);
        for page in ["report", "verdict"] {
            assert_eq!(alerts[0].annotations[page], format!("{base}/{page}"));
        }
        let alerts = alertmanager.alerts_of(&[after], &sent, &|_| None, now);
        let said: Vec<_> =
            alerts.iter().map(|one| (one.labels["severity"].as_str(), &one.ends_at)).collect();
        let ended = format_time(now);
        assert_eq!(said[0], ("warning", &ended));
        assert!(said[1].0 == "critical" && *said[1].1 > ended, "{said:?}");
    }
}

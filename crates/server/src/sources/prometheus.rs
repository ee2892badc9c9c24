//! An existing server with Prometheus's HTTP API, asked the same queries again and again.
//!
//! Source: Prometheus documentation, "HTTP API".

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use auscult_core::Timestamp;
use auscult_telemetry::metrics::Families;
use reqwest::{StatusCode, Url};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::watch;

use super::matrix::{Moments, families};
use super::{Slice, ingest};
use crate::client::{self, HttpClient, HttpClientSettings, Manner};
use crate::own_metrics::{OwnMetrics, SourceLabels};
use crate::serve::Shared;
use crate::{clock, units};

/// Points of each series that one query asks for at most, unless the answer is too large.
const CHUNK_POINTS: i64 = 240;
/// Attempts to read a piece of history.
const ATTEMPTS: u32 = 6;
/// First wait after a failure; doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Most of the past that is asked for again after the server could not be reached.
const CATCH_UP: Duration = Duration::from_secs(3600);

/// A server with Prometheus's HTTP API, such as Prometheus, Thanos, Mimir or VictoriaMetrics.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusSettings {
    /// Its address, such as `http://127.0.0.1:9090`; what stands before `/api/v1`.
    pub url: String,
    /// Queries in PromQL, such as `{job="vllm"}`; each series of their answers is watched. A series
    /// that a query leaves without a name is called by the query.
    pub queries: Vec<String>,
    /// How much of the past is read first.
    #[serde(default = "one_day", with = "units::AsDuration")]
    pub history: Duration,
    /// From one evaluation of the queries to the next, in the past and live, at least 1 s; as the interval at which
    /// the server scrapes, or longer.
    #[serde(default = "quarter_minute", with = "units::AsDuration")]
    pub step: Duration,
    /// How long after a moment it is asked for; longer than samples take to show up in answers.
    #[serde(default, with = "units::AsDuration")]
    pub lag: Duration,
    /// How long an answer may take.
    #[serde(default = "half_minute", with = "units::AsDuration")]
    pub timeout: Duration,
    /// What is sent along and how TLS is spoken: `basic_auth`, `authorization`, `tls_config`,
    /// `proxy_url` stand beside the other keys.
    #[serde(flatten)]
    pub http: HttpClientSettings,
    /// Whether answers that lead elsewhere are followed.
    #[serde(default = "yes")]
    pub follow_redirects: bool,
    /// Most bytes of an answer. The past is asked for in smaller pieces where one is larger.
    #[serde(default = "answer_limit", with = "units::AsBytes")]
    pub body_size_limit: u64,
}

fn one_day() -> Duration {
    Duration::from_secs(86_400)
}

fn half_minute() -> Duration {
    Duration::from_secs(30)
}

fn quarter_minute() -> Duration {
    Duration::from_secs(15)
}

fn yes() -> bool {
    true
}

fn answer_limit() -> u64 {
    128 << 20
}

impl PrometheusSettings {
    /// With a day of history and a step of 15 s.
    #[must_use]
    pub fn new(url: impl Into<String>, queries: Vec<String>) -> Self {
        Self {
            url: url.into(),
            queries,
            history: one_day(),
            step: quarter_minute(),
            lag: Duration::ZERO,
            timeout: half_minute(),
            http: HttpClientSettings::default(),
            follow_redirects: true,
            body_size_limit: answer_limit(),
        }
    }
}

/// Why a query has no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueryError {
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it answered {status}: {text}")]
    Status { status: StatusCode, text: String },
    #[error("its answer has more than {0} bytes, the body_size_limit")]
    TooLarge(u64),
    #[error("{0}")]
    Malformed(String),
}

impl QueryError {
    /// As metrics call it.
    fn outcome(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Status { .. } => "status",
            Self::TooLarge(_) => "body_size_limit",
            Self::Malformed(_) => "malformed",
        }
    }

    /// Whether the same query may be answered later.
    fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Status { status, .. } => {
                // 422 says that the query is right and cannot be carried out.
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::TooLarge(_) | Self::Malformed(_) => false,
        }
    }

    /// Whether a shorter piece of the past may be answered.
    fn is_too_much(&self) -> bool {
        let too_much = StatusCode::UNPROCESSABLE_ENTITY;
        matches!(self, Self::TooLarge(_))
            || matches!(self, Self::Status { status, .. } if *status == too_much)
    }
}

/// Asks a server.
#[derive(Debug)]
pub(crate) struct PrometheusSource {
    settings: PrometheusSettings,
    client: HttpClient,
    api: String,
    families: Option<Families<'static>>,
    /// Milliseconds from one moment to the next.
    step: i64,
    /// The first moment not yet asked for, in milliseconds since the epoch.
    next: i64,
    /// The last moment that is ever asked for.
    until: i64,
    /// Moments that one query asks for.
    chunk: i64,
    ready: VecDeque<Slice>,
    failing: bool,
}

impl PrometheusSource {
    /// Refuses, in a sentence, settings that cannot be.
    pub(super) fn new(settings: PrometheusSettings) -> Result<Self, String> {
        if settings.queries.is_empty() {
            return Err("it has no queries; add one such as {job=\"vllm\"}".to_owned());
        }
        if settings.step < Duration::from_secs(1) {
            return Err(format!("a step of {:?} cannot be: expected at least 1s", settings.step));
        }
        let api = format!("{}/api/v1/", settings.url.trim_end_matches('/'));
        let url = Url::parse(&api).map_err(|error| error.to_string())?;
        if !["http", "https"].contains(&url.scheme()) {
            let scheme = url.scheme();
            return Err(format!("scheme `{scheme}` is not spoken: expected http or https"));
        }
        let (timeout, follows_redirects) = (Some(settings.timeout), settings.follow_redirects);
        let manner = Manner { timeout, follows_redirects };
        let client = HttpClient::new(settings.http.clone(), manner)?;
        let step = milliseconds(settings.step);
        let past = now().saturating_sub(milliseconds(settings.history)).max(0);
        let next = (past / step) * step;
        let (families, ready) = (None, VecDeque::new());
        Ok(Self {
            settings,
            client,
            api,
            families,
            step,
            next,
            until: i64::MAX,
            chunk: CHUNK_POINTS,
            ready,
            failing: false,
        })
    }

    /// Of what the server has from `from` to `to`, and nothing live.
    pub(crate) fn between(
        settings: PrometheusSettings,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Self, String> {
        let mut source = Self::new(settings)?;
        let first = from.nanos().div_euclid(1_000_000).max(0);
        source.next = first + (-first).rem_euclid(source.step);
        source.until = to.nanos().div_euclid(1_000_000);
        Ok(source)
    }

    /// The last moment that can be asked for.
    fn newest(&self) -> i64 {
        let newest = now().saturating_sub(milliseconds(self.settings.lag)).min(self.until);
        (newest / self.step) * self.step
    }

    /// The next moment of the past; what cannot be read of it is given up, in words.
    pub(super) async fn history(&mut self, metrics: &OwnMetrics) -> Option<Slice> {
        match self.past(metrics).await {
            Ok(slice) => slice,
            Err(error) => {
                let url = &self.settings.url;
                tracing::warn!(%url, "the rest of its history is not read: {error}");
                // What is new may come all the same.
                self.next = self.newest();
                None
            }
        }
    }

    /// The next moment of the past; failures that may pass are tried again for a while.
    pub(crate) async fn past(&mut self, metrics: &OwnMetrics) -> Result<Option<Slice>, QueryError> {
        let mut attempt = 0;
        loop {
            if let Some(slice) = self.ready.pop_front() {
                return Ok(Some(slice));
            }
            if self.next > self.newest() {
                return Ok(None);
            }
            match self.ask(metrics).await {
                Ok(()) => attempt = 0,
                Err(error) if error.is_transient() && attempt + 1 < ATTEMPTS => {
                    tokio::time::sleep(FIRST_WAIT * 2_u32.pow(attempt)).await;
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Asks again at each step, until `stopped`.
    pub(super) async fn run(mut self, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
        loop {
            let newest = self.newest();
            self.next = self.next.max(newest.saturating_sub(milliseconds(CATCH_UP)));
            while self.next <= newest && !*stopped.borrow() {
                let asked = self.ask(&shared.metrics).await;
                self.note(asked.as_ref().err());
                if asked.is_err() {
                    break;
                }
                ingest(&shared, self.ready.drain(..).collect()).await;
            }
            let due = newest + self.step + milliseconds(self.settings.lag);
            let wait = u64::try_from(due - now()).unwrap_or(0).max(10);
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(wait)) => {}
                _ = stopped.changed() => return,
            }
        }
    }

    /// Says, once, that it fails, and that it is over.
    fn note(&mut self, error: Option<&QueryError>) {
        let url = &self.settings.url;
        match error {
            Some(error) if !self.failing => tracing::warn!(%url, "not asked: {error}"),
            None if self.failing => tracing::info!(%url, "asked again"),
            _ => {}
        }
        self.failing = error.is_some();
    }

    /// Asks for the next piece of time, all queries, and makes it ready.
    async fn ask(&mut self, metrics: &OwnMetrics) -> Result<(), QueryError> {
        loop {
            let newest = self.newest();
            let end = newest.min(self.next.saturating_add((self.chunk - 1) * self.step));
            let asked = self.ask_range(self.next, end).await;
            let outcome = asked.as_ref().map_or_else(QueryError::outcome, |_| "ok");
            let source = self.settings.url.clone();
            let labels = SourceLabels { source, outcome };
            metrics.source_reads.get_or_create(&labels).inc();
            match asked {
                Ok(moments) => {
                    self.ready = moments.slices();
                    self.next = end + self.step;
                    return Ok(());
                }
                Err(error) if error.is_too_much() && end > self.next => {
                    self.chunk = (((end - self.next) / self.step + 1) / 2).max(1);
                }
                Err(error) => {
                    // The next question may be another matter.
                    self.chunk = CHUNK_POINTS;
                    return Err(error);
                }
            }
        }
    }

    async fn ask_range(&mut self, start: i64, end: i64) -> Result<Moments, QueryError> {
        if self.families.is_none() {
            // Not every server knows; names tell then.
            let answer = match self.get("metadata", &[]).await {
                Err(error) if error.is_transient() => return Err(error),
                answer => answer.unwrap_or_default(),
            };
            self.families = Some(families(&answer));
        }
        let none = Families::default();
        let families = self.families.as_ref().unwrap_or(&none);
        let seconds = |milliseconds: i64| format!("{}", milliseconds as f64 / 1000.0);
        let (start, end, step) = (seconds(start), seconds(end), seconds(self.step));
        let mut moments = Moments::default();
        for query in &self.settings.queries {
            let parameters =
                [("query", query.as_str()), ("start", &start), ("end", &end), ("step", &step)];
            let answer =
                self.get("query_range", &parameters).await.map_err(|error| match error {
                    QueryError::Status { status, text } => {
                        QueryError::Status { status, text: format!("{text} (query `{query}`)") }
                    }
                    other => other,
                })?;
            moments.add(&answer, query, families).map_err(QueryError::Malformed)?;
        }
        Ok(moments)
    }

    pub(super) async fn get(
        &self,
        what: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Vec<u8>, QueryError> {
        let url = Url::parse_with_params(&format!("{}{what}", self.api), parameters)
            .map_err(|error| QueryError::Malformed(error.to_string()))?;
        let request = self.client.get(url).await;
        let request = request.map_err(|error| QueryError::Unreachable(error.to_string()))?;
        let mut answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let limit = self.settings.body_size_limit;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if limit > 0 && (body.len() + chunk.len()) as u64 > limit {
                return Err(QueryError::TooLarge(limit));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() { Ok(body) } else { Err(refusal(status, &body)) }
    }
}

/// What an answer that is none says in words.
fn refusal(status: StatusCode, body: &[u8]) -> QueryError {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let text = match serde_json::from_slice::<Refusal>(body) {
        Ok(refusal) => refusal.error,
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    let line = text.lines().next().unwrap_or_default();
    QueryError::Status { status, text: line.chars().take(300).collect() }
}

fn unreachable(error: reqwest::Error) -> QueryError {
    QueryError::Unreachable(client::reason(&error))
}

fn now() -> i64 {
    clock::now().nanos() / 1_000_000
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

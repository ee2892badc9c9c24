//! A server with Prometheus's HTTP API, whose past is replayed.

use auscult_core::Timestamp;
use tokio::runtime::{Builder, Runtime};

use super::{BacktestError, Player};
use crate::clock;
use crate::own_metrics::OwnMetrics;
use crate::sources::{PrometheusSettings, PrometheusSource, Slice};

/// A server while its past is replayed.
#[derive(Debug)]
pub(super) struct ServerPlayer {
    url: String,
    source: PrometheusSource,
    runtime: Runtime,
    /// What its reader counts; nobody asks here.
    metrics: OwnMetrics,
    span: (Timestamp, Timestamp),
}

impl ServerPlayer {
    pub(super) fn open(
        settings: PrometheusSettings,
        (from, to): (Option<Timestamp>, Option<Timestamp>),
    ) -> Result<Self, BacktestError> {
        let url = settings.url.clone();
        let refuse = |reason| BacktestError::Prometheus { url: url.clone(), reason };
        let to = to.unwrap_or_else(clock::now);
        let past = i64::try_from(settings.history.as_nanos()).unwrap_or(i64::MAX);
        let before = Timestamp::from_nanos(to.nanos().saturating_sub(past));
        let span = (from.unwrap_or(before), to);
        let source = PrometheusSource::between(settings, span.0, span.1).map_err(refuse)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| refuse(error.to_string()))?;
        Ok(Self { url, source, runtime, metrics: OwnMetrics::default(), span })
    }
}

impl Player for ServerPlayer {
    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        Some(self.span)
    }

    fn next(&mut self) -> Result<Option<Slice>, BacktestError> {
        let past = self.runtime.block_on(self.source.past(&self.metrics));
        past.map_err(|error| BacktestError::Prometheus {
            url: self.url.clone(),
            reason: error.to_string(),
        })
    }
}

//! Sources that have a past: their history is judged first, oldest sample first, so that
//! detection is warm when what is new comes.
//!
//! While history is read the engine goes by the time of the data; nothing else may move it.

mod catch_up;
mod follow;
mod look;
mod matrix;
mod prometheus;
pub(crate) mod records;
mod tail;
mod warm_up;

use std::sync::Arc;

use auscult_core::Timestamp;
use auscult_telemetry::metrics::MetricBatch;
use tokio::sync::watch;

pub(crate) use catch_up::catch_up;
pub use follow::FollowSettings;
pub(crate) use look::{count, look_at_file};
pub use prometheus::PrometheusSettings;
pub(crate) use prometheus::PrometheusSource;
pub(crate) use warm_up::warm_up;

use crate::serve::{ServeError, Shared};
use follow::FollowedFile;

/// What a source says of one moment.
#[derive(Debug)]
pub(crate) struct Slice {
    pub(crate) time: Timestamp,
    pub(crate) batch: MetricBatch,
}

/// A source with a past.
#[derive(Debug)]
pub(crate) enum Source {
    /// A server that is asked.
    Prometheus(Box<PrometheusSource>),
    /// A file that grows.
    File(Box<FollowedFile>),
}

/// What is wrong with the settings of a server to ask.
pub(crate) fn check_prometheus(settings: &PrometheusSettings) -> Result<(), String> {
    PrometheusSource::new(settings.clone()).map(drop)
}

impl Source {
    /// A server that is asked by these settings.
    pub(crate) fn prometheus(settings: &PrometheusSettings) -> Result<Self, ServeError> {
        let refuse = |reason| ServeError::Prometheus { url: settings.url.clone(), reason };
        let source = PrometheusSource::new(settings.clone()).map_err(refuse)?;
        Ok(Self::Prometheus(Box::new(source)))
    }

    /// A file that is read by these settings.
    pub(crate) fn file(settings: &FollowSettings) -> Self {
        Self::File(Box::new(FollowedFile::new(settings.clone())))
    }

    /// The next moment of its past; `None` once it has come to now, or cannot go on.
    async fn history(&mut self, shared: &Arc<Shared>) -> Option<Slice> {
        match self {
            Self::Prometheus(source) => source.history(&shared.metrics).await,
            Self::File(source) => source.history(shared).await,
        }
    }

    /// Goes on with what is new until `stopped`.
    pub(crate) async fn run(self, shared: Arc<Shared>, stopped: watch::Receiver<bool>) {
        match self {
            Self::Prometheus(source) => source.run(shared, stopped).await,
            Self::File(source) => source.run(shared, stopped).await,
        }
    }
}

/// Judges `slices`, which takes the processor, not the socket.
async fn ingest(shared: &Arc<Shared>, slices: Vec<Slice>) {
    let shared = Arc::clone(shared);
    let judged = tokio::task::spawn_blocking(move || {
        for slice in &slices {
            shared.take(&slice.batch);
        }
    });
    // A panic is reported by the runtime.
    drop(judged.await);
}

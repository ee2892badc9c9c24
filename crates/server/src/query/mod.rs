//! Queries of others over what is stored.

mod settings;
mod source;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auscult_promql::{Limits, QueryError, Stop};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::serve::Shared;
pub use settings::QuerySettings;
pub(crate) use source::Stored;

/// Whose turn it is to be evaluated.
#[derive(Debug)]
pub(crate) struct Queries {
    turns: Arc<Semaphore>,
}

/// What one request asks of the limits.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked {
    /// An earlier end than that of the settings.
    pub(crate) timeout: Option<Duration>,
    /// Another look-back than that of the settings.
    pub(crate) lookback: Option<Duration>,
}

/// Tells the evaluation that nobody waits any more, once it is dropped.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Queries {
    pub(crate) fn new(settings: &QuerySettings) -> Self {
        Self { turns: Arc::new(Semaphore::new(settings.most_concurrent.max(1))) }
    }
}

/// Does `work` once it is its turn, away from the sockets. It ends early when its time is up
/// or the future of this call is dropped, as it is when a client hangs up. `None`: it panicked.
pub(crate) async fn run<T: Send + 'static>(
    shared: Arc<Shared>,
    asked: Asked,
    work: impl FnOnce(&Shared, &Limits<'_>) -> Result<T, QueryError> + Send + 'static,
) -> Option<Result<T, QueryError>> {
    let settings = shared.settings.query.clone();
    let timeout = asked.timeout.map_or(settings.timeout, |asked| asked.min(settings.timeout));
    let deadline = Instant::now() + timeout;
    let turns = Arc::clone(&shared.queries.turns);
    // The semaphore is never closed.
    let Ok(Ok(turn)) = timeout_at(deadline, turns.acquire_owned()).await else {
        return Some(Err(QueryError::TimedOut));
    };
    let abandoned = Arc::new(AtomicBool::new(false));
    let waiting = Waiting(Arc::clone(&abandoned));
    let evaluate = move || {
        let _turn = turn;
        let stop = || {
            if abandoned.load(Ordering::Relaxed) {
                return Some(Stop::Cancelled);
            }
            (Instant::now() >= deadline).then_some(Stop::TimedOut)
        };
        let limits = Limits {
            lookback: milliseconds(asked.lookback.unwrap_or(settings.lookback)),
            subquery_step: milliseconds(settings.subquery_step),
            most_samples: settings.most_samples,
            stop: &stop,
        };
        work(&shared, &limits)
    };
    let done = tokio::task::spawn_blocking(evaluate).await;
    drop(waiting);
    // The runtime has reported a panic.
    done.ok()
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

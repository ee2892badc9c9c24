//! The past of a source that a changed configuration adds, while everything else goes on.

use std::sync::Arc;
use std::time::Instant;

use auscult_engine::{Engine, EngineSettings};
use tokio::sync::watch;

use super::Source;
use crate::serve::Shared;

/// Reads the history of `source` into an engine of its own, which goes by the time of the data, and
/// then takes over what that learnt of series that nobody knew. Says `false` if it was `ended`.
pub(crate) async fn catch_up(
    shared: &Arc<Shared>,
    source: &mut Source,
    ended: &mut watch::Receiver<bool>,
) -> bool {
    let start = Instant::now();
    let settings = shared.engine.settings();
    // There is no more room in the end than the service has.
    let most_series = settings.most_series.saturating_sub(shared.engine.series());
    let settings = EngineSettings { most_series, ..(*settings).clone() };
    let aside = Arc::new(Engine::new(settings));
    let read = async {
        let tick = i64::try_from(shared.settings.tick.as_nanos()).unwrap_or(i64::MAX);
        let mut next_tick = None;
        while let Some(slice) = source.history(shared).await {
            let time = slice.time;
            let due = next_tick.is_some_and(|next| time.nanos() >= next);
            if next_tick.is_none() || due {
                next_tick = Some(time.nanos().saturating_add(tick));
            }
            let (shared, aside) = (Arc::clone(shared), Arc::clone(&aside));
            let judged = tokio::task::spawn_blocking(move || {
                if due {
                    aside.tick(time);
                }
                shared.keep(&slice.batch);
                aside.ingest(&slice.batch);
            });
            // A panic is reported by the runtime.
            drop(judged.await);
        }
    };
    tokio::select! {
        () = read => {}
        _ = ended.changed() => return false,
    }
    let (engine, learnt) = (Arc::clone(shared), Arc::clone(&aside));
    let adopted = tokio::task::spawn_blocking(move || engine.engine.adopt_series(&learnt)).await;
    // A panic is reported by the runtime; its series are learnt from now on.
    let adopted = adopted.unwrap_or(0);
    if adopted > 0 {
        let took = start.elapsed();
        tracing::info!("history of {adopted} series of a new source read in {took:.1?}");
    }
    true
}

//! The past of all sources, merged by time.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use super::{Slice, Source};
use crate::serve::Shared;

/// Reads the history of all `sources` into the engine, which ticks by the time of the data.
/// Says `false` if it was `stopped`.
pub(crate) async fn warm_up(
    shared: &Arc<Shared>,
    mut sources: Vec<&mut Source>,
    stopped: &mut watch::Receiver<bool>,
) -> bool {
    let start = Instant::now();
    // What a stored state has seen is not judged again: it would be late.
    let known = shared.engine.newest();
    let read = async {
        let mut heads: Vec<Option<Slice>> = Vec::new();
        for source in sources.iter_mut() {
            heads.push(source.history(shared).await);
        }
        let mut slices = 0_u64;
        let mut next_tick = None;
        loop {
            let times = heads.iter().enumerate();
            let times = times.filter_map(|(place, head)| Some((head.as_ref()?.time, place)));
            let Some((time, place)) = times.min() else { return slices };
            let Some(slice) = heads[place].take() else { return slices };
            heads[place] = sources[place].history(shared).await;
            if known.is_some_and(|known| time <= known) {
                continue;
            }
            let tick = shared.settings.tick.as_nanos() as i64;
            let due = next_tick.is_some_and(|next| time.nanos() >= next);
            if next_tick.is_none() || due {
                next_tick = Some(time.nanos().saturating_add(tick));
            }
            slices += 1;
            let shared = Arc::clone(shared);
            let judged = tokio::task::spawn_blocking(move || {
                // What came before this moment is history at it.
                if due {
                    shared.engine.tick(time);
                }
                shared.take(&slice.batch);
            });
            // A panic is reported by the runtime.
            drop(judged.await);
        }
    };
    tokio::select! {
        slices = read => {
            if slices > 0 {
                let (series, took) = (shared.engine.series(), start.elapsed());
                tracing::info!("history of {series} series read in {took:.1?}");
            }
            true
        }
        _ = stopped.changed() => false,
    }
}

//! The process that does one unit, series by series.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use super::cache::{Cache, Record, Unit};
use super::pooled::Pool;
use super::{measure, runner, sets};
use crate::outcome::CallError;

/// What a worker is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Where the data sets are.
    pub data: PathBuf,
    /// Where results go.
    pub results: PathBuf,
    /// Which build of the program the results are of.
    pub build: String,
    /// The unit.
    pub unit: Unit,
    /// The series, in order.
    pub series: Vec<String>,
    /// Series at once; batch methods use every core themselves.
    pub threads: usize,
}

/// Does what is not done yet.
pub(crate) fn work(order: &Order) -> Result<(), CallError> {
    let cache = Cache::new(&order.results, &order.build);
    let set = sets::find(&order.unit.set)
        .ok_or_else(|| CallError::input(format!("no data set {}", order.unit.set)))?;
    let threads = if order.unit.mode.streams() { order.threads } else { 1 };
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<CallError>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some(series) = order.series.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = judge(order, set, &cache, series) {
                        *failed.lock().expect("no worker panics with the lock") = Some(error);
                        return;
                    }
                }
            });
        }
    });
    if let Some(error) = failed.into_inner().expect("no worker panicked with the lock") {
        return Err(error);
    }
    match set.pooled {
        Some(pooled) if cache.pooled(&order.unit, &order.series).is_none() => {
            pool(order, set, &cache, pooled)
        }
        _ => Ok(()),
    }
}

/// Judges `name`, unless that was done before.
fn judge(order: &Order, set: &sets::Set, cache: &Cache, name: &str) -> Result<(), CallError> {
    let unit = &order.unit;
    if cache.record(unit, name).is_some() {
        return Ok(());
    }
    let method = auscult_detect::find(&unit.method)
        .ok_or_else(|| CallError::input(format!("no method {}", unit.method)))?;
    let series = (set.load)(&order.data, name)?;
    let record = match runner::run(method, &unit.settings, unit.mode, &series) {
        Ok(outcome) => {
            if set.pooled.is_some() {
                cache.keep_scores(unit, name, &outcome.scores)?;
            }
            measure::record(&series, &outcome)
        }
        Err(why) => Record { refused: Some(why), ..Record::default() },
    };
    cache.keep(unit, name, &record)
}

/// The measures over all series; none when the method refused one of them.
fn pool(
    order: &Order,
    set: &sets::Set,
    cache: &Cache,
    pooled: fn(&[Pool]) -> super::pooled::Pooled,
) -> Result<(), CallError> {
    let mut pools = Vec::with_capacity(order.series.len());
    for name in &order.series {
        let Some(record) = cache.record(&order.unit, name) else { return Ok(()) };
        let Some(scores) = cache.scores(&order.unit, name) else { return Ok(()) };
        let series = (set.load)(&order.data, name)?;
        pools.push(Pool { series, scores, threshold: record.threshold });
    }
    cache.keep_pooled(&order.unit, &order.series, &pooled(&pools))
}

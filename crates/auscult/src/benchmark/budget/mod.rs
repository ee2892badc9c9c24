//! How well budgets of false alarms are kept where nothing is wrong.
//!
//! A *stretch* is one series, and which of its samples are known to be healthy. The
//! detector and the bars of `auscult detect --budget` go over all of it; alarms and
//! time count where it is healthy.

mod count;
mod health;
mod report;
mod service;
mod stretches;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use auscult_core::Timestamp;

use crate::outcome::CallError;

pub(crate) use count::{Asked, measure};
pub(crate) use report::{OfMethod, OfSet, Report};
pub(crate) use service::measure as measure_service;
pub(crate) use stretches::{SETS, find};

/// One series, and where it is known to be healthy.
#[derive(Debug)]
pub(crate) struct Stretch {
    /// When each sample was taken.
    pub times: Vec<Timestamp>,
    /// Oldest first.
    pub readings: Vec<f64>,
    /// What is known of each sample.
    pub known: Vec<Known>,
}

/// What is known of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing is wrong: an alarm is a false one.
    Healthy,
    /// Labelled an anomaly.
    Anomaly,
    /// Soon after an anomaly: an alarm may still be about it.
    After,
}

impl Stretch {
    /// Whether all readings are equal.
    fn is_constant(&self) -> bool {
        self.readings.windows(2).all(|pair| pair[0] == pair[1])
    }
}

/// What `part` makes of each of `names`, in their order, several at once.
fn each<T: Send>(
    names: &[String],
    threads: usize,
    part: impl Fn(&str) -> Result<T, CallError> + Sync,
    done: impl Fn() + Sync,
) -> Result<Vec<T>, CallError> {
    let next = AtomicUsize::new(0);
    let made: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::new());
    let failed: Mutex<Option<CallError>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, names.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(name) = names.get(place) else { return };
                    match part(name) {
                        Ok(part) => {
                            made.lock().expect("no panic with the lock").push((place, part))
                        }
                        Err(error) => {
                            *failed.lock().expect("no panic with the lock") = Some(error);
                            return;
                        }
                    }
                    done();
                }
            });
        }
    });
    if let Some(error) = failed.into_inner().expect("no thread panicked with the lock") {
        return Err(error);
    }
    let mut made = made.into_inner().expect("no thread panicked with the lock");
    made.sort_by_key(|(place, _)| *place);
    Ok(made.into_iter().map(|(_, part)| part).collect())
}

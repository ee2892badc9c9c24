//! How the service itself is.

use std::sync::PoisonError;

use auscult_core::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::ask::{Ask, Nothing};
use super::problem::Problem;
use super::values::Time;
use crate::clock;
use crate::serve::Shared;
use crate::storage::Storage;

/// How the service is.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Status {
    /// Of the program.
    version: String,
    /// When it was started.
    started: Time,
    /// Seconds since then.
    uptime_seconds: f64,
    /// Whether the past of all sources has been read.
    warm: bool,
    /// Series that are watched.
    series: usize,
    /// Most series that are watched.
    series_limit: usize,
    /// Targets that series belong to.
    targets: usize,
    /// Incidents that are open.
    open_incidents: usize,
    /// What became of samples since the start.
    samples: SampleCounts,
    /// What outlives the process.
    storage: StorageStatus,
    /// Everyone who is told of incidents, or written to, and whom there was something to tell.
    receivers: Vec<ReceiverStatus>,
    /// How the configuration was read last.
    configuration: ConfigurationStatus,
}

/// What became of samples.
#[derive(Debug, Serialize, JsonSchema)]
struct SampleCounts {
    judged: u64,
    /// Of series that are not judged by themselves, or not wanted.
    not_judged: u64,
    /// Of series beyond the most that are watched.
    unwatched: u64,
    late: u64,
    duplicate: u64,
    invalid: u64,
    /// Marks by which a source says that a series has ended.
    stale: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct StorageStatus {
    /// Whether there is a folder; else everything ends with the process.
    is_durable: bool,
    /// What cannot be stored now, and why; `null` if all is well.
    trouble: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ReceiverStatus {
    /// Its name.
    name: String,
    /// Messages that it took.
    sent: u64,
    /// Attempts that failed.
    failures: u64,
    /// Messages that it will never take, or did not for too long.
    given_up: u64,
    /// Messages that were dropped as something newer says it, or for want of room.
    dropped: u64,
    /// Messages that wait.
    waiting: usize,
    /// Since when the oldest of them waits.
    oldest: Option<Time>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ConfigurationStatus {
    /// When one was applied last.
    applied: Time,
    /// Why the one that was read last could not be, if it could not.
    refused: Option<String>,
}

pub(super) fn now(shared: &Shared, _: Ask<Nothing, Nothing>) -> Result<Status, Problem> {
    let (engine, metrics) = (&shared.engine, &shared.metrics);
    let counts = engine.counts();
    let now = clock::now();
    let receivers = metrics.delivery.map(|name, tally| ReceiverStatus {
        name: name.to_owned(),
        sent: tally.sent,
        failures: tally.failures,
        given_up: tally.given_up,
        dropped: tally.dropped,
        waiting: tally.waiting,
        oldest: tally.oldest.map(Time),
    });
    let refused = &shared.refused_configuration;
    Ok(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: Time(shared.started),
        uptime_seconds: (now.seconds() - shared.started.seconds()).max(0.0),
        warm: shared.is_warm(),
        series: engine.series(),
        series_limit: engine.settings().most_series,
        targets: engine.targets(),
        open_incidents: engine.open_incidents(),
        samples: SampleCounts {
            judged: counts.judged,
            not_judged: counts.not_judged,
            unwatched: counts.unwatched,
            late: counts.late,
            duplicate: counts.duplicate,
            invalid: counts.invalid,
            stale: counts.stale,
        },
        storage: StorageStatus {
            is_durable: shared.storage.is_some(),
            trouble: shared.storage.as_ref().and_then(Storage::trouble),
        },
        receivers,
        configuration: ConfigurationStatus {
            applied: Time(Timestamp::from_seconds(metrics.last_reload_time.get())),
            refused: refused.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        },
    })
}

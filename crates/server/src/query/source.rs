//! What is stored, as queries see it.

use auscult_core::{Labels, Timestamp};
use auscult_promql::{QueryError, Sample, Selector, Series, Source, SourceError, Stop};
use auscult_store::StoreError;

use crate::serve::Shared;
use crate::storage::Storage;

const NANOS: i64 = 1_000_000;
/// What is said where there is nothing to look in.
const KEEPS_NOTHING: &str = "this service keeps no samples (--data none), so there is no history to query; give it a folder with --data";

/// The history and the log.
pub(crate) struct Stored<'a> {
    storage: Option<&'a Storage>,
    stop: &'a dyn Fn() -> Option<Stop>,
}

impl<'a> Stored<'a> {
    /// What `shared` stores; looking into it ends early when `stop` says so.
    pub(crate) fn new(shared: &'a Shared, stop: &'a dyn Fn() -> Option<Stop>) -> Self {
        Self { storage: shared.storage.as_ref(), stop }
    }

    /// Labels and kinds of series that any of `wanted` matches, or all without; that may
    /// have samples from `from` to `to`, in milliseconds.
    pub(crate) fn series(
        &self,
        wanted: &[Selector],
        from: i64,
        to: i64,
    ) -> Result<Vec<(Labels, u8)>, QueryError> {
        let Some(storage) = self.storage else {
            return Err(QueryError::Execution(KEEPS_NOTHING.to_owned()));
        };
        let is_wanted = |labels: auscult_core::LabelsRef<'_>| {
            wanted.is_empty() || wanted.iter().any(|selector| selector.matches(labels))
        };
        let (from, to) = nanos(from, to);
        let found = storage.history().series(storage.log(), is_wanted, from, to);
        match (self.stop)() {
            Some(Stop::TimedOut) => Err(QueryError::TimedOut),
            Some(Stop::Cancelled) => Err(QueryError::Cancelled),
            None => found.map_err(|error| QueryError::Source(error.to_string())),
        }
    }
}

impl Source for Stored<'_> {
    fn select(
        &self,
        wanted: &Selector,
        from: i64,
        to: i64,
        most: usize,
    ) -> Result<Vec<Series>, SourceError> {
        let Some(storage) = self.storage else {
            return Err(SourceError::Refused(KEEPS_NOTHING.to_owned()));
        };
        let (from, to) = nanos(from, to);
        // Once it is to stop nothing more is wanted, and the evaluation says why.
        let is_wanted =
            |labels: auscult_core::LabelsRef<'_>| wanted.matches(labels) && (self.stop)().is_none();
        let found = storage.history().scan(storage.log(), is_wanted, from, to, most);
        let found = found.map_err(|error| match error {
            StoreError::TooMany { .. } => SourceError::TooMany,
            error => SourceError::Failed(error.to_string()),
        })?;
        let series = found.into_iter().map(|found| {
            let samples = found
                .samples
                .into_iter()
                .map(|(time, value)| Sample { time: time.nanos().div_euclid(NANOS), value });
            let mut samples: Vec<Sample> = samples.collect();
            // Of what falls into one millisecond the last counts.
            samples.dedup_by(|next, before| {
                let is_same = next.time == before.time;
                if is_same {
                    *before = *next;
                }
                is_same
            });
            Series { labels: found.labels, samples }
        });
        Ok(series.collect())
    }
}

/// Every moment of the milliseconds from `from` to `to`.
fn nanos(from: i64, to: i64) -> (Timestamp, Timestamp) {
    let last = to.saturating_mul(NANOS).saturating_add(NANOS - 1);
    (Timestamp::from_nanos(from.saturating_mul(NANOS)), Timestamp::from_nanos(last))
}

//! What is stored, as queries see it.

use std::collections::BTreeSet;

use auscult_core::{Labels, Timestamp};
use auscult_promql::{QueryError, Sample, Selector, Series, Source, SourceError, Stop};
use auscult_store::{LabelMatcher, Selection, StoreError};

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
        let storage = self.storage()?;
        let (from, to) = nanos(from, to);
        let wanted = self.wanted(wanted);
        self.told(storage.history().series(storage.log(), &wanted, from, to))
    }

    /// Names of the labels of the series that [`Stored::series`] gives.
    pub(crate) fn label_names(
        &self,
        wanted: &[Selector],
        from: i64,
        to: i64,
    ) -> Result<BTreeSet<String>, QueryError> {
        let storage = self.storage()?;
        let (from, to) = nanos(from, to);
        let wanted = self.wanted(wanted);
        self.told(storage.history().label_names(storage.log(), &wanted, from, to))
    }

    /// Values of label `name` of the series that [`Stored::series`] gives.
    pub(crate) fn label_values(
        &self,
        name: &str,
        wanted: &[Selector],
        from: i64,
        to: i64,
    ) -> Result<BTreeSet<String>, QueryError> {
        let storage = self.storage()?;
        let (from, to) = nanos(from, to);
        let wanted = self.wanted(wanted);
        self.told(storage.history().label_values(storage.log(), name, &wanted, from, to))
    }

    fn storage(&self) -> Result<&'a Storage, QueryError> {
        self.storage.ok_or_else(|| QueryError::Execution(KEEPS_NOTHING.to_owned()))
    }

    /// What any of `selectors` matches, or everything without, until it is to stop.
    fn wanted<'s>(&'s self, selectors: &'s [Selector]) -> Selection<'s> {
        let selection = match selectors {
            [] => Selection::all(),
            some => Selection::new(some.iter().map(matchers).collect()),
        };
        // Then nothing more is wanted, and the evaluation says why.
        selection.until(|| (self.stop)().is_some())
    }

    /// What was found, unless it was to stop meanwhile.
    fn told<T>(&self, found: Result<T, StoreError>) -> Result<T, QueryError> {
        match (self.stop)() {
            Some(Stop::TimedOut) => Err(QueryError::TimedOut),
            Some(Stop::Cancelled) => Err(QueryError::Cancelled),
            None => found.map_err(|error| QueryError::Source(error.to_string())),
        }
    }
}

fn matchers(selector: &Selector) -> Vec<LabelMatcher<'_>> {
    let matchers = selector.matchers().map(|matcher| match matcher.equals() {
        Some(value) => LabelMatcher::equal(matcher.name(), value),
        None => LabelMatcher::that(matcher.name(), move |value| matcher.matches(value)),
    });
    matchers.collect()
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
        let wanted = self.wanted(std::slice::from_ref(wanted));
        let found = storage.history().scan(storage.log(), &wanted, from, to, most);
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

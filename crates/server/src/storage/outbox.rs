//! Who is to be told of incidents and who was, as far as it outlives the process.

use std::sync::PoisonError;

use auscult_engine::incident::Change;
use auscult_store::{OutboxEntry, Outgoing};

use super::{Part, Storage};
use crate::serve::Shared;

/// Most steps that are kept for a database that cannot be written.
const MOST_UNSAVED: usize = 10_000;

impl Shared {
    /// What happened to incidents after the change with `number`, as far as it is stored, so
    /// that nobody is told what a restart would number anew; all of it while nothing can be.
    pub(crate) fn settled_changes_after(&self, number: u64) -> Vec<Change> {
        let mut changes = self.engine.changes_after(number);
        if let Some(noted) = self.storage.as_ref().and_then(Storage::noted) {
            changes.retain(|change| change.number <= noted);
        }
        changes
    }

    /// The name that keys of messages begin with: that of the database, or `candidate`.
    pub(crate) fn installation(&self, candidate: &str) -> String {
        let stored = self.storage.as_ref().and_then(|storage| {
            storage.watch(Part::Incidents, storage.book.installation(candidate))
        });
        stored.unwrap_or_else(|| candidate.to_owned())
    }

    /// What is known of a receiver.
    pub(crate) fn outgoing(&self, receiver: &str) -> Outgoing {
        let read = self.storage.as_ref().map(|storage| storage.book.outgoing(receiver));
        let read = read.unwrap_or_else(|| Ok(Outgoing::default()));
        read.unwrap_or_else(|error| {
            tracing::warn!("what receiver `{receiver}` was told cannot be read: {error}");
            Outgoing::default()
        })
    }

    /// Stores and empties `steps`. Those that cannot be stored stay, the newest of them.
    pub(crate) fn note_outbox(&self, steps: &mut Vec<OutboxEntry>) {
        let stored = self
            .storage
            .as_ref()
            .filter(|_| !steps.is_empty())
            .map(|storage| storage.watch(Part::Incidents, storage.book.note_outbox(steps)));
        match stored {
            Some(None) => drop(steps.drain(..steps.len().saturating_sub(MOST_UNSAVED))),
            Some(Some(())) | None => steps.clear(),
        }
    }

    /// Forgets all receivers but these.
    pub(crate) fn keep_receivers(&self, names: &[&str]) {
        if let Some(storage) = &self.storage {
            storage.watch(Part::Incidents, storage.book.keep_receivers(names));
        }
    }
}

impl Storage {
    /// The change that was stored last; `None` while changes cannot be stored.
    fn noted(&self) -> Option<u64> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.0[Part::Incidents as usize].is_some() {
            return None;
        }
        drop(trouble);
        Some(*self.noted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

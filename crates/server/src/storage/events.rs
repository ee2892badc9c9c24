//! Changes that people and programs told of, stored before they are answered; in memory where there is no folder.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auscult_core::Timestamp;
use auscult_store::{Book, EventsWanted, StoreError, StoredEvent};

use super::Storage;
use crate::clock;

/// All events.
#[derive(Debug)]
pub(crate) struct Events {
    book: Arc<Book>,
    /// Changes made longer ago are dropped.
    keep_for: Option<Duration>,
    /// The number of the one that was told last.
    newest: AtomicU64,
}

impl Events {
    pub(crate) fn new(book: Arc<Book>, storage: Option<&Storage>) -> Result<Self, StoreError> {
        let newest = AtomicU64::new(book.newest_event()?);
        let keep_for = storage.and_then(|storage| storage.settings.keep_for);
        Ok(Self { book, keep_for, newest })
    }

    /// Changes made before this time are not kept.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        let keep = i64::try_from(self.keep_for?.as_nanos()).ok()?;
        Some(Timestamp::from_nanos(clock::now().nanos().saturating_sub(keep)))
    }

    /// Adds an event, which is on the disk when this returns.
    pub(crate) fn tell(&self, mut event: StoredEvent) -> Result<StoredEvent, StoreError> {
        event.number = self.book.tell(&event, self.oldest())?;
        self.newest.fetch_max(event.number, Ordering::AcqRel);
        Ok(event)
    }

    /// Takes an event back; whether there was one.
    pub(crate) fn take_back(&self, number: u64) -> Result<bool, StoreError> {
        self.book.take_back(number)
    }

    /// The events that are `wanted`, the last told first.
    pub(crate) fn find(&self, wanted: &EventsWanted<'_>) -> Result<Vec<StoredEvent>, StoreError> {
        self.book.events(wanted)
    }

    /// The kinds of which somebody tells.
    pub(crate) fn kinds(&self) -> Result<Vec<String>, StoreError> {
        self.book.kinds_of_events()
    }

    /// The number of the one that was told last; 0 before the first.
    pub(crate) fn newest(&self) -> u64 {
        self.newest.load(Ordering::Acquire)
    }
}

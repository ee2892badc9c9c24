//! Departures that have to last before they count.

use std::collections::HashMap;

use auscult_core::Timestamp;

use crate::shard::Event;
use crate::slab::Key;

/// Share of the first distance that a reading must keep for its departure to last.
const KEPT: f64 = 0.5;

/// A departure that is going on.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) since: Timestamp,
    /// What was expected when it began, and how far from it the first odd reading was.
    pub(crate) expected: f64,
    pub(crate) far: f64,
    pub(crate) is_told: bool,
    pub(crate) strongest: Event,
}

impl Pending {
    fn new(event: Event) -> Self {
        let expected = event.explanation.expected[0];
        let far = event.reading - expected;
        Self { since: event.time, expected, far, is_told: false, strongest: event }
    }

    /// Whether `reading`, which is not odd by itself, is still away. What was odd follows: the
    /// detector takes a new level for usual within some samples.
    fn stays_with(&self, reading: f64) -> bool {
        let far = reading - self.expected;
        far * self.far > 0.0 && far.abs() >= KEPT * self.far.abs()
    }
}

/// By series.
#[derive(Debug, Default)]
pub(crate) struct Pendings(HashMap<Key, Pending>);

impl Pendings {
    /// Takes a reading of a series whose departures must last for `lasting` nanoseconds, and what
    /// is `odd` about it. Returns what counts.
    pub(crate) fn take(
        &mut self,
        key: Key,
        lasting: i64,
        (time, reading): (Timestamp, f64),
        odd: Option<Event>,
    ) -> Option<Event> {
        let Some(pending) = self.0.get_mut(&key) else {
            odd.into_iter().for_each(|event| self.put(key, Pending::new(event)));
            return None;
        };
        if odd.is_none() && !pending.stays_with(reading) {
            self.0.remove(&key);
            return None;
        }
        let stronger =
            odd.iter().find(|event| event.return_seconds > pending.strongest.return_seconds);
        stronger.into_iter().for_each(|event| pending.strongest = event.clone());
        if time.nanos().saturating_sub(pending.since.nanos()) < lasting {
            return None;
        }
        if pending.is_told {
            return odd;
        }
        pending.is_told = true;
        let mut event = Event { time, reading, ..pending.strongest.clone() };
        let onset = event.explanation.onset.unwrap_or(pending.since);
        event.explanation.onset = Some(onset.min(pending.since));
        Some(event)
    }

    pub(crate) fn put(&mut self, key: Key, pending: Pending) {
        self.0.insert(key, pending);
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Pending> {
        self.0.get(&key)
    }

    pub(crate) fn remove(&mut self, key: Key) {
        if !self.0.is_empty() {
            self.0.remove(&key);
        }
    }
}

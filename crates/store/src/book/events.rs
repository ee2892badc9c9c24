//! Changes that people and programs told of: deployments, configurations, restarts. Kept for a while.

use auscult_core::Timestamp;
use rusqlite::params;

use super::{Book, number};
use crate::error::StoreError;

/// Events that are kept, the newest.
const MOST_EVENTS: i64 = 100_000;

/// A change that was told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// From 1, in the order of telling; never given twice. 0 for one that is not in the book.
    pub number: u64,
    /// When the change was made.
    pub time: Timestamp,
    /// What it was, in one word, such as `deploy`.
    pub kind: String,
    /// What it was made to; empty where nobody said.
    pub target: String,
    /// What was changed, for people.
    pub text: String,
    /// What told of it, such as a program for deployments; empty where nobody said.
    pub source: String,
    /// Who told of it; empty where nobody said.
    pub author: String,
}

/// Which events are asked for.
#[derive(Debug, Clone, Default)]
pub struct EventsWanted<'a> {
    /// Only of this kind.
    pub kind: Option<&'a str>,
    /// Only those whose target holds this text.
    pub target: Option<&'a str>,
    /// Only changes made then or later.
    pub since: Option<Timestamp>,
    /// Only changes made then or earlier.
    pub until: Option<Timestamp>,
    /// Only those with a greater number.
    pub after: u64,
    /// Only those with a smaller number.
    pub before: Option<u64>,
    /// At most so many, the newest told; all where there is none.
    pub limit: Option<usize>,
}

impl Book {
    /// Adds an event, and drops those of changes before `oldest`; its number. It is on the disk
    /// when this returns.
    ///
    /// # Errors
    ///
    /// When the database refuses; nothing is changed then.
    pub fn tell(&self, event: &StoredEvent, oldest: Option<Timestamp>) -> Result<u64, StoreError> {
        let mut connection = self.lock();
        let mut write = || {
            let transaction = connection.transaction()?;
            let StoredEvent { time, kind, target, text, source, author, .. } = event;
            transaction.execute(
                "INSERT INTO events (time, kind, target, text, source, author)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![time.nanos(), kind, target, text, source, author],
            )?;
            let number = transaction.last_insert_rowid();
            let oldest = oldest.map(Timestamp::nanos);
            transaction.execute(
                "DELETE FROM events WHERE number <= ?1 OR (number < ?2 AND time < ?3)",
                params![number - MOST_EVENTS, number, oldest],
            )?;
            transaction.commit()?;
            Ok(number.unsigned_abs())
        };
        write().map_err(self.refuse())
    }

    /// Takes an event back; whether there was one.
    ///
    /// # Errors
    ///
    /// When the database refuses.
    pub fn take_back(&self, event: u64) -> Result<bool, StoreError> {
        let delete = "DELETE FROM events WHERE number = ?1";
        let gone = self.lock().execute(delete, [number(event)]);
        gone.map(|gone| gone > 0).map_err(self.refuse())
    }

    /// The events that are `wanted`, the last told first.
    ///
    /// # Errors
    ///
    /// When the database refuses.
    pub fn events(&self, wanted: &EventsWanted<'_>) -> Result<Vec<StoredEvent>, StoreError> {
        let connection = self.lock();
        let query = "SELECT number, time, kind, target, text, source, author FROM events
                     WHERE (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR instr(target, ?2) > 0)
                       AND (?3 IS NULL OR time >= ?3) AND (?4 IS NULL OR time <= ?4)
                       AND number > ?5 AND (?6 IS NULL OR number < ?6)
                     ORDER BY number DESC LIMIT ?7";
        let read = || {
            let limit = wanted.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
            let mut statement = connection.prepare(query)?;
            let values = params![
                wanted.kind,
                wanted.target,
                wanted.since.map(Timestamp::nanos),
                wanted.until.map(Timestamp::nanos),
                number(wanted.after),
                wanted.before.map(number),
                limit
            ];
            let events = statement.query_map(values, |row| {
                Ok(StoredEvent {
                    number: row.get::<_, i64>(0)?.unsigned_abs(),
                    time: Timestamp::from_nanos(row.get(1)?),
                    kind: row.get(2)?,
                    target: row.get(3)?,
                    text: row.get(4)?,
                    source: row.get(5)?,
                    author: row.get(6)?,
                })
            })?;
            events.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(self.refuse())
    }

    /// The kinds of which there are events.
    ///
    /// # Errors
    ///
    /// When the database refuses.
    pub fn kinds_of_events(&self) -> Result<Vec<String>, StoreError> {
        let connection = self.lock();
        let read = || {
            let mut statement = connection.prepare("SELECT DISTINCT kind FROM events")?;
            let kinds = statement.query_map([], |row| row.get(0))?;
            kinds.collect::<rusqlite::Result<Vec<String>>>()
        };
        read().map_err(self.refuse())
    }

    /// The number of the event that was told last; 0 where there is none.
    ///
    /// # Errors
    ///
    /// When the database refuses.
    pub fn newest_event(&self) -> Result<u64, StoreError> {
        let query = "SELECT coalesce(max(number), 0) FROM events";
        let newest = self.lock().query_row(query, [], |row| row.get::<_, i64>(0));
        newest.map(i64::unsigned_abs).map_err(self.refuse())
    }
}

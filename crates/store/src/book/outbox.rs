//! Who was told of what, and what is still to be told.

use auscult_core::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::{Book, number};
use crate::error::StoreError;

/// Incidents of which is remembered, for each receiver, what it was told last.
const MOST_TOLD: i64 = 10_000;

/// A step of an outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutboxEntry {
    /// Changes up to this number were looked at for the receiver.
    Seen {
        /// Its name.
        receiver: String,
        /// The number of the newest one.
        change: u64,
    },
    /// The receiver is to be told of a change.
    Wait {
        /// Its name.
        receiver: String,
        /// The number of the change.
        change: u64,
        /// Since when it waits.
        since: Timestamp,
    },
    /// The receiver is no longer to be told of a change.
    Done {
        /// Its name.
        receiver: String,
        /// The number of the change.
        change: u64,
    },
    /// The receiver knows this of an incident.
    Told {
        /// Its name.
        receiver: String,
        /// What it knows.
        told: StoredTold,
    },
}

/// What a receiver was told last of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTold {
    /// Which incident.
    pub incident: u64,
    /// Its state then, in one word.
    pub state: String,
    /// When it had last changed then.
    pub updated: Timestamp,
    /// When the receiver was told.
    pub time: Timestamp,
}

/// A change of which a receiver is still to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWaiting {
    /// The number of the change.
    pub change: u64,
    /// Since when it waits.
    pub since: Timestamp,
    /// The change with its incident, as JSON.
    pub document: String,
}

/// All that is known of a receiver.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outgoing {
    /// The number of the newest change that was looked at; `None` for a receiver that is new.
    pub seen: Option<u64>,
    /// What is still to be told, oldest first.
    pub waiting: Vec<StoredWaiting>,
    /// What was told last, of each incident.
    pub told: Vec<StoredTold>,
}

impl Book {
    /// The name that this database has for good: `candidate` if it has none yet.
    ///
    /// # Errors
    ///
    /// When the database refuses.
    pub fn installation(&self, candidate: &str) -> Result<String, StoreError> {
        let connection = self.lock();
        let add = "INSERT OR IGNORE INTO installation (one, name) VALUES (1, ?1)";
        let read = || {
            connection.execute(add, [candidate])?;
            connection.query_row("SELECT name FROM installation", [], |row| row.get(0))
        };
        read().map_err(self.refuse())
    }

    /// Takes the steps, all or none.
    ///
    /// # Errors
    ///
    /// When the database refuses; nothing is noted then.
    pub fn note_outbox(&self, entries: &[OutboxEntry]) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut connection = self.lock();
        let mut write = || {
            let transaction = connection.transaction()?;
            for entry in entries {
                step(&transaction, entry)?;
            }
            transaction.commit()
        };
        write().map_err(self.refuse())
    }

    /// All that is known of a receiver. Changes that were dropped meanwhile are not among
    /// those that wait.
    ///
    /// # Errors
    ///
    /// When the database refuses.
    pub fn outgoing(&self, receiver: &str) -> Result<Outgoing, StoreError> {
        let connection = self.lock();
        let read = || {
            // After an old copy of the database was put back, numbers are given out anew.
            let newest: i64 = connection.query_row(
                "SELECT coalesce(max(number), 0) FROM changes",
                [],
                |row| row.get(0),
            )?;
            let seen: Option<i64> = connection
                .query_row("SELECT seen FROM receivers WHERE name = ?1", [receiver], |row| {
                    row.get(0)
                })
                .optional()?;
            let mut waiting = connection.prepare(
                "SELECT number, since, document FROM waiting JOIN changes ON number = change
                 WHERE receiver = ?1 ORDER BY number",
            )?;
            let waiting = waiting.query_map([receiver], |row| {
                Ok(StoredWaiting {
                    change: row.get::<_, i64>(0)?.unsigned_abs(),
                    since: Timestamp::from_nanos(row.get(1)?),
                    document: row.get(2)?,
                })
            })?;
            let waiting = waiting.collect::<rusqlite::Result<Vec<_>>>()?;
            let mut told = connection.prepare(
                "SELECT incident, state, updated, time FROM told WHERE receiver = ?1
                 ORDER BY incident",
            )?;
            let told = told.query_map([receiver], told_of)?;
            Ok(Outgoing {
                seen: seen.map(|seen| seen.min(newest).unsigned_abs()),
                waiting,
                told: told.collect::<rusqlite::Result<Vec<_>>>()?,
            })
        };
        read().map_err(self.refuse())
    }

    /// Forgets the receivers that are not among `names`, and what was to be told to them.
    ///
    /// # Errors
    ///
    /// When the database refuses.
    pub fn keep_receivers(&self, names: &[&str]) -> Result<(), StoreError> {
        let names = serde_json::to_string(names).unwrap_or_default();
        let mut connection = self.lock();
        let mut write = || {
            let transaction = connection.transaction()?;
            for (table, column) in
                [("receivers", "name"), ("waiting", "receiver"), ("told", "receiver")]
            {
                let others = "NOT IN (SELECT value FROM json_each(?1))";
                let forget = format!("DELETE FROM {table} WHERE {column} {others}");
                transaction.execute(&forget, [&names])?;
            }
            transaction.commit()
        };
        write().map_err(self.refuse())
    }
}

fn told_of(row: &Row<'_>) -> rusqlite::Result<StoredTold> {
    Ok(StoredTold {
        incident: row.get::<_, i64>(0)?.unsigned_abs(),
        state: row.get(1)?,
        updated: Timestamp::from_nanos(row.get(2)?),
        time: Timestamp::from_nanos(row.get(3)?),
    })
}

fn step(transaction: &Transaction<'_>, entry: &OutboxEntry) -> rusqlite::Result<usize> {
    match entry {
        OutboxEntry::Seen { receiver, change } => transaction.execute(
            "INSERT OR REPLACE INTO receivers (name, seen) VALUES (?1, ?2)",
            params![receiver, number(*change)],
        ),
        OutboxEntry::Wait { receiver, change, since } => transaction.execute(
            "INSERT OR REPLACE INTO waiting (receiver, change, since) VALUES (?1, ?2, ?3)",
            params![receiver, number(*change), since.nanos()],
        ),
        OutboxEntry::Done { receiver, change } => transaction.execute(
            "DELETE FROM waiting WHERE receiver = ?1 AND change = ?2",
            params![receiver, number(*change)],
        ),
        OutboxEntry::Told { receiver, told } => {
            transaction.execute(
                "INSERT OR REPLACE INTO told (receiver, incident, state, updated, time)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    receiver,
                    number(told.incident),
                    told.state,
                    told.updated.nanos(),
                    told.time.nanos()
                ],
            )?;
            transaction.execute(
                "DELETE FROM told WHERE receiver = ?1 AND incident <= ?2",
                params![receiver, number(told.incident).saturating_sub(MOST_TOLD)],
            )
        }
    }
}

//! Incidents, what happened to them, what people decided and which changes they told of, in SQLite.

mod decisions;
mod events;
mod outbox;
mod schema;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use auscult_core::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};

pub use decisions::{Decision, DecisionsWanted};
pub use events::{EventsWanted, StoredEvent};
pub use outbox::{OutboxEntry, Outgoing, StoredTold, StoredWaiting};

use crate::error::StoreError;
use crate::folder::{beside, set_aside};

/// Changes that are kept; incidents and decisions are kept for good.
const MOST_CHANGES: u64 = 100_000;

/// An incident, as the book keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredIncident {
    /// Its number.
    pub id: u64,
    /// Its state, in one word.
    pub state: String,
    /// When it began.
    pub began: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// All of it, as JSON.
    pub document: String,
}

/// What happened to an incident, as the book keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChange {
    /// From 1, in order.
    pub number: u64,
    /// What happened, in one word.
    pub happening: String,
    /// The change with its incident, as JSON.
    pub document: String,
}

/// Something to note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookEntry {
    /// The incident as it is now.
    pub incident: StoredIncident,
    /// What happened to it, if this is news.
    pub change: Option<StoredChange>,
}

/// Which incidents are asked for, newest first.
#[derive(Debug, Clone, Default)]
pub struct IncidentsWanted {
    /// Only in this state.
    pub state: Option<String>,
    /// Only with a smaller number.
    pub before: Option<u64>,
    /// Only those that changed then or later.
    pub since: Option<Timestamp>,
    /// At most so many.
    pub limit: usize,
}

/// The database. What a call noted is on the disk when it returns, also if power fails.
#[derive(Debug)]
pub struct Book {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Book {
    /// Opens the database at `path`, brings one of an older release up to date, and sets a
    /// damaged one aside; says so then.
    ///
    /// # Errors
    ///
    /// [`StoreError::Newer`] for one of a newer release; when the file system refuses.
    pub fn open(path: impl Into<PathBuf>) -> Result<(Self, Option<String>), StoreError> {
        let path = path.into();
        let (connection, note) = match connect(&path) {
            Ok(connection) => (connection, None),
            Err(StoreError::Damaged { reason, .. }) => {
                let aside = set_aside(&path).map_err(|source| StoreError::file(&path, source))?;
                // What was not yet moved from these into the database belongs to it.
                for suffix in ["-wal", "-shm"] {
                    let with = |path: &Path| {
                        let mut name = path.as_os_str().to_owned();
                        name.push(suffix);
                        PathBuf::from(name)
                    };
                    if with(&path).exists() {
                        let renamed = fs::rename(with(&path), with(&aside));
                        renamed.map_err(|source| StoreError::file(&with(&path), source))?;
                    }
                }
                let note = format!(
                    "{} is damaged: {reason}; it is now {} and a new one was begun",
                    path.display(),
                    aside.display()
                );
                (connect(&path)?, Some(note))
            }
            Err(error) => return Err(error),
        };
        Ok((Self { path, connection: Mutex::new(connection) }, note))
    }

    /// A database in memory, which ends with the process.
    ///
    /// # Errors
    ///
    /// When SQLite refuses.
    pub fn in_memory() -> Result<Self, StoreError> {
        let path = PathBuf::from(":memory:");
        let open = || {
            let mut connection = Connection::open_in_memory()?;
            schema::migrate(&mut connection, 0)?;
            Ok(connection)
        };
        match open() {
            Ok(connection) => Ok(Self { path, connection: Mutex::new(connection) }),
            Err(source) => Err(StoreError::Database { path, source }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse(&self) -> impl Fn(rusqlite::Error) -> StoreError {
        |source| StoreError::Database { path: self.path.clone(), source }
    }

    /// Notes `entries`, all or none. An incident or change with a known number replaces it.
    ///
    /// # Errors
    ///
    /// When the database refuses.
    pub fn note(&self, entries: &[BookEntry]) -> Result<(), StoreError> {
        let mut connection = self.lock();
        note(&mut connection, entries).map_err(self.refuse())
    }

    /// The documents of the incidents that are `wanted`, newest first.
    ///
    /// # Errors
    ///
    /// When the database refuses.
    pub fn incidents(&self, wanted: &IncidentsWanted) -> Result<Vec<StoredIncident>, StoreError> {
        let connection = self.lock();
        let query = "SELECT id, state, began, updated, document FROM incidents
                     WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR id < ?2)
                       AND (?4 IS NULL OR updated >= ?4)
                     ORDER BY id DESC LIMIT ?3";
        let read = || {
            let mut statement = connection.prepare(query)?;
            let limit = i64::try_from(wanted.limit).unwrap_or(i64::MAX);
            let before = wanted.before.map(number);
            let since = wanted.since.map(Timestamp::nanos);
            statement
                .query_map(params![wanted.state, before, limit, since], incident)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(self.refuse())
    }

    /// The incident with this number.
    ///
    /// # Errors
    ///
    /// When the database refuses.
    pub fn incident(&self, id: u64) -> Result<Option<StoredIncident>, StoreError> {
        let connection = self.lock();
        let query = "SELECT id, state, began, updated, document FROM incidents WHERE id = ?1";
        let found = connection.query_row(query, [number(id)], incident).optional();
        found.map_err(self.refuse())
    }

    /// The newest changes, at most `limit`, oldest first.
    ///
    /// # Errors
    ///
    /// When the database refuses.
    pub fn newest_changes(&self, limit: usize) -> Result<Vec<StoredChange>, StoreError> {
        let connection = self.lock();
        let query = "SELECT number, happening, document FROM changes ORDER BY number DESC LIMIT ?1";
        let read = || {
            let mut statement = connection.prepare(query)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let changes = statement.query_map([limit], |row| {
                Ok(StoredChange {
                    number: row.get::<_, i64>(0)?.unsigned_abs(),
                    happening: row.get(1)?,
                    document: row.get(2)?,
                })
            })?;
            changes.collect::<rusqlite::Result<Vec<_>>>()
        };
        let mut changes = read().map_err(self.refuse())?;
        changes.reverse();
        Ok(changes)
    }
}

/// Numbers of the book begin at 1 and never come near 2^63.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn incident(row: &Row<'_>) -> rusqlite::Result<StoredIncident> {
    Ok(StoredIncident {
        id: row.get::<_, i64>(0)?.unsigned_abs(),
        state: row.get(1)?,
        began: Timestamp::from_nanos(row.get(2)?),
        updated: Timestamp::from_nanos(row.get(3)?),
        document: row.get(4)?,
    })
}

fn note(connection: &mut Connection, entries: &[BookEntry]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for BookEntry { incident, change } in entries {
        transaction.execute(
            "INSERT OR REPLACE INTO incidents (id, state, began, updated, document)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                number(incident.id),
                incident.state,
                incident.began.nanos(),
                incident.updated.nanos(),
                incident.document
            ],
        )?;
        if let Some(change) = change {
            transaction.execute(
                "INSERT OR REPLACE INTO changes (number, incident, happening, time, document)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    number(change.number),
                    number(incident.id),
                    change.happening,
                    incident.updated.nanos(),
                    change.document
                ],
            )?;
        }
    }
    if let Some(newest) = entries.iter().filter_map(|entry| entry.change.as_ref()).next_back() {
        let oldest = number(newest.number.saturating_sub(MOST_CHANGES));
        transaction.execute("DELETE FROM changes WHERE number <= ?1", [oldest])?;
    }
    transaction.commit()
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let refuse = |source: rusqlite::Error| match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::damaged(path, source)
        }
        _ => StoreError::Database { path: path.to_owned(), source },
    };
    let mut connection = Connection::open(path).map_err(refuse)?;
    let version = schema::version(&connection).map_err(refuse)?;
    if version > schema::VERSION {
        let known = schema::VERSION;
        return Err(StoreError::Newer { path: path.to_owned(), found: version, known });
    }
    let check = |row: &Row<'_>| row.get::<_, String>(0);
    let found = connection.query_row("PRAGMA quick_check(1)", [], check).map_err(refuse)?;
    if found != "ok" {
        return Err(StoreError::damaged(path, found));
    }
    // A copy from before, should the steps turn out wrong.
    if version > 0 && version < schema::VERSION {
        let copy = beside(path, &format!("version-{version}"));
        fs::copy(path, &copy).map_err(|source| StoreError::file(&copy, source))?;
    }
    connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
        .and_then(|()| connection.pragma_update(None, "synchronous", "FULL"))
        .map_err(refuse)?;
    schema::migrate(&mut connection, version).map_err(refuse)?;
    Ok(connection)
}

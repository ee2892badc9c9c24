//! The tables, and the way to them from every older release.

use rusqlite::Connection;

/// Steps from an empty database; each release that changes tables adds one at the end, and
/// none is ever changed. The version of a database is how many were taken.
const STEPS: &[&str] = &[
    // 1
    "CREATE TABLE incidents (
        id INTEGER PRIMARY KEY,
        state TEXT NOT NULL,
        began INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        document TEXT NOT NULL
     ) STRICT;
     CREATE INDEX incidents_by_state ON incidents (state, id);
     CREATE TABLE changes (
        number INTEGER PRIMARY KEY,
        incident INTEGER NOT NULL,
        happening TEXT NOT NULL,
        time INTEGER NOT NULL,
        document TEXT NOT NULL
     ) STRICT;
     CREATE INDEX changes_by_incident ON changes (incident, number);
     CREATE TABLE verdicts (
        number INTEGER PRIMARY KEY,
        incident INTEGER NOT NULL,
        time INTEGER NOT NULL,
        is_true INTEGER NOT NULL,
        fault TEXT,
        person TEXT,
        note TEXT
     ) STRICT;
     CREATE INDEX verdicts_by_incident ON verdicts (incident, number);",
    // 2
    "CREATE TABLE installation (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        name TEXT NOT NULL
     ) STRICT;
     CREATE TABLE receivers (
        name TEXT PRIMARY KEY,
        seen INTEGER NOT NULL
     ) STRICT;
     CREATE TABLE waiting (
        receiver TEXT NOT NULL,
        change INTEGER NOT NULL,
        since INTEGER NOT NULL,
        PRIMARY KEY (receiver, change)
     ) STRICT;
     CREATE TABLE told (
        receiver TEXT NOT NULL,
        incident INTEGER NOT NULL,
        state TEXT NOT NULL,
        updated INTEGER NOT NULL,
        time INTEGER NOT NULL,
        PRIMARY KEY (receiver, incident)
     ) STRICT;",
    // 3
    "CREATE TABLE decisions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        about INTEGER NOT NULL,
        time INTEGER NOT NULL,
        happening TEXT NOT NULL,
        author TEXT NOT NULL,
        document TEXT NOT NULL
     ) STRICT;
     CREATE INDEX decisions_by_what ON decisions (kind, about, number);
     INSERT INTO decisions (kind, about, time, happening, author, document)
        SELECT 'verdict', incident, time, 'given', coalesce(person, ''),
            json_object('verdict', CASE is_true WHEN 0 THEN 'false' ELSE 'true' END,
                'fault', fault, 'comment', coalesce(note, ''))
        FROM verdicts ORDER BY number;
     DROP TABLE verdicts;",
    // 4
    "CREATE TABLE events (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        time INTEGER NOT NULL,
        kind TEXT NOT NULL,
        target TEXT NOT NULL,
        text TEXT NOT NULL,
        source TEXT NOT NULL,
        author TEXT NOT NULL
     ) STRICT;
     CREATE INDEX events_by_time ON events (time);
     CREATE INDEX events_by_kind ON events (kind);",
];

/// The version that this release writes.
pub(super) const VERSION: u32 = STEPS.len() as u32;

/// How many steps a database has taken.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Takes the steps that are missing, all or none.
pub(super) fn migrate(connection: &mut Connection, from: u32) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for step in &STEPS[from as usize..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

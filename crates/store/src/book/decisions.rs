//! What people decided: verdicts, silences, policies. Only ever added to.

use auscult_core::Timestamp;
use rusqlite::params;

use super::{Book, number};
use crate::error::StoreError;

/// A step of what people decided. A later one about the same does not replace it, so that who
/// changed what, and when, can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// From 1, in order; 0 for one that is not in the book.
    pub number: u64,
    /// What was decided upon, in one word, such as `silence`.
    pub kind: String,
    /// The number of what it is about, such as an incident.
    pub about: u64,
    /// When it was decided.
    pub time: Timestamp,
    /// What was done, in one word, such as `expired`.
    pub happening: String,
    /// Who did it; empty where nobody said.
    pub author: String,
    /// What holds then, as JSON.
    pub document: String,
}

/// Which decisions are asked for, oldest first.
#[derive(Debug, Clone, Default)]
pub struct DecisionsWanted<'a> {
    /// Only of this kind.
    pub kind: Option<&'a str>,
    /// Only about what has a number from the first to the second.
    pub about: Option<(u64, u64)>,
    /// Only those with a greater number.
    pub after: u64,
    /// Only those with a smaller number.
    pub before: Option<u64>,
    /// Only the last one about each.
    pub latest: bool,
    /// At most so many, the newest; all where there is none.
    pub limit: Option<usize>,
}

impl Book {
    /// Adds a decision; its number. It is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// When the database refuses; nothing is added then.
    pub fn decide(&self, decision: &Decision) -> Result<u64, StoreError> {
        let add = "INSERT INTO decisions (kind, about, time, happening, author, document)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let Decision { kind, about, time, happening, author, document, .. } = decision;
        let values = params![kind, number(*about), time.nanos(), happening, author, document];
        let connection = self.lock();
        connection.execute(add, values).map_err(self.refuse())?;
        Ok(connection.last_insert_rowid().unsigned_abs())
    }

    /// The decisions that are `wanted`, oldest first.
    ///
    /// # Errors
    ///
    /// When the database refuses.
    pub fn decisions(&self, wanted: &DecisionsWanted<'_>) -> Result<Vec<Decision>, StoreError> {
        let connection = self.lock();
        let query = "SELECT number, kind, about, time, happening, author, document
                     FROM decisions AS one
                     WHERE (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR about BETWEEN ?2 AND ?3)
                       AND number > ?4 AND (?5 IS NULL OR number < ?5)
                       AND (NOT ?6 OR NOT EXISTS (
                         SELECT 1 FROM decisions AS later
                         WHERE later.kind = one.kind AND later.about = one.about
                           AND later.number > one.number))
                     ORDER BY number DESC LIMIT ?7";
        let read = || {
            let (first, last) = wanted.about.unzip();
            let limit = wanted.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
            let mut statement = connection.prepare(query)?;
            let values = params![
                wanted.kind,
                first.map(number),
                last.map(number),
                number(wanted.after),
                wanted.before.map(number),
                wanted.latest,
                limit
            ];
            let decisions = statement.query_map(values, |row| {
                Ok(Decision {
                    number: row.get::<_, i64>(0)?.unsigned_abs(),
                    kind: row.get(1)?,
                    about: row.get::<_, i64>(2)?.unsigned_abs(),
                    time: Timestamp::from_nanos(row.get(3)?),
                    happening: row.get(4)?,
                    author: row.get(5)?,
                    document: row.get(6)?,
                })
            })?;
            decisions.collect::<rusqlite::Result<Vec<_>>>()
        };
        let mut decisions = read().map_err(self.refuse())?;
        decisions.reverse();
        Ok(decisions)
    }

    /// The number of the newest decision; 0 before the first.
    ///
    /// # Errors
    ///
    /// When the database refuses.
    pub fn newest_decision(&self) -> Result<u64, StoreError> {
        let query = "SELECT coalesce(max(number), 0) FROM decisions";
        let newest = self.lock().query_row(query, [], |row| row.get::<_, i64>(0));
        newest.map(i64::unsigned_abs).map_err(self.refuse())
    }
}

//! What people decided, stored before it is answered; in memory where there is no folder.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auscult_engine::{Engine, Silence};
use auscult_store::{Book, Decision, DecisionsWanted, StoreError};
use serde::Serialize;

use crate::clock;
use crate::serve::Shared;

/// What is decided upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Verdict,
    /// What can be learnt of an incident that a verdict is of.
    Case,
    Silence,
    Policies,
    /// A policy that somebody accepted after a false alarm.
    Accepted,
    /// What was done about an incident.
    Remedy,
    /// What became of an incident.
    Recovery,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Case => "case",
            Self::Silence => "silence",
            Self::Accepted => "policy",
            Self::Remedy => "remedy",
            Self::Recovery => "recovery",
            Self::Policies => "policies",
        }
    }
}

/// All decisions.
#[derive(Debug)]
pub(crate) struct Decisions {
    book: Arc<Book>,
    /// The number of the newest one.
    newest: AtomicU64,
    /// Held from looking at what holds to having changed it.
    turn: Mutex<()>,
}

impl Decisions {
    pub(crate) fn new(book: Arc<Book>) -> Result<Self, StoreError> {
        let newest = AtomicU64::new(book.newest_decision()?);
        Ok(Self { book, newest, turn: Mutex::default() })
    }

    /// Keeps others from deciding meanwhile.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a decision, which is on the disk when this returns.
    pub(crate) fn add(
        &self,
        kind: Kind,
        about: u64,
        happening: &str,
        author: &str,
        document: &impl Serialize,
    ) -> Result<Decision, StoreError> {
        let mut decision = Decision {
            number: 0,
            kind: kind.as_str().to_owned(),
            about,
            time: clock::now(),
            happening: happening.to_owned(),
            author: author.to_owned(),
            document: serde_json::to_string(document).unwrap_or_default(),
        };
        decision.number = self.book.decide(&decision)?;
        self.newest.fetch_max(decision.number, Ordering::AcqRel);
        Ok(decision)
    }

    /// The decisions that are `wanted`, oldest first.
    pub(crate) fn find(&self, wanted: &DecisionsWanted<'_>) -> Result<Vec<Decision>, StoreError> {
        self.book.decisions(wanted)
    }

    /// The number of the newest one; 0 before the first.
    pub(crate) fn newest(&self) -> u64 {
        self.newest.load(Ordering::Acquire)
    }
}

impl Shared {
    /// Remembers the policies that hold from now on, if they are others than before.
    pub(crate) fn note_policies(&self) {
        let _turn = self.decisions.turn();
        let policies = &self.engine.settings().policies;
        let kind = Kind::Policies;
        let newest =
            DecisionsWanted { kind: Some(kind.as_str()), limit: Some(1), ..Default::default() };
        let noted = self.decisions.find(&newest).and_then(|known| {
            let document = serde_json::to_string(policies).unwrap_or_default();
            if known.last().is_some_and(|known| known.document == document) {
                return Ok(());
            }
            self.decisions.add(kind, 0, "applied", "", policies).map(drop)
        });
        if let Err(error) = noted {
            tracing::warn!("that the policies changed cannot be stored: {error}");
        }
    }
}

/// Has the silences hold again that the book has.
pub(super) fn restore_silences(engine: &Engine, book: &Book) -> Result<(), StoreError> {
    let kind = Some(Kind::Silence.as_str());
    let latest = book.decisions(&DecisionsWanted { kind, latest: true, ..Default::default() })?;
    let last = latest.iter().map(|decision| decision.about).max().unwrap_or(0);
    let held = latest.iter().filter(|decision| decision.happening != "removed");
    let read = |decision: &Decision| {
        let silence = serde_json::from_str::<Silence>(&decision.document);
        let told = silence.inspect_err(|error| {
            tracing::warn!("silence {} cannot be read and does not hold: {error}", decision.about);
        });
        told.ok()
    };
    engine.restore_silences(held.filter_map(read).collect(), last);
    Ok(())
}

//! What outlives the process: the log of samples, their history, incidents, decisions, events, learnt state.
//!
//! Whoever brings samples calls [`Shared::take`]: they are in the log before they are judged,
//! and what they did to incidents is in the database before they are acknowledged. While
//! something cannot be stored, samples are judged and acknowledged all the same: the service
//! is there to watch. It says so in its log, on `/-/ready` and in its metrics.

mod decisions;
mod events;
mod metrics;
mod outbox;
mod resume;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use auscult_core::Timestamp;
use auscult_engine::incident::{Incident, State};
use auscult_engine::{Engine, Ingested};
use auscult_store::{
    Book, BookEntry, Folder, History, IncidentsWanted, Log, LoggedSeries, Position, StateWriter,
    StoreError, StoredChange, StoredIncident,
};
use auscult_telemetry::metrics::MetricBatch;

pub(crate) use decisions::{Decisions, Kind};
pub(crate) use events::Events;

use crate::clock;
use crate::serve::Shared;
use crate::settings::DataSettings;

/// Where learnt state is, in the folder for data.
const CHECKPOINT: &str = "state/checkpoint";

/// Stored incidents that are read at once.
const PIECE: usize = 500;

/// Everything that is stored.
#[derive(Debug)]
pub(crate) struct Storage {
    folder: Folder,
    settings: DataSettings,
    log: Log,
    history: History,
    pub(super) book: Arc<Book>,
    /// The change to incidents that was stored last.
    noted: Mutex<u64>,
    /// What a restart would have to read of the log begins here.
    keep_from: AtomicU64,
    checkpoint: Mutex<Checkpoint>,
    samples_since: AtomicU64,
    trouble: Mutex<Troubles>,
    tally: Tally,
}

/// The last time that what was learnt was written down.
#[derive(Debug)]
struct Checkpoint {
    at: Instant,
    bytes: u64,
    seconds: f64,
}

/// What cannot be stored now, by part.
#[derive(Debug, Default)]
struct Troubles([Option<String>; 4]);

/// A part that may be in trouble by itself.
#[derive(Debug, Clone, Copy)]
enum Part {
    Samples,
    History,
    Incidents,
    State,
}

const PARTS: [(Part, &str); 4] = [
    (Part::Samples, "samples"),
    (Part::History, "history"),
    (Part::Incidents, "incidents"),
    (Part::State, "state"),
];

/// Counted since the start.
#[derive(Debug, Default)]
struct Tally {
    unstored: AtomicU64,
    checkpoints: AtomicU64,
    failures: [AtomicU64; 4],
    set_aside: AtomicU64,
}

impl Shared {
    /// Logs and judges a batch.
    /// Stores a batch that is judged elsewhere.
    pub(crate) fn keep(&self, batch: &MetricBatch) {
        self.storage.iter().for_each(|storage| storage.append(batch));
    }

    pub(crate) fn take(&self, batch: &MetricBatch) -> Ingested {
        let Some(storage) = &self.storage else { return self.engine.ingest(batch) };
        let (_, done) = self.engine.ingest_after(batch, || storage.append(batch));
        if done.events > 0 {
            storage.note(&self.engine);
        }
        done
    }

    /// Stores what happened to incidents.
    pub(crate) fn note(&self) {
        if let Some(storage) = &self.storage {
            storage.note(&self.engine);
        }
    }

    /// Makes the newest samples survive a loss of power.
    pub(crate) fn sync(&self) {
        let Some(storage) = &self.storage else { return };
        // That this works says nothing of room for more: only an append ends trouble.
        if let Err(error) = storage.log.sync() {
            storage.watch(Part::Samples, Err::<(), _>(error));
        }
    }

    /// Writes down what was learnt if it is time, and keeps the history in order.
    pub(crate) fn maintain(&self) {
        let Some(storage) = &self.storage else { return };
        if storage.is_due() {
            storage.checkpoint(&self.engine);
        }
        let keep_from = Position::from_bits(storage.keep_from.load(Ordering::Relaxed));
        let done = storage.history.maintain(&storage.log, keep_from, clock::now());
        if let Some(done) = storage.watch(Part::History, done) {
            for note in done.set_aside {
                storage.tally.set_aside.fetch_add(1, Ordering::Relaxed);
                tracing::warn!("{note}");
            }
        }
    }

    /// Writes everything down before the end.
    pub(crate) fn close(&self) {
        let Some(storage) = &self.storage else { return };
        storage.note(&self.engine);
        storage.checkpoint(&self.engine);
        self.sync();
    }

    /// Incidents that are `wanted`, newest first: those in memory, and those before them.
    ///
    /// Of those that are stored, as many are read as it takes to find `limit`.
    pub(crate) fn find_incidents(
        &self,
        wanted: &IncidentsWanted,
        is_wanted: impl Fn(&Incident) -> bool,
    ) -> Result<Vec<Incident>, StoreError> {
        let is_wanted = |incident: &Incident| {
            wanted.state.as_ref().is_none_or(|state| word(&incident.state) == *state)
                && wanted.before.is_none_or(|before| incident.id < before)
                && wanted.since.is_none_or(|since| incident.updated >= since)
                && is_wanted(incident)
        };
        let known = RefCell::new(HashSet::new());
        let mut incidents = self.engine.incidents_that(|incident| {
            known.borrow_mut().insert(incident.id);
            is_wanted(incident)
        });
        let known = known.into_inner();
        if let Some(storage) = &self.storage {
            let mut page = IncidentsWanted { limit: PIECE, ..wanted.clone() };
            let mut found = 0;
            while found < wanted.limit {
                let stored = storage.book.incidents(&page)?;
                let Some(last) = stored.last() else { break };
                page.before = Some(last.id);
                let older = stored.iter().filter(|stored| !known.contains(&stored.id));
                let older = older.filter_map(read).filter(|incident| is_wanted(incident));
                let before = incidents.len();
                incidents.extend(older);
                found += incidents.len() - before;
            }
        }
        incidents.sort_by_key(|incident| std::cmp::Reverse(incident.id));
        incidents.truncate(wanted.limit);
        Ok(incidents)
    }

    /// One incident.
    pub(crate) fn find_incident(&self, id: u64) -> Option<Incident> {
        let known = self.engine.incidents_that(|incident| incident.id == id);
        known.into_iter().next().or_else(|| {
            let storage = self.storage.as_ref()?;
            told(storage.book.incident(id)).flatten().as_ref().and_then(read)
        })
    }
}

/// What was read; tells why it could not be.
fn told<T>(result: Result<T, StoreError>) -> Option<T> {
    result.inspect_err(|error| tracing::warn!("stored incidents cannot be read: {error}")).ok()
}

/// The incident in what is stored of it; `None` if it cannot be read, such as one of a later release.
fn read(stored: &StoredIncident) -> Option<Incident> {
    serde_json::from_str(&stored.document).ok()
}

/// A plain enum as the word that JSON has for it.
pub(crate) fn word(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}

fn stored(incident: &Incident) -> StoredIncident {
    StoredIncident {
        id: incident.id,
        state: word(&incident.state),
        began: incident.began,
        updated: incident.updated,
        document: serde_json::to_string(incident).unwrap_or_default(),
    }
}

/// The database of what people tell; in memory where there is no folder.
pub(crate) fn book(storage: Option<&Storage>) -> Result<Arc<Book>, StoreError> {
    match storage {
        Some(storage) => Ok(Arc::clone(&storage.book)),
        None => Ok(Arc::new(Book::in_memory()?)),
    }
}

impl Storage {
    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    fn append(&self, batch: &MetricBatch) {
        let series = batch.series().filter(|series| !series.points.is_empty());
        let series = series.map(|series| LoggedSeries {
            labels: series.labels,
            kind: series.kind.code(),
            samples: series.points.iter().map(|point| (point.time, point.value)),
        });
        let appended = self.log.append(clock::now(), series);
        let samples = batch.samples() as u64;
        self.samples_since.fetch_add(samples, Ordering::Relaxed);
        if self.watch(Part::Samples, appended).is_none() {
            self.tally.unstored.fetch_add(samples, Ordering::Relaxed);
        }
    }

    /// Stores the changes to incidents that are not stored yet.
    fn note(&self, engine: &Engine) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = engine.changes_after(*noted);
        let Some(last) = changes.last().map(|change| change.number) else { return };
        let entries: Vec<BookEntry> = changes
            .iter()
            .map(|change| BookEntry {
                incident: stored(&change.incident),
                change: Some(StoredChange {
                    number: change.number,
                    happening: word(&change.happening),
                    document: serde_json::to_string(change).unwrap_or_default(),
                }),
            })
            .collect();
        if self.watch(Part::Incidents, self.book.note(&entries)).is_some() {
            *noted = last;
        }
    }

    fn is_due(&self) -> bool {
        let checkpoint = self.checkpoint.lock().unwrap_or_else(PoisonError::into_inner);
        checkpoint.at.elapsed() >= self.settings.checkpoint_every
            || self.samples_since.load(Ordering::Relaxed) >= self.settings.checkpoint_samples
    }

    /// Writes down what was learnt.
    fn checkpoint(&self, engine: &Engine) {
        let start = Instant::now();
        self.samples_since.store(0, Ordering::Relaxed);
        // The database has incidents as they were when they last changed; their members have
        // gone on since.
        let open: Vec<BookEntry> = engine
            .incidents_that(|incident| incident.state == State::Open)
            .iter()
            .map(|incident| BookEntry { incident: stored(incident), change: None })
            .collect();
        self.watch(Part::Incidents, self.book.note(&open));
        let first = Cell::new(None);
        let write = || -> std::io::Result<u64> {
            let mut writer = StateWriter::create(self.folder.join(CHECKPOINT))?;
            let mark = || {
                let position = self.log.position().to_bits();
                first.set(first.get().or(Some(position)));
                position
            };
            engine.save(clock::now(), mark, |record| writer.record(record))?;
            writer.commit()
        };
        let written = self.watch(Part::State, write());
        let mut checkpoint = self.checkpoint.lock().unwrap_or_else(PoisonError::into_inner);
        checkpoint.at = Instant::now();
        checkpoint.seconds = start.elapsed().as_secs_f64();
        if let (Some(bytes), Some(first)) = (written, first.get()) {
            checkpoint.bytes = bytes;
            self.keep_from.store(first, Ordering::Relaxed);
            self.tally.checkpoints.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What cannot be stored now, and why; `None` if all is well.
    pub(crate) fn trouble(&self) -> Option<String> {
        let troubles = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let told = PARTS.iter().filter_map(|(part, name)| {
            troubles.0[*part as usize].as_ref().map(|trouble| format!("{name}: {trouble}"))
        });
        let told: Vec<String> = told.collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// Counts and tells a failure of `part`, and its end.
    fn watch<T, E: Display>(&self, part: Part, result: Result<T, E>) -> Option<T> {
        let mut troubles = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let place = part as usize;
        let name = PARTS[place].1;
        match result {
            Ok(value) => {
                if troubles.0[place].take().is_some() {
                    tracing::info!("{name} can be stored again");
                }
                Some(value)
            }
            Err(error) => {
                self.tally.failures[place].fetch_add(1, Ordering::Relaxed);
                let error = error.to_string();
                if troubles.0[place].is_none() {
                    tracing::error!("{name} cannot be stored: {error}");
                }
                troubles.0[place] = Some(error);
                None
            }
        }
    }
}

/// Opens everything in the folder; see `resume`.
impl Storage {
    pub(crate) fn open(
        settings: DataSettings,
        engine: auscult_engine::EngineSettings,
        tick: Duration,
    ) -> Result<(Self, Engine), StoreError> {
        resume::open(settings, engine, tick)
    }
}

/// How long ago `then` was, in seconds.
fn seconds_since(then: Timestamp) -> f64 {
    (clock::now().seconds() - then.seconds()).max(0.0)
}

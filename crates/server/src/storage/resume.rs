//! Going on from what is stored.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use auscult_core::{Labels, Timestamp};
use auscult_engine::incident::State;
use auscult_engine::{Engine, EngineSettings, ResumeError, Resumed, Resuming};
use auscult_store::{
    Book, BookEntry, Folder, History, HistorySettings, IncidentsWanted, Log, LogSettings, Position,
    Replayed, SegmentEnd, StateReader, StoreError,
};
use auscult_telemetry::metrics::{MetricBatch, MetricKind};

use super::decisions;
use super::{CHECKPOINT, Checkpoint, Storage, Tally, Troubles, read, seconds_since, stored};
use crate::accepted;
use crate::clock;
use crate::settings::DataSettings;

/// Incidents and changes that are taken from the database into memory.
const NEWEST: usize = 1000;
/// Series that a segment of the log may have, however few are watched.
const LEAST_SEGMENT_SERIES: usize = 20_000;

/// A log whose segments may have twice the series that are watched: a flood of others takes no more
/// memory than that.
fn log_settings(settings: &EngineSettings) -> LogSettings {
    let segment_series = settings.most_series.saturating_mul(2).max(LEAST_SEGMENT_SERIES);
    LogSettings { segment_series, ..LogSettings::default() }
}

/// Opens everything in the folder, and puts the engine together: what was learnt, then the
/// incidents since, then the samples since.
pub(super) fn open(
    settings: DataSettings,
    engine_settings: EngineSettings,
    tick: Duration,
) -> Result<(Storage, Engine), StoreError> {
    let start = Instant::now();
    let folder = Folder::open(&settings.folder)?;
    let log = Log::open(folder.join("log"), log_settings(&engine_settings))?;
    let history_settings =
        HistorySettings { keep_for: settings.keep_for, most_bytes: settings.most_bytes };
    let (history, mut notes) = History::open(folder.join("history"), history_settings)?;
    let (book, note) = Book::open(folder.join("auscult.sqlite"))?;
    notes.extend(note);
    // What came since the last checkpoint is judged as it was.
    let engine_settings = accepted::laid_over(engine_settings, &book)?;
    let reopen_within = engine_settings.reopen_within;
    let (engine, resumed) = learnt(&folder.join(CHECKPOINT), engine_settings, &mut notes)?;
    let noted = known_incidents(&engine, &book, reopen_within)?;
    // Before anything ticks: what is silenced stays so.
    decisions::restore_silences(&engine, &book)?;
    let samples = feed_again(&engine, &resumed, &log, tick, &mut notes)?;
    // Samples from before a silence was made have just been judged by their own time.
    engine.mark_silenced(clock::now());
    let tally = Tally { set_aside: AtomicU64::new(notes.len() as u64), ..Tally::default() };
    let checkpoint = Checkpoint { at: Instant::now(), bytes: 0, seconds: 0.0 };
    let storage = Storage {
        keep_from: AtomicU64::new(resumed.marks.first()),
        folder,
        settings,
        log,
        history,
        book: Arc::new(book),
        noted: Mutex::new(noted),
        checkpoint: Mutex::new(checkpoint),
        samples_since: AtomicU64::new(samples),
        trouble: Mutex::new(Troubles::default()),
        tally,
    };
    storage.note(&engine);
    for note in notes {
        tracing::warn!("{note}");
    }
    let path = storage.folder.path().display();
    match resumed.taken {
        Some(taken) => tracing::info!(
            "{} series go on from {path}, learnt up to {:.0} seconds ago, and {samples} samples since; it took {:.1} seconds",
            resumed.series,
            seconds_since(taken),
            start.elapsed().as_secs_f64()
        ),
        None => tracing::info!("nothing learnt in {path} yet; {samples} samples in the log"),
    }
    if storage.samples_since.load(Ordering::Relaxed) > 0 {
        // So that a service that is ended again and again goes on from here.
        storage.checkpoint(&engine);
    }
    Ok((storage, engine))
}

/// The engine as it was when what it learnt was last written down.
fn learnt(
    path: &Path,
    settings: EngineSettings,
    notes: &mut Vec<String>,
) -> Result<(Engine, Resumed), StoreError> {
    let mut reader = match StateReader::open(path) {
        Ok(Some(reader)) => reader,
        Ok(None) => return Ok((Engine::new(settings), Resumed::default())),
        Err(error @ StoreError::Damaged { .. }) => {
            let aside = StateReader::set_aside(path)?;
            notes.push(format!("{error}; it is now {}, and learning begins anew", aside.display()));
            return Ok((Engine::new(settings), Resumed::default()));
        }
        Err(error) => return Err(error),
    };
    let mut resuming = Resuming::new(settings.clone());
    while let Some(record) = reader.record()? {
        match resuming.take(record) {
            Ok(()) => {}
            Err(ResumeError::Newer { found, known }) => {
                return Err(StoreError::Newer { path: path.to_owned(), found, known });
            }
            Err(error) => {
                let aside = StateReader::set_aside(path)?;
                notes.push(format!(
                    "{} is damaged: {error}; it is now {}, and learning begins anew",
                    path.display(),
                    aside.display()
                ));
                return Ok((Engine::new(settings), Resumed::default()));
            }
        }
    }
    let (damaged, is_complete) = (reader.damaged(), reader.is_complete());
    let (engine, found) = resuming.finish();
    if damaged > 0 || found.unreadable > 0 || !is_complete {
        let aside = StateReader::set_aside(path)?;
        notes.push(format!(
            "{} is damaged: {} series go on, {} begin anew{}; it is now {}",
            path.display(),
            found.series,
            found.lost_series,
            if is_complete { "" } else { " and those behind its end" },
            aside.display()
        ));
    }
    Ok((engine, found))
}

/// Takes in the incidents of the database, which is newer than the state; returns the change
/// that it has last.
fn known_incidents(
    engine: &Engine,
    book: &Book,
    reopen_within: Duration,
) -> Result<u64, StoreError> {
    let newest = |state: Option<&str>| {
        let state = state.map(str::to_owned);
        book.incidents(&IncidentsWanted { state, limit: NEWEST, ..Default::default() })
    };
    let all = newest(None)?;
    engine.number_from(all.first().map_or(1, |incident| incident.id + 1), 1);
    let latest = all.iter().map(|incident| incident.updated).max();
    let within = |updated: Timestamp| {
        let age = latest.map_or(0, |latest| latest.nanos().saturating_sub(updated.nanos()));
        u128::try_from(age).unwrap_or(0) <= reopen_within.as_nanos()
    };
    let may_go_on = all.into_iter().filter(|incident| within(incident.updated));
    let mut known: Vec<_> = newest(Some("open"))?.into_iter().chain(may_go_on).collect();
    known.sort_by_key(|incident| incident.id);
    known.dedup_by_key(|incident| incident.id);
    known.iter().filter_map(read).for_each(|incident| engine.adopt(incident, true));
    let changes = book.newest_changes(NEWEST)?;
    let noted = changes.last().map_or(0, |change| change.number);
    engine.adopt_changes(
        changes.iter().filter_map(|change| serde_json::from_str(&change.document).ok()),
    );
    engine.number_from(1, noted + 1);
    // Those that only the state has: the database was set aside, or could not be written.
    let missing: Vec<BookEntry> = engine
        .incidents()
        .iter()
        .filter(|incident| known.binary_search_by_key(&incident.id, |known| known.id).is_err())
        .map(|incident| BookEntry { incident: stored(incident), change: None })
        .collect();
    // Should it refuse now, it is tried again when the state is next written.
    drop(book.note(&missing));
    let open = engine.incidents().iter().filter(|one| one.state == State::Open).count();
    if open > 0 {
        tracing::info!("{open} incidents are open from before");
    }
    Ok(noted)
}

/// Feeds the samples of the log that came after the state was taken; returns how many.
fn feed_again(
    engine: &Engine,
    resumed: &Resumed,
    log: &Log,
    tick: Duration,
    notes: &mut Vec<String>,
) -> Result<u64, StoreError> {
    let marks = &resumed.marks;
    let tick = i64::try_from(tick.as_nanos()).unwrap_or(i64::MAX);
    let mut ticked = resumed.taken;
    let mut known: Vec<(MetricKind, Labels)> = Vec::new();
    let mut batch = MetricBatch::default();
    let mut samples = 0;
    let odd = log.replay(Position::from_bits(marks.first()), |replayed| match replayed {
        Replayed::Segment => known.clear(),
        Replayed::Series { kind, labels, .. } => {
            known.push((MetricKind::of_code(kind), labels.to_owned()));
        }
        Replayed::Samples { series, samples } => {
            let (kind, labels) = &known[series as usize];
            batch.begin_labels(*kind, labels.as_ref());
            samples.iter().for_each(|(time, value)| batch.push(*time, *value));
        }
        Replayed::Together { position, arrived } => {
            samples += batch.samples() as u64;
            engine.replay(&batch, position.to_bits(), marks);
            batch.clear();
            let since = ticked.map_or(i64::MAX, |last| arrived.nanos() - last.nanos());
            if since >= tick {
                engine.tick(arrived);
                ticked = Some(arrived);
            }
        }
    })?;
    engine.awake();
    for (path, end) in odd {
        match end {
            SegmentEnd::Whole => {}
            SegmentEnd::Torn { bytes } => tracing::info!(
                "{} ends within a record that was never acknowledged ({bytes} bytes)",
                path.display()
            ),
            SegmentEnd::Damaged { at, bytes } => notes.push(format!(
                "{} is damaged at byte {at}: the last {bytes} bytes are not used",
                path.display()
            )),
        }
    }
    Ok(samples)
}

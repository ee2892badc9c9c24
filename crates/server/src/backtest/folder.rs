//! What a service stored, replayed from its history and its log.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

use auscult_core::Timestamp;
use auscult_store::{Folder, History, HistorySettings, Log, LogSettings, Selection, StoreError};
use auscult_telemetry::metrics::{MetricBatch, MetricKind};

use super::{BacktestError, Player};
use crate::sources::Slice;

/// Samples that are held at a time.
const MOST_SAMPLES: usize = 4_000_000;
/// Nanoseconds that are read at a time, unless they hold more samples than that.
const LONGEST: i64 = 86_400_000_000_000;
/// So many are read at a time, whatever they hold.
const SHORTEST: i64 = 1_000_000_000;

/// A folder while it is replayed. No service can have it meanwhile.
#[derive(Debug)]
pub(super) struct FolderPlayer {
    _folder: Folder,
    log: Log,
    history: History,
    span: (Timestamp, Timestamp),
    /// Nanoseconds since the epoch that are read next.
    next: i64,
    length: i64,
    ready: VecDeque<Slice>,
}

impl FolderPlayer {
    pub(super) fn open(
        path: PathBuf,
        (from, to): (Option<Timestamp>, Option<Timestamp>),
    ) -> Result<Self, BacktestError> {
        // Opening makes what is not there.
        if !path.join("log").is_dir() {
            return Err(BacktestError::Empty { path });
        }
        let folder = Folder::open(&path)?;
        let log = Log::open(folder.join("log"), LogSettings::default())?;
        let (history, _) = History::open(folder.join("history"), HistorySettings::default())?;
        let Some((first, last)) = history.span(&log)? else {
            return Err(BacktestError::Empty { path });
        };
        let (first, last) =
            (from.map_or(first, |from| from.max(first)), to.map_or(last, |to| to.min(last)));
        let (span, next) = ((first, last), first.nanos());
        Ok(Self {
            _folder: folder,
            log,
            history,
            span,
            next,
            length: LONGEST,
            ready: VecDeque::new(),
        })
    }

    /// The moments of the next piece of time.
    fn read(&mut self) -> Result<(), BacktestError> {
        let end = self.next.saturating_add(self.length - 1).min(self.span.1.nanos());
        let (from, to) = (Timestamp::from_nanos(self.next), Timestamp::from_nanos(end));
        let most = if self.length > SHORTEST { MOST_SAMPLES } else { usize::MAX };
        let found = match self.history.scan(&self.log, &Selection::all(), from, to, most) {
            Err(StoreError::TooMany { .. }) => {
                self.length = (self.length / 2).max(SHORTEST);
                return Ok(());
            }
            found => found?,
        };
        let mut moments: BTreeMap<Timestamp, MetricBatch> = BTreeMap::new();
        for series in found {
            let kind = MetricKind::of_code(series.kind);
            for (time, value) in series.samples {
                let batch = moments.entry(time).or_default();
                batch.begin_labels(kind, series.labels.as_ref());
                batch.push(time, value);
            }
        }
        self.ready = moments.into_iter().map(|(time, batch)| Slice { time, batch }).collect();
        self.next = end.saturating_add(1);
        Ok(())
    }
}

impl Player for FolderPlayer {
    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        Some(self.span)
    }

    fn next(&mut self) -> Result<Option<Slice>, BacktestError> {
        while self.ready.is_empty() && self.next <= self.span.1.nanos() {
            self.read()?;
        }
        Ok(self.ready.pop_front())
    }
}

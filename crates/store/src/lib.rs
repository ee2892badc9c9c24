//! What outlives the process: samples, incidents and decisions, learnt state.
//!
//! ```text
//! Folder ─┬─ Log       every sample as it came, before it is acknowledged
//!         ├─ History   the same, sorted, in Parquet files with a manifest
//!         ├─ Book      incidents, what happened to them, decisions, who was told: SQLite
//!         └─ state     what was learnt, record by record
//! ```
//!
//! Nothing here knows what the samples mean. Whatever is damaged is set aside under
//! another name and told; the rest goes on. There are no threads and no clock: who
//! owns these calls [`Log::sync`] and [`History::maintain`] when it is time.
//!
//! ```
//! use auscult_core::{Labels, Timestamp};
//! use auscult_store::{Folder, History, HistorySettings, LabelMatcher, Log, LogSettings};
//! use auscult_store::{LoggedSeries, Selection};
//! # let path = std::env::temp_dir().join(format!("auscult-store-{}", std::process::id()));
//! let folder = Folder::open(&path)?;
//! let log = Log::open(folder.join("log"), LogSettings::default())?;
//! let (history, _set_aside) = History::open(folder.join("history"), HistorySettings::default())?;
//! let labels = Labels::from_pairs([("__name__", "power_watts"), ("gpu", "3")])?;
//! let now = Timestamp::from_seconds(60);
//! log.append(now, [LoggedSeries { labels: labels.as_ref(), kind: 1, samples: [(now, 310.0)] }])?;
//! let wanted = Selection::new(vec![vec![LabelMatcher::equal("gpu", "3")]]);
//! let found = history.scan(&log, &wanted, now, now, 1000)?;
//! assert_eq!(found[0].samples, [(now, 310.0)]);
//! # std::fs::remove_dir_all(path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod book;
mod crc32c;
mod error;
mod folder;
mod history;
mod log;
mod record;
mod state;
mod varint;

pub use book::{
    Book, BookEntry, Decision, DecisionsWanted, EventsWanted, IncidentsWanted, OutboxEntry,
    Outgoing, StoredChange, StoredEvent, StoredIncident, StoredTold, StoredWaiting,
};
pub use error::StoreError;
pub use folder::Folder;
pub use history::{
    Found, History, HistorySettings, HistorySize, LabelMatcher, Maintained, Selection,
};
pub use log::{Log, LogSettings, LogSize, LoggedSeries, Position, Replayed, SegmentEnd};
pub use state::{StateReader, StateWriter};

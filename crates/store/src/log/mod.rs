//! The write-ahead log: every sample as it came, before it is acknowledged.
//!
//! ```text
//! log/00000001.log   log/00000002.log   …   segments, the last one open
//! ```

mod segment;

use std::collections::HashMap;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auscult_core::{LabelsRef, Timestamp};

use crate::error::StoreError;
use crate::folder::{set_aside, sync_folder};
pub(crate) use segment::{ReadTo, read as read_segment, read_block, read_on, read_series};
pub use segment::{Replayed, SegmentEnd};

/// A place in the log: everything before it has a smaller one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position(u64);

/// Bits of a position that count bytes of a segment.
const OFFSET_BITS: u32 = 36;

impl Position {
    /// From what [`Position::to_bits`] gave.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// As a number, in the same order.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    pub(crate) const fn new(segment: u32, offset: u64) -> Self {
        Self((segment as u64) << OFFSET_BITS | offset)
    }

    pub(crate) const fn segment(self) -> u32 {
        (self.0 >> OFFSET_BITS) as u32
    }

    /// Bytes of the segment before it.
    pub(crate) const fn offset(self) -> u64 {
        self.0 & ((1 << OFFSET_BITS) - 1)
    }
}

/// Settings of a [`Log`].
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// Bytes of samples after which a segment is closed; with many series more, so that
    /// labels make up less than half of it.
    pub segment_bytes: u64,
    /// Age at which a segment is closed.
    pub segment_age: Duration,
    /// Series at which a segment is closed: some 100 bytes of each are in memory until then.
    pub segment_series: usize,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            segment_bytes: 16 << 20,
            segment_age: Duration::from_secs(2 * 3600),
            segment_series: 2_000_000,
        }
    }
}

/// A series with samples to append.
#[derive(Debug, Clone)]
pub struct LoggedSeries<'a, I> {
    /// What it is called.
    pub labels: LabelsRef<'a>,
    /// What its source says that it is, as a number that the caller understands.
    pub kind: u8,
    /// Its samples; NaN and infinities are kept, bit for bit.
    pub samples: I,
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogSize {
    /// Segments, with the open one.
    pub segments: u64,
    /// Bytes in all of them.
    pub bytes: u64,
}

/// Samples in the order in which they came.
///
/// [`Log::append`] returns after the kernel has everything: what it took is there after
/// `kill -9`. After a loss of power, what was appended since the last [`Log::sync`] may be gone.
/// All methods may be called from any thread. Memory: about 48 bytes a series of the open segment.
#[derive(Debug)]
pub struct Log {
    folder: PathBuf,
    settings: LogSettings,
    hashers: [RandomState; 2],
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    open: Option<Open>,
    next: u32,
    /// Closed, but perhaps not on the disk yet.
    unsynced: Vec<Arc<File>>,
    closed: HashMap<u32, u64>,
    /// What is about to be written.
    buffer: Vec<u8>,
    block: Vec<u8>,
    /// Series that it names for the first time.
    fresh: Vec<u128>,
}

#[derive(Debug)]
struct Open {
    number: u32,
    file: Arc<File>,
    bytes: u64,
    /// Bytes of series, not of samples.
    series_bytes: u64,
    /// Series by a hash of 128 bits of their labels and kind.
    series: HashMap<u128, u32>,
    began: Timestamp,
    dirty: bool,
}

impl Log {
    /// Opens the log in `folder`. Nothing is appended to segments that are there: the first
    /// append begins a new one.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or listed.
    pub fn open(folder: impl Into<PathBuf>, settings: LogSettings) -> Result<Self, StoreError> {
        let folder = folder.into();
        let refuse = |source| StoreError::file(&folder, source);
        fs::create_dir_all(&folder).map_err(refuse)?;
        let mut inner = Inner { next: 1, ..Inner::default() };
        for entry in fs::read_dir(&folder).map_err(refuse)? {
            let entry = entry.map_err(refuse)?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            // Those set aside have numbers too, which must not be used again.
            if let Some(number) = name.get(..8).and_then(|number| number.parse().ok()) {
                inner.next = inner.next.max(number + 1);
                if name.len() == "00000001.log".len() && name.ends_with(".log") {
                    inner.closed.insert(number, entry.metadata().map_err(refuse)?.len());
                }
            }
        }
        let hashers = [RandomState::new(), RandomState::new()];
        Ok(Self { folder, settings, hashers, inner: Mutex::new(inner) })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends `series`, which came at `arrived`; returns where they are.
    ///
    /// # Errors
    ///
    /// When the file system refuses; nothing of it is then in the log.
    pub fn append<'a, I: IntoIterator<Item = (Timestamp, f64)>>(
        &self,
        arrived: Timestamp,
        series: impl IntoIterator<Item = LoggedSeries<'a, I>>,
    ) -> io::Result<Position> {
        let mut inner = self.lock();
        let inner = &mut *inner;
        if inner.open.is_none() {
            inner.open = Some(self.begin(inner.next, arrived)?);
            inner.next += 1;
        }
        let Some(open) = inner.open.as_mut() else { return Err(io::ErrorKind::Other.into()) };
        let position = Position::new(open.number, open.bytes);
        inner.buffer.clear();
        inner.fresh.clear();
        let mut series_bytes = 0;
        let mut block = segment::BlockWriter::begin(&mut inner.block, arrived);
        for one in series {
            let key = self.key(one.labels, one.kind);
            let next = open.series.len() as u32;
            let id = *open.series.entry(key).or_insert(next);
            if id == next {
                inner.fresh.push(key);
                let before = inner.buffer.len();
                segment::push_series(&mut inner.buffer, id, one.kind, one.labels);
                series_bytes += (inner.buffer.len() - before) as u64;
            }
            block.push(id, one.samples);
            if block.is_full() {
                block.finish(&mut inner.buffer);
                block = segment::BlockWriter::begin(&mut inner.block, arrived);
            }
        }
        block.finish(&mut inner.buffer);
        if let Err(error) = (&*open.file).write_all(&inner.buffer) {
            // What was written of it must not stand before what comes next.
            for key in &inner.fresh {
                open.series.remove(key);
            }
            if open.file.set_len(open.bytes).is_err() {
                inner.close();
            }
            return Err(error);
        }
        open.bytes += inner.buffer.len() as u64;
        open.series_bytes += series_bytes;
        open.dirty = true;
        let samples_bytes = open.bytes - open.series_bytes;
        let age = arrived.nanos().saturating_sub(open.began.nanos());
        if samples_bytes >= self.settings.segment_bytes.max(open.series_bytes)
            || u128::try_from(age).unwrap_or(0) >= self.settings.segment_age.as_nanos()
            || open.series.len() >= self.settings.segment_series
        {
            inner.close();
        }
        Ok(position)
    }

    fn begin(&self, number: u32, began: Timestamp) -> io::Result<Open> {
        let path = self.path(number);
        let file = File::options().append(true).create_new(true).open(&path);
        let file = match file {
            Ok(file) => file,
            // Left by an attempt that failed half way.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                File::options().write(true).truncate(true).open(&path)?;
                File::options().append(true).open(&path)?
            }
            Err(error) => return Err(error),
        };
        (&file).write_all(segment::MAGIC)?;
        sync_folder(&path)?;
        let bytes = segment::MAGIC.len() as u64;
        let series = HashMap::new();
        let file = Arc::new(file);
        Ok(Open { number, file, bytes, series_bytes: 0, series, began, dirty: true })
    }

    /// The probability that two of a million series share a key is below 1e-26.
    fn key(&self, labels: LabelsRef<'_>, kind: u8) -> u128 {
        let [one, other] = &self.hashers;
        let of = |hasher: &RandomState| u128::from(hasher.hash_one((labels.bytes(), kind)));
        of(one) << 64 | of(other)
    }

    /// Makes what was appended so far survive a loss of power.
    ///
    /// # Errors
    ///
    /// When the file system refuses.
    pub fn sync(&self) -> io::Result<()> {
        let files = {
            let mut inner = self.lock();
            let mut files = std::mem::take(&mut inner.unsynced);
            if let Some(open) = inner.open.as_mut().filter(|open| open.dirty) {
                open.dirty = false;
                files.push(Arc::clone(&open.file));
            }
            files
        };
        files.iter().try_for_each(|file| file.sync_data())
    }

    /// Where the next append will be, or behind it.
    #[must_use]
    pub fn position(&self) -> Position {
        let inner = self.lock();
        match &inner.open {
            Some(open) => Position::new(open.number, open.bytes),
            None => Position::new(inner.next, 0),
        }
    }

    /// Closes the open segment, so that it can become history.
    pub fn close_segment(&self) {
        self.lock().close();
    }

    /// How much there is.
    #[must_use]
    pub fn size(&self) -> LogSize {
        let inner = self.lock();
        let open = inner.open.as_ref().map(|open| open.bytes);
        LogSize {
            segments: inner.closed.len() as u64 + u64::from(open.is_some()),
            bytes: inner.closed.values().sum::<u64>() + open.unwrap_or(0),
        }
    }

    /// Reads everything at `from` and later, in the order in which it came.
    ///
    /// Returns, of the segments that do not end as they should, which and how. Reading goes on
    /// with the next segment behind such a place.
    ///
    /// # Errors
    ///
    /// When the file system refuses or a segment is of a newer release.
    pub fn replay(
        &self,
        from: Position,
        mut take: impl FnMut(Replayed<'_>),
    ) -> Result<Vec<(PathBuf, SegmentEnd)>, StoreError> {
        let mut odd = Vec::new();
        for number in self.numbers(|number| number >= from.segment()) {
            let path = self.path(number);
            let end = segment::read(&path, number, from, &mut take)?;
            if end != SegmentEnd::Whole {
                odd.push((path, end));
            }
        }
        Ok(odd)
    }

    /// Segments that will not grow, oldest first.
    pub(crate) fn closed(&self) -> Vec<u32> {
        let mut numbers: Vec<u32> = self.lock().closed.keys().copied().collect();
        numbers.sort_unstable();
        numbers
    }

    /// Segments for which `wanted` holds, with the open one, oldest first.
    pub(crate) fn numbers(&self, wanted: impl Fn(u32) -> bool) -> Vec<u32> {
        self.lengths(wanted).into_iter().map(|(number, _)| number).collect()
    }

    /// The same, each with its bytes as far as they were acknowledged.
    pub(crate) fn lengths(&self, wanted: impl Fn(u32) -> bool) -> Vec<(u32, u64)> {
        let inner = self.lock();
        let open = inner.open.as_ref().map(|open| (open.number, open.bytes));
        let closed = inner.closed.iter().map(|(number, bytes)| (*number, *bytes));
        let mut lengths: Vec<(u32, u64)> =
            closed.chain(open).filter(|(number, _)| wanted(*number)).collect();
        lengths.sort_unstable();
        lengths
    }

    pub(crate) fn path(&self, number: u32) -> PathBuf {
        self.folder.join(format!("{number:08}.log"))
    }

    /// Forgets a closed segment; one that is `damaged` is kept under another name, which is returned.
    pub(crate) fn remove(&self, number: u32, damaged: bool) -> io::Result<Option<PathBuf>> {
        let path = self.path(number);
        let aside = if damaged {
            Some(set_aside(&path)?)
        } else {
            fs::remove_file(&path)?;
            None
        };
        self.lock().closed.remove(&number);
        Ok(aside)
    }
}

impl Inner {
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        self.closed.insert(open.number, open.bytes);
        self.unsynced.push(open.file);
    }
}

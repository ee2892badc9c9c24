//! The history: samples sorted by series and time, in Parquet files with a manifest.

mod convert;
mod index;
mod manifest;
mod merge;
mod scan;
mod selection;
mod table;
mod tail;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use auscult_core::{Labels, LabelsRef, Timestamp};

use crate::error::StoreError;
use crate::folder::{replace, set_aside};
use crate::log::{Log, Position, Replayed, SegmentEnd, read_segment};
use index::{Index, IndexError, IndexRow, IndexWriter};
use manifest::{Entry, Manifest};
pub use scan::Found;
pub use selection::{LabelMatcher, Selection};
use tail::Tails;

/// Files of one level that are merged at a time.
const FAN_IN: usize = 8;
/// Samples beyond which files are not merged any more.
const MOST_MERGED: u64 = 64_000_000;
/// Bytes of segments that become one file, as far as there are several.
const CONVERTED: u64 = 16 << 20;

/// Settings of a [`History`].
#[derive(Debug, Clone, Default)]
pub struct HistorySettings {
    /// Samples older than this are dropped, a file at a time.
    pub keep_for: Option<Duration>,
    /// Most bytes of files and log; the oldest files are dropped first.
    pub most_bytes: Option<u64>,
}

/// How much there is, without the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HistorySize {
    /// Pairs of Parquet files.
    pub files: u64,
    /// Samples in them.
    pub samples: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// What [`History::maintain`] did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Maintained {
    /// Segments of the log that became files.
    pub converted: u64,
    /// Files that were merged into others.
    pub merged: u64,
    /// Files that were dropped because of age or size.
    pub dropped: u64,
    /// What was damaged and set aside, in words.
    pub set_aside: Vec<String>,
}

/// Samples by series and time.
///
/// What is in the log and not in a file yet is part of it: [`History::scan`] reads both.
/// One thread at a time calls [`History::maintain`]; scans may go on meanwhile.
#[derive(Debug)]
pub struct History {
    folder: PathBuf,
    settings: HistorySettings,
    manifest: RwLock<Manifest>,
    /// Held while an index is made, so that it is made once.
    indexing: Mutex<()>,
    tails: Tails,
}

impl History {
    /// Opens the history in `folder`; says what was damaged and set aside.
    ///
    /// # Errors
    ///
    /// [`StoreError::Newer`] for the manifest of a newer release, or when the file system refuses.
    pub fn open(
        folder: impl Into<PathBuf>,
        settings: HistorySettings,
    ) -> Result<(Self, Vec<String>), StoreError> {
        let folder = folder.into();
        let refuse = |source| StoreError::file(&folder, source);
        fs::create_dir_all(&folder).map_err(refuse)?;
        let path = folder.join(manifest::NAME);
        let mut notes = Vec::new();
        let manifest = match Manifest::read(&path) {
            Ok(manifest) => manifest.unwrap_or_default(),
            Err(error @ StoreError::Damaged { .. }) => {
                let aside = set_aside(&path).map_err(refuse)?;
                notes.push(format!(
                    "{error}; it is now {} and the list of files was made anew from what is there",
                    aside.display()
                ));
                let manifest = rebuilt(&folder, &mut notes)?;
                manifest.write(&path)?;
                manifest
            }
            Err(error) => return Err(error),
        };
        remove_orphans(&folder, &manifest)?;
        let (manifest, indexing) = (RwLock::new(manifest), Mutex::new(()));
        let tails = Tails::default();
        Ok((Self { folder, settings, manifest, indexing, tails }, notes))
    }

    fn manifest(&self) -> Manifest {
        self.manifest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How much there is.
    #[must_use]
    pub fn size(&self) -> HistorySize {
        let manifest = self.manifest();
        HistorySize {
            files: manifest.files.len() as u64,
            samples: manifest.files.iter().map(|entry| entry.samples).sum(),
            bytes: manifest.files.iter().map(|entry| entry.bytes).sum(),
        }
    }

    /// Turns closed segments of `log` into files, merges files, and drops what is too old or
    /// too much. Segments with anything at `keep_from` or later stay in the log.
    ///
    /// # Errors
    ///
    /// When the file system refuses; what was done before it is kept.
    pub fn maintain(
        &self,
        log: &Log,
        keep_from: Position,
        now: Timestamp,
    ) -> Result<Maintained, StoreError> {
        let mut done = Maintained::default();
        while self.convert(log, keep_from, &mut done)? {}
        self.drop_old(log, now, &mut done)?;
        while self.merge(now, &mut done)? {}
        Ok(done)
    }

    /// Turns some closed segments into a file; false if there is none.
    fn convert(
        &self,
        log: &Log,
        keep_from: Position,
        done: &mut Maintained,
    ) -> Result<bool, StoreError> {
        let mut manifest = self.manifest();
        let closed = log.closed();
        let mut bytes = 0;
        let new: Vec<u32> = closed
            .iter()
            .copied()
            .filter(|number| *number > manifest.converted)
            .take_while(|number| {
                let is_room = bytes < CONVERTED;
                bytes += fs::metadata(log.path(*number)).map_or(0, |metadata| metadata.len());
                is_room
            })
            .collect();
        if let Some(last) = new.last() {
            let (entry, odd) = convert::convert(log, &new, &self.folder, manifest.next)?;
            manifest.files.extend(entry);
            manifest.next += 1;
            manifest.converted = *last;
            self.publish(manifest.clone(), &[])?;
            done.converted += new.len() as u64;
            for (number, path, end) in odd {
                if let SegmentEnd::Damaged { at, bytes } = end {
                    let aside = log.remove(number, true);
                    let aside = aside.map_err(|source| StoreError::file(&path, source))?;
                    done.set_aside.extend(aside.map(|aside| {
                        format!(
                            "{} is damaged at byte {at}: what stood before is in the history, the last {bytes} bytes are not; it is now {}",
                            path.display(), aside.display()
                        )
                    }));
                }
            }
        }
        for number in closed {
            if number <= manifest.converted
                && number < keep_from.segment()
                && log.path(number).exists()
            {
                let removed = log.remove(number, false);
                removed.map_err(|source| StoreError::file(&log.path(number), source))?;
            }
        }
        Ok(!new.is_empty())
    }

    fn drop_old(&self, log: &Log, now: Timestamp, done: &mut Maintained) -> Result<(), StoreError> {
        let mut manifest = self.manifest();
        let cutoff = self.cutoff(now);
        let mut dropped: Vec<u32> = Vec::new();
        manifest.files.retain(|entry| {
            let is_old = entry.to < cutoff;
            dropped.extend(is_old.then_some(entry.number));
            !is_old
        });
        if let Some(most) = self.settings.most_bytes {
            let mut bytes: u64 =
                log.size().bytes + manifest.files.iter().map(|entry| entry.bytes).sum::<u64>();
            while bytes > most && !manifest.files.is_empty() {
                let oldest = manifest.files.iter().enumerate().min_by_key(|(_, entry)| entry.to);
                let oldest = oldest.map_or(0, |(place, _)| place);
                let entry = manifest.files.remove(oldest);
                bytes -= entry.bytes;
                dropped.push(entry.number);
            }
        }
        if !dropped.is_empty() {
            done.dropped += dropped.len() as u64;
            self.publish(manifest, &dropped)?;
        }
        Ok(())
    }

    fn cutoff(&self, now: Timestamp) -> i64 {
        let keep = self.settings.keep_for.map(|keep| i64::try_from(keep.as_nanos()));
        match keep {
            Some(Ok(keep)) => now.nanos().saturating_sub(keep),
            _ => i64::MIN,
        }
    }

    /// Merges some files into one; false if none need it.
    fn merge(&self, now: Timestamp, done: &mut Maintained) -> Result<bool, StoreError> {
        let mut manifest = self.manifest();
        let Some(place) = self.mergeable(&manifest.files) else { return Ok(false) };
        let inputs: Vec<Entry> = manifest.files[place..place + FAN_IN].to_vec();
        let numbers: Vec<u32> = inputs.iter().map(|entry| entry.number).collect();
        let number = manifest.next;
        manifest.next += 1;
        match merge::merge(&self.folder, &inputs, number, self.cutoff(now)) {
            Ok(merged) => {
                manifest.files.splice(place..place + FAN_IN, merged);
                done.merged += FAN_IN as u64;
                self.publish(manifest, &numbers)?;
            }
            Err(StoreError::Damaged { path, reason }) => {
                let bad = numbers
                    .iter()
                    .find(|number| table::paths(&self.folder, **number).contains(&path));
                let Some(bad) = bad else { return Err(StoreError::Damaged { path, reason }) };
                manifest.files.retain(|entry| entry.number != *bad);
                done.set_aside.push(self.set_pair_aside(*bad, &path, &reason)?);
                self.publish(manifest, &[])?;
            }
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    fn set_pair_aside(&self, bad: u32, path: &Path, reason: &str) -> Result<String, StoreError> {
        let pair = table::paths(&self.folder, bad);
        for one in pair.iter().filter(|one| one.exists()) {
            set_aside(one).map_err(|source| StoreError::file(one, source))?;
        }
        // It can be made again of the series.
        let index = table::index_path(&self.folder, bad);
        if index.exists() {
            fs::remove_file(&index).map_err(|source| StoreError::file(&index, source))?;
        }
        let name = pair[0].display();
        Ok(format!("{} is damaged: {reason}; {name} and its series were set aside", path.display()))
    }

    /// Where files begin that are to be merged: next to each other and of one level.
    fn mergeable(&self, files: &[Entry]) -> Option<usize> {
        let longest = self.settings.keep_for.map(|keep| keep.as_nanos() / FAN_IN as u128);
        let fits = |files: &[Entry]| {
            let from = files.iter().map(|entry| entry.from).min().unwrap_or(0);
            let to = files.iter().map(|entry| entry.to).max().unwrap_or(0);
            let span = u128::try_from(i128::from(to) - i128::from(from)).unwrap_or(0);
            files.iter().all(|entry| entry.level == files[0].level)
                && files.iter().map(|entry| entry.samples).sum::<u64>() <= MOST_MERGED
                && longest.is_none_or(|longest| span <= longest)
        };
        files.windows(FAN_IN).position(fits)
    }

    /// Makes `manifest` the truth, then removes files that it no longer names.
    fn publish(&self, manifest: Manifest, remove: &[u32]) -> Result<(), StoreError> {
        manifest.write(&self.folder.join(manifest::NAME))?;
        // Scans that go on hold the old list; they end before its files go.
        let mut current = self.manifest.write().unwrap_or_else(PoisonError::into_inner);
        *current = manifest;
        for path in remove.iter().flat_map(|number| table::present(&self.folder, *number)) {
            fs::remove_file(&path).map_err(|source| StoreError::file(&path, source))?;
        }
        Ok(())
    }

    /// The samples from `from` to `to`, both inclusive, of the series that are `wanted`, in the
    /// files and in `log`: by labels, then by time. Time: what the index of each file in question
    /// says, the rows that are wanted, and the part of the log that is not in files yet.
    ///
    /// # Errors
    ///
    /// [`StoreError::TooMany`] for more than `most` samples; when a file cannot be read.
    pub fn scan(
        &self,
        log: &Log,
        wanted: &Selection<'_>,
        from: Timestamp,
        to: Timestamp,
        most: usize,
    ) -> Result<Vec<Found>, StoreError> {
        // Held all the time, so that neither files nor segments go away meanwhile.
        let manifest = self.manifest.read().unwrap_or_else(PoisonError::into_inner);
        let mut gathering = scan::Gathering::new(wanted, from, to, most);
        for entry in between(&manifest, from, to) {
            let rows = self.rows(entry.number, wanted, from, to)?;
            gathering.file(&self.folder, entry.number, rows)?;
        }
        let window = (from, to);
        self.tails.samples(log, manifest.converted, wanted, window, |labels, kind, samples| {
            gathering.take(labels, kind, samples.iter().copied())
        })?;
        Ok(gathering.finish())
    }

    /// The samples from `from` to `to`, both inclusive, of the `series` with these labels, which are
    /// in order: as [`History::scan`].
    ///
    /// # Errors
    ///
    /// As [`History::scan`].
    pub fn scan_these(
        &self,
        log: &Log,
        series: &[Labels],
        from: Timestamp,
        to: Timestamp,
        most: usize,
    ) -> Result<Vec<Found>, StoreError> {
        self.scan(log, &Selection::these(series), from, to, most)
    }

    /// The series of file `number` that are wanted and may have samples in that time.
    fn rows(
        &self,
        number: u32,
        wanted: &Selection<'_>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<IndexRow>, StoreError> {
        self.look_up(number, |index| {
            let mut rows = Vec::new();
            index.series(wanted, (from.nanos(), to.nanos()), |row| rows.push(row))?;
            Ok(rows)
        })
    }

    /// Asks the index of file `number`; makes it first where it is missing or damaged.
    fn look_up<T>(
        &self,
        number: u32,
        ask: impl Fn(&Index) -> Result<T, IndexError>,
    ) -> Result<T, StoreError> {
        let path = table::index_path(&self.folder, number);
        let of = table::sizes(&self.folder, number)?;
        let told = match Index::open(&path, of).and_then(|index| ask(&index)) {
            Err(IndexError::Unusable) => {
                let _one = self.indexing.lock().unwrap_or_else(PoisonError::into_inner);
                // Somebody else may have made it while this one waited.
                match Index::open(&path, of).and_then(|index| ask(&index)) {
                    Err(IndexError::Unusable) => {
                        self.make_index(number, of, &path).and_then(|index| ask(&index))
                    }
                    told => told,
                }
            }
            told => told,
        };
        told.map_err(|error| match error {
            IndexError::Unusable => StoreError::damaged(&path, "it cannot be made again"),
            IndexError::Io(source) => StoreError::file(&path, source),
            IndexError::Series(error) => error,
        })
    }

    /// Makes the index of file `number` of its series table. Where it cannot be kept, such as on a
    /// full disk, it serves this once.
    fn make_index(&self, number: u32, of: [u64; 2], path: &Path) -> Result<Index, IndexError> {
        let mut rows = table::SeriesRows::open(&self.folder, number).map_err(IndexError::Series)?;
        let mut writer = IndexWriter::new(Vec::new())?;
        while let Some(row) = rows.next().map_err(IndexError::Series)? {
            writer.push(row.labels.as_ref(), row.kind, row.samples, (row.from, row.to))?;
        }
        let bytes = writer.finish(of)?;
        match replace(path, &bytes) {
            Ok(()) => Index::open(path, of),
            Err(_) => Index::in_memory(bytes, of),
        }
    }

    /// Names of the labels of the series that [`History::series`] gives, without reading those that
    /// are in files.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub fn label_names(
        &self,
        log: &Log,
        wanted: &Selection<'_>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<BTreeSet<String>, StoreError> {
        let asked = |index: &Index, names: &mut BTreeSet<String>| {
            index.names(wanted, (from.nanos(), to.nanos()), names)
        };
        let take = |labels: LabelsRef<'_>, names: &mut BTreeSet<String>| {
            for (name, _) in
                labels.iter().filter(|(name, _)| !names.contains(*name)).collect::<Vec<_>>()
            {
                names.insert(name.to_owned());
            }
        };
        self.words(log, wanted, (from, to), asked, take)
    }

    /// Values of label `name` of the series that [`History::series`] gives, without reading those
    /// that are in files.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub fn label_values(
        &self,
        log: &Log,
        name: &str,
        wanted: &Selection<'_>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<BTreeSet<String>, StoreError> {
        let asked = |index: &Index, values: &mut BTreeSet<String>| {
            index.values(name, wanted, (from.nanos(), to.nanos()), values)
        };
        let take = |labels: LabelsRef<'_>, values: &mut BTreeSet<String>| {
            if let Some(value) = labels.get(name).filter(|value| !values.contains(*value)) {
                values.insert(value.to_owned());
            }
        };
        self.words(log, wanted, (from, to), asked, take)
    }

    fn words(
        &self,
        log: &Log,
        wanted: &Selection<'_>,
        (from, to): (Timestamp, Timestamp),
        asked: impl Fn(&Index, &mut BTreeSet<String>) -> Result<(), IndexError>,
        take: impl Fn(LabelsRef<'_>, &mut BTreeSet<String>),
    ) -> Result<BTreeSet<String>, StoreError> {
        let manifest = self.manifest.read().unwrap_or_else(PoisonError::into_inner);
        let mut words = BTreeSet::new();
        for entry in between(&manifest, from, to) {
            words.extend(self.look_up(entry.number, |index| {
                let mut found = BTreeSet::new();
                asked(index, &mut found)?;
                Ok(found)
            })?);
        }
        self.tails.series(log, manifest.converted, wanted, (from, to), |labels, _| {
            take(labels, &mut words);
        })?;
        Ok(words)
    }

    /// The times of the first and the last sample, in the files and in `log`; `None` without any.
    /// Time: the part of the log that is not in files yet.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub fn span(&self, log: &Log) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
        let manifest = self.manifest.read().unwrap_or_else(PoisonError::into_inner);
        let (mut first, mut last) = (i64::MAX, i64::MIN);
        for entry in &manifest.files {
            (first, last) = (first.min(entry.from), last.max(entry.to));
        }
        for number in log.numbers(|number| number > manifest.converted) {
            let mut take = |replayed: Replayed<'_>| {
                let Replayed::Samples { samples, .. } = replayed else { return };
                for (time, _) in samples {
                    (first, last) = (first.min(time.nanos()), last.max(time.nanos()));
                }
            };
            read_segment(&log.path(number), number, Position::default(), &mut take)?;
        }
        let span = (Timestamp::from_nanos(first), Timestamp::from_nanos(last));
        Ok((first <= last).then_some(span))
    }

    /// The series that are `wanted`, by labels, each with what its source said that it is: those
    /// that may have samples from `from` to `to`, both inclusive, as far as their first and last
    /// sample in a file tell. Time: as [`History::scan`], but that no samples of files are read.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub fn series(
        &self,
        log: &Log,
        wanted: &Selection<'_>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(Labels, u8)>, StoreError> {
        let manifest = self.manifest.read().unwrap_or_else(PoisonError::into_inner);
        let mut found: BTreeMap<Labels, u8> = BTreeMap::new();
        for entry in between(&manifest, from, to) {
            let rows = self.rows(entry.number, wanted, from, to)?;
            found.extend(rows.into_iter().map(|row| (row.labels, row.kind)));
        }
        self.tails.series(log, manifest.converted, wanted, (from, to), |labels, kind| {
            found.insert(labels.to_owned(), kind);
        })?;
        Ok(found.into_iter().collect())
    }

    /// Hands on the labels of those series, without remembering any: one may come more than once.
    ///
    /// # Errors
    ///
    /// As [`History::series`].
    pub fn each_series(
        &self,
        log: &Log,
        wanted: &Selection<'_>,
        from: Timestamp,
        to: Timestamp,
        take: impl FnMut(LabelsRef<'_>),
    ) -> Result<(), StoreError> {
        let manifest = self.manifest.read().unwrap_or_else(PoisonError::into_inner);
        let window = (from.nanos(), to.nanos());
        let take = RefCell::new(take);
        for entry in between(&manifest, from, to) {
            self.look_up(entry.number, |index| {
                index.each(wanted, window, |labels, _, _, _| (take.borrow_mut())(labels))
            })?;
        }
        self.tails.series(log, manifest.converted, wanted, (from, to), |labels, _| {
            (take.borrow_mut())(labels);
        })
    }
}

/// The files that may have samples from `from` to `to`.
fn between(manifest: &Manifest, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &Entry> {
    let is_inside = move |entry: &&Entry| entry.to >= from.nanos() && entry.from <= to.nanos();
    manifest.files.iter().filter(is_inside)
}

/// A manifest of the files that are there and can be read.
fn rebuilt(folder: &Path, notes: &mut Vec<String>) -> Result<Manifest, StoreError> {
    let mut manifest = Manifest::default();
    for number in numbers(folder)? {
        manifest.next = manifest.next.max(number + 1);
        match entry_of(folder, number) {
            Ok(entry) => manifest.files.extend(entry),
            Err(error) => {
                for path in table::paths(folder, number).iter().filter(|path| path.exists()) {
                    set_aside(path).map_err(|source| StoreError::file(path, source))?;
                }
                notes.push(format!("{error}; it was set aside"));
            }
        }
    }
    manifest.files.sort_by_key(|entry| (entry.from, entry.number));
    Ok(manifest)
}

fn entry_of(folder: &Path, number: u32) -> Result<Option<Entry>, StoreError> {
    let mut rows = table::SeriesRows::open(folder, number)?;
    let mut entry =
        Entry { number, level: 0, samples: 0, series: 0, bytes: 0, from: i64::MAX, to: i64::MIN };
    while let Some(row) = rows.next()? {
        entry.series += 1;
        entry.samples += row.samples;
        entry.from = entry.from.min(row.from);
        entry.to = entry.to.max(row.to);
    }
    if entry.samples == 0 {
        return Ok(None);
    }
    for path in table::paths(folder, number) {
        let metadata = fs::metadata(&path).map_err(|source| StoreError::file(&path, source))?;
        entry.bytes += metadata.len();
    }
    let last = entry.samples - 1..entry.samples;
    table::SampleRows::open(folder, number, Some(&[last]))?.next()?;
    Ok(Some(entry))
}

/// Files that were begun and never named are of no use: what is in them is elsewhere too.
fn remove_orphans(folder: &Path, manifest: &Manifest) -> Result<(), StoreError> {
    for number in numbers(folder)? {
        if manifest.files.iter().all(|entry| entry.number != number) {
            for path in table::present(folder, number) {
                fs::remove_file(&path).map_err(|source| StoreError::file(&path, source))?;
            }
        }
    }
    Ok(())
}

/// The numbers of all files in `folder`.
fn numbers(folder: &Path) -> Result<Vec<u32>, StoreError> {
    let refuse = |source| StoreError::file(folder, source);
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder).map_err(refuse)? {
        let name = entry.map_err(refuse)?.file_name();
        let is_ours = |name: &&str| name.ends_with(".parquet") || name.ends_with(".index");
        let Some(name) = name.to_str().filter(is_ours) else { continue };
        numbers.extend(name.get(..8).and_then(|number| number.parse::<u32>().ok()));
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

//! From labels to series: which rows of a pair of files are wanted, without reading all of them.
//!
//! ```text
//! magic      8 bytes, `AUSCIDX` and the version
//! piece      of up to 65,536 series, as they stand in the series table:
//!   times    first and last sample of each
//!   rows     blocks of 128 series: labels, kind, samples, times
//!   values   blocks, for each label by value: the value, and the rows that have it, as runs
//!   header   how many, their times, where the blocks are, and with which value each begins
//! directory  what it is the index of, and where the headers are
//! trailer    where the directory is, and its checksum
//! ```
//!
//! Everything between magic and trailer is packed, with a checksum of its own. It is derived: what
//! is missing or damaged is made again of the series table. Nothing of it is held in memory.

mod chunk;
mod rows;
mod write;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;

use auscult_core::{Labels, LabelsRef};

use self::chunk::{Bytes, Place};
use self::rows::Rows;
pub(super) use self::write::IndexWriter;
use super::selection::{LabelMatcher, Selection};
use crate::crc32c::crc32c;
use crate::error::StoreError;
use crate::varint;

const MAGIC: &[u8; 8] = b"AUSCIDX\x01";
/// Bytes of the trailer.
const TRAILER: u64 = 20;
/// Series whose labels are packed together.
const ROWS_OF_BLOCK: usize = 128;

/// Why an index could not be read.
#[derive(Debug)]
pub(super) enum IndexError {
    /// It is damaged, missing, or of other files: it has to be made again.
    Unusable,
    /// The file system refuses.
    Io(io::Error),
    /// The series table that it would be made of cannot be read.
    Series(StoreError),
}

impl From<io::Error> for IndexError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => Self::Unusable,
            _ => Self::Io(error),
        }
    }
}

fn sound<T>(value: Option<T>) -> Result<T, IndexError> {
    value.ok_or(IndexError::Unusable)
}

/// A series of the index.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IndexRow {
    pub(super) labels: Labels,
    pub(super) kind: u8,
    /// Samples of the series before it.
    pub(super) first: u64,
    pub(super) samples: u64,
}

/// An index, open to be looked things up in.
#[derive(Debug)]
pub(super) struct Index {
    bytes: Bytes,
    /// Where the headers are.
    pieces: Vec<Place>,
}

/// A piece, as its header describes it.
#[derive(Debug, Default)]
struct Piece {
    rows: usize,
    base: i64,
    latest_from: i64,
    earliest_to: i64,
    latest_to: i64,
    times: Place,
    blocks: Vec<Place>,
    names: Vec<Name>,
}

#[derive(Debug)]
struct Name {
    name: String,
    /// The first value of each block of values, and where it is.
    blocks: Vec<(String, Place)>,
}

impl Index {
    /// Opens the index at `path`, which has to be of files of these sizes.
    pub(super) fn open(path: &Path, of: [u64; 2]) -> Result<Self, IndexError> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Self::read(Bytes::File(file, length), of)
    }

    /// The index in `bytes`, as [`IndexWriter`] wrote it.
    pub(super) fn in_memory(bytes: Vec<u8>, of: [u64; 2]) -> Result<Self, IndexError> {
        Self::read(Bytes::Memory(bytes), of)
    }

    fn read(bytes: Bytes, of: [u64; 2]) -> Result<Self, IndexError> {
        let magic = sound(bytes.read(Place { at: 0, bytes: MAGIC.len() as u64 })?)?;
        let at = sound(bytes.len().checked_sub(TRAILER))?;
        let trailer = sound(bytes.read(Place { at, bytes: TRAILER })?)?;
        let (place, sum) = trailer.split_at(16);
        if magic != MAGIC || crc32c(place).to_le_bytes() != *sum {
            return Err(IndexError::Unusable);
        }
        let word = |at: usize| u64::from_le_bytes(place[at..at + 8].try_into().expect("8 bytes"));
        let directory = sound(bytes.chunk(Place { at: word(0), bytes: word(8) })?)?;
        let pieces = sound(directory_of(&directory, of))?;
        Ok(Self { bytes, pieces })
    }

    fn piece(&self, place: Place) -> Result<Piece, IndexError> {
        let header = sound(self.bytes.chunk(place)?)?;
        sound(Piece::of(&header))
    }

    /// Hands on the series that are `wanted` and may have samples from `first` to `last`, in order.
    pub(super) fn series(
        &self,
        wanted: &Selection<'_>,
        window: (i64, i64),
        mut take: impl FnMut(IndexRow),
    ) -> Result<(), IndexError> {
        self.each(wanted, window, |labels, kind, first, samples| {
            take(IndexRow { labels: labels.to_owned(), kind, first, samples });
        })
    }

    /// Hands on labels, kind, first sample and number of samples of those series.
    pub(super) fn each(
        &self,
        wanted: &Selection<'_>,
        window: (i64, i64),
        mut take: impl FnMut(LabelsRef<'_>, u8, u64, u64),
    ) -> Result<(), IndexError> {
        for place in &self.pieces {
            let piece = self.piece(*place)?;
            let rows = self.rows(&piece, wanted, window)?;
            let mut rest = rows.iter().peekable();
            while let Some(row) = rest.peek().copied().filter(|_| !wanted.is_over()) {
                let number = row / ROWS_OF_BLOCK;
                let block = sound(self.bytes.chunk(*sound(piece.blocks.get(number))?)?)?;
                let mut block = Block::of(&block);
                let mut first = sound(varint::pull(&mut block.rest))?;
                let start = number * ROWS_OF_BLOCK;
                for at in start..(start + ROWS_OF_BLOCK).min(piece.rows) {
                    let (labels, kind, samples) = sound(block.row())?;
                    if rest.next_if_eq(&at).is_some() && wanted.is_one_of_these(labels) {
                        take(labels, kind, first, samples);
                    }
                    first += samples;
                }
            }
        }
        Ok(())
    }

    /// Adds the names of the labels that the wanted series have.
    pub(super) fn names(
        &self,
        wanted: &Selection<'_>,
        window: (i64, i64),
        names: &mut BTreeSet<String>,
    ) -> Result<(), IndexError> {
        for place in &self.pieces {
            let piece = self.piece(*place)?;
            let rows = self.rows(&piece, wanted, window)?;
            let is_all = rows == Rows::all(piece.rows);
            for name in piece.names.iter().filter(|name| piece.rows > 0 && !name.blocks.is_empty())
            {
                if names.contains(&name.name) {
                    continue;
                }
                if is_all || self.any_value(name, &piece, |_, has| meets(&rows, has))? {
                    names.insert(name.name.clone());
                }
            }
        }
        Ok(())
    }

    /// Adds the values of label `name` that the wanted series have.
    pub(super) fn values(
        &self,
        name: &str,
        wanted: &Selection<'_>,
        window: (i64, i64),
        values: &mut BTreeSet<String>,
    ) -> Result<(), IndexError> {
        for place in &self.pieces {
            let piece = self.piece(*place)?;
            let Some(name) = piece.name(name) else { continue };
            let rows = self.rows(&piece, wanted, window)?;
            if rows.is_empty() {
                continue;
            }
            let is_all = rows == Rows::all(piece.rows);
            self.any_value(name, &piece, |value, has| {
                if (is_all || meets(&rows, has)) && !values.contains(value) {
                    values.insert(value.to_owned());
                }
                false
            })?;
        }
        Ok(())
    }

    /// The rows of a piece that are wanted and whose times fit.
    fn rows(
        &self,
        piece: &Piece,
        wanted: &Selection<'_>,
        window: (i64, i64),
    ) -> Result<Rows, IndexError> {
        let (first, last) = window;
        if wanted.is_over() {
            return Ok(Rows::none(piece.rows));
        }
        if piece.latest_to < first || piece.base > last {
            return Ok(Rows::none(piece.rows));
        }
        let mut rows = Rows::none(piece.rows);
        for all in wanted.any() {
            rows.unite(&self.all_hold(piece, all)?);
        }
        let fits_all = piece.latest_from <= last && piece.earliest_to >= first;
        if !fits_all && !rows.is_empty() {
            let times = sound(self.bytes.chunk(piece.times)?)?;
            let mut rest = times.as_slice();
            let mut fitting = Rows::none(piece.rows);
            for row in 0..piece.rows {
                let (from, to) = sound(pull_times(&mut rest, piece.base))?;
                if to >= first && from <= last {
                    fitting.insert(row, row + 1);
                }
            }
            rows.intersect(&fitting);
        }
        Ok(rows)
    }

    fn all_hold(&self, piece: &Piece, all: &[LabelMatcher<'_>]) -> Result<Rows, IndexError> {
        let mut rows = Rows::all(piece.rows);
        for matcher in all {
            if rows.is_empty() {
                break;
            }
            rows.intersect(&self.holds(piece, matcher)?);
        }
        Ok(rows)
    }

    fn holds(&self, piece: &Piece, matcher: &LabelMatcher<'_>) -> Result<Rows, IndexError> {
        let matches_absent = matcher.matches("");
        let name = piece.name(matcher.name());
        let mut found = Rows::none(piece.rows);
        match (name, matcher.equals()) {
            (None, _) => {}
            (Some(name), Some(value)) if !value.is_empty() => {
                // The block that begins with it or before it is the only one that can have it.
                let block = name.blocks.partition_point(|(first, _)| first.as_str() <= value);
                if let Some((_, place)) = block.checked_sub(1).map(|block| &name.blocks[block]) {
                    let block = sound(self.bytes.chunk(*place)?)?;
                    sound(each_value(&block, piece.rows, |other, runs| {
                        if other == value {
                            runs.insert_into(&mut found);
                        }
                        other >= value
                    }))?;
                }
            }
            (Some(name), _) => {
                // Of rows without the label nothing stands here: what does not match is gathered.
                self.any_value(name, piece, |value, runs| {
                    if matcher.matches(value) != matches_absent {
                        runs.insert_into(&mut found);
                    }
                    false
                })?;
            }
        }
        if matches_absent {
            let mut rest = Rows::all(piece.rows);
            rest.subtract(&found);
            return Ok(rest);
        }
        Ok(found)
    }

    /// Whether `is_it` holds of any value of a label and its rows; values after that are not read.
    fn any_value(
        &self,
        name: &Name,
        piece: &Piece,
        mut is_it: impl FnMut(&str, Runs<'_>) -> bool,
    ) -> Result<bool, IndexError> {
        for (_, place) in &name.blocks {
            let block = sound(self.bytes.chunk(*place)?)?;
            if sound(each_value(&block, piece.rows, &mut is_it))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn directory_of(mut rest: &[u8], of: [u64; 2]) -> Option<Vec<Place>> {
    for bytes in of {
        if varint::pull(&mut rest)? != bytes {
            return None;
        }
    }
    let count = varint::pull(&mut rest)?;
    (0..count)
        .map(|_| {
            let place = Place::pull(&mut rest)?;
            varint::pull(&mut rest)?;
            Some(place)
        })
        .collect()
}

impl Piece {
    fn of(mut rest: &[u8]) -> Option<Self> {
        let rest = &mut rest;
        let rows = usize::try_from(varint::pull(rest)?).ok()?;
        let base = varint::pull_signed(rest)?;
        let latest_from = varint::pull_signed(rest)?;
        let earliest_to = varint::pull_signed(rest)?;
        let latest_to = varint::pull_signed(rest)?;
        let times = Place::pull(rest)?;
        let blocks: Option<Vec<Place>> =
            (0..rows.div_ceil(ROWS_OF_BLOCK)).map(|_| Place::pull(rest)).collect();
        let count = varint::pull(rest)?;
        let mut names = Vec::new();
        for _ in 0..count {
            let name = pull_text(rest)?.to_owned();
            let count = varint::pull(rest)?;
            let block = |_| Some((pull_text(rest)?.to_owned(), Place::pull(rest)?));
            let blocks: Option<Vec<(String, Place)>> = (0..count).map(block).collect();
            names.push(Name { name, blocks: blocks? });
        }
        let blocks = blocks?;
        Some(Self { rows, base, latest_from, earliest_to, latest_to, times, blocks, names })
    }

    fn name(&self, name: &str) -> Option<&Name> {
        let place = self.names.binary_search_by(|other| other.name.as_str().cmp(name)).ok()?;
        self.names.get(place)
    }
}

/// A block of rows, read one after the other.
struct Block<'a> {
    rest: &'a [u8],
}

impl<'a> Block<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Labels, kind, and how many samples.
    fn row(&mut self) -> Option<(LabelsRef<'a>, u8, u64)> {
        let length = usize::try_from(varint::pull(&mut self.rest)?).ok()?;
        let (labels, rest) = self.rest.split_at_checked(length)?;
        let (&kind, rest) = rest.split_first()?;
        self.rest = rest;
        let samples = varint::pull(&mut self.rest)?;
        pull_times(&mut self.rest, 0)?;
        // The checksum of the block held.
        Some((LabelsRef::decode_trusted(labels), kind, samples))
    }
}

/// The rows that have a value.
#[derive(Debug, Clone, Copy)]
struct Runs<'a> {
    count: u64,
    rest: &'a [u8],
}

impl Runs<'_> {
    fn iter(mut self) -> impl Iterator<Item = (usize, usize)> {
        let mut end = 0_u64;
        (0..self.count).map_while(move |_| {
            let start = end + varint::pull(&mut self.rest)?;
            end = start + varint::pull(&mut self.rest)? + 1;
            Some((usize::try_from(start).ok()?, usize::try_from(end).ok()?))
        })
    }

    fn insert_into(self, rows: &mut Rows) {
        self.iter().for_each(|(start, end)| rows.insert(start, end));
    }
}

fn meets(rows: &Rows, runs: Runs<'_>) -> bool {
    runs.iter().any(|(start, end)| rows.meets(start, end))
}

/// Hands on the values of a block with their rows until `is_it` holds; `None` if it is damaged.
fn each_value(
    block: &[u8],
    rows: usize,
    mut is_it: impl FnMut(&str, Runs<'_>) -> bool,
) -> Option<bool> {
    let mut rest = block;
    while !rest.is_empty() {
        let value = pull_text(&mut rest)?;
        let count = varint::pull(&mut rest).filter(|count| *count <= rows as u64)?;
        let runs = Runs { count, rest };
        for _ in 0..2 * count {
            varint::pull(&mut rest)?;
        }
        if is_it(value, runs) {
            return Some(true);
        }
    }
    Some(false)
}

fn pull_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::try_from(varint::pull(rest)?).ok()?;
    let (text, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    std::str::from_utf8(text).ok()
}

fn pull_times(rest: &mut &[u8], base: i64) -> Option<(i64, i64)> {
    let from = base.wrapping_add(varint::pull(rest)?.cast_signed());
    let to = from.wrapping_add(varint::pull(rest)?.cast_signed());
    Some((from, to))
}

#[cfg(test)]
mod tests;

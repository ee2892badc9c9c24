//! One segment of the log.
//!
//! ```text
//! magic    8 bytes, `AUSCLOG` and the version
//! series   body 1: number (varint), kind (1 byte), labels as they are in memory
//! block    body 2: arrived (i64 nanoseconds), then for each series its number, how many
//!          samples, and for each sample the nanoseconds since the one before in the block
//!          (varint, signed; the first since `arrived`) and the bits of the value (8 bytes)
//! ```
//!
//! A series stands before the first block that names it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use auscult_core::{LabelsRef, Timestamp};

use super::Position;
use crate::error::StoreError;
use crate::record::{self, Next, Records};
use crate::varint;

const VERSION: u8 = 1;
pub(super) const MAGIC: &[u8; 8] = b"AUSCLOG\x01";
const SERIES: u8 = 1;
const BLOCK: u8 = 2;
/// Bytes after which a block ends.
const FULL: usize = 4 << 20;

/// What reading the log gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Replayed<'a> {
    /// A segment begins: numbers of series begin anew.
    Segment,
    /// A series gets a number.
    Series {
        /// Where this is said.
        position: Position,
        /// The number: 0, 1, …
        series: u32,
        /// As it was appended.
        kind: u8,
        /// What it is called.
        labels: LabelsRef<'a>,
    },
    /// Samples of a series.
    Samples {
        /// The number of the series.
        series: u32,
        /// Times and values, as they came.
        samples: &'a [(Timestamp, f64)],
    },
    /// All samples since the last such mark came together.
    Together {
        /// Where they begin.
        position: Position,
        /// When they came.
        arrived: Timestamp,
    },
}

/// How a segment ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentEnd {
    /// Behind a record.
    Whole,
    /// Within a record that was never acknowledged.
    Torn {
        /// Bytes of it.
        bytes: u64,
    },
    /// With something damaged; what stands behind it is not read.
    Damaged {
        /// Where.
        at: u64,
        /// Bytes that are not read.
        bytes: u64,
    },
}

/// Writes the record that gives a series its number.
pub(super) fn push_series(out: &mut Vec<u8>, series: u32, kind: u8, labels: LabelsRef<'_>) {
    record::push(out, |out| {
        out.push(SERIES);
        varint::push(out, u64::from(series));
        out.push(kind);
        out.extend_from_slice(labels.bytes());
    });
}

/// Gathers samples that came together.
#[derive(Debug)]
pub(super) struct BlockWriter<'a> {
    out: &'a mut Vec<u8>,
    before: i64,
    samples: bool,
}

impl<'a> BlockWriter<'a> {
    pub(super) fn begin(out: &'a mut Vec<u8>, arrived: Timestamp) -> Self {
        out.clear();
        out.push(BLOCK);
        out.extend_from_slice(&arrived.nanos().to_le_bytes());
        Self { out, before: arrived.nanos(), samples: false }
    }

    pub(super) fn push(
        &mut self,
        series: u32,
        samples: impl IntoIterator<Item = (Timestamp, f64)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        // Runs of one byte of length, so that the number need not be known before.
        while samples.peek().is_some() {
            varint::push(self.out, u64::from(series));
            let place = self.out.len();
            self.out.push(0);
            let mut count = 0;
            for (time, value) in samples.by_ref().take(127) {
                varint::push_signed(self.out, time.nanos().wrapping_sub(self.before));
                self.out.extend_from_slice(&value.to_bits().to_le_bytes());
                self.before = time.nanos();
                count += 1;
            }
            self.out[place] = count;
            self.samples = true;
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.out.len() >= FULL
    }

    pub(super) fn finish(self, file: &mut Vec<u8>) {
        if self.samples {
            record::push(file, |out| out.extend_from_slice(self.out));
        }
    }
}

/// Reads a segment; blocks before `from` are left out.
pub(crate) fn read(
    path: &Path,
    number: u32,
    from: Position,
    take: &mut impl FnMut(Replayed<'_>),
) -> Result<SegmentEnd, StoreError> {
    let refuse = |source| StoreError::file(path, source);
    let mut file = File::open(path).map_err(refuse)?;
    let size = file.metadata().map_err(refuse)?.len();
    if let Some(end) = check_magic(&mut file, path, size)? {
        return Ok(end);
    }
    take(Replayed::Segment);
    let begin = ReadTo { at: MAGIC.len() as u64, known: 0 };
    let (_, end) = read_records(file, size, path, number, (begin, from), take)?;
    Ok(end)
}

/// How far a segment was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ReadTo {
    /// Where the next record begins; 0 before the magic was read.
    pub(crate) at: u64,
    /// Series that have numbers.
    known: u32,
}

/// Goes on reading where an earlier call ended, up to byte `size`, which has to be the end of a record.
///
/// # Errors
///
/// As [`read`].
pub(crate) fn read_on(
    path: &Path,
    number: u32,
    start: ReadTo,
    size: u64,
    take: &mut impl FnMut(Replayed<'_>),
) -> Result<(ReadTo, SegmentEnd), StoreError> {
    let refuse = |source| StoreError::file(path, source);
    let mut file = File::open(path).map_err(refuse)?;
    let mut start = start;
    if start.at == 0 {
        match check_magic(&mut file, path, size)? {
            None => start.at = MAGIC.len() as u64,
            Some(end) => return Ok((start, end)),
        }
    }
    file.seek(SeekFrom::Start(start.at)).map_err(refuse)?;
    let file = file.take(size.saturating_sub(start.at));
    read_records(file, size, path, number, (start, Position::default()), take)
}

/// Hands on the one record at `at`, a block, with numbers of series below `known`; false if it is none.
pub(crate) fn read_block(
    file: &File,
    at: Position,
    known: u32,
    samples: &mut Vec<(Timestamp, f64)>,
    take: &mut impl FnMut(Replayed<'_>),
) -> io::Result<bool> {
    let body = record::read_at(file, at.offset())?;
    Ok(match body.as_deref().and_then(<[u8]>::split_first) {
        Some((&BLOCK, body)) => block(body, at, known, samples, take),
        _ => false,
    })
}

/// Hands on `count` series, which stand one behind the other from `at` on; false if they do not.
pub(crate) fn read_series(
    mut file: &File,
    at: Position,
    mut known: u32,
    count: u32,
    take: &mut impl FnMut(Replayed<'_>),
) -> io::Result<bool> {
    file.seek(SeekFrom::Start(at.offset()))?;
    let mut records = Records::new(file, at.offset());
    for _ in 0..count {
        if records.advance()? != Next::Sound {
            return Ok(false);
        }
        let is_sound = match records.body().split_first() {
            Some((&SERIES, body)) => series(body, at, &mut known, take),
            _ => false,
        };
        if !is_sound {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads the magic; how the segment ends if it ends there.
fn check_magic(file: &mut File, path: &Path, size: u64) -> Result<Option<SegmentEnd>, StoreError> {
    let mut magic = [0; 8];
    if file.read_exact(&mut magic).is_err() {
        return Ok(Some(SegmentEnd::Torn { bytes: size }));
    }
    if magic[..7] != MAGIC[..7] {
        return Ok(Some(SegmentEnd::Damaged { at: 0, bytes: size }));
    }
    if magic[7] > VERSION {
        let found = u32::from(magic[7]);
        return Err(StoreError::Newer { path: path.to_owned(), found, known: VERSION.into() });
    }
    Ok(None)
}

/// Reads the records of `file`, which stands where `start` says; blocks before `from` are left out.
fn read_records(
    file: impl Read,
    size: u64,
    path: &Path,
    number: u32,
    (start, from): (ReadTo, Position),
    take: &mut impl FnMut(Replayed<'_>),
) -> Result<(ReadTo, SegmentEnd), StoreError> {
    let mut records = Records::new(file, start.at);
    let mut read = start;
    let mut samples = Vec::new();
    loop {
        let at = records.at();
        read.at = at;
        let rest = size.saturating_sub(at);
        match records.advance().map_err(|source| StoreError::file(path, source))? {
            Next::End => return Ok((read, SegmentEnd::Whole)),
            Next::Torn => return Ok((read, SegmentEnd::Torn { bytes: rest })),
            Next::Damaged => return Ok((read, SegmentEnd::Damaged { at, bytes: rest })),
            Next::Sound => {}
        }
        let body = records.body();
        let position = Position::new(number, at);
        let is_sound = match body.split_first() {
            Some((&SERIES, body)) => series(body, position, &mut read.known, take),
            Some((&BLOCK, body)) => {
                position < from || block(body, position, read.known, &mut samples, take)
            }
            // Kinds of a later release that need no newer version may be passed over.
            _ => true,
        };
        if !is_sound {
            return Ok((read, SegmentEnd::Damaged { at, bytes: rest }));
        }
    }
}

fn series(
    mut body: &[u8],
    position: Position,
    known: &mut u32,
    take: &mut impl FnMut(Replayed<'_>),
) -> bool {
    let number = varint::pull(&mut body);
    let Some((&kind, labels)) = body.split_first() else { return false };
    let Some(labels) = LabelsRef::decode(labels) else { return false };
    if number != Some(u64::from(*known)) {
        return false;
    }
    take(Replayed::Series { position, series: *known, kind, labels });
    *known += 1;
    true
}

fn block(
    body: &[u8],
    position: Position,
    known: u32,
    samples: &mut Vec<(Timestamp, f64)>,
    take: &mut impl FnMut(Replayed<'_>),
) -> bool {
    let Some((arrived, mut rest)) = body.split_first_chunk::<8>() else { return false };
    let arrived = i64::from_le_bytes(*arrived);
    let mut before = arrived;
    while !rest.is_empty() {
        let Some(series) = varint::pull(&mut rest).filter(|series| *series < u64::from(known))
        else {
            return false;
        };
        let Some((&count, behind)) = rest.split_first() else { return false };
        rest = behind;
        samples.clear();
        for _ in 0..count {
            let Some(delta) = varint::pull_signed(&mut rest) else { return false };
            let Some((bits, behind)) = rest.split_first_chunk::<8>() else { return false };
            rest = behind;
            before = before.wrapping_add(delta);
            let value = f64::from_bits(u64::from_le_bytes(*bits));
            samples.push((Timestamp::from_nanos(before), value));
        }
        take(Replayed::Samples { series: series as u32, samples });
    }
    take(Replayed::Together { position, arrived: Timestamp::from_nanos(arrived) });
    true
}

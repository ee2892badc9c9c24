//! Writing an index, piece by piece, in memory that does not depend on how many series there are.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::ops::Range;

use auscult_core::LabelsRef;

use super::chunk::{Place, pack};
use super::{MAGIC, ROWS_OF_BLOCK, TRAILER};
use crate::crc32c::crc32c;
use crate::varint;

/// Series of a piece.
const ROWS_OF_PIECE: usize = 1 << 16;
/// Bytes of labels after which a piece ends.
const BYTES_OF_PIECE: usize = 16 << 20;
/// Bytes of values and their rows that are packed together.
const BYTES_OF_VALUES: usize = 16 << 10;

/// Writes an index, series by series.
pub(crate) struct IndexWriter<W> {
    out: W,
    /// Bytes written.
    at: u64,
    piece: Piece,
    /// Pieces written, each with how many series it has.
    pieces: Vec<(Place, u64)>,
    /// Samples of the series before this piece.
    samples: u64,
    buffer: Vec<u8>,
    rows_of_piece: usize,
}

#[derive(Default)]
struct Piece {
    labels: Vec<u8>,
    rows: Vec<Row>,
}

struct Row {
    labels: Range<usize>,
    kind: u8,
    samples: u64,
    from: i64,
    to: i64,
}

impl<W: Write> IndexWriter<W> {
    pub(crate) fn new(out: W) -> io::Result<Self> {
        Self::in_pieces_of(ROWS_OF_PIECE, out)
    }

    /// With another size of pieces than usual.
    pub(super) fn in_pieces_of(rows_of_piece: usize, mut out: W) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        let at = MAGIC.len() as u64;
        let (pieces, buffer) = (Vec::new(), Vec::new());
        let piece = Piece::default();
        Ok(Self { out, at, piece, pieces, samples: 0, buffer, rows_of_piece })
    }

    /// Adds the next series, which has `samples` samples from `from` to `to`.
    pub(crate) fn push(
        &mut self,
        labels: LabelsRef<'_>,
        kind: u8,
        samples: u64,
        (from, to): (i64, i64),
    ) -> io::Result<()> {
        let start = self.piece.labels.len();
        self.piece.labels.extend_from_slice(labels.bytes());
        let labels = start..self.piece.labels.len();
        self.piece.rows.push(Row { labels, kind, samples, from, to });
        let is_full = self.piece.rows.len() == self.rows_of_piece;
        if is_full || self.piece.labels.len() >= BYTES_OF_PIECE {
            self.end_piece()?;
        }
        Ok(())
    }

    /// Ends it; `of` is what it is the index of: the bytes of both files.
    pub(crate) fn finish(mut self, of: [u64; 2]) -> io::Result<W> {
        if !self.piece.rows.is_empty() {
            self.end_piece()?;
        }
        let mut directory = Vec::new();
        of.iter().for_each(|bytes| varint::push(&mut directory, *bytes));
        varint::push(&mut directory, self.pieces.len() as u64);
        for (place, rows) in &self.pieces {
            place.push(&mut directory);
            varint::push(&mut directory, *rows);
        }
        let place = self.chunk(&directory)?;
        let mut trailer = Vec::with_capacity(TRAILER as usize);
        trailer.extend_from_slice(&place.at.to_le_bytes());
        trailer.extend_from_slice(&place.bytes.to_le_bytes());
        trailer.extend_from_slice(&crc32c(&trailer).to_le_bytes());
        self.out.write_all(&trailer)?;
        Ok(self.out)
    }

    fn chunk(&mut self, bytes: &[u8]) -> io::Result<Place> {
        self.buffer.clear();
        pack(bytes, &mut self.buffer)?;
        self.out.write_all(&self.buffer)?;
        let place = Place { at: self.at, bytes: self.buffer.len() as u64 };
        self.at += place.bytes;
        Ok(place)
    }

    fn end_piece(&mut self) -> io::Result<()> {
        let piece = std::mem::take(&mut self.piece);
        let rows = &piece.rows;
        let base = rows.iter().map(|row| row.from).min().unwrap_or(0);
        let bounds = [
            rows.iter().map(|row| row.from).max(),
            rows.iter().map(|row| row.to).min(),
            rows.iter().map(|row| row.to).max(),
        ];
        let mut header = Vec::new();
        varint::push(&mut header, rows.len() as u64);
        varint::push_signed(&mut header, base);
        for bound in bounds {
            varint::push_signed(&mut header, bound.unwrap_or(0));
        }
        let mut times = Vec::new();
        for row in rows {
            push_times(&mut times, row, base);
        }
        self.chunk(&times)?.push(&mut header);
        let mut block = Vec::new();
        for some in rows.chunks(ROWS_OF_BLOCK) {
            block.clear();
            varint::push(&mut block, self.samples);
            for row in some {
                push_text(&mut block, &piece.labels[row.labels.clone()]);
                block.push(row.kind);
                varint::push(&mut block, row.samples);
                push_times(&mut block, row, base);
                self.samples += row.samples;
            }
            self.chunk(&block)?.push(&mut header);
        }
        self.names(&piece, &mut header)?;
        let place = self.chunk(&header)?;
        self.pieces.push((place, rows.len() as u64));
        // The room is used again.
        self.piece = piece;
        self.piece.labels.clear();
        self.piece.rows.clear();
        Ok(())
    }

    /// The names of labels, and for each the blocks of its values with their rows.
    fn names(&mut self, piece: &Piece, header: &mut Vec<u8>) -> io::Result<()> {
        let mut names: BTreeMap<&str, Values<'_>> = BTreeMap::new();
        for (place, row) in piece.rows.iter().enumerate() {
            let labels = LabelsRef::decode_trusted(&piece.labels[row.labels.clone()]);
            for (name, value) in labels.iter() {
                names.entry(name).or_default().push(value, place as u32);
            }
        }
        varint::push(header, names.len() as u64);
        for (name, values) in names {
            push_text(header, name.as_bytes());
            let mut sorted: Vec<(&str, u32)> = values.places.into_iter().collect();
            sorted.sort_unstable();
            let mut blocks = Vec::new();
            let mut block = Vec::new();
            let mut first = "";
            for (value, place) in sorted {
                if block.is_empty() {
                    first = value;
                }
                push_text(&mut block, value.as_bytes());
                push_runs(&mut block, &values.runs[place as usize]);
                if block.len() >= BYTES_OF_VALUES {
                    blocks.push((first, self.chunk(&block)?));
                    block.clear();
                }
            }
            if !block.is_empty() {
                blocks.push((first, self.chunk(&block)?));
            }
            varint::push(header, blocks.len() as u64);
            for (first, place) in blocks {
                push_text(header, first.as_bytes());
                place.push(header);
            }
        }
        Ok(())
    }
}

/// The values of one label, each with the rows that have it.
#[derive(Default)]
struct Values<'a> {
    places: HashMap<&'a str, u32>,
    runs: Vec<Vec<Range<u32>>>,
    /// The value that came last: neighbours often share it.
    last: Option<(&'a str, u32)>,
}

impl<'a> Values<'a> {
    fn push(&mut self, value: &'a str, row: u32) {
        let place = match self.last {
            Some((last, place)) if last == value => place,
            _ => {
                let next = self.runs.len() as u32;
                *self.places.entry(value).or_insert(next)
            }
        };
        self.last = Some((value, place));
        if place as usize == self.runs.len() {
            self.runs.push(Vec::new());
        }
        let runs = &mut self.runs[place as usize];
        match runs.last_mut() {
            Some(run) if run.end == row => run.end = row + 1,
            _ => runs.push(row..row + 1),
        }
    }
}

fn push_text(out: &mut Vec<u8>, text: &[u8]) {
    varint::push(out, text.len() as u64);
    out.extend_from_slice(text);
}

fn push_times(out: &mut Vec<u8>, row: &Row, base: i64) {
    varint::push(out, row.from.wrapping_sub(base).cast_unsigned());
    varint::push(out, row.to.wrapping_sub(row.from).cast_unsigned());
}

/// Ascending runs, each as the rows that it leaves out and one less than those that it has.
fn push_runs(out: &mut Vec<u8>, runs: &[Range<u32>]) {
    varint::push(out, runs.len() as u64);
    let mut end = 0;
    for run in runs {
        varint::push(out, u64::from(run.start - end));
        varint::push(out, u64::from(run.end - run.start - 1));
        end = run.end;
    }
}

impl<W> std::fmt::Debug for IndexWriter<W> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("IndexWriter").field("at", &self.at).finish_non_exhaustive()
    }
}

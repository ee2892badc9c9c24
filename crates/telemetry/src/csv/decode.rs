//! Blocks of records to columns.

use super::probe::ragged;
use super::records::Records;
use crate::blocks::Block;
use crate::column::{Builder, number, time};
use crate::number::short_decimal;
use crate::plan::{Batches, Decode, Decoded, Misfit, Plan};

/// Reads the wanted columns of blocks of CSV.
#[derive(Debug)]
pub(crate) struct Decoder {
    delimiter: u8,
    /// Fields in every record.
    width: usize,
    /// For each wanted field of a record, the column it goes to.
    targets: Vec<Target>,
}

#[derive(Debug, Clone, Copy)]
struct Target {
    field: usize,
    column: usize,
}

/// Where the fields of some plain lines end.
#[derive(Debug, Default)]
struct Index {
    /// End of each field, after a first entry for what comes before.
    ends: Vec<u32>,
    /// For each line, the entry of its last field.
    lines: Vec<u32>,
}

/// Fields indexed before they are read: the index of a chunk stays in the
/// fastest cache.
const CHUNK_FIELDS: usize = 4096;

impl Decoder {
    /// `columns` says for each field of a record which column it goes to.
    pub(crate) fn new(delimiter: u8, columns: &[Option<usize>]) -> Self {
        let targets = columns
            .iter()
            .enumerate()
            .filter_map(|(field, &column)| column.map(|column| Target { field, column }));
        Self { delimiter, width: columns.len(), targets: targets.collect() }
    }

    /// Lines without quotes: an index of the fields first, then column by column.
    fn decode_plain(&self, bytes: &[u8], batches: &mut Batches<'_>) -> Result<(), Misfit> {
        let mut index = Index::default();
        let mut at = 0;
        while at < bytes.len() {
            let end = index.fill(bytes, at, self.delimiter, CHUNK_FIELDS.max(2 * self.width));
            self.check_width(bytes, at, &mut index)?;
            self.read_lines(bytes, &index, batches)?;
            at = end;
        }
        Ok(())
    }

    /// Drops blank lines from the index and refuses ragged ones.
    fn check_width(&self, bytes: &[u8], at: usize, index: &mut Index) -> Result<(), Misfit> {
        let width = self.width as u32;
        let mut before = 0;
        let even = index.lines.iter().all(|&last| {
            let fields = last - before;
            before = last;
            fields == width
        });
        // A blank line has one field, which a single column cannot tell from a cell.
        if even && self.width > 1 {
            return Ok(());
        }
        let mut before = 0;
        let mut misfit = None;
        let ends = &index.ends;
        index.lines.retain(|&last| {
            let start = if before == 0 { at } else { ends[before as usize] as usize + 1 };
            let fields = last - before;
            before = last;
            let blank = matches!(bytes[start..ends[last as usize] as usize], [] | [b'\r']);
            if !blank && fields != width && misfit.is_none() {
                misfit = Some((start, fields as usize));
            }
            !blank
        });
        match misfit {
            None => Ok(()),
            Some((offset, got)) => {
                let fault = ragged(self.width, got, self.delimiter);
                Err(Misfit { offset, column: None, fault })
            }
        }
    }

    fn read_lines(
        &self,
        bytes: &[u8],
        index: &Index,
        batches: &mut Batches<'_>,
    ) -> Result<(), Misfit> {
        let mut lines = index.lines.as_slice();
        while !lines.is_empty() {
            let (now, later) = lines.split_at(lines.len().min(batches.room()));
            for target in &self.targets {
                // The last field of a line is `width - 1` entries behind its first.
                let back = (self.width - 1 - target.field) as u32;
                let cells = now.iter().map(|&last| {
                    let end = (last - back) as usize;
                    index.ends[end - 1].wrapping_add(1) as usize..index.ends[end] as usize
                });
                read_column(bytes, cells, batches.column(target.column)).map_err(
                    |(offset, fault)| Misfit { offset, column: Some(target.column), fault },
                )?;
            }
            batches.end_rows(now.len());
            lines = later;
        }
        Ok(())
    }

    /// Records with quotes, one by one.
    fn decode_quoted(&self, bytes: &[u8], batches: &mut Batches<'_>) -> Result<(), Misfit> {
        let mut records = Records::new(bytes, self.delimiter);
        let mut fields = Vec::with_capacity(self.width);
        let mut scratch = Vec::new();
        loop {
            let more = records.next(&mut fields);
            let offset = records.offset();
            let fail = |column, fault| Misfit { offset, column, fault };
            if !more.map_err(|fault| fail(None, fault))? {
                return Ok(());
            }
            let offset = fields.first().map_or(0, |field| field.start);
            if fields.len() != self.width {
                let fault = ragged(self.width, fields.len(), self.delimiter);
                return Err(Misfit { offset, column: None, fault });
            }
            for target in &self.targets {
                let field = &fields[target.field];
                let text = field.text(bytes, &mut scratch);
                let builder = batches.column(target.column);
                let pushed = match field.quoted {
                    true => builder.push_quoted(text),
                    false => builder.push(text),
                };
                pushed.map_err(|fault| Misfit {
                    offset: field.start,
                    column: Some(target.column),
                    fault,
                })?;
            }
            batches.end_rows(1);
        }
    }
}

impl Decode for Decoder {
    fn decode(&self, block: &Block, lines: usize, plan: &Plan) -> Result<Decoded, Misfit> {
        let wanted: Vec<usize> = self.targets.iter().map(|target| target.column).collect();
        let mut batches = Batches::new(plan, &wanted, lines);
        if block.quoted {
            self.decode_quoted(&block.bytes, &mut batches)?;
        } else {
            self.decode_plain(&block.bytes, &mut batches)?;
        }
        Ok(Decoded { tables: batches.finish(), late: Vec::new() })
    }
}

/// Reads the cells at `cells` of `bytes` into `builder`.
fn read_column(
    bytes: &[u8],
    cells: impl Iterator<Item = std::ops::Range<usize>>,
    builder: &mut Builder,
) -> Result<(), (usize, crate::Fault)> {
    // Apart from one another, so that a loop holds nothing else.
    match builder {
        Builder::Numbers(numbers) => {
            for cell in cells {
                let start = cell.start;
                numbers.push(match short_decimal(bytes, cell.start, cell.end) {
                    Some(number) => number,
                    None => number(&bytes[cell]).map_err(|fault| (start, fault))?,
                });
            }
        }
        Builder::Times { cells: times, parser, epoch } => {
            for cell in cells {
                let start = cell.start;
                let time = time(&bytes[cell], parser, *epoch);
                times.push(time.map_err(|fault| (start, fault))?);
            }
        }
        Builder::Words(_) => {
            for cell in cells {
                let start = cell.start;
                builder.push(&bytes[cell]).map_err(|fault| (start, fault))?;
            }
        }
    }
    Ok(())
}

impl Index {
    /// Indexes whole lines from `at` on, about `most` fields; returns where
    /// they end.
    fn fill(&mut self, bytes: &[u8], at: usize, delimiter: u8, most: usize) -> usize {
        self.ends.clear();
        self.lines.clear();
        // So that the first field starts at `at`.
        self.ends.push((at as u32).wrapping_sub(1));
        let mut at = at;
        let (chunks, tail) = bytes[at..].as_chunks::<CHUNK>();
        for chunk in chunks {
            let mut hits = hits(chunk, delimiter);
            while hits != 0 {
                self.push(bytes, at + hits.trailing_zeros() as usize);
                hits &= hits - 1;
            }
            at += CHUNK;
            if self.ends.len() > most && !self.lines.is_empty() {
                return self.whole_lines();
            }
        }
        for (offset, &byte) in tail.iter().enumerate() {
            if byte == delimiter || byte == b'\n' {
                self.push(bytes, at + offset);
            }
        }
        self.whole_lines()
    }

    #[inline]
    fn push(&mut self, bytes: &[u8], end: usize) {
        if bytes[end] == b'\n' {
            self.lines.push(self.ends.len() as u32);
        }
        self.ends.push(end as u32);
    }

    /// Where the last whole line ends; the fields after it are left for later.
    fn whole_lines(&self) -> usize {
        // A block ends with a line feed, so there is one line at least.
        self.lines.last().map_or(0, |&last| self.ends[last as usize] as usize + 1)
    }
}

/// Bytes looked at together: as many as a word has bits.
const CHUNK: usize = 64;

/// A bit for every byte of `chunk` that is the delimiter or a line feed.
#[inline]
fn hits(chunk: &[u8; CHUNK], delimiter: u8) -> u64 {
    // The compiler makes vector instructions of this.
    let marks = chunk.map(|byte| u8::from(byte == delimiter) | u8::from(byte == b'\n'));
    let mut hits = 0;
    for (at, marks) in marks.as_chunks::<8>().0.iter().enumerate() {
        // The product gathers the lowest bits of eight bytes in the highest byte.
        let gathered = u64::from_le_bytes(*marks).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        hits |= gathered << (8 * at);
    }
    hits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn hits_are_the_delimiters_and_line_feeds(bytes in prop::collection::vec("[,\n;a]", CHUNK)) {
            let text = bytes.concat();
            let chunk: &[u8; CHUNK] = text.as_bytes().try_into().expect("as long");
            let hits = hits(chunk, b',');
            for (at, byte) in chunk.iter().enumerate() {
                prop_assert_eq!(hits >> at & 1 == 1, matches!(byte, b',' | b'\n'));
            }
        }
    }
}

//! Records one behind the other, each with its length and checksum.
//!
//! ```text
//! length of the body   u32, little-endian
//! CRC-32C of the body  u32, little-endian
//! body
//! ```

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use crate::crc32c::crc32c;

/// Bytes before a body.
const HEAD: usize = 8;
/// Longest body.
pub(crate) const MOST_BODY: usize = 64 << 20;
/// Longest body that is believed while looking for the next sound record.
const MOST_SOUGHT: usize = 256 << 10;
/// Bytes read at a time.
const READ: usize = 256 << 10;

/// Writes a record whose body `fill` appends to `out`.
pub(crate) fn push(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD]);
    fill(out);
    let body = &out[start + HEAD..];
    let (length, sum) = (body.len() as u32, crc32c(body));
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    out[start + 4..start + HEAD].copy_from_slice(&sum.to_le_bytes());
}

/// What comes next in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// A sound record; [`Records::body`] has it.
    Sound,
    /// Nothing.
    End,
    /// The beginning of a record, or what is left of one, and nothing behind it.
    Torn,
    /// Something else, and more behind it.
    Damaged,
}

/// The body of the record at byte `at` of `file`; `None` if no sound one begins there.
pub(crate) fn read_at(file: &File, at: u64) -> io::Result<Option<Vec<u8>>> {
    let mut head = [0; HEAD];
    let read = |bytes: &mut [u8], at| match file.read_exact_at(bytes, at) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    };
    if !read(&mut head, at)? {
        return Ok(None);
    }
    let (length, sum) = head_at(&head, 0);
    if length == 0 || length > MOST_BODY {
        return Ok(None);
    }
    let mut body = vec![0; length];
    let is_whole = read(&mut body, at + HEAD as u64)?;
    Ok(Some(body).filter(|body| is_whole && crc32c(body) == sum))
}

/// Reads records. Memory: the longest record and a few blocks.
#[derive(Debug)]
pub(crate) struct Records<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Where the next record begins in the buffer.
    start: usize,
    /// The same in the file.
    at: u64,
    body: std::ops::Range<usize>,
    ended: bool,
}

impl<R: Read> Records<R> {
    /// Of a `reader` that stands at byte `at` of its file.
    pub(crate) fn new(reader: R, at: u64) -> Self {
        Self { reader, buffer: Vec::new(), start: 0, at, body: 0..0, ended: false }
    }

    /// Where the next record begins.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// The body found last.
    pub(crate) fn body(&self) -> &[u8] {
        &self.buffer[self.body.clone()]
    }

    /// Goes to the next record.
    pub(crate) fn advance(&mut self) -> io::Result<Next> {
        let rest = self.fill(HEAD)?;
        if rest == 0 {
            return Ok(Next::End);
        }
        if rest < HEAD {
            return Ok(Next::Torn);
        }
        let (length, sum) = self.head();
        if length > MOST_BODY {
            return Ok(Next::Damaged);
        }
        let end = HEAD + length;
        if self.fill(end)? < end {
            return Ok(Next::Torn);
        }
        let body = self.start + HEAD..self.start + end;
        if length == 0 || crc32c(&self.buffer[body.clone()]) != sum {
            let is_last = self.fill(end + 1)? == end;
            return Ok(if is_last { Next::Torn } else { Next::Damaged });
        }
        self.body = body;
        self.start += end;
        self.at += end as u64;
        Ok(Next::Sound)
    }

    /// After [`Next::Damaged`] or [`Next::Torn`]: goes to the next place where a sound record begins;
    /// false if there is none.
    pub(crate) fn seek_sound(&mut self) -> io::Result<bool> {
        // Most damage is within a body: then the length is right.
        if self.fill(HEAD)? >= HEAD {
            let length = self.head().0;
            if (1..=MOST_SOUGHT).contains(&length) && self.is_sound_after(HEAD + length)? {
                self.skip(HEAD + length);
                return Ok(true);
            }
        }
        loop {
            if self.fill(HEAD + 1)? <= HEAD {
                return Ok(false);
            }
            self.skip(1);
            let (length, _) = self.head();
            if (1..=MOST_SOUGHT).contains(&length) && self.is_sound_after(0)? {
                return Ok(true);
            }
        }
    }

    fn is_sound_after(&mut self, skipped: usize) -> io::Result<bool> {
        if self.fill(skipped + HEAD)? < skipped + HEAD {
            return Ok(false);
        }
        let head = self.start + skipped;
        let (length, sum) = head_at(&self.buffer, head);
        let end = skipped + HEAD + length;
        if length == 0 || length > MOST_SOUGHT || self.fill(end)? < end {
            return Ok(false);
        }
        // Filling may have moved what was there.
        let body = self.start + skipped + HEAD..self.start + end;
        Ok(crc32c(&self.buffer[body]) == sum)
    }

    fn head(&self) -> (usize, u32) {
        head_at(&self.buffer, self.start)
    }

    fn skip(&mut self, bytes: usize) {
        self.start += bytes;
        self.at += bytes as u64;
    }

    /// Reads on until `wanted` bytes are there, or the end; says how many are, at most `wanted`.
    fn fill(&mut self, wanted: usize) -> io::Result<usize> {
        while !self.ended && self.buffer.len() - self.start < wanted {
            if self.start > 0 {
                self.buffer.drain(..self.start);
                self.start = 0;
                self.body = 0..0;
            }
            let more = (wanted - self.buffer.len()).max(READ) as u64;
            let before = self.buffer.len();
            self.reader.by_ref().take(more).read_to_end(&mut self.buffer)?;
            self.ended = (self.buffer.len() - before) < more as usize;
        }
        Ok((self.buffer.len() - self.start).min(wanted))
    }
}

fn head_at(bytes: &[u8], at: usize) -> (usize, u32) {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    (word(at) as usize, word(at + 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut ends) = (Vec::new(), vec![0]);
        for length in [5_usize, 1, 300, 70, 2000] {
            push(&mut bytes, |out| out.extend((0..length).map(|byte| byte as u8)));
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    #[test]
    fn a_file_cut_anywhere_gives_what_is_whole() {
        let (bytes, ends) = file();
        for end in 0..=bytes.len() {
            let mut records = Records::new(&bytes[..end], 0);
            let mut count = 0;
            let last = loop {
                match records.advance().unwrap() {
                    Next::Sound => count += 1,
                    other => break other,
                }
            };
            assert_eq!(count, ends.iter().filter(|one| **one <= end).count() - 1, "cut at {end}");
            let whole = ends.contains(&end);
            assert_eq!(last, if whole { Next::End } else { Next::Torn }, "cut at {end}");
        }
    }

    #[test]
    fn a_flipped_byte_costs_one_record_wherever_it_is() {
        let (bytes, ends) = file();
        for flipped in 0..ends[4] {
            let mut bytes = bytes.clone();
            bytes[flipped] ^= 0x55;
            let mut records = Records::new(bytes.as_slice(), 0);
            let mut lengths = Vec::new();
            loop {
                match records.advance().unwrap() {
                    Next::Sound => lengths.push(records.body().len()),
                    Next::End => break,
                    Next::Torn | Next::Damaged => {
                        if !records.seek_sound().unwrap() {
                            break;
                        }
                    }
                }
            }
            assert_eq!(lengths.len(), 4, "flipped {flipped}: {lengths:?}");
            assert_eq!(lengths.last(), Some(&2000));
        }
    }
}

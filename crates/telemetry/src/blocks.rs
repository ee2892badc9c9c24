//! Text cut into blocks of whole records.

use std::io::Read;

use memchr::{memchr, memrchr};

use crate::csv::last_record_end;
use crate::error::{Fault, ReadError};
use crate::input::Text;

/// Bytes read at a time: small enough to stay in a core's own cache between
/// reading, cutting and parsing, large enough that hand-over costs nothing.
pub(crate) const BLOCK: usize = 1 << 19;

/// Most bytes in one record, in MiB.
pub(crate) const LONGEST_RECORD_MIB: usize = 16;

/// Cuts a text into blocks.
pub(crate) struct Blocks {
    text: Text,
    name: String,
    /// Read and not yet handed out.
    pending: Vec<u8>,
    ended: bool,
    /// The delimiter before quotes that may enclose line ends; `None` where
    /// every line end ends a record.
    quotes_after: Option<u8>,
}

/// Whole records, each ended by a line feed.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) bytes: Vec<u8>,
    /// Whether some field may be quoted.
    pub(crate) quoted: bool,
}

impl Blocks {
    pub(crate) fn new(text: Text, name: String) -> Self {
        Self { text, name, pending: Vec::new(), ended: false, quotes_after: None }
    }

    /// The first bytes of the text, enough to tell what it is, and whether
    /// they are all of it.
    pub(crate) fn head(&mut self) -> Result<(&[u8], bool), ReadError> {
        const ENOUGH_LINES: usize = 100;
        while !self.ended && self.pending.len() <= LONGEST_RECORD_MIB << 20 {
            let lines = memchr::memchr_iter(b'\n', &self.pending).take(ENOUGH_LINES).count();
            if lines == ENOUGH_LINES && self.pending.len() >= BLOCK {
                break;
            }
            let mut pending = std::mem::take(&mut self.pending);
            self.read_more(&mut pending)?;
            self.pending = pending;
        }
        Ok((&self.pending, self.ended))
    }

    /// From now on, quotes after `delimiter` or at the start of a line may
    /// enclose line ends, and the first `header` bytes are left out.
    pub(crate) fn begin(&mut self, quotes_after: Option<u8>, header: usize) {
        self.quotes_after = quotes_after;
        self.pending.drain(..header);
    }

    /// Whether all of the text is in memory.
    pub(crate) fn is_short(&self) -> bool {
        self.ended
    }

    /// Fills `block` anew; false at the end.
    pub(crate) fn next(&mut self, block: &mut Block) -> Result<bool, ReadError> {
        let bytes = &mut block.bytes;
        bytes.clear();
        std::mem::swap(bytes, &mut self.pending);
        if bytes.len() < BLOCK {
            self.read_more(bytes)?;
        }
        loop {
            if self.ended && bytes.last().is_some_and(|&last| last != b'\n') {
                bytes.push(b'\n');
            }
            let (cut, open) = self.cut(bytes, &mut block.quoted);
            if self.ended {
                if open {
                    let lines = memchr::memchr_iter(b'\n', &bytes[..cut]).count() as u64;
                    return Err(ReadError::new(&self.name, Fault::OpenQuote).at_line(lines + 1));
                }
                return Ok(!bytes.is_empty());
            }
            if cut > 0 {
                self.pending.clear();
                self.pending.extend_from_slice(&bytes[cut..]);
                bytes.truncate(cut);
                return Ok(true);
            }
            if bytes.len() > LONGEST_RECORD_MIB << 20 {
                let fault = Fault::LongRecord { limit: LONGEST_RECORD_MIB };
                return Err(ReadError::new(&self.name, fault).at_line(1));
            }
            self.read_more(bytes)?;
        }
    }

    /// Where the last whole record ends, and whether a quote is open after it.
    fn cut(&self, bytes: &[u8], quoted: &mut bool) -> (usize, bool) {
        *quoted = self.quotes_after.is_some() && memchr(b'"', bytes).is_some();
        match self.quotes_after {
            Some(delimiter) if *quoted => last_record_end(bytes, delimiter),
            _ => (memrchr(b'\n', bytes).map_or(0, |last| last + 1), false),
        }
    }

    fn read_more(&mut self, bytes: &mut Vec<u8>) -> Result<(), ReadError> {
        if self.ended {
            return Ok(());
        }
        bytes.reserve(BLOCK + 1);
        let read = self.text.by_ref().take(BLOCK as u64).read_to_end(bytes);
        let count = read.map_err(|error| ReadError::new(&self.name, self.text.fault(error)))?;
        self.ended = count < BLOCK;
        Ok(())
    }
}

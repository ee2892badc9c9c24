//! UTF-16, as some Windows programs save text, to UTF-8.

use std::io::{self, Read};

/// Decodes UTF-16 as it is read.
pub(crate) struct Utf16<R> {
    inner: R,
    big: bool,
    /// Bytes read and not yet decoded: at most half a character and a block.
    raw: Vec<u8>,
    /// Decoded and not yet handed out from `at` on.
    decoded: Vec<u8>,
    at: usize,
    /// Bytes decoded, the byte-order mark included.
    offset: u64,
}

/// UTF-16 that breaks off or has half a surrogate pair, `offset` bytes in.
#[derive(Debug, thiserror::Error)]
#[error("broken UTF-16 at byte {offset}")]
pub(crate) struct Broken {
    pub(crate) offset: u64,
}

impl<R: Read> Utf16<R> {
    /// Little-endian; `start` comes before what `inner` holds.
    pub(crate) fn little(start: &[u8], inner: R) -> Self {
        Self { inner, big: false, raw: start.to_vec(), decoded: Vec::new(), at: 0, offset: 2 }
    }

    /// Big-endian; `start` comes before what `inner` holds.
    pub(crate) fn big(start: &[u8], inner: R) -> Self {
        Self { big: true, ..Self::little(start, inner) }
    }

    /// Decodes another block; false at the end.
    fn refill(&mut self) -> io::Result<bool> {
        self.decoded.clear();
        self.at = 0;
        let kept = self.raw.len();
        self.raw.resize(kept + (1 << 16), 0);
        let count = self.inner.read(&mut self.raw[kept..])?;
        self.raw.truncate(kept + count);
        if count == 0 {
            return if self.raw.is_empty() { Ok(false) } else { Err(self.broken()) };
        }
        self.decode()?;
        Ok(true)
    }

    fn decode(&mut self) -> io::Result<()> {
        let unit = |pair: &[u8]| match self.big {
            true => u16::from_be_bytes([pair[0], pair[1]]),
            false => u16::from_le_bytes([pair[0], pair[1]]),
        };
        let mut whole = self.raw.len() / 2 * 2;
        let is_first_half = |unit: u16| (0xd800..0xdc00).contains(&unit);
        if whole >= 2 && is_first_half(unit(&self.raw[whole - 2..])) {
            whole -= 2;
        }
        let units = self.raw[..whole].chunks_exact(2).map(unit);
        let mut buffer = [0; 4];
        for character in char::decode_utf16(units) {
            let Ok(character) = character else { return Err(self.broken()) };
            self.decoded.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
            self.offset += 2 * character.len_utf16() as u64;
        }
        self.raw.drain(..whole);
        Ok(())
    }

    fn broken(&self) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, Broken { offset: self.offset })
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.decoded.len() {
            if !self.refill()? {
                return Ok(0);
            }
        }
        let count = buffer.len().min(self.decoded.len() - self.at);
        buffer[..count].copy_from_slice(&self.decoded[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

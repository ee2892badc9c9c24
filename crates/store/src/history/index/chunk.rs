//! Pieces of bytes in an index: packed, each with its checksum.
//!
//! ```text
//! CRC-32C of the rest   u32, little-endian
//! length, unpacked      varint
//! the bytes             zstd
//! ```

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::crc32c::crc32c;
use crate::varint;

/// Longest chunk that is believed, unpacked.
const MOST: u64 = 256 << 20;
/// How hard it is packed: what is read often is better unpacked fast.
const LEVEL: i32 = 1;

/// Where a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    pub(super) at: u64,
    pub(super) bytes: u64,
}

impl Place {
    pub(super) fn push(self, out: &mut Vec<u8>) {
        varint::push(out, self.at);
        varint::push(out, self.bytes);
    }

    pub(super) fn pull(rest: &mut &[u8]) -> Option<Self> {
        Some(Self { at: varint::pull(rest)?, bytes: varint::pull(rest)? })
    }
}

/// Packs `bytes` behind what `out` holds.
pub(super) fn pack(bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    varint::push(out, bytes.len() as u64);
    out.extend_from_slice(&zstd::bulk::compress(bytes, LEVEL)?);
    let sum = crc32c(&out[start + 4..]);
    out[start..start + 4].copy_from_slice(&sum.to_le_bytes());
    Ok(())
}

fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let (sum, rest) = packed.split_first_chunk::<4>()?;
    if crc32c(rest) != u32::from_le_bytes(*sum) {
        return None;
    }
    let mut rest = rest;
    let length = varint::pull(&mut rest).filter(|length| *length <= MOST)?;
    zstd::bulk::decompress(rest, usize::try_from(length).ok()?).ok()
}

/// What an index is read from.
#[derive(Debug)]
pub(super) enum Bytes {
    File(File, u64),
    Memory(Vec<u8>),
}

impl Bytes {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::File(_, length) => *length,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// The bytes at `place`; `None` where there are not so many.
    pub(super) fn read(&self, place: Place) -> io::Result<Option<Vec<u8>>> {
        let Some(end) = place.at.checked_add(place.bytes).filter(|end| *end <= self.len()) else {
            return Ok(None);
        };
        match self {
            Self::File(file, _) => {
                let mut bytes = vec![0; place.bytes as usize];
                file.read_exact_at(&mut bytes, place.at)?;
                Ok(Some(bytes))
            }
            Self::Memory(bytes) => Ok(Some(bytes[place.at as usize..end as usize].to_vec())),
        }
    }

    /// What the chunk at `place` holds; `None` if it is damaged.
    pub(super) fn chunk(&self, place: Place) -> io::Result<Option<Vec<u8>>> {
        Ok(self.read(place)?.and_then(|packed| unpack(&packed)))
    }
}

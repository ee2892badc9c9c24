//! Bytes from files, decompressed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Fault, ReadError};
use crate::options::Input;

/// An input whose first bytes are known.
pub(crate) struct Opened {
    /// How errors call it.
    pub(crate) name: String,
    /// The first bytes, as they stand in the file.
    pub(crate) magic: Vec<u8>,
    /// What follows `magic`.
    pub(crate) rest: Box<dyn Read + Send>,
    /// The file, where it is a regular one.
    pub(crate) path: Option<std::path::PathBuf>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Opens `input`; what is read is counted in `counter`.
pub(crate) fn open(input: &Input, counter: &Arc<AtomicU64>) -> Result<Opened, ReadError> {
    let name = input.to_string();
    let fail = |fault| ReadError::new(&name, fault);
    let (file, path): (Box<dyn Read + Send>, _) = match input {
        Input::Stdin => (Box::new(io::stdin()), None),
        Input::Bytes { bytes, .. } => (Box::new(io::Cursor::new(Arc::clone(bytes))), None),
        Input::Path(path) => {
            let (file, regular) = open_file(path).map_err(fail)?;
            (Box::new(file), regular.then(|| path.clone()))
        }
    };
    let mut rest = Counting { inner: file, counter: Arc::clone(counter) };
    let mut magic = Vec::with_capacity(16);
    rest.by_ref().take(16).read_to_end(&mut magic).map_err(|error| fail(unreadable(error)))?;
    if magic.is_empty() {
        return Err(fail(Fault::Empty));
    }
    if let Some(fault) = foreign(&magic) {
        return Err(fail(fault));
    }
    Ok(Opened { name, magic, rest: Box::new(rest), path })
}

fn open_file(path: &Path) -> Result<(File, bool), Fault> {
    let metadata = path.metadata().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Fault::NotFound,
        _ => unreadable(error),
    })?;
    if metadata.is_dir() {
        return Err(Fault::Directory);
    }
    let file = File::open(path).map_err(unreadable)?;
    Ok((file, metadata.is_file()))
}

pub(crate) fn unreadable(source: io::Error) -> Fault {
    Fault::Unreadable { source }
}

/// Formats that people point at by mistake, by their first bytes.
fn foreign(magic: &[u8]) -> Option<Fault> {
    let known: [(&[u8], &str, &str); 10] = [
        (b"PK\x03\x04", "a Zip archive or an Excel workbook", "unzip it, or save the sheet as CSV"),
        (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "save the sheet as CSV"),
        (b"BZh", "compressed with bzip2", "decompress it, or use gzip or zstd"),
        (b"\xfd7zXZ\0", "compressed with xz", "decompress it, or use gzip or zstd"),
        (b"\x04\x22\x4d\x18", "compressed with lz4", "decompress it, or use gzip or zstd"),
        (b"ARROW1", "an Arrow or Feather file", "write it as Parquet"),
        (b"Obj\x01", "an Avro file", "write it as Parquet"),
        (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
        (b"\x89HDF", "an HDF5 file", "write it as Parquet or CSV"),
        (b"%PDF", "a PDF document", "export the table as CSV"),
    ];
    known
        .iter()
        .find(|(start, ..)| magic.starts_with(start))
        .map(|&(_, found, remedy)| Fault::Foreign { found, remedy })
}

/// Counts what passes.
struct Counting<R> {
    inner: R,
    counter: Arc<AtomicU64>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.counter.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// How the bytes of a text input are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

impl Packing {
    fn of(magic: &[u8]) -> Self {
        match magic {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// The text of an input: decompressed, UTF-8 without byte-order mark.
pub(crate) struct Text {
    inner: Box<dyn Read + Send>,
    packing: Packing,
}

impl Text {
    /// Unpacks `opened`, whose `magic` comes first.
    pub(crate) fn new(opened: Opened) -> Result<Self, ReadError> {
        let packing = Packing::of(&opened.magic);
        let raw = io::Cursor::new(opened.magic).chain(opened.rest);
        let fail = |fault| ReadError::new(&opened.name, fault);
        let unpacked: Box<dyn Read + Send> = match packing {
            Packing::Plain => Box::new(raw),
            Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(
                io::BufReader::with_capacity(1 << 16, raw),
            )),
            Packing::Zstd => {
                Box::new(zstd::Decoder::new(raw).map_err(|error| fail(unreadable(error)))?)
            }
        };
        let mut text = Self { inner: unpacked, packing };
        let mut mark = Vec::with_capacity(3);
        text.by_ref().take(3).read_to_end(&mut mark).map_err(|error| fail(text.fault(error)))?;
        let inner = std::mem::replace(&mut text.inner, Box::new(io::empty()));
        text.inner = match mark.as_slice() {
            [0xef, 0xbb, 0xbf] => inner,
            [0xff, 0xfe, ..] => Box::new(crate::utf16::Utf16::little(&mark[2..], inner)),
            [0xfe, 0xff, ..] => Box::new(crate::utf16::Utf16::big(&mark[2..], inner)),
            _ => Box::new(io::Cursor::new(mark).chain(inner)),
        };
        Ok(text)
    }

    /// What an error while reading means.
    pub(crate) fn fault(&self, error: io::Error) -> Fault {
        if let Some(crate::utf16::Broken { offset }) =
            error.get_ref().and_then(|inner| inner.downcast_ref())
        {
            return Fault::NotUtf16 { offset: *offset };
        }
        let damaged = self.packing != Packing::Plain && error.raw_os_error().is_none();
        if damaged {
            let reason = match error.kind() {
                io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
                _ => error.to_string(),
            };
            return Fault::Compression { format: self.packing.name(), reason };
        }
        unreadable(error)
    }
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
}

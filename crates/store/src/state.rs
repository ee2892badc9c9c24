//! Files of learnt state: records that are written all at once and read one by one.
//!
//! ```text
//! magic    8 bytes, `AUSCSTAT`
//! version  u32, little-endian: of this framing; what is in the records says its own
//! records  as in every file here; the last one is empty but for one byte 0xff
//! ```

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::folder::{beside, set_aside, sync_folder};
use crate::record::{self, Next, Records};

const MAGIC: &[u8; 8] = b"AUSCSTAT";
const VERSION: u32 = 1;
const END: &[u8] = &[0xff];
/// Bytes gathered before they are written.
const BLOCK: usize = 1 << 20;

/// Writes a file of state; the one before stays until [`StateWriter::commit`].
#[derive(Debug)]
pub struct StateWriter {
    path: PathBuf,
    new: PathBuf,
    file: BufWriter<File>,
    buffer: Vec<u8>,
    bytes: u64,
}

impl StateWriter {
    /// Begins a file that will be at `path`.
    ///
    /// # Errors
    ///
    /// When the file system refuses.
    pub fn create(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let new = beside(&path, "new");
        let mut file = BufWriter::with_capacity(BLOCK, File::create(&new)?);
        file.write_all(MAGIC)?;
        file.write_all(&VERSION.to_le_bytes())?;
        Ok(Self { path, new, file, buffer: Vec::new(), bytes: 12 })
    }

    /// Adds a record.
    ///
    /// # Errors
    ///
    /// When the file system refuses.
    pub fn record(&mut self, body: &[u8]) -> io::Result<()> {
        self.buffer.clear();
        record::push(&mut self.buffer, |out| out.extend_from_slice(body));
        self.bytes += self.buffer.len() as u64;
        self.file.write_all(&self.buffer)
    }

    /// Puts the file in the place of the one before; returns its size in bytes.
    ///
    /// # Errors
    ///
    /// When the file system refuses; the file before is then still there.
    pub fn commit(mut self) -> io::Result<u64> {
        self.record(END)?;
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        fs::rename(&self.new, &self.path)?;
        sync_folder(&self.path)?;
        Ok(self.bytes)
    }
}

/// Reads a file of state, and steps over records that are damaged.
#[derive(Debug)]
pub struct StateReader {
    path: PathBuf,
    records: Records<File>,
    damaged: u64,
    complete: bool,
}

impl StateReader {
    /// Opens the file; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Newer`] for a file of a newer release, [`StoreError::Damaged`] for something else.
    pub fn open(path: impl Into<PathBuf>) -> Result<Option<Self>, StoreError> {
        let path = path.into();
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::file(&path, error)),
        };
        let mut head = [0; 12];
        file.read_exact(&mut head).map_err(|_| StoreError::damaged(&path, "it is too short"))?;
        if &head[..8] != MAGIC {
            return Err(StoreError::damaged(&path, "it does not begin as a file of state"));
        }
        let version = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
        if version > VERSION {
            return Err(StoreError::Newer { path, found: version, known: VERSION });
        }
        let records = Records::new(file, 12);
        Ok(Some(Self { path, records, damaged: 0, complete: false }))
    }

    /// The next sound record; `None` at the end.
    ///
    /// # Errors
    ///
    /// When the file system refuses.
    pub fn record(&mut self) -> Result<Option<&[u8]>, StoreError> {
        let refuse = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::File { path, source }
        };
        loop {
            match self.records.advance().map_err(refuse(&self.path))? {
                Next::Sound if self.records.body() == END => {
                    self.complete = true;
                    return Ok(None);
                }
                Next::Sound => break,
                Next::End => return Ok(None),
                Next::Torn | Next::Damaged => {
                    self.damaged += 1;
                    if !self.records.seek_sound().map_err(refuse(&self.path))? {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(Some(self.records.body()))
    }

    /// How often something damaged was stepped over.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Whether the end of the file was found.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Renames a damaged file so that the next one does not overwrite it; says what it is called now.
    ///
    /// # Errors
    ///
    /// When the file system refuses.
    pub fn set_aside(path: &Path) -> Result<PathBuf, StoreError> {
        set_aside(path).map_err(|source| StoreError::file(path, source))
    }
}

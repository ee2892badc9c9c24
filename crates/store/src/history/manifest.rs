//! Which files make up the history: the only truth about it, replaced as a whole.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::folder::replace;

const VERSION: u32 = 1;
/// Name of the file that holds it.
pub(super) const NAME: &str = "manifest.json";

/// What the history consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    version: u32,
    /// Number of the next file.
    pub(super) next: u32,
    /// Segments of the log up to this one are in the files.
    pub(super) converted: u32,
    /// Oldest samples first.
    pub(super) files: Vec<Entry>,
}

/// A pair of Parquet files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// In their names.
    pub(super) number: u32,
    /// How often their samples were merged.
    pub(super) level: u32,
    /// Samples.
    pub(super) samples: u64,
    /// Series.
    pub(super) series: u64,
    /// Bytes of both files.
    pub(super) bytes: u64,
    /// Earliest sample, in nanoseconds since 1970.
    pub(super) from: i64,
    /// Latest sample.
    pub(super) to: i64,
}

impl Default for Manifest {
    fn default() -> Self {
        Self { version: VERSION, next: 1, converted: 0, files: Vec::new() }
    }
}

impl Manifest {
    /// Reads it; `None` if there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::file(path, error)),
        };
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let damaged = |error: serde_json::Error| StoreError::damaged(path, error);
        let Versioned { version } = serde_json::from_slice(&bytes).map_err(damaged)?;
        if version > VERSION {
            return Err(StoreError::Newer {
                path: path.to_owned(),
                found: version,
                known: VERSION,
            });
        }
        serde_json::from_slice(&bytes).map(Some).map_err(damaged)
    }

    /// Replaces the file.
    pub(super) fn write(&self, path: &Path) -> Result<(), StoreError> {
        let json = serde_json::to_vec_pretty(self).expect("numbers become JSON");
        replace(path, &json).map_err(|source| StoreError::file(path, source))
    }
}

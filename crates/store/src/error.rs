//! Why something could not be stored or read.

use std::io;
use std::path::{Path, PathBuf};

/// Why something could not be stored or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum StoreError {
    /// Another service has the folder.
    #[error("{} is in use by another auscult; give this one another folder", path.display())]
    InUse { path: PathBuf },
    /// Written by a newer release.
    #[error(
        "{} was written by a newer release (version {found}, this one reads up to {known}); use that release, or another folder", path.display()
    )]
    Newer { path: PathBuf, found: u32, known: u32 },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// The database refused.
    #[error("{}: {source}", path.display())]
    Database { path: PathBuf, source: rusqlite::Error },
    /// A file does not hold what it should.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged { path: PathBuf, reason: String },
    /// More was asked for than one answer may hold.
    #[error("more than {most} samples; ask for fewer series or a shorter time")]
    TooMany { most: usize },
}

impl StoreError {
    pub(crate) fn file(path: &Path, source: impl Into<io::Error>) -> Self {
        Self::File { path: path.to_owned(), source: source.into() }
    }

    pub(crate) fn damaged(path: &Path, reason: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.to_string() }
    }
}

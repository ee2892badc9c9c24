//! What to read, and how.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Where data come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file, plain or compressed. Named pipes work, but can be read once only.
    Path(PathBuf),
    /// Standard input; can be read once only.
    Stdin,
    /// What is in memory already.
    Bytes {
        /// How errors call it.
        name: String,
        /// What a file would hold.
        bytes: Arc<[u8]>,
    },
}

impl Input {
    /// `-` means standard input, anything else a path.
    #[must_use]
    pub fn from_argument(argument: &str) -> Self {
        if argument == "-" { Self::Stdin } else { Self::Path(argument.into()) }
    }

    /// Whether opening it again reads the same data again, as methods with
    /// two passes need.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        match self {
            Self::Path(path) => path.metadata().is_ok_and(|metadata| metadata.is_file()),
            Self::Stdin => false,
            Self::Bytes { .. } => true,
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Stdin => f.write_str("standard input"),
            Self::Bytes { name, .. } => f.write_str(name),
        }
    }
}

/// How the data are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Comma-, semicolon-, tab- or bar-separated lines.
    Csv,
    /// One JSON object per line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
}

/// Which column says when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TimeColumn {
    /// The first column with a name such as `time`, `timestamp`, `date` or `ts`
    /// whose cells are times; else the first column of date-times.
    #[default]
    Detect,
    /// This one, by name or by number from 1.
    Named(String),
    /// None: no column is added to [`ReadOptions::columns`] on account of time.
    Without,
}

/// How to read. The default detects everything.
///
/// ```
/// # use auscult_telemetry::{ReadOptions, TimeColumn};
/// let options = ReadOptions {
///     columns: Some(vec!["performance".to_owned()]),
///     time: TimeColumn::Without,
///     ..ReadOptions::default()
/// };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// The format; detected from the first bytes when `None`, where a delimiter
    /// that is given tells that text is CSV.
    pub format: Option<Format>,
    /// What stands between the fields of a CSV line; detected when `None`.
    pub delimiter: Option<u8>,
    /// Whether the first line of a CSV names the columns; detected when `None`.
    pub header: Option<bool>,
    /// Which column says when.
    pub time: TimeColumn,
    /// Read only these, and the time column; all when `None`. Each is a name
    /// or, where no column has that name, a number from 1.
    pub columns: Option<Vec<String>>,
    /// Columns whose cells are words whatever they look like: labels, groups,
    /// identifiers. Named as in `columns`; a name that no column has is an error.
    pub words: Vec<String>,
    /// Most rows in a batch; at least 1.
    pub batch_rows: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: None,
            delimiter: None,
            header: None,
            time: TimeColumn::Detect,
            columns: None,
            words: Vec::new(),
            batch_rows: 65_536,
        }
    }
}

//! Tables out.

mod csv;
mod json;
mod parquet;

use std::io::{self, Write};

use crate::options::Format;
use crate::table::Table;

/// Writes batches of one table, one after another.
///
/// Numbers, words and times read back as they were written; see
/// [`write_csv`], [`write_json_lines`] and [`write_parquet`].
///
/// ```
/// # use auscult_telemetry::{Cells, Column, Format, Table, TableWriter};
/// let column = Column { name: "watts".to_owned(), cells: Cells::Numbers(vec![300.0, f64::NAN]) };
/// let batch = Table::new(vec![column]);
/// let mut text = Vec::new();
/// let mut writer = TableWriter::new(&mut text, Format::JsonLines);
/// writer.write(&batch)?;
/// writer.finish()?;
/// assert_eq!(text, b"{\"watts\":300}\n{\"watts\":null}\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct TableWriter<W: Write + Send> {
    inner: Inner<W>,
}

enum Inner<W: Write + Send> {
    Csv(csv::Writer<W>),
    JsonLines(json::Writer<W>),
    Parquet(parquet::Writer<W>),
}

impl<W: Write + Send> std::fmt::Debug for TableWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableWriter").finish_non_exhaustive()
    }
}

impl<W: Write + Send> TableWriter<W> {
    /// Writes to `out` in `format`.
    pub fn new(out: W, format: Format) -> Self {
        let inner = match format {
            Format::Csv => Inner::Csv(csv::Writer::new(out)),
            Format::JsonLines => Inner::JsonLines(json::Writer::new(out)),
            Format::Parquet => Inner::Parquet(parquet::Writer::new(out)),
        };
        Self { inner }
    }

    /// Writes another batch, of the same columns as the first.
    ///
    /// # Errors
    ///
    /// What `out` reports; [`io::ErrorKind::InvalidInput`] when the columns
    /// are others than before.
    pub fn write(&mut self, batch: &Table) -> io::Result<()> {
        match &mut self.inner {
            Inner::Csv(writer) => writer.write(batch),
            Inner::JsonLines(writer) => writer.write(batch),
            Inner::Parquet(writer) => writer.write(batch),
        }
    }

    /// Writes what is left to write, and hands `out` back.
    ///
    /// # Errors
    ///
    /// What `out` reports.
    pub fn finish(self) -> io::Result<W> {
        let mut out = match self.inner {
            Inner::Csv(writer) => writer.finish(),
            Inner::JsonLines(writer) => writer.finish(),
            Inner::Parquet(writer) => writer.finish()?,
        };
        out.flush()?;
        Ok(out)
    }
}

/// Writes `table` as CSV: a header, commas, lines ended by a line feed.
///
/// A field is quoted where it must be. Missing cells are empty (`""` where the
/// line would otherwise be blank). Numbers have as many digits as tell them
/// from every other double; infinities are `inf` and `-inf`; times are
/// RFC 3339 in UTC.
///
/// # Errors
///
/// What `out` reports.
pub fn write_csv(table: &Table, out: impl Write + Send) -> io::Result<()> {
    write(table, out, Format::Csv)
}

/// Writes `table` as JSON Lines: one object per row, every column in each.
///
/// Lines rather than one document, because they can be written and read in
/// bounded memory, appended to and cut. Missing cells are `null`; infinities,
/// for which JSON has no number, are the strings `"Infinity"` and
/// `"-Infinity"`; times are RFC 3339 in UTC.
///
/// # Errors
///
/// What `out` reports.
pub fn write_json_lines(table: &Table, out: impl Write + Send) -> io::Result<()> {
    write(table, out, Format::JsonLines)
}

/// Writes `table` as Parquet: doubles, strings and timestamps of nanoseconds
/// in UTC, all nullable, compressed with zstd. Missing cells are null.
///
/// # Errors
///
/// What `out` reports; [`io::ErrorKind::InvalidInput`] for a table without
/// columns, which Parquet cannot hold.
pub fn write_parquet(table: &Table, out: impl Write + Send) -> io::Result<()> {
    write(table, out, Format::Parquet)
}

fn write(table: &Table, out: impl Write + Send, format: Format) -> io::Result<()> {
    let mut writer = TableWriter::new(out, format);
    writer.write(table)?;
    writer.finish().map(drop)
}

/// The names of the first batch, against which later ones are checked.
#[derive(Debug, Default)]
struct Names(Option<Vec<String>>);

impl Names {
    /// Whether `batch` is the first.
    fn check(&mut self, batch: &Table) -> io::Result<bool> {
        let names = batch.columns().iter().map(|column| column.name.as_str());
        match &self.0 {
            None => {
                self.0 = Some(names.map(str::to_owned).collect());
                Ok(true)
            }
            Some(first) if names.eq(first.iter().map(String::as_str)) => Ok(false),
            Some(_) => Err(other_columns()),
        }
    }
}

fn other_columns() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "a batch has other columns than the one before")
}

/// Appends `number`, finite, in the fewest digits that read back as the same double.
fn push_number(text: &mut Vec<u8>, number: f64) {
    let magnitude = number.abs();
    let written = if magnitude == 0.0 || (1e-5..1e17).contains(&magnitude) {
        write!(text, "{number}")
    } else {
        write!(text, "{number:e}")
    };
    written.expect("memory takes everything");
}

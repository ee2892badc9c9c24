//! Why an input cannot be read.

use std::fmt;

/// Why an input cannot be read: one sentence that says where, what was
/// expected, what came, and what to do.
#[derive(Debug)]
pub struct ReadError(Box<Place>);

#[derive(Debug)]
struct Place {
    file: String,
    line: Option<u64>,
    column: Option<String>,
    fault: Fault,
}

impl ReadError {
    pub(crate) fn new(file: &str, fault: Fault) -> Self {
        Self(Box::new(Place { file: file.to_owned(), line: None, column: None, fault }))
    }

    pub(crate) fn at_line(mut self, line: u64) -> Self {
        self.0.line = Some(line);
        self
    }

    pub(crate) fn in_column(mut self, column: &str) -> Self {
        self.0.column = Some(column.to_owned());
        self
    }

    /// The file, as the caller named it; `standard input` for [`crate::Input::Stdin`].
    #[must_use]
    pub fn file(&self) -> &str {
        &self.0.file
    }

    /// The line, from 1, where the input has lines and one is to blame.
    #[must_use]
    pub fn line(&self) -> Option<u64> {
        self.0.line
    }

    /// The column to blame, if one is.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }

    /// What is wrong.
    #[must_use]
    pub fn fault(&self) -> &Fault {
        &self.0.fault
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.file)?;
        if let Some(line) = self.0.line {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = &self.0.column {
            write!(f, ", column `{}`", shown(column))?;
        }
        write!(f, ": {}", self.0.fault)
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.fault {
            Fault::Unreadable { source } => Some(source),
            _ => None,
        }
    }
}

/// What is wrong with an input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum Fault {
    /// Nothing was named.
    #[error("no input: name a file, or `-` for standard input")]
    NoInput,
    /// There is no such file.
    #[error("no such file")]
    NotFound,
    /// A directory was named.
    #[error("is a directory, expected a file: name the files in it")]
    Directory,
    /// The operating system would not read it.
    #[error("cannot be read: {source}")]
    Unreadable { source: std::io::Error },
    /// Not a byte in it.
    #[error("is empty, expected at least one row of data")]
    Empty,
    /// Names, but nothing under them.
    #[error("has a header but no rows under it")]
    NoRows,
    /// More text than is held in memory at once.
    #[error("has more than {} MiB of text; expected less", most_bytes >> 20)]
    TooLong { most_bytes: u64 },
    /// A format that is not read here.
    #[error("is {found}, expected CSV, JSON Lines or Parquet: {remedy}")]
    Foreign { found: &'static str, remedy: &'static str },
    /// Bytes that no text has.
    #[error(
        "is not text (byte {byte:#04x} at offset {offset}), expected CSV, JSON Lines or Parquet"
    )]
    Binary { byte: u8, offset: usize },
    /// Not UTF-8.
    #[error(
        "is not UTF-8 near {shown}: convert it, for example with `iconv -f LATIN1 -t UTF-8`",
        shown = shown(text)
    )]
    NotUtf8 { text: String },
    /// UTF-16 that does not decode.
    #[error("is UTF-16 but breaks off or holds half a character at byte {offset}")]
    NotUtf16 { offset: u64 },
    /// A compressed file that breaks off or is damaged.
    #[error("its {format} compression is damaged or breaks off: {reason}; fetch the file again")]
    Compression { format: &'static str, reason: String },
    /// Longer than any sensible record.
    #[error(
        "a record is longer than {limit} MiB, the most that is read: \
         expected one record per line, with every quote closed"
    )]
    LongRecord { limit: usize },
    /// Lines that end as they did on old Macintoshes.
    #[error(
        "its lines end with a bare carriage return: convert it, for example with `tr '\\r' '\\n'`"
    )]
    BareReturns,
    /// A row with too few or too many fields.
    #[error(
        "expected {expected} fields, got {got}: mend the row, or quote fields that hold the delimiter {delimiter}"
    )]
    Ragged { expected: usize, got: usize, delimiter: String },
    /// A delimiter that was asked for and cannot be one.
    #[error("the delimiter is {delimiter}, expected a byte other than quotes and line ends")]
    Delimiter { delimiter: String },
    /// A quote that nothing closes.
    #[error("a quoted field is not closed before the end of the file")]
    OpenQuote,
    /// A quoted field that goes on after its closing quote.
    #[error(
        "expected the delimiter {delimiter} after the closing quote, got {got}: double quotes inside a quoted field"
    )]
    AfterQuote { delimiter: String, got: String },
    /// Text where numbers were before.
    #[error(
        "expected a number, got {cell}: mend the cell, leave it empty, or have the column read as words",
        cell = quoted(cell)
    )]
    NotNumber { cell: String },
    /// Text where times were before.
    #[error(
        "expected a time such as 2024-05-01T13:00:00Z between the years 1678 and 2261, got {cell}: \
         mend the cell, or have the column read as words",
        cell = quoted(cell)
    )]
    NotTime { cell: String },
    /// A column that was asked for and is not there.
    #[error("no column `{name}`{}", suggestion(nearest, names))]
    NoColumn { name: String, nearest: Option<String>, names: Vec<String> },
    /// Not even one column is left.
    #[error("has no columns that can be read")]
    NoColumns,
    /// Two files disagree about a column.
    #[error("holds {here} here but {there} in {other}: have the column read as words in both")]
    Disagree { here: &'static str, there: &'static str, other: String },
    /// Two files have nothing in common.
    #[error("has no column in common with {other}: read them one at a time")]
    NothingShared { other: String },
    /// A line that is no JSON object.
    #[error("expected one JSON object per line, {reason}")]
    Json { reason: String },
    /// A list inside an object.
    #[error(
        "holds a list, expected a number, a word or a nested object: spread it over columns or rows first, or leave the column out"
    )]
    JsonList,
    /// A Parquet file that does not decode.
    #[error("is damaged or not Parquet: {reason}; fetch or write the file again")]
    Parquet { reason: String },
    /// A Parquet column of a type without a place in a table.
    #[error(
        "has the type {kind}, expected numbers, words or times: leave the column out or convert it"
    )]
    ParquetType { kind: String },
}

fn suggestion(nearest: &Option<String>, names: &[String]) -> String {
    if let Some(nearest) = nearest {
        return format!(": did you mean `{}`", shown(nearest));
    }
    let mut listed: Vec<String> =
        names.iter().take(8).map(|name| format!("`{}`", shown(name))).collect();
    if names.len() > listed.len() {
        listed.push("…".to_owned());
    }
    format!(": there are {}", listed.join(", "))
}

/// `cell` in quotes, cut to a readable length.
fn quoted(cell: &str) -> String {
    format!("`{}`", shown(cell))
}

/// `text` cut to a readable length, on one line.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let mut shown: String = text.chars().take(MOST).flat_map(one_line).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

fn one_line(character: char) -> impl Iterator<Item = char> {
    let escaped = character.is_control().then(|| character.escape_default());
    let plain = (!character.is_control()).then_some(character);
    escaped.into_iter().flatten().chain(plain)
}

/// How a delimiter is called in a sentence.
pub(crate) fn delimiter_name(delimiter: u8) -> String {
    match delimiter {
        b'\t' => "tab".to_owned(),
        b' ' => "space".to_owned(),
        b'\n' | b'\r' => "a line end".to_owned(),
        _ => format!("`{}`", char::from(delimiter)),
    }
}

//! Which files to read and how, the same for every verb.

use std::io::IsTerminal;
use std::path::PathBuf;

use auscult_telemetry::{Format, Input, ReadOptions, TimeColumn};

use crate::outcome::CallError;

/// Flags about the input.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct InputArguments {
    /// CSV, TSV, JSON Lines or Parquet, plain, gzip or zstd; `-` is standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Column of times, by name or number; found by itself when not given
    #[arg(long, value_name = "COLUMN")]
    pub time: Option<String>,

    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// Flags about how a file is written.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Reading {
    /// What separates the fields: a character, `tab` or `auto`
    #[arg(long, value_name = "CHAR", default_value = "auto", value_parser = delimiter)]
    delimiter: Delimiter,

    /// Whether the first line names the columns
    #[arg(long, value_name = "WHETHER", default_value = "auto")]
    header: Header,

    /// What the input is; found by itself when not given
    #[arg(long, value_name = "FORMAT")]
    input_format: Option<InputFormat>,
}

/// What separates the fields; `None` finds out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delimiter(Option<u8>);

/// Whether the first line names the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Header {
    /// Find out.
    Auto,
    /// It does.
    Yes,
    /// It holds data.
    No,
}

/// What the input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum InputFormat {
    /// Delimited text.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
}

fn delimiter(text: &str) -> Result<Delimiter, String> {
    match text {
        "auto" => Ok(Delimiter(None)),
        "tab" | "\\t" | "\t" => Ok(Delimiter(Some(b'\t'))),
        _ if text.len() == 1 && text.is_ascii() => Ok(Delimiter(Some(text.as_bytes()[0]))),
        _ => Err("expected one character, `tab` or `auto`".to_owned()),
    }
}

impl InputArguments {
    /// The inputs to read.
    pub(crate) fn inputs(&self) -> Result<Vec<Input>, CallError> {
        if self.files.is_empty() {
            if std::io::stdin().is_terminal() {
                return Err(CallError::input(
                    "no input: name a file, or pipe data into standard input",
                ));
            }
            return Ok(vec![Input::Stdin]);
        }
        Ok(self.files.iter().map(|file| input(file)).collect())
    }

    /// How to read them, every column kept.
    pub(crate) fn options(&self) -> ReadOptions {
        ReadOptions {
            time: self.time.clone().map_or(TimeColumn::Detect, TimeColumn::Named),
            ..self.reading.options()
        }
    }
}

impl Reading {
    /// How to read, every column kept.
    pub(crate) fn options(&self) -> ReadOptions {
        ReadOptions {
            format: self.input_format.map(|format| match format {
                InputFormat::Csv => Format::Csv,
                InputFormat::JsonLines => Format::JsonLines,
                InputFormat::Parquet => Format::Parquet,
            }),
            delimiter: self.delimiter.0,
            header: match self.header {
                Header::Auto => None,
                Header::Yes => Some(true),
                Header::No => Some(false),
            },
            ..ReadOptions::default()
        }
    }
}

/// A file, or standard input for `-`.
pub(crate) fn input(file: &std::path::Path) -> Input {
    if file.as_os_str() == "-" { Input::Stdin } else { Input::Path(file.to_owned()) }
}

//! Every file and wire format: tables in from CSV, JSON Lines and Parquet, tables out.
//!
//! [`Reader`] yields a file, or several one after another, in batches of
//! bounded size; [`read_table`] gathers them. [`TableWriter`] writes batches,
//! [`write_csv`], [`write_json_lines`] and [`write_parquet`] a whole [`Table`].
//!
//! # What is read
//!
//! The format is told by the first bytes, never by the name of the file.
//!
//! | format | notes |
//! |---|---|
//! | CSV | comma, semicolon, tab or bar; RFC 4180 quotes, with delimiters, line ends and doubled quotes inside; line feeds with or without carriage return; blank lines are passed over |
//! | JSON Lines | an object per line; keys may vary; `{"a": {"b": 1}}` is column `a.b`; `true` and `false` are 1 and 0 unless the column holds words; `NaN` and `Infinity` as Python writes them |
//! | Parquet | numbers of every kind, decimals, booleans (1 and 0), strings, dictionaries, dates and timestamps; only the wanted columns are decoded |
//! | gzip, zstd | around CSV and JSON Lines, decompressed as they are read |
//! | UTF-8, UTF-16 | with or without byte-order mark; UTF-16 only with one |
//!
//! Delimiter, header, time column and the kind of each column are detected
//! from the first rows ([`ReadOptions`] overrides each). A record may have
//! 16 MiB; files may have any size, and text is decoded on all cores in memory
//! that does not grow with it. Parquet that comes through a pipe is held in
//! memory, because it is read from its end.
//!
//! # What a cell means
//!
//! - Spaces around a cell do not belong to it, unless they are quoted.
//! - Empty, `-`, `NA`, `N/A`, `n/a`, `#N/A`, `<NA>`, `NaN`, `nan`, `null` and
//!   `None` are missing: NaN among numbers, `None` among words and times. In
//!   Parquet, only null is.
//! - A column whose first thousand rows hold only numbers holds numbers. Text
//!   further down is an error that names the line; a column that is to be read
//!   as words whatever it looks like is named in [`ReadOptions::words`].
//!   `inf`, `-inf` and `Infinity` stay infinite; thousands separators, decimal
//!   commas and units are not guessed, so such columns hold words.
//! - A column whose first thousand rows hold only date-times ([`parse_time`])
//!   holds times. So does one of Unix times after March 1973, in seconds,
//!   milli-, micro- or nanoseconds, if its name is one such as `time`,
//!   `timestamp` or `ts`, or if it was named as the time column.
//! - All other columns hold words.
//!
//! # Names
//!
//! A CSV has a header if its first line has no number and no time, or has a
//! word above a column of numbers or times. Without one, columns are called
//! `column1`, `column2` and so on; so is a column with an empty name. The second
//! column called `gpu` becomes `gpu.2`, as a data frame would have it: metric
//! exports repeat names, and nothing is lost. Wherever a column is named, its
//! number from 1 does as well.
//!
//! # What is refused
//!
//! Everything else, in one sentence ([`ReadError`]) that names file, line and
//! column, what was expected and what to do. Nothing that a file holds makes
//! the reader panic.

mod blocks;
mod cell;
mod collect;
mod column;
mod csv;
mod error;
mod evidence;
mod input;
mod json;
pub mod metrics;
mod number;
mod options;
mod parquet;
mod pipeline;
mod plan;
mod reader;
mod schema;
mod table;
mod text;
mod time;
mod utf16;
mod write;

pub use error::{Fault, ReadError};
pub use options::{Format, Input, ReadOptions, TimeColumn};
pub use reader::{Progress, Reader, read_table};
pub use schema::{Field, Kind};
pub use table::{AppendError, Cells, Column, Table, Words};
pub use text::read_text;
pub use time::{format_time, parse_time};
pub use write::{TableWriter, write_csv, write_json_lines, write_parquet};

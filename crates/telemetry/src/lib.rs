//! Every file and wire format: tables in from CSV, JSON Lines and Parquet, tables out.

mod blocks;
mod cell;
mod collect;
mod column;
mod csv;
mod error;
mod evidence;
mod input;
mod json;
mod nearest;
mod number;
mod options;
mod parquet;
mod pipeline;
mod plan;
mod reader;
mod schema;
mod table;
mod time;
mod utf16;
mod write;

pub use error::{Fault, ReadError};
pub use nearest::nearest;
pub use options::{Format, Input, ReadOptions, TimeColumn};
pub use reader::{Progress, Reader, read_table};
pub use schema::{Field, Kind};
pub use table::{AppendError, Cells, Column, Table, Words};
pub use time::{format_time, parse_time};
pub use write::{TableWriter, write_csv, write_json_lines, write_parquet};

//! Every file and wire format: tables in from CSV, JSON Lines and Parquet, tables out.

mod table;

pub use table::{Cells, Column, Table, Words};

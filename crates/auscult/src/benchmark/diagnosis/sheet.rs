//! A CSV file as text, for files with headers of their own making.

use std::path::Path;

use auscult_telemetry::Cells;

use super::super::files::{table, wrong};
use crate::outcome::CallError;

/// Cells by row; the first row is the header.
#[derive(Debug)]
pub(super) struct Sheet {
    /// Names of the columns.
    pub header: Vec<String>,
    /// What follows.
    pub rows: Vec<Vec<String>>,
}

impl Sheet {
    /// The cells of `path`, which may be packed.
    pub(super) fn read(path: &Path) -> Result<Self, CallError> {
        let table = table(path, false, &[])?;
        let cell = |cells: &Cells, row: usize| match cells {
            Cells::Words(words) => words.get(row).unwrap_or_default().to_owned(),
            Cells::Numbers(numbers) if numbers[row].is_nan() => String::new(),
            Cells::Numbers(numbers) => numbers[row].to_string(),
            Cells::Times(_) => String::new(),
        };
        let row = |row| table.columns().iter().map(|column| cell(&column.cells, row)).collect();
        let mut rows: Vec<Vec<String>> = (0..table.rows()).map(row).collect();
        if rows.is_empty() {
            return Err(wrong(path, "expected a header"));
        }
        let header = rows.remove(0);
        Ok(Self { header, rows })
    }

    /// Where the column called `name` stands.
    pub(super) fn place(&self, name: &str, path: &Path) -> Result<usize, CallError> {
        let place = self.header.iter().position(|column| column == name);
        place.ok_or_else(|| wrong(path, format_args!("expected a column `{name}`")))
    }
}

/// The number in a cell; NaN where there is none.
pub(super) fn number(cell: &str) -> f64 {
    cell.parse().ok().filter(|number: &f64| number.is_finite()).unwrap_or(f64::NAN)
}

//! Reading the files of public data sets, which differ in small things.

use std::path::Path;

use auscult_core::Timestamp;
use auscult_evaluate::Segment;
use auscult_telemetry::{Cells, Format, Input, ReadOptions, Table, TimeColumn, read_table};

use crate::outcome::CallError;

/// The table in `path`; columns named in `words` hold words.
pub(super) fn table(path: &Path, header: bool, words: &[&str]) -> Result<Table, CallError> {
    let options = ReadOptions {
        format: Some(Format::Csv),
        delimiter: Some(b','),
        header: Some(header),
        time: if header { TimeColumn::Detect } else { TimeColumn::Without },
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        ..ReadOptions::default()
    };
    read_table(&[Input::Path(path.to_owned())], &options).map_err(CallError::input)
}

/// The numbers of column `name`, none missing.
pub(super) fn numbers<'a>(
    table: &'a Table,
    name: &str,
    path: &Path,
) -> Result<&'a [f64], CallError> {
    let numbers = table
        .numbers(name)
        .ok_or_else(|| wrong(path, format_args!("expected a column `{name}` of numbers")))?;
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(row) => Err(wrong(path, format_args!("`{name}` in row {} is no number", row + 1))),
        None => Ok(numbers),
    }
}

/// The whole numbers of column `name`, none missing or negative.
pub(super) fn counts(table: &Table, name: &str, path: &Path) -> Result<Vec<usize>, CallError> {
    Ok(numbers(table, name, path)?.iter().map(|number| *number as usize).collect())
}

/// The words of column `name`, none missing.
pub(super) fn words(table: &Table, name: &str, path: &Path) -> Result<Vec<String>, CallError> {
    let missing = || wrong(path, format_args!("expected a column `{name}` of words, none missing"));
    let words = table.words(name).ok_or_else(missing)?;
    let word = |row| words.get(row).map(str::to_owned).ok_or_else(missing);
    (0..table.rows()).map(word).collect()
}

/// The times of column `name`, none missing.
pub(super) fn times(table: &Table, name: &str, path: &Path) -> Result<Vec<Timestamp>, CallError> {
    let missing = || wrong(path, format_args!("expected a column `{name}` of times, none missing"));
    let times = table.times(name).ok_or_else(missing)?;
    times.iter().map(|time| time.ok_or_else(missing)).collect()
}

/// A file of numbers without header, row by row, and how many a row has.
pub(super) fn rows(path: &Path) -> Result<(Vec<f64>, usize), CallError> {
    let table = table(path, false, &[])?;
    let mut columns = Vec::with_capacity(table.columns().len());
    for column in table.columns() {
        match &column.cells {
            Cells::Numbers(cells) if cells.iter().all(|cell| cell.is_finite()) => {
                columns.push(cells);
            }
            _ => {
                let name = &column.name;
                return Err(wrong(path, format_args!("`{name}` must hold finite numbers only")));
            }
        }
    }
    let readings = (0..table.rows()).flat_map(|row| columns.iter().map(move |column| column[row]));
    Ok((readings.collect(), columns.len()))
}

/// A file of 0 and 1, one a row.
pub(super) fn flags(path: &Path) -> Result<Vec<bool>, CallError> {
    let (readings, columns) = rows(path)?;
    if columns != 1 {
        return Err(wrong(path, format_args!("expected one column, got {columns}")));
    }
    Ok(readings.into_iter().map(|flag| flag > 0.0).collect())
}

/// A text file.
pub(super) fn text(path: &Path) -> Result<String, CallError> {
    std::fs::read_to_string(path).map_err(|error| wrong(path, error))
}

/// Names in `folder`, without `ending`, in alphabetical order.
pub(super) fn names(folder: &Path, ending: &str) -> Result<Vec<String>, CallError> {
    let entries = std::fs::read_dir(folder).map_err(|error| wrong(folder, error))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| wrong(folder, error))?.file_name();
        let name = name.to_string_lossy();
        names.extend(name.strip_suffix(ending).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// True on the rows of `segments`, for `rows` rows.
pub(super) fn marked(rows: usize, segments: &[Segment]) -> Vec<bool> {
    let mut marks = vec![false; rows];
    for segment in segments {
        let end = segment.end.min(rows.saturating_sub(1));
        if segment.start <= end && rows > 0 {
            marks[segment.start..=end].fill(true);
        }
    }
    marks
}

/// What is wrong with `path`.
pub(super) fn wrong(path: &Path, why: impl std::fmt::Display) -> CallError {
    CallError::input(format!("{}: {why}", path.display()))
}

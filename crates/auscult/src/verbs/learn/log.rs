//! From a table to a fault log.

use std::collections::HashMap;

use auscult_diagnose::learn::{FaultLog, FeatureColumn, FeatureValues, MISSING};
use auscult_telemetry::{Cells, Column, Input, ReadOptions, Table, TimeColumn, Words, read_table};

use crate::outcome::CallError;

/// Which columns to use, and what for.
pub(crate) struct Choice<'a> {
    pub(crate) label: &'a str,
    /// All but the label when empty.
    pub(crate) features: &'a [String],
    pub(crate) exclude: &'a [String],
    pub(crate) time: Option<&'a str>,
}

/// Reads `inputs` whole.
pub(crate) fn read(inputs: &[Input], options: &ReadOptions) -> Result<Table, CallError> {
    read_table(inputs, options).map_err(CallError::input)
}

/// The log, and what the person should know of how it was read.
pub(crate) fn fault_log(
    inputs: &[Input],
    reading: &ReadOptions,
    choice: &Choice<'_>,
) -> Result<(FaultLog, Vec<String>), CallError> {
    let table = read(inputs, &options(reading, choice))?;
    // The person may have given the number of the column.
    let time = choice.time.map(|name| time_column(&table, name));
    let choice = &Choice { time, ..*choice };
    let mut notes = Vec::new();
    check_names(&table, choice)?;
    let label = cells(&table, choice.label)?;
    let Cells::Words(causes) = label else {
        return Err(CallError::input(format!("label `{}` does not hold words", choice.label)));
    };
    let times = choice.time.map(|name| times(&table, name)).transpose()?;
    let rows = usable_rows(causes, times.as_deref(), choice, &mut notes);
    if rows.is_empty() {
        let label = choice.label;
        return Err(CallError::input(format!("column `{label}` has no value in any row")));
    }
    let features: Vec<FeatureColumn> = table
        .columns()
        .iter()
        .filter(|column| is_feature(column, choice))
        .filter_map(|column| feature(column, &rows, &mut notes))
        .collect();
    let (classes, labels) = classes(causes, &rows);
    let log = FaultLog::new(plain(choice.label), classes, labels, features);
    let log = log.map_err(CallError::input)?;
    let log = match (times, choice.time) {
        (Some(times), Some(name)) => {
            let times = rows.iter().filter_map(|&row| times[row]).collect();
            log.with_times(name, times).map_err(CallError::input)?
        }
        _ => log,
    };
    Ok((log, notes))
}

fn options(reading: &ReadOptions, choice: &Choice<'_>) -> ReadOptions {
    let mut options = ReadOptions { words: vec![choice.label.to_owned()], ..reading.clone() };
    if choice.time.is_none() {
        options.time = TimeColumn::Without;
    }
    if !choice.features.is_empty() {
        let mut columns = choice.features.to_vec();
        columns.push(choice.label.to_owned());
        columns.dedup();
        options.columns = Some(columns);
    }
    options
}

/// The name of the column that `asked` means, which may be its number.
fn time_column<'n>(table: &'n Table, asked: &'n str) -> &'n str {
    if table.column(asked).is_some() || asked.parse::<usize>().is_err() {
        return asked;
    }
    let is_time = |column: &&Column| matches!(column.cells, Cells::Times(_));
    table.columns().iter().find(is_time).map_or(asked, |column| &column.name)
}

/// Refuses names that no column has, and a label among the features.
fn check_names(table: &Table, choice: &Choice<'_>) -> Result<(), CallError> {
    if choice.features.iter().any(|name| name == choice.label) {
        let label = choice.label;
        return Err(CallError::input(format!(
            "`{label}` is the label, it cannot be a feature too: take it out of --features"
        )));
    }
    for name in choice.exclude {
        cells(table, name)?;
    }
    Ok(())
}

fn cells<'t>(table: &'t Table, name: &str) -> Result<&'t Cells, CallError> {
    if let Some(column) = table.column(name) {
        return Ok(&column.cells);
    }
    let hint = table.nearest_name(name).map_or_else(
        || {
            let names = table.columns().iter().take(8);
            let names: Vec<String> = names.map(|column| format!("`{}`", column.name)).collect();
            format!("there are {}", names.join(", "))
        },
        |near| format!("did you mean `{near}`"),
    );
    Err(CallError::input(format!("no column `{name}`: {hint}")))
}

fn is_feature(column: &Column, choice: &Choice<'_>) -> bool {
    column.name != choice.label
        && choice.time != Some(&column.name)
        && !choice.exclude.contains(&column.name)
}

/// Moments as sortable numbers.
fn times(table: &Table, name: &str) -> Result<Vec<Option<i64>>, CallError> {
    match cells(table, name)? {
        Cells::Times(times) => Ok(times.iter().map(|time| time.map(|time| time.nanos())).collect()),
        _ => Err(CallError::input(format!(
            "column `{name}` does not hold times, such as 2024-05-01T13:00:00Z"
        ))),
    }
}

/// Rows with a label and, where times are needed, a time.
fn usable_rows(
    causes: &Words,
    times: Option<&[Option<i64>]>,
    choice: &Choice<'_>,
    notes: &mut Vec<String>,
) -> Vec<usize> {
    let all = 0..causes.rows.len();
    let labelled: Vec<usize> = all.clone().filter(|&row| causes.rows[row].is_some()).collect();
    let without = all.len() - labelled.len();
    if without > 0 {
        notes.push(format!("{without} rows have no `{}` and are not used", choice.label));
    }
    let Some(times) = times else { return labelled };
    let timed: Vec<usize> = labelled.iter().copied().filter(|&row| times[row].is_some()).collect();
    if timed.len() < labelled.len() {
        let without = labelled.len() - timed.len();
        notes.push(format!(
            "{without} rows have no `{}` and are not used",
            choice.time.unwrap_or_default()
        ));
    }
    timed
}

fn feature(column: &Column, rows: &[usize], notes: &mut Vec<String>) -> Option<FeatureColumn> {
    let name = plain(&column.name);
    let values = match &column.cells {
        Cells::Times(_) => {
            notes.push(format!("`{name}` holds times, which are no symptoms: left out"));
            return None;
        }
        Cells::Numbers(numbers) => {
            let infinite = rows.iter().filter(|&&row| numbers[row].is_infinite()).count();
            if infinite > 0 {
                notes.push(format!("`{name}` is infinite in {infinite} rows: taken as missing"));
            }
            let finite = |&row: &usize| {
                if numbers[row].is_finite() { numbers[row] } else { f64::NAN }
            };
            FeatureValues::Numbers(rows.iter().map(finite).collect())
        }
        Cells::Words(words) => {
            let mut categories = Vec::new();
            let mut known = HashMap::new();
            let mut code = |&row: &usize| {
                words.get(row).map_or(MISSING, |word| {
                    *known.entry(plain(word)).or_insert_with_key(|word| {
                        categories.push(word.clone());
                        categories.len() as u32 - 1
                    })
                })
            };
            let codes = rows.iter().map(&mut code).collect();
            FeatureValues::Words { codes, categories }
        }
    };
    Some(FeatureColumn { name, values })
}

/// The causes, the most frequent first, and the cause of each row.
fn classes(causes: &Words, rows: &[usize]) -> (Vec<String>, Vec<u32>) {
    let name = |row: usize| causes.get(row).map(plain).unwrap_or_default();
    let mut counts: HashMap<String, usize> = HashMap::new();
    rows.iter().for_each(|&row| *counts.entry(name(row)).or_default() += 1);
    let mut order: Vec<(String, usize)> = counts.into_iter().collect();
    order.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let names: Vec<String> = order.into_iter().map(|(name, _)| name).collect();
    let at: HashMap<&str, u32> =
        names.iter().enumerate().map(|(at, name)| (name.as_str(), at as u32)).collect();
    let labels = rows.iter().map(|&row| at[name(row).as_str()]).collect();
    (names, labels)
}

/// `text` on one line and without control characters, so that it can be shown.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

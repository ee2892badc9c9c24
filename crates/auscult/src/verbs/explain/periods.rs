//! The table, cut into before and after.

use auscult_core::{LARGEST_READING, Timestamp};
use auscult_telemetry::{
    Cells, Column, ReadOptions, Table, Words, format_time, parse_time, read_table,
};

use super::Arguments;
use crate::outcome::CallError;

/// When rows were taken; `None` where the table does not say.
type Moments = Vec<Option<Timestamp>>;

/// A table whose rows are known to be before or after, in order of time.
#[derive(Debug)]
pub(super) struct Periods {
    table: Table,
    /// Rows before and after the change.
    pub(super) rows: (Vec<usize>, Vec<usize>),
    /// What the periods are called.
    pub(super) names: (String, String),
    /// The column of times, if there is one.
    time: Option<String>,
    /// The column that tells the periods apart, if it was one.
    by: Option<String>,
    /// Rows in neither period.
    pub(super) outside: usize,
}

impl Periods {
    /// Reads the table and cuts it.
    pub(super) fn read(arguments: &Arguments) -> Result<Self, CallError> {
        let by = arguments.by.as_deref().map(parse_by);
        let mut words: Vec<String> = arguments.labels.clone().unwrap_or_default();
        words.extend(by.as_ref().map(|by| by.column.clone()));
        let options = ReadOptions { words, ..arguments.input.options() };
        let inputs = arguments.input.inputs()?;
        let table = read_table(&inputs, &options).map_err(CallError::input)?;
        if table.rows() == 0 {
            let names: Vec<String> = inputs.iter().map(ToString::to_string).collect();
            return Err(CallError::input(format!("{}: there are no rows", names.join(", "))));
        }
        let time = time_column(&table, arguments.input.time.as_deref())?;
        let mut periods = match (&arguments.split, &by) {
            (Some(split), _) => by_time(table, time.as_deref(), split)?,
            (None, Some(by)) => by_value(table, by)?,
            (None, None) => return Err(CallError::input("say where to cut: --split or --by")),
        };
        periods.time = time;
        periods.by = by.map(|by| by.column);
        periods.sort();
        Ok(periods)
    }

    /// The numbers of column `name` in both periods; NaN where missing.
    pub(super) fn numbers(&self, name: &str) -> Result<(Vec<f64>, Vec<f64>), CallError> {
        let column = find(&self.table, name)?;
        let Cells::Numbers(numbers) = &column.cells else {
            let sentence = format!("column `{name}` holds no numbers, need numbers here");
            return Err(CallError::input(sentence));
        };
        let take = |rows: &[usize]| rows.iter().map(|row| tame(numbers[*row])).collect();
        Ok((take(&self.rows.0), take(&self.rows.1)))
    }

    /// The labels of column `name`.
    pub(super) fn words(&self, name: &str) -> Result<&Words, CallError> {
        match &find(&self.table, name)?.cells {
            Cells::Words(words) => Ok(words),
            Cells::Numbers(_) | Cells::Times(_) => {
                Err(CallError::input(format!("column `{name}` holds no labels")))
            }
        }
    }

    /// When each row was taken, in both periods, if the table says.
    pub(super) fn times(&self) -> Option<(Moments, Moments)> {
        let column = self.table.column(self.time.as_deref()?)?;
        let Cells::Times(times) = &column.cells else { return None };
        let take = |rows: &[usize]| rows.iter().map(|row| times[*row]).collect();
        Some((take(&self.rows.0), take(&self.rows.1)))
    }

    /// Every column of numbers but `taken`.
    pub(super) fn number_columns(&self, taken: &[&str]) -> Vec<String> {
        self.columns(taken, |cells| matches!(cells, Cells::Numbers(_)))
    }

    /// Every column of labels but `taken`.
    pub(super) fn label_columns(&self, taken: &[&str]) -> Vec<String> {
        self.columns(taken, |cells| matches!(cells, Cells::Words(_)))
    }

    fn columns(&self, taken: &[&str], kind: impl Fn(&Cells) -> bool) -> Vec<String> {
        let is_free = |name: &str| !taken.contains(&name) && self.by.as_deref() != Some(name);
        let columns = self.table.columns().iter();
        columns
            .filter(|column| kind(&column.cells) && is_free(&column.name))
            .map(|column| column.name.clone())
            .collect()
    }

    /// Puts the rows of each period in order of time; equal times stay as they are.
    fn sort(&mut self) {
        let Some(Cells::Times(times)) =
            self.time.as_deref().and_then(|name| self.table.column(name)).map(|c| &c.cells)
        else {
            return;
        };
        self.rows.0.sort_by_key(|row| times[*row]);
        self.rows.1.sort_by_key(|row| times[*row]);
    }
}

/// Missing for what is not finite, held within what methods can take.
fn tame(number: f64) -> f64 {
    if number.is_finite() { number.clamp(-LARGEST_READING, LARGEST_READING) } else { f64::NAN }
}

/// The column called `name`, or a sentence that says which one was meant.
fn find<'a>(table: &'a Table, name: &str) -> Result<&'a Column, CallError> {
    table.column(name).ok_or_else(|| {
        let names = || table.columns().iter().map(|column| column.name.as_str());
        let hint = match auscult_core::nearest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", listed(names())),
        };
        CallError::input(format!("no column `{name}`; {hint}"))
    })
}

/// Names in a sentence, the first dozen of them.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    let shown = names.len().min(12);
    let more = if names.len() > shown {
        format!(" and {} more", names.len() - shown)
    } else {
        String::new()
    };
    format!("{}{more}", names[..shown].join(", "))
}

/// What `--by` asks for.
struct By {
    column: String,
    values: Option<(String, String)>,
}

fn parse_by(text: &str) -> By {
    let Some((column, values)) = text.split_once('=') else {
        return By { column: text.to_owned(), values: None };
    };
    // A single value is kept, so that the refusal can say what is missing.
    let (before, after) = values.split_once(',').unwrap_or((values, ""));
    By { column: column.to_owned(), values: Some((before.to_owned(), after.to_owned())) }
}

fn time_column(table: &Table, asked: Option<&str>) -> Result<Option<String>, CallError> {
    let is_time = |column: &&Column| matches!(column.cells, Cells::Times(_));
    let first = || table.columns().iter().find(is_time).map(|column| column.name.clone());
    // The person may have given the number of the column, which was then read as times.
    let is_number = |name: &&str| name.parse::<usize>().is_ok() && table.column(name).is_none();
    if let Some(name) = asked.filter(|name| !(is_number(name) && first().is_some())) {
        let column = find(table, name)?;
        return match column.cells {
            Cells::Times(_) => Ok(Some(column.name.clone())),
            Cells::Numbers(_) | Cells::Words(_) => {
                Err(CallError::input(format!("column `{name}` holds no times")))
            }
        };
    }
    Ok(first())
}

fn by_time(table: Table, time: Option<&str>, split: &str) -> Result<Periods, CallError> {
    let moment = parse_time(split).ok_or_else(|| {
        let example = "write it as 2026-05-03T14:00:00Z";
        CallError::input(format!("--split {split}: not a time; {example}"))
    })?;
    let Some(Cells::Times(times)) = time.and_then(|name| table.column(name)).map(|c| &c.cells)
    else {
        let sentence = "no column holds times, so --split cannot cut; use --by COLUMN=BEFORE,AFTER";
        return Err(CallError::input(sentence));
    };
    let side = |late: bool| -> Vec<usize> {
        let is_there = |row: &usize| times[*row].is_some_and(|time| (time >= moment) == late);
        (0..times.len()).filter(is_there).collect()
    };
    let rows = (side(false), side(true));
    if rows.0.is_empty() || rows.1.is_empty() {
        let known = times.iter().flatten();
        let (Some(first), Some(last)) = (known.clone().min(), known.max()) else {
            return Err(CallError::input("no row has a time"));
        };
        let (first, last) = (format_time(*first), format_time(*last));
        let empty = if rows.0.is_empty() { "before" } else { "after" };
        return Err(CallError::input(format!(
            "--split {split}: there are no rows {empty} it; the table covers {first} to {last}"
        )));
    }
    let outside = times.len() - rows.0.len() - rows.1.len();
    let names =
        (format!("before {}", format_time(moment)), format!("from {}", format_time(moment)));
    Ok(Periods { table, rows, names, time: None, by: None, outside })
}

fn by_value(table: Table, by: &By) -> Result<Periods, CallError> {
    let column = find(&table, &by.column)?;
    let Cells::Words(words) = &column.cells else {
        let sentence = format!("column `{}` holds times; use --split TIME instead", by.column);
        return Err(CallError::input(sentence));
    };
    let all = || listed(words.distinct.iter().map(String::as_str));
    let (before, after) = match (&by.values, words.distinct.as_slice()) {
        (Some((before, after)), _) if !after.is_empty() => (before.clone(), after.clone()),
        (Some((only, _)), _) => {
            return Err(CallError::input(format!(
                "--by {}={only}: name two values, as in {}={only},AFTER; there are {}",
                by.column,
                by.column,
                all()
            )));
        }
        (None, [before, after]) => (before.clone(), after.clone()),
        (None, values) => {
            return Err(CallError::input(format!(
                "--by {}: the column has {} values, need two; name them as {}=BEFORE,AFTER; \
                 there are {}",
                by.column,
                values.len(),
                by.column,
                all()
            )));
        }
    };
    if before == after {
        let sentence = format!("--by {}: both periods are `{before}`", by.column);
        return Err(CallError::input(sentence));
    }
    let side = |value: &str| -> Vec<usize> {
        (0..words.rows.len()).filter(|row| words.get(*row) == Some(value)).collect()
    };
    let rows = (side(&before), side(&after));
    for (value, rows) in [(&before, &rows.0), (&after, &rows.1)] {
        if rows.is_empty() {
            return Err(CallError::input(format!(
                "column `{}` never reads `{value}`; there are {}",
                by.column,
                all()
            )));
        }
    }
    let outside = words.rows.len() - rows.0.len() - rows.1.len();
    Ok(Periods { table, rows, names: (before, after), time: None, by: None, outside })
}

//! Splitting a table into series.
//!
//! A row with a missing or infinite cell is left out of the series it would
//! belong to, unless the method needs every position (see
//! [`auscult_detect::Order`]): then the cell is filled by a straight line
//! between its neighbours, and the row is still never reported.

use std::collections::HashMap;
use std::sync::Arc;

use auscult_core::{Frame, Timestamp};
use auscult_detect::Order;
use auscult_telemetry::{Cells, Table};

use super::finding::SeriesName;
use super::words::{count, counted};
use crate::outcome::CallError;

/// Readings of one series, in order of time.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub name: Arc<SeriesName>,
    /// Number of each row in the input, from 1.
    pub rows: Vec<u64>,
    /// When each row was taken, if the input says so for every row.
    pub times: Option<Vec<Timestamp>>,
    /// Row by row, finite.
    pub readings: Vec<f64>,
    /// Rows that hold filled cells and are not to be reported.
    pub filled: Vec<bool>,
    /// What the label column says of each row.
    pub labels: Option<Vec<Option<bool>>>,
    /// Whether the input had its rows in another order.
    pub reordered: bool,
    /// Rows of the input, those left out included.
    pub rows_read: u64,
    pub missing: u64,
    pub infinite: u64,
    pub notes: Vec<String>,
}

impl Series {
    /// The readings as methods take them.
    ///
    /// # Panics
    ///
    /// Never: the readings are finite and fill whole rows.
    pub(crate) fn frame(&self) -> Frame<'_> {
        let frame = Frame::new(&self.readings, self.name.columns.len());
        let frame = frame.expect("a series holds whole rows of finite readings");
        match &self.times {
            Some(times) => frame.with_times(times).expect("a series has one time per row"),
            None => frame,
        }
    }

    /// Whether the row at `place` is labelled an anomaly.
    pub(crate) fn is_anomaly(&self, place: usize) -> bool {
        self.labels.as_ref().is_some_and(|labels| labels[place] == Some(true))
    }
}

/// How to split.
#[derive(Debug, Clone)]
pub(crate) struct Split<'a> {
    /// The columns to judge.
    pub columns: &'a [String],
    /// Whether they are judged together.
    pub joint: bool,
    /// The columns that tell series apart.
    pub group_by: &'a [String],
    /// The column of labels.
    pub label: Option<&'a str>,
    /// The column of times.
    pub time: Option<&'a str>,
    /// Whether every position counts.
    pub order: Order,
}

/// The series of `table`, in order of first appearance.
///
/// `first_row` is the number of its first row in the input.
pub(crate) fn split(
    table: &Table,
    first_row: u64,
    split: &Split<'_>,
) -> Result<Vec<Series>, CallError> {
    let numbers =
        split.columns.iter().map(|name| numbers_of(table, name)).collect::<Result<Vec<_>, _>>()?;
    let labels = split.label.map(|name| labels_of(table, name)).transpose()?;
    let times = split.time.and_then(|name| times_of(table, name));
    let groups = groups_of(table, split.group_by)?;
    let sets: Vec<Vec<usize>> = if split.joint {
        vec![(0..numbers.len()).collect()]
    } else {
        (0..numbers.len()).map(|column| vec![column]).collect()
    };
    let mut all = Vec::with_capacity(groups.len() * sets.len());
    for (group, members) in groups {
        for set in &sets {
            let name = SeriesName {
                group: group.clone(),
                columns: set.iter().map(|column| split.columns[*column].clone()).collect(),
            };
            let set: Vec<&[f64]> = set.iter().map(|column| numbers[*column]).collect();
            let labels = labels.as_deref();
            let whole = match &members {
                None => undivided(&name, first_row, &set, times, labels),
                Some(_) => None,
            };
            all.push(whole.unwrap_or_else(|| {
                let members = members.clone().unwrap_or_else(|| (0..table.rows()).collect());
                gather(name, members, first_row, &set, times, labels, split.order)
            }));
        }
    }
    Ok(all)
}

/// The numbers of column `name`.
pub(crate) fn numbers_of<'a>(table: &'a Table, name: &str) -> Result<&'a [f64], CallError> {
    match table.column(name).map(|column| &column.cells) {
        Some(Cells::Numbers(numbers)) => Ok(numbers),
        Some(Cells::Words(words)) => {
            let example = words.distinct.first().map_or("nothing", String::as_str);
            Err(CallError::input(format!(
                "column `{name}` holds words (such as `{example}`), need numbers"
            )))
        }
        Some(Cells::Times(_)) => {
            Err(CallError::input(format!("column `{name}` holds times, need numbers")))
        }
        None => Err(CallError::input(format!("no column `{name}`"))),
    }
}

/// The times of column `name`, if it holds times.
pub(super) fn times_of<'a>(table: &'a Table, name: &str) -> Option<&'a [Option<Timestamp>]> {
    match table.column(name).map(|column| &column.cells) {
        Some(Cells::Times(times)) => Some(times),
        _ => None,
    }
}

/// What column `name` says of each row: an anomaly or not.
fn labels_of(table: &Table, name: &str) -> Result<Vec<Option<bool>>, CallError> {
    let column = table
        .column(name)
        .ok_or_else(|| CallError::input(format!("no column `{name}` for the labels")))?;
    match &column.cells {
        Cells::Numbers(numbers) => {
            let label = |number: &f64| (!number.is_nan()).then_some(*number != 0.0);
            Ok(numbers.iter().map(label).collect())
        }
        Cells::Words(words) => {
            let meanings = words.distinct.iter().map(|word| meaning(word, name));
            let meanings = meanings.collect::<Result<Vec<bool>, _>>()?;
            let label = |word: &Option<u32>| word.map(|word| meanings[word as usize]);
            Ok(words.rows.iter().map(label).collect())
        }
        Cells::Times(_) => Err(CallError::input(format!("column `{name}` holds times, no labels"))),
    }
}

fn meaning(word: &str, column: &str) -> Result<bool, CallError> {
    match word.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "anomaly" | "anomalous" | "abnormal" | "outlier" => Ok(true),
        "0" | "false" | "no" | "normal" | "inlier" | "ok" => Ok(false),
        _ => Err(CallError::input(format!(
            "label `{word}` in column `{column}`: expected 1 or 0, true or false, \
             anomaly or normal; for labels of several kinds use `auscult learn`"
        ))),
    }
}

/// A group: the words that name it, and its rows in the table; `None` for all rows.
pub(super) type Group = (Vec<String>, Option<Vec<usize>>);

/// The rows of each group, groups in order of first appearance.
pub(super) fn groups_of(table: &Table, group_by: &[String]) -> Result<Vec<Group>, CallError> {
    if group_by.is_empty() {
        return Ok(vec![(Vec::new(), None)]);
    }
    let mut columns = Vec::new();
    for name in group_by {
        match table.column(name).map(|column| &column.cells) {
            Some(Cells::Words(words)) => columns.push(words),
            Some(_) => {
                return Err(CallError::input(format!("column `{name}` cannot tell series apart")));
            }
            None => return Err(CallError::input(format!("no column `{name}` to group by"))),
        }
    }
    let mut places: HashMap<Vec<Option<u32>>, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for row in 0..table.rows() {
        let key: Vec<Option<u32>> = columns.iter().map(|words| words.rows[row]).collect();
        let place = *places.entry(key).or_insert_with(|| {
            let word = |words: &&auscult_telemetry::Words| words.get(row).unwrap_or("").to_owned();
            groups.push((columns.iter().map(word).collect(), Some(Vec::new())));
            groups.len() - 1
        });
        groups[place].1.get_or_insert_default().push(row);
    }
    Ok(groups)
}

/// The series `name` from all rows of `columns`, if none of them needs a second
/// look: every cell is finite, and the times are all there and in order.
///
/// This is what most inputs are, and row by row it would cost more than reading.
fn undivided(
    name: &SeriesName,
    first_row: u64,
    columns: &[&[f64]],
    times: Option<&[Option<Timestamp>]>,
    labels: Option<&[Option<bool>]>,
) -> Option<Series> {
    let rows = columns[0].len();
    let finite = |column: &&[f64]| column.iter().fold(true, |all, cell| all & cell.is_finite());
    if !columns.iter().all(finite) {
        return None;
    }
    let times: Option<Vec<Timestamp>> = match times {
        Some(times) if times.is_sorted() => Some(times.iter().copied().collect::<Option<_>>()?),
        Some(_) => return None,
        None => None,
    };
    let readings = match columns {
        [column] => column.to_vec(),
        many => (0..rows).flat_map(|row| many.iter().map(move |column| column[row])).collect(),
    };
    Some(Series {
        name: Arc::new(name.clone()),
        rows: (first_row..first_row + rows as u64).collect(),
        times,
        readings,
        filled: vec![false; rows],
        labels: labels.map(<[_]>::to_vec),
        reordered: false,
        rows_read: rows as u64,
        missing: 0,
        infinite: 0,
        notes: Vec::new(),
    })
}

/// The series `name` from rows `members` of `columns`.
fn gather(
    name: SeriesName,
    mut members: Vec<usize>,
    first_row: u64,
    columns: &[&[f64]],
    times: Option<&[Option<Timestamp>]>,
    labels: Option<&[Option<bool>]>,
    order: Order,
) -> Series {
    let mut notes = Vec::new();
    let times = times.filter(|times| {
        let absent = members.iter().filter(|row| times[**row].is_none()).count() as u64;
        if absent > 0 {
            let rows = counted(absent, "row has", "rows have");
            notes.push(format!("{rows} no time; rows are taken in the order of the input"));
        }
        absent == 0
    });
    let mut reordered = false;
    if let Some(times) = times {
        let backwards = members.windows(2).filter(|pair| times[pair[1]] < times[pair[0]]).count();
        if backwards > 0 {
            members.sort_by_key(|row| times[*row]);
            reordered = true;
            let times = counted(backwards as u64, "time", "times");
            notes.push(format!("the clock goes backwards {times}; rows were put in order of time"));
        }
    }
    let mut series = Series {
        rows: Vec::with_capacity(members.len()),
        times: times.map(|_| Vec::with_capacity(members.len())),
        readings: Vec::with_capacity(members.len() * columns.len()),
        filled: Vec::new(),
        labels: labels.map(|_| Vec::with_capacity(members.len())),
        reordered,
        rows_read: members.len() as u64,
        missing: 0,
        infinite: 0,
        notes,
        name: Arc::new(name),
    };
    for row in members {
        let (missing, infinite) = columns.iter().fold((0, 0), |(missing, infinite), column| {
            let cell: f64 = column[row];
            (missing + u64::from(cell.is_nan()), infinite + u64::from(cell.is_infinite()))
        });
        series.missing += missing;
        series.infinite += infinite;
        let whole = missing + infinite == 0;
        if !whole && order == Order::Free {
            continue;
        }
        series.rows.push(first_row + row as u64);
        series.filled.push(!whole);
        series.readings.extend(columns.iter().map(|column| column[row]));
        if let (Some(kept), Some(Some(time))) = (&mut series.times, times.map(|times| times[row])) {
            kept.push(time);
        }
        if let (Some(kept), Some(labels)) = (&mut series.labels, labels) {
            kept.push(labels[row]);
        }
    }
    if series.filled.contains(&true) {
        fill(&mut series.readings, columns.len());
        if series.readings.iter().any(|reading| !reading.is_finite()) {
            // A column without any finite cell: nothing can be judged.
            series.rows.clear();
            series.readings.clear();
            series.filled.clear();
            series.times = series.times.map(|_| Vec::new());
            series.labels = series.labels.map(|_| Vec::new());
        }
    }
    series
}

/// Fills what is not finite by a straight line between the neighbours in the
/// same channel, and level beyond the ends.
fn fill(readings: &mut [f64], channels: usize) {
    let rows = readings.len() / channels;
    for channel in 0..channels {
        let at = |row: usize| row * channels + channel;
        let mut last: Option<usize> = None;
        for row in 0..=rows {
            if row < rows && !readings[at(row)].is_finite() {
                continue;
            }
            let gap = last.map_or(0, |last| last + 1)..row;
            if !gap.is_empty() {
                let right = (row < rows).then(|| readings[at(row)]);
                let left = last.map(|last| readings[at(last)]);
                for hole in gap.clone() {
                    let part = (hole - gap.start + 1) as f64 / (gap.len() + 1) as f64;
                    readings[at(hole)] = match (left, right) {
                        (Some(left), Some(right)) => left + (right - left) * part,
                        (Some(level), None) | (None, Some(level)) => level,
                        (None, None) => f64::NAN,
                    };
                }
            }
            last = Some(row);
        }
    }
}

/// A sentence on rows that were left out or filled; nothing if there were none.
pub(crate) fn absent(missing: u64, infinite: u64, order: Order) -> Option<String> {
    let mut parts = Vec::new();
    if missing > 0 {
        parts.push(counted(missing, "missing cell", "missing cells"));
    }
    if infinite > 0 {
        parts.push(counted(infinite, "infinite cell", "infinite cells"));
    }
    let done = match order {
        Order::Free => "left out",
        Order::Sequence => "filled from their neighbours and never reported",
    };
    let verb = if missing + infinite == 1 { "was" } else { "were" };
    (!parts.is_empty()).then(|| format!("{} {verb} {done}", parts.join(" and ")))
}

/// `4,032 rows`.
pub(crate) fn rows(number: u64) -> String {
    format!("{} {}", count(number), if number == 1 { "row" } else { "rows" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_by_a_straight_line_and_level_at_the_ends() {
        let hole = f64::NAN;
        let mut readings = [hole, 1.0, 1.0, hole, hole, f64::INFINITY, 4.0, hole, hole, hole];
        fill(&mut readings, 2);
        assert_eq!(readings, [1.0, 1.0, 1.0, 1.0, 2.5, 1.0, 4.0, 1.0, 4.0, 1.0]);
    }
}

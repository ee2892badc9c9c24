//! Counters: judged by their rates, which are taken before a table is split.
//!
//! A cell that gives no rate (the first of a series, a reset, one after a long
//! gap, a late one) becomes a missing one, with the usual policy, but is
//! counted apart. The state of each counter outlives the batch, so that an
//! input held in memory and one that is streamed have the same rates. Rows are
//! taken in order of time within what is held; streamed, a row that belongs
//! before an earlier batch is late.

use std::collections::HashMap;

use auscult_core::Timestamp;
use auscult_stats::counter::{CounterRate, Growth};
use auscult_telemetry::{Cells, Column, Table};

use super::lookalike::Lookalikes;
use super::series::{Series, groups_of, numbers_of, times_of};
use super::tally::SeriesTally;
use super::words::counted;
use crate::outcome::CallError;

/// The columns that are counters, and how far each was read in each group.
#[derive(Debug)]
pub(crate) struct Counters<'a> {
    columns: Vec<String>,
    group_by: &'a [String],
    time: Option<&'a str>,
    /// For each group, one entry a column.
    groups: HashMap<Vec<String>, Vec<Counter>>,
    lookalikes: Lookalikes,
}

/// One counter of one group.
#[derive(Debug)]
struct Counter {
    rate: CounterRate,
    rows: i64,
    seen: Seen,
}

/// Readings that gave no rate, or none that could be taken as it is.
#[derive(Debug, Default)]
struct Seen {
    firsts: u64,
    resets: u64,
    wraps: u64,
    gaps: u64,
    late: u64,
    timeless: u64,
    negative: u64,
}

impl<'a> Counters<'a> {
    /// `columns` of series told apart by `group_by`, with times in column `time`.
    pub(crate) fn new(columns: Vec<String>, group_by: &'a [String], time: Option<&'a str>) -> Self {
        let lookalikes = Lookalikes::default();
        Self { columns, group_by, time, groups: HashMap::new(), lookalikes }
    }

    /// What the rate of counter `column` is called.
    pub(crate) fn title(column: &str, is_timed: bool) -> String {
        format!("{column} per {}", if is_timed { "second" } else { "row" })
    }

    /// Whether there are any, so that times are needed.
    pub(crate) fn are_declared(&self) -> bool {
        !self.columns.is_empty()
    }

    /// Forgets what was read, before another pass over the input.
    pub(crate) fn begin(&mut self) {
        self.groups.clear();
        self.lookalikes = Lookalikes::default();
    }

    /// `table` with the rates of its counters instead of the counters.
    pub(crate) fn rates(&mut self, table: Table) -> Result<Table, CallError> {
        if self.columns.is_empty() {
            return Ok(table);
        }
        let times = self.time.and_then(|name| times_of(&table, name));
        let counters: Vec<&[f64]> =
            self.columns.iter().map(|name| numbers_of(&table, name)).collect::<Result<_, _>>()?;
        let mut rates = vec![vec![f64::NAN; table.rows()]; counters.len()];
        for (group, members) in groups_of(&table, self.group_by)? {
            let mut members = members.unwrap_or_else(|| (0..table.rows()).collect());
            if let Some(times) = times {
                // As the rows of a series are put in order.
                members.sort_by_key(|row| times[*row]);
            }
            let states = self.groups.entry(group).or_insert_with(|| {
                let ticks = if self.time.is_some() { 1e9 } else { 1.0 };
                let fresh =
                    || Counter { rate: CounterRate::new(ticks), rows: 0, seen: Seen::default() };
                counters.iter().map(|_| fresh()).collect()
            });
            for ((counter, cells), rates) in states.iter_mut().zip(&counters).zip(&mut rates) {
                for row in &members {
                    counter.rows += 1;
                    let time = match times {
                        Some(times) => times[*row].map(Timestamp::nanos),
                        None => Some(counter.rows),
                    };
                    rates[*row] = counter.step(time, cells[*row]);
                }
            }
        }
        let is_timed = self.time.is_some();
        let mut rates: HashMap<String, Vec<f64>> =
            self.columns.iter().cloned().zip(rates).collect();
        let columns =
            table.into_columns().into_iter().map(|column| match rates.remove(&column.name) {
                Some(rates) => Column {
                    name: Self::title(&column.name, is_timed),
                    cells: Cells::Numbers(rates),
                },
                None => column,
            });
        Ok(Table::new(columns.collect()))
    }

    /// Looks at a batch of a series for counters that were not declared.
    pub(crate) fn look(&mut self, series: &Series) {
        self.lookalikes.take(series);
    }

    /// Adds what was found of the counters to the `tally` of a series.
    pub(crate) fn tell(&self, tally: &mut SeriesTally) {
        let declared: Vec<String> =
            self.columns.iter().map(|name| Self::title(name, self.time.is_some())).collect();
        if let Some(counters) = self.groups.get(&tally.name.group) {
            for ((counter, column), title) in counters.iter().zip(&self.columns).zip(&declared) {
                if tally.name.columns.contains(title) {
                    // Those had a reading, just no rate.
                    tally.missing = tally.missing.saturating_sub(counter.seen.unrated());
                    tally.notes.extend(counter.seen.sentence(column));
                }
            }
        }
        tally.notes.extend(self.lookalikes.sentences(&tally.name, &declared));
    }
}

impl Counter {
    /// The rate at a cell, as a cell.
    fn step(&mut self, time: Option<i64>, cell: f64) -> f64 {
        let Some(time) = time else {
            self.seen.timeless += u64::from(cell.is_finite());
            return if cell.is_finite() { f64::NAN } else { cell };
        };
        let without_rate = match self.rate.step(time, cell) {
            Growth::Rate(rate) => return rate,
            Growth::Wrapped(rate) => {
                self.seen.wraps += 1;
                return rate;
            }
            Growth::Invalid if !cell.is_finite() => return cell,
            Growth::Invalid => &mut self.seen.negative,
            Growth::First => &mut self.seen.firsts,
            Growth::Reset(_) => &mut self.seen.resets,
            Growth::Gap => &mut self.seen.gaps,
            Growth::Late => &mut self.seen.late,
        };
        *without_rate += 1;
        f64::NAN
    }
}

impl Seen {
    /// Readings without a rate.
    fn unrated(&self) -> u64 {
        self.firsts + self.resets + self.gaps + self.late + self.timeless + self.negative
    }

    /// What was seen of counter `column`; nothing if all that lacks is the first rate.
    fn sentence(&self, column: &str) -> Option<String> {
        let parts = [(self.resets, "reset", "resets"), (self.wraps, "wrap", "wraps")];
        let list = |parts: &[(u64, &str, &str)]| {
            let some = parts.iter().filter(|(number, ..)| *number > 0);
            some.map(|(number, one, many)| counted(*number, one, many)).collect::<Vec<_>>()
        };
        let anew = list(&parts);
        let unrated = list(&[
            (self.firsts, "first", "first"),
            (self.resets, "reset", "resets"),
            (self.gaps, "after a long gap", "after long gaps"),
            (self.late, "late", "late"),
            (self.timeless, "without a time", "without a time"),
            (self.negative, "below 0", "below 0"),
        ]);
        if anew.is_empty() && self.unrated() == self.firsts && self.firsts <= 1 {
            return None;
        }
        let anew = if anew.is_empty() {
            String::new()
        } else {
            format!("{} of {column}; ", anew.join(" and "))
        };
        let readings = counted(self.unrated(), "reading", "readings");
        let verb = if self.unrated() == 1 { "gives" } else { "give" };
        let unrated = unrated.join(", ");
        Some(format!("{anew}{readings} of {column} {verb} no rate to judge ({unrated})"))
    }
}

//! A file, replayed in the order of its times.

use std::collections::VecDeque;

use auscult_core::{METRIC_NAME, Timestamp};
use auscult_telemetry::metrics::MetricBatch;
use auscult_telemetry::{Input, ReadOptions, Reader, Table, read_table};

use super::{BacktestError, Player};
use crate::sources::Slice;
use crate::sources::records::{Reading, Records};

/// A CSV, JSON Lines or Parquet file. Every column of numbers is a metric, as in files that the
/// service follows; with a column of labels called `__name__` the file is long, a value a record.
#[derive(Debug, Clone)]
pub struct RecordedFile {
    /// What to read; its name is the label `instance`.
    pub input: Input,
    /// How it is written. Its columns of words are those of `labels`.
    pub options: ReadOptions,
    /// The column that says when; found by its name and cells where none is named.
    pub time: Option<String>,
    /// Columns whose cells are labels, such as `rank`. Of a long file where none is named: all
    /// but the time and `value`.
    pub labels: Vec<String>,
    /// Metrics that are counters, which are judged by their rates.
    pub counters: Vec<String>,
    /// Label `job` of its series.
    pub job: String,
}

impl RecordedFile {
    /// Of `input`, without labels of its own.
    #[must_use]
    pub fn new(input: Input) -> Self {
        Self {
            input,
            options: ReadOptions::default(),
            time: None,
            labels: Vec::new(),
            counters: Vec::new(),
            job: "file".to_owned(),
        }
    }
}

/// The column of values of a long file.
const VALUE: &str = "value";
/// Moments that are made at a time.
const AHEAD: usize = 256;

/// A file while it is replayed.
#[derive(Debug)]
pub(super) struct FilePlayer {
    file: RecordedFile,
    name: String,
    table: Table,
    /// Rows by time, those in the time that is replayed.
    rows: Vec<(Timestamp, usize)>,
    at: usize,
    ready: VecDeque<Slice>,
    untimed: u64,
}

impl FilePlayer {
    pub(super) fn open(
        mut file: RecordedFile,
        (from, to): (Option<Timestamp>, Option<Timestamp>),
    ) -> Result<Self, BacktestError> {
        if file.labels.is_empty() {
            file.labels = labels_of_long(&file)?;
        }
        let options = ReadOptions { words: file.labels.clone(), ..file.options.clone() };
        let table = read_table(std::slice::from_ref(&file.input), &options)?;
        let (name, ready) = (file.input.to_string(), VecDeque::new());
        let mut player = Self { file, name, table, rows: Vec::new(), at: 0, ready, untimed: 0 };
        let times = player.records()?.times;
        let is_wanted = |time: Timestamp| {
            from.is_none_or(|from| time >= from) && to.is_none_or(|to| time <= to)
        };
        let timed = times.iter().enumerate().filter_map(|(row, time)| Some(((*time)?, row)));
        let mut rows: Vec<_> = timed.filter(|(time, _)| is_wanted(*time)).collect();
        rows.sort_unstable();
        let untimed = times.iter().filter(|time| time.is_none()).count() as u64;
        (player.rows, player.untimed) = (rows, untimed);
        Ok(player)
    }

    fn records(&self) -> Result<Records<'_>, BacktestError> {
        let reading = Reading {
            time: self.file.time.as_deref(),
            labels: &self.file.labels,
            counters: &self.file.counters,
            job: &self.file.job,
            instance: &self.name,
        };
        Records::new(&self.table, reading).map_err(|reason| self.refused(reason))
    }

    fn refused(&self, reason: String) -> BacktestError {
        BacktestError::File { name: self.name.clone(), reason }
    }
}

/// The columns of labels of a long file, a value a record; none of another one.
fn labels_of_long(file: &RecordedFile) -> Result<Vec<String>, BacktestError> {
    // What comes only once cannot be looked at beforehand.
    if matches!(file.input, Input::Stdin) {
        return Ok(Vec::new());
    }
    let reader = Reader::open(std::slice::from_ref(&file.input), &file.options)?;
    let time = file.time.as_deref().or(reader.time_column());
    let names = || reader.schema().iter().map(|field| field.name.as_str());
    let is_long = [METRIC_NAME, VALUE].iter().all(|wanted| names().any(|name| name == *wanted));
    let labels = names().filter(|name| Some(*name) != time && *name != VALUE);
    Ok(if is_long { labels.map(str::to_owned).collect() } else { Vec::new() })
}

impl Player for FilePlayer {
    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        Some((self.rows.first()?.0, self.rows.last()?.0))
    }

    fn step(&self) -> Option<i64> {
        let pairs = self.rows.iter().zip(self.rows.iter().skip(1));
        let steps = pairs.map(|((one, _), (other, _))| other.nanos() - one.nanos());
        let mut steps: Vec<i64> = steps.filter(|step| *step > 0).collect();
        let middle = steps.len() / 2;
        (!steps.is_empty()).then(|| *steps.select_nth_unstable(middle).1)
    }

    fn next(&mut self) -> Result<Option<Slice>, BacktestError> {
        if self.ready.is_empty() {
            let records = self.records()?;
            let mut ready = VecDeque::new();
            let mut at = self.at;
            while let Some((time, _)) = self.rows.get(at).filter(|_| ready.len() < AHEAD) {
                let mut batch = MetricBatch::default();
                while let Some((_, row)) = self.rows.get(at).filter(|(other, _)| other == time) {
                    let pushed = records.push(*row, *time, &mut batch);
                    pushed.map_err(|reason| self.refused(reason))?;
                    at += 1;
                }
                ready.push_back(Slice { time: *time, batch });
            }
            (self.ready, self.at) = (ready, at);
        }
        Ok(self.ready.pop_front())
    }

    fn untimed(&self) -> u64 {
        self.untimed
    }
}

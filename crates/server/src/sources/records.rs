//! What the records of a file become: samples of series named by columns.

use std::collections::BTreeMap;

use auscult_core::{METRIC_NAME, Timestamp};
use auscult_telemetry::metrics::{MetricBatch, MetricKind};
use auscult_telemetry::{Cells, Column, Table, Words};

/// How records are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// The column that says when; the first of times where none is named.
    pub(crate) time: Option<&'a str>,
    /// Columns whose cells are labels.
    pub(crate) labels: &'a [String],
    /// Metrics that are counters.
    pub(crate) counters: &'a [String],
    /// Label `job`, unless a column is.
    pub(crate) job: &'a str,
    /// Label `instance`, unless a column is.
    pub(crate) instance: &'a str,
}

/// The columns of a table, by what they mean.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    pub(crate) times: &'a [Option<Timestamp>],
    /// Labels that every record has.
    fixed: Vec<(&'a str, &'a str)>,
    labels: Vec<(&'a str, &'a Words)>,
    /// The column that names the metric, where the file is long: a value a record.
    names: Option<&'a Words>,
    numbers: Vec<(&'a str, &'a [f64])>,
    counters: &'a [String],
}

impl<'a> Records<'a> {
    /// The records of `table`; refuses, in a sentence, those that do not say when.
    pub(crate) fn new(table: &'a Table, reading: Reading<'a>) -> Result<Self, String> {
        let columns = table.columns();
        let named = |name: &str| columns.iter().find(|column| column.name == name);
        let time = match reading.time {
            Some(name) => named(name),
            None => columns.iter().find(|column| matches!(column.cells, Cells::Times(_))),
        };
        let Some(Cells::Times(times)) = time.map(|column| &column.cells) else {
            return Err("it has no column that says when; name one".to_owned());
        };
        let words = |name: &'a String| match named(name).map(|column| &column.cells) {
            Some(Cells::Words(words)) => Some((name.as_str(), words)),
            _ => None,
        };
        let (names, labels): (Vec<_>, Vec<_>) =
            reading.labels.iter().filter_map(words).partition(|(name, _)| *name == METRIC_NAME);
        let names = names.first().map(|(_, words)| *words);
        let numbers = |column: &'a Column| match &column.cells {
            Cells::Numbers(numbers) => Some((column.name.as_str(), numbers.as_slice())),
            _ => None,
        };
        let numbers: Vec<_> = columns.iter().filter_map(numbers).collect();
        if names.is_some() && numbers.len() != 1 {
            let found = numbers.len();
            return Err(format!(
                "a file with a column `{METRIC_NAME}` has one column of values, and this one has {found} of numbers"
            ));
        }
        let fixed = [("job", reading.job), ("instance", reading.instance)];
        let is_own = |(name, _): &(&str, &str)| labels.iter().all(|(label, _)| label != name);
        let fixed = fixed.into_iter().filter(is_own).collect();
        Ok(Self { times, fixed, labels, names, numbers, counters: reading.counters })
    }

    /// Appends what record `row` says of `time`. Missing cells say nothing.
    pub(crate) fn push(
        &self,
        row: usize,
        time: Timestamp,
        batch: &mut MetricBatch,
    ) -> Result<(), String> {
        for (column, numbers) in &self.numbers {
            let metric = match self.names {
                None => *column,
                Some(names) => match names.get(row) {
                    Some(name) => name,
                    None => continue,
                },
            };
            if numbers[row].is_nan() {
                continue;
            }
            let mut pairs = self.fixed.clone();
            let words = self.labels.iter();
            pairs.extend(words.filter_map(|(name, words)| Some((*name, words.get(row)?))));
            pairs.push((METRIC_NAME, metric));
            let is_counter = self.counters.iter().any(|counter| counter == metric);
            let kind = if is_counter { MetricKind::Counter } else { MetricKind::Unknown };
            batch.begin_series(kind, &mut pairs).map_err(|error| error.to_string())?;
            batch.push(time, numbers[row]);
        }
        Ok(())
    }

    /// Puts every record where its time is; refuses all where one does not say when.
    pub(crate) fn sort(
        &self,
        moments: &mut BTreeMap<Timestamp, MetricBatch>,
    ) -> Result<(), String> {
        for (row, time) in self.times.iter().enumerate() {
            let Some(time) = time else { return Err("a record does not say when".to_owned()) };
            self.push(row, *time, moments.entry(*time).or_default())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use auscult_telemetry::{Input, ReadOptions, read_table};

    use super::*;

    /// `series kind value` of every sample in `text`, by time.
    fn samples(text: &str, labels: &[&str]) -> Result<Vec<String>, String> {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        let bytes: Arc<[u8]> = text.as_bytes().into();
        let options = ReadOptions { words: labels.clone(), ..ReadOptions::default() };
        let input = Input::Bytes { name: "a.csv".to_owned(), bytes };
        let table = read_table(&[input], &options).map_err(|error| error.to_string())?;
        let counters = ["tokens".to_owned()];
        let reading = Reading {
            time: None,
            labels: &labels,
            counters: &counters,
            job: "file",
            instance: "a.csv",
        };
        let mut moments = BTreeMap::new();
        Records::new(&table, reading)?.sort(&mut moments)?;
        let shown = moments.values().flat_map(|batch| {
            batch
                .series()
                .map(|one| format!("{} {:?} {}", one.labels, one.kind, one.points[0].value))
        });
        Ok(shown.collect())
    }

    #[test]
    fn a_wide_record_has_a_sample_for_each_column_and_its_own_instance_where_one_is_named() {
        let text = "time,instance,loss,tokens\n2024-05-01 00:00,r1,0.5,7\n2024-05-01 00:00,r2,,8\n";
        let shown = samples(text, &["instance"]).unwrap();
        let expected = [
            r#"loss{instance="r1",job="file"} Unknown 0.5"#,
            r#"tokens{instance="r1",job="file"} Counter 7"#,
            r#"tokens{instance="r2",job="file"} Counter 8"#,
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_long_record_names_its_metric() {
        let text =
            "time,__name__,gpu,value\n2024-05-01 00:01,tokens,0,7\n2024-05-01 00:00,power,1,300\n";
        let shown = samples(text, &["__name__", "gpu"]).unwrap();
        let expected = [
            r#"power{gpu="1",instance="a.csv",job="file"} Unknown 300"#,
            r#"tokens{gpu="0",instance="a.csv",job="file"} Counter 7"#,
        ];
        assert_eq!(shown, expected);
        let two = "time,__name__,value,more\n2024-05-01 00:00,power,300,1\n";
        assert!(samples(two, &["__name__"]).unwrap_err().contains("this one has 2 of numbers"));
    }
}

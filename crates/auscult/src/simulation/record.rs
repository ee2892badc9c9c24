//! A simulated fleet recorded into a folder: metrics, logs, changes and the truth.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use auscult_core::Timestamp;
use auscult_simulate::page::{Answer, Page, Values};
use auscult_simulate::scenario::{Plan, Scenario};
use auscult_simulate::simulation::Simulation;
use auscult_simulate::truth::Comparison;
use auscult_telemetry::{Cells, Column, Format, Table, TableWriter, Words};

use super::logs::LogFiles;
use super::send::TIME_OUT;
use super::truth;
use crate::outcome::CallError;
use crate::progress::Progress;

/// How a scenario is recorded.
#[derive(Debug)]
pub(crate) struct Recording<'a> {
    /// Where to; made if it is not there.
    pub(crate) folder: &'a Path,
    /// Form of the metrics: CSV or Parquet.
    pub(crate) format: Format,
    /// Seconds from one sample to the next.
    pub(crate) interval: u64,
}

/// Series of all pages, with the columns that a long table needs for their labels.
#[derive(Debug)]
struct Layout {
    /// Names of label columns, sorted; `__name__` first.
    labels: Vec<String>,
    /// Distinct words of each label column.
    words: Vec<Vec<String>>,
    /// For each page and series: its word in each label column.
    rows: Vec<Vec<Vec<Option<u32>>>>,
}

impl Recording<'_> {
    /// Plays `scenario` and its healthy twin, and writes what they show. Gives the number of samples.
    pub(crate) fn write(
        &self,
        scenario: &Scenario,
        text: &str,
        plan: Plan,
        progress: &Progress,
    ) -> Result<u64, CallError> {
        std::fs::create_dir_all(self.folder).map_err(|error| {
            CallError::input(format!("cannot make {}: {error}", self.folder.display()))
        })?;
        let mut twin = (!plan.faults.is_empty()).then(|| Simulation::twin(scenario, &plan));
        let mut ill = Simulation::new(scenario, plan);
        let windows = ill.plan().faults.iter().map(|fault| (fault.course.start, fault.course.end));
        let mut comparison = Comparison::new(ill.pages(), windows);
        let layout = Layout::of(ill.pages());
        let name = if self.format == Format::Parquet { "metrics.parquet" } else { "metrics.csv" };
        let path = self.folder.join(name);
        let shown = path.display().to_string();
        let file = File::create(&path).map_err(CallError::write(&shown))?;
        let mut writer = TableWriter::new(BufWriter::new(file), self.format);

        let seconds = scenario.duration.as_secs();
        progress.steps("simulating", seconds);
        let (mut values, mut healthy_values) = (Values::default(), Values::default());
        let mut samples = 0;
        let mut logs = LogFiles::create(self.folder, ill.logs())?;
        let (mut lines, mut healthy_lines) = (Vec::new(), Vec::new());
        let mut written = Vec::new();
        for second in 1..=seconds {
            ill.advance();
            lines.clear();
            ill.take_log_lines(&mut lines);
            logs.write(&lines)?;
            if let Some(twin) = &mut twin {
                twin.advance();
                healthy_lines.clear();
                twin.take_log_lines(&mut healthy_lines);
            }
            let told =
                lines.drain(..).filter(|line| !line.is_step && !healthy_lines.contains(line));
            written.extend(told);
            if second % self.interval != 0 {
                continue;
            }
            progress.at(second);
            let mut batch = Batch::new(&layout);
            for page in 0..ill.pages().len() {
                let there = is_read(ill.read(page, &mut values));
                batch.page(page, ill.time(), there.then_some(&values));
                if let Some(twin) = &mut twin {
                    let healthy = is_read(twin.read(page, &mut healthy_values));
                    comparison.take(
                        page,
                        second as f64,
                        self.interval as f64,
                        there.then_some(&values),
                        healthy.then_some(&healthy_values),
                    );
                }
            }
            samples += batch.values.len() as u64;
            writer.write(&batch.table()).map_err(CallError::write(&shown))?;
        }
        writer.finish().map_err(CallError::write(&shown))?;
        self.text("scenario.yaml", text)?;
        self.text("events.csv", &truth::events(scenario, ill.plan()))?;
        self.text("changes.csv", &truth::changes(scenario, ill.plan()))?;
        let document =
            truth::document(scenario, ill.plan(), ill.pages(), &comparison, ill.logs(), &written);
        self.text("truth.json", &format!("{document:#}\n"))?;
        progress.done();
        Ok(samples)
    }

    fn text(&self, name: &str, text: &str) -> Result<(), CallError> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).map_err(CallError::write(path.display().to_string()))
    }
}

/// Whether a scraper gets the page in time.
fn is_read(answer: Answer) -> bool {
    matches!(answer, Answer::Page(seconds) if seconds < TIME_OUT)
}

impl Layout {
    fn of(pages: &[Page]) -> Self {
        let mut names = BTreeSet::new();
        for page in pages {
            names.extend(page.scraped().flat_map(|(_, labels)| labels).map(|(name, _)| name));
        }
        let own = ["__name__", "job", "instance"];
        let labels: Vec<String> = own
            .into_iter()
            .chain(names.into_iter().filter(|name| !own.contains(name)))
            .map(str::to_owned)
            .collect();
        let mut layout = Self { words: vec![Vec::new(); labels.len()], labels, rows: Vec::new() };
        for page in pages {
            let rows = page.scraped().map(|(name, labels)| layout.row(&name, &labels)).collect();
            layout.rows.push(rows);
        }
        layout
    }

    fn row(&mut self, name: &str, labels: &[(&str, &str)]) -> Vec<Option<u32>> {
        let pairs = [("__name__", name)].into_iter().chain(labels.iter().copied());
        let mut row = vec![None; self.labels.len()];
        for (label, value) in pairs {
            let column =
                self.labels.iter().position(|known| known == label).expect("a known label");
            let words = &mut self.words[column];
            let word = words.iter().position(|known| known == value).unwrap_or_else(|| {
                words.push(value.to_owned());
                words.len() - 1
            });
            row[column] = u32::try_from(word).ok();
        }
        row
    }
}

/// The samples of one moment.
#[derive(Debug)]
struct Batch<'l> {
    layout: &'l Layout,
    times: Vec<Option<Timestamp>>,
    words: Vec<Vec<Option<u32>>>,
    values: Vec<f64>,
}

impl<'l> Batch<'l> {
    fn new(layout: &'l Layout) -> Self {
        Self {
            layout,
            times: Vec::new(),
            words: vec![Vec::new(); layout.labels.len()],
            values: Vec::new(),
        }
    }

    /// Adds a page and its `up`; `None` for a scrape that failed.
    fn page(&mut self, page: usize, time: u64, values: Option<&Values>) {
        let rows = &self.layout.rows[page];
        let (up, rows) = rows.split_last().expect("every page has `up`");
        let time = Timestamp::from_nanos(time as i64 * 1_000_000_000);
        if let Some(values) = values {
            for (row, value) in rows.iter().zip(values.iter()) {
                if let Some(value) = value {
                    self.push(time, row, value);
                }
            }
        }
        self.push(time, up, f64::from(u8::from(values.is_some())));
    }

    fn push(&mut self, time: Timestamp, row: &[Option<u32>], value: f64) {
        self.times.push(Some(time));
        for (column, word) in self.words.iter_mut().zip(row) {
            column.push(*word);
        }
        self.values.push(value);
    }

    fn table(self) -> Table {
        let column = |name: &str, cells| Column { name: name.to_owned(), cells };
        let words = self.words.into_iter().zip(&self.layout.words);
        let words =
            words.map(|(rows, distinct)| Cells::Words(Words { rows, distinct: distinct.clone() }));
        let labels = self.layout.labels.iter().zip(words).map(|(name, cells)| column(name, cells));
        let time = column("time", Cells::Times(self.times));
        let value = column("value", Cells::Numbers(self.values));
        Table::new([time].into_iter().chain(labels).chain([value]).collect())
    }
}

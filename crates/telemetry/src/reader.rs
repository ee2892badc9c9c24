//! Files in, tables out.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use auscult_core::nearest;

use crate::blocks::Blocks;
use crate::collect::Collector;
use crate::column::Reading;
use crate::csv;
use crate::error::{Fault, ReadError};
use crate::evidence::Evidence;
use crate::input::{self, Text};
use crate::json;
use crate::options::{Format, Input, ReadOptions, TimeColumn};
use crate::parquet;
use crate::pipeline::Stream;
use crate::plan::{Decode, Plan};
use crate::schema::{Field, Kind, is_time_name, position};
use crate::table::Table;

/// Reads files one after another, in batches of bounded size.
///
/// Opening looks at the first rows of every file, settles which columns there
/// are and what they hold, and reports what is wrong with them. The columns
/// are those of the first file, then those that only later files have; where
/// a file lacks a column, its cells are missing. A column must be of one kind
/// in all files. With [`ReadOptions::columns`], only those are read.
///
/// Reading the same inputs again gives the same batches in the same order:
/// open another reader for a second pass (see [`Input::is_repeatable`]).
///
/// Text is decoded on all cores, in memory that does not grow with the file.
///
/// ```
/// # use auscult_telemetry::{Cells, Input, ReadOptions, Reader};
/// # let path = std::env::temp_dir().join("auscult-reader-example.csv");
/// # std::fs::write(&path, "time,watts\n2024-05-01 13:00,300\n2024-05-01 13:01,\n").unwrap();
/// let mut reader = Reader::open(&[Input::Path(path)], &ReadOptions::default())?;
/// assert_eq!(reader.time_column(), Some("time"));
/// while let Some(batch) = reader.next_batch()? {
///     let Some(Cells::Numbers(watts)) = batch.column("watts").map(|column| &column.cells) else {
///         panic!("watts are numbers");
///     };
///     assert_eq!(watts[0], 300.0);
///     assert!(watts[1].is_nan());
/// }
/// # Ok::<(), auscult_telemetry::ReadError>(())
/// ```
#[derive(Debug)]
pub struct Reader {
    schema: Vec<Field>,
    time_column: Option<String>,
    plan: Arc<Plan>,
    parts: std::vec::IntoIter<Part>,
    current: Option<Current>,
    counter: Arc<AtomicU64>,
    total: Option<u64>,
    warnings: Vec<String>,
    /// Whether columns that turn up late are worth a warning.
    report_late: bool,
}

/// How far a reader has come, in bytes of the files as they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read.
    pub read: u64,
    /// Bytes in all, unless some input is a pipe.
    pub total: Option<u64>,
}

/// A file, looked at and not yet read.
struct Part {
    input: Input,
    name: String,
    names: Vec<String>,
    evidence: Vec<Evidence>,
    kind: PartKind,
}

enum PartKind {
    Csv {
        delimiter: u8,
        /// Bytes and lines of the header.
        header: (usize, u64),
        /// The opened file, unless it is opened again when its turn comes.
        blocks: Option<Blocks>,
    },
    JsonLines {
        blocks: Option<Blocks>,
    },
    Parquet(parquet::Probed),
}

/// The file that is being read.
#[derive(Debug)]
enum Current {
    Text(Stream),
    Parquet(parquet::Stream),
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Reader {
    /// Looks at `inputs` and gets ready to read them in that order.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when an input cannot be read, holds nothing, is of a
    /// format that is not read here, lacks a column that `options` name, or
    /// does not agree with the others.
    pub fn open(inputs: &[Input], options: &ReadOptions) -> Result<Self, ReadError> {
        let counter = Arc::new(AtomicU64::new(0));
        let mut parts = Vec::with_capacity(inputs.len());
        for input in inputs {
            let before = counter.load(Ordering::Relaxed);
            let mut part = probe(input, options, &counter)?;
            if input.is_repeatable() && !parts.is_empty() {
                // What was looked at is read, and counted, again.
                part.close();
                counter.store(before, Ordering::Relaxed);
            }
            parts.push(part);
        }
        if parts.is_empty() {
            return Err(ReadError::new("input", Fault::NoInput));
        }
        let layout = Layout::of(&parts, options)?;
        let plan =
            Arc::new(Plan { columns: layout.columns, batch_rows: options.batch_rows.max(1) });
        let schema = plan
            .columns
            .iter()
            .map(|(name, reading)| Field { name: name.clone(), kind: kind_of(*reading) });
        Ok(Self {
            schema: schema.collect(),
            time_column: layout.time,
            plan,
            parts: parts.into_iter(),
            current: None,
            counter,
            total: inputs.iter().map(size).sum(),
            warnings: layout.warnings,
            report_late: options.columns.is_none(),
        })
    }

    /// The columns of every batch, in order.
    #[must_use]
    pub fn schema(&self) -> &[Field] {
        &self.schema
    }

    /// Name of the column that says when; `None` where there is none, or where
    /// [`TimeColumn::Without`] was asked for.
    #[must_use]
    pub fn time_column(&self) -> Option<&str> {
        self.time_column.as_deref()
    }

    /// What a person should know though it stops nothing, a sentence each.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// How far the reading has come; it runs a few blocks ahead of the batches.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let read = self.counter.load(Ordering::Relaxed);
        Progress { read: self.total.map_or(read, |total| read.min(total)), total: self.total }
    }

    /// The next rows, at least one; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`ReadError`] for what is wrong with the data; the rows before it may
    /// or may not have been yielded. After an error there are no more rows.
    pub fn next_batch(&mut self) -> Result<Option<Table>, ReadError> {
        loop {
            if let Some(current) = &mut self.current {
                let next = match current {
                    Current::Text(stream) => stream.next(),
                    Current::Parquet(stream) => stream.next(),
                };
                match next {
                    Ok(Some(table)) => return Ok(Some(table)),
                    Ok(None) => self.end_part(),
                    Err(error) => {
                        self.current = None;
                        self.parts = Vec::new().into_iter();
                        return Err(error);
                    }
                }
            }
            let Some(part) = self.parts.next() else { return Ok(None) };
            self.current = Some(self.stream(part)?);
        }
    }

    /// Keeps what the file that ends here had to say.
    fn end_part(&mut self) {
        if let Some(Current::Text(stream)) = self.current.take() {
            for name in stream.late() {
                self.warnings.push(format!(
                    "{}: `{name}` is not in the first rows and is left out: name the columns to read",
                    stream.name()
                ));
            }
        }
    }

    fn stream(&self, part: Part) -> Result<Current, ReadError> {
        let plan = Arc::clone(&self.plan);
        let at: HashMap<&str, usize> =
            plan.columns.iter().enumerate().map(|(at, (name, _))| (name.as_str(), at)).collect();
        let columns: Vec<Option<usize>> =
            part.names.iter().map(|name| at.get(name.as_str()).copied()).collect();
        let (blocks, lines, decoder): (Blocks, u64, Arc<dyn Decode>) = match part.kind {
            PartKind::Parquet(probed) => {
                let counter = Arc::clone(&self.counter);
                let stream = parquet::Stream::new(&probed, part.name, &columns, plan, counter)?;
                return Ok(Current::Parquet(stream));
            }
            PartKind::Csv { delimiter, header: (bytes, lines), blocks } => {
                let mut blocks = self.reopen(&part.input, blocks)?;
                blocks.begin(Some(delimiter), bytes);
                (blocks, lines, Arc::new(csv::Decoder::new(delimiter, &columns)))
            }
            PartKind::JsonLines { blocks } => {
                let blocks = self.reopen(&part.input, blocks)?;
                (blocks, 0, Arc::new(json::Decoder::new(part.names, columns, self.report_late)))
            }
        };
        Ok(Current::Text(Stream::new(blocks, part.name, lines, decoder, plan)))
    }

    /// `blocks`, or those of `input` from the beginning.
    fn reopen(&self, input: &Input, blocks: Option<Blocks>) -> Result<Blocks, ReadError> {
        if let Some(blocks) = blocks {
            return Ok(blocks);
        }
        let opened = input::open(input, &self.counter)?;
        let name = opened.name.clone();
        let mut blocks = Blocks::new(Text::new(opened)?, name);
        blocks.head()?;
        Ok(blocks)
    }
}

impl Part {
    /// Closes the file until its turn comes.
    fn close(&mut self) {
        match &mut self.kind {
            PartKind::Csv { blocks, .. } | PartKind::JsonLines { blocks } => *blocks = None,
            PartKind::Parquet(_) => {}
        }
    }
}

/// Everything in `inputs`, in memory.
///
/// # Errors
///
/// As [`Reader::open`] and [`Reader::next_batch`].
pub fn read_table(inputs: &[Input], options: &ReadOptions) -> Result<Table, ReadError> {
    let mut reader = Reader::open(inputs, options)?;
    let mut collector = Collector::new(reader.schema());
    while let Some(batch) = reader.next_batch()? {
        collector.append(batch);
    }
    Ok(collector.finish())
}

fn size(input: &Input) -> Option<u64> {
    match input {
        Input::Path(path) => {
            path.metadata().ok().filter(std::fs::Metadata::is_file).map(|m| m.len())
        }
        Input::Stdin => None,
        Input::Bytes { bytes, .. } => Some(bytes.len() as u64),
    }
}

fn kind_of(reading: Reading) -> Kind {
    match reading {
        Reading::Numbers => Kind::Numbers,
        Reading::Words => Kind::Words,
        Reading::Times { .. } => Kind::Times,
    }
}

fn probe(
    input: &Input,
    options: &ReadOptions,
    counter: &Arc<AtomicU64>,
) -> Result<Part, ReadError> {
    let opened = input::open(input, counter)?;
    let name = opened.name.clone();
    let is_parquet = opened.magic.starts_with(parquet::MAGIC);
    if options.format.map_or(is_parquet, |format| format == Format::Parquet) {
        let mut probed = parquet::probe(opened)?;
        let names = std::mem::take(&mut probed.names);
        let evidence = std::mem::take(&mut probed.evidence);
        let kind = PartKind::Parquet(probed);
        return Ok(Part { input: input.clone(), name, names, evidence, kind });
    }
    let mut blocks = Blocks::new(Text::new(opened)?, name.clone());
    let (head, whole) = blocks.head()?;
    let fail = |(offset, fault): (usize, Fault)| {
        let line = 1 + memchr::memchr_iter(b'\n', &head[..offset]).count() as u64;
        match fault {
            Fault::Empty | Fault::BareReturns | Fault::NoColumns | Fault::Delimiter { .. } => {
                ReadError::new(&name, fault)
            }
            fault => ReadError::new(&name, fault).at_line(line),
        }
    };
    if head.starts_with(parquet::MAGIC) {
        let found = "Parquet inside another compression";
        let remedy = "decompress it first; Parquet is compressed inside";
        return Err(ReadError::new(&name, Fault::Foreign { found, remedy }));
    }
    if let Some(offset) = memchr::memchr(0, head) {
        return Err(ReadError::new(&name, Fault::Binary { byte: 0, offset }));
    }
    // Only CSV has a delimiter: who names it has said what the text is.
    let is_json = options.delimiter.is_none() && json::looks_like_json(head);
    if options.format.map_or(is_json, |format| format == Format::JsonLines) {
        let json::Probed { names, evidence } = json::probe(head, whole).map_err(fail)?;
        let kind = PartKind::JsonLines { blocks: Some(blocks) };
        return Ok(Part { input: input.clone(), name, names, evidence, kind });
    }
    let probed = csv::probe(head, whole, options).map_err(fail)?;
    if !probed.rows {
        return Err(ReadError::new(&name, Fault::NoRows));
    }
    let lines = memchr::memchr_iter(b'\n', &head[..probed.header]).count() as u64;
    let kind = PartKind::Csv {
        delimiter: probed.delimiter,
        header: (probed.header, lines),
        blocks: Some(blocks),
    };
    let (names, evidence) = (probed.names, probed.evidence);
    Ok(Part { input: input.clone(), name, names, evidence, kind })
}

/// The columns of all files together.
struct Layout {
    columns: Vec<(String, Reading)>,
    time: Option<String>,
    warnings: Vec<String>,
}

impl Layout {
    fn of(parts: &[Part], options: &ReadOptions) -> Result<Self, ReadError> {
        let (names, evidence) = union(parts, options)?;
        let first = &parts[0].name;
        let find = |wanted: &str| {
            position(&names, wanted).ok_or_else(|| {
                let fault = Fault::NoColumn {
                    name: wanted.to_owned(),
                    nearest: nearest(wanted, names.iter().map(String::as_str)).map(str::to_owned),
                    names: names.clone(),
                };
                ReadError::new(first, fault)
            })
        };
        let mut readings: Vec<Reading> = evidence.iter().map(Evidence::reading).collect();
        let mut declared = vec![false; names.len()];
        for wanted in &options.words {
            let at = find(wanted)?;
            readings[at] = Reading::Words;
            declared[at] = true;
        }
        let time = match &options.time {
            TimeColumn::Named(wanted) => {
                let at = find(wanted)?;
                readings[at] = Reading::Times { epoch: true };
                Some(at)
            }
            TimeColumn::Detect => detect_time(&names, &evidence, &mut readings, &declared),
            TimeColumn::Without => None,
        };
        let mut wanted = vec![options.columns.is_none(); names.len()];
        for column in options.columns.iter().flatten() {
            wanted[find(column)?] = true;
        }
        if let Some(time) = time {
            wanted[time] = true;
        }
        let columns = names.iter().cloned().zip(readings).zip(&wanted);
        Ok(Self {
            warnings: warnings(parts, options),
            columns: columns.filter(|(_, wanted)| **wanted).map(|(column, _)| column).collect(),
            time: time.map(|at| names[at].clone()),
        })
    }
}

fn warnings(parts: &[Part], options: &ReadOptions) -> Vec<String> {
    let mut warnings = Vec::new();
    for part in parts {
        if let PartKind::Parquet(probed) = &part.kind
            && options.columns.is_none()
        {
            warnings.extend(probed.left_out.iter().map(|(name, kind)| {
                format!("{}: column `{name}` of type {kind} is left out", part.name)
            }));
        }
    }
    warnings
}

/// Names in order of first appearance, with what all files show of each.
fn union(parts: &[Part], options: &ReadOptions) -> Result<(Vec<String>, Vec<Evidence>), ReadError> {
    let mut names = Vec::new();
    let mut evidence: Vec<Evidence> = Vec::new();
    let mut origin = Vec::new();
    let mut at = HashMap::new();
    for part in parts {
        let mut shared = false;
        for (name, here) in part.names.iter().zip(&part.evidence) {
            match at.get(name.as_str()).copied() {
                None => {
                    at.insert(name.as_str(), names.len());
                    names.push(name.clone());
                    evidence.push(*here);
                    origin.push(&part.name);
                }
                Some(column) => {
                    shared = true;
                    let there: &mut Evidence = &mut evidence[column];
                    let (kind_here, kind_there) =
                        (kind_of(here.reading()), kind_of(there.reading()));
                    let is_this = |wanted: &String| position(&names, wanted) == Some(column);
                    let words = options.words.iter().any(is_this);
                    let differ = here.has_values() && there.has_values() && kind_here != kind_there;
                    if differ && !words {
                        let fault = Fault::Disagree {
                            here: kind_here.name(),
                            there: kind_there.name(),
                            other: origin[column].clone(),
                        };
                        return Err(ReadError::new(&part.name, fault).in_column(name));
                    }
                    there.merge(*here);
                }
            }
        }
        if !shared && !std::ptr::eq(part, &parts[0]) {
            let fault = Fault::NothingShared { other: parts[0].name.clone() };
            return Err(ReadError::new(&part.name, fault));
        }
    }
    Ok((names, evidence))
}

/// The column that says when; a column of Unix times becomes one of times.
fn detect_time(
    names: &[String],
    evidence: &[Evidence],
    readings: &mut [Reading],
    declared: &[bool],
) -> Option<usize> {
    let is_date_time = |at: usize| matches!(readings[at], Reading::Times { .. });
    let by_name = (0..names.len()).find(|&at| {
        !declared[at] && is_time_name(&names[at]) && (is_date_time(at) || evidence[at].is_epochs())
    });
    let time = by_name.or_else(|| (0..names.len()).find(|&at| is_date_time(at)))?;
    if !is_date_time(time) {
        readings[time] = Reading::Times { epoch: true };
    }
    Some(time)
}

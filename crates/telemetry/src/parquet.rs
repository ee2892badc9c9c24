//! Apache Parquet.

use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Date64Type, Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, TimeUnit};
use auscult_core::Timestamp;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

use crate::column::{Builder, Reading};
use crate::error::{Fault, ReadError};
use crate::evidence::{Evidence, SAMPLE_CELLS};
use crate::input::{Opened, unreadable};
use crate::plan::{Batches, Plan};
use crate::schema::{is_time_name, unique};
use crate::table::Table;
use crate::time::{epoch_of_integer, epoch_of_number};

/// The four bytes with which a Parquet file begins and ends.
pub(crate) const MAGIC: &[u8] = b"PAR1";

/// A Parquet file that was looked at.
#[derive(Debug)]
pub(crate) struct Probed {
    source: Source,
    /// Names of the columns that a table can hold.
    pub(crate) names: Vec<String>,
    /// What each of them holds.
    pub(crate) evidence: Vec<Evidence>,
    /// Its place in the file.
    roots: Vec<usize>,
    /// Columns that no table can hold, and their types.
    pub(crate) left_out: Vec<(String, String)>,
    rows: u64,
    bytes: u64,
}

/// Parquet is read from its end, so what cannot be rewound is held in memory.
#[derive(Debug, Clone)]
enum Source {
    File(PathBuf),
    Memory(Bytes),
}

/// Looks at a file.
pub(crate) fn probe(opened: Opened) -> Result<Probed, ReadError> {
    let name = opened.name.clone();
    inspect(opened).map_err(|fault| ReadError::new(&name, fault))
}

fn inspect(mut opened: Opened) -> Result<Probed, Fault> {
    let source = match opened.path.take() {
        Some(path) => Source::File(path),
        None => {
            let mut all = opened.magic;
            opened.rest.read_to_end(&mut all).map_err(unreadable)?;
            Source::Memory(all.into())
        }
    };
    let description = describe(&source)?;
    let mut probed = Probed { source, ..description };
    if probed.rows == 0 {
        return Err(Fault::NoRows);
    }
    if probed.names.is_empty() {
        return Err(match probed.left_out.pop() {
            Some((_, kind)) => Fault::ParquetType { kind },
            None => Fault::NoColumns,
        });
    }
    probed.sample()?;
    Ok(probed)
}

/// Names, types and number of rows.
fn describe(source: &Source) -> Result<Probed, Fault> {
    let (fields, rows, bytes) = match source {
        Source::File(path) => {
            let file = File::open(path).map_err(unreadable)?;
            let bytes = file.metadata().map_err(unreadable)?.len();
            let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new(file))?;
            (
                builder.schema().fields().clone(),
                builder.metadata().file_metadata().num_rows(),
                bytes,
            )
        }
        Source::Memory(memory) => {
            let memory = memory.clone();
            let bytes = memory.len() as u64;
            let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new(memory))?;
            (
                builder.schema().fields().clone(),
                builder.metadata().file_metadata().num_rows(),
                bytes,
            )
        }
    };
    let names = unique(fields.iter().map(|field| field.name().clone()).collect());
    let mut probed = Probed {
        source: Source::Memory(Bytes::new()),
        names: Vec::new(),
        evidence: Vec::new(),
        roots: Vec::new(),
        left_out: Vec::new(),
        rows: u64::try_from(rows).unwrap_or(0),
        bytes,
    };
    for (root, (name, field)) in names.into_iter().zip(fields.iter()).enumerate() {
        match evidence_of(field) {
            Some(evidence) => {
                probed.names.push(name);
                probed.evidence.push(evidence);
                probed.roots.push(root);
            }
            None => probed.left_out.push((name, field.data_type().to_string())),
        }
    }
    Ok(probed)
}

/// What a type says about its cells; `None` for types that a table cannot hold.
fn evidence_of(field: &Field) -> Option<Evidence> {
    let kind = match field.data_type() {
        DataType::Dictionary(_, values) => values,
        kind => kind,
    };
    Some(match kind {
        DataType::Null => Evidence::default(),
        DataType::Boolean | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            Evidence::of(b"1")
        }
        kind if kind.is_numeric() => Evidence::of(b"1"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Evidence::of(b"word"),
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => {
            Evidence::of(b"2000-01-01")
        }
        _ => return None,
    })
}

impl Probed {
    /// Looks at the first values where the type leaves open whether they are times.
    fn sample(&mut self) -> Result<(), Fault> {
        let open = |at: &usize| {
            let evidence = &self.evidence[*at];
            evidence.is_words() || evidence.is_numbers() && is_time_name(&self.names[*at])
        };
        let open: Vec<usize> = (0..self.names.len()).filter(open).collect();
        let roots: Vec<usize> = open.iter().map(|&at| self.roots[at]).collect();
        if roots.is_empty() {
            return Ok(());
        }
        let mut batches = self.batches(&roots, SAMPLE_CELLS)?;
        let Some(batch) = next_batch(&mut batches)? else { return Ok(()) };
        for (&at, array) in open.iter().zip(batch.columns()) {
            let texts = cast(array, &DataType::Utf8)?;
            let mut evidence = Evidence::default();
            for text in texts.as_string::<i32>().iter().flatten() {
                evidence.add(text.as_bytes());
            }
            let decides = if self.evidence[at].is_words() {
                evidence.is_times()
            } else {
                evidence.is_epochs()
            };
            if decides {
                self.evidence[at] = evidence;
            }
        }
        Ok(())
    }

    /// Reads the columns at `roots` of the file.
    fn batches(&self, roots: &[usize], rows: usize) -> Result<ParquetRecordBatchReader, Fault> {
        match &self.source {
            Source::File(path) => {
                let file = File::open(path).map_err(unreadable)?;
                guarded(|| {
                    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
                    let mask =
                        ProjectionMask::roots(builder.parquet_schema(), roots.iter().copied());
                    builder.with_projection(mask).with_batch_size(rows).build()
                })
            }
            Source::Memory(memory) => {
                let memory = memory.clone();
                guarded(|| {
                    let builder = ParquetRecordBatchReaderBuilder::try_new(memory)?;
                    let mask =
                        ProjectionMask::roots(builder.parquet_schema(), roots.iter().copied());
                    builder.with_projection(mask).with_batch_size(rows).build()
                })
            }
        }
    }
}

/// The tables of one Parquet file.
#[derive(Debug)]
pub(crate) struct Stream {
    name: String,
    batches: ParquetRecordBatchReader,
    /// For each column of a batch, the column of the plan.
    targets: Vec<usize>,
    plan: Arc<Plan>,
    counter: Arc<AtomicU64>,
    rows: u64,
    bytes: u64,
    rows_read: u64,
}

impl Stream {
    /// Reads `probed`; `columns` says for each of its names which column it
    /// goes to. Progress is counted in `counter`.
    pub(crate) fn new(
        probed: &Probed,
        name: String,
        columns: &[Option<usize>],
        plan: Arc<Plan>,
        counter: Arc<AtomicU64>,
    ) -> Result<Self, ReadError> {
        let wanted = columns.iter().zip(&probed.roots);
        let (targets, roots): (Vec<usize>, Vec<usize>) =
            wanted.filter_map(|(&column, &root)| column.map(|column| (column, root))).unzip();
        let batches = probed
            .batches(&roots, plan.batch_rows)
            .map_err(|fault| ReadError::new(&name, fault))?;
        let (rows, bytes) = (probed.rows, probed.bytes);
        Ok(Self { name, batches, targets, plan, counter, rows, bytes, rows_read: 0 })
    }

    /// The next table; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Table>, ReadError> {
        loop {
            let batch = next_batch(&mut self.batches);
            let batch = batch.map_err(|fault| ReadError::new(&self.name, fault))?;
            let Some(batch) = batch else { return Ok(None) };
            self.count(batch.num_rows() as u64);
            if let Some(table) = self.table(&batch)? {
                return Ok(Some(table));
            }
        }
    }

    fn table(&self, batch: &RecordBatch) -> Result<Option<Table>, ReadError> {
        let mut batches = Batches::new(&self.plan, &self.targets, batch.num_rows());
        for (&target, array) in self.targets.iter().zip(batch.columns()) {
            let reading = self.plan.columns[target].1;
            let filled = guarded(|| fill(batches.column(target), reading, array));
            filled.map_err(|fault| {
                ReadError::new(&self.name, fault).in_column(&self.plan.columns[target].0)
            })?;
        }
        batches.end_rows(batch.num_rows());
        Ok(batches.finish().pop())
    }

    /// The bytes of the file are taken to be spread evenly over its rows.
    fn count(&mut self, rows: u64) {
        let share =
            |rows: u64| (self.bytes as u128 * rows as u128 / self.rows.max(1) as u128) as u64;
        let before = share(self.rows_read);
        self.rows_read = (self.rows_read + rows).min(self.rows);
        self.counter.fetch_add(share(self.rows_read) - before, Ordering::Relaxed);
    }
}

fn next_batch(batches: &mut ParquetRecordBatchReader) -> Result<Option<RecordBatch>, Fault> {
    guarded(|| batches.next().transpose())
}

/// What decoding can fail with.
enum Failure {
    Fault(Fault),
    Reason(String),
}

impl From<ParquetError> for Failure {
    fn from(error: ParquetError) -> Self {
        Self::Reason(error.to_string())
    }
}

impl From<ArrowError> for Failure {
    fn from(error: ArrowError) -> Self {
        Self::Reason(error.to_string())
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Runs `decode`. The library below panics on some damaged files; that is an
/// error of the file, and must not take the program down.
fn guarded<T, E: Into<Failure>>(decode: impl FnOnce() -> Result<T, E>) -> Result<T, Fault> {
    let parquet = |reason: String| {
        let reason = crate::error::shown(&reason);
        Fault::Parquet { reason }
    };
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Ok(decoded)) => Ok(decoded),
        Ok(Err(error)) => Err(match error.into() {
            Failure::Fault(fault) => fault,
            Failure::Reason(reason) => parquet(reason),
        }),
        Err(_) => Err(parquet("its contents contradict one another".to_owned())),
    }
}

fn cast(array: &ArrayRef, kind: &DataType) -> Result<ArrayRef, Fault> {
    guarded(|| arrow_cast::cast(array, kind))
}

/// Appends the cells of `array` to `builder`, whose cells are read as `reading`.
fn fill(builder: &mut Builder, reading: Reading, array: &ArrayRef) -> Result<(), Fault> {
    match reading {
        Reading::Numbers => fill_numbers(builder, array),
        Reading::Words => fill_words(builder, array),
        Reading::Times { .. } => fill_times(builder, array),
    }
}

fn fill_numbers(builder: &mut Builder, array: &ArrayRef) -> Result<(), Fault> {
    let Builder::Numbers(cells) = builder else { return Ok(()) };
    let numbers = cast(array, &DataType::Float64)?;
    let numbers = numbers.as_primitive::<Float64Type>();
    if numbers.null_count() == 0 {
        cells.extend_from_slice(numbers.values());
    } else {
        cells.extend(numbers.iter().map(|number| number.unwrap_or(f64::NAN)));
    }
    Ok(())
}

fn fill_words(builder: &mut Builder, array: &ArrayRef) -> Result<(), Fault> {
    let Builder::Words(words) = builder else { return Ok(()) };
    let texts = cast(array, &DataType::Utf8)?;
    for text in texts.as_string::<i32>() {
        words.push_word(text);
    }
    Ok(())
}

fn fill_times(builder: &mut Builder, array: &ArrayRef) -> Result<(), Fault> {
    let Builder::Times { cells, parser, .. } = builder else { return Ok(()) };
    let array = match array.data_type() {
        DataType::Dictionary(_, values) => cast(array, values)?,
        _ => Arc::clone(array),
    };
    let day = 86_400_000_000_000;
    match array.data_type() {
        DataType::Timestamp(unit, _) => {
            let scale = match unit {
                TimeUnit::Second => 1_000_000_000,
                TimeUnit::Millisecond => 1_000_000,
                TimeUnit::Microsecond => 1_000,
                TimeUnit::Nanosecond => 1,
            };
            let counts = cast(&array, &DataType::Int64)?;
            fill_scaled(cells, counts.as_primitive::<Int64Type>().iter(), scale)
        }
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().iter();
            fill_scaled(cells, days.map(|days| days.map(i64::from)), day)
        }
        DataType::Date64 => {
            fill_scaled(cells, array.as_primitive::<Date64Type>().iter(), 1_000_000)
        }
        kind if kind.is_integer() => {
            let counts = cast(&array, &DataType::Int64)?;
            let counts = counts.as_primitive::<Int64Type>().iter();
            fill_with(cells, counts, |count| epoch_of_integer(*count))
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let texts = cast(&array, &DataType::Utf8)?;
            let texts = texts.as_string::<i32>().iter();
            fill_with(cells, texts, |text| parser.parse(text.trim().as_bytes()))
        }
        _ => {
            let numbers = cast(&array, &DataType::Float64)?;
            let numbers = numbers.as_primitive::<Float64Type>().iter();
            fill_with(cells, numbers.map(|n| n.filter(|n| !n.is_nan())), |n| epoch_of_number(*n))
        }
    }
}

fn fill_scaled(
    cells: &mut Vec<Option<Timestamp>>,
    counts: impl Iterator<Item = Option<i64>>,
    scale: i64,
) -> Result<(), Fault> {
    fill_with(cells, counts, |count| count.checked_mul(scale).map(Timestamp::from_nanos))
}

fn fill_with<T: std::fmt::Display>(
    cells: &mut Vec<Option<Timestamp>>,
    values: impl Iterator<Item = Option<T>>,
    mut time: impl FnMut(&T) -> Option<Timestamp>,
) -> Result<(), Fault> {
    for value in values {
        cells.push(match value {
            None => None,
            Some(value) => {
                let moment = time(&value);
                Some(moment.ok_or_else(|| Fault::NotTime { cell: value.to_string() })?)
            }
        });
    }
    Ok(())
}

//! A pair of Parquet files: samples, and the series that they belong to.
//!
//! Samples are ordered by series, then time. The series table has one row a series, in the
//! same order, and says how many samples it has: so it is the index that tells which rows
//! to read, and the samples need not name their series but for other readers' sake. Beside the
//! pair lies what leads from labels to its rows ([`super::index`]).

use std::fs::{self, File};
use std::io::BufWriter;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampNanosecondType, UInt8Type, UInt64Type};
use arrow_array::{
    ArrayRef, Float64Array, RecordBatch, TimestampNanosecondArray, UInt8Array, UInt32Array,
    UInt64Array,
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use auscult_core::{Labels, LabelsRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::index::IndexWriter;
use super::manifest::Entry;
use crate::error::StoreError;

/// Samples of a row group.
const ROW_GROUP: usize = 128 << 10;
/// Rows held before they are handed on.
const BATCH: usize = 8192;

/// The order of series in files: by metric, then by labels.
pub(super) fn order(one: LabelsRef<'_>, other: LabelsRef<'_>) -> std::cmp::Ordering {
    one.metric().cmp(other.metric()).then_with(|| one.bytes().cmp(other.bytes()))
}

/// Where the samples and the series of file `number` are.
pub(super) fn paths(folder: &Path, number: u32) -> [PathBuf; 2] {
    [
        folder.join(format!("{number:08}.parquet")),
        folder.join(format!("{number:08}.series.parquet")),
    ]
}

/// Where the index of file `number` is.
pub(super) fn index_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:08}.index"))
}

/// All that belongs to file `number`, as far as it is there.
pub(super) fn present(folder: &Path, number: u32) -> impl Iterator<Item = PathBuf> {
    let all = paths(folder, number).into_iter().chain([index_path(folder, number)]);
    all.filter(|path| path.exists())
}

/// Bytes of the samples and the series of file `number`.
pub(super) fn sizes(folder: &Path, number: u32) -> Result<[u64; 2], StoreError> {
    let [samples, series] = paths(folder, number);
    let size = |path: &Path| {
        let metadata = fs::metadata(path).map_err(|source| StoreError::file(path, source))?;
        Ok(metadata.len())
    };
    Ok([size(&samples)?, size(&series)?])
}

fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

fn samples_schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![
        Field::new("series", DataType::UInt32, false),
        Field::new("time", time_type(), false),
        Field::new("value", DataType::Float64, false),
    ]))
}

fn series_schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![
        Field::new("series", DataType::UInt32, false),
        Field::new("labels", DataType::Utf8, false),
        Field::new("kind", DataType::UInt8, false),
        Field::new("samples", DataType::UInt64, false),
        Field::new("from", time_type(), false),
        Field::new("to", time_type(), false),
    ]))
}

fn properties(bare: &[&str]) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_created_by(format!("auscult {}", env!("CARGO_PKG_VERSION")))
        .set_dictionary_enabled(false);
    for name in ["series", "time", "samples", "from", "to"] {
        let path = ColumnPath::from(name);
        properties = properties.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    for name in bare {
        let path = ColumnPath::from(*name);
        // Statistics of values that may be NaN bound nothing.
        properties = properties.set_column_statistics_enabled(path, EnabledStatistics::None);
    }
    let value = ColumnPath::from("value");
    properties.set_column_encoding(value, Encoding::BYTE_STREAM_SPLIT).build()
}

/// Writes a pair, series by series in the order of [`order`].
pub(super) struct TableWriter {
    paths: [PathBuf; 2],
    samples: ArrowWriter<File>,
    series: ArrowWriter<File>,
    index_path: PathBuf,
    index: IndexWriter<BufWriter<File>>,
    rows: Rows,
    labels: LabelRows,
    entry: Entry,
}

#[derive(Default)]
struct Rows {
    series: Vec<u32>,
    times: Vec<i64>,
    values: Vec<f64>,
}

#[derive(Default)]
struct LabelRows {
    series: Vec<u32>,
    labels: StringBuilder,
    kinds: Vec<u8>,
    samples: Vec<u64>,
    from: Vec<i64>,
    to: Vec<i64>,
}

impl TableWriter {
    /// Begins file `number` in `folder`.
    pub(super) fn create(folder: &Path, number: u32, level: u32) -> Result<Self, StoreError> {
        let paths = paths(folder, number);
        let writer = |path: &Path, schema, bare: &[&str]| {
            let file = File::create(path).map_err(|source| StoreError::file(path, source))?;
            ArrowWriter::try_new(file, schema, Some(properties(bare)))
                .map_err(|error| refused(path, error))
        };
        let samples = writer(&paths[0], samples_schema(), &["value"])?;
        let series = writer(&paths[1], series_schema(), &["labels"])?;
        let entry =
            Entry { number, level, samples: 0, series: 0, bytes: 0, from: i64::MAX, to: i64::MIN };
        let (rows, labels) = (Rows::default(), LabelRows::default());
        let index_path = index_path(folder, number);
        let refuse = |source| StoreError::file(&index_path, source);
        let file = File::create(&index_path).map_err(refuse)?;
        let index = IndexWriter::new(BufWriter::new(file)).map_err(refuse)?;
        Ok(Self { paths, samples, series, index_path, index, rows, labels, entry })
    }

    /// Adds a series with its samples, ordered by time; one without any is left out.
    pub(super) fn series(
        &mut self,
        labels: LabelsRef<'_>,
        kind: u8,
        samples: impl IntoIterator<Item = Result<(i64, f64), StoreError>>,
    ) -> Result<(), StoreError> {
        let number = self.entry.series as u32;
        let (mut count, mut from, mut to) = (0, i64::MAX, i64::MIN);
        for sample in samples {
            let (time, value) = sample?;
            from = from.min(time);
            to = to.max(time);
            count += 1;
            self.rows.series.push(number);
            self.rows.times.push(time);
            self.rows.values.push(value);
            if self.rows.times.len() == BATCH {
                self.flush_samples()?;
            }
        }
        if count == 0 {
            return Ok(());
        }
        let pushed = self.index.push(labels, kind, count, (from, to));
        pushed.map_err(|source| StoreError::file(&self.index_path, source))?;
        let json = serde_json::to_string(&labels.to_owned()).expect("text becomes JSON");
        self.labels.series.push(number);
        self.labels.labels.append_value(json);
        self.labels.kinds.push(kind);
        self.labels.samples.push(count);
        self.labels.from.push(from);
        self.labels.to.push(to);
        self.entry.series += 1;
        self.entry.samples += count;
        self.entry.from = self.entry.from.min(from);
        self.entry.to = self.entry.to.max(to);
        if self.labels.kinds.len() == BATCH {
            self.flush_series()?;
        }
        Ok(())
    }

    fn flush_samples(&mut self) -> Result<(), StoreError> {
        let rows = std::mem::take(&mut self.rows);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from(rows.series)),
            Arc::new(TimestampNanosecondArray::from(rows.times).with_timezone("UTC")),
            Arc::new(Float64Array::from(rows.values)),
        ];
        let batch = RecordBatch::try_new(samples_schema(), columns).expect("columns of one length");
        self.samples.write(&batch).map_err(|error| refused(&self.paths[0], error))
    }

    fn flush_series(&mut self) -> Result<(), StoreError> {
        let mut rows = std::mem::take(&mut self.labels);
        let time = |times| TimestampNanosecondArray::from(times).with_timezone("UTC");
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from(rows.series)),
            Arc::new(rows.labels.finish()),
            Arc::new(UInt8Array::from(rows.kinds)),
            Arc::new(UInt64Array::from(rows.samples)),
            Arc::new(time(rows.from)),
            Arc::new(time(rows.to)),
        ];
        let batch = RecordBatch::try_new(series_schema(), columns).expect("columns of one length");
        self.series.write(&batch).map_err(|error| refused(&self.paths[1], error))
    }

    /// Ends all files and makes them last; `None`, and no files, if nothing is in them.
    pub(super) fn finish(mut self) -> Result<Option<Entry>, StoreError> {
        self.flush_samples()?;
        self.flush_series()?;
        let Self { paths, samples, series, index_path, index, mut entry, .. } = self;
        let mut of = [0; 2];
        for (place, (path, writer)) in paths.iter().zip([samples, series]).enumerate() {
            let file = writer.into_inner().map_err(|error| refused(path, error))?;
            file.sync_all().map_err(|source| StoreError::file(path, source))?;
            let size = file.metadata().map_err(|source| StoreError::file(path, source))?.len();
            of[place] = size;
        }
        let refuse = |source| StoreError::file(&index_path, source);
        let file = index.finish(of).map_err(refuse)?;
        let file = file.into_inner().map_err(|error| refuse(error.into_error()))?;
        file.sync_all().map_err(refuse)?;
        entry.bytes = of.iter().sum::<u64>() + file.metadata().map_err(refuse)?.len();
        if entry.samples == 0 {
            for path in paths.iter().chain([&index_path]) {
                fs::remove_file(path).map_err(|source| StoreError::file(path, source))?;
            }
            return Ok(None);
        }
        Ok(Some(entry))
    }
}

/// The error of the file below, where it is one.
fn refused(path: &Path, error: ParquetError) -> StoreError {
    match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(source) => StoreError::file(path, *source),
            Err(source) => StoreError::damaged(path, source),
        },
        error => StoreError::damaged(path, error),
    }
}

/// The parquet crate may panic on files that are none; that is damage too.
fn guarded<T>(
    path: &Path,
    read: impl FnOnce() -> Result<T, ParquetError>,
) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(|error| refused(path, error)),
        Err(_) => Err(StoreError::damaged(path, "it cannot be decoded")),
    }
}

fn next_batch(
    path: &Path,
    reader: &mut ParquetRecordBatchReader,
) -> Result<Option<RecordBatch>, StoreError> {
    match catch_unwind(AssertUnwindSafe(|| reader.next().transpose())) {
        Ok(Ok(batch)) => Ok(batch),
        Ok(Err(error)) => Err(StoreError::damaged(path, error)),
        Err(_) => Err(StoreError::damaged(path, "it cannot be decoded")),
    }
}

fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, StoreError> {
    let file = File::open(path).map_err(|source| StoreError::file(path, source))?;
    guarded(path, || ParquetRecordBatchReaderBuilder::try_new(file))
}

/// A row of the series table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SeriesRow {
    pub(super) labels: Labels,
    pub(super) kind: u8,
    pub(super) samples: u64,
    pub(super) from: i64,
    pub(super) to: i64,
}

/// Reads the series table, a batch at a time.
pub(super) struct SeriesRows {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
    rows: std::vec::IntoIter<SeriesRow>,
}

impl SeriesRows {
    pub(super) fn open(folder: &Path, number: u32) -> Result<Self, StoreError> {
        let [_, path] = paths(folder, number);
        let builder = open(&path)?;
        if **builder.schema() != *series_schema() {
            return Err(StoreError::damaged(&path, "it has other columns"));
        }
        let reader = guarded(&path, || builder.with_batch_size(BATCH).build())?;
        Ok(Self { path, reader, rows: Vec::new().into_iter() })
    }

    pub(super) fn next(&mut self) -> Result<Option<SeriesRow>, StoreError> {
        loop {
            if let Some(row) = self.rows.next() {
                return Ok(Some(row));
            }
            let Some(batch) = next_batch(&self.path, &mut self.reader)? else { return Ok(None) };
            let labels = batch.column(1).as_string::<i32>();
            let kinds = batch.column(2).as_primitive::<UInt8Type>();
            let samples = batch.column(3).as_primitive::<UInt64Type>();
            let from = batch.column(4).as_primitive::<TimestampNanosecondType>();
            let to = batch.column(5).as_primitive::<TimestampNanosecondType>();
            let row = |row| {
                let labels = serde_json::from_str(labels.value(row));
                Ok(SeriesRow {
                    labels: labels.map_err(|error| StoreError::damaged(&self.path, error))?,
                    kind: kinds.value(row),
                    samples: samples.value(row),
                    from: from.value(row),
                    to: to.value(row),
                })
            };
            let rows: Result<Vec<_>, StoreError> = (0..batch.num_rows()).map(row).collect();
            self.rows = rows?.into_iter();
        }
    }
}

/// Reads samples: all of them, or some ranges of rows.
pub(super) struct SampleRows {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
    times: Vec<i64>,
    values: Vec<f64>,
    at: usize,
}

impl SampleRows {
    /// Reads the rows of `ranges`, which ascend; all rows without.
    pub(super) fn open(
        folder: &Path,
        number: u32,
        ranges: Option<&[Range<u64>]>,
    ) -> Result<Self, StoreError> {
        let [path, _] = paths(folder, number);
        let mut builder = open(&path)?.with_batch_size(BATCH);
        if **builder.schema() != *samples_schema() {
            return Err(StoreError::damaged(&path, "it has other columns"));
        }
        let mask = ProjectionMask::leaves(builder.parquet_schema(), [1, 2]);
        if let Some(ranges) = ranges {
            let mut groups = Vec::new();
            let (mut first, mut before) = (0_u64, 0_u64);
            let mut selected: Vec<Range<usize>> = Vec::new();
            for (place, group) in builder.metadata().row_groups().iter().enumerate() {
                let rows = u64::try_from(group.num_rows()).unwrap_or(0);
                let start = ranges.partition_point(|range| range.end <= first);
                let inside = ranges[start..].iter().take_while(|range| range.start < first + rows);
                let known = selected.len();
                for range in inside {
                    let low = range.start.max(first) - first + before;
                    let high = range.end.min(first + rows) - first + before;
                    selected.push(low as usize..high as usize);
                }
                if selected.len() > known {
                    groups.push(place);
                    before += rows;
                }
                first += rows;
            }
            if ranges.last().is_some_and(|range| range.end > first) {
                return Err(StoreError::damaged(&path, "it has fewer rows than its series say"));
            }
            let selection =
                RowSelection::from_consecutive_ranges(selected.into_iter(), before as usize);
            builder = builder.with_row_groups(groups).with_row_selection(selection);
        }
        let reader = guarded(&path, || builder.with_projection(mask).build())?;
        Ok(Self { path, reader, times: Vec::new(), values: Vec::new(), at: 0 })
    }

    /// The next sample; an error where there should be one and is none.
    pub(super) fn next(&mut self) -> Result<(i64, f64), StoreError> {
        while self.at == self.times.len() {
            let Some(batch) = next_batch(&self.path, &mut self.reader)? else {
                return Err(StoreError::damaged(
                    &self.path,
                    "it has fewer rows than its series say",
                ));
            };
            let times = batch.column(0).as_primitive::<TimestampNanosecondType>();
            let values = batch.column(1).as_primitive::<Float64Type>();
            self.times.clear();
            self.values.clear();
            self.times.extend_from_slice(times.values());
            self.values.extend_from_slice(values.values());
            self.at = 0;
        }
        let sample = (self.times[self.at], self.values[self.at]);
        self.at += 1;
        Ok(sample)
    }
}

impl std::fmt::Debug for TableWriter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("TableWriter").field("entry", &self.entry).finish_non_exhaustive()
    }
}

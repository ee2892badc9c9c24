//! Parquet out.

use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use auscult_core::Timestamp;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::other_columns;
use crate::table::{Cells, Table};

pub(super) struct Writer<W: Write + Send> {
    state: State<W>,
}

enum State<W: Write + Send> {
    /// The columns are known with the first batch.
    Waiting(W),
    Writing(Box<ArrowWriter<W>>, Arc<Schema>),
    Failed,
}

impl<W: Write + Send> Writer<W> {
    pub(super) fn new(out: W) -> Self {
        Self { state: State::Waiting(out) }
    }

    pub(super) fn write(&mut self, batch: &Table) -> io::Result<()> {
        if let State::Waiting(_) = self.state {
            self.begin(batch)?;
        }
        let State::Writing(writer, schema) = &mut self.state else {
            return Err(io::Error::other("the file could not be begun"));
        };
        if **schema != schema_of(batch) {
            return Err(other_columns());
        }
        let arrays = batch.columns().iter().map(|column| array(&column.cells)).collect();
        let batch = RecordBatch::try_new(Arc::clone(schema), arrays).map_err(io::Error::other)?;
        writer.write(&batch).map_err(io_error)
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        if let State::Waiting(_) = self.state {
            self.begin(&Table::default())?;
        }
        match self.state {
            State::Writing(writer, _) => writer.into_inner().map_err(io_error),
            _ => Err(io::Error::other("the file could not be begun")),
        }
    }

    fn begin(&mut self, batch: &Table) -> io::Result<()> {
        let State::Waiting(out) = std::mem::replace(&mut self.state, State::Failed) else {
            return Ok(());
        };
        if batch.columns().is_empty() {
            let message = "a Parquet file needs at least one column";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let schema = Arc::new(schema_of(batch));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties));
        self.state = State::Writing(Box::new(writer.map_err(io_error)?), schema);
        Ok(())
    }
}

fn schema_of(batch: &Table) -> Schema {
    let fields = batch.columns().iter().map(|column| {
        let kind = match &column.cells {
            Cells::Numbers(_) => DataType::Float64,
            Cells::Words(_) => DataType::Utf8,
            Cells::Times(_) => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        };
        Field::new(&column.name, kind, true)
    });
    Schema::new(fields.collect::<Vec<_>>())
}

fn array(cells: &Cells) -> ArrayRef {
    match cells {
        Cells::Numbers(numbers) => {
            let cells = numbers.iter().map(|&number| (!number.is_nan()).then_some(number));
            Arc::new(cells.collect::<Float64Array>())
        }
        Cells::Words(words) => {
            let cells = (0..words.rows.len()).map(|row| words.get(row));
            Arc::new(cells.collect::<StringArray>())
        }
        Cells::Times(times) => {
            let cells = times.iter().map(|time| time.map(Timestamp::nanos));
            Arc::new(cells.collect::<TimestampNanosecondArray>().with_timezone("UTC"))
        }
    }
}

/// The error of the file below, where it is one: a broken pipe stays one.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => *source,
            Err(source) => io::Error::other(source),
        },
        error => io::Error::other(error),
    }
}

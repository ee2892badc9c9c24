//! An input that is looked at before it is read, once or twice.

use auscult_telemetry::{Field, Input, ReadOptions, Reader, Table, TimeColumn};

use crate::outcome::CallError;
use crate::progress::Progress;

/// Where rows come from.
#[derive(Debug)]
pub(crate) struct Source {
    inputs: Vec<Input>,
    options: ReadOptions,
    /// The reader that was looked at and has not been read yet.
    opened: Option<Reader>,
    fields: Vec<Field>,
    time: Option<String>,
}

impl Source {
    /// Opens `inputs` and finds out which columns they have.
    pub(crate) fn look(inputs: Vec<Input>, options: ReadOptions) -> Result<Self, CallError> {
        let reader = Reader::open(&inputs, &options).map_err(CallError::input)?;
        Ok(Self {
            fields: reader.schema().to_vec(),
            time: reader.time_column().map(str::to_owned),
            opened: Some(reader),
            inputs,
            options,
        })
    }

    /// The columns there are.
    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The column of times.
    pub(crate) fn time(&self) -> Option<&str> {
        self.time.as_deref()
    }

    /// Whether it can be read a second time; standard input cannot.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.inputs.iter().all(Input::is_repeatable)
    }

    /// Whether there are at least `rows` rows. Standard input, which cannot be read
    /// for this and then again, is taken to have them.
    pub(crate) fn has_rows(&self, rows: usize) -> Result<bool, CallError> {
        if !self.is_repeatable() {
            return Ok(true);
        }
        let mut reader = Reader::open(&self.inputs, &self.options).map_err(CallError::input)?;
        let mut seen = 0;
        while seen < rows {
            match reader.next_batch().map_err(CallError::input)? {
                Some(batch) => seen += batch.rows(),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Reads only `columns` and the times from now on, if that is possible.
    pub(crate) fn narrow(&mut self, columns: Vec<String>) {
        if self.is_repeatable() {
            self.options.columns = Some(columns);
            self.opened = None;
        }
    }

    /// A pass over all rows.
    pub(crate) fn pass(&mut self) -> Result<Reader, CallError> {
        match self.opened.take() {
            Some(reader) => Ok(reader),
            None => Reader::open(&self.inputs, &self.options).map_err(CallError::input),
        }
    }

    /// A pass that need not know when rows were taken, and is faster for it.
    pub(crate) fn pass_without_times(&mut self) -> Result<Reader, CallError> {
        if self.opened.is_some() {
            return self.pass();
        }
        let options = ReadOptions { time: TimeColumn::Without, ..self.options.clone() };
        Reader::open(&self.inputs, &options).map_err(CallError::input)
    }

    /// All rows at once.
    pub(crate) fn table(&mut self, progress: &Progress) -> Result<Table, CallError> {
        let mut table = Table::default();
        let mut reader = self.pass()?;
        for_each_batch(&mut reader, "reading", progress, |batch| {
            table.append(batch).map_err(CallError::input)
        })?;
        Ok(table)
    }
}

/// Hands every batch of `reader` to `each`, and its warnings to the person.
pub(crate) fn for_each_batch(
    reader: &mut Reader,
    what: &'static str,
    progress: &Progress,
    mut each: impl FnMut(Table) -> Result<(), CallError>,
) -> Result<(), CallError> {
    progress.bytes(what, reader.progress().total);
    while let Some(batch) = reader.next_batch().map_err(CallError::input)? {
        each(batch)?;
        progress.at(reader.progress().read);
    }
    for warning in reader.warnings() {
        progress.warn(warning);
    }
    Ok(())
}

//! Operations of a training job, from a table: a row an operation.

use auscult_diagnose::replay::{Operation, OperationKind, Trace, TraceError};
use auscult_telemetry::{Input, ReadOptions, Table, TimeColumn, read_table};

use crate::outcome::CallError;

/// Columns that a trace has; others are passed over.
pub(crate) const COLUMNS: [&str; 7] =
    ["step", "dp_rank", "stage", "optype", "seq_id", "start_ts", "duration"];

/// Reads and checks a trace.
pub(crate) fn read(input: &Input, options: &ReadOptions) -> Result<Trace, CallError> {
    let options = ReadOptions { time: TimeColumn::Without, ..options.clone() };
    let table = read_table(std::slice::from_ref(input), &options).map_err(CallError::input)?;
    let absent: Vec<String> = COLUMNS
        .into_iter()
        .filter(|name| table.column(name).is_none())
        .map(|name| format!("`{name}`"))
        .collect();
    if !absent.is_empty() {
        return Err(CallError::input(format!(
            "{input} has no column {}; a trace of a training job has a row for each operation, with the columns {}",
            absent.join(", "),
            COLUMNS.join(", ")
        )));
    }
    let operations = operations(input, &table)?;
    Trace::new(operations).map_err(|error| CallError::input(format!("{input}: {}", of_file(error))))
}

/// With rows counted from 1, as in the sentences of the reader.
fn of_file(error: TraceError) -> TraceError {
    match error {
        TraceError::Number { row, what, value } => TraceError::Number { row: row + 1, what, value },
        TraceError::Twice { row, step, kind, sequence, worker } => {
            TraceError::Twice { row: row + 1, step, kind, sequence, worker }
        }
        other => other,
    }
}

fn operations(input: &Input, table: &Table) -> Result<Vec<Operation>, CallError> {
    let numbers = |name: &str| {
        table.numbers(name).ok_or_else(|| {
            CallError::input(format!("{input}: column `{name}` must hold numbers only"))
        })
    };
    let [step, rank, stage] = [numbers("step")?, numbers("dp_rank")?, numbers("stage")?];
    let [sequence, start, duration] =
        [numbers("seq_id")?, numbers("start_ts")?, numbers("duration")?];
    let kinds = table.words("optype").ok_or_else(|| {
        CallError::input(format!("{input}: column `optype` must hold {}", all_kinds()))
    })?;
    let whole = |name: &str, row: usize, value: f64, least: f64, most: f64| {
        if value.fract() == 0.0 && (least..=most).contains(&value) {
            return Ok(value);
        }
        Err(CallError::input(format!(
            "{input}, row {}: `{name}` is {value}; expected a whole number from {least} to {most}",
            row + 1
        )))
    };
    let count = |name: &str, row: usize, value: f64| {
        whole(name, row, value, 0.0, f64::from(u32::MAX)).map(|value| value as u32)
    };
    let operation = |row: usize| {
        let name = kinds.get(row).unwrap_or_default();
        let kind = OperationKind::named(name).ok_or_else(|| {
            let row = row + 1;
            let sentence =
                format!("{input}, row {row}: `optype` is `{name}`; expected {}", all_kinds());
            CallError::input(sentence)
        })?;
        // Whole numbers that a float holds without loss.
        let most = 9e15;
        Ok(Operation {
            step: whole("step", row, step[row], -most, most)? as i64,
            dp_rank: count("dp_rank", row, rank[row])?,
            stage: count("stage", row, stage[row])?,
            kind,
            sequence: count("seq_id", row, sequence[row])?,
            start: start[row],
            duration: duration[row],
        })
    };
    (0..table.rows()).map(operation).collect()
}

/// The kinds of operations, in words.
fn all_kinds() -> String {
    let names: Vec<&str> = OperationKind::ALL.iter().map(|kind| kind.name()).collect();
    format!("one of {}", names.join(", "))
}

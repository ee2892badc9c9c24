//! Replays traces of training jobs and says what makes them slow.
//!
//! `cargo run --release -p auscult-diagnose --example what_if TRACE.parquet…`, traces with the columns
//! `step`, `dp_rank`, `stage`, `optype`, `seq_id`, `start_ts`, `duration`.

use std::time::Instant;

use auscult_diagnose::replay::{Operation, OperationKind, Slowdown, Trace, what_if};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for path in std::env::args().skip(1) {
        let operations = read(&path)?;
        let (rows, start) = (operations.len(), Instant::now());
        let trace = Trace::new(operations).map_err(|error| format!("{path}: {error}"))?;
        let found = what_if(&trace).map_err(|error| format!("{path}: {error}"))?;
        let took = start.elapsed().as_secs_f64();
        let workers = trace.workers().len();
        println!(
            "{path}: {rows} operations, {} steps, {workers} workers, {took:.2} s",
            found.steps
        );
        println!(
            "  measured {:.3} s, replayed {:.3} s, ideal {:.3} s",
            found.measured, found.real, found.ideal
        );
        println!(
            "  S = {:.3}, Mw = {:.2}, Ms = {:.2}",
            found.slowdown,
            found.worst_workers.share,
            found.last_stage()
        );
        println!(
            "  communication {:.2}, even batches {:.2}, correlation {:.2?}",
            found.communication, found.even_batches, found.batch_correlation
        );
        println!("  operations: {}", list(&found.kinds));
        println!("  stages: {}", list(&found.stages));
        println!("  ranks: {}", list(&found.ranks));
        println!("  workers: {}", list(&found.workers));
        found.causes.iter().for_each(|cause| println!("  {cause}"));
    }
    Ok(())
}

fn list<P: std::fmt::Display>(all: &[Slowdown<P>]) -> String {
    let few = all.iter().take(5).map(|one| format!("{} {:.3}", one.part, one.factor));
    few.collect::<Vec<_>>().join(", ")
}

fn read(path: &str) -> Result<Vec<Operation>, Box<dyn std::error::Error>> {
    let file = SerializedFileReader::new(std::fs::File::open(path)?)?;
    let mut operations = Vec::new();
    for row in file.get_row_iter(None)? {
        let row = row?;
        let field = |name: &str| -> Result<&Field, String> {
            let found = row.get_column_iter().find(|(column, _)| column.as_str() == name);
            found.map(|(_, field)| field).ok_or_else(|| format!("{path}: no column `{name}`"))
        };
        let number = |name: &str| {
            let field = field(name)?;
            let shown = field.to_string();
            shown
                .parse::<f64>()
                .map_err(|_| format!("{path}: `{name}` is {shown}; expected a number"))
        };
        let Field::Str(kind) = field("optype")? else { return Err("`optype` is no text".into()) };
        operations.push(Operation {
            step: number("step")? as i64,
            dp_rank: number("dp_rank")? as u32,
            stage: number("stage")? as u32,
            kind: OperationKind::named(kind)
                .ok_or_else(|| format!("unknown operation `{kind}`"))?,
            sequence: number("seq_id")? as u32,
            start: number("start_ts")?,
            duration: number("duration")?,
        });
    }
    Ok(operations)
}

//! Times reading: `scan FILE [COLUMN…]` reads the columns, or all, in as many
//! passes as `PASSES` says (2 unless set), and prints the time of each.
//!
//! With `TIMED=1` the time column is read too.

use std::time::Instant;

use auscult_telemetry::{Cells, Input, ReadError, ReadOptions, Reader, TimeColumn};

fn main() -> Result<(), ReadError> {
    let mut arguments = std::env::args().skip(1);
    let Some(file) = arguments.next() else {
        eprintln!("usage: scan FILE [COLUMN…]");
        std::process::exit(2);
    };
    let columns: Vec<String> = arguments.collect();
    let timed = std::env::var_os("TIMED").is_some();
    let options = ReadOptions {
        columns: (!columns.is_empty()).then_some(columns),
        time: if timed { TimeColumn::Detect } else { TimeColumn::Without },
        ..ReadOptions::default()
    };
    let passes = std::env::var("PASSES").ok().and_then(|passes| passes.parse().ok()).unwrap_or(2);
    let input = [Input::from_argument(&file)];
    for _ in 0..passes {
        pass(&input, &options)?;
    }
    Ok(())
}

fn pass(input: &[Input], options: &ReadOptions) -> Result<(), ReadError> {
    let start = Instant::now();
    let mut reader = Reader::open(input, options)?;
    let (mut rows, mut sum) = (0, 0.0);
    while let Some(batch) = reader.next_batch()? {
        rows += batch.rows();
        for column in batch.columns() {
            if let Cells::Numbers(numbers) = &column.cells {
                sum += numbers.iter().filter(|number| number.is_finite()).sum::<f64>();
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let bytes = reader.progress().read as f64;
    println!(
        "{rows} rows, sum {sum}: {seconds:.3} s, {:.1} ns/row, {:.0} MB/s",
        seconds * 1e9 / rows as f64,
        bytes / 1e6 / seconds
    );
    Ok(())
}

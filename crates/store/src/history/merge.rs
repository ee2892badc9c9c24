//! Several pairs of Parquet files become one, in memory that does not depend on their size.

use std::cmp::Ordering;
use std::path::Path;

use super::manifest::Entry;
use super::table::{SampleRows, SeriesRow, SeriesRows, TableWriter, order};
use crate::error::StoreError;

/// A file that is read along.
struct Input {
    series: SeriesRows,
    samples: SampleRows,
    head: Option<SeriesRow>,
}

/// The samples of one series in one input.
struct Run {
    input: usize,
    left: u64,
    next: (i64, f64),
}

/// Merges `inputs`, oldest first, into file `number`. Samples before `cutoff` are left out.
/// Of samples of one series at one time, that of the last input counts.
pub(super) fn merge(
    folder: &Path,
    inputs: &[Entry],
    number: u32,
    cutoff: i64,
) -> Result<Option<Entry>, StoreError> {
    let level = inputs.iter().map(|entry| entry.level).max().unwrap_or(0) + 1;
    let mut writer = TableWriter::create(folder, number, level)?;
    let mut inputs: Vec<Input> = inputs
        .iter()
        .map(|entry| {
            let mut series = SeriesRows::open(folder, entry.number)?;
            let samples = SampleRows::open(folder, entry.number, None)?;
            let head = series.next()?;
            Ok(Input { series, samples, head })
        })
        .collect::<Result<_, StoreError>>()?;
    loop {
        let heads = inputs.iter().filter_map(|input| input.head.as_ref());
        let Some(first) = heads.min_by(|one, other| in_order(one, other)).cloned() else { break };
        let mut runs = Vec::new();
        let mut kind = first.kind;
        for (place, input) in inputs.iter_mut().enumerate() {
            let Some(head) = &input.head else { continue };
            if head.labels != first.labels {
                continue;
            }
            kind = head.kind;
            if head.samples > 0 {
                let next = input.samples.next()?;
                runs.push(Run { input: place, left: head.samples - 1, next });
            }
            input.head = input.series.next()?;
        }
        let merged = std::iter::from_fn(|| {
            loop {
                let sample = match next(&mut runs, &mut inputs) {
                    Ok(sample) => sample?,
                    Err(error) => return Some(Err(error)),
                };
                if sample.0 >= cutoff {
                    return Some(Ok(sample));
                }
            }
        });
        writer.series(first.labels.as_ref(), kind, merged)?;
    }
    writer.finish()
}

fn in_order(one: &SeriesRow, other: &SeriesRow) -> Ordering {
    order(one.labels.as_ref(), other.labels.as_ref())
}

/// The earliest sample of all runs.
fn next(runs: &mut Vec<Run>, inputs: &mut [Input]) -> Result<Option<(i64, f64)>, StoreError> {
    let Some(time) = runs.iter().map(|run| run.next.0).min() else { return Ok(None) };
    let mut sample = (time, f64::NAN);
    for run in runs.iter_mut().filter(|run| run.next.0 == time) {
        sample = run.next;
        if run.left > 0 {
            run.left -= 1;
            run.next = inputs[run.input].samples.next()?;
        } else {
            // Marks the run as over: there is no sample at this time.
            run.input = usize::MAX;
        }
    }
    runs.retain(|run| run.input != usize::MAX);
    Ok(Some(sample))
}

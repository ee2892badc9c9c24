//! `auscult replay`: what makes a training job slow, and how fast it would be with parts mended.

mod machine;
mod part;
mod words;

use std::io::Write;
use std::path::PathBuf;

use auscult_diagnose::replay::{MendedTime, Trace, WhatIf, mend, what_if};

use super::input::{Reading, input};
use crate::outcome::{CallError, Outcome};
use crate::training_trace;
use part::Part;

/// Arguments of `auscult replay`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A trace is a table with a row for each operation of the job and the columns step, dp_rank, stage,
optype (forward-compute, backward-send, grads-reduce-scatter, …), seq_id, start_ts, duration.

Examples:
  auscult replay trace.parquet
  auscult replay trace.parquet --mend rank=3 --mend rank=3,operation=backward-compute
  auscult replay trace.csv.gz --format json > replay.json")]
pub(crate) struct Arguments {
    /// Trace of a training job: CSV, JSON Lines or Parquet; `-` is standard input.
    #[arg(value_name = "TRACE")]
    trace: PathBuf,

    #[command(flatten)]
    reading: Reading,

    /// What if this part had been normal? `rank=0`, `stage=1`, `step=20` or
    /// `operation=backward-compute`; several joined by commas mend what is all of them.
    #[arg(long, value_name = "PART", value_parser = part::parse)]
    mend: Vec<Part>,

    /// Parts listed at most of each kind; JSON always holds all of them.
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    top: usize,

    /// Form of the answer.
    #[arg(short, long, value_enum, default_value_t = Form::Text)]
    format: Form,

    /// Exit with code 1 if something makes the job slow.
    #[arg(long)]
    fail_on_anomaly: bool,
}

/// How the answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people.
    Text,
    /// Everything as data.
    Json,
}

/// What was found.
struct Replayed {
    file: String,
    trace: Trace,
    found: WhatIf,
    /// What the person asked, and the answers.
    mended: Vec<(Part, MendedTime)>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let input = input(&arguments.trace);
    let file = input.to_string();
    let trace = training_trace::read(&input, &arguments.reading.options())?;
    let refuse = |error| CallError::input(format!("{file}: {error}"));
    let found = what_if(&trace).map_err(refuse)?;
    let mut mended = Vec::with_capacity(arguments.mend.len());
    for part in &arguments.mend {
        let time = mend(&trace, |operation| part.holds(operation)).map_err(refuse)?;
        if time.operations == 0 {
            return Err(CallError::input(format!(
                "--mend {part}: no operation of {file} is that; {}",
                part::there(&trace)
            )));
        }
        mended.push((part.clone(), time));
    }
    let replayed = Replayed { file, trace, found, mended };
    let text = match arguments.format {
        Form::Text => words::report(&replayed, arguments.top),
        Form::Json => machine::json(&replayed),
    };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).map_err(CallError::write("standard output"))?;
    let is_slow = arguments.fail_on_anomaly && !replayed.found.causes.is_empty();
    Ok(if is_slow { Outcome::Found } else { Outcome::Done })
}

//! `auscult troubleshoot`: the cause of a case, question by question, or of
//! every row of a file.

mod dialogue;
mod network;
mod prices;
mod rows;
mod typed;

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use auscult_diagnose::model::{LARGEST_FILE, LearntModel};
use auscult_diagnose::troubleshoot::Session;
use auscult_telemetry::Input;

use super::input::Reading;
use crate::outcome::{CallError, Outcome};

/// Certainty at which a learnt model stops asking, unless the person wants another.
const CERTAINTY: f64 = 0.95;

/// Arguments of `auscult troubleshoot`.
#[derive(Debug, clap::Args)]
#[command(
    mut_arg("delimiter", |flag| flag.requires("input")),
    mut_arg("header", |flag| flag.requires("input")),
    mut_arg("input_format", |flag| flag.requires("input")),
    after_help = "\
Examples:
  auscult troubleshoot --model model.json
  auscult troubleshoot --model model.json --input cases.csv --format json
  auscult troubleshoot --model printer.bif --symptom print=no --costs cable=3,toner=5"
)]
pub(crate) struct Arguments {
    /// The model that `auscult learn --output` wrote, or a Bayesian network in the Interchange
    /// Format (BIF), plain, gzip or zstd.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// What is wrong, of a Bayesian network: a variable and its state.
    #[arg(long, value_name = "VARIABLE=STATE", conflicts_with = "input")]
    symptom: Option<String>,
    /// What each question costs: a CSV of feature and price, or `feature=price,…`; 1 without it.
    #[arg(long, value_name = "FILE|LIST", conflicts_with = "input")]
    costs: Option<String>,
    /// Name the cause of every row of this file instead of asking; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    input: Option<String>,
    #[command(flatten)]
    reading: Reading,
    /// Stop asking when a cause is this likely, in (0, 1]; of a network in (0.5, 1)
    /// [default: 0.95, of a network 0.99]
    #[arg(long, value_name = "SHARE", conflicts_with = "input")]
    certainty: Option<f64>,
    /// How to print the causes of rows.
    #[arg(long, default_value = "table", requires = "input")]
    format: rows::Format,
    /// Print no hints, only questions and results.
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    if network::is_network(&arguments.model) {
        return walk(arguments);
    }
    let model = read_model(&arguments.model)?;
    if let Some(symptom) = &arguments.symptom {
        return Err(CallError::input(format!(
            "--symptom {symptom}: {} is a learnt model, which asks for symptoms by itself; leave it out",
            arguments.model.display()
        )));
    }
    let written = match &arguments.input {
        Some(file) => {
            let input = Input::from_argument(file);
            let cases = rows::read_cases(&model, &input, &arguments.reading.options())?;
            for note in &cases.notes {
                eprintln!("note: {note}");
            }
            rows::write(&model, &cases, arguments.format, &mut std::io::stdout().lock())
        }
        None => {
            let mut session = Session::new(&model, arguments.certainty.unwrap_or(CERTAINTY))
                .map_err(CallError::input)?;
            if let Some(costs) = &arguments.costs {
                prices::set(&mut session, costs)?;
            }
            let stdin = std::io::stdin().lock();
            let echo = !std::io::stdin().is_terminal();
            let out = std::io::stdout().lock();
            dialogue::Dialogue::new(session, stdin, out, echo, arguments.quiet).run()
        }
    };
    written.map_err(CallError::write("standard output"))?;
    Ok(Outcome::Done)
}

/// Asks about a network.
fn walk(arguments: &Arguments) -> Result<Outcome, CallError> {
    let network = network::read(&arguments.model)?;
    if arguments.input.is_some() {
        return Err(CallError::input(format!(
            "--input: {} is a Bayesian network, which is asked about one case at a time: leave out --input, and say --symptom VARIABLE=STATE",
            arguments.model.display()
        )));
    }
    let certainty = arguments.certainty.unwrap_or(network::CERTAINTY);
    let (symptom, costs) = (arguments.symptom.as_deref(), arguments.costs.as_deref());
    let found = network::troubleshooter(&network, symptom, costs, certainty)?;
    let echo = !std::io::stdin().is_terminal();
    let ends = (std::io::stdin().lock(), std::io::stdout().lock());
    network::Dialogue::new(&network, found, ends, echo, arguments.quiet)
        .run()
        .map_err(CallError::write("standard output"))?;
    Ok(Outcome::Done)
}

/// Reads no more than a model may be long, however long the file is.
fn read_model(path: &Path) -> Result<LearntModel, CallError> {
    let say = |why: String| CallError::input(format!("{}: {why}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            say("no such file; `auscult learn --output` writes it".to_owned())
        }
        _ => say(format!("cannot be read: {error}")),
    })?;
    let mut json = Vec::new();
    file.take(LARGEST_FILE as u64 + 1)
        .read_to_end(&mut json)
        .map_err(|error| say(format!("cannot be read: {error}")))?;
    LearntModel::from_json(&json).map_err(|error| say(error.to_string()))
}

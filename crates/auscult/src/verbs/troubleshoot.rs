//! `auscult troubleshoot`: the cause of a case or of an incident, question by question, or of every
//! row of a file.

mod dialogue;
mod incident;
mod network;
pub(super) mod prices;
mod rows;
pub(super) mod typed;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use auscult_diagnose::model::LearntModel;
use auscult_diagnose::troubleshoot::Session;
use auscult_telemetry::Input;

use super::case::CaseArguments;
use crate::outcome::{CallError, Outcome};

/// Certainty at which a learnt model stops asking, unless the person wants another.
const CERTAINTY: f64 = 0.95;

/// Arguments of `auscult troubleshoot`.
#[derive(Debug, clap::Args)]
#[command(
    group(clap::ArgGroup::new("tables").args(["input", "files"]).multiple(true)),
    mut_arg("delimiter", |flag| flag.requires("tables")),
    mut_arg("header", |flag| flag.requires("tables")),
    mut_arg("input_format", |flag| flag.requires("tables")),
    after_help = "\
Examples:
  auscult troubleshoot --model model.json
  auscult troubleshoot --model model.json --input cases.csv --format json
  auscult troubleshoot --model printer.bif --symptom print=no --costs cable=3,toner=5
  auscult troubleshoot --url http://127.0.0.1:9709 --incident 3
  auscult troubleshoot metrics.parquet --at 2026-03-05T05:21:00Z"
)]
pub(crate) struct Arguments {
    /// The model that `auscult learn --output` wrote, or a Bayesian network in the Interchange
    /// Format (BIF), plain, gzip or zstd.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["files", "url", "data", "prometheus", "at", "incident", "knowledge"])]
    model: Option<PathBuf>,
    /// What is wrong, of a Bayesian network: a variable and its state.
    #[arg(long, value_name = "VARIABLE=STATE", conflicts_with = "input", requires = "model")]
    symptom: Option<String>,
    /// What each question costs: a CSV of feature (of an incident: signal, `event KIND` or `log`) and
    /// price, or `feature=price,…`; 1 without it.
    #[arg(long, value_name = "FILE|LIST", conflicts_with = "input")]
    costs: Option<String>,
    /// Name the cause of every row of this file instead of asking; `-` for standard input.
    #[arg(long, value_name = "FILE", requires = "model")]
    input: Option<String>,
    #[command(flatten)]
    case: CaseArguments,
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
    let Some(file) = &arguments.model else {
        if !arguments.case.is_given() {
            return Err(CallError::input(
                "say what to troubleshoot: --model FILE for a case of your own, --url URL for an incident of a running service, or files of metrics with --at TIME",
            ));
        }
        let (costs, certainty) = (arguments.costs.as_deref(), arguments.certainty);
        return incident::run(&arguments.case, costs, certainty, arguments.quiet);
    };
    if network::is_network(file) {
        return walk(arguments, file);
    }
    let model = read_model(file)?;
    if let Some(symptom) = &arguments.symptom {
        return Err(CallError::input(format!(
            "--symptom {symptom}: {} is a learnt model, which asks for symptoms by itself; leave it out",
            file.display()
        )));
    }
    let written = match &arguments.input {
        Some(rows) => {
            let input = Input::from_argument(rows);
            let cases = rows::read_cases(
                &model,
                &input,
                &arguments.case.recordings.input.reading.options(),
            )?;
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
fn walk(arguments: &Arguments, file: &Path) -> Result<Outcome, CallError> {
    let network = network::read(file)?;
    if arguments.input.is_some() {
        return Err(CallError::input(format!(
            "--input: {} is a Bayesian network, which is asked about one case at a time: leave out --input, and say --symptom VARIABLE=STATE",
            file.display()
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

fn read_model(path: &Path) -> Result<LearntModel, CallError> {
    LearntModel::from_file(path)
        .map_err(|error| CallError::input(format!("{}: {error}", path.display())))
}

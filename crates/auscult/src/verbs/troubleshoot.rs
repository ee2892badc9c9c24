//! `auscult troubleshoot`: the cause of a case, question by question, or of
//! every row of a file.

mod dialogue;
mod prices;
mod rows;

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use auscult_diagnose::model::{LARGEST_FILE, LearntModel};
use auscult_diagnose::troubleshoot::Session;
use auscult_telemetry::Input;

use super::input::Reading;
use crate::outcome::{CallError, Outcome};

/// Arguments of `auscult troubleshoot`.
#[derive(Debug, clap::Args)]
#[command(
    mut_arg("delimiter", |flag| flag.requires("input")),
    mut_arg("header", |flag| flag.requires("input")),
    mut_arg("input_format", |flag| flag.requires("input"))
)]
pub(crate) struct Arguments {
    /// The model that `auscult learn --output` wrote.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// What each question costs: a CSV of feature and price, or `feature=price,…`; 1 without it.
    #[arg(long, value_name = "FILE|LIST", conflicts_with = "input")]
    costs: Option<String>,
    /// Name the cause of every row of this file instead of asking; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    input: Option<String>,
    #[command(flatten)]
    reading: Reading,
    /// Stop asking when a cause is this likely, in (0, 1].
    #[arg(long, default_value_t = 0.95, value_name = "SHARE", conflicts_with = "input")]
    certainty: f64,
    /// How to print the causes of rows.
    #[arg(long, default_value = "table", requires = "input")]
    format: rows::Format,
    /// Print no hints, only questions and results.
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let model = read_model(&arguments.model)?;
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
            let mut session =
                Session::new(&model, arguments.certainty).map_err(CallError::input)?;
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

//! auscult: watches large AI models, notices when one is getting sick, names the cause.

mod arenas;
mod backtest;
mod benchmark;
mod cells;
mod detection;
mod http;
mod outcome;
mod plot;
mod progress;
mod report;
mod selection;
mod service;
mod simulation;
mod training_trace;
mod verbs;

use std::process::ExitCode;

use clap::Parser;

use crate::outcome::Outcome;

/// Watches large AI models, notices when one is getting sick, names the cause.
#[derive(Debug, Parser)]
#[command(name = "auscult", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    verb: verbs::Verb,
}

fn main() -> ExitCode {
    match Cli::parse().verb.run() {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Found) => ExitCode::from(1),
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("auscult: {error}");
            ExitCode::from(2)
        }
    }
}

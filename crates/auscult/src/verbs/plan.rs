//! `auscult plan`: what a configuration of `auscult serve` will cost before it runs.

mod words;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use auscult_server::plan::{COSTS, Costs, Estimate, Pushed, SourcePlan, estimate, look};
use auscult_server::{ConfigFile, parse_duration};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::check::refused;
use crate::outcome::{CallError, Outcome};

/// Arguments of `auscult plan`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A configuration of `auscult serve`.
    #[arg(value_name = "CONFIG")]
    config: PathBuf,
    /// Look at no source: only what is pushed is known then.
    #[arg(long)]
    no_look: bool,
    /// How long to wait for each source, at most as long as the service would.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_duration, conflicts_with = "no_look")]
    timeout: Duration,
    /// Series that will be pushed, by remote write or OTLP.
    #[arg(long, value_name = "N")]
    pushed_series: Option<u64>,
    /// From one sample of each pushed series to the next.
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = positive, requires = "pushed_series")]
    pushed_interval: Duration,
    /// How to say it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Tables for people.
    Text,
    /// One document for programs.
    Json,
}

fn positive(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err("expected more than 0".to_owned()),
        interval => Ok(interval),
    }
}

/// The whole plan, for programs.
#[derive(Debug, Serialize)]
struct Document<'a> {
    sources: &'a [SourcePlan],
    estimate: &'a Estimate,
    costs: &'a Costs,
}

/// Plans; a wrong configuration is an input that is wrong.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let configuration =
        ConfigFile::new(&arguments.config).read().map_err(|error| refused(error.problems()))?;
    let settings = configuration.settings();
    let within = (!arguments.no_look).then_some(arguments.timeout);
    let interval = arguments.pushed_interval;
    let pushed = arguments.pushed_series.map(|series| Pushed { series, interval });
    let runtime = tokio::runtime::Runtime::new().map_err(CallError::input)?;
    let sources = runtime.block_on(look(&settings, within, pushed)).map_err(CallError::input)?;
    let estimate = estimate(&settings, &sources, &COSTS);
    let text = match arguments.format {
        Format::Text => words::text(&sources, &estimate),
        Format::Json => {
            let document = Document { sources: &sources, estimate: &estimate, costs: &COSTS };
            serde_json::to_string_pretty(&document).map_err(CallError::input)?
        }
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", text.trim_end()).map_err(CallError::write("standard output"))?;
    Ok(Outcome::Done)
}

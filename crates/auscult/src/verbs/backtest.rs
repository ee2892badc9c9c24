//! `auscult backtest`: what the live service would have told.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use auscult_core::Timestamp;
use auscult_detect::ensemble::AlarmBudget;
use auscult_server::{Backtest, BacktestSettings, ConfigFile, Configuration, parse_duration};
use auscult_telemetry::parse_time;

use super::recordings::RecordingArguments;
use crate::backtest::Report;
use crate::backtest::events::{self, Judgement};
use crate::backtest::growth::Growth;
use crate::outcome::{CallError, Outcome};
use crate::progress::Progress;
use crate::report::Format;

/// Members of an incident that a table shows when the person does not say how many.
const TABLE_MEMBERS: usize = 3;
/// Moments from one look of the progress bar to the next.
const LOOK: u64 = 256;

/// Arguments of `auscult backtest`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    recordings: RecordingArguments,

    /// Replay nothing before this time, such as 2024-05-01T00:00:00Z [default: the beginning;
    /// of a Prometheus server, a day before --to]
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,

    /// Replay nothing after this time [default: the end]
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,

    /// Tell what would have been told from this time on; what comes before only teaches
    #[arg(long, value_name = "TIME", value_parser = time)]
    tell_from: Option<Timestamp>,

    /// Take detection and policies from this configuration of `auscult serve`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// False alarms that are bearable for each target [default: 1/week, or as the
    /// configuration says]
    #[arg(long, value_name = "N/PERIOD")]
    budget: Option<AlarmBudget>,

    /// How often the engine ticks [default: as the service, every 15s; where the records of
    /// files are further apart, once a record]
    #[arg(long, value_name = "TIME", value_parser = tick)]
    tick: Option<Duration>,

    /// Judge the incidents by what happened: a CSV with the columns from, to and, if wanted,
    /// target: the value of a label of the target, or labels such as pod=r1&namespace=ai; several with |
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,

    /// An incident noticed so long after the end of an event still counts for it
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = parse_duration, requires = "events")]
    grace: Duration,

    /// Form of the answer
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    format: Format,

    /// Write the answer to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// How many series of an incident to show, strangest first [default: 3 in a table, else all]
    #[arg(long, value_name = "N")]
    members: Option<usize>,

    /// Exit with code 1 if there is an incident
    #[arg(long)]
    fail_on_anomaly: bool,

    /// No progress, no paragraph: just the incidents
    #[arg(short, long)]
    quiet: bool,
}

pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    let refuse = || format!("`{text}` is no time: expected one such as 2024-05-01T00:00:00Z");
    parse_time(text).ok_or_else(refuse)
}

fn tick(text: &str) -> Result<Duration, String> {
    let tick = parse_duration(text)?;
    if tick.is_zero() { Err("a tick takes more than no time".to_owned()) } else { Ok(tick) }
}

/// Replays and writes what was told.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let settings = settings(arguments)?;
    let known = arguments.events.as_deref().map(events::read).transpose()?;
    if arguments.format == Format::Parquet
        && arguments.output.is_none()
        && std::io::stdout().is_terminal()
    {
        return Err(CallError::input("Parquet is not for terminals; name a file with --output"));
    }
    let budget = settings.engine.budget;
    let forget_after = settings.engine.forget_after;
    let progress = Progress::new(!arguments.quiet);
    progress.say("reading");
    let backtest =
        Backtest::open(arguments.recordings.open()?, settings).map_err(CallError::input)?;
    let tick = backtest.tick();
    let first = backtest.span().map(|(from, to)| {
        progress.steps("replaying", (to.seconds() - from.seconds()).max(0.0) as u64);
        from
    });
    let mut growth = Growth::default();
    let mut moments = 0_u64;
    let told = backtest.run(|moment| {
        growth.take(moment);
        moments += 1;
        if let Some(first) = first.filter(|_| moments.is_multiple_of(LOOK)) {
            progress.at((moment.time.seconds() - first.seconds()).max(0.0) as u64);
        }
    });
    progress.done();
    let told = told.map_err(CallError::input)?;
    if let Some(missing) =
        arguments.recordings.counter.iter().find(|name| !growth.has_counter(name))
    {
        return Err(CallError::input(format!("no column of numbers `{missing}` to be a counter")));
    }
    let mut notes = growth.sentences();
    if tick > forget_after {
        notes.push(format!(
            "the records are further apart than {forget_after:?}, after which the live service forgets a series; it would need a longer `forget_after`"
        ));
    }
    let grace = arguments.grace.as_secs_f64();
    let judgement = known.map(|known| Judgement::new(known, &told, grace));
    let members = match arguments.format {
        _ if arguments.members.is_some() => arguments.members,
        Format::Table => Some(TABLE_MEMBERS),
        Format::Json | Format::Csv | Format::Parquet => None,
    };
    write(
        arguments,
        &Report {
            told: &told,
            budget,
            judgement: judgement.as_ref(),
            notes: &notes,
            members: members.unwrap_or(usize::MAX),
            quiet: arguments.quiet,
        },
    )?;
    let found = !told.stories.is_empty();
    Ok(if found && arguments.fail_on_anomaly { Outcome::Found } else { Outcome::Done })
}

/// What the configuration and the arguments say together.
fn settings(arguments: &Arguments) -> Result<BacktestSettings, CallError> {
    let file = match &arguments.config {
        None => Configuration::default(),
        Some(path) => ConfigFile::new(path).read().map_err(CallError::input)?,
    };
    let served = file.settings();
    let mut engine = served.engine;
    if let Some(budget) = arguments.budget {
        engine.budget = budget;
    }
    if let (Some(from), Some(to)) = (arguments.from, arguments.to)
        && to < from
    {
        return Err(CallError::input("--to lies before --from"));
    }
    Ok(BacktestSettings {
        engine,
        tick: arguments.tick.unwrap_or(served.tick),
        is_exact: arguments.tick.is_some(),
        from: arguments.from,
        to: arguments.to,
        tell_from: arguments.tell_from,
    })
}

/// Writes the answer.
fn write(arguments: &Arguments, report: &Report<'_>) -> Result<(), CallError> {
    match &arguments.output {
        Some(path) => {
            let name = path.display().to_string();
            let file = std::fs::File::create(path).map_err(CallError::write(&name))?;
            let mut file = std::io::BufWriter::new(file);
            report.write(arguments.format, &mut file)?;
            file.flush().map_err(CallError::write(&name))?;
            if !arguments.quiet && arguments.format != Format::Table {
                eprintln!("{}", report.summary());
            }
            Ok(())
        }
        None => {
            let mut out = std::io::BufWriter::new(std::io::stdout());
            report.write(arguments.format, &mut out)?;
            out.flush().map_err(CallError::write("standard output"))
        }
    }
}

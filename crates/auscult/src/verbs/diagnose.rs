//! `auscult diagnose`: the causes of an incident, from recorded metrics or a running service.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auscult_core::Timestamp;
use auscult_diagnose::scene::{Event, LogLine};
use auscult_engine::incident::Incident;
use auscult_engine::{Case, Diagnosis, EngineSettings, Handbook};
use auscult_server::{Backtest, BacktestSettings, Configuration, Replay};
use auscult_telemetry::{Input, ReadOptions, format_time, parse_time, read_table};
use serde::{Deserialize, Serialize};

use super::backtest::time;
use super::knowledge::KnowledgeArguments;
use super::recordings::RecordingArguments;
use crate::outcome::{CallError, Outcome};
use crate::progress::Progress;
use crate::service::Service;

/// Arguments of `auscult diagnose`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    recordings: RecordingArguments,

    /// When it began [default: of each incident that the service would have told, as it finds]
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,

    /// Look at nothing after this time [default: the end of the incident; with --at, an hour
    /// later or the end of the recording]
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,

    /// Changes that people or programs made: a CSV with the columns time, kind (deploy, config,
    /// scale, restart, maintenance) and target
    #[arg(long, value_name = "FILE")]
    changes: Option<PathBuf>,

    /// Logs whose lines begin with a time and the name of a host, as `journalctl --output
    /// short-iso-precise` writes them
    #[arg(long, value_name = "FILE")]
    log: Vec<PathBuf>,

    /// A number that laws need and no label tells, such as target_time_to_first_token=0.5; `auscult
    /// laws --markdown` lists them
    #[arg(long, value_name = "NAME=VALUE", value_parser = constant)]
    constant: Vec<(String, f64)>,

    #[command(flatten)]
    knowledge: KnowledgeArguments,

    /// Ask this running service, such as http://127.0.0.1:9709
    #[arg(long, value_name = "URL", conflicts_with_all = ["files", "data", "prometheus", "at", "until", "changes", "log", "constant", "knowledge"])]
    url: Option<String>,

    /// Number of the incident of that service [default: every open one]
    #[arg(long, value_name = "N", requires = "url")]
    incident: Option<u64>,

    /// File with a token of a user of that service, where it has users
    #[arg(long, value_name = "FILE", requires = "url")]
    token_file: Option<PathBuf>,

    /// Form of the answer
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    format: Form,

    /// Write the answer to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Exit with code 1 if something is wrong
    #[arg(long)]
    fail_on_anomaly: bool,

    /// No progress
    #[arg(short, long)]
    quiet: bool,
}

/// A constant and its value.
pub(super) fn constant(text: &str) -> Result<(String, f64), String> {
    let refuse = || format!("`{text}`: expected NAME=VALUE, such as gpu_bandwidth=3.35e12");
    let (name, value) = text.split_once('=').ok_or_else(refuse)?;
    let (name, value) = (name.trim(), value.trim().parse().map_err(|_| refuse())?);
    Ok((name.to_owned(), value))
}

/// How the answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people.
    Text,
    /// Everything as data: an array, an incident an element.
    Json,
}

/// What an incident is.
#[derive(Debug, Serialize)]
struct Answer {
    /// Its number; none of what was asked for by time.
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<u64>,
    #[serde(flatten)]
    diagnosis: Diagnosis,
}

/// Diagnoses and writes what was found.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let progress = Progress::new(!arguments.quiet);
    let answers = match &arguments.url {
        Some(url) => {
            let service = Service::new(url, arguments.token_file.as_ref())?;
            ask(&service, arguments.incident)?
        }
        None => find(arguments, &progress)?,
    };
    let mut text = Vec::new();
    match arguments.format {
        Form::Json => {
            serde_json::to_writer_pretty(&mut text, &answers).map_err(CallError::input)?;
            text.push(b'\n');
        }
        Form::Text => write(&mut text, &answers).map_err(CallError::write("the answer"))?,
    }
    match &arguments.output {
        Some(path) => {
            let name = path.display().to_string();
            std::fs::write(path, text).map_err(CallError::write(&name))?;
        }
        None => {
            std::io::stdout().write_all(&text).map_err(CallError::write("standard output"))?;
        }
    }
    let is_wrong = |answer: &Answer| {
        answer.diagnosis.healthy < 0.5
            && answer.diagnosis.causes.first().is_none_or(|cause| !cause.benign)
    };
    let found = arguments.fail_on_anomaly && answers.iter().any(is_wrong);
    Ok(if found { Outcome::Found } else { Outcome::Done })
}

/// Diagnoses what recordings hold.
fn find(arguments: &Arguments, progress: &Progress) -> Result<Vec<Answer>, CallError> {
    let mut handbook = arguments.knowledge.handbook()?;
    for (name, value) in &arguments.constant {
        let refuse = |reason| CallError::input(format!("--constant {name}: {reason}"));
        handbook.know(name, *value).map_err(refuse)?;
    }
    let changes = arguments.changes.as_deref().map(changes).transpose()?;
    let mut lines = Vec::new();
    for path in &arguments.log {
        read_log(path, &mut lines)?;
    }
    let incidents: Vec<(Option<u64>, Case<'_>)> = match arguments.at {
        Some(at) => {
            let until = arguments.until.unwrap_or_else(|| {
                Timestamp::from_nanos(at.nanos().saturating_add(3_600_000_000_000))
            });
            if until <= at {
                return Err(CallError::input("--until does not lie after --at"));
            }
            vec![(None, handbook.case(at, until))]
        }
        None => {
            progress.say("looking for incidents");
            let found = incidents(arguments, &handbook)?;
            found
                .iter()
                .map(|(incident, now)| (Some(incident.id), handbook.case_of(incident, *now)))
                .collect()
        }
    };
    let mut cases = incidents;
    if cases.is_empty() {
        return Ok(Vec::new());
    }
    progress.say("looking for causes");
    let from = cases.iter().map(|(_, case)| case.span().0).min();
    let to = cases.iter().map(|(_, case)| case.span().1).max();
    let replay = Replay::open(arguments.recordings.open()?, from, to).map_err(CallError::input)?;
    let mut last = None;
    replay
        .run(|moment| {
            last = Some(moment.time);
            for (_, case) in &mut cases {
                let (from, to) = case.span();
                if (from..=to).contains(&moment.time) {
                    case.take(moment.batch);
                }
            }
        })
        .map_err(CallError::input)?;
    progress.done();
    if let Some(at) = arguments.at
        && last.is_none_or(|last| last <= at)
    {
        let until = last.map_or_else(String::new, |last| {
            format!(": the last sample before is of {}", format_time(last))
        });
        return Err(CallError::input(format!("nothing was recorded after --at{until}")));
    }
    let answers = cases.into_iter().map(|(incident, mut case)| {
        if let Some(changes) = &changes {
            case.expect_changes();
            changes.iter().for_each(|change| case.change(change.clone()));
        }
        lines.iter().for_each(|line: &LogLine| case.log(line.clone()));
        Answer { incident, diagnosis: case.diagnose() }
    });
    Ok(answers.collect())
}

/// The incidents that the service would have told, and when the recording ends.
fn incidents(
    arguments: &Arguments,
    handbook: &Handbook,
) -> Result<Vec<(Incident, Timestamp)>, CallError> {
    let served = Configuration::default().settings();
    let settings = BacktestSettings {
        engine: EngineSettings { knowledge: Arc::clone(handbook.knowledge()), ..served.engine },
        tick: served.tick,
        to: arguments.until,
        ..BacktestSettings::default()
    };
    let backtest =
        Backtest::open(arguments.recordings.open()?, settings).map_err(CallError::input)?;
    let told = backtest.run(|_| ()).map_err(CallError::input)?;
    Ok(told.stories.into_iter().map(|story| (story.incident, told.span.1)).collect())
}

fn changes(path: &Path) -> Result<Vec<Event>, CallError> {
    // That nothing was changed is something to know.
    let text = std::fs::read_to_string(path)
        .map_err(|error| CallError::input(format!("{}: {error}", path.display())))?;
    if text.lines().count() == 1 {
        return Ok(Vec::new());
    }
    let input = Input::Bytes { name: path.display().to_string(), bytes: text.as_bytes().into() };
    let options = ReadOptions {
        words: ["time", "kind", "target"].map(str::to_owned).to_vec(),
        ..ReadOptions::default()
    };
    let table = read_table(&[input], &options).map_err(CallError::input)?;
    let refuse = |row: usize, what: &str| {
        CallError::input(format!("{}, row {}: {what}", path.display(), row + 1))
    };
    let column = |name: &str| {
        table
            .words(name)
            .ok_or_else(|| CallError::input(format!("{} has no column `{name}`", path.display())))
    };
    let (times, kinds, targets) = (column("time")?, column("kind")?, column("target")?);
    let mut changes = Vec::new();
    for row in 0..table.rows() {
        let when = times.get(row).unwrap_or_default();
        let time = parse_time(when).ok_or_else(|| {
            refuse(row, &format!("`{when}` is no time: expected one such as 2024-05-01T00:00:00Z"))
        })?;
        let kind = kinds.get(row).ok_or_else(|| refuse(row, "it has no kind"))?;
        changes.push(Event {
            time: time.seconds(),
            kind: kind.to_owned(),
            target: targets.get(row).unwrap_or_default().to_owned(),
        });
    }
    Ok(changes)
}

/// Lines that begin with a time and the name of a host.
fn read_log(path: &Path, lines: &mut Vec<LogLine>) -> Result<(), CallError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| CallError::input(format!("{name}: {error}")))?;
    let before = lines.len();
    for line in text.lines() {
        let mut words = line.splitn(3, ' ');
        let time = words.next().and_then(parse_time);
        if let (Some(time), Some(source)) = (time, words.next()) {
            lines.push(LogLine {
                time: time.seconds(),
                source: source.to_owned(),
                text: line.to_owned(),
            });
        }
    }
    if lines.len() == before && !text.trim().is_empty() {
        return Err(CallError::input(format!(
            "{name}: no line begins with a time and the name of a host; expected lines such as `2024-05-01T00:00:00+00:00 node-1 kernel: …`"
        )));
    }
    Ok(())
}

/// What a running service says.
fn ask(service: &Service, incident: Option<u64>) -> Result<Vec<Answer>, CallError> {
    #[derive(Deserialize)]
    struct Page {
        incidents: Vec<Incident>,
    }
    let ids = match incident {
        Some(id) => vec![id],
        None => {
            let page: Page = service.get("/incidents?state=open")?;
            page.incidents.iter().map(|incident| incident.id).collect()
        }
    };
    let answer = |id: u64| {
        let diagnosis = service.get(&format!("/incidents/{id}/diagnosis"))?;
        Ok(Answer { incident: Some(id), diagnosis })
    };
    ids.into_iter().map(answer).collect()
}

fn write(out: &mut impl Write, answers: &[Answer]) -> std::io::Result<()> {
    if answers.is_empty() {
        return writeln!(out, "no incidents");
    }
    for (place, answer) in answers.iter().enumerate() {
        if place > 0 {
            writeln!(out, "\n{}\n", "-".repeat(72))?;
        }
        let began = Timestamp::from_nanos((answer.diagnosis.began * 1e9) as i64);
        let number = answer.incident.map(|id| format!("incident {id}, ")).unwrap_or_default();
        writeln!(out, "{number}began {}", format_time(began))?;
        write!(out, "{}", answer.diagnosis.text())?;
    }
    Ok(())
}

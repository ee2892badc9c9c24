//! Which incidents a verb is about: of recordings, or of a running service.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use auscult_core::Timestamp;
use auscult_diagnose::scene::{Event, LogLine};
use auscult_engine::incident::Incident;
use auscult_engine::page::Links;
use auscult_engine::{
    Asked, Case, Consultation, Diagnosis, EngineSettings, Handbook, Illustrated, OpenCase, Witness,
};
use auscult_server::{Backtest, BacktestSettings, Configuration, Replay};
use auscult_telemetry::{Input, ReadOptions, format_time, parse_time, read_table};
use serde::Deserialize;
use serde_json::json;

use super::backtest::time;
use super::knowledge::KnowledgeArguments;
use super::recordings::RecordingArguments;
use crate::outcome::CallError;
use crate::progress::Progress;
use crate::service::Service;

/// Which incidents, and what is known of them.
#[derive(Debug, clap::Args)]
pub(super) struct CaseArguments {
    #[command(flatten)]
    pub(super) recordings: RecordingArguments,

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

    /// Also hear the tree or forest that `auscult learn` wrote here, of a fault log whose causes are
    /// called as `auscult faults` lists them: one more witness, believed as far as it was right on
    /// cases that it had not learnt from
    #[arg(long, value_name = "MODEL.json")]
    witness: Option<PathBuf>,

    #[command(flatten)]
    knowledge: KnowledgeArguments,

    /// Ask this running service, such as http://127.0.0.1:9709
    #[arg(long, value_name = "URL", conflicts_with_all = ["files", "data", "prometheus", "at", "until", "changes", "log", "constant", "witness", "knowledge"])]
    pub(super) url: Option<String>,

    /// Number of the incident [default: each; of a service, every open one]
    #[arg(long, value_name = "N", conflicts_with = "at")]
    incident: Option<u64>,

    /// File with a token of a user of that service, where it has users
    #[arg(long, value_name = "FILE", requires = "url")]
    token_file: Option<PathBuf>,
}

/// An incident that can be asked about.
#[derive(Debug)]
pub(super) enum Patient<'h> {
    /// Of recordings.
    Recorded(Box<OpenCase<'h>>),
    /// Of a running service, by its number.
    Served(Rc<Service>, u64),
}

/// An incident with its number; none of what was asked for by time.
pub(super) type Numbered<'h> = (Option<u64>, Patient<'h>);

impl Patient<'_> {
    /// What it is.
    pub(super) fn diagnose(&self) -> Result<Diagnosis, CallError> {
        match self {
            Self::Recorded(case) => Ok(case.diagnose()),
            Self::Served(service, id) => service.get(&format!("/incidents/{id}/diagnosis")),
        }
    }

    /// The same, with the readings behind the evidence.
    pub(super) fn illustrate(&self) -> Result<Illustrated, CallError> {
        match self {
            Self::Recorded(case) => Ok(case.illustrate()),
            Self::Served(service, id) => {
                service.get(&format!("/incidents/{id}/diagnosis?series=true"))
            }
        }
    }

    /// The same of another diagnosis of it, by the answers of people; what a service told before of the
    /// readings holds still.
    pub(super) fn redraw(&self, before: Illustrated, diagnosis: Diagnosis) -> Illustrated {
        match self {
            Self::Recorded(case) => case.illustrate_report(diagnosis),
            Self::Served(..) => Illustrated { report: diagnosis, ..before },
        }
    }

    /// Where more of it can be read.
    pub(super) fn links(&self) -> Links {
        match self {
            Self::Recorded(_) => Links::default(),
            Self::Served(service, id) => {
                let address = service.address();
                Links {
                    verdict: Some(format!("{address}/incidents/{id}/verdict")),
                    incident: Some(format!("{address}/api/auscult/v1/incidents/{id}")),
                    query: Some(format!("{address}/api/v1")),
                }
            }
        }
    }

    /// The same with answers of people, and what to ask next.
    pub(super) fn consult(&self, asked: &Asked) -> Result<Consultation, CallError> {
        match self {
            Self::Recorded(case) => case.consult(asked).map_err(CallError::input),
            Self::Served(service, id) => {
                let Asked { answers, prices, certainty } = asked;
                let body = json!({"answers": answers, "prices": prices, "certainty": certainty});
                service.post(&format!("/incidents/{id}/troubleshooting"), &body)
            }
        }
    }
}

impl CaseArguments {
    /// Whether anything says which incidents.
    pub(super) fn is_given(&self) -> bool {
        let RecordingArguments { input, data, prometheus, .. } = &self.recordings;
        self.url.is_some() || data.is_some() || prometheus.is_some() || !input.files.is_empty()
    }

    /// Refuses recordings that come by standard input, as answers do.
    pub(super) fn leave_input_to_answers(&self) -> Result<(), CallError> {
        let is_input = |file: &PathBuf| file.as_os_str() == "-";
        if self.is_given() && !self.recordings.input.files.iter().any(is_input) {
            return Ok(());
        }
        Err(CallError::input(
            "answers are read from standard input, so that metrics cannot be: name files of metrics, --data, --prometheus or --url",
        ))
    }

    /// Faults, laws and constants to go by.
    pub(super) fn handbook(&self) -> Result<Handbook, CallError> {
        let mut handbook = self.knowledge.handbook()?;
        for (name, value) in &self.constant {
            let refuse = |reason| CallError::input(format!("--constant {name}: {reason}"));
            handbook.know(name, *value).map_err(refuse)?;
        }
        if let Some(model) = &self.witness {
            let witness = Witness::from_file(handbook.knowledge(), model);
            handbook.hear(witness.map_err(CallError::input)?);
        }
        Ok(handbook)
    }

    /// The incidents.
    pub(super) fn open<'h>(
        &self,
        handbook: &'h Handbook,
        progress: &Progress,
    ) -> Result<Vec<Numbered<'h>>, CallError> {
        let Some(url) = &self.url else { return find(self, handbook, progress) };
        let service = Rc::new(Service::new(url, self.token_file.as_ref())?);
        let ids = match self.incident {
            Some(id) => vec![id],
            None => {
                let page: Page = service.get("/incidents?state=open")?;
                page.incidents.iter().map(|incident| incident.id).collect()
            }
        };
        let served = |id: u64| (Some(id), Patient::Served(Rc::clone(&service), id));
        Ok(ids.into_iter().map(served).collect())
    }
}

#[derive(Deserialize)]
struct Page {
    incidents: Vec<Incident>,
}

/// A constant and its value.
fn constant(text: &str) -> Result<(String, f64), String> {
    let refuse = || format!("`{text}`: expected NAME=VALUE, such as gpu_bandwidth=3.35e12");
    let (name, value) = text.split_once('=').ok_or_else(refuse)?;
    let (name, value) = (name.trim(), value.trim().parse().map_err(|_| refuse())?);
    Ok((name.to_owned(), value))
}

/// The incidents that recordings hold.
fn find<'h>(
    arguments: &CaseArguments,
    handbook: &'h Handbook,
    progress: &Progress,
) -> Result<Vec<Numbered<'h>>, CallError> {
    let changes = arguments.changes.as_deref().map(changes).transpose()?;
    let mut lines = Vec::new();
    for path in &arguments.log {
        read_log(path, &mut lines)?;
    }
    let incidents: Vec<(Option<u64>, Case<'_>)> = match arguments.at {
        Some(at) => {
            let until = match arguments.until {
                Some(until) => until,
                None => end(arguments, at)?,
            };
            if until <= at {
                return Err(CallError::input("--until does not lie after --at"));
            }
            vec![(None, handbook.case(at, until))]
        }
        None => {
            progress.say("looking for incidents");
            let found = incidents(arguments, handbook)?;
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
    let ends = last.filter(|_| arguments.at.is_some() && arguments.until.is_none());
    let opened = cases.into_iter().map(|(incident, mut case)| {
        ends.into_iter().for_each(|last| case.ends(last));
        if let Some(changes) = &changes {
            case.expect_changes();
            changes.iter().for_each(|change| case.change(change.clone()));
        }
        lines.iter().for_each(|line: &LogLine| case.log(line.clone()));
        (incident, Patient::Recorded(Box::new(case.open())))
    });
    Ok(opened.collect())
}

/// When what is recorded after `at` ends, an hour later at most. How finely an incident is looked at
/// depends on how long it lasted.
fn end(arguments: &CaseArguments, at: Timestamp) -> Result<Timestamp, CallError> {
    let most = Timestamp::from_nanos(at.nanos().saturating_add(3_600_000_000_000));
    // Standard input can be read once only.
    if arguments.recordings.input.files.iter().any(|file| file.as_os_str() == "-") {
        return Ok(most);
    }
    let replay = Replay::open(arguments.recordings.open()?, Some(at), Some(most));
    let mut last = None;
    replay
        .map_err(CallError::input)?
        .run(|moment| last = Some(moment.time))
        .map_err(CallError::input)?;
    Ok(last.filter(|last| *last > at).unwrap_or(most))
}

/// The incidents that the service would have told, and when the recording ends.
fn incidents(
    arguments: &CaseArguments,
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
    let mut found: Vec<(Incident, Timestamp)> =
        told.stories.into_iter().map(|story| (story.incident, told.span.1)).collect();
    if let Some(wanted) = arguments.incident {
        let ids: Vec<String> = found.iter().map(|(incident, _)| incident.id.to_string()).collect();
        found.retain(|(incident, _)| incident.id == wanted);
        if found.is_empty() {
            let there = if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
            return Err(CallError::input(format!(
                "there is no incident {wanted} in these recordings; there are {there}"
            )));
        }
    }
    Ok(found)
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

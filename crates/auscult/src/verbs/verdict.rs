//! `auscult verdict`: says what an incident of a running service was, shows what was said, and takes it back.

use auscult_engine::Diagnosis;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::learn::{aligned, plain};
use crate::outcome::{CallError, Outcome};
use crate::service::{Form, Service, ServiceArguments};

/// Arguments of `auscult verdict`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Number of the incident
    incident: u64,

    /// What you say of it; without it, what was said is listed
    say: Option<Say>,

    /// What it was: a fault of the handbook (`auscult faults`), `none` for none of them, or words of your own
    #[arg(long, value_name = "FAULT")]
    fault: Option<String>,

    /// Where it was, as `auscult diagnose` calls it, such as serve-0/3
    #[arg(long, value_name = "PLACE")]
    place: Option<String>,

    /// Why
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    comment: String,

    /// Who says so, where the service has no users
    #[arg(long, value_name = "NAME")]
    author: Option<String>,

    /// Take back the verdict with this number
    #[arg(long, value_name = "N", conflicts_with_all = ["say", "fault", "place"])]
    withdraw: Option<u64>,

    #[command(flatten)]
    service: ServiceArguments,

    /// Form of the answer
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    format: Form,
}

/// What is said of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Say {
    /// It was what the diagnosis says.
    Confirm,
    /// It was something else: `--fault`, `--place`.
    Correct,
    /// Nothing was wrong.
    Reject,
    /// Nobody can say.
    Unsure,
}

/// A verdict that stands.
#[derive(Debug, Serialize, Deserialize)]
struct Verdict {
    id: u64,
    incident: u64,
    verdict: String,
    fault: Option<String>,
    place: Option<String>,
    comment: String,
    diagnosed: Option<Diagnosed>,
    author: String,
    time: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Diagnosed {
    fault: String,
    place: String,
    probability: f64,
}

#[derive(Debug, Deserialize)]
struct Page {
    verdicts: Vec<Verdict>,
}

/// Says, shows or takes back.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let service = arguments.service.open()?;
    let path = format!("/incidents/{}/verdicts", arguments.incident);
    let verdicts: Vec<Verdict> = match (arguments.say, arguments.withdraw) {
        (Some(say), _) => vec![service.post(&path, &body(arguments, say, &service)?)?],
        (None, Some(id)) => vec![service.delete(&format!("{path}/{id}"))?],
        (None, None) => {
            if arguments.fault.is_some() || arguments.place.is_some() {
                return Err(CallError::input(
                    "--fault and --place say what it was: put `correct` behind the number of the incident",
                ));
            }
            service.get::<Page>(&path)?.verdicts
        }
    };
    arguments.format.write(&verdicts, |all| table(all))
}

fn body(arguments: &Arguments, say: Say, service: &Service) -> Result<Value, CallError> {
    let (mut fault, mut place) = (arguments.fault.clone(), arguments.place.clone());
    match say {
        Say::Confirm if fault.is_some() => {
            return Err(CallError::input(
                "`confirm` takes the fault of the diagnosis: leave out --fault, or say `correct`",
            ));
        }
        Say::Confirm => {
            let path = format!("/incidents/{}/diagnosis", arguments.incident);
            let diagnosis: Diagnosis = service.get(&path)?;
            let Some(cause) = diagnosis.answer() else {
                return Err(CallError::input(format!(
                    "there is nothing to confirm, the diagnosis says: {}; say `correct` with --fault",
                    diagnosis.sentence
                )));
            };
            fault = Some(cause.fault.clone());
            place = place.or_else(|| Some(cause.place.clone()));
        }
        Say::Correct if fault.is_none() => {
            return Err(CallError::input(
                "`correct` needs --fault: one of `auscult faults`, `none`, or words of your own",
            ));
        }
        Say::Correct | Say::Reject | Say::Unsure => {}
    }
    let verdict = match say {
        Say::Confirm | Say::Correct => "true",
        Say::Reject => "false",
        Say::Unsure => "unsure",
    };
    let (comment, author) = (&arguments.comment, &arguments.author);
    Ok(
        json!({"verdict": verdict, "fault": fault, "place": place, "comment": comment, "author": author}),
    )
}

fn table(verdicts: &[Verdict]) -> String {
    if verdicts.is_empty() {
        return "nobody has said anything of it\n".to_owned();
    }
    let head = ["verdict", "said", "fault", "place", "diagnosed", "by", "time", "comment"];
    let row = |verdict: &Verdict| {
        let said = match verdict.verdict.as_str() {
            "true" => "something was wrong",
            "false" => "a false alarm",
            _ => "nobody can say",
        };
        let diagnosed = verdict.diagnosed.as_ref().map_or_else(String::new, |one| {
            format!("{} at {}, {:.0} %", one.fault, one.place, 100.0 * one.probability)
        });
        let text = |text: &Option<String>| plain(text.as_deref().unwrap_or_default());
        vec![
            verdict.id.to_string(),
            said.to_owned(),
            text(&verdict.fault),
            text(&verdict.place),
            diagnosed,
            plain(&verdict.author),
            verdict.time.clone(),
            plain(&verdict.comment),
        ]
    };
    let head = head.map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(verdicts.iter().map(row)).collect();
    aligned(&rows, 8)
}

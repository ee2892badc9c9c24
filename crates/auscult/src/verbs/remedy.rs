//! `auscult remedy`: tells a running service what was done about an incident, and shows whether it helped.

use auscult_core::Timestamp;
use auscult_telemetry::format_time;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::backtest::time;
use super::learn::{aligned, plain};
use crate::outcome::{CallError, Outcome};
use crate::service::{Form, ServiceArguments};

/// Arguments of `auscult remedy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Number of the incident
    incident: u64,

    /// What was done; without it, what was done and what became of it is listed
    what: Option<String>,

    /// The fault that it is to cure [default: that of the newest verdict, or the likeliest]
    #[arg(long, value_name = "FAULT", requires = "what")]
    fault: Option<String>,

    /// Where it was done, as `auscult diagnose` calls it, such as serve-0/3
    #[arg(long, value_name = "PLACE", requires = "what")]
    place: Option<String>,

    /// When it was done [default: now]
    #[arg(long, value_name = "TIME", value_parser = time, requires = "what")]
    time: Option<Timestamp>,

    /// Who did it, where the service has no users
    #[arg(long, value_name = "NAME", requires = "what")]
    author: Option<String>,

    /// Take back the remedy with this number, which was told by mistake
    #[arg(long, value_name = "N", conflicts_with = "what")]
    take_back: Option<u64>,

    #[command(flatten)]
    service: ServiceArguments,

    /// Form of the answer
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    format: Form,
}

#[derive(Debug, Serialize, Deserialize)]
struct Remedy {
    id: u64,
    what: String,
    fault: Option<String>,
    place: Option<String>,
    time: String,
    author: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Check {
    remedy: Option<u64>,
    time: String,
    outcome: String,
    sentence: String,
    before: Option<f64>,
    during: Option<f64>,
    after: Option<f64>,
}

#[derive(Debug, Serialize, Deserialize, Default)]
struct Page {
    remedies: Vec<Remedy>,
    checks: Vec<Check>,
}

/// Tells, lists or takes back.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let service = arguments.service.open()?;
    let path = format!("/incidents/{}/remedies", arguments.incident);
    let page = match (&arguments.what, arguments.take_back) {
        (Some(what), _) => {
            let body = json!({
                "what": what,
                "fault": arguments.fault,
                "place": arguments.place,
                "time": arguments.time.map(format_time),
                "author": arguments.author,
            });
            Page { remedies: vec![service.post(&path, &body)?], checks: Vec::new() }
        }
        (None, Some(id)) => {
            let gone = service.delete(&format!("{path}/{id}"))?;
            Page { remedies: vec![gone], checks: Vec::new() }
        }
        (None, None) => service.get(&path)?,
    };
    arguments.format.write(&page, table)
}

fn table(page: &Page) -> String {
    if page.remedies.is_empty() && page.checks.is_empty() {
        return "nothing was done about it, and it is not over\n".to_owned();
    }
    let head = ["remedy", "time", "what", "fault", "place", "by"].map(str::to_owned).to_vec();
    let row = |remedy: &Remedy| {
        let text = |text: &Option<String>| plain(text.as_deref().unwrap_or_default());
        vec![
            remedy.id.to_string(),
            remedy.time.clone(),
            plain(&remedy.what),
            text(&remedy.fault),
            text(&remedy.place),
            plain(&remedy.author),
        ]
    };
    let mut text = String::new();
    if !page.remedies.is_empty() {
        let rows = std::iter::once(head).chain(page.remedies.iter().map(row));
        text += &aligned(&rows.collect::<Vec<_>>(), 6);
    }
    for check in &page.checks {
        let after = match check.remedy {
            Some(id) => format!("after remedy {id}"),
            None => "once it was over".to_owned(),
        };
        text += &format!("{after}: {}\n", plain(&check.sentence));
    }
    text
}

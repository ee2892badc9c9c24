//! `auscult event`: tells a running service of a change, and lists those that it knows.

use auscult_core::Timestamp;
use auscult_telemetry::format_time;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::backtest::time;
use super::learn::{aligned, plain};
use crate::outcome::{CallError, Outcome};
use crate::service::{Form, ServiceArguments};

/// Arguments of `auscult event`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What was done; without it, the changes that the service knows are listed
    kind: Option<Kind>,

    /// What it was done to: a name, such as chat-3:8000, or labels of its series, such as
    /// instance=chat-3:8000 or `training_job=a&rank=3`; several with `|` between them [default: everything]
    #[arg(long, value_name = "TARGET", default_value = "", hide_default_value = true)]
    target: String,

    /// What was changed, for people
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        requires = "kind"
    )]
    text: String,

    /// When it was done [default: now]
    #[arg(long, value_name = "TIME", value_parser = time, requires = "kind")]
    time: Option<Timestamp>,

    /// What tells of it, such as a program for deployments
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true,
        requires = "kind"
    )]
    source: String,

    /// Who tells of it, where the service has no users
    #[arg(long, value_name = "NAME", requires = "kind")]
    author: Option<String>,

    /// Take back the change with this number, which was told by mistake
    #[arg(long, value_name = "N", conflicts_with_all = ["kind", "target"])]
    take_back: Option<u64>,

    /// Most changes that are listed
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,

    #[command(flatten)]
    service: ServiceArguments,

    /// Form of the answer
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    format: Form,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// Another version of a program or a model, or the one before again.
    Deploy,
    /// Another setting.
    Config,
    /// More of it or fewer.
    Scale,
    /// It was started anew.
    Restart,
    /// People work on it.
    Maintenance,
}

/// A change, as the service knows it.
#[derive(Debug, Serialize, Deserialize)]
struct Event {
    id: u64,
    time: String,
    kind: String,
    target: String,
    text: String,
    source: String,
    author: String,
}

#[derive(Debug, Deserialize)]
struct Page {
    events: Vec<Event>,
}

/// Tells, lists or takes back.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let service = arguments.service.open()?;
    let events = match (arguments.kind, arguments.take_back) {
        (Some(kind), _) => {
            let body = json!({
                "kind": kind,
                "target": arguments.target,
                "text": arguments.text,
                "source": arguments.source,
                "time": arguments.time.map(format_time),
                "author": arguments.author,
            });
            vec![service.post::<Event>("/events", &body)?]
        }
        (None, Some(id)) => vec![service.delete::<Event>(&format!("/events/{id}"))?],
        (None, None) => {
            let path = format!("/events?limit={}", arguments.limit);
            let page: Page = service.get(&path)?;
            let is_asked = |event: &Event| event.target.contains(&arguments.target);
            page.events.into_iter().filter(is_asked).collect()
        }
    };
    arguments.format.write(&events, |all| table(all))
}

fn table(events: &[Event]) -> String {
    if events.is_empty() {
        return "no changes are known\n".to_owned();
    }
    let head = ["event", "time", "kind", "target", "text", "told by"].map(str::to_owned);
    let row = |event: &Event| {
        let by: Vec<&str> =
            [&event.source, &event.author].into_iter().map(String::as_str).collect();
        let by = by.into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(", ");
        let target = if event.target.is_empty() { "everything" } else { &event.target };
        let cells = [&event.time, &event.kind, target, &event.text, &by];
        let cells = cells.into_iter().map(plain);
        [event.id.to_string()].into_iter().chain(cells).collect()
    };
    let rows: Vec<Vec<String>> = [head.into()].into_iter().chain(events.iter().map(row)).collect();
    aligned(&rows, 6)
}

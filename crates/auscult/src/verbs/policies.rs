//! `auscult policies`: the policies of a running service, what false alarms suggest, and what was accepted.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::learn::{aligned, plain};
use crate::outcome::{CallError, Outcome};
use crate::service::{Form, Service, ServiceArguments};

/// Arguments of `auscult policies`.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").args([
    "suggested", "accepted", "dismissed", "accept", "dismiss", "take_back", "suggest_again",
])))]
#[command(group(clap::ArgGroup::new("decides").args(["accept", "dismiss"])))]
pub(crate) struct Arguments {
    /// List what would have kept false alarms from being told; nothing of it holds yet
    #[arg(long)]
    suggested: bool,

    /// List what people accepted
    #[arg(long)]
    accepted: bool,

    /// List what people do not want suggested
    #[arg(long)]
    dismissed: bool,

    /// Accept what is suggested after the false alarm with this number
    #[arg(long, value_name = "INCIDENT")]
    accept: Option<u64>,

    /// Have what is suggested after that false alarm not be suggested again
    #[arg(long, value_name = "INCIDENT")]
    dismiss: Option<u64>,

    /// Which of several suggestions of that incident: what stands under `match`
    #[arg(long, value_name = "SELECTOR", requires = "decides")]
    r#match: Option<String>,

    /// Take back what was accepted under this number
    #[arg(long, value_name = "N")]
    take_back: Option<u64>,

    /// Have what was dismissed under this number be suggested again
    #[arg(long, value_name = "N")]
    suggest_again: Option<u64>,

    /// Why
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        requires = "decides"
    )]
    comment: String,

    /// Who says so, where the service has no users
    #[arg(long, value_name = "NAME", requires = "decides")]
    author: Option<String>,

    #[command(flatten)]
    service: ServiceArguments,

    /// Form of the answer
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    format: Form,
}

/// A policy as the service tells it: `match`, and what is wanted.
type Policy = Map<String, Value>;

#[derive(Debug, Serialize, Deserialize)]
struct Policies {
    policies: Vec<Policy>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Suggestion {
    incident: u64,
    policy: Policy,
    why: String,
    would_hide: Vec<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Suggestions {
    suggestions: Vec<Suggestion>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Accepted {
    id: u64,
    policy: Policy,
    incident: Option<u64>,
    comment: String,
    author: String,
    time: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct AcceptedPage {
    accepted: Vec<Accepted>,
}

#[derive(Debug, Serialize, Deserialize)]
struct DismissedPage {
    dismissed: Vec<Accepted>,
}

/// Lists, decides or takes back.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let service = arguments.service.open()?;
    let format = arguments.format;
    if let Some(incident) = arguments.accept {
        let accepted = decide(arguments, &service, incident, "/policies/accepted")?;
        return format.write(&vec![accepted], |all| decided_table(all, ACCEPTED));
    }
    if let Some(incident) = arguments.dismiss {
        let dismissed = decide(arguments, &service, incident, "/policies/dismissed")?;
        return format.write(&vec![dismissed], |all| decided_table(all, DISMISSED));
    }
    if let Some(number) = arguments.take_back {
        let taken: Accepted = service.delete(&format!("/policies/accepted/{number}"))?;
        return format.write(&vec![taken], |all| decided_table(all, ACCEPTED));
    }
    if let Some(number) = arguments.suggest_again {
        let again: Accepted = service.delete(&format!("/policies/dismissed/{number}"))?;
        return format.write(&vec![again], |all| decided_table(all, DISMISSED));
    }
    if arguments.suggested {
        let page: Suggestions = service.get("/policies/suggestions")?;
        return format.write(&page.suggestions, |all| suggested_table(all));
    }
    if arguments.accepted {
        let page: AcceptedPage = service.get("/policies/accepted")?;
        return format.write(&page.accepted, |all| decided_table(all, ACCEPTED));
    }
    if arguments.dismissed {
        let page: DismissedPage = service.get("/policies/dismissed")?;
        return format.write(&page.dismissed, |all| decided_table(all, DISMISSED));
    }
    let page: Policies = service.get("/policies")?;
    format.write(&page.policies, |all| table(all))
}

/// Decides on the suggestion that is meant, at `path`.
fn decide(
    arguments: &Arguments,
    service: &Service,
    incident: u64,
    path: &str,
) -> Result<Accepted, CallError> {
    let page: Suggestions = service.get("/policies/suggestions")?;
    let all: Vec<&Suggestion> =
        page.suggestions.iter().filter(|one| one.incident == incident).collect();
    let named = arguments.r#match.as_deref();
    let meant: Vec<&&Suggestion> =
        all.iter().filter(|one| named.is_none_or(|named| selector(&one.policy) == named)).collect();
    let list = || {
        let selectors = all.iter().map(|one| format!("'{}'", selector(&one.policy)));
        selectors.collect::<Vec<_>>().join(", ")
    };
    let suggestion = match (meant.as_slice(), all.len()) {
        ([one], _) => one,
        (_, 0) => {
            return Err(CallError::input(format!(
                "nothing is suggested after incident {incident}; `auscult policies --suggested` lists what is, after verdicts `reject`"
            )));
        }
        ([], _) => {
            let named = named.unwrap_or_default();
            return Err(CallError::input(format!(
                "--match {named}: nothing is suggested for it after incident {incident}; there is {}",
                list()
            )));
        }
        (_, count) => {
            return Err(CallError::input(format!(
                "{count} policies are suggested after incident {incident}; choose one with --match: {}",
                list()
            )));
        }
    };
    let body = json!({
        "policy": suggestion.policy,
        "incident": incident,
        "comment": arguments.comment,
        "author": arguments.author,
    });
    service.post(path, &body)
}

/// The series that a policy is about.
fn selector(policy: &Policy) -> &str {
    policy.get("match").and_then(Value::as_str).unwrap_or_default()
}

/// What a policy wants, in one line.
fn wanted(policy: &Policy) -> String {
    let fields = policy.iter().filter(|(key, value)| *key != "match" && !value.is_null());
    let fields = fields.map(|(key, value)| match value {
        Value::String(text) => format!("{key}: {text}"),
        value => format!("{key}: {value}"),
    });
    plain(&fields.collect::<Vec<_>>().join(", "))
}

fn table(policies: &[Policy]) -> String {
    if policies.is_empty() {
        return "no policies hold\n".to_owned();
    }
    let head = ["policy", "match", "wants"].map(str::to_owned).to_vec();
    let rows = policies.iter().enumerate().map(|(place, policy)| {
        vec![(place + 1).to_string(), plain(selector(policy)), wanted(policy)]
    });
    aligned(&std::iter::once(head).chain(rows).collect::<Vec<_>>(), 3)
}

fn suggested_table(suggestions: &[Suggestion]) -> String {
    if suggestions.is_empty() {
        return "nothing is suggested\n".to_owned();
    }
    let head = ["incident", "match", "wants", "would hide"].map(str::to_owned).to_vec();
    let rows = suggestions.iter().map(|one| {
        let hidden: Vec<String> =
            one.would_hide.iter().map(|id| format!("incident {id}, which was none")).collect();
        let hidden = if hidden.is_empty() { "nothing real".to_owned() } else { hidden.join(", ") };
        vec![one.incident.to_string(), plain(selector(&one.policy)), wanted(&one.policy), hidden]
    });
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    aligned(&rows, 4)
        + "`auscult policies --accept INCIDENT` has one of them hold, `--dismiss INCIDENT` has it not be suggested again\n"
}

/// What is said where nothing was decided.
const ACCEPTED: &str = "nothing was accepted\n";
const DISMISSED: &str = "nothing was dismissed\n";

fn decided_table(accepted: &[Accepted], nothing: &str) -> String {
    if accepted.is_empty() {
        return nothing.to_owned();
    }
    let head = ["number", "match", "wants", "incident", "by", "time", "comment"];
    let head = head.map(str::to_owned).to_vec();
    let rows = accepted.iter().map(|one| {
        vec![
            one.id.to_string(),
            plain(selector(&one.policy)),
            wanted(&one.policy),
            one.incident.map(|id| id.to_string()).unwrap_or_default(),
            plain(&one.author),
            one.time.clone(),
            plain(&one.comment),
        ]
    });
    aligned(&std::iter::once(head).chain(rows).collect::<Vec<_>>(), 7)
}

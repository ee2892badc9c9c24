//! What auscult knows, and what people tell it, as JSON: the table of all addresses.

mod ask;
mod changes;
mod endpoints;
mod events;
mod incidents;
mod openapi;
mod policies;
mod problem;
mod remedies;
mod series;
mod silences;
mod status;
mod values;
mod verdicts;

use std::sync::Arc;

use axum::http::{Method, header};
use axum::routing::get;
use schemars::JsonSchema;
use serde_json::Value;
use tokio::sync::watch;

pub(super) use self::incidents::{find as find_incident, illustrated};
pub(super) use self::problem::Problem;
pub(super) use self::verdicts::{Spoken, say};

use self::ask::schema_in;
use self::endpoints::{Name, Table};
use super::scores;
use crate::access::{Role, Routes};
use crate::serve::Shared;

/// What every address of the API begins with.
pub(crate) const PREFIX: &str = "/api/auscult/v1";

const READ: (Role, Method) = (Role::Reader, Method::GET);
/// What is asked with more than fits an address, and changes nothing.
const CONSULT: (Role, Method) = (Role::Reader, Method::POST);
const CREATE: (Role, Method) = (Role::Operator, Method::POST);
const REPLACE: (Role, Method) = (Role::Operator, Method::PUT);
const END: (Role, Method) = (Role::Operator, Method::DELETE);

const fn name(path: &'static str, id: &'static str, summary: &'static str) -> Name {
    Name { path, id, summary }
}

/// What the page of scores takes.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it only describes what `scores` reads")]
struct ScoresQuery {
    /// Series selectors; series in open incidents are there without any. May stand more than once.
    #[serde(default, rename = "match[]")]
    select: Vec<String>,
    /// What is given besides. May stand more than once.
    #[serde(default)]
    with: Vec<With>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "it only describes what `scores` reads")]
enum With {
    Expected,
    Band,
}

pub(super) fn routes(shared: &Arc<Shared>, stopped: watch::Receiver<bool>) -> Routes {
    let live = get(move |state, headers| changes::changes(state, headers, stopped.clone()));
    let nothing = schema_in::<ask::Nothing>;
    let mut table = Table::new(shared, openapi::schemas())
        .add(READ, name("/incidents", "listIncidents", "Incidents, newest first."), incidents::list)
        .add(
            READ,
            name("/incidents/{id}", "getIncident", "One incident, and what people say of it."),
            incidents::one,
        )
        .add(
            READ,
            name("/incidents/{id}/diagnosis", "diagnoseIncident", "What an incident is: its likely causes with their evidence, what was ruled out, what to do."),
            incidents::diagnosis,
        )
        .add(
            CONSULT,
            name("/incidents/{id}/troubleshooting", "troubleshootIncident", "The same with answers of people: what was looked at step by step, what to ask next. It changes nothing."),
            incidents::troubleshoot,
        )
        .add(
            READ,
            name("/incidents/{id}/verdicts", "listVerdicts", "Verdicts on an incident, and all before them."),
            verdicts::list,
        )
        .add(
            CREATE,
            name("/incidents/{id}/verdicts", "createVerdict", "Says whether there was something wrong, what and where; in place of an earlier verdict of the same author."),
            verdicts::give,
        )
        .add(
            END,
            name("/incidents/{id}/verdicts/{verdict}", "withdrawVerdict", "Withdraws a verdict; it stays in the history."),
            verdicts::withdraw,
        )
        .add(
            READ,
            name("/incidents/{id}/remedies", "listRemedies", "What was done about an incident, and what became of it."),
            remedies::list,
        )
        .add(
            CREATE,
            name("/incidents/{id}/remedies", "createRemedy", "Says what was done about an incident; five minutes later it is looked whether it helped."),
            remedies::apply,
        )
        .add(
            END,
            name("/incidents/{id}/remedies/{remedy}", "takeBackRemedy", "Takes back that something was done; it stays in the history."),
            remedies::take_back,
        )
        .add(READ, name("/priors", "listPriors", "How likely each cause is before any evidence, by the handbook and by the verdicts given here."), verdicts::likely)
        .add(READ, name("/cases", "listCases", "Incidents of which people say what they were, to learn from."), verdicts::cases)
        .add(
            CREATE,
            name("/incidents/{id}/silence", "createSilenceOfIncident", "Silences the labels that all series of an incident share."),
            silences::silence_incident,
        )
        .add(READ, name("/silences", "listSilences", "Silences, by number."), silences::list)
        .add(
            CREATE,
            name("/silences", "createSilence", "Tells nobody of some series for a while, from now on."),
            silences::create,
        )
        .add(READ, name("/silences/{id}", "getSilence", "One silence."), silences::one)
        .add(
            REPLACE,
            name("/silences/{id}", "updateSilence", "Changes a silence, from now on."),
            silences::update,
        )
        .add(
            END,
            name("/silences/{id}", "expireSilence", "Ends a silence now."),
            silences::expire,
        )
        .add(
            READ,
            name("/silences/{id}/history", "getSilenceHistory", "Who did what with a silence."),
            silences::history,
        )
        .add(READ, name("/events", "listEvents", "Changes that were made, the last told first."), events::list)
        .add(
            CREATE,
            name("/events", "createEvent", "Tells of a change: a deployment, another setting, more or fewer replicas, a restart, maintenance."),
            events::tell,
        )
        .add(READ, name("/events/{id}", "getEvent", "One change."), events::one)
        .add(
            END,
            name("/events/{id}", "takeBackEvent", "Takes back what was told by mistake."),
            events::take_back,
        )
        .add(
            READ,
            name("/policies", "listPolicies", "The policies of the configuration that holds."),
            policies::now,
        )
        .add(
            READ,
            name("/policies/held", "getHeldPolicies", "What holds for a series, and which policy says so."),
            policies::held,
        )
        .add(
            READ,
            name("/policies/history", "listPoliciesHistory", "The policies of all configurations that held, newest first."),
            policies::history,
        )
        .add(
            READ,
            name("/policies/suggestions", "listPolicySuggestions", "Policies that would have kept false alarms from being told; they hold once somebody accepts them."),
            policies::suggestions,
        )
        .add(READ, name("/policies/accepted", "listAcceptedPolicies", "Policies that people accepted."), policies::accepted)
        .add(
            CREATE,
            name("/policies/accepted", "createAcceptedPolicy", "Accepts a policy: it holds from now on, over those of the configuration."),
            policies::accept,
        )
        .add(
            END,
            name("/policies/accepted/{id}", "takeBackAcceptedPolicy", "Takes back a policy that was accepted: what held before holds again; it stays in the history."),
            policies::take_back,
        )
        .add(READ, name("/policies/dismissed", "listDismissedPolicies", "Policies that people do not want suggested."), policies::dismissed)
        .add(
            CREATE,
            name("/policies/dismissed", "createDismissedPolicy", "Dismisses a suggestion: neither it nor a lower bar for the same series is suggested again."),
            policies::dismiss,
        )
        .add(
            END,
            name("/policies/dismissed/{id}", "suggestPolicyAgain", "Takes back that a suggestion was dismissed."),
            policies::suggest_again,
        )
        .add(READ, name("/series", "listSeries", "Series as they are now."), series::list)
        .add(
            READ,
            name("/unwatched", "getUnwatched", "What is not watched for want of room."),
            series::unwatched,
        )
        .add(READ, name("/status", "getStatus", "How the service is."), status::now)
        .add_other(
            name("/changes", "followChanges", "What happens, as server-sent events: `incident`, `verdict`, `silence`, `event`, `remedy`, `recovery`."),
            "text/event-stream",
            nothing(),
            live,
        )
        .add_other(
            name("/scores/metrics", "scrapeScores", "Scores of odd and of selected series, as a page to scrape."),
            "text/plain",
            schema_in::<ScoresQuery>(),
            get(scores::metrics),
        );
    let described: Arc<std::sync::OnceLock<String>> = Arc::default();
    let told = Arc::clone(&described);
    let tell = get(move || async move {
        let document = told.get().cloned().unwrap_or_default();
        ([(header::CONTENT_TYPE, "application/json")], document)
    });
    let own = name("/openapi.json", "getOpenapi", "This description.");
    table = table.add_other(own, "application/json", nothing(), tell);
    let document: Value = openapi::document(&mut table);
    let text = serde_json::to_string_pretty(&document).expect("it becomes JSON");
    described.get_or_init(|| format!("{text}\n"));
    table.routes()
}

//! Incidents: what is odd, and what people said of it.

use std::collections::{BTreeMap, HashMap};

use auscult_engine::incident::{Incident, State as IncidentState};
use auscult_engine::{Answer, Asked, CERTAINTY, Consultation, Illustrated, Selector, Severity};
use auscult_store::IncidentsWanted;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ask::{Ask, Nothing};
use super::events::{self, EventAnswer};
use super::problem::Problem;
use super::remedies::{self, CheckAnswer};
use super::values::{Time, limit};
use super::verdicts::{self, VerdictAnswer};
use crate::diagnosis::{DiagnosisError, consult, diagnose, illustrate};
use crate::serve::Shared;
use crate::storage::word;

/// Most answers of a request.
const MOST_ANSWERS: usize = 1000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IncidentsQuery {
    /// Only incidents in this state.
    state: Option<IncidentState>,
    /// Only incidents that were opened before the one with this number: what `next` of a page said.
    before: Option<u64>,
    /// Only incidents that opened, grew, recovered or opened again then or later.
    since: Option<Time>,
    /// Only incidents that matter at least so much.
    severity: Option<Severity>,
    /// Only incidents that are silenced, or that are not.
    silenced: Option<bool>,
    /// Only incidents with a series that one of these series selectors means. May stand more than once.
    #[serde(default, rename = "match[]")]
    select: Vec<Selector>,
    /// Most entries of the page, from 1 to 10,000; 100 unless set.
    limit: Option<usize>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DiagnosisQuery {
    /// Whether the readings behind the evidence are given, too; they are not unless set.
    #[serde(default)]
    series: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Incidents")]
pub(super) struct IncidentsPage {
    /// Newest first.
    incidents: Vec<IncidentAnswer>,
    /// What to give as `before` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// An incident, and what people said of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "IncidentWithVerdicts")]
pub(super) struct IncidentAnswer {
    #[serde(flatten)]
    incident: Incident,
    /// What people say of it now, oldest first.
    verdicts: Vec<VerdictAnswer>,
    /// Changes that may have brought it about: made from ten minutes before it began to two after,
    /// in the order of time, 100 at most.
    events: Vec<EventAnswer>,
    /// What became of it after a remedy or by itself, when it was looked at last; `null` as long as it was
    /// not.
    recovery: Option<CheckAnswer>,
}

pub(super) fn list(
    shared: &Shared,
    ask: Ask<IncidentsQuery, Nothing>,
) -> Result<IncidentsPage, Problem> {
    let query = ask.query;
    let limit = limit(query.limit)?;
    let wanted = IncidentsWanted {
        state: query.state.map(|state| word(&state)),
        before: query.before,
        since: query.since.map(|since| since.0),
        limit: limit + 1,
    };
    let is_wanted = |incident: &Incident| {
        let is_meant = |selector: &Selector| {
            incident.members.iter().any(|member| selector.matches(member.series.as_ref()))
        };
        query.severity.is_none_or(|least| incident.severity >= least)
            && query.silenced.is_none_or(|silenced| incident.silenced == silenced)
            && (query.select.is_empty() || query.select.iter().any(is_meant))
    };
    let mut incidents = shared.find_incidents(&wanted, is_wanted).map_err(Problem::unread)?;
    let more = incidents.len() > limit;
    incidents.truncate(limit);
    let next = incidents.last().filter(|_| more).map(|incident| incident.id);
    Ok(IncidentsPage { incidents: with_verdicts(shared, incidents)?, next })
}

pub(super) fn one(shared: &Shared, ask: Ask<Nothing, Nothing>) -> Result<IncidentAnswer, Problem> {
    let incident = find(shared, ask.ids[0])?;
    let one = with_verdicts(shared, vec![incident])?.pop();
    one.ok_or_else(Problem::mistake)
}

pub(super) fn diagnosis(
    shared: &Shared,
    ask: Ask<DiagnosisQuery, Nothing>,
) -> Result<Illustrated, Problem> {
    let incident = find(shared, ask.ids[0])?;
    if ask.query.series {
        return illustrated(shared, &incident);
    }
    let diagnosis = diagnose(shared, &incident).map_err(undiagnosed)?;
    with_recovery(shared, &incident, diagnosis.into())
}

/// What an incident is, with the readings behind the evidence.
pub(in crate::http) fn illustrated(
    shared: &Shared,
    incident: &Incident,
) -> Result<Illustrated, Problem> {
    let diagnosis = illustrate(shared, incident).map_err(undiagnosed)?;
    with_recovery(shared, incident, diagnosis)
}

fn undiagnosed(error: DiagnosisError) -> Problem {
    match error {
        DiagnosisError::KeepsNothing => Problem::missing(error.to_string()),
        DiagnosisError::Store(error) => Problem::unread(error),
    }
}

fn with_recovery(
    shared: &Shared,
    incident: &Incident,
    mut diagnosis: Illustrated,
) -> Result<Illustrated, Problem> {
    let checks = remedies::checks(shared, (incident.id, incident.id))?;
    diagnosis.report.recovery = checks.into_iter().next_back().map(|check| check.recovery);
    Ok(diagnosis)
}

/// What people say of an incident, and how far to ask.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TroubleshootingBody {
    /// Answers to questions that were asked before; nothing of them is kept.
    #[serde(default)]
    answers: Vec<Answer>,
    /// What it costs to find out about a signal, by name, or about `event KIND` or `log`; 1 unless set.
    #[serde(default)]
    prices: BTreeMap<String, f64>,
    /// Probability of a cause at which nothing more is asked, above 0 and at most 1; 0.95 unless set.
    certainty: Option<f64>,
}

pub(super) fn troubleshoot(
    shared: &Shared,
    ask: Ask<Nothing, TroubleshootingBody>,
) -> Result<Consultation, Problem> {
    let incident = find(shared, ask.ids[0])?;
    let TroubleshootingBody { answers, prices, certainty } = ask.body;
    if answers.len() > MOST_ANSWERS {
        let error = format!("`answers`: expected {MOST_ANSWERS} at most");
        return Err(Problem::wrong(error));
    }
    let asked = Asked { answers, prices, certainty: certainty.unwrap_or(CERTAINTY) };
    consult(shared, &incident, &asked).map_err(undiagnosed)?.map_err(Problem::wrong)
}

/// The incident with this number.
pub(in crate::http) fn find(shared: &Shared, id: u64) -> Result<Incident, Problem> {
    let missing = || Problem::missing(format!("there is no incident {id}"));
    shared.find_incident(id).ok_or_else(missing)
}

fn with_verdicts(
    shared: &Shared,
    incidents: Vec<Incident>,
) -> Result<Vec<IncidentAnswer>, Problem> {
    let ids = || incidents.iter().map(|incident| incident.id);
    let Some((first, last)) = ids().min().zip(ids().max()) else { return Ok(Vec::new()) };
    let mut verdicts: HashMap<u64, Vec<VerdictAnswer>> = HashMap::new();
    for verdict in verdicts::on(shared, (first, last))? {
        verdicts.entry(verdict.incident).or_default().push(verdict);
    }
    let mut checks: HashMap<u64, CheckAnswer> = HashMap::new();
    checks.extend(
        remedies::checks(shared, (first, last))?.into_iter().map(|one| (one.incident, one)),
    );
    let answer = |incident: Incident| {
        let verdicts = verdicts.remove(&incident.id).unwrap_or_default();
        let events = events::around(shared, &incident)?;
        let recovery = checks.remove(&incident.id);
        Ok(IncidentAnswer { incident, verdicts, events, recovery })
    };
    incidents.into_iter().map(answer).collect()
}

//! Remedies: what people did about an incident, and whether it became better.

use auscult_engine::Recovery;
use auscult_store::Decision;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ask::{Ask, Nothing};
use super::incidents;
use super::problem::Problem;
use super::values::{Time, author};
use crate::clock;
use crate::recovery::{Checked, Remedy};
use crate::serve::Shared;
use crate::storage::Kind;

/// Most letters of what was done.
const MOST_LETTERS: usize = 4000;

/// Something that was done about an incident.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RemedyBody {
    /// What was done, in words.
    what: String,
    /// The fault that it is to cure, by its short name or by what it is called; that of the newest
    /// verdict, or the likeliest cause, unless set.
    fault: Option<String>,
    /// Where it was done, as the diagnosis calls it, such as `serve-0/3`.
    place: Option<String>,
    /// When it was done; now unless set.
    time: Option<Time>,
    /// Who did it, where the service has no users; else it is the user.
    author: Option<String>,
}

/// Something that was done about an incident.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "AppliedRemedy")]
pub(super) struct RemedyAnswer {
    /// Its number, by which it can be taken back.
    id: u64,
    /// The number of the incident.
    incident: u64,
    #[serde(flatten)]
    remedy: Remedy,
    /// Who did it; empty where nobody is named.
    author: String,
}

/// What became of an incident.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "RecoveryCheck")]
pub(super) struct CheckAnswer {
    /// From 1, in order, over all that is decided.
    pub(super) number: u64,
    /// The number of the incident.
    pub(super) incident: u64,
    /// The number of the remedy after which it was looked; `null` where the incident had recovered.
    remedy: Option<u64>,
    /// When it was looked.
    time: Time,
    #[serde(flatten)]
    pub(super) recovery: Recovery,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Remedies {
    /// What was done, oldest first.
    remedies: Vec<RemedyAnswer>,
    /// What became of it, oldest first.
    checks: Vec<CheckAnswer>,
}

fn answer(decision: &Decision, remedy: Remedy) -> RemedyAnswer {
    let (id, incident, author) = (decision.number, decision.about, decision.author.clone());
    RemedyAnswer { id, incident, remedy, author }
}

fn check(decision: &Decision, checked: Checked) -> CheckAnswer {
    let Checked { remedy, recovery } = checked;
    let (number, incident) = (decision.number, decision.about);
    CheckAnswer { number, incident, remedy, time: Time(decision.time), recovery }
}

/// What became of incidents from one number to another, oldest first.
pub(super) fn checks(shared: &Shared, about: (u64, u64)) -> Result<Vec<CheckAnswer>, Problem> {
    let checks = shared.checks(about).map_err(Problem::unread)?;
    Ok(checks.into_iter().map(|(decision, checked)| check(&decision, checked)).collect())
}

/// The check that a decision is.
pub(super) fn checked(decision: &Decision) -> Option<CheckAnswer> {
    Some(check(decision, serde_json::from_str(&decision.document).ok()?))
}

/// The remedy that a decision is; `None` for one that takes another back.
pub(super) fn applied(decision: &Decision) -> Option<RemedyAnswer> {
    Some(answer(decision, serde_json::from_str(&decision.document).ok()?))
}

pub(super) fn list(shared: &Shared, ask: Ask<Nothing, Nothing>) -> Result<Remedies, Problem> {
    let id = ask.ids[0];
    incidents::find(shared, id)?;
    let remedies = shared.remedies(Some((id, id))).map_err(Problem::unread)?;
    let remedies = remedies.into_iter().map(|(decision, remedy)| answer(&decision, remedy));
    Ok(Remedies { remedies: remedies.collect(), checks: checks(shared, (id, id))? })
}

pub(super) fn apply(
    shared: &Shared,
    ask: Ask<Nothing, RemedyBody>,
) -> Result<RemedyAnswer, Problem> {
    let RemedyBody { what, fault, place, time, author: named } = ask.body;
    let author = author(ask.user, named)?;
    let incident = incidents::find(shared, ask.ids[0])?;
    if what.trim().is_empty() || what.chars().count() > MOST_LETTERS {
        let error = format!("`what`: expected what was done, in 1 to {MOST_LETTERS} letters");
        return Err(Problem::wrong(error));
    }
    let known = |fault: String| {
        let missing =
            || format!("the handbook has no fault `{fault}`: `auscult faults` lists them");
        match shared.handbook().fault_named(&fault) {
            Ok(Some(known)) => Ok(known.id.to_owned()),
            Ok(None) => Err(Problem::wrong(format!("`fault`: {}", missing()))),
            Err(error) => Err(Problem::wrong(format!("`fault`: {error}"))),
        }
    };
    let fault = fault.map(known).transpose()?;
    let now = clock::now();
    let time = time.map_or(now, |time| time.0);
    if time < incident.began {
        return Err(Problem::wrong("`time` lies before the incident began"));
    }
    let remedy = Remedy::new(what, fault, place, time);
    let added = shared.decisions.add(Kind::Remedy, incident.id, "applied", &author, &remedy);
    Ok(answer(&added.map_err(Problem::unstored)?, remedy))
}

pub(super) fn take_back(
    shared: &Shared,
    ask: Ask<Nothing, Nothing>,
) -> Result<RemedyAnswer, Problem> {
    let (incident, id) = (ask.ids[0], ask.ids[1]);
    let author = author(ask.user, None)?;
    let _turn = shared.decisions.turn();
    let remedies = shared.remedies(Some((incident, incident))).map_err(Problem::unread)?;
    let found = remedies.into_iter().find(|(decision, _)| decision.number == id);
    let Some((decision, remedy)) = found else {
        let error = format!("there is no remedy {id} of incident {incident} that stands");
        return Err(Problem::missing(error));
    };
    let added = shared.decisions.add(Kind::Remedy, incident, "taken back", &author, &id);
    added.map_err(Problem::unstored)?;
    Ok(answer(&decision, remedy))
}

//! What people say of incidents. A person's newest verdict on an incident stands; nothing that
//! was said before is overwritten.

use std::collections::BTreeMap;

use auscult_engine::incident::Incident;
use auscult_engine::{Handbook, PriorShare};
use auscult_store::{Decision, DecisionsWanted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ask::{Ask, Nothing};
use super::incidents;
use super::problem::Problem;
use super::values::{Time, author};
use crate::diagnosis;
use crate::serve::Shared;
use crate::storage::Kind;
use crate::verdict::{
    Diagnosed, HEALTHY, Judgement, NONE, Standing, Step, Verdict, Withdrawal, decisive, standing,
    step as said_in,
};

/// Most letters of what a verdict says.
const MOST_LETTERS: usize = 4000;

/// What a person says of an incident.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VerdictBody {
    /// Whether there was something wrong.
    verdict: Judgement,
    /// What it was: a fault of the handbook (`auscult faults`) by its short name or by what it is
    /// called, `none` for none of them, or words of your own.
    fault: Option<String>,
    /// Where it was, as the diagnosis calls it, such as `serve-0/3`.
    place: Option<String>,
    /// Why, in their words.
    #[serde(default)]
    comment: String,
    /// Who says so, where the service has no users; else it is the user.
    author: Option<String>,
}

/// What a person says of an incident now.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Verdict")]
pub(in crate::http) struct VerdictAnswer {
    /// Its number, by which it can be withdrawn.
    id: u64,
    /// The number of the incident.
    pub(super) incident: u64,
    #[serde(flatten)]
    said: Verdict,
    /// Who said so; empty where nobody is named.
    author: String,
    /// When.
    time: Time,
}

/// What was done with a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum VerdictHappening {
    /// It was given, in place of an earlier one of the same author if there is one.
    Given,
    /// It was withdrawn.
    Withdrawn,
}

/// A step in the history of the verdicts on an incident.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct VerdictStep {
    /// From 1, in order, over all that people decide.
    pub(super) number: u64,
    /// The number of the incident.
    pub(super) incident: u64,
    /// What was done.
    happening: VerdictHappening,
    /// Who did it; empty where nobody is named.
    author: String,
    /// When.
    time: Time,
    /// The number of the verdict.
    verdict: u64,
    /// What it says.
    said: Verdict,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Verdicts {
    /// What people say now, oldest first.
    verdicts: Vec<VerdictAnswer>,
    /// All that they ever said, oldest first.
    history: Vec<VerdictStep>,
}

impl From<Standing> for VerdictAnswer {
    fn from(standing: Standing) -> Self {
        let Standing { number, incident, said, author, time } = standing;
        Self { id: number, incident, said, author, time: Time(time) }
    }
}

/// The step that a decision is; `None` for one of a later release.
pub(super) fn step(decision: &Decision) -> Option<VerdictStep> {
    let (happening, verdict, said) = match said_in(decision)? {
        Step::Given(said) => (VerdictHappening::Given, decision.number, said),
        Step::Withdrawn(verdict, said) => (VerdictHappening::Withdrawn, verdict, said),
    };
    Some(VerdictStep {
        number: decision.number,
        incident: decision.about,
        happening,
        author: decision.author.clone(),
        time: Time(decision.time),
        verdict,
        said,
    })
}

/// What stands on incidents from one number to another, oldest first.
pub(super) fn on(shared: &Shared, about: (u64, u64)) -> Result<Vec<VerdictAnswer>, Problem> {
    let standing = shared.verdicts(Some(about)).map_err(Problem::unread)?;
    Ok(standing.into_iter().map(VerdictAnswer::from).collect())
}

pub(super) fn list(shared: &Shared, ask: Ask<Nothing, Nothing>) -> Result<Verdicts, Problem> {
    let id = ask.ids[0];
    incidents::find(shared, id)?;
    let kind = Some(Kind::Verdict.as_str());
    let wanted = DecisionsWanted { kind, about: Some((id, id)), ..Default::default() };
    let decisions = shared.decisions.find(&wanted).map_err(Problem::unread)?;
    let verdicts = standing(&decisions).into_iter().map(VerdictAnswer::from).collect();
    Ok(Verdicts { verdicts, history: decisions.iter().filter_map(step).collect() })
}

pub(super) fn give(
    shared: &Shared,
    ask: Ask<Nothing, VerdictBody>,
) -> Result<VerdictAnswer, Problem> {
    let VerdictBody { verdict, fault, place, comment, author: named } = ask.body;
    let author = author(ask.user, named)?;
    let incident = incidents::find(shared, ask.ids[0])?;
    say(shared, &incident, Spoken { verdict, fault, place, comment, author })
}

/// What somebody says of an incident.
#[derive(Debug)]
pub(in crate::http) struct Spoken {
    pub(in crate::http) verdict: Judgement,
    pub(in crate::http) fault: Option<String>,
    pub(in crate::http) place: Option<String>,
    pub(in crate::http) comment: String,
    pub(in crate::http) author: String,
}

/// Checks and stores what somebody says of an incident, with what auscult thinks of it and what can
/// be learnt from it.
pub(in crate::http) fn say(
    shared: &Shared,
    incident: &Incident,
    spoken: Spoken,
) -> Result<VerdictAnswer, Problem> {
    let Spoken { verdict, fault, place, comment, author } = spoken;
    let filled = |text: Option<String>| {
        text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let (fault, place) = (cause(&shared.handbook(), verdict, filled(fault))?, filled(place));
    let empty = String::new();
    for (name, said) in [("fault", &fault), ("place", &place), ("comment", &Some(comment.clone()))]
    {
        let letters = said.as_ref().unwrap_or(&empty).chars().count();
        if letters > MOST_LETTERS {
            let error = format!("`{name}` has {letters} letters: expected {MOST_LETTERS} at most");
            return Err(Problem::wrong(error));
        }
    }
    // A verdict is worth having without what auscult thinks of the incident, too.
    let studied = diagnosis::study(shared, incident).ok();
    let diagnosed = studied.as_ref().and_then(|(diagnosis, _)| Diagnosed::of(diagnosis));
    let said = Verdict { verdict, fault, place, comment, diagnosed };
    let id = incident.id;
    let _turn = shared.decisions.turn();
    let before = shared.verdicts(Some((id, id))).map_err(Problem::unread)?;
    let is_first = before.iter().all(|standing| standing.said.verdict != Judgement::True);
    let added = shared.decisions.add(Kind::Verdict, id, "given", &author, &said);
    let added = added.map_err(Problem::unstored)?;
    if said.verdict == Judgement::True && is_first {
        shared.engine.confirm(incident);
    }
    if let Some((_, features)) = studied
        && said.verdict != Judgement::Unsure
    {
        let kept = shared.decisions.add(Kind::Case, id, "kept", &author, &features);
        if let Err(error) = kept {
            tracing::warn!("what can be learnt of incident {id} cannot be stored: {error}");
        }
    }
    Ok(VerdictAnswer { id: added.number, incident: id, said, author, time: Time(added.time) })
}

/// A cause as the handbook calls it, or in words.
fn cause(
    handbook: &Handbook,
    verdict: Judgement,
    fault: Option<String>,
) -> Result<Option<String>, Problem> {
    let Some(fault) = fault else { return Ok(None) };
    if fault.eq_ignore_ascii_case(NONE) {
        return Ok(Some(NONE.to_owned()));
    }
    let refuse = |error: String| Problem::wrong(format!("`fault`: {error}"));
    let known = handbook.fault_named(&fault).map_err(refuse)?;
    match known {
        Some(known) if verdict == Judgement::False && !known.benign => {
            let name = known.name;
            Err(Problem::wrong(format!(
                "`fault` is `{fault}` ({name}), but the verdict says that nothing was wrong: leave it out, or say \"true\""
            )))
        }
        Some(known) => Ok(Some(known.id.to_owned())),
        None => Ok(Some(fault)),
    }
}

pub(super) fn withdraw(
    shared: &Shared,
    ask: Ask<Nothing, Nothing>,
) -> Result<VerdictAnswer, Problem> {
    let (incident, id) = (ask.ids[0], ask.ids[1]);
    let _turn = shared.decisions.turn();
    let standing = shared.verdicts(Some((incident, incident))).map_err(Problem::unread)?;
    let Some(verdict) = standing.into_iter().find(|verdict| verdict.number == id) else {
        let error = format!("there is no verdict {id} on incident {incident} that stands");
        return Err(Problem::missing(error));
    };
    let withdrawal = Withdrawal { withdrawn: id, said: verdict.said.clone() };
    let author = author(ask.user, None)?;
    let added = shared.decisions.add(Kind::Verdict, incident, "withdrawn", &author, &withdrawal);
    added.map_err(Problem::unstored)?;
    Ok(verdict.into())
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PriorsAnswer {
    /// Incidents with a verdict that names a cause, or says that there was none.
    cases: u32,
    /// Every cause with its probability before any evidence, those with verdicts first.
    priors: Vec<PriorShare>,
}

/// How likely causes are here before any evidence.
pub(super) fn likely(shared: &Shared, _: Ask<Nothing, Nothing>) -> Result<PriorsAnswer, Problem> {
    let cases = shared.cases().map_err(Problem::unread)?;
    Ok(PriorsAnswer { cases: cases.all(), priors: shared.handbook().priors(&cases) })
}

/// An incident of which people say what it was, as something to learn from.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Case")]
pub(super) struct CaseAnswer {
    /// The number of the incident.
    incident: u64,
    /// The number of the verdict.
    verdict: u64,
    /// When that was given.
    time: Time,
    /// What it was: a fault of the handbook by its short name, words, `none`, or `healthy` for a
    /// false alarm.
    fault: String,
    /// Where it was, if somebody said.
    place: Option<String>,
    /// What could be known of it, in the columns and words of the fault logs of `auscult simulate`; empty where
    /// no samples were stored when the verdict was given.
    features: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CasesAnswer {
    /// By incident.
    cases: Vec<CaseAnswer>,
}

/// What can be learnt from verdicts.
pub(super) fn cases(shared: &Shared, _: Ask<Nothing, Nothing>) -> Result<CasesAnswer, Problem> {
    let handbook = shared.handbook();
    let decisive = decisive(shared.verdicts(None).map_err(Problem::unread)?);
    let kind = Some(Kind::Case.as_str());
    let wanted = DecisionsWanted { kind, latest: true, ..Default::default() };
    let kept = shared.decisions.find(&wanted).map_err(Problem::unread)?;
    let mut kept: BTreeMap<u64, BTreeMap<String, String>> = kept
        .into_iter()
        .filter_map(|case| Some((case.about, serde_json::from_str(&case.document).ok()?)))
        .collect();
    let cases = decisive.into_values().filter_map(|verdict| {
        let cause = verdict.said.cause(&handbook)?;
        // Words say more than that it is none of those that are known.
        let fault = match (&verdict.said.fault, cause) {
            (Some(words), NONE) => words.clone(),
            (_, HEALTHY) => HEALTHY.to_owned(),
            (_, cause) => cause.to_owned(),
        };
        Some(CaseAnswer {
            incident: verdict.incident,
            verdict: verdict.number,
            time: Time(verdict.time),
            fault,
            place: verdict.said.place.clone(),
            features: kept.remove(&verdict.incident).unwrap_or_default(),
        })
    });
    Ok(CasesAnswer { cases: cases.collect() })
}

//! What people say of incidents. A person's newest verdict on an incident stands; nothing that
//! was said before is overwritten.

use auscult_store::{Decision, DecisionsWanted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ask::{Ask, Nothing};
use super::incidents;
use super::problem::Problem;
use super::values::{Time, author};
use crate::serve::Shared;
use crate::storage::Kind;

/// Whether there was something wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Judgement {
    /// There was.
    True,
    /// There was not: a false alarm.
    False,
    /// Nobody can say.
    Unsure,
}

/// What a person says of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Said")]
pub(super) struct Verdict {
    /// Whether there was something wrong.
    verdict: Judgement,
    /// Which fault it was, by its id.
    #[serde(default)]
    fault: Option<String>,
    /// Why, in their words.
    #[serde(default)]
    comment: String,
}

/// What a person says of an incident.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VerdictBody {
    /// Whether there was something wrong.
    verdict: Judgement,
    /// Which fault it was, by its id.
    fault: Option<String>,
    /// Why, in their words.
    #[serde(default)]
    comment: String,
    /// Who says so, where the service has no users; else it is the user.
    author: Option<String>,
}

/// What a person says of an incident now.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Verdict")]
pub(super) struct VerdictAnswer {
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

/// What is stored of a withdrawal.
#[derive(Debug, Serialize, Deserialize)]
struct Withdrawal {
    withdrawn: u64,
    said: Verdict,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Verdicts {
    /// What people say now, oldest first.
    verdicts: Vec<VerdictAnswer>,
    /// All that they ever said, oldest first.
    history: Vec<VerdictStep>,
}

/// The steps about incidents from one number to another, oldest first.
pub(super) fn steps(shared: &Shared, about: (u64, u64)) -> Result<Vec<VerdictStep>, Problem> {
    let kind = Some(Kind::Verdict.as_str());
    let wanted = DecisionsWanted { kind, about: Some(about), ..Default::default() };
    let decisions = shared.decisions.find(&wanted).map_err(Problem::unread)?;
    Ok(decisions.iter().filter_map(step).collect())
}

/// The step that a decision is; `None` for one of a later release.
pub(super) fn step(decision: &Decision) -> Option<VerdictStep> {
    let (happening, verdict, said) = match decision.happening.as_str() {
        "given" => {
            let said = serde_json::from_str(&decision.document).ok()?;
            (VerdictHappening::Given, decision.number, said)
        }
        "withdrawn" => {
            let Withdrawal { withdrawn, said } = serde_json::from_str(&decision.document).ok()?;
            (VerdictHappening::Withdrawn, withdrawn, said)
        }
        _ => return None,
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

/// What holds after all `steps`.
pub(super) fn standing(steps: &[VerdictStep]) -> Vec<VerdictAnswer> {
    let mut standing: Vec<VerdictAnswer> = Vec::new();
    for step in steps {
        match step.happening {
            VerdictHappening::Given => {
                let same = |known: &VerdictAnswer| {
                    (known.incident, &known.author) == (step.incident, &step.author)
                };
                standing.retain(|known| !same(known));
                standing.push(VerdictAnswer {
                    id: step.verdict,
                    incident: step.incident,
                    said: step.said.clone(),
                    author: step.author.clone(),
                    time: step.time,
                });
            }
            VerdictHappening::Withdrawn => standing.retain(|known| known.id != step.verdict),
        }
    }
    standing
}

pub(super) fn list(shared: &Shared, ask: Ask<Nothing, Nothing>) -> Result<Verdicts, Problem> {
    let id = ask.ids[0];
    incidents::find(shared, id)?;
    let history = steps(shared, (id, id))?;
    Ok(Verdicts { verdicts: standing(&history), history })
}

pub(super) fn give(
    shared: &Shared,
    ask: Ask<Nothing, VerdictBody>,
) -> Result<VerdictAnswer, Problem> {
    let VerdictBody { verdict, fault, comment, author: named } = ask.body;
    let (incident, author) = (ask.ids[0], author(ask.user, named)?);
    incidents::find(shared, incident)?;
    let said = Verdict { verdict, fault, comment };
    let _turn = shared.decisions.turn();
    let added = shared.decisions.add(Kind::Verdict, incident, "given", &author, &said);
    let added = added.map_err(Problem::unstored)?;
    Ok(VerdictAnswer { id: added.number, incident, said, author, time: Time(added.time) })
}

pub(super) fn withdraw(
    shared: &Shared,
    ask: Ask<Nothing, Nothing>,
) -> Result<VerdictAnswer, Problem> {
    let (incident, id) = (ask.ids[0], ask.ids[1]);
    let _turn = shared.decisions.turn();
    let standing = standing(&steps(shared, (incident, incident))?);
    let Some(verdict) = standing.into_iter().find(|verdict| verdict.id == id) else {
        let error = format!("there is no verdict {id} on incident {incident} that stands");
        return Err(Problem::missing(error));
    };
    let withdrawal = Withdrawal { withdrawn: id, said: verdict.said.clone() };
    let author = author(ask.user, None)?;
    let added = shared.decisions.add(Kind::Verdict, incident, "withdrawn", &author, &withdrawal);
    added.map_err(Problem::unstored)?;
    Ok(verdict)
}

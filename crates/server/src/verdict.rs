//! What people say incidents were, and what follows from it: cases to learn from, and how likely
//! causes are here.

use std::collections::BTreeMap;

use auscult_core::Timestamp;
use auscult_engine::{Cases, Diagnosis, Handbook};
use auscult_store::{Decision, DecisionsWanted, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::serve::Shared;
use crate::storage::Kind;

/// The word for a cause that is none of the handbook's.
pub(crate) const NONE: &str = "none";
/// The word for the cause of a false alarm.
pub(crate) const HEALTHY: &str = "healthy";

/// Whether there was something wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Judgement {
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
pub(crate) struct Verdict {
    /// Whether there was something wrong.
    pub(crate) verdict: Judgement,
    /// What it was: a fault of the handbook by its short name, `none` for none of them, or words.
    #[serde(default)]
    pub(crate) fault: Option<String>,
    /// Where it was, as the diagnosis calls it.
    #[serde(default)]
    pub(crate) place: Option<String>,
    /// Why, in their words.
    #[serde(default)]
    pub(crate) comment: String,
    /// What auscult thought that it was when this was said; `null` where it did not know.
    #[serde(default)]
    pub(crate) diagnosed: Option<Diagnosed>,
}

/// The likeliest cause of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Diagnosed {
    /// Short name of the fault.
    pub(crate) fault: String,
    /// Where it is.
    pub(crate) place: String,
    /// How sure that is.
    pub(crate) probability: f64,
}

impl Diagnosed {
    /// The cause that a diagnosis concludes, if it concludes one.
    pub(crate) fn of(diagnosis: &Diagnosis) -> Option<Self> {
        let cause = diagnosis.answer()?;
        Some(Self {
            fault: cause.fault.clone(),
            place: cause.place.clone(),
            probability: cause.probability,
        })
    }
}

/// A verdict that stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    /// Its number.
    pub(crate) number: u64,
    /// The number of the incident.
    pub(crate) incident: u64,
    pub(crate) said: Verdict,
    pub(crate) author: String,
    pub(crate) time: Timestamp,
}

/// What is stored of a withdrawal.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Withdrawal {
    pub(crate) withdrawn: u64,
    pub(crate) said: Verdict,
}

/// A step in the history of verdicts.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// It was given.
    Given(Verdict),
    /// That with this number was withdrawn.
    Withdrawn(u64, Verdict),
}

/// The step that a decision is; `None` for one of a later release.
pub(crate) fn step(decision: &Decision) -> Option<Step> {
    match decision.happening.as_str() {
        "given" => Some(Step::Given(serde_json::from_str(&decision.document).ok()?)),
        "withdrawn" => {
            let Withdrawal { withdrawn, said } = serde_json::from_str(&decision.document).ok()?;
            Some(Step::Withdrawn(withdrawn, said))
        }
        _ => None,
    }
}

/// What stands after all `decisions`: of each author the newest verdict on an incident.
pub(crate) fn standing(decisions: &[Decision]) -> Vec<Standing> {
    let mut standing: Vec<Standing> = Vec::new();
    for decision in decisions {
        match step(decision) {
            Some(Step::Given(said)) => {
                let (incident, author) = (decision.about, decision.author.clone());
                standing.retain(|known| known.incident != incident || known.author != author);
                let (number, time) = (decision.number, decision.time);
                standing.push(Standing { number, incident, said, author, time });
            }
            Some(Step::Withdrawn(number, _)) => standing.retain(|known| known.number != number),
            None => {}
        }
    }
    standing
}

impl Verdict {
    /// The cause that it names: a fault of the handbook, [`NONE`] for another one, [`HEALTHY`] for
    /// none at all; `None` where it names none.
    pub(crate) fn cause(&self, handbook: &Handbook) -> Option<&str> {
        let known = |fault: &String| matches!(handbook.fault_named(fault), Ok(Some(_)));
        match (self.verdict, &self.fault) {
            (Judgement::Unsure, _) | (Judgement::True, None) => None,
            (_, Some(fault)) if known(fault) => Some(fault),
            (Judgement::True, Some(_)) => Some(NONE),
            (Judgement::False, _) => Some(HEALTHY),
        }
    }
}

/// Of each incident the newest verdict that says whether there was something wrong, by incident.
pub(crate) fn decisive(standing: Vec<Standing>) -> BTreeMap<u64, Standing> {
    let mut newest: BTreeMap<u64, Standing> = BTreeMap::new();
    for verdict in standing {
        if verdict.said.verdict == Judgement::Unsure {
            continue;
        }
        let known = newest.entry(verdict.incident).or_insert_with(|| verdict.clone());
        if verdict.number > known.number {
            *known = verdict;
        }
    }
    newest
}

impl Shared {
    /// Verdicts that stand on incidents from the first of `about` to the second; on all without it.
    pub(crate) fn verdicts(&self, about: Option<(u64, u64)>) -> Result<Vec<Standing>, StoreError> {
        let kind = Some(Kind::Verdict.as_str());
        let wanted = DecisionsWanted { kind, about, ..Default::default() };
        Ok(standing(&self.decisions.find(&wanted)?))
    }

    /// What incidents turned out to be here, by people's word: one case an incident, that of its
    /// newest verdict.
    pub(crate) fn cases(&self) -> Result<Cases, StoreError> {
        let (mut cases, handbook) = (Cases::default(), self.handbook());
        for verdict in decisive(self.verdicts(None)?).values() {
            match verdict.said.cause(&handbook) {
                None => {}
                Some(NONE) => cases.unknown += 1,
                Some(HEALTHY) => cases.healthy += 1,
                Some(fault) => *cases.faults.entry(fault.to_owned()).or_default() += 1,
            }
        }
        Ok(cases)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(verdict: Judgement, fault: Option<&str>) -> Verdict {
        let (fault, comment) = (fault.map(str::to_owned), String::new());
        Verdict { verdict, fault, place: None, comment, diagnosed: None }
    }

    #[test]
    fn a_verdict_names_a_cause_or_none() {
        use Judgement::{False, True, Unsure};
        for (said, fault, cause) in [
            (True, Some("G1"), Some("G1")),
            (True, Some("none"), Some(NONE)),
            (True, Some("a loose cable"), Some(NONE)),
            (True, None, None),
            (False, None, Some(HEALTHY)),
            (Unsure, Some("G1"), None),
        ] {
            assert_eq!(
                verdict(said, fault).cause(Handbook::embedded()),
                cause,
                "{said:?} {fault:?}"
            );
        }
    }

    #[test]
    fn verdicts_of_older_releases_are_read() {
        let document = r#"{"verdict":"true","fault":"fan-failure","comment":"replaced"}"#;
        let read: Verdict = serde_json::from_str(document).unwrap();
        assert_eq!((read.place, read.diagnosed, read.comment.as_str()), (None, None, "replaced"));
    }

    #[test]
    fn the_newest_word_on_an_incident_counts() {
        let given = |number: u64, author: &str, said: Verdict| Decision {
            number,
            kind: "verdict".to_owned(),
            about: 7,
            time: Timestamp::from_seconds(number as i64),
            happening: "given".to_owned(),
            author: author.to_owned(),
            document: serde_json::to_string(&said).unwrap(),
        };
        let mut decisions = vec![
            given(1, "ann", verdict(Judgement::False, None)),
            given(2, "bob", verdict(Judgement::True, Some("G7"))),
            given(3, "ann", verdict(Judgement::Unsure, None)),
        ];
        let newest = |decisions: &[Decision]| {
            let decisive = decisive(standing(decisions));
            decisive.get(&7).map(|standing| standing.number)
        };
        assert_eq!(newest(&decisions), Some(2));
        let said = verdict(Judgement::True, Some("G7"));
        let withdrawal = serde_json::to_string(&Withdrawal { withdrawn: 2, said }).unwrap();
        let happening = "withdrawn".to_owned();
        let of = given(4, "bob", verdict(Judgement::Unsure, None));
        decisions.push(Decision { happening, document: withdrawal, ..of });
        assert_eq!(newest(&decisions), None);
    }
}

//! A diagnosis as people and programs read it.

use std::fmt::{self, Write};

use auscult_knowledge::{Fault, Knowledge, Remedy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Cause, Conclusion, Diagnosis, Doctor, Evidence, PriorShare, Recovery, RuledOut, ToldLaws,
    ToldWitness,
};
use crate::evidence::{CHANGED_AFTER, CHANGED_BEFORE, Window};
use crate::scene::Scene;

/// Pieces of evidence for and against a cause that are told.
const TOLD: usize = 8;
/// Causes that are told.
const CAUSES: usize = 5;
/// Weight from which a piece of evidence is worth telling.
const WORTH: f64 = 0.1;
/// Targets that are named for a piece of evidence.
const NAMED: usize = 5;
/// Probability from which a cause is given as the answer.
const SURE: f64 = 0.5;
/// Probability under which a cause is not worth naming.
const NEGLIGIBLE: f64 = 0.01;

/// What is wrong, where, since when, how that is known, what was ruled out, and what to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Cause, place, since when and how sure, in one sentence.
    pub sentence: String,
    /// Seconds since 1970 at which it began, as far as known.
    pub began: f64,
    /// Seconds since 1970 of the last reading that was looked at.
    pub until: f64,
    /// The likeliest causes, first the likeliest.
    pub causes: Vec<ToldCause>,
    /// A second fault at the same time, with its evidence: what the first cause leaves to be accounted
    /// for makes it likely. Its probability is the one beside the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<ToldCause>,
    /// Changes that may have brought it about: made from ten minutes before it began to two after,
    /// in the order of time.
    #[serde(default)]
    pub changes: Vec<ToldChange>,
    /// Causes that cannot be, with the reason.
    pub ruled_out: Vec<RuledOut>,
    /// Probability that it is none of the causes that are known.
    pub unknown: f64,
    /// Probability that nothing is wrong.
    pub healthy: f64,
    /// What a tree or forest that was learnt from past incidents says; absent where none is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<ToldWitness>,
    /// What would tell the first two causes apart, and nobody knows yet.
    pub next_question: Option<String>,
    /// What became of the laws, and which signals were not believed.
    #[serde(default)]
    pub laws: ToldLaws,
    /// Whether it became better after a remedy, or by itself; absent as long as that was not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
}

/// A change that people or programs made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DiagnosedChange")]
pub struct ToldChange {
    /// Seconds since 1970 at which it was made.
    pub time: f64,
    /// What it was: `deploy`, `config`, `scale`, `restart` or `maintenance`.
    pub kind: String,
    /// What it was made to; empty if that is not known.
    pub target: String,
}

/// A cause with its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Cause")]
pub struct ToldCause {
    /// Its short name, such as `G1`.
    pub fault: String,
    /// What people call it.
    pub name: String,
    /// What goes on.
    pub about: String,
    /// Whether it is healthy after all, and only looks like a fault.
    pub benign: bool,
    /// Kind of the target.
    pub kind: String,
    /// What the target is called.
    pub place: String,
    /// Probability of this cause, wherever it is.
    pub probability: f64,
    /// Probability that it is there, if it is this cause.
    pub here: f64,
    /// How likely it is before any evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<PriorShare>,
    /// What speaks for it, the weightiest first.
    pub supports: Vec<ToldEvidence>,
    /// What speaks against it, the weightiest first.
    pub speaks_against: Vec<ToldEvidence>,
    /// What it requires, and nobody can say.
    pub not_known: Vec<String>,
    /// What to do.
    pub remedy: ToldRemedy,
}

/// A statement and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Evidence")]
pub struct ToldEvidence {
    /// In the vocabulary of evidence.
    pub statement: String,
    /// Whether it holds.
    pub holds: bool,
    /// What was seen: before and now.
    pub seen: String,
    /// Where, by names of targets.
    pub at: Vec<String>,
    /// By how much it changes the logarithm of the odds.
    pub weight: f64,
}

/// What to do about a cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Remedy")]
pub struct ToldRemedy {
    /// At once; empty if nothing should be done unattended.
    pub now: String,
    /// Later.
    pub later: String,
    /// What may go wrong with it.
    pub risk: String,
    /// What keeps it from doing harm.
    pub guard: String,
    /// What shows that it helped.
    pub recovered_when: String,
}

impl From<&Remedy> for ToldRemedy {
    fn from(remedy: &Remedy) -> Self {
        Self {
            now: remedy.now.clone(),
            later: remedy.later.clone(),
            risk: remedy.risk.clone(),
            guard: remedy.guard.clone(),
            recovered_when: remedy.recovered_when.to_string(),
        }
    }
}

impl Report {
    /// Tells a diagnosis of what happened in `window` of `scene`.
    pub fn new(
        knowledge: &Knowledge,
        doctor: &Doctor<'_>,
        scene: &Scene,
        window: Window,
        diagnosis: &Diagnosis,
    ) -> Self {
        let time = |place: usize| scene.start() + place as f64 * scene.step();
        let priors = doctor.priors().shares(knowledge);
        let tell = |cause: &Cause| {
            let fault = knowledge.faults().iter().find(|fault| fault.fault == cause.fault)?;
            let prior = priors.iter().find(|prior| prior.cause == cause.fault).cloned();
            Some(ToldCause { prior, ..told(cause, fault, scene) })
        };
        let worth = diagnosis.causes.iter().filter(|cause| cause.probability >= NEGLIGIBLE);
        let causes: Vec<ToldCause> = worth.take(CAUSES).filter_map(tell).collect();
        let second = doctor.second(scene, window, diagnosis);
        let next_question = match diagnosis.causes.as_slice() {
            [first, second, ..] if second.probability >= 0.1 => doctor.question(first, second),
            _ => None,
        };
        let began = time(window.onset);
        let mut report = Self {
            sentence: String::new(),
            began,
            until: time(window.end.saturating_sub(1)),
            causes,
            beside: second.as_ref().and_then(tell),
            changes: changes(scene, began),
            ruled_out: diagnosis.ruled_out.clone(),
            unknown: diagnosis.unknown,
            healthy: diagnosis.healthy,
            witness: doctor.testimony().map(|heard| heard.told.clone()),
            next_question,
            laws: ToldLaws::new(knowledge, scene, &diagnosis.laws),
            recovery: None,
        };
        report.sentence = if scene.is_empty() {
            "nothing is known: no series that an adapter knows was recorded then".to_owned()
        } else {
            report.sum_up()
        };
        report
    }

    fn sum_up(&self) -> String {
        let percent = |share: f64| format!("{:.0} %", 100.0 * share.min(0.999));
        if self.laws.most_is_not_trusted() {
            let (not, all) = (self.laws.signals_not_trusted, self.laws.signals);
            return format!(
                "the telemetry cannot be trusted: {not} of {all} signals are broken, so that no cause is known"
            );
        }
        let Some(cause) = self.answer() else {
            return if self.conclusion() == Conclusion::Healthy {
                format!("nothing seems to be wrong ({})", percent(self.healthy))
            } else {
                format!("none of the known causes fits ({})", percent(self.unknown))
            };
        };
        let sure = if cause.probability >= SURE { "" } else { "perhaps " };
        let benign = if cause.benign { ", which is no fault" } else { "" };
        let named = |cause: &ToldCause, benign: &str| {
            let ToldCause { name, kind, place, fault, probability, .. } = cause;
            format!("{name} at {kind} {place}{benign} ({fault}, {})", percent(*probability))
        };
        let second = self.beside.as_ref();
        let second = second.map(|second| format!("; beside it perhaps {}", named(second, "")));
        format!("{sure}{}{}", named(cause, benign), second.unwrap_or_default())
    }

    /// The report as text, for a terminal.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.sentence);
        for (place, cause) in self.causes.iter().enumerate() {
            let _ = writeln!(
                text,
                "\n{}. {} ({}) at {} {}: {:.1} %",
                place + 1,
                cause.name,
                cause.fault,
                cause.kind,
                cause.place,
                100.0 * cause.probability
            );
            if cause.here < 0.95 {
                let _ =
                    writeln!(text, "   at this place, if it is that: {:.0} %", 100.0 * cause.here);
            }
            let _ = writeln!(text, "   {}", cause.about);
            if let Some(prior) = cause.prior.as_ref().filter(|prior| prior.verdicts > 0) {
                let _ = writeln!(text, "   {prior}");
            }
            // Only of the first one all of it is wanted.
            cause.write_evidence(&mut text, if place == 0 { TOLD } else { 3 });
            for unknown in &cause.not_known {
                let _ = writeln!(text, "   ? {unknown}: not known");
            }
            if place == 0 {
                let remedy = &cause.remedy;
                let now = if remedy.now.is_empty() { "nothing unattended" } else { &remedy.now };
                let _ = writeln!(text, "   now:    {now}");
                if !remedy.later.is_empty() {
                    let _ = writeln!(text, "   later:  {}", remedy.later);
                }
                let _ = writeln!(text, "   risk:   {}; guard: {}", remedy.risk, remedy.guard);
                let _ = writeln!(text, "   helped: {}", remedy.recovered_when);
            }
        }
        if let Some(second) = &self.beside {
            let ToldCause { name, fault, kind, place, about, probability, .. } = second;
            let percent = 100.0 * probability;
            let _ = writeln!(
                text,
                "\nbeside the first, by what that does not account for: {name} ({fault}) at {kind} {place}: {percent:.1} %\n   {about}"
            );
            second.write_evidence(&mut text, 3);
        }
        if let Some(recovery) = &self.recovery {
            let _ = writeln!(text, "\n{}", recovery.sentence);
        }
        for (place, change) in self.changes.iter().enumerate() {
            let gap = if place == 0 { "\n" } else { "" };
            let lag = self.began - change.time;
            let when = if lag >= 0.0 { "before" } else { "after" };
            let of = if change.target.is_empty() { "everything" } else { &change.target };
            let _ = writeln!(
                text,
                "{gap}change: {} of {of}, {:.0} s {when} it began",
                change.kind,
                lag.abs()
            );
        }
        if self.unknown >= NEGLIGIBLE || self.healthy >= NEGLIGIBLE {
            let _ = writeln!(
                text,
                "\nnone of the known causes: {:.1} %; nothing wrong: {:.1} %",
                100.0 * self.unknown,
                100.0 * self.healthy
            );
        }
        if let Some(witness) = &self.witness {
            let _ = writeln!(text, "\n{witness}");
        }
        if let Some(question) = &self.next_question {
            let _ = writeln!(text, "\nwhat would tell the first two apart: {question}");
        }
        text += &self.laws.text();
        for one in &self.ruled_out {
            let _ = writeln!(text, "ruled out: {} ({}): {}", one.name, one.fault, one.reason);
        }
        text
    }
}

/// What was predicted, whether it is so, and what was seen.
impl fmt::Display for ToldEvidence {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let denied = if self.holds { "" } else { " (is not so)" };
        write!(to, "{}{denied}: {}", self.statement, self.seen)
    }
}

impl ToldCause {
    /// Writes at most so many pieces of evidence for it, and against it.
    fn write_evidence(&self, text: &mut String, most: usize) {
        for (sign, list) in [("+", &self.supports), ("-", &self.speaks_against)] {
            for evidence in list.iter().take(most) {
                let _ = writeln!(text, "   {sign} {evidence}");
            }
        }
    }
}

/// Changes around the time at which something began, in the order of time.
fn changes(scene: &Scene, began: f64) -> Vec<ToldChange> {
    let around = began - CHANGED_BEFORE..=began + CHANGED_AFTER;
    let near = scene.events().iter().filter(|event| around.contains(&event.time));
    let mut changes: Vec<ToldChange> = near
        .map(|event| ToldChange {
            time: event.time,
            kind: event.kind.clone(),
            target: event.target.clone(),
        })
        .collect();
    changes.sort_by(|one, other| one.time.total_cmp(&other.time));
    changes
}

fn told(cause: &Cause, fault: &Fault, scene: &Scene) -> ToldCause {
    let tell = |evidence: &Evidence| {
        let named = evidence.finding.at.iter().take(NAMED);
        ToldEvidence {
            statement: evidence.statement.clone(),
            holds: evidence.finding.holds == Some(true),
            seen: evidence.finding.seen.clone(),
            at: named.map(|target| scene.targets()[*target].name.clone()).collect(),
            weight: evidence.weight,
        }
    };
    let supports = cause.evidence.iter().filter(|evidence| evidence.weight >= WORTH);
    let against = cause.evidence.iter().filter(|evidence| evidence.weight <= -WORTH);
    let is_known =
        |statement: &str| cause.evidence.iter().any(|evidence| evidence.statement == statement);
    let unknown = fault.required.iter().filter(|statement| !is_known(&statement.text));
    ToldCause {
        fault: cause.fault.clone(),
        name: cause.name.clone(),
        about: fault.about.clone(),
        benign: cause.benign,
        kind: cause.kind.clone(),
        place: cause.place.clone(),
        probability: cause.probability,
        here: cause.here,
        prior: None,
        supports: supports.take(TOLD).map(tell).collect(),
        speaks_against: against.take(TOLD).map(tell).collect(),
        not_known: unknown.map(ToString::to_string).collect(),
        remedy: (&fault.remedy).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_of_what_is_not_so_says_that_it_is_not() {
        let told = |holds: bool| ToldEvidence {
            statement: "gpu_utilization is steady".to_owned(),
            holds,
            seen: "100 % → 4 %".to_owned(),
            at: Vec::new(),
            weight: 1.0,
        };
        assert_eq!(told(true).to_string(), "gpu_utilization is steady: 100 % → 4 %");
        assert_eq!(told(false).to_string(), "gpu_utilization is steady (is not so): 100 % → 4 %");
    }
}

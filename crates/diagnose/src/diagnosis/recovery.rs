//! Whether it became better: the signal that shows that a remedy helped, before an incident, during it and after.

use std::ops::Range;

use auscult_knowledge::{Knowledge, Relation, Scope, Subject};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::quantity::quantity;
use crate::evidence::{Judge, Window};
use crate::scene::{Scene, Target};

/// Spreads by which a signal must move to count as moved.
const MOVED: f64 = 2.5;
/// Share of what it was before by which it must.
const LEAST_SHARE: f64 = 0.1;
/// Share of the way back from which on it has recovered.
const BACK: f64 = 0.5;

/// What became of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "RecoveryOutcome")]
pub enum Outcome {
    /// The signal is back where it was before, or more than half of the way.
    Recovered,
    /// It is not.
    NotRecovered,
    /// It went further away.
    Worse,
    /// The signal cannot say.
    Unknown,
}

/// What the signal that shows that a remedy helped did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recovery {
    /// What became of it.
    pub outcome: Outcome,
    /// Short name of the fault whose remedy was looked at; empty where no cause is known.
    pub fault: String,
    /// Where the fault is.
    pub place: String,
    /// What shows that its remedy helped.
    pub statement: String,
    /// The signal before the incident, in its unit; `null` where there was none.
    pub before: Option<f64>,
    /// At the end of the incident, or when the remedy was applied.
    pub during: Option<f64>,
    /// Afterwards.
    pub after: Option<f64>,
    /// In a sentence.
    pub sentence: String,
}

/// A signal of one target.
#[derive(Debug, Clone, Copy)]
struct Course {
    target: usize,
    before: Option<f64>,
    during: Option<f64>,
    after: Option<f64>,
    /// Spread of the readings before.
    scale: f64,
}

impl Recovery {
    /// Of something whose cause is not known.
    pub fn unknown(fault: &str, place: &str, why: &str) -> Self {
        Self {
            outcome: Outcome::Unknown,
            fault: fault.to_owned(),
            place: place.to_owned(),
            statement: String::new(),
            before: None,
            during: None,
            after: None,
            sentence: format!("whether it recovered is not known: {why}"),
        }
    }
}

/// Compares the signal that shows that the remedy of `fault` helped at `place`: before `window`'s onset, at the
/// end of `window`, and `after`.
///
/// A signal that moved away in the incident has recovered once it is back, or more than half of the way; one that
/// moved on is worse. One that did not move cannot tell, but if it goes the wrong way afterwards. Of several
/// targets, those that moved are asked, and most of them decide.
pub fn recovery(
    knowledge: &Knowledge,
    scene: &Scene,
    window: Window,
    after: Range<usize>,
    fault: &str,
    place: &str,
) -> Recovery {
    let Some(known) = knowledge.faults().iter().find(|known| known.fault == fault) else {
        return Recovery::unknown(fault, place, "the fault is not in the handbook");
    };
    let is_it = |target: &Target| target.kind == known.place && target.name == place;
    let Some(at) = scene.targets().iter().position(is_it) else {
        let why = format!("nothing is known of {} {place}", known.place);
        return Recovery::unknown(fault, place, &why);
    };
    let statement = &known.remedy.recovered_when;
    let targets = match &statement.scope {
        Scope::Own => vec![at],
        Scope::Peers => scene.peers(at).iter().copied().filter(|peer| *peer != at).collect(),
        Scope::Near { kind, .. } => scene.near(at, kind),
    };
    let mut during = Judge::new(scene, knowledge, window);
    let later = Window { from: window.from, onset: after.start, end: after.end };
    let mut later = Judge::new(scene, knowledge, later);
    let finite = |value: f64| value.is_finite().then_some(value);
    let courses = targets.into_iter().map(|target| {
        let numbers = during.numbers(target, &statement.subject);
        let now = later.numbers(target, &statement.subject);
        Course {
            target,
            before: numbers.as_ref().and_then(|numbers| finite(numbers.before[2])),
            during: numbers.as_ref().and_then(|numbers| finite(numbers.tail)),
            after: now.and_then(|now| finite(now.tail)),
            scale: numbers.map_or(0.0, |numbers| numbers.scale),
        }
    });
    let judged: Vec<(Course, Outcome)> =
        courses.map(|course| (course, outcome(&course, statement.relation))).collect();
    let count = |which: Outcome| judged.iter().filter(|(_, outcome)| *outcome == which).count();
    // Where as many say the one as the other, the worse counts.
    let decides = [Outcome::Worse, Outcome::NotRecovered, Outcome::Recovered];
    let most = decides.into_iter().filter(|which| count(*which) > 0).rev();
    let most = most.max_by_key(|which| count(*which)).unwrap_or(Outcome::Unknown);
    let shown = judged.iter().find(|(_, outcome)| *outcome == most);
    let Some((shown, _)) = shown else {
        let why = format!("no {} tells `{statement}`", known.place);
        return Recovery::unknown(fault, place, &why);
    };
    let unit = match &statement.subject {
        Subject::Signal { name, per: None, .. } => {
            knowledge.signal(name).map_or("", |signal| signal.unit.as_str())
        }
        _ => "",
    };
    let told = |value: Option<f64>| {
        value.map_or_else(|| "nothing".to_owned(), |value| quantity(value, unit))
    };
    let word = match most {
        Outcome::Recovered => "recovered",
        Outcome::NotRecovered => "not recovered",
        Outcome::Worse => "worse",
        Outcome::Unknown => "whether it recovered is not known, as the signal did not move",
    };
    let text = &statement.text;
    let signal = text.split_once(": ").map_or(text.as_str(), |(_, rest)| rest);
    let signal = signal.split(' ').next().unwrap_or_default();
    let target = &scene.targets()[shown.target];
    let sentence = format!(
        "{word}: {signal} of {} {}: {} before, {} during, {} after (`{statement}` shows that the remedy of {fault} helped)",
        target.kind,
        target.name,
        told(shown.before),
        told(shown.during),
        told(shown.after),
    );
    Recovery {
        outcome: most,
        fault: fault.to_owned(),
        place: place.to_owned(),
        statement: statement.text.clone(),
        before: shown.before,
        during: shown.during,
        after: shown.after,
        sentence,
    }
}

/// What became of a signal of which `relation` shows that a remedy helped.
fn outcome(course: &Course, relation: Relation) -> Outcome {
    let Course { before, during, after, scale, .. } = *course;
    let (before, during, after) = match (before, during, after) {
        (Some(before), Some(during), Some(after)) => (before, during, after),
        // What was gone is there again, or it is not.
        (Some(_), None, Some(_)) => return Outcome::Recovered,
        (Some(_), None, None) => return Outcome::NotRecovered,
        _ => return Outcome::Unknown,
    };
    let least = (MOVED * scale).max(LEAST_SHARE * before.abs());
    let moved = during - before;
    let since = after - during;
    if moved.abs() < least {
        let wrong = match relation {
            Relation::Rises | Relation::Doubles | Relation::Starts | Relation::Present => {
                since <= -least
            }
            Relation::Falls | Relation::Stops => since >= least,
            _ => since.abs() >= least,
        };
        return if wrong && least > 0.0 { Outcome::Worse } else { Outcome::Unknown };
    }
    // 1 is all of the way back, 0 none of it.
    let back = -since / moved;
    if (after - before).abs() < least || back >= BACK {
        Outcome::Recovered
    } else if -back * moved.abs() >= least {
        Outcome::Worse
    } else {
        Outcome::NotRecovered
    }
}

#[cfg(test)]
mod tests {
    use auscult_core::{Labels, METRIC_NAME};

    use super::*;
    use crate::scene::SceneBuilder;

    /// What became of a GPU whose clock reads `during` from reading 60 on and `after` from 90 on.
    fn check(during: Option<f64>, after: Option<f64>) -> Recovery {
        let knowledge = Knowledge::embedded();
        let mut builder = SceneBuilder::new(&knowledge, 0.0, 15.0, 120);
        let labels = [(METRIC_NAME, "DCGM_FI_DEV_SM_CLOCK"), ("Hostname", "h"), ("gpu", "0")];
        let series = builder.series(&Labels::from_pairs(labels).unwrap()).unwrap();
        for reading in 0..120 {
            let clock = match reading {
                0..60 => Some(1980.0),
                60..90 => during,
                _ => after,
            };
            let Some(clock) = clock else { continue };
            let value = clock + f64::from(reading % 5);
            builder.sample(series, f64::from(reading) * 15.0, value);
        }
        let scene = builder.build();
        let window = Window { from: 0, onset: 60, end: 90 };
        recovery(&knowledge, &scene, window, 90..120, "G1", "h/0")
    }

    #[test]
    fn what_came_back_recovered_and_what_went_on_is_worse() {
        for (during, after, expected) in [
            (Some(1400.0), Some(1975.0), Outcome::Recovered),
            (Some(1400.0), Some(1750.0), Outcome::Recovered),
            (Some(1400.0), Some(1450.0), Outcome::NotRecovered),
            (Some(1400.0), Some(700.0), Outcome::Worse),
            (Some(1400.0), None, Outcome::Unknown),
            (Some(1975.0), Some(1975.0), Outcome::Unknown),
            (Some(1975.0), Some(1200.0), Outcome::Worse),
            (None, Some(1975.0), Outcome::Recovered),
            (None, None, Outcome::NotRecovered),
        ] {
            let told = check(during, after);
            assert_eq!(told.outcome, expected, "{during:?} {after:?}: {}", told.sentence);
        }
        let told = check(Some(1400.0), Some(1975.0)).sentence;
        let expected =
            "recovered: gpu_sm_clock of gpu h/0: 1.98 GHz before, 1.4 GHz during, 1.98 GHz after";
        assert!(told.starts_with(expected), "{told}");
    }

    #[test]
    fn what_cannot_be_looked_at_is_said() {
        let knowledge = Knowledge::embedded();
        let scene = SceneBuilder::new(&knowledge, 0.0, 15.0, 120).build();
        let window = Window { from: 0, onset: 60, end: 90 };
        let told =
            |fault: &str| recovery(&knowledge, &scene, window, 90..120, fault, "h/0").sentence;
        assert!(told("G1").ends_with("nothing is known of gpu h/0"), "{}", told("G1"));
        assert!(told("Z9").ends_with("the fault is not in the handbook"), "{}", told("Z9"));
    }
}

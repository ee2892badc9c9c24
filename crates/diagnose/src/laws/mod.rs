//! Laws: whether the measurements of an incident obey what they must, and which of them can be
//! trusted.
//!
//! Each part of each law ([`auscult_knowledge::Law`]) is checked at each target of its kind, before
//! the incident and in it. A law holds, is broken, or nobody can say. A breach may mean that signals are not
//! to be trusted: they are evidence of nothing then.

mod evaluate;
mod trust;

use std::collections::HashMap;

use auscult_knowledge::{Formula, Knowledge, Law, LawPart, Order, Relation, Stretch};

use crate::evidence::{TAIL, Window, quantity};
use crate::scene::Scene;

use evaluate::Evaluator;
pub use evaluate::Missing;
pub use trust::{Distrust, Trust};

/// Pairs of readings that a verdict needs.
const FEWEST: usize = 4;

/// What became of a part of a law at a target, over a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Mean of the left side.
    pub left: f64,
    /// Mean of the right side.
    pub right: f64,
    /// How far they may lie apart.
    pub tolerated: f64,
    /// Readings at which both sides are known.
    pub readings: usize,
    /// Whether the law holds.
    pub holds: bool,
}

/// A part of a law at a target.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Number of the law.
    pub law: usize,
    /// Number of the part among those of the law.
    pub part: usize,
    /// Number of the target.
    pub target: usize,
    /// Before the incident; `None` if nobody can say.
    pub before: Option<Measured>,
    /// In the incident.
    pub now: Option<Measured>,
    /// What of it nobody tells, where that is why nobody can say.
    pub missing: Option<Missing>,
    /// Whether it rests on signals that are not to be trusted, so that it says nothing.
    pub void: bool,
}

impl Verdict {
    /// Whether it holds now; `None` if nobody can say.
    pub fn holds(&self) -> Option<bool> {
        if self.void { None } else { self.now.map(|now| now.holds) }
    }

    /// Whether it is broken now and was not before; `None` if nobody can say.
    pub fn breaks(&self) -> Option<bool> {
        let was_broken = self.before.is_some_and(|before| !before.holds);
        self.holds().map(|holds| !holds && !was_broken)
    }
}

/// What became of every law in a stretch of time, and what can be trusted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Laws {
    verdicts: Vec<Verdict>,
    /// By the name of a part, then by target.
    places: HashMap<String, HashMap<usize, usize>>,
    trust: Trust,
}

impl Laws {
    /// Checks every law at every target.
    ///
    /// Cost: the readings of the signals that laws name, some ten times.
    pub fn check(scene: &Scene, knowledge: &Knowledge, window: Window) -> Self {
        let mut trust = Trust::of_readings(scene, window);
        let mut evaluator = Evaluator::new(scene, knowledge, window);
        let mut verdicts = Vec::new();
        for (law, known) in knowledge.laws().iter().enumerate() {
            for (number, part) in known.parts.iter().enumerate() {
                for (target, of) in scene.targets().iter().enumerate() {
                    if of.kind != part.of || !evaluator.is_told_by(target, part) {
                        continue;
                    }
                    let found = evaluator.sides(target, part);
                    let (before, now, missing) = match found {
                        Ok(sides) => (
                            sides.over(part, calm(part, window)),
                            sides.over(part, stretch(part, window)),
                            None,
                        ),
                        Err(missing) => (None, None, Some(missing)),
                    };
                    let (part, void) = (number, false);
                    verdicts.push(Verdict { law, part, target, before, now, missing, void });
                }
            }
        }
        for verdict in &verdicts {
            trust.add(knowledge, verdict);
        }
        let mut places: HashMap<String, HashMap<usize, usize>> = HashMap::new();
        for (place, verdict) in verdicts.iter_mut().enumerate() {
            let part = &knowledge.laws()[verdict.law].parts[verdict.part];
            // What a law itself says of its signals does not make it void.
            verdict.void = signals(part).any(|signal| {
                trust
                    .why(verdict.target, signal)
                    .is_some_and(|why| why.part != Some(part.part.clone()))
            });
            places.entry(part.part.clone()).or_default().insert(verdict.target, place);
        }
        Self { verdicts, places, trust }
    }

    /// Every part at every target of its kind, in the order of the laws.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// What became of the part of a law with this name at a target.
    pub fn verdict(&self, part: &str, target: usize) -> Option<&Verdict> {
        let place = self.places.get(part)?.get(&target)?;
        self.verdicts.get(*place)
    }

    /// Whether `law PART breaks` or `law PART holds` at a target; `None` if nobody can say.
    pub fn statement(&self, part: &str, target: usize, relation: Relation) -> Option<bool> {
        let verdict = self.verdict(part, target)?;
        if relation == Relation::Breaks { verdict.breaks() } else { verdict.holds() }
    }

    /// What was measured of a part of a law at a target, for people.
    pub fn seen(&self, knowledge: &Knowledge, part: &str, target: usize) -> String {
        let verdict = self.verdict(part, target);
        let measured = verdict.and_then(|verdict| Some((of(knowledge, verdict).1, verdict.now?)));
        match measured {
            Some((part, now)) => format!(
                "{}, {} {}",
                quantity(now.left, ""),
                part.says.order.words(),
                quantity(now.right, "")
            ),
            None => "nobody can say".to_owned(),
        }
    }

    /// Which signals can be trusted.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }
}

/// The signals of the target that a part is about.
fn signals(part: &LawPart) -> impl Iterator<Item = &str> {
    let mut names = Vec::new();
    for formula in [Some(&part.says), part.when.as_ref()].into_iter().flatten() {
        named(formula, &mut names);
    }
    names.into_iter()
}

fn named<'f>(formula: &'f Formula, names: &mut Vec<&'f str>) {
    use auscult_knowledge::Expression::{Count, Name, Sum};
    formula.visit(&mut |expression| {
        if let Name(name, _) | Sum(name) | Count(name) = expression {
            names.push(name);
        }
    });
}

/// The readings of the incident that a part is checked on.
fn stretch(part: &LawPart, window: Window) -> std::ops::Range<usize> {
    let length = window.end.saturating_sub(window.onset);
    match part.over {
        Stretch::Whole => window.onset..window.end,
        Stretch::End => {
            let tail = ((length as f64 * TAIL).ceil() as usize).max(FEWEST).min(length);
            window.end - tail..window.end
        }
    }
}

/// The readings before the incident that a part is checked on: none if it compares with them.
fn calm(part: &LawPart, window: Window) -> std::ops::Range<usize> {
    if part.says.looks_back() { 0..0 } else { window.from..window.onset }
}

/// Whether two means lie as a law says.
fn obeys(order: Order, left: f64, right: f64, tolerated: f64) -> bool {
    match order {
        Order::Equal => (left - right).abs() <= tolerated,
        Order::AtMost => left <= right + tolerated,
        Order::AtLeast => left >= right - tolerated,
    }
}

/// The law and part of a verdict.
pub(crate) fn of<'k>(knowledge: &'k Knowledge, verdict: &Verdict) -> (&'k Law, &'k LawPart) {
    let law = &knowledge.laws()[verdict.law];
    (law, &law.parts[verdict.part])
}

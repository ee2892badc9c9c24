//! Weighs every fault at every place by the evidence.
//!
//! A hypothesis is a fault at a target. Its odds are the fault's prior times, for each statement of
//! the vocabulary of such targets, the probability of what was found if the fault is there, divided
//! by that where all is well (a naive Bayes classifier); further evidence that points the same way
//! counts less and less. What could not be found out counts neither way. Something that a fault
//! excludes strikes it out.

use std::collections::BTreeMap;

use auscult_knowledge::{Fault, Knowledge, Relation, Scope, Statement, Subject};

use super::explained::Explained;
use super::{Cause, Diagnosis, Evidence, Experience, RuledOut};
use crate::evidence::{Judge, Window};
use crate::scene::{Scene, Target};

/// How evidence counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Probability that what is required of a fault is seen.
    pub required: f64,
    /// Probability that what supports it is seen.
    pub supporting: f64,
    /// Probability that what speaks against it is seen.
    pub against: f64,
    /// Past incidents that expert knowledge counts as.
    pub expert: f64,
    /// How fast further evidence counts less, as pieces of evidence depend on one another: the
    /// nth is divided by n to this power.
    pub temper: f64,
    /// What the logarithm of the odds by evidence is multiplied by.
    pub sharpness: f64,
    /// Odds of a fault of whose requirements nothing is measured, to what they would be otherwise:
    /// that it cannot be denied is no reason to believe it.
    pub unseen: f64,
    /// Odds of health to all faults together, before any evidence.
    pub health: f64,
    /// Odds of an unknown cause to all known ones together, before any evidence.
    pub unknown: f64,
    /// Part of the best explanation's evidence that an unknown cause is credited with.
    pub credit: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            required: 0.93,
            supporting: 0.65,
            against: 0.06,
            expert: 3.0,
            temper: 0.6,
            sharpness: 0.7,
            unseen: 0.1,
            health: 0.05,
            unknown: 0.005,
            credit: 0.4,
        }
    }
}

/// Least probability of a finding where all is well: records are not long enough to say less.
const RAREST: f64 = 0.001;
/// Least probability of a finding under a fault: none looks the same each time.
const LEAST: f64 = 0.02;
/// By how much a finding must speak for a cause to be accounted for by it.
const EXPECTED: f64 = 0.3;
/// By how much an answer must part two causes, in the logarithm of the odds, to be worth asking.
const APART: f64 = 1.0;
/// Most hypotheses that an answer lists.
const MOST: usize = 10;

/// Knows faults and past incidents, and weighs new ones.
#[derive(Debug)]
pub struct Doctor<'k> {
    knowledge: &'k Knowledge,
    weights: Weights,
    /// For each kind of target, what is looked at for a fault of such a target.
    vocabulary: BTreeMap<&'k str, Vec<Statement>>,
    /// For each fault, in the order of the catalogue, what each of these statements weighs if it
    /// fails and if it holds.
    tables: Vec<Vec<[f64; 2]>>,
}

/// A hypothesis that was weighed.
#[derive(Debug, Clone, Copy)]
struct Weighed {
    /// Number of the fault.
    fault: usize,
    place: usize,
    odds: f64,
    by_evidence: f64,
}

impl<'k> Doctor<'k> {
    /// With this knowledge and these past incidents.
    pub fn new(knowledge: &'k Knowledge, experience: &'k Experience, weights: Weights) -> Self {
        let vocabulary = vocabulary(knowledge);
        let tables = knowledge.faults().iter().map(|fault| {
            let weight = |statement| {
                [false, true].map(|holds| weight(experience, &weights, fault, statement, holds))
            };
            vocabulary[fault.place.as_str()].iter().map(weight).collect()
        });
        let tables = tables.collect();
        Self { knowledge, weights, vocabulary, tables }
    }

    /// The statements that are looked at for a fault of a target of `kind`.
    pub fn vocabulary(&self, kind: &str) -> &[Statement] {
        self.vocabulary.get(kind).map_or(&[], Vec::as_slice)
    }

    /// The causes of what happened in `window`.
    pub fn diagnose(&self, scene: &Scene, window: Window) -> Diagnosis {
        self.beside(scene, window, &[])
    }

    /// The causes of what is left of what happened in `window`, if `known` are causes already:
    /// what they account for speaks neither for nor against another. Of `known` the fault, the kind
    /// and the place matter; these faults are not asked for again.
    ///
    /// Two faults at once are found one after the other (greedily): the first is the one that
    /// explains most by itself.
    pub fn beside(&self, scene: &Scene, window: Window, known: &[Cause]) -> Diagnosis {
        let mut judge = Judge::new(scene, self.knowledge, window);
        let explained = self.explained(&mut judge, scene, known);
        let faults = self.knowledge.faults();
        let total: f64 = faults.iter().map(|fault| fault.prior.weight.sqrt()).sum();
        let asked = |fault: &Fault| known.iter().all(|cause| cause.fault != fault.fault);
        let mut weighed: Vec<Weighed> = Vec::new();
        // Of each fault that is ruled out somewhere: the first reason, and at how many places.
        let mut ruled_out: BTreeMap<usize, (String, usize)> = BTreeMap::new();
        let places = |kind: &str| {
            let all = scene.targets().iter().enumerate();
            let places = all.filter(|(_, target)| target.kind == kind).map(|(place, _)| place);
            places.collect::<Vec<usize>>()
        };
        for kind in self.vocabulary.keys() {
            let places = places(kind);
            let of_kind = faults.iter().enumerate();
            let of_kind: Vec<usize> = of_kind
                .filter(|(_, fault)| fault.place == *kind && asked(fault))
                .map(|(number, _)| number)
                .collect();
            for place in &places {
                // All faults of a place are weighed by the same findings.
                let found = self.found(&mut judge, kind, *place, &explained);
                for number in &of_kind {
                    let fault = &faults[*number];
                    if let Some(reason) = self.exclusion(&mut judge, fault, *place) {
                        ruled_out.entry(*number).or_insert((reason, 0)).1 += 1;
                        continue;
                    }
                    let prior = (fault.prior.weight.sqrt() / total / places.len() as f64).ln();
                    let by_evidence = self.weights.sharpness * self.sum(&found, *number);
                    let unseen = self.unseen(&mut judge, fault, *place);
                    let odds = prior + by_evidence + unseen * self.weights.unseen.ln();
                    weighed.push(Weighed { fault: *number, place: *place, odds, by_evidence });
                }
            }
            ruled_out
                .retain(|number, (_, at)| faults[*number].place != **kind || *at == places.len());
        }
        let ruled_out = ruled_out.into_iter().map(|(number, (reason, _))| {
            let (fault, name) = (faults[number].fault.clone(), faults[number].name.clone());
            RuledOut { fault, name, reason }
        });
        let ruled_out = ruled_out.collect();
        let (mut diagnosis, best) = self.answer(scene, &weighed, ruled_out);
        for (cause, best) in diagnosis.causes.iter_mut().zip(best) {
            cause.evidence = self.evidence(&mut judge, &best, &explained);
        }
        diagnosis
    }

    /// What `known` causes account for: what was found as they lead to expect.
    fn explained(&self, judge: &mut Judge<'_>, scene: &Scene, known: &[Cause]) -> Explained {
        let mut explained = Explained::default();
        for cause in known {
            let mut faults = self.knowledge.faults().iter();
            let fault = faults.position(|fault| fault.fault == cause.fault);
            let is_it = |target: &Target| target.kind == cause.kind && target.name == cause.place;
            let place = scene.targets().iter().position(is_it);
            let (Some(fault), Some(place)) = (fault, place) else { continue };
            for (statement, weights) in self.vocabulary(&cause.kind).iter().zip(&self.tables[fault])
            {
                let finding = judge.judge(statement, place);
                if finding.holds == Some(true) && weights[1] >= EXPECTED {
                    explained.add(statement, &finding);
                }
            }
        }
        explained
    }

    /// What rules the fault out at the place.
    fn exclusion(&self, judge: &mut Judge<'_>, fault: &Fault, place: usize) -> Option<String> {
        let excluded = fault.excluded_by.iter().map(|statement| (statement, true));
        // Who tells of changes tells of all: what takes one cannot be without it.
        let changes = fault.required.iter().filter(|one| matches!(one.subject, Subject::Event(_)));
        excluded.chain(changes.map(|statement| (statement, false))).find_map(|(statement, is)| {
            let finding = judge.judge(statement, place);
            (finding.holds == Some(is)).then(|| format!("{statement} ({})", finding.seen))
        })
    }

    /// What became of each statement that can be judged from a target of `kind` and is not
    /// explained yet: its number in the vocabulary, and whether it holds.
    fn found(
        &self,
        judge: &mut Judge<'_>,
        kind: &str,
        place: usize,
        explained: &Explained,
    ) -> Vec<(usize, bool)> {
        // Where a service has a single replica, `replica:` and `some replica:` say the same.
        let alone = judge.is_alone(place);
        let is_told_twice = |judge: &mut Judge<'_>, statement: &Statement| {
            let Scope::Near { kind: near, some: true } = &statement.scope else { return false };
            let plain = statement.text.strip_prefix("some ");
            let has_plain = |text| self.vocabulary(kind).iter().any(|other| other.text == text);
            alone && judge.near(place, near).len() == 1 && plain.is_some_and(has_plain)
        };
        let statements = self.vocabulary(kind).iter().enumerate();
        let found = statements.filter_map(|(number, statement)| {
            if is_told_twice(judge, statement) {
                return None;
            }
            let finding = judge.judge(statement, place);
            let holds = finding.holds.filter(|_| !explained.covers(statement, &finding))?;
            Some((number, holds))
        });
        found.collect()
    }

    /// Share of what a fault requires that nobody measures.
    fn unseen(&self, judge: &mut Judge<'_>, fault: &Fault, place: usize) -> f64 {
        let required = fault.required.iter();
        let unseen = required.filter(|statement| !judge.is_measured(statement, place)).count();
        unseen as f64 / fault.required.len().max(1) as f64
    }

    /// The logarithm of the odds of a fault to health by what was found. What points the same way
    /// tells the less that is new, the more there is of it already.
    fn sum(&self, found: &[(usize, bool)], fault: usize) -> f64 {
        let table = &self.tables[fault];
        let weights = found.iter().map(|(number, holds)| table[*number][usize::from(*holds)]);
        let mut weights: Vec<f64> = weights.filter(|weight| *weight != 0.0).collect();
        weights.sort_unstable_by(|one, other| other.abs().total_cmp(&one.abs()));
        let mut counts = [0.0_f64; 2];
        let weighed = weights.into_iter().map(|weight| {
            let count = &mut counts[usize::from(weight > 0.0)];
            *count += 1.0;
            weight * count.powf(-self.weights.temper)
        });
        weighed.sum()
    }

    /// What speaks for and against a hypothesis, the weightiest first.
    fn evidence(
        &self,
        judge: &mut Judge<'_>,
        hypothesis: &Weighed,
        explained: &Explained,
    ) -> Vec<Evidence> {
        let vocabulary = self.vocabulary(&self.knowledge.faults()[hypothesis.fault].place);
        let weighed = vocabulary.iter().zip(&self.tables[hypothesis.fault]);
        let evidence = weighed.filter_map(|(statement, weights)| {
            let finding = judge.judge(statement, hypothesis.place);
            let holds = finding.holds.filter(|_| !explained.covers(statement, &finding))?;
            let weight = weights[usize::from(holds)];
            Some(Evidence { statement: statement.text.clone(), finding, weight })
        });
        let mut evidence: Vec<Evidence> = evidence.collect();
        evidence.sort_by(|one, other| {
            let weights = other.weight.abs().total_cmp(&one.weight.abs());
            weights.then_with(|| one.statement.cmp(&other.statement))
        });
        evidence
    }

    /// The statement about targets of the first cause's kind that is not known and whose answer
    /// the two causes foretell most differently.
    pub(super) fn question(&self, first: &Cause, second: &Cause) -> Option<String> {
        let number = |cause: &Cause| {
            self.knowledge.faults().iter().position(|fault| fault.fault == cause.fault)
        };
        let table = |number: usize| {
            let place = &self.knowledge.faults()[number].place;
            self.vocabulary(place).iter().zip(&self.tables[number])
        };
        let (one, other) = (number(first)?, number(second)?);
        let is_known = |statement: &Statement| {
            first.evidence.iter().any(|evidence| evidence.statement == statement.text)
        };
        let apart = table(one).filter(|(statement, _)| !is_known(statement)).filter_map(
            |(statement, weights)| {
                let (_, others) = table(other).find(|(known, _)| known.text == statement.text)?;
                let apart = weights.iter().zip(others).map(|(one, other)| (one - other).abs());
                Some((statement, apart.fold(0.0, f64::max)))
            },
        );
        let (statement, apart) = apart.max_by(|one, other| one.1.total_cmp(&other.1))?;
        (apart >= APART).then(|| statement.to_string())
    }

    /// Probabilities from the logarithms of odds; the causes still without evidence, and beside
    /// them the hypothesis that each stands for.
    fn answer(
        &self,
        scene: &Scene,
        weighed: &[Weighed],
        ruled_out: Vec<RuledOut>,
    ) -> (Diagnosis, Vec<Weighed>) {
        let health = self.weights.health.ln();
        let best = weighed.iter().map(|one| one.by_evidence).fold(0.0, f64::max);
        let unknown = self.weights.unknown.ln() + self.weights.credit * best;
        let most = weighed.iter().map(|one| one.odds).fold(health.max(unknown), f64::max);
        let share = |odds: f64| (odds - most).exp();
        // Of each fault: its best place, and all of them together.
        let mut by_fault: BTreeMap<usize, (Weighed, f64)> = BTreeMap::new();
        for one in weighed {
            let (best, all) = by_fault.entry(one.fault).or_insert((*one, 0.0));
            *all += share(one.odds);
            if one.odds > best.odds {
                *best = *one;
            }
        }
        let by_faults: f64 = by_fault.values().map(|(_, all)| all).sum();
        let sum = by_faults + share(health) + share(unknown);
        let mut causes: Vec<(Cause, Weighed)> = by_fault
            .into_values()
            .map(|(best, all)| {
                let (fault, target) =
                    (&self.knowledge.faults()[best.fault], &scene.targets()[best.place]);
                let cause = Cause {
                    fault: fault.fault.clone(),
                    name: fault.name.clone(),
                    benign: fault.benign,
                    kind: target.kind.clone(),
                    place: target.name.clone(),
                    probability: all / sum,
                    here: if all > 0.0 { share(best.odds) / all } else { 0.0 },
                    evidence: Vec::new(),
                };
                (cause, best)
            })
            .collect();
        causes.sort_by(|(one, _), (other, _)| {
            let order = other.probability.total_cmp(&one.probability);
            order.then_with(|| one.fault.cmp(&other.fault))
        });
        causes.truncate(MOST);
        let (causes, best) = causes.into_iter().unzip();
        let (unknown, healthy) = (share(unknown) / sum, share(health) / sum);
        (Diagnosis { causes, ruled_out, unknown, healthy }, best)
    }
}

/// By how much `holds` of a statement changes the logarithm of the odds of a fault.
fn weight(
    experience: &Experience,
    weights: &Weights,
    fault: &Fault,
    statement: &Statement,
    holds: bool,
) -> f64 {
    let usual = usual(statement.relation);
    let health = experience.of_health(&fault.place, &statement.text).share(usual, 2.0);
    let is_in = |list: &[Statement]| list.iter().any(|other| other.text == statement.text);
    let expected = if is_in(&fault.required) {
        Some(weights.required)
    } else if is_in(&fault.supporting) {
        Some(weights.supporting)
    } else if is_in(&fault.against) || is_in(&fault.excluded_by) {
        Some(weights.against)
    } else {
        None
    };
    let seen = experience.of_fault(&fault.fault, &statement.text);
    let share = match expected {
        Some(expected) => seen.share(expected, weights.expert),
        // Nobody says anything of it: as where all is well, until incidents show otherwise.
        None => seen.share(health, 1.5),
    };
    let health = health.clamp(RAREST, 1.0 - RAREST);
    let share = share.clamp(LEAST.min(health), 1.0 - LEAST.min(1.0 - health));
    let is_denied = is_in(&fault.against) || is_in(&fault.excluded_by);
    if holds && is_denied && seen.held == 0.0 {
        // What was never seen with a fault does not speak for it, however rare it is.
        return (share / health).ln().min(0.0);
    }
    if holds { (share / health).ln() } else { ((1.0 - share) / (1.0 - health)).ln() }
}

fn add(known: &mut Vec<Statement>, statement: Statement) {
    if !known.iter().any(|other| other.text == statement.text) {
        known.push(statement);
    }
}

/// For each kind of target, what is looked at for a fault of such a target: what is said from
/// there; what is said of such targets from anywhere; and what is said of other targets, as a fault
/// has to account for that, too.
fn vocabulary(knowledge: &Knowledge) -> BTreeMap<&str, Vec<Statement>> {
    let mut said: BTreeMap<&str, Vec<Statement>> = BTreeMap::new();
    let mut about: BTreeMap<&str, Vec<Statement>> = BTreeMap::new();
    for fault in knowledge.faults() {
        for statement in fault.statements() {
            add(said.entry(&fault.place).or_default(), statement.clone());
            if let Some((kind, statement)) = at_itself(fault, statement) {
                add(about.entry(kind).or_default(), statement);
            }
        }
    }
    let mut vocabulary = said.clone();
    for (kind, known) in &mut vocabulary {
        for (other, statements) in &about {
            for statement in statements {
                if other == kind {
                    add(known, statement.clone());
                } else {
                    add(known, from_afar(statement, other));
                }
            }
        }
        let peers = said[kind].iter().filter_map(of_peers);
        peers.for_each(|statement| add(known, statement));
    }
    vocabulary
}

/// A statement as it is made from the target that it is about, and the kind of that.
fn at_itself<'k>(fault: &'k Fault, statement: &'k Statement) -> Option<(&'k str, Statement)> {
    match &statement.scope {
        Scope::Own => Some((&fault.place, statement.clone())),
        Scope::Peers => None,
        Scope::Near { kind, .. } => {
            let (_, text) = statement.text.split_once(": ")?;
            let own = Statement { text: text.to_owned(), scope: Scope::Own, ..statement.clone() };
            Some((kind, own))
        }
    }
}

/// A statement about a target of `kind` itself, as it is made from another target.
fn from_afar(statement: &Statement, kind: &str) -> Statement {
    Statement {
        text: format!("some {kind}: {statement}"),
        scope: Scope::Near { kind: kind.to_owned(), some: true },
        ..statement.clone()
    }
}

/// A statement about a target itself, as it is made of its peers.
fn of_peers(statement: &Statement) -> Option<Statement> {
    let compares = matches!(
        statement.relation,
        Relation::AbovePeers | Relation::BelowPeers | Relation::WithPeers | Relation::Happens
    );
    (statement.scope == Scope::Own && !compares).then(|| Statement {
        text: format!("peers: {statement}"),
        scope: Scope::Peers,
        ..statement.clone()
    })
}

/// How often something holds where all is well, until it is known better.
fn usual(relation: Relation) -> f64 {
    match relation {
        Relation::Steady | Relation::WithPeers => 0.9,
        Relation::Above(_) | Relation::Below(_) | Relation::Present => 0.3,
        Relation::Rises | Relation::Falls | Relation::Creeps => 0.06,
        _ => 0.02,
    }
}

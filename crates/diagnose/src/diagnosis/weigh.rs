//! Weighs every fault at every place by the evidence.
//!
//! A hypothesis is a fault at a target. The logarithm of its odds is that of the fault's prior and,
//! for each statement of the vocabulary of such targets, what weighs that it holds or fails. Such a
//! weight is a part of the logarithm of the ratio of likelihoods, as experts and counts of past
//! incidents see it, and what was learnt from these incidents beside it (logistic regression that
//! begins at a naive Bayes classifier). What could not be found out counts neither way. Something
//! that a fault excludes strikes it out.

use std::collections::BTreeMap;
use std::sync::Arc;

use auscult_knowledge::{Fault, Knowledge, Scope, Statement, Subject};

use super::explained::Explained;
use super::tables::Tables;
use super::witness::{Testimony, Witness};
use super::{Cases, Cause, Diagnosis, Evidence, Experience, Priors, RuledOut};
use crate::evidence::{Judge, Window};
use crate::laws::Laws;
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
    /// Part of what a statement says alone that counts beside all others, as they depend on one
    /// another.
    pub trust: f64,
    /// The same of a fault of which nothing was learnt beside it.
    pub alone: f64,
    /// Odds of a fault of whose requirements nothing can be found out, to what they would be otherwise:
    /// that it cannot be denied is no reason to believe it.
    pub unseen: f64,
    /// Odds of health to all faults together, before any evidence.
    pub health: f64,
    /// Odds of an unknown cause to all known ones together, before any evidence.
    pub unknown: f64,
    /// Part of the best explanation's evidence that an unknown cause is credited with.
    pub credit: f64,
    /// Part of what a learnt model says that counts beside the evidence, if it is always right.
    pub witness: f64,
    /// Most that it changes the logarithm of the odds by.
    pub witness_most: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            required: 0.93,
            supporting: 0.65,
            against: 0.06,
            expert: 3.0,
            trust: 0.15,
            alone: 0.6,
            unseen: 0.1,
            health: 0.05,
            unknown: 0.01,
            credit: 0.4,
            witness: 0.5,
            witness_most: 3.0,
        }
    }
}

/// By how much a finding must speak for a cause to be accounted for by it.
const EXPECTED: f64 = 0.3;
/// By how much an answer must part two causes, in the logarithm of the odds, to be worth asking.
const APART: f64 = 1.0;
/// Most hypotheses that an answer lists.
const MOST: usize = 10;

/// Knows faults and past incidents, and weighs new ones.
#[derive(Debug, Clone)]
pub struct Doctor<'k> {
    pub(super) knowledge: &'k Knowledge,
    pub(super) weights: Weights,
    pub(super) priors: Priors,
    pub(super) tables: Arc<Tables>,
    /// What a learnt model says of the case.
    heard: Option<Arc<Testimony>>,
}

/// What a doctor knows beside the knowledge itself: worked out once, taken to every incident.
#[derive(Debug, Clone)]
pub struct Prepared {
    weights: Weights,
    priors: Priors,
    tables: Arc<Tables>,
}

impl Prepared {
    /// Of this knowledge and these past incidents.
    pub fn new(knowledge: &Knowledge, experience: &Experience, weights: Weights) -> Self {
        let tables = Arc::new(Tables::new(knowledge, experience, weights));
        let priors = Priors::new(knowledge, &weights, &Cases::default());
        Self { weights, priors, tables }
    }

    /// A doctor with the same `knowledge` that this was made of.
    pub fn doctor<'k>(&self, knowledge: &'k Knowledge) -> Doctor<'k> {
        let Self { weights, priors, tables } = self.clone();
        Doctor { knowledge, weights, priors, tables, heard: None }
    }
}

/// A hypothesis that was weighed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weighed {
    /// Number of the fault.
    pub(super) fault: usize,
    pub(super) place: usize,
    pub(super) odds: f64,
    pub(super) by_evidence: f64,
    /// Logarithm of the number of places at which the fault may be.
    pub(super) spread: f64,
}

/// Logarithm of the odds of an unknown cause that is credited with a part of what speaks for each of
/// the known ones: like these it is at one place of many.
pub(super) fn unknown<'w>(prior: f64, credit: f64, all: impl Iterator<Item = &'w Weighed>) -> f64 {
    prior + all.map(|one| credit * one.by_evidence - one.spread).fold(0.0, f64::max)
}

impl<'k> Doctor<'k> {
    /// With this knowledge and these past incidents.
    pub fn new(knowledge: &'k Knowledge, experience: &Experience, weights: Weights) -> Self {
        Prepared::new(knowledge, experience, weights).doctor(knowledge)
    }

    /// The same, where these incidents turned out to be what people say they were.
    #[must_use]
    pub fn with_cases(&self, cases: &Cases) -> Self {
        let priors = Priors::new(self.knowledge, &self.weights, cases);
        Self { priors, ..self.clone() }
    }

    /// The same for a case of which `columns` can be said ([`features`](crate::features::features)), where
    /// `witness` is heard, too. Of a second fault beside another it is not asked: what it says is of the
    /// whole.
    #[must_use]
    pub fn hearing(&self, witness: &Witness, columns: &BTreeMap<String, String>) -> Self {
        let heard = witness.hear(self.knowledge, columns, &self.weights);
        Self { heard: Some(Arc::new(heard)), ..self.clone() }
    }

    /// What a learnt model says of the case, if one was asked.
    pub(super) fn testimony(&self) -> Option<&Testimony> {
        self.heard.as_deref()
    }

    /// Logarithms of the odds of health and of an unknown cause, before any evidence of readings for a fault.
    /// Health is that nothing is wrong, or beside `known` causes that nothing else is.
    pub(super) fn other_odds(&self, judge: &Judge<'_>, scene: &Scene, known: &[Cause]) -> [f64; 2] {
        let [healthy, unknown] = [self.priors.healthy.ln(), self.priors.unknown.ln()];
        if !known.is_empty() {
            return [healthy, unknown];
        }
        let heard = self.testimony().map_or([0.0; 2], |heard| [heard.healthy, heard.unknown]);
        let is_possible = !self.someone_is_hurt(judge, scene);
        [if is_possible { healthy + heard[0] } else { f64::NEG_INFINITY }, unknown + heard[1]]
    }

    /// Whether a law is broken that hurts those who use what the incident is about.
    fn someone_is_hurt(&self, judge: &Judge<'_>, scene: &Scene) -> bool {
        judge.laws().verdicts().iter().any(|verdict| {
            let part = &self.knowledge.laws()[verdict.law].parts[verdict.part];
            part.broken.hurts && verdict.breaks() == Some(true) && scene.is_suspect(verdict.target)
        })
    }

    /// How likely each cause is before any evidence.
    pub fn priors(&self) -> &Priors {
        &self.priors
    }

    /// The statements that are looked at for a fault of a target of `kind`.
    pub fn vocabulary(&self, kind: &str) -> &[Statement] {
        self.tables.vocabulary.get(kind).map_or(&[], Vec::as_slice)
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
        self.judged(&mut Judge::new(scene, self.knowledge, window), scene, known).0
    }

    /// The same by a judge who may have been told something, and every hypothesis that was weighed.
    pub(super) fn judged(
        &self,
        judge: &mut Judge<'_>,
        scene: &Scene,
        known: &[Cause],
    ) -> (Diagnosis, Vec<Weighed>) {
        let explained = self.explained(judge, scene, known);
        let heard = self.testimony().filter(|_| known.is_empty());
        let faults = self.knowledge.faults();
        let asked = |fault: &Fault| known.iter().all(|cause| cause.fault != fault.fault);
        let mut weighed: Vec<Weighed> = Vec::new();
        // Of each fault that is ruled out somewhere: the first reason, and at how many places.
        let mut ruled_out: BTreeMap<usize, (String, usize)> = BTreeMap::new();
        let places = |kind: &str| {
            let all = scene.targets().iter().enumerate();
            let places =
                all.filter(|(place, target)| target.kind == kind && scene.is_suspect(*place));
            places.map(|(place, _)| place).collect::<Vec<usize>>()
        };
        for kind in self.tables.vocabulary.keys() {
            let places = places(kind);
            let of_kind = faults.iter().enumerate();
            let of_kind: Vec<usize> = of_kind
                .filter(|(_, fault)| fault.place == *kind && asked(fault))
                .map(|(number, _)| number)
                .collect();
            for place in &places {
                // All faults of a place are weighed by the same findings.
                let verdicts = self.verdicts(judge, kind, *place);
                let found = self.found(judge, kind, *place, &verdicts, &explained);
                for number in &of_kind {
                    let mut strikes = self.tables.struck_out_by[*number].iter();
                    if let Some((one, _)) = strikes.find(|(one, is)| verdicts[*one] == Some(*is)) {
                        let mut reason = || {
                            let statement = &self.vocabulary(kind)[*one];
                            format!("{statement} ({})", judge.judge(statement, *place).seen)
                        };
                        ruled_out.entry(*number).or_insert_with(|| (reason(), 0)).1 += 1;
                        continue;
                    }
                    if let Some(why) = self.never(judge, scene, *number, *place) {
                        ruled_out.entry(*number).or_insert_with(|| (why.to_owned(), 0)).1 += 1;
                        continue;
                    }
                    let prior = self.priors.faults[*number].ln();
                    let spread = (places.len() as f64).ln();
                    let by_evidence = self.sum(&found, *number);
                    let unseen = self.unseen(&found, *number);
                    let said = heard.map_or(0.0, |heard| heard.faults[*number]);
                    let unseen = unseen * self.weights.unseen.ln();
                    let odds = prior - spread + said + by_evidence + unseen;
                    let (fault, place) = (*number, *place);
                    weighed.push(Weighed { fault, place, odds, by_evidence, spread });
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
        let others = self.other_odds(judge, scene, known);
        let (mut diagnosis, best) = self.answer(scene, &weighed, others, ruled_out);
        for (cause, best) in diagnosis.causes.iter_mut().zip(best) {
            cause.evidence = self.evidence(judge, &best, &explained);
        }
        diagnosis.rest_on(judge.laws());
        (diagnosis, weighed)
    }

    /// What is found at each target at which faults are looked for, statement by statement of the vocabulary
    /// of its kind, and counts beside `known` causes: not what these account for.
    pub fn findings(
        &self,
        scene: &Scene,
        window: Window,
        known: &[Cause],
    ) -> Vec<(usize, Vec<Option<bool>>)> {
        let mut judge = Judge::new(scene, self.knowledge, window);
        let explained = self.explained(&mut judge, scene, known);
        let places = scene.targets().iter().enumerate();
        let places = places.filter(|(_, target)| self.tables.vocabulary.contains_key(&target.kind));
        let each = places.map(|(place, target)| {
            let verdicts = self.verdicts(&mut judge, &target.kind, place);
            let found = self.found(&mut judge, &target.kind, place, &verdicts, &explained);
            let mut counts = vec![None; verdicts.len()];
            found.into_iter().for_each(|(number, holds)| counts[number] = Some(holds));
            (place, counts)
        });
        each.collect()
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
            for (statement, weights) in
                self.vocabulary(&cause.kind).iter().zip(&self.tables.expected[fault])
            {
                let finding = judge.judge(statement, place);
                if finding.holds == Some(true) && weights[1] >= EXPECTED {
                    explained.add(statement, &finding);
                }
            }
        }
        explained
    }

    /// What becomes of each statement that can be judged from a target of `kind`.
    pub(super) fn verdicts(
        &self,
        judge: &mut Judge<'_>,
        kind: &str,
        place: usize,
    ) -> Vec<Option<bool>> {
        let statements = self.vocabulary(kind).iter();
        statements.map(|statement| judge.verdict(statement, place)).collect()
    }

    /// The findings that count: numbers in the vocabulary, and whether they hold. Not what is
    /// explained already, and nothing twice.
    pub(super) fn found(
        &self,
        judge: &mut Judge<'_>,
        kind: &str,
        place: usize,
        verdicts: &[Option<bool>],
        explained: &Explained,
    ) -> Vec<(usize, bool)> {
        let alone = judge.is_alone(place);
        let statements = self.vocabulary(kind).iter().zip(&self.tables.is_plain[kind]);
        let each = statements.zip(verdicts).enumerate();
        let found = each.filter_map(|(number, ((statement, is_plain), holds))| {
            let holds = (*holds)?;
            // Where a service has a single replica, `replica:` and `some replica:` say the same.
            let is_told_twice = alone
                && *is_plain
                && matches!(&statement.scope, Scope::Near { kind, .. } if judge.near(place, kind).len() == 1);
            let counts = !is_told_twice && !explained.covers(judge, statement, place);
            counts.then_some((number, holds))
        });
        found.collect()
    }

    /// Why no engine there can have the fault; `None` if one can.
    fn never(
        &self,
        judge: &mut Judge<'_>,
        scene: &Scene,
        number: usize,
        place: usize,
    ) -> Option<&'k str> {
        if !self.tables.has_never[number] {
            return None;
        }
        let fault = &self.knowledge.faults()[number];
        let why = |replica: &usize| {
            let mut never = scene.programs(self.knowledge, *replica).flat_map(|told| &told.never);
            never.find(|never| never.fault == fault.fault).map(|never| never.why.as_str())
        };
        match &*scene.targets()[place].kind {
            "replica" => why(&place),
            "service" => {
                let replicas = judge.near(place, "replica");
                let mut all = replicas.iter().map(why);
                let first = all.next()??;
                all.all(|why| why.is_some()).then_some(first)
            }
            _ => None,
        }
    }

    /// Share of what a fault requires of which nothing was found that counts.
    fn unseen(&self, found: &[(usize, bool)], fault: usize) -> f64 {
        let required = &self.tables.required[fault];
        let is_seen = |one: &&usize| found.iter().any(|(known, _)| known == *one);
        let unseen = required.len() - required.iter().filter(is_seen).count();
        unseen as f64 / required.len().max(1) as f64
    }

    /// The logarithm of the odds of a fault to health by what was found.
    fn sum(&self, found: &[(usize, bool)], fault: usize) -> f64 {
        let table = &self.tables.weights[fault];
        let weights = found.iter().map(|(number, holds)| table[*number][usize::from(*holds)]);
        self.tables.leanings[fault] + weights.sum::<f64>()
    }

    /// What speaks for and against a hypothesis, the weightiest first.
    fn evidence(
        &self,
        judge: &mut Judge<'_>,
        hypothesis: &Weighed,
        explained: &Explained,
    ) -> Vec<Evidence> {
        let Weighed { fault, place, .. } = *hypothesis;
        let kind = &self.knowledge.faults()[fault].place;
        let verdicts = self.verdicts(judge, kind, place);
        let found = self.found(judge, kind, place, &verdicts, explained);
        let evidence = verdicts.iter().enumerate().filter_map(|(number, holds)| {
            let statement = &self.vocabulary(kind)[number];
            let holds = holds.filter(|_| !explained.covers(judge, statement, place))?;
            // What says the same as another is known and weighs nothing.
            let counts = found.iter().any(|(one, _)| *one == number);
            let weight = self.tables.weights[fault][number][usize::from(holds)];
            let weight = if counts { weight } else { 0.0 };
            let finding = judge.judge(statement, place);
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
            self.vocabulary(place).iter().zip(&self.tables.expected[number])
        };
        let (one, other) = (number(first)?, number(second)?);
        let is_known = |statement: &Statement| {
            first.evidence.iter().any(|evidence| evidence.statement == statement.text)
        };
        // Nobody can look up whether a law holds; what it is about can be measured.
        let can_be_asked = |statement: &Statement| {
            !matches!(statement.subject, Subject::Law(_)) && !is_known(statement)
        };
        let apart = table(one).filter(|(statement, _)| can_be_asked(statement)).filter_map(
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
        [health, unknown]: [f64; 2],
        ruled_out: Vec<RuledOut>,
    ) -> (Diagnosis, Vec<Weighed>) {
        let unknown = self::unknown(unknown, self.weights.credit, weighed.iter());
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
        let laws = Laws::default();
        (Diagnosis { causes, ruled_out, unknown, healthy, laws }, best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beside_a_known_cause_an_unknown_one_is_as_likely_among_a_thousand_places_as_among_ten() {
        let ratio = |places: f64| {
            let spread = places.ln();
            let one =
                Weighed { fault: 0, place: 0, odds: 12.0 - spread, by_evidence: 12.0, spread };
            one.odds - unknown(-4.0, 0.5, [one].iter())
        };
        assert!((ratio(10.0) - 10.0).abs() < 1e-9);
        assert!((ratio(10.0) - ratio(20.0)).abs() < 1e-9);
        // Where nothing speaks for anything, it is as likely as before.
        assert_eq!(unknown(-4.0, 0.5, std::iter::empty()), -4.0);
    }
}

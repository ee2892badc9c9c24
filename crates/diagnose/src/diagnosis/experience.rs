//! What past incidents showed: how often each statement held, fault by fault.

use std::collections::{BTreeMap, BTreeSet};

use auscult_knowledge::Knowledge;
use serde::{Deserialize, Serialize};

/// How often a statement held, and how often it did not.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    /// Incidents in which it held.
    pub held: f64,
    /// Incidents in which it failed.
    pub failed: f64,
}

/// Past incidents whose cause is known: simulated ones, and those that people gave a verdict on.
///
/// Expert knowledge says what to expect; this says how often it was so. Both are counted together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Experience {
    /// By fault, then by statement.
    pub faults: BTreeMap<String, BTreeMap<String, Tally>>,
    /// Where all is well, by kind of target, then by statement.
    pub healthy: BTreeMap<String, BTreeMap<String, Tally>>,
    /// What was learnt from all of them together, by fault.
    pub learnt: BTreeMap<String, Learnt>,
}

/// What the evidence of a fault weighs beside what is expected of each piece alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Learnt {
    /// What is added to the logarithm of its odds, whatever was found.
    pub leaning: f64,
    /// By statement: what is added if it fails, and if it holds.
    pub weights: BTreeMap<String, [f64; 2]>,
}

/// As it is written: each statement once, and tallies by the place of theirs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Stored {
    statements: Vec<String>,
    faults: BTreeMap<String, Vec<Entry>>,
    healthy: BTreeMap<String, Vec<Entry>>,
    /// Leanings, and weights by the place of their statement: if it fails, if it holds.
    #[serde(default)]
    learnt: BTreeMap<String, (f32, Vec<Entry>)>,
}

/// Place of the statement and two numbers: of tallies, how often it held and how often it did not.
type Entry = (usize, f32, f32);

impl From<Stored> for Experience {
    fn from(stored: Stored) -> Self {
        let Stored { statements, faults, healthy, learnt } = stored;
        let read = |kept: BTreeMap<String, Vec<Entry>>| {
            let tallies = |entries: Vec<Entry>| {
                let known = entries.into_iter().filter_map(|(place, held, failed)| {
                    let tally = Tally { held: held.into(), failed: failed.into() };
                    Some((statements.get(place)?.clone(), tally))
                });
                known.collect()
            };
            kept.into_iter().map(|(name, entries)| (name, tallies(entries))).collect()
        };
        let learnt = learnt.into_iter().map(|(fault, (leaning, entries))| {
            let weights = entries.into_iter().filter_map(|(place, fails, holds)| {
                Some((statements.get(place)?.clone(), [fails.into(), holds.into()]))
            });
            (fault, Learnt { leaning: leaning.into(), weights: weights.collect() })
        });
        let learnt = learnt.collect();
        Self { faults: read(faults), healthy: read(healthy), learnt }
    }
}

impl From<Experience> for Stored {
    fn from(experience: Experience) -> Self {
        let Experience { faults, healthy, learnt } = experience;
        let all = faults.values().chain(healthy.values()).flat_map(BTreeMap::keys);
        let weighed = learnt.values().flat_map(|learnt| learnt.weights.keys());
        let statements: BTreeSet<String> = all.chain(weighed).cloned().collect();
        let statements: Vec<String> = statements.into_iter().collect();
        // Hundredths of an incident or of a weight are not worth more digits.
        let short = |number: f64| (number * 100.0).round() as f32 / 100.0;
        let write = |kept: BTreeMap<String, BTreeMap<String, Tally>>| {
            let entries = |known: BTreeMap<String, Tally>| {
                let known = known.into_iter().filter_map(|(statement, tally)| {
                    let place = statements.binary_search(&statement).ok()?;
                    Some((place, short(tally.held), short(tally.failed)))
                });
                known.collect()
            };
            kept.into_iter().map(|(name, known)| (name, entries(known))).collect()
        };
        let (faults, healthy) = (write(faults), write(healthy));
        let learnt = learnt.into_iter().map(|(fault, learnt)| {
            let entries = learnt.weights.into_iter().filter_map(|(statement, [fails, holds])| {
                let place = statements.binary_search(&statement).ok()?;
                Some((place, short(fails), short(holds)))
            });
            (fault, (short(learnt.leaning), entries.collect()))
        });
        let learnt = learnt.collect();
        Self { statements, faults, healthy, learnt }
    }
}

impl Tally {
    /// One more look, which counts as `weight` incidents.
    pub fn add(&mut self, holds: bool, weight: f64) {
        if holds {
            self.held += weight;
        } else {
            self.failed += weight;
        }
    }

    /// The share that held, where `expected` counts as much as `weight` incidents.
    pub fn share(&self, expected: f64, weight: f64) -> f64 {
        (self.held + expected * weight) / (self.held + self.failed + weight)
    }
}

impl Experience {
    /// What simulated incidents showed, built in.
    ///
    /// # Panics
    ///
    /// When that is broken, which a test rules out.
    pub fn embedded() -> Self {
        serde_json::from_str(Knowledge::experience()).expect("a test reads what is built in")
    }

    /// Forgets all of `fault`, which is another one now.
    pub fn forget(&mut self, fault: &str) {
        self.faults.remove(fault);
        self.learnt.remove(fault);
    }

    /// What is known of `statement` where `fault` is the cause.
    pub fn of_fault(&self, fault: &str, statement: &str) -> Tally {
        self.faults.get(fault).and_then(|known| known.get(statement)).copied().unwrap_or_default()
    }

    /// What is known of `statement` at targets of `kind` where all is well.
    pub fn of_health(&self, kind: &str, statement: &str) -> Tally {
        self.healthy.get(kind).and_then(|known| known.get(statement)).copied().unwrap_or_default()
    }

    /// What is added to what `statement` weighs for `fault`: if it fails, and if it holds.
    pub(super) fn weight(&self, fault: &str, statement: &str) -> [f64; 2] {
        let learnt = self.learnt.get(fault).and_then(|learnt| learnt.weights.get(statement));
        learnt.copied().unwrap_or_default()
    }

    /// What is added to the logarithm of the odds of `fault`, whatever was found.
    pub(super) fn leaning(&self, fault: &str) -> f64 {
        self.learnt.get(fault).map_or(0.0, |learnt| learnt.leaning)
    }

    /// One more incident with this cause, or `weight` of one: whether the statement held.
    pub fn learn_fault(&mut self, fault: &str, statement: &str, holds: bool, weight: f64) {
        let known = self.faults.entry(fault.to_owned()).or_default();
        known.entry(statement.to_owned()).or_default().add(holds, weight);
    }

    /// One more look at a target of `kind` where all was well. The targets of a fleet, which are
    /// alike, count together as one: each has its part as `weight`.
    pub fn learn_health(&mut self, kind: &str, statement: &str, holds: bool, weight: f64) {
        let known = self.healthy.entry(kind.to_owned()).or_default();
        known.entry(statement.to_owned()).or_default().add(holds, weight);
    }
}

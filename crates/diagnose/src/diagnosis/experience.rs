//! What past incidents showed: how often each statement held, fault by fault.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How often a statement held, and how often it did not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
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
pub struct Experience {
    /// By fault, then by statement.
    pub faults: BTreeMap<String, BTreeMap<String, Tally>>,
    /// Where all is well, by kind of target, then by statement.
    pub healthy: BTreeMap<String, BTreeMap<String, Tally>>,
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
    /// What is known of `statement` where `fault` is the cause.
    pub fn of_fault(&self, fault: &str, statement: &str) -> Tally {
        self.faults.get(fault).and_then(|known| known.get(statement)).copied().unwrap_or_default()
    }

    /// What is known of `statement` at targets of `kind` where all is well.
    pub fn of_health(&self, kind: &str, statement: &str) -> Tally {
        self.healthy.get(kind).and_then(|known| known.get(statement)).copied().unwrap_or_default()
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

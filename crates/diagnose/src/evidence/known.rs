//! What was found out of subjects at targets: kept, so that it is found out once.

use std::sync::Arc;

use auscult_knowledge::{Form, Knowledge, Relation, Statement, Subject};
use hashbrown::HashMap;

use super::BeforeAfter;
use super::peers::Peers;

/// A statement without its scope, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) subject: usize,
    relation: usize,
}

/// What was found out of every subject that was asked about.
#[derive(Debug, Default)]
pub(super) struct Known {
    numbers: HashMap<Subject, usize>,
    subjects: Vec<OfSubject>,
    targets: usize,
}

/// What was found out of a subject.
#[derive(Debug)]
pub(super) struct OfSubject {
    pub(super) subject: Arc<Subject>,
    /// Whether it lies between nothing and all.
    pub(super) is_share: bool,
    /// Whether it is yes or no, or a code.
    pub(super) is_state: bool,
    /// Whether it is a signal that says nothing where it never was anything but 0.
    pub(super) is_optional: bool,
    /// By target, where it was looked at: how it was before and after.
    pub(super) before_after: Vec<Option<Option<Arc<BeforeAfter>>>>,
    /// By target: how far it lies from its peers.
    pub(super) distances: Vec<Option<Option<Distance>>>,
    /// By number of a group of peers.
    pub(super) peers: HashMap<usize, Arc<OfGroup>>,
    relations: Vec<OfRelation>,
}

/// What was found out of a relation of a subject.
#[derive(Debug)]
pub(super) struct OfRelation {
    pub(super) relation: Relation,
    /// By target: whether it holds.
    pub(super) holds: Vec<Option<Option<bool>>>,
    /// By number of a group: at how many of its members it holds, and at how many it fails.
    pub(super) groups: HashMap<usize, (usize, usize)>,
}

/// What is read of a subject in a group of peers.
#[derive(Debug)]
pub(super) struct OfGroup {
    /// At the end, by those that can be trusted.
    pub(super) now: Peers,
    /// Before, by the same.
    pub(super) then: Peers,
}

/// How far a target lies from its peers, up or down.
#[derive(Debug, Clone, Copy)]
pub(super) struct Distance {
    /// Now, in spreads.
    pub(super) now: f64,
    /// Before, in spreads.
    pub(super) then: f64,
    /// Now, as a share of the peers' median.
    pub(super) share: f64,
}

impl Known {
    /// Nothing yet, of so many targets.
    pub(super) fn new(targets: usize) -> Self {
        Self { targets, ..Self::default() }
    }

    /// The number of a subject.
    pub(super) fn subject(&mut self, knowledge: &Knowledge, subject: &Subject) -> usize {
        if let Some(number) = self.numbers.get(subject) {
            return *number;
        }
        let signal = match subject {
            Subject::Signal { name, per: None, .. } => knowledge.signal(name),
            _ => None,
        };
        self.subjects.push(OfSubject {
            subject: Arc::new(subject.clone()),
            is_share: signal.is_some_and(|signal| signal.unit == "ratio"),
            is_optional: signal.is_some_and(|signal| signal.optional),
            is_state: signal.is_some_and(|signal| signal.form == Form::State),
            before_after: vec![None; self.targets],
            distances: vec![None; self.targets],
            peers: HashMap::new(),
            relations: Vec::new(),
        });
        let number = self.subjects.len() - 1;
        self.numbers.insert(subject.clone(), number);
        number
    }

    /// The number of a statement without its scope.
    pub(super) fn claim(&mut self, knowledge: &Knowledge, statement: &Statement) -> Claim {
        let subject = self.subject(knowledge, &statement.subject);
        let targets = self.targets;
        let relations = &mut self.subjects[subject].relations;
        let known = relations.iter().position(|known| known.relation == statement.relation);
        let relation = known.unwrap_or_else(|| {
            let (holds, groups) = (vec![None; targets], HashMap::new());
            relations.push(OfRelation { relation: statement.relation, holds, groups });
            relations.len() - 1
        });
        Claim { subject, relation }
    }

    pub(super) fn of_subject(&mut self, number: usize) -> &mut OfSubject {
        &mut self.subjects[number]
    }

    pub(super) fn of_claim(&mut self, claim: Claim) -> &mut OfRelation {
        &mut self.subjects[claim.subject].relations[claim.relation]
    }
}

impl OfRelation {
    /// Takes it from a person whether it holds at a target.
    pub(super) fn take(&mut self, target: usize, holds: bool) {
        self.holds[target] = Some(Some(holds));
        // They were counted without that.
        self.groups.clear();
    }
}

//! What people say of statements that no reading answers.

use std::collections::HashMap;

use auscult_knowledge::{Relation, Statement, Subject};

/// What is shown in the place of readings.
pub(super) const SEEN: &str = "as a person says";

/// What people said.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// By statement as it is written, and place.
    statements: HashMap<(String, usize), bool>,
    /// Of targets themselves.
    targets: Vec<(Subject, Relation, usize, bool)>,
}

impl Told {
    pub(super) fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    pub(super) fn say(&mut self, statement: &Statement, place: usize, holds: bool) {
        self.statements.insert((statement.text.clone(), place), holds);
    }

    pub(super) fn say_at(&mut self, statement: &Statement, target: usize, holds: bool) {
        let (subject, relation) = (statement.subject.clone(), statement.relation);
        self.targets.push((subject, relation, target, holds));
    }

    /// What was said of `statement` as it is made from `place`.
    pub(super) fn of(&self, statement: &Statement, place: usize) -> Option<bool> {
        if self.is_empty() {
            return None;
        }
        self.statements.get(&(statement.text.clone(), place)).copied()
    }

    /// What was said of the subject and relation of `statement` at `target`; the last word counts.
    pub(super) fn at(&self, statement: &Statement, target: usize) -> Option<bool> {
        let mut all = self.targets.iter().rev();
        let said = all.find(|(subject, relation, at, _)| {
            *at == target && *relation == statement.relation && *subject == statement.subject
        });
        said.map(|(.., holds)| *holds)
    }
}

//! What known causes account for, so that the rest can be asked for another cause.

use std::collections::HashSet;

use auscult_knowledge::{Statement, Subject};

use crate::evidence::{Finding, Judge};

/// Signals at targets, and changes, that known causes account for.
#[derive(Debug, Default)]
pub(super) struct Explained {
    signals: HashSet<(usize, String)>,
    /// The signals among them.
    names: HashSet<String>,
    said: HashSet<String>,
}

impl Explained {
    /// Adds what was found and expected of a known cause.
    pub(super) fn add(&mut self, statement: &Statement, finding: &Finding) {
        match &statement.subject {
            Subject::Event(text) | Subject::Log(text) => {
                self.said.insert(text.clone());
            }
            Subject::Signal { name, per, .. } => {
                for name in [Some(name), per.as_ref()].into_iter().flatten() {
                    self.names.insert(name.clone());
                    let at = finding.at.iter().map(|target| (*target, name.clone()));
                    self.signals.extend(at);
                }
            }
            Subject::Law(part) => {
                self.names.insert(law(part));
                let at = finding.at.iter().map(|target| (*target, law(part)));
                self.signals.extend(at);
            }
        }
    }

    /// Whether all that the finding of `statement` at a place rests on is accounted for.
    pub(super) fn covers(
        &self,
        judge: &mut Judge<'_>,
        statement: &Statement,
        place: usize,
    ) -> bool {
        self.speaks_of(&statement.subject)
            && self.accounts_for(statement, &judge.judge(statement, place))
    }

    /// Whether anything at all is accounted for of what a statement is about.
    fn speaks_of(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Event(text) | Subject::Log(text) => self.said.contains(text),
            Subject::Signal { name, .. } => self.names.contains(name),
            Subject::Law(part) => self.names.contains(&law(part)),
        }
    }

    fn accounts_for(&self, statement: &Statement, finding: &Finding) -> bool {
        match &statement.subject {
            Subject::Event(text) | Subject::Log(text) => {
                finding.holds == Some(true) && self.said.contains(text)
            }
            Subject::Signal { name, .. } => {
                let known = |target: &usize| self.signals.contains(&(*target, name.clone()));
                !finding.at.is_empty() && finding.at.iter().all(known)
            }
            Subject::Law(part) => {
                let known = |target: &usize| self.signals.contains(&(*target, law(part)));
                !finding.at.is_empty() && finding.at.iter().all(known)
            }
        }
    }
}

/// What a part of a law is called among signals.
fn law(part: &str) -> String {
    format!("law {part}")
}

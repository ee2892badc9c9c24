//! What is looked at to weigh the faults of each kind of target.

use std::collections::BTreeMap;

use auscult_knowledge::{Fault, Knowledge, Relation, Scope, Statement};

fn add(known: &mut Vec<Statement>, statement: Statement) {
    if !known.iter().any(|other| other.text == statement.text) {
        known.push(statement);
    }
}

/// For each kind of target, what is looked at for a fault of such a target: what is said from
/// there; what is said of such targets from anywhere; and what is said of other targets, as a fault
/// has to account for that, too.
pub(super) fn vocabulary(knowledge: &Knowledge) -> BTreeMap<&str, Vec<Statement>> {
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

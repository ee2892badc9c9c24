//! What can be wrong with a fault of the catalogue.

use auscult_core::nearest;

use crate::{Fault, Knowledge, Relation, Scope, Statement, Subject};

/// Kinds of targets that no adapter names, but that series are grouped into.
const MADE: [&str; 1] = ["service"];

/// Says what is wrong with `fault`.
pub(crate) fn fault(knowledge: &Knowledge, fault: &Fault) -> Result<(), String> {
    kind(knowledge, &fault.place)?;
    if !(fault.prior.weight > 0.0 && fault.prior.weight.is_finite()) {
        let weight = fault.prior.weight;
        return Err(format!("the weight of its prior is {weight}; expected a number above 0"));
    }
    if fault.required.is_empty() {
        return Err("nothing is required of it; expected one statement at least".to_owned());
    }
    if fault.remedy.guard.is_empty() {
        return Err("its remedy names no guard".to_owned());
    }
    for (place, said) in fault.statements().enumerate() {
        statement(knowledge, said)?;
        if fault.statements().take(place).any(|other| other.text == said.text) {
            return Err(format!("`{said}` stands twice"));
        }
    }
    for (place, said) in fault.required.iter().enumerate() {
        if let Some(other) = fault.required[..place].iter().find(|other| contradict(other, said)) {
            return Err(format!("`{other}` and `{said}` cannot both be required"));
        }
    }
    statement(knowledge, &fault.remedy.recovered_when)
}

fn statement(knowledge: &Knowledge, statement: &Statement) -> Result<(), String> {
    if let Scope::Near { kind: near, .. } = &statement.scope {
        kind(knowledge, near).map_err(|reason| format!("`{statement}`: {reason}"))?;
    }
    let Subject::Signal { name, per, .. } = &statement.subject else { return Ok(()) };
    for name in [Some(name), per.as_ref()].into_iter().flatten() {
        let told =
            |adapter: &crate::Adapter| adapter.signals.iter().any(|told| told.signal == *name);
        if !knowledge.adapters().iter().any(told) {
            let known = knowledge.signals().iter().map(|signal| signal.name.as_str());
            let near = nearest(name, known);
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(format!("`{statement}`: no adapter tells a signal `{name}`{near}"));
        }
    }
    Ok(())
}

fn kind(knowledge: &Knowledge, kind: &str) -> Result<(), String> {
    let adapters = knowledge.adapters().iter();
    let named = adapters.flat_map(|adapter| {
        let parts = adapter.signals.iter().filter_map(|mapping| mapping.target.as_ref());
        parts.chain([&adapter.target])
    });
    let mut kinds: Vec<&str> = named.map(|target| target.kind.as_str()).chain(MADE).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.contains(&kind) {
        return Ok(());
    }
    Err(format!("`{kind}` is no kind of target; expected one of {}", kinds.join(", ")))
}

/// Whether two statements can never hold together.
fn contradict(one: &Statement, other: &Statement) -> bool {
    use Relation::{Falls, Rises, Steady, Stops};
    let opposite = |a: Relation, b: Relation| {
        matches!((a, b), (Rises, Falls | Steady | Stops) | (Steady, Falls | Stops))
    };
    one.scope == other.scope
        && one.subject == other.subject
        && (opposite(one.relation, other.relation) || opposite(other.relation, one.relation))
}

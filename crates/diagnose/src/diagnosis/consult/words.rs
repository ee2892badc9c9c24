//! Questions in words.

use auscult_knowledge::{Knowledge, Relation, Scope, Statement, Subject};

use crate::scene::Target;

/// `statement`, made from `target`, as a question to a person.
pub(super) fn question(knowledge: &Knowledge, statement: &Statement, target: &Target) -> String {
    let (kind, name) = (&target.kind, &target.name);
    let place = match &statement.scope {
        Scope::Own => format!("{kind} {name}"),
        Scope::Peers => format!("most peers of {kind} {name}"),
        Scope::Near { kind: near, some: true } => format!("some {near} of {kind} {name}"),
        Scope::Near { kind: near, some: false } => format!("most {near}s of {kind} {name}"),
    };
    match &statement.subject {
        Subject::Event(change) => format!("Was there a change of kind `{change}` at {place} then?"),
        Subject::Log(text) => format!("Does the log of {place} have a line with `{text}`?"),
        Subject::Law(part) => format!("Is the law `{part}` broken at {place}?"),
        Subject::Signal { name, label, per } => {
            let label = label.as_ref().map(|(name, value)| format!(" with {name} = {value}"));
            let mut what = described(knowledge, name) + &label.unwrap_or_default();
            if let Some(per) = per {
                what = format!("{what}, divided by {}", described(knowledge, per));
            }
            format!("At {place}: {} {what}?", asked(statement.relation))
        }
    }
}

/// A signal by its name and what it means.
fn described(knowledge: &Knowledge, name: &str) -> String {
    let Some(signal) = knowledge.signal(name) else { return format!("`{name}`") };
    format!("`{name}` ({}; {})", signal.about, signal.unit)
}

/// What is asked of a signal, before its name.
fn asked(relation: Relation) -> String {
    let plain = match relation {
        Relation::Rises => "is it higher than before,",
        Relation::Doubles => "is it twice as high as before or more,",
        Relation::Falls => "is it lower than before,",
        Relation::Steady => "is it as before,",
        Relation::Stops => "did it fall to nothing,",
        Relation::Starts => "is there some where there was none,",
        Relation::Freezes => "does it no longer move at all,",
        Relation::Vanishes => "is it no longer told,",
        Relation::Resets => "did it begin anew,",
        Relation::Drops => "did it fall to less than half,",
        Relation::Present => "is it told at all,",
        Relation::Creeps => "does it go one way all the time,",
        Relation::Pulses => "does it come and go at even distances,",
        Relation::Spikes => "did it jump for a while,",
        Relation::AbovePeers => "is it above that of its peers,",
        Relation::BelowPeers => "is it below that of its peers,",
        Relation::WithPeers => "does it go with that of its peers,",
        Relation::Happens => "did it happen,",
        Relation::Breaks => "is it broken,",
        Relation::Holds => "does it hold,",
        Relation::Above(bound) => return format!("is it above {bound},"),
        Relation::Below(bound) => return format!("is it below {bound},"),
        Relation::Is(code) => return format!("does it read {code},"),
        Relation::Bit(bit) => return format!("does it have bit {bit},"),
    };
    plain.to_owned()
}

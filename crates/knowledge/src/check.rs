//! What can be wrong with a fault of the catalogue, or with a law.

use auscult_core::nearest;

use crate::{
    Adapter, Constants, Expression, Fault, Form, Knowledge, Law, LawPart, PhysicalRange, Relation,
    Scope, Statement, Subject, Tolerance,
};

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
    if let Subject::Law(part) = &statement.subject
        && knowledge.law_part(part).is_none()
    {
        let known = knowledge.laws().iter().flat_map(Law::names);
        return Err(format!("`{statement}`: no law has a part `{part}`{}", meant(part, known)));
    }
    let Subject::Signal { name, per, .. } = &statement.subject else { return Ok(()) };
    for name in [Some(name), per.as_ref()].into_iter().flatten() {
        signal(knowledge, name).map_err(|reason| format!("`{statement}`: {reason}"))?;
    }
    Ok(())
}

/// Says that no adapter tells a signal.
fn signal(knowledge: &Knowledge, name: &str) -> Result<(), String> {
    let told = |adapter: &Adapter| adapter.signals.iter().any(|told| told.signal == *name);
    if knowledge.adapters().iter().any(told) {
        return Ok(());
    }
    let known = knowledge.signals().iter().map(|signal| signal.name.as_str());
    Err(format!("no adapter tells a signal `{name}`{}", meant(name, known)))
}

/// What was probably meant, as the end of a sentence.
fn meant<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// Says what is wrong with a range.
pub(crate) fn range(knowledge: &Knowledge, range: &PhysicalRange) -> Result<(), String> {
    let name = match (&range.unit, &range.signal) {
        (Some(unit), None) => {
            let units = || knowledge.signals().iter().map(|signal| signal.unit.as_str());
            if !units().any(|known| known == unit) {
                return Err(format!("no signal is measured in `{unit}`{}", meant(unit, units())));
            }
            unit
        }
        (None, Some(name)) => {
            signal(knowledge, name)?;
            name
        }
        _ => return Err("a range is of a unit or of a signal; expected one of both".to_owned()),
    };
    let [low, high] = range.range;
    if low < high && low.is_finite() && high.is_finite() {
        return Ok(());
    }
    Err(format!("the range of `{name}` is empty or endless; expected the smaller number first"))
}

/// Says what is wrong with constants.
pub(crate) fn constants(knowledge: &Knowledge, constants: &Constants) -> Result<(), String> {
    for (place, constant) in constants.constants.iter().enumerate() {
        let name = &constant.name;
        if constants.constants[..place].iter().any(|other| other.name == *name) {
            return Err(format!("constant `{name}` stands twice"));
        }
        if knowledge.signal(name).is_some() {
            return Err(format!("constant `{name}` is called as a signal is"));
        }
    }
    for by in &constants.catalogue {
        for entry in &by.entries {
            for (name, value) in &entry.constants {
                let of = &entry.has;
                constants.accept(name, *value).map_err(|reason| format!("{of}: {reason}"))?;
            }
        }
    }
    Ok(())
}

/// Says what is wrong with a law.
pub(crate) fn law(knowledge: &Knowledge, law: &Law) -> Result<(), String> {
    if law.parts.is_empty() {
        return Err("it has no parts; expected one relation at least".to_owned());
    }
    if law.references.is_empty() {
        return Err("it has no reference".to_owned());
    }
    for (place, part) in law.parts.iter().enumerate() {
        if law.parts[..place].iter().any(|other| other.part == part.part) {
            return Err(format!("part `{}` stands twice", part.part));
        }
        law_part(knowledge, part).map_err(|reason| format!("{}: {reason}", part.part))?;
    }
    Ok(())
}

fn law_part(knowledge: &Knowledge, part: &LawPart) -> Result<(), String> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if part.part.is_empty() || !part.part.chars().all(is_word) {
        return Err("its name is not one word of letters, digits and `_`".to_owned());
    }
    kind(knowledge, &part.of)?;
    for formula in [Some(&part.says), part.when.as_ref()].into_iter().flatten() {
        let mut wrong = None;
        formula.visit(&mut |expression| {
            let checked = match expression {
                Expression::Name(name, label) => named(knowledge, name, label.is_some()),
                Expression::Sum(name) | Expression::Count(name) => distribution(knowledge, name),
                Expression::Among(_, of, name) => {
                    let of = if of == "peers" { Ok(()) } else { kind(knowledge, of) };
                    of.and_then(|()| signal(knowledge, name))
                }
                _ => Ok(()),
            };
            wrong = wrong.take().or(checked.err());
        });
        if let Some(reason) = wrong {
            return Err(format!("`{formula}`: {reason}"));
        }
    }
    let Tolerance { share, least, why } = &part.tolerance;
    if !(*share >= 0.0 && *least >= 0.0 && share.is_finite() && least.is_finite()) {
        return Err(format!("its tolerance is {share} and {least}; expected numbers from 0"));
    }
    if why.is_empty() || part.broken.means.is_empty() {
        return Err("it does not say why it is so tolerant, or what a breach means".to_owned());
    }
    for adapter in &part.told_by {
        let known = || knowledge.adapters().iter().map(|known| known.adapter.as_str());
        if !known().any(|known| known == adapter) {
            return Err(format!("there is no adapter `{adapter}`{}", meant(adapter, known())));
        }
    }
    for name in &part.broken.untrusted {
        signal(knowledge, name)?;
    }
    for name in part.faults() {
        let known = || knowledge.faults().iter().map(|known| known.fault.as_str());
        if !known().any(|known| known == name) {
            return Err(format!("there is no fault `{name}`{}", meant(name, known())));
        }
    }
    Ok(())
}

/// Says that a name in a formula is neither a signal nor a constant.
fn named(knowledge: &Knowledge, name: &str, with_label: bool) -> Result<(), String> {
    let constants = || knowledge.constants().constants.iter().map(|known| known.name.as_str());
    if !with_label && constants().any(|known| known == name) {
        return Ok(());
    }
    if knowledge.signal(name).is_some() {
        return signal(knowledge, name);
    }
    let known = knowledge.signals().iter().map(|signal| signal.name.as_str()).chain(constants());
    Err(format!("there is no signal or constant `{name}`{}", meant(name, known)))
}

/// Says that a signal has no sum and count.
fn distribution(knowledge: &Knowledge, name: &str) -> Result<(), String> {
    signal(knowledge, name)?;
    let form = knowledge.signal(name).map(|signal| signal.form);
    if form == Some(Form::Distribution) {
        return Ok(());
    }
    Err(format!("`{name}` is no distribution, so that nothing can be counted of it"))
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

//! What can be wrong with knowledge that was read: each mistake with the path of what it is about.

use auscult_core::nearest;
use auscult_yaml::Path;

use crate::contrast::{excludes, implies};
use crate::{
    Adapter, Constants, Expression, Fault, Form, Knowledge, Law, LawPart, PhysicalRange, Scope,
    Statement, Subject, Tolerance,
};

/// Kinds of targets that no adapter names, but that series are grouped into.
const MADE: [&str; 1] = ["service"];

/// Mistakes, each with the path of what it is about.
#[derive(Debug, Default)]
pub(crate) struct Mistakes(pub(crate) Vec<(Path, String)>);

impl Mistakes {
    pub(crate) fn say(&mut self, path: Path, sentence: impl Into<String>) {
        self.0.push((path, sentence.into()));
    }

    fn note(&mut self, path: Path, result: Result<(), String>) {
        if let Err(sentence) = result {
            self.say(path, sentence);
        }
    }

    /// The first one, without its place.
    pub(crate) fn first(self) -> Result<(), String> {
        self.0.into_iter().next().map_or(Ok(()), |(_, sentence)| Err(sentence))
    }
}

/// Says what is wrong with the `fault` that stands at `at`.
pub(crate) fn fault(knowledge: &Knowledge, fault: &Fault, at: &Path, mistakes: &mut Mistakes) {
    mistakes.note(at.key("place"), kind(knowledge, &fault.place));
    let weight = fault.prior.weight;
    if !(weight > 0.0 && weight.is_finite()) {
        let sentence = format!("the weight of its prior is {weight}; expected a number above 0");
        mistakes.say(at.key("prior").key("weight"), sentence);
    }
    if fault.required.is_empty() {
        let sentence = "nothing is required of it; expected one statement at least";
        mistakes.say(at.key("required"), sentence);
    }
    if fault.remedy.guard.trim().is_empty() {
        let sentence = "its remedy names no guard; expected what keeps it from doing harm";
        mistakes.say(at.key("remedy").key("guard"), sentence);
    }
    let lists = [
        ("required", &fault.required),
        ("supporting", &fault.supporting),
        ("against", &fault.against),
        ("excluded_by", &fault.excluded_by),
    ];
    let each = lists.iter().flat_map(|(key, list)| {
        list.iter().enumerate().map(move |(place, said)| (at.key(*key).place(place), said))
    });
    let each: Vec<(Path, &Statement)> = each.collect();
    for (place, (path, said)) in each.iter().enumerate() {
        mistakes.note(path.clone(), statement(knowledge, said));
        if each[..place].iter().any(|(_, other)| other.text == said.text) {
            mistakes.say(path.clone(), format!("`{said}` stands twice"));
        }
    }
    for (place, said) in fault.required.iter().enumerate() {
        let path = at.key("required").place(place);
        let together = |other: &&Statement| {
            (&other.scope, &other.subject) == (&said.scope, &said.subject) && excludes(other, said)
        };
        if let Some(other) = fault.required[..place].iter().find(together) {
            mistakes.say(path, format!("`{other}` and `{said}` cannot both be required"));
        }
    }
    for (place, said) in fault.excluded_by.iter().enumerate() {
        let path = at.key("excluded_by").place(place);
        let brings = |other: &&Statement| {
            other.text != said.text
                && (&other.scope, &other.subject) == (&said.scope, &said.subject)
                && implies(other.relation, said.relation)
        };
        if let Some(other) = fault.required.iter().find(brings) {
            let sentence =
                format!("`{other}` is required, and brings `{said}`, which rules it out");
            mistakes.say(path, sentence);
        }
    }
    let cure = at.key("remedy").key("recovered_when");
    mistakes.note(cure, statement(knowledge, &fault.remedy.recovered_when));
}

/// Says that a fault takes another one for alike that there is not.
pub(crate) fn confused(knowledge: &Knowledge, fault: &Fault, at: &Path, mistakes: &mut Mistakes) {
    for (place, named) in fault.confused_with.iter().enumerate() {
        let path = at.key("confused_with").place(place);
        mistakes.note(path.key("fault"), known_fault(knowledge, &named.fault));
        if named.missing_test.trim().is_empty() {
            let sentence = "the test is empty; expected what would have to be measured";
            mistakes.say(path.key("missing_test"), sentence);
        }
    }
}

fn known_fault(knowledge: &Knowledge, name: &str) -> Result<(), String> {
    let known = || knowledge.faults().iter().map(|known| known.fault.as_str());
    if known().any(|known| known == name) {
        return Ok(());
    }
    Err(format!("there is no fault `{name}`{}", meant(name, known())))
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

/// Says which faults that a program cannot have are not known.
pub(crate) fn never(knowledge: &Knowledge, adapter: &Adapter, mistakes: &mut Mistakes) {
    for (place, never) in adapter.never.iter().enumerate() {
        let path = Path::default().key("never").place(place).key("fault");
        mistakes.note(path, known_fault(knowledge, &never.fault));
    }
}

/// Says that no adapter tells a signal.
fn signal(knowledge: &Knowledge, name: &str) -> Result<(), String> {
    let told = |adapter: &Adapter| adapter.signals.iter().any(|told| told.signal == *name);
    let is_derived = knowledge.signal(name).is_some_and(|signal| signal.derived.is_some());
    if is_derived || knowledge.adapters().iter().any(told) {
        return Ok(());
    }
    let known = knowledge.signals().iter().map(|signal| signal.name.as_str());
    Err(format!("no adapter tells a signal `{name}`{}", meant(name, known)))
}

/// What was probably meant, as the end of a sentence.
pub(crate) fn meant<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let near = nearest(name, known).filter(|near| *near != name);
    near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// Says what is wrong with the range that stands at `at`.
pub(crate) fn range(
    knowledge: &Knowledge,
    range: &PhysicalRange,
    at: &Path,
    mistakes: &mut Mistakes,
) {
    let name = match (&range.unit, &range.signal) {
        (Some(unit), None) => {
            let units = || knowledge.signals().iter().map(|signal| signal.unit.as_str());
            if !units().any(|known| known == unit) {
                let sentence = format!("no signal is measured in `{unit}`{}", meant(unit, units()));
                mistakes.say(at.key("unit"), sentence);
            }
            unit
        }
        (None, Some(name)) => {
            mistakes.note(at.key("signal"), signal(knowledge, name));
            name
        }
        _ => {
            let sentence = "a range is of a unit or of a signal; expected one of both";
            return mistakes.say(at.clone(), sentence);
        }
    };
    let [low, high] = range.range;
    if !(low < high && low.is_finite() && high.is_finite()) {
        let sentence =
            format!("the range of `{name}` is empty or endless; expected the smaller number first");
        mistakes.say(at.key("range"), sentence);
    }
}

/// Says what is wrong with constants `own`, where those of `knowledge` are known besides.
pub(crate) fn constants(knowledge: &Knowledge, own: &Constants, mistakes: &mut Mistakes) {
    let top = Path::default();
    for (place, constant) in own.constants.iter().enumerate() {
        let (name, path) = (&constant.name, top.key("constants").place(place).key("name"));
        if own.constants[..place].iter().any(|other| other.name == *name) {
            mistakes.say(path, format!("constant `{name}` stands twice"));
        } else if knowledge.signal(name).is_some() {
            mistakes.say(path, format!("constant `{name}` is called as a signal is"));
        }
    }
    let known = knowledge.constants().constants.iter().chain(&own.constants);
    let all = Constants { constants: known.cloned().collect(), catalogue: Vec::new() };
    for (place, by) in own.catalogue.iter().enumerate() {
        let path = top.key("catalogue").place(place).key("entries");
        for (place, entry) in by.entries.iter().enumerate() {
            let path = path.place(place).key("constants");
            for (name, value) in &entry.constants {
                let of = &entry.has;
                let accepted = all.accept(name, *value).map_err(|reason| format!("{of}: {reason}"));
                mistakes.note(path.key(name), accepted);
            }
        }
    }
}

/// Says what is wrong with the law that stands at `at`.
pub(crate) fn law(knowledge: &Knowledge, law: &Law, at: &Path, mistakes: &mut Mistakes) {
    if law.parts.is_empty() {
        mistakes.say(at.key("parts"), "it has no parts; expected one relation at least");
    }
    if law.references.is_empty() {
        mistakes.say(at.key("references"), "it has no reference");
    }
    for (place, part) in law.parts.iter().enumerate() {
        let path = at.key("parts").place(place);
        if law.parts[..place].iter().any(|other| other.part == part.part) {
            mistakes.say(path.key("part"), format!("part `{}` stands twice", part.part));
        }
        let mut own = Mistakes::default();
        law_part(knowledge, part, &path, &mut own);
        let own = own.0.into_iter();
        mistakes.0.extend(own.map(|(path, what)| (path, format!("{}: {what}", part.part))));
    }
}

fn law_part(knowledge: &Knowledge, part: &LawPart, at: &Path, mistakes: &mut Mistakes) {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if part.part.is_empty() || !part.part.chars().all(is_word) {
        let sentence = "its name is not one word of letters, digits and `_`";
        mistakes.say(at.key("part"), sentence);
    }
    mistakes.note(at.key("of"), kind(knowledge, &part.of));
    for (key, formula) in [("says", Some(&part.says)), ("when", part.when.as_ref())] {
        let Some(formula) = formula else { continue };
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
            mistakes.say(at.key(key), format!("`{formula}`: {reason}"));
        }
    }
    let Tolerance { share, least, why } = &part.tolerance;
    if !(*share >= 0.0 && *least >= 0.0 && share.is_finite() && least.is_finite()) {
        let sentence = format!("its tolerance is {share} and {least}; expected numbers from 0");
        mistakes.say(at.key("tolerance"), sentence);
    }
    if why.is_empty() || part.broken.means.is_empty() {
        let sentence = "it does not say why it is so tolerant, or what a breach means";
        mistakes.say(at.clone(), sentence);
    }
    for (place, adapter) in part.told_by.iter().enumerate() {
        let known = || knowledge.adapters().iter().map(|known| known.adapter.as_str());
        if !known().any(|known| known == adapter) {
            let sentence = format!("there is no adapter `{adapter}`{}", meant(adapter, known()));
            mistakes.say(at.key("told_by").place(place), sentence);
        }
    }
    let broken = at.key("broken");
    for (place, name) in part.broken.untrusted.iter().enumerate() {
        mistakes.note(broken.key("untrusted").place(place), signal(knowledge, name));
    }
    for (path, faults) in [
        (broken.key("points_to"), &part.broken.points_to),
        (broken.key("excludes"), &part.broken.excludes),
        (at.key("holds_excludes"), &part.holds_excludes),
    ] {
        for (place, name) in faults.iter().enumerate() {
            mistakes.note(path.place(place), known_fault(knowledge, name));
        }
    }
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
    let hint = meant(kind, kinds.iter().copied());
    let hint =
        if hint.is_empty() { format!("; expected one of {}", kinds.join(", ")) } else { hint };
    Err(format!("`{kind}` is no kind of target{hint}"))
}

//! A person's own knowledge, laid over what is known already.

use std::fmt;
use std::path::Path as FilePath;

use auscult_yaml::{Document, Path, Problem};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::check::{self, Mistakes};
use crate::folder::{self, Kind, OwnFile};
use crate::schema::FORMATS;
use crate::{Adapter, ByLabel, Constants, Fault, Knowledge, Law, PhysicalRange, Signal};

/// All that is wrong with a folder of knowledge, file by file in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderError(Vec<Problem>);

impl FolderError {
    /// Each mistake.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> = self.0.iter().map(Problem::with_source).collect();
        f.write_str(&shown.join("\n"))
    }
}

impl std::error::Error for FolderError {}

/// Something that a folder says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnEntry {
    /// Its name.
    pub name: String,
    /// Whether it takes the place of something of this name that was known.
    pub replaces: bool,
}

/// What a folder says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own {
    /// Signals.
    pub signals: Vec<OwnEntry>,
    /// Adapters.
    pub adapters: Vec<OwnEntry>,
    /// Faults.
    pub faults: Vec<OwnEntry>,
    /// Laws.
    pub laws: Vec<OwnEntry>,
    /// Constants.
    pub constants: Vec<OwnEntry>,
}

/// A file that could be read.
struct Read<T> {
    document: Document,
    holds: T,
}

/// The files of a folder by what they hold.
#[derive(Default)]
struct Files {
    signals: Vec<Read<Vec<Signal>>>,
    adapters: Vec<Read<Adapter>>,
    faults: Vec<Read<Vec<Fault>>>,
    constants: Vec<Read<Constants>>,
    ranges: Vec<Read<Vec<PhysicalRange>>>,
    laws: Vec<Read<Vec<Law>>>,
}

impl Knowledge {
    /// What is known with what `folder` says laid over it: a signal, an adapter, a fault, a law or a
    /// constant of a name that is known takes the place of it, others come behind.
    ///
    /// The folder has the files `signals.yaml`, `adapters/*.yaml`, `faults/*.yaml`,
    /// `laws/constants.yaml`, `laws/ranges.yaml` and `laws/*.yaml`, as this project's own `knowledge`
    /// has them; each may be missing. Files are 1 MiB at most and do not lead out of the folder.
    ///
    /// Besides, every fault of the folder must be told from every other by one statement at least, or
    /// name the test that is missing.
    ///
    /// # Errors
    ///
    /// All that is wrong, each with file, line and column; nothing is taken then.
    pub fn with_folder(&self, folder: &FilePath) -> Result<(Self, Own), FolderError> {
        let files = folder::read(folder).and_then(Files::read).map_err(FolderError)?;
        let mut knowledge = self.clone();
        let mut own = Own::default();
        let mut problems = files.lay_over(&mut knowledge, &mut own);
        // What does not fit together makes others seem wrong.
        if problems.is_empty() {
            problems = files.check(&knowledge);
        }
        if problems.is_empty() {
            problems = files.check_others(&knowledge, folder);
        }
        if problems.is_empty() { Ok((knowledge, own)) } else { Err(FolderError(problems)) }
    }
}

impl Files {
    fn read(files: Vec<OwnFile>) -> Result<Self, Vec<Problem>> {
        let (mut read, mut problems) = (Self::default(), Vec::new());
        for file in files {
            let document = match Document::parse(file.name, file.text) {
                Ok(document) => document,
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            };
            let problems = &mut problems;
            match file.kind {
                Kind::Signals => take(&mut read.signals, document, problems),
                Kind::Adapter => take(&mut read.adapters, document, problems),
                Kind::Faults => take(&mut read.faults, document, problems),
                Kind::Constants => take(&mut read.constants, document, problems),
                Kind::Ranges => take(&mut read.ranges, document, problems),
                Kind::Laws => take(&mut read.laws, document, problems),
            }
        }
        if problems.is_empty() { Ok(read) } else { Err(problems) }
    }

    /// Puts all into `knowledge`, and says what does not fit together.
    fn lay_over(&self, knowledge: &mut Knowledge, own: &mut Own) -> Vec<Problem> {
        let mut problems = Vec::new();
        lay(
            &self.signals,
            &mut knowledge.signals,
            ("signal", "name"),
            |signal| &signal.name,
            &mut own.signals,
            &mut problems,
        );
        let signals = knowledge.signals.iter().enumerate();
        knowledge.names = signals.map(|(place, signal)| (signal.name.clone(), place)).collect();
        let mut owned: Vec<(usize, &Document)> = Vec::new();
        for file in &self.adapters {
            let name = &file.holds.adapter;
            let place = knowledge.adapters.iter().position(|known| known.adapter == *name);
            if place.is_some_and(|place| owned.iter().any(|(other, _)| *other == place)) {
                let path = Path::default().key("adapter");
                let what = format!("adapter `{name}` stands in two files");
                problems.push(file.document.problem_at(&path, what));
                continue;
            }
            own.adapters.push(OwnEntry { name: name.clone(), replaces: place.is_some() });
            let place = place.unwrap_or(knowledge.adapters.len());
            match knowledge.adapters.get_mut(place) {
                Some(known) => *known = file.holds.clone(),
                None => knowledge.adapters.push(file.holds.clone()),
            }
            owned.push((place, &file.document));
        }
        // Places of signals and adapters may have changed. What is built in goes first, so that a
        // metric that stands twice is told of the folder.
        knowledge.metrics.clear();
        let is_owned = |number: &usize| owned.iter().any(|(place, _)| place == number);
        for number in (0..knowledge.adapters.len()).filter(|number| !is_owned(number)) {
            // It was right before, and signals only became more.
            knowledge.claim(number, &mut Mistakes::default());
        }
        for (number, document) in &owned {
            let mut mistakes = Mistakes::default();
            knowledge.claim(*number, &mut mistakes);
            problems.extend(told(document, mistakes));
        }
        for file in &self.constants {
            let mut mistakes = Mistakes::default();
            check::constants(knowledge, &file.holds, &mut mistakes);
            problems.extend(told(&file.document, mistakes));
            for constant in &file.holds.constants {
                let known = &mut knowledge.constants.constants;
                let replaces = put(known, constant, |known| known.name == constant.name);
                own.constants.push(OwnEntry { name: constant.name.clone(), replaces });
            }
            file.holds.catalogue.iter().for_each(|by| tell(&mut knowledge.constants, by));
        }
        for range in self.ranges.iter().flat_map(|file| &file.holds) {
            let key = |range: &PhysicalRange| (range.unit.clone(), range.signal.clone());
            put(&mut knowledge.ranges, range, |known| key(known) == key(range));
        }
        lay(
            &self.faults,
            &mut knowledge.faults,
            ("fault", "fault"),
            |fault| &fault.fault,
            &mut own.faults,
            &mut problems,
        );
        lay(
            &self.laws,
            &mut knowledge.laws,
            ("law", "law"),
            |law| &law.law,
            &mut own.laws,
            &mut problems,
        );
        let laws = &knowledge.laws;
        knowledge.faults.iter_mut().for_each(|fault| fault.take_laws(laws));
        problems
    }

    /// Says what is wrong with what the folder says itself.
    fn check(&self, knowledge: &Knowledge) -> Vec<Problem> {
        let mut problems = Vec::new();
        let top = Path::default();
        for file in &self.ranges {
            let mut mistakes = Mistakes::default();
            for (place, range) in file.holds.iter().enumerate() {
                check::range(knowledge, range, &top.place(place), &mut mistakes);
            }
            problems.extend(told(&file.document, mistakes));
        }
        for file in &self.adapters {
            let mut mistakes = Mistakes::default();
            check::never(knowledge, &file.holds, &mut mistakes);
            problems.extend(told(&file.document, mistakes));
        }
        for file in &self.faults {
            let mut mistakes = Mistakes::default();
            for (place, fault) in file.holds.iter().enumerate() {
                let mut own = Mistakes::default();
                check::fault(knowledge, fault, &top.place(place), &mut own);
                check::confused(knowledge, fault, &top.place(place), &mut own);
                let of = own.0.into_iter();
                mistakes
                    .0
                    .extend(of.map(|(path, what)| (path, format!("{}: {what}", fault.fault))));
            }
            problems.extend(told(&file.document, mistakes));
        }
        for file in &self.laws {
            let mut mistakes = Mistakes::default();
            for (place, law) in file.holds.iter().enumerate() {
                let mut own = Mistakes::default();
                check::law(knowledge, law, &top.place(place), &mut own);
                let others = knowledge.laws.iter().filter(|other| other.law != law.law);
                let others: Vec<&str> = others.flat_map(Law::names).collect();
                for (at, name) in law.names().enumerate().filter(|(_, name)| others.contains(name))
                {
                    let path = top.place(place).key("parts").place(at).key("part");
                    own.say(path, format!("another law has a part `{name}`"));
                }
                let of = own.0.into_iter();
                mistakes.0.extend(of.map(|(path, what)| (path, format!("{}: {what}", law.law))));
            }
            problems.extend(told(&file.document, mistakes));
        }
        problems
    }

    /// Says which faults nothing tells from others, and what that was known is no longer right.
    fn check_others(&self, knowledge: &Knowledge, folder: &FilePath) -> Vec<Problem> {
        let mut problems = Vec::new();
        let pairs = knowledge.confusable();
        let silent: Vec<_> = pairs.iter().filter(|pair| pair.missing_test.is_none()).collect();
        for file in &self.faults {
            let mut mistakes = Mistakes::default();
            for (place, fault) in file.holds.iter().enumerate() {
                for pair in &silent {
                    let other = match &fault.fault {
                        own if own == pair.one => pair.other,
                        own if own == pair.other => pair.one,
                        _ => continue,
                    };
                    let what = format!(
                        "nothing tells `{0}` from `{other}`; expected a statement that is seen with one and not with the other, or `confused_with: [{{fault: {other}, missing_test: …}}]`",
                        fault.fault
                    );
                    mistakes.say(Path::default().place(place).key("fault"), what);
                }
            }
            problems.extend(told(&file.document, mistakes));
        }
        // An adapter that is replaced may leave out what others speak of.
        let is_own_fault = |fault: &Fault| {
            self.faults.iter().flat_map(|file| &file.holds).any(|own| own.fault == fault.fault)
        };
        let is_own_law =
            |law: &Law| self.laws.iter().flat_map(|file| &file.holds).any(|own| own.law == law.law);
        let mut mistakes = Mistakes::default();
        let top = Path::default();
        for fault in knowledge.faults.iter().filter(|fault| !is_own_fault(fault)) {
            let mut own = Mistakes::default();
            check::fault(knowledge, fault, &top, &mut own);
            let of = own.0.into_iter();
            mistakes.0.extend(of.map(|(path, what)| (path, format!("{}: {what}", fault.fault))));
        }
        for law in knowledge.laws.iter().filter(|law| !is_own_law(law)) {
            check::law(knowledge, law, &top, &mut mistakes);
        }
        let name = folder.display().to_string();
        problems.extend(mistakes.0.into_iter().map(|(_, what)| {
            Problem::of_file(&name, format!("with it, what is built in is wrong: {what}"))
        }));
        problems
    }
}

fn take<T: JsonSchema + DeserializeOwned>(
    to: &mut Vec<Read<T>>,
    document: Document,
    problems: &mut Vec<Problem>,
) {
    match document.read_with(&FORMATS, None) {
        Ok(holds) => to.push(Read { document, holds }),
        Err(wrong) => problems.extend(wrong),
    }
}

/// Lays lists of `(what, key)` over what is known, by name.
fn lay<T: Clone>(
    files: &[Read<Vec<T>>],
    known: &mut Vec<T>,
    (what, key): (&str, &str),
    name: impl Fn(&T) -> &String,
    own: &mut Vec<OwnEntry>,
    problems: &mut Vec<Problem>,
) {
    for file in files {
        for (place, one) in file.holds.iter().enumerate() {
            let name_of = name(one);
            let path = Path::default().place(place).key(key);
            if name_of.trim().is_empty() {
                problems.push(file.document.problem_at(&path, format!("the {what} has no name")));
                continue;
            }
            if own.iter().any(|other| other.name == *name_of) {
                let sentence = format!("{what} `{name_of}` stands twice in the folder");
                problems.push(file.document.problem_at(&path, sentence));
                continue;
            }
            let replaces = put(known, one, |other| name(other) == name_of);
            own.push(OwnEntry { name: name_of.clone(), replaces });
        }
    }
}

/// Puts `one` in the place of what it `is`, or behind all; whether it replaced something.
fn put<T: Clone>(known: &mut Vec<T>, one: &T, is: impl Fn(&T) -> bool) -> bool {
    match known.iter_mut().find(|known| is(known)) {
        Some(place) => {
            *place = one.clone();
            true
        }
        None => {
            known.push(one.clone());
            false
        }
    }
}

/// Adds what the values of a label tell.
fn tell(constants: &mut Constants, by: &ByLabel) {
    let Some(known) = constants.catalogue.iter_mut().find(|known| known.label == by.label) else {
        constants.catalogue.push(by.clone());
        return;
    };
    for entry in &by.entries {
        put(&mut known.entries, entry, |other| other.has == entry.has);
    }
    known.unless.extend(by.unless.iter().cloned());
    known.source = format!("{}; {}", known.source, by.source);
}

fn told(document: &Document, mistakes: Mistakes) -> Vec<Problem> {
    let placed = mistakes.0.into_iter().map(|(path, what)| document.problem_at(&path, what));
    let mut problems: Vec<Problem> = placed.collect();
    problems.sort_by_key(|problem| (problem.line(), problem.column()));
    problems
}

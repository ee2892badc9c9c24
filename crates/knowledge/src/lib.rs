//! What is known of the programs that are watched, as data.
//!
//! `knowledge/signals.yaml` lists the *signals*: the names that auscult reasons in.
//! Each file in `knowledge/adapters` says by which metrics one program tells them. Faults are what
//! can be wrong, laws what measurements must obey. All are built into the program and checked by a
//! test; [`Knowledge::read`], [`Knowledge::add_faults`] and [`Knowledge::add_laws`] read other ones,
//! [`Knowledge::with_folder`] lays a folder of a person's own over it.

mod adapter;
mod check;
mod constant;
mod contrast;
mod embedded;
mod error;
mod fault;
mod folder;
mod formula;
mod law;
mod own;
mod range;
mod schema;
mod signal;
mod statement;
mod unit;

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::sync::LazyLock;

use auscult_yaml::Path;
use check::Mistakes;
use flate2::read::ZlibDecoder;

pub use adapter::{Adapter, Ignored, Mapping, MetricForm, Target};
pub use constant::{ByLabel, Constant, Constants, Entry as CatalogueEntry};
pub use contrast::{Confusable, Contrast, Why};
pub use error::KnowledgeError;
pub use fault::{ConfusedWith, Fault, Prior, Remedy};
pub use folder::FolderMark;
pub use formula::{Expression, Formula, Operator, Order, Together};
pub use law::{Broken, Law, LawPart, Stretch, Tolerance};
pub use own::{FolderError, Own, OwnEntry};
pub use range::PhysicalRange;
pub use signal::{Form, Signal};
pub use statement::{Relation, Scope, Statement, Subject};

/// Signals, adapters, and which metric is which.
///
/// ```
/// use auscult_knowledge::{Known, Knowledge};
/// let knowledge = Knowledge::embedded();
/// let Some(Known::Signal { signal, .. }) = knowledge.look_up("vllm:gpu_cache_usage_perc") else {
///     panic!("an older name is known too");
/// };
/// assert_eq!(signal.name, "kv_cache_usage");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Knowledge {
    signals: Vec<Signal>,
    adapters: Vec<Adapter>,
    faults: Vec<Fault>,
    ranges: Vec<PhysicalRange>,
    constants: Constants,
    laws: Vec<Law>,
    /// Places of signals, by name.
    names: HashMap<String, usize>,
    /// Adapter and place among its mappings, or among what it ignores.
    metrics: HashMap<String, (usize, Entry)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Entry {
    /// Place of the mapping, and of its signal.
    Mapping(usize, usize),
    Ignored(usize),
}

/// What is known of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Known<'a> {
    /// It tells a signal.
    Signal {
        /// The signal.
        signal: &'a Signal,
        /// How it tells it.
        mapping: &'a Mapping,
        /// Of which program.
        adapter: &'a Adapter,
        /// What turns its readings into the signal's unit: the mapping's `scale`, and what its name
        /// says if it is exposed in another unit than the adapter knows.
        scale: f64,
    },
    /// It is not a measurement, or a misleading one.
    Ignored {
        /// Why.
        ignored: &'a Ignored,
        /// Of which program.
        adapter: &'a Adapter,
    },
}

/// In what readings are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantity<'a> {
    /// What they tell.
    pub signal: &'a Signal,
    /// What turns them into the signal's unit.
    pub scale: f64,
    /// Whether they are so much a second.
    pub per_second: bool,
}

impl Quantity<'_> {
    /// The unit in words, such as `bytes per second`.
    #[must_use]
    pub fn unit(&self) -> String {
        let unit = &self.signal.unit;
        if self.per_second { format!("{unit} per second") } else { unit.clone() }
    }
}
/// What counts and is of no unit with a range of its own: neither negative nor without end.
const ANY: [f64; 2] = [0.0, 1e15];

/// Endings of the parts of a histogram or summary, and of the mean that is made of them.
const PARTS: [&str; 5] = ["_bucket", "_sum", "_count", "_created", "_mean"];

impl Knowledge {
    /// What is built in.
    ///
    /// # Panics
    ///
    /// When that is broken, which a test rules out.
    #[must_use]
    pub fn embedded() -> Self {
        let adapters = embedded::ADAPTERS.iter().copied();
        let mut knowledge =
            Self::read(embedded::SIGNALS, adapters).expect("a test reads what is built in");
        for (file, text) in embedded::FAULTS {
            knowledge.add_faults(file, text).expect("a test reads what is built in");
        }
        let (file, text) = embedded::RANGES;
        knowledge.set_ranges(file, text).expect("a test reads what is built in");
        let (file, text) = embedded::CONSTANTS;
        knowledge.set_constants(file, text).expect("a test reads what is built in");
        let (file, text) = embedded::LAWS;
        knowledge.add_laws(file, text).expect("a test reads what is built in");
        knowledge
    }

    /// Reads what readings there can be, instead of what was known of it.
    ///
    /// # Errors
    ///
    /// [`KnowledgeError`] for what cannot be read, and for units and signals that there are not.
    pub fn set_ranges(&mut self, file: &str, text: &str) -> Result<(), KnowledgeError> {
        let ranges: Vec<PhysicalRange> = parse(file, text)?;
        let mut mistakes = Mistakes::default();
        for range in &ranges {
            check::range(self, range, &Path::default(), &mut mistakes);
        }
        mistakes.first().map_err(|what| KnowledgeError::contradiction(file, what))?;
        self.ranges = ranges;
        Ok(())
    }

    /// Reads the constants that laws may name, instead of those that were known.
    ///
    /// # Errors
    ///
    /// [`KnowledgeError`] for what cannot be read, for constants that are called as a signal is, and
    /// for values of constants that are not in the list.
    pub fn set_constants(&mut self, file: &str, text: &str) -> Result<(), KnowledgeError> {
        let constants: Constants = parse(file, text)?;
        let mut mistakes = Mistakes::default();
        let none = Self { constants: Constants::default(), ..self.clone() };
        check::constants(&none, &constants, &mut mistakes);
        mistakes.first().map_err(|what| KnowledgeError::contradiction(file, what))?;
        self.constants = constants;
        Ok(())
    }

    /// Reads a file of laws; those that are known already are replaced. What they say of faults
    /// becomes evidence of these: a breach supports or excludes, a law that holds excludes.
    ///
    /// # Errors
    ///
    /// [`KnowledgeError`], which names file and place, for what cannot be read, and for
    /// contradictions: a part that stands twice, a signal, constant, kind of target or fault that
    /// there is not.
    pub fn add_laws(&mut self, file: &str, text: &str) -> Result<(), KnowledgeError> {
        let laws: Vec<Law> = parse(file, text)?;
        for (place, law) in laws.iter().enumerate() {
            let refuse =
                |what: String| KnowledgeError::contradiction(file, format!("{}: {what}", law.law));
            if laws[..place].iter().any(|other| other.law == law.law) {
                return Err(refuse("the law stands twice".to_owned()));
            }
            let kept = self.laws.iter().filter(|other| laws.iter().all(|new| new.law != other.law));
            let others: HashSet<&str> = kept.chain(&laws[..place]).flat_map(Law::names).collect();
            if let Some(name) = law.names().find(|name| others.contains(name)) {
                return Err(refuse(format!("another law has a part `{name}`")));
            }
            let mut mistakes = Mistakes::default();
            check::law(self, law, &Path::default(), &mut mistakes);
            mistakes.first().map_err(refuse)?;
        }
        for law in laws {
            match self.laws.iter_mut().find(|known| known.law == law.law) {
                Some(known) => *known = law,
                None => self.laws.push(law),
            }
        }
        let laws = &self.laws;
        self.faults.iter_mut().for_each(|fault| fault.take_laws(laws));
        Ok(())
    }

    /// Reads a file of faults; those that are known already are replaced.
    ///
    /// # Errors
    ///
    /// [`KnowledgeError`], which names file and place, for what cannot be read, and for
    /// contradictions: a fault that stands twice, a signal or a kind of target that no adapter knows.
    pub fn add_faults(&mut self, file: &str, text: &str) -> Result<(), KnowledgeError> {
        let faults: Vec<Fault> = parse(file, text)?;
        for (place, fault) in faults.iter().enumerate() {
            let refuse = |what: String| {
                KnowledgeError::contradiction(file, format!("{}: {what}", fault.fault))
            };
            if faults[..place].iter().any(|other| other.fault == fault.fault) {
                return Err(refuse("the fault stands twice".to_owned()));
            }
            let mut mistakes = Mistakes::default();
            check::fault(self, fault, &Path::default(), &mut mistakes);
            mistakes.first().map_err(refuse)?;
        }
        for mut fault in faults {
            fault.take_laws(&self.laws);
            match self.faults.iter_mut().find(|known| known.fault == fault.fault) {
                Some(known) => *known = fault,
                None => self.faults.push(fault),
            }
        }
        Ok(())
    }

    /// Forgets the fault with this short name, so that it is one that nobody knows; whether there was one.
    /// What is said of it then tells how much an answer is worth where a cause is new.
    ///
    /// ```
    /// let mut knowledge = auscult_knowledge::Knowledge::embedded();
    /// assert!(knowledge.forget_fault("G1") && knowledge.fault_called("G1").is_none());
    /// assert!(!knowledge.forget_fault("G1"));
    /// ```
    pub fn forget_fault(&mut self, fault: &str) -> bool {
        let before = self.faults.len();
        self.faults.retain(|known| known.fault != fault);
        self.faults.len() < before
    }

    /// How often each statement held in simulated incidents, as `auscult_diagnose` reads it.
    #[must_use]
    pub fn experience() -> &'static str {
        static TEXT: LazyLock<String> = LazyLock::new(|| {
            let mut text = String::new();
            let unpacked = ZlibDecoder::new(embedded::EXPERIENCE).read_to_string(&mut text);
            unpacked.expect("the program carries what its own build packed");
            text
        });
        &TEXT
    }

    /// Every fault, in the order of the files.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The number, in [`Self::faults`], of the fault whose short name this is or what people call it,
    /// whatever the case of its letters.
    #[must_use]
    pub fn fault_called(&self, text: &str) -> Option<usize> {
        let is_it = |known: &str| known.eq_ignore_ascii_case(text);
        self.faults.iter().position(|fault| is_it(&fault.fault) || is_it(&fault.name))
    }

    /// Every law, in the order of the file.
    #[must_use]
    pub fn laws(&self) -> &[Law] {
        &self.laws
    }

    /// The part of a law with this name, and its law.
    #[must_use]
    pub fn law_part(&self, name: &str) -> Option<(&Law, &LawPart)> {
        let parts = self.laws.iter().flat_map(|law| law.parts.iter().map(move |part| (law, part)));
        parts.into_iter().find(|(_, part)| part.part == name)
    }

    /// Constants that laws may name, and what tells them.
    #[must_use]
    pub fn constants(&self) -> &Constants {
        &self.constants
    }

    /// Least and greatest reading of a signal that there can be at all.
    #[must_use]
    pub fn physical_range(&self, signal: &Signal) -> [f64; 2] {
        self.range_of(signal).map_or(ANY, |known| known.range)
    }

    /// Whether a signal may be no number though the telemetry is right, such as a loss.
    #[must_use]
    pub fn may_be_undefined(&self, signal: &Signal) -> bool {
        self.range_of(signal).is_some_and(|known| known.undefined)
    }

    fn range_of(&self, signal: &Signal) -> Option<&PhysicalRange> {
        let own = |range: &&PhysicalRange| range.signal.as_ref() == Some(&signal.name);
        let of_unit = |range: &&PhysicalRange| range.unit.as_ref() == Some(&signal.unit);
        self.ranges.iter().find(own).or_else(|| self.ranges.iter().find(of_unit))
    }

    /// The signal of this name.
    #[must_use]
    pub fn signal(&self, name: &str) -> Option<&Signal> {
        self.names.get(name).map(|place| &self.signals[*place])
    }

    /// Reads the file of signals and the files of adapters, each with its name.
    ///
    /// # Errors
    ///
    /// [`KnowledgeError`], which names file and place, for what cannot be read, and for
    /// contradictions: a signal or metric that stands twice, a signal that is not in the list.
    pub fn read<'t>(
        signals: (&str, &str),
        adapters: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Result<Self, KnowledgeError> {
        let (file, text) = signals;
        let signals: Vec<Signal> = parse(file, text)?;
        let mut knowledge = Self {
            signals,
            adapters: Vec::new(),
            faults: Vec::new(),
            ranges: Vec::new(),
            constants: Constants::default(),
            laws: Vec::new(),
            names: HashMap::new(),
            metrics: HashMap::new(),
        };
        for (place, signal) in knowledge.signals.iter().enumerate() {
            if knowledge.names.insert(signal.name.clone(), place).is_some() {
                let what = format!("signal `{}` stands twice", signal.name);
                return Err(KnowledgeError::contradiction(file, what));
            }
        }
        for (file, text) in adapters {
            knowledge.add(file, parse(file, text)?)?;
        }
        Ok(knowledge)
    }

    fn add(&mut self, file: &str, adapter: Adapter) -> Result<(), KnowledgeError> {
        let refuse = |what: String| KnowledgeError::contradiction(file, what);
        if self.adapters.iter().any(|other| other.adapter == adapter.adapter) {
            return Err(refuse(format!("adapter `{}` stands twice", adapter.adapter)));
        }
        self.adapters.push(adapter);
        let mut mistakes = Mistakes::default();
        self.claim(self.adapters.len() - 1, &mut mistakes);
        mistakes.first().map_err(refuse)
    }

    /// Says of the metrics of an adapter that it knows them.
    fn claim(&mut self, number: usize, mistakes: &mut Mistakes) {
        let top = Path::default();
        let adapter = &self.adapters[number];
        let mut claims: Vec<(Path, &String, Entry)> = Vec::new();
        for (place, mapping) in adapter.signals.iter().enumerate() {
            let path = top.key("signals").place(place);
            let signal = self.names.get(&mapping.signal).copied();
            let Some(signal) = signal else {
                let name = &mapping.signal;
                let near = check::meant(name, self.signals.iter().map(|known| known.name.as_str()));
                let what = format!("signal `{name}` is not in the list of signals{near}");
                mistakes.say(path.key("signal"), what);
                continue;
            };
            if let Err(what) = mapping.check(&self.signals[signal]) {
                mistakes.say(path.clone(), what);
            }
            let metrics = mapping.metrics.iter().enumerate();
            claims.extend(metrics.map(|(at, metric)| {
                (path.key("metrics").place(at), metric, Entry::Mapping(place, signal))
            }));
        }
        for (place, ignored) in adapter.ignored.iter().enumerate() {
            let path = top.key("ignored").place(place).key("metrics");
            let metrics = ignored.metrics.iter().enumerate();
            claims.extend(
                metrics.map(|(at, metric)| (path.place(at), metric, Entry::Ignored(place))),
            );
        }
        for (path, metric, entry) in claims {
            match self.metrics.get(metric) {
                None => {
                    self.metrics.insert(metric.clone(), (number, entry));
                }
                Some((other, _)) if *other == number => {
                    mistakes.say(path, format!("metric `{metric}` stands twice"));
                }
                Some((other, _)) => {
                    let other = &self.adapters[*other].adapter;
                    let what = format!(
                        "metric `{metric}` stands twice: adapter `{other}` knows it; an adapter of the same name takes its place"
                    );
                    mistakes.say(path, what);
                }
            }
        }
    }

    /// What is known of `metric`; the parts of a histogram or summary are known by its name, and
    /// what is exposed in another unit by the name that it would have in the one that is known.
    ///
    /// ```
    /// use auscult_knowledge::{Known, Knowledge};
    /// let knowledge = Knowledge::embedded();
    /// let metric = "gen_ai_server_time_to_first_token_milliseconds";
    /// let Some(Known::Signal { signal, scale, .. }) = knowledge.look_up(metric) else {
    ///     panic!("it is known in seconds");
    /// };
    /// assert_eq!((signal.unit.as_str(), scale), ("seconds", 0.001));
    /// ```
    #[must_use]
    pub fn look_up(&self, metric: &str) -> Option<Known<'_>> {
        self.known(metric, 1.0).or_else(|| {
            let mut others = unit::in_other_units(metric);
            others.find_map(|(name, factor)| self.known(&name, factor))
        })
    }

    /// In what the readings of `metric` are that are judged: counters by their growth a second,
    /// histograms by their figures. `None` where no signal is known, and for counts of histograms, which
    /// are not in its unit.
    #[must_use]
    pub fn quantity(&self, metric: &str) -> Option<Quantity<'_>> {
        let Some(Known::Signal { signal, mapping, scale, .. }) = self.look_up(metric) else {
            return None;
        };
        if mapping.kind.has_parts() && metric.ends_with("_count") {
            return None;
        }
        let is_rate = mapping.kind == MetricForm::Counter || signal.form == Form::Rate;
        Some(Quantity { signal, scale, per_second: is_rate })
    }

    fn known(&self, metric: &str, factor: f64) -> Option<Known<'_>> {
        let found = self.metrics.get(metric).or_else(|| {
            let family = PARTS.iter().find_map(|part| metric.strip_suffix(part))?;
            self.metrics.get(family).filter(|(adapter, entry)| match entry {
                Entry::Mapping(place, _) => {
                    self.adapters[*adapter].signals[*place].kind.has_parts()
                }
                Entry::Ignored(_) => true,
            })
        });
        let (adapter, entry) = found?;
        let adapter = &self.adapters[*adapter];
        Some(match entry {
            Entry::Mapping(mapping, signal) => Known::Signal {
                signal: &self.signals[*signal],
                mapping: &adapter.signals[*mapping],
                adapter,
                scale: adapter.signals[*mapping].scale * factor,
            },
            Entry::Ignored(place) => Known::Ignored { ignored: &adapter.ignored[*place], adapter },
        })
    }

    /// Every signal, in the order of the file.
    #[must_use]
    pub fn signals(&self) -> &[Signal] {
        &self.signals
    }

    /// Every adapter.
    #[must_use]
    pub fn adapters(&self) -> &[Adapter] {
        &self.adapters
    }
}

fn parse<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, KnowledgeError> {
    serde_saphyr::from_str(text).map_err(|error| KnowledgeError::unreadable(file, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_can_be_read_and_every_folder_entry_is() {
        let knowledge = Knowledge::embedded();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../knowledge/adapters");
        let files = std::fs::read_dir(folder).unwrap().count();
        assert_eq!(knowledge.adapters().len(), files);
        let told = |signal: &Signal| {
            let mut mappings =
                knowledge.adapters().iter().flat_map(|adapter| adapter.signals.iter());
            mappings.any(|mapping| mapping.signal == signal.name)
        };
        let untold: Vec<&str> = knowledge
            .signals()
            .iter()
            .filter(|signal| signal.derived.is_none() && !told(signal))
            .map(|signal| signal.name.as_str())
            .collect();
        assert!(untold.is_empty(), "no adapter tells {untold:?}");
    }

    #[test]
    fn parts_of_histograms_are_known_by_the_name_of_the_whole() {
        let knowledge = Knowledge::embedded();
        let name = |metric: &str| match knowledge.look_up(metric) {
            Some(Known::Signal { signal, .. }) => signal.name.clone(),
            Some(Known::Ignored { .. }) => "ignored".to_owned(),
            None => "unknown".to_owned(),
        };
        assert_eq!(name("vllm:time_to_first_token_seconds_bucket"), "time_to_first_token");
        assert_eq!(name("vllm:time_to_first_token_seconds_mean"), "time_to_first_token");
        assert_eq!(name("vllm:iteration_tokens_total_count"), "engine_steps");
        assert_eq!(name("vllm:iteration_tokens_total_bucket"), "step_tokens");
        assert_eq!(name("vllm:num_requests_running_bucket"), "unknown", "a gauge has no parts");
        assert_eq!(name("vllm:cache_config_info"), "ignored");
    }

    #[test]
    fn laws_name_signals_constants_kinds_and_faults_that_there_are() {
        let law = |part: &str, more: &str| {
            format!(
                "- law: x\n  about: y\n  references: [z]\n  parts:\n    - part: p\n      of: replica\n      {part}\n      tolerance: {{share: 0, least: 0, why: w}}\n      broken: {{means: m{more}}}\n"
            )
        };
        let refused = |text: &str| {
            let mut knowledge = Knowledge::embedded();
            knowledge.add_laws("l.yaml", text).unwrap_err().to_string()
        };
        for (part, more, reason) in [
            (
                "says: engine_stepz >= 1",
                "",
                "`engine_stepz >= 1`: there is no signal or constant `engine_stepz`; did you mean `engine_steps`?",
            ),
            (
                "says: gpu_bandwith >= 1",
                "",
                "`gpu_bandwith >= 1`: there is no signal or constant `gpu_bandwith`; did you mean `gpu_bandwidth`?",
            ),
            (
                "says: sum(engine_steps) >= 1",
                "",
                "`sum(engine_steps) >= 1`: `engine_steps` is no distribution, so that nothing can be counted of it",
            ),
            (
                "says: engine_steps >= 1",
                ", points_to: [E99]",
                "there is no fault `E99`; did you mean `E9`?",
            ),
            (
                "says: engine_steps >= 1",
                ", untrusted: [engine_step]",
                "no adapter tells a signal `engine_step`; did you mean `engine_steps`?",
            ),
        ] {
            assert_eq!(refused(&law(part, more)), format!("l.yaml: x: p: {reason}"));
        }
        let told_by = law("says: engine_steps >= 1\n      told_by: [vlm]", "");
        let reason = "there is no adapter `vlm`; did you mean `vllm`?";
        assert_eq!(refused(&told_by), format!("l.yaml: x: p: {reason}"));
        let taken = law("says: engine_steps >= 1", "").replace("part: p", "part: heartbeat");
        assert_eq!(refused(&taken), "l.yaml: x: another law has a part `heartbeat`");
        let wrong = refused(&law("says: engine_steps > 1", ""));
        assert!(wrong.contains("`>` means nothing in a formula"), "{wrong}");
    }

    #[test]
    fn what_laws_say_of_faults_is_evidence_of_them() {
        let knowledge = Knowledge::embedded();
        assert_eq!(knowledge.laws().len(), 14);
        let fault = |name| knowledge.faults().iter().find(|fault| fault.fault == name).unwrap();
        let has = |list: &[Statement], text: &str| list.iter().any(|said| said.text == text);
        assert!(has(&fault("E12").supporting, "law step_tokens breaks"));
        assert!(has(&fault("E1").excluded_by, "law heartbeat holds"));
        assert!(has(&fault("E6").excluded_by, "replica: law front_end holds"));
        // Reading faults anew does not lose it, and reading laws anew does not double it.
        let mut again = Knowledge::embedded();
        let (file, text) = embedded::FAULTS[2];
        again.add_faults(file, text).unwrap();
        let (file, text) = embedded::LAWS;
        again.add_laws(file, text).unwrap();
        assert_eq!(again.faults(), knowledge.faults());
    }

    #[test]
    fn what_cannot_be_is_refused_in_a_sentence() {
        let signals = ("signals.yaml", "- {name: power, unit: watts, form: level, about: x}\n");
        let refused = |adapter: &str| {
            Knowledge::read(signals, [("a.yaml", adapter)]).unwrap_err().to_string()
        };
        let head =
            "adapter: a\nabout: x\nsource: y\ntarget: {kind: gpu, labels: [gpu]}\nignored: []\n";
        let unknown = format!("{head}signals:\n  - {{signal: powr, metrics: [p], kind: gauge}}\n");
        assert_eq!(
            refused(&unknown),
            "a.yaml: signal `powr` is not in the list of signals; did you mean `power`?"
        );
        let twice =
            format!("{head}signals:\n  - {{signal: power, metrics: [p, p], kind: gauge}}\n");
        assert_eq!(refused(&twice), "a.yaml: metric `p` stands twice");
        let scale =
            format!("{head}signals:\n  - {{signal: power, metrics: [p], kind: gauge, scale: 0}}\n");
        assert_eq!(refused(&scale), "a.yaml: the scale of `power` is 0; expected a number above 0");
        let key = format!("{head}signal: []\n");
        let error = refused(&key);
        assert!(error.starts_with("a.yaml") && error.contains("signal"), "{error}");
    }
}

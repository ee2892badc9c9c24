//! What is known of the programs that are watched, as data.
//!
//! `knowledge/signals.yaml` lists the *signals*: the names that auscult reasons in.
//! Each file in `knowledge/adapters` says by which metrics one program tells them. Both are
//! built into the program and checked by a test; [`Knowledge::read`] reads other ones.

mod adapter;
mod check;
mod contrast;
mod embedded;
mod error;
mod fault;
mod signal;
mod statement;
mod unit;

use std::collections::HashMap;

pub use adapter::{Adapter, Ignored, Mapping, MetricForm, Target};
pub use contrast::{Confusable, Contrast, Why};
pub use error::KnowledgeError;
pub use fault::{ConfusedWith, Fault, Prior, Remedy};
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
        knowledge
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
            check::fault(self, fault).map_err(refuse)?;
        }
        for fault in faults {
            match self.faults.iter_mut().find(|known| known.fault == fault.fault) {
                Some(known) => *known = fault,
                None => self.faults.push(fault),
            }
        }
        Ok(())
    }

    /// How often each statement held in simulated incidents, as `auscult_diagnose` reads it.
    #[must_use]
    pub fn experience() -> &'static str {
        embedded::EXPERIENCE
    }

    /// Every fault, in the order of the files.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The signal of this name.
    #[must_use]
    pub fn signal(&self, name: &str) -> Option<&Signal> {
        self.signals.iter().find(|signal| signal.name == name)
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
        let mut knowledge =
            Self { signals, adapters: Vec::new(), faults: Vec::new(), metrics: HashMap::new() };
        for (place, signal) in knowledge.signals.iter().enumerate() {
            if knowledge.signals[..place].iter().any(|other| other.name == signal.name) {
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
        let number = self.adapters.len();
        let mut claim = |metric: &String, entry: Entry| match self
            .metrics
            .insert(metric.clone(), (number, entry))
        {
            Some(_) => Err(refuse(format!("metric `{metric}` stands twice"))),
            None => Ok(()),
        };
        for (place, mapping) in adapter.signals.iter().enumerate() {
            let signal = self.signals.iter().position(|signal| signal.name == mapping.signal);
            let signal = signal.ok_or_else(|| {
                refuse(format!("signal `{}` is not in the list of signals", mapping.signal))
            })?;
            mapping.check(&self.signals[signal]).map_err(refuse)?;
            for metric in &mapping.metrics {
                claim(metric, Entry::Mapping(place, signal))?;
            }
        }
        for (place, ignored) in adapter.ignored.iter().enumerate() {
            ignored.metrics.iter().try_for_each(|metric| claim(metric, Entry::Ignored(place)))?;
        }
        self.adapters.push(adapter);
        Ok(())
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
            .filter(|signal| !told(signal))
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
    fn what_cannot_be_is_refused_in_a_sentence() {
        let signals = ("signals.yaml", "- {name: power, unit: watts, form: level, about: x}\n");
        let refused = |adapter: &str| {
            Knowledge::read(signals, [("a.yaml", adapter)]).unwrap_err().to_string()
        };
        let head =
            "adapter: a\nabout: x\nsource: y\ntarget: {kind: gpu, labels: [gpu]}\nignored: []\n";
        let unknown = format!("{head}signals:\n  - {{signal: powr, metrics: [p], kind: gauge}}\n");
        assert_eq!(refused(&unknown), "a.yaml: signal `powr` is not in the list of signals");
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

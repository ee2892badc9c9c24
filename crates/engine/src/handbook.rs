//! The handbook: what incidents are diagnosed by.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use auscult_core::nearest;
use auscult_diagnose::diagnosis::{
    Cases, Doctor, Experience, Prepared, PriorShare, Weights, Witness,
};
use auscult_diagnose::scene::{self, Surroundings};
use auscult_knowledge::{FolderError, Knowledge, Own};

use crate::incident::Incident;

static EMBEDDED: LazyLock<Handbook> =
    LazyLock::new(|| Handbook::new(Arc::new(Knowledge::embedded()), &Experience::embedded()));

/// What incidents are diagnosed by: faults, laws and adapters; what past incidents showed of them;
/// constants that laws name; and, where there is one, a learnt model.
///
/// Making one takes some ten milliseconds; cases borrow it.
///
/// ```
/// let handbook = auscult_engine::Handbook::embedded();
/// let fault = handbook.fault_named("g1").unwrap().unwrap();
/// assert_eq!((fault.id, fault.name, fault.place), ("G1", "thermal throttle", "gpu"));
/// assert_eq!(handbook.fault_named("a loose cable"), Ok(None));
/// assert!(handbook.fault_named("G99").unwrap_err().contains("no fault `G99`"));
/// ```
#[derive(Debug, Clone)]
pub struct Handbook {
    knowledge: Arc<Knowledge>,
    prepared: Prepared,
    constants: BTreeMap<String, f64>,
    witness: Option<Witness>,
}

/// What a fault of the handbook is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultName<'h> {
    /// Its short name, such as `G1`.
    pub id: &'h str,
    /// What people call it.
    pub name: &'h str,
    /// The kind of target that it is a fault of.
    pub place: &'h str,
    /// Whether it is healthy after all, and only looks like a fault.
    pub benign: bool,
}

impl Handbook {
    /// What is built in.
    #[must_use]
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    fn new(knowledge: Arc<Knowledge>, experience: &Experience) -> Self {
        let prepared = Prepared::new(&knowledge, experience, Weights::default());
        Self { knowledge, prepared, constants: BTreeMap::new(), witness: None }
    }

    /// What is built in, with what `folder` says laid over it ([`Knowledge::with_folder`]), and what
    /// that is. A fault whose evidence is another than that of the fault of its name that is built in
    /// is weighed by the handbook alone: what past incidents showed was of another fault.
    ///
    /// # Errors
    ///
    /// All that is wrong with the folder.
    pub fn with_folder(folder: &Path) -> Result<(Self, Own), FolderError> {
        let embedded = Self::embedded().knowledge();
        let (knowledge, own) = embedded.with_folder(folder)?;
        let mut experience = Experience::embedded();
        for fault in knowledge.faults() {
            let known = embedded.faults().iter().find(|known| known.fault == fault.fault);
            let is_same = known.is_some_and(|known| {
                (&known.place, &known.required, &known.supporting)
                    == (&fault.place, &fault.required, &fault.supporting)
                    && (&known.against, &known.excluded_by) == (&fault.against, &fault.excluded_by)
            });
            if !is_same {
                experience.forget(&fault.fault);
            }
        }
        Ok((Self::new(Arc::new(knowledge), &experience), own))
    }

    /// Sets a constant that laws name, for every case; what labels tell counts where it is not set.
    ///
    /// # Errors
    ///
    /// When there is no such constant, or the value is no number above 0.
    pub fn know(&mut self, constant: &str, value: f64) -> Result<(), String> {
        self.knowledge.constants().accept(constant, value)?;
        self.constants.insert(constant.to_owned(), value);
        Ok(())
    }

    /// Hears a tree or forest that was learnt from past incidents as one more witness of every case.
    pub fn hear(&mut self, witness: Witness) {
        self.witness = Some(witness);
    }

    /// Faults, laws and adapters.
    #[must_use]
    pub fn knowledge(&self) -> &Arc<Knowledge> {
        &self.knowledge
    }

    /// Whether a diagnosis can tell something by series of this metric.
    #[must_use]
    pub fn reads(&self, metric: &str) -> bool {
        scene::reads(&self.knowledge, metric)
    }

    /// What there is around `incident`, before any of it is read: nothing yet but where it was noticed.
    #[must_use]
    pub fn around(&self, incident: &Incident) -> Surroundings<'_> {
        let mut around = Surroundings::new(&self.knowledge);
        incident.members.iter().for_each(|member| around.notice(&member.series));
        around
    }

    /// Constants that were set.
    pub(crate) fn constants(&self) -> &BTreeMap<String, f64> {
        &self.constants
    }

    pub(crate) fn doctor(&self) -> Doctor<'_> {
        self.prepared.doctor(&self.knowledge)
    }

    /// The learnt model that is heard beside the evidence.
    pub(crate) fn witness(&self) -> Option<&Witness> {
        self.witness.as_ref()
    }

    /// The fault that `text` means by its short name or by what people call it, whatever the case of
    /// its letters; `None` for words that mean none.
    ///
    /// # Errors
    ///
    /// A sentence for what looks like a short name and is none.
    pub fn fault_named(&self, text: &str) -> Result<Option<FaultName<'_>>, String> {
        let text = text.trim();
        let faults = self.knowledge.faults();
        if let Some(number) = self.knowledge.fault_called(text) {
            let fault = &faults[number];
            return Ok(Some(FaultName {
                id: &fault.fault,
                name: &fault.name,
                place: &fault.place,
                benign: fault.benign,
            }));
        }
        let letters = text.chars().take_while(char::is_ascii_alphabetic).count();
        let looks_like_one = (1..=2).contains(&letters)
            && text.len() > letters
            && text[letters..].chars().all(|letter| letter.is_ascii_digit());
        if !looks_like_one {
            return Ok(None);
        }
        let hint = nearest(text, faults.iter().map(|fault| fault.fault.as_str()))
            .map_or_else(String::new, |near| format!(" did you mean {near}?"));
        Err(format!(
            "the handbook has no fault `{text}`:{hint} `auscult faults` lists them; a cause of your own is told in words"
        ))
    }

    /// How likely each cause is before any evidence, where incidents turned out to be what `cases` say.
    #[must_use]
    pub fn priors(&self, cases: &Cases) -> Vec<PriorShare> {
        self.doctor().with_cases(cases).priors().shares(&self.knowledge)
    }
}

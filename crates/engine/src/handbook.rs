//! The handbook of faults, as those ask it who speak of incidents.

use auscult_core::nearest;
use auscult_diagnose::diagnosis::{Cases, PriorShare};

use crate::case::{DOCTOR, KNOWLEDGE};

/// What a fault of the handbook is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultName {
    /// Its short name, such as `G1`.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// The kind of target that it is a fault of.
    pub place: &'static str,
    /// Whether it is healthy after all, and only looks like a fault.
    pub benign: bool,
}

/// The fault that `text` means by its short name or by what people call it, whatever the case of
/// its letters; `None` for words that mean none.
///
/// # Errors
///
/// A sentence for what looks like a short name and is none.
///
/// ```
/// let fault = auscult_engine::fault_named("g1").unwrap().unwrap();
/// assert_eq!((fault.id, fault.name, fault.place), ("G1", "thermal throttle", "gpu"));
/// assert_eq!(auscult_engine::fault_named("a loose cable"), Ok(None));
/// assert!(auscult_engine::fault_named("G99").unwrap_err().contains("no fault `G99`"));
/// ```
pub fn fault_named(text: &str) -> Result<Option<FaultName>, String> {
    let text = text.trim();
    let faults = KNOWLEDGE.faults();
    let is_it = |known: &str| known.eq_ignore_ascii_case(text);
    if let Some(fault) = faults.iter().find(|fault| is_it(&fault.fault) || is_it(&fault.name)) {
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
pub fn priors(cases: &Cases) -> Vec<PriorShare> {
    DOCTOR.with_cases(cases).priors().shares(&KNOWLEDGE)
}

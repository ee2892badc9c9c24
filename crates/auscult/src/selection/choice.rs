//! The ready configuration: what `select` writes and `detect --config` reads.

use std::path::Path;

use auscult_core::SettingsMap;
use serde::{Deserialize, Serialize};

use super::Learning;
use crate::outcome::CallError;

/// The columns that a method was chosen for.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    /// As the input names them.
    pub judged: Vec<String>,
    /// The same, counters called by their rates.
    pub titles: Vec<String>,
    /// Those of them that are counters.
    pub counters: Vec<String>,
}

/// A method, its settings and a threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Choice {
    /// The method.
    pub method: String,
    /// Settings that differ from the defaults.
    #[serde(default)]
    pub settings: SettingsMap,
    /// How it learns.
    #[serde(default)]
    pub learning: Option<Learning>,
    /// Score above which a row is an anomaly; the method's own when absent.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// Columns it was chosen for; they are judged unless `--column` names others.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Those of them that are counters, unless `--counter` names others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counters: Vec<String>,
    /// Why it was chosen, in words.
    #[serde(default)]
    pub reasons: Vec<String>,
}

impl Choice {
    /// Reads a configuration.
    pub(crate) fn read(path: &Path) -> Result<Self, CallError> {
        let name = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| CallError::input(format!("{name}: {error}")))?;
        Self::parse(&text, &name)
    }

    /// Reads the `text` of the configuration called `name`.
    fn parse(text: &str, name: &dyn std::fmt::Display) -> Result<Self, CallError> {
        let choice: Self = serde_json::from_str(text).map_err(|error| {
            CallError::input(format!(
                "{name}: expected a configuration of `auscult select`: {error}"
            ))
        })?;
        if choice.threshold.is_some_and(|score| !score.is_finite() || score < 0.0) {
            return Err(CallError::input(format!("{name}: `threshold` must not be negative")));
        }
        Ok(choice)
    }

    /// The configuration as a file holds it.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("a choice is plain data") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let text = r#"{"method": "zscore", "settings": {"ddof": "1"}, "threshold": 3.5, "columns": ["load"]}"#;
        let choice = Choice::parse(text, &"choice.json").expect("a configuration");
        assert_eq!(Choice::parse(&choice.text(), &"choice.json").expect("its own text"), choice);
        assert_eq!(choice.columns, ["load"]);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_every_refusal_names_the_file(text in any::<String>()) {
            if let Err(error) = Choice::parse(&text, &"choice.json") {
                prop_assert!(error.to_string().starts_with("choice.json: "));
            }
        }

        #[test]
        fn a_damaged_configuration_is_refused_or_read(at in 0_usize..80, byte in any::<char>()) {
            let text = r#"{"method": "zscore", "settings": {"ddof": "1"}, "threshold": 3.5}"#;
            let mut characters: Vec<char> = text.chars().collect();
            let at = at % characters.len();
            characters[at] = byte;
            let damaged: String = characters.into_iter().collect();
            if let Ok(choice) = Choice::parse(&damaged, &"choice.json") {
                prop_assert!(choice.threshold.is_none_or(|score| score >= 0.0));
            }
        }
    }
}

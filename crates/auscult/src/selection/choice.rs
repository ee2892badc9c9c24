//! The ready configuration: what `select` writes and `detect --config` reads.

use std::path::Path;

use auscult_core::SettingsMap;
use serde::{Deserialize, Serialize};

use super::Learning;
use crate::outcome::CallError;

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
    /// Columns it was chosen for.
    #[serde(default)]
    pub columns: Vec<String>,
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
        let choice: Self = serde_json::from_str(&text).map_err(|error| {
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

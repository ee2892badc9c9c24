//! What readings there can be at all, unit by unit.

use schemars::JsonSchema;
use serde::Deserialize;

/// The readings that a unit, or a signal, can have.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PhysicalRange {
    /// The unit that it is of.
    #[serde(default)]
    pub unit: Option<String>,
    /// The signal that it is of, where that is not as others of its unit.
    #[serde(default)]
    pub signal: Option<String>,
    /// Least and greatest reading.
    pub range: [f64; 2],
    /// Whether what is computed may be no number, so that it is no sign of broken telemetry.
    #[serde(default)]
    pub undefined: bool,
    /// Why.
    pub why: String,
}

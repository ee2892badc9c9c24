//! The names that auscult reasons in.

use schemars::JsonSchema;
use serde::Deserialize;

/// A measurement, whatever a program calls it.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// What it is called.
    pub name: String,
    /// In what it is measured.
    pub unit: String,
    /// What a reading is.
    pub form: Form,
    /// What it means, for people.
    pub about: String,
    /// From which others it follows, where no program tells it.
    #[serde(default)]
    pub derived: Option<String>,
    /// Whether it is 0 all the while where what it counts is not in use: how it moves says nothing then.
    #[serde(default)]
    pub optional: bool,
}

/// What a reading of a signal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// How much there is now.
    Level,
    /// How much comes in a second.
    Rate,
    /// Of the observations since the reading before.
    Distribution,
    /// A code, or yes and no.
    State,
}

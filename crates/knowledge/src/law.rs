//! Laws: what measurements must obey, whatever is wrong with a model, a host or a GPU.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::formula::Formula;

/// A law of queueing, arithmetic or hardware.
///
/// A law holds within a tolerance, or it is broken: then the telemetry is wrong, or what the law
/// takes for granted is.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Law {
    /// What people call it.
    pub law: String,
    /// What it says, in a sentence or two.
    pub about: String,
    /// Each relation that is checked.
    pub parts: Vec<LawPart>,
    /// Where it is from.
    pub references: Vec<String>,
}

/// A relation between the signals of one target.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LawPart {
    /// Its short name, in one word, as `law NAME breaks` in evidence calls it.
    pub part: String,
    /// The kind of target whose signals it is about.
    pub of: String,
    /// The relation.
    pub says: Formula,
    /// Whether it may hold or not where all is well: it only tells causes apart.
    #[serde(default)]
    pub either: bool,
    /// Only readings at which this holds as well.
    #[serde(default)]
    pub when: Option<Formula>,
    /// Which readings it is checked on.
    #[serde(default)]
    pub over: Stretch,
    /// Whether the middle of the readings has to obey rather than their mean, where a few high ones would
    /// hide how most are.
    #[serde(default)]
    pub middle: bool,
    /// Adapters whose program counts in the way that the relation needs; empty for any.
    #[serde(default)]
    pub told_by: Vec<String>,
    /// How far the sides may lie apart.
    pub tolerance: Tolerance,
    /// What it means that it is broken.
    pub broken: Broken,
    /// Faults that cannot be where it holds.
    #[serde(default)]
    pub holds_excludes: Vec<String>,
}

/// A stretch of the incident.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stretch {
    /// From its beginning to its end.
    #[default]
    Whole,
    /// The last third of it: how things stand now.
    End,
}

/// How far two sides may lie apart: by `share` of the right one and `least` together.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// As a share of the right side, 0 or more.
    pub share: f64,
    /// In the unit of the sides, 0 or more.
    pub least: f64,
    /// Why so much.
    pub why: String,
}

/// What a breach means.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Broken {
    /// In a sentence.
    pub means: String,
    /// Signals of the target that are not to be trusted then.
    #[serde(default)]
    pub untrusted: Vec<String>,
    /// Faults that a new breach speaks for.
    #[serde(default)]
    pub points_to: Vec<String>,
    /// Faults that cannot be where it is newly broken.
    #[serde(default)]
    pub excludes: Vec<String>,
    /// Whether those who use the target are hurt where it is newly broken: something is wrong then, whatever it is.
    #[serde(default)]
    pub hurts: bool,
}

impl Law {
    /// The names of its parts.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|part| part.part.as_str())
    }
}

impl LawPart {
    /// Faults that it says something of.
    pub fn faults(&self) -> impl Iterator<Item = &str> {
        let named = self.broken.points_to.iter().chain(&self.broken.excludes);
        named.chain(&self.holds_excludes).map(String::as_str)
    }
}

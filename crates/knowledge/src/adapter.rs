//! By which metrics a program tells signals.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Signal;

/// What is known of one program's metrics.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Adapter {
    /// What it is called.
    pub adapter: String,
    /// Which program, and what to mind.
    pub about: String,
    /// Where its metrics are documented.
    pub source: String,
    /// What its series are of.
    pub target: Target,
    /// The label that names the model that is served.
    #[serde(default)]
    pub model: Option<String>,
    /// Its metrics.
    pub signals: Vec<Mapping>,
    /// Metrics that are no measurements, or misleading ones.
    #[serde(default)]
    pub ignored: Vec<Ignored>,
    /// Faults that the program cannot have, as it does nothing of what they take.
    #[serde(default)]
    pub never: Vec<Never>,
}

/// A fault that a program cannot have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Never {
    /// Its short name.
    pub fault: String,
    /// Why not.
    pub why: String,
}

/// What series are of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// A word for it, such as `replica` or `gpu`.
    pub kind: String,
    /// The labels that tell one from another.
    pub labels: Vec<String>,
}

/// A signal, and the metrics that tell it.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The signal.
    pub signal: String,
    /// Names of the metric, current ones first.
    pub metrics: Vec<String>,
    /// What the samples of the metric are.
    pub kind: MetricForm,
    /// What turns the metric's unit into the signal's, above 0.
    #[serde(default = "one")]
    pub scale: f64,
    /// Least and greatest reading that there can be, in the signal's unit.
    #[serde(default)]
    pub range: Option<[f64; 2]>,
    /// What the series of this metric are of, where that is not what the others are of.
    #[serde(default)]
    pub target: Option<Target>,
    /// What to mind.
    #[serde(default)]
    pub note: Option<String>,
}

fn one() -> f64 {
    1.0
}

impl Mapping {
    /// Says what cannot be in it.
    pub(crate) fn check(&self, signal: &Signal) -> Result<(), String> {
        let name = &signal.name;
        if !(self.scale > 0.0 && self.scale.is_finite()) {
            let scale = self.scale;
            return Err(format!("the scale of `{name}` is {scale}; expected a number above 0"));
        }
        if self.range.is_some_and(|[low, high]| low >= high) {
            return Err(format!(
                "the range of `{name}` is empty; expected the smaller number first"
            ));
        }
        if self.metrics.is_empty() {
            return Err(format!("`{name}` has no metrics; expected one at least"));
        }
        Ok(())
    }
}

/// Metrics to leave alone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ignored {
    /// Their names.
    pub metrics: Vec<String>,
    /// Why.
    pub why: String,
}

/// What the samples of a metric are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MetricForm {
    /// They go up and down.
    Gauge,
    /// They only grow, and begin anew at 0.
    Counter,
    /// Buckets, sum and count.
    Histogram,
    /// Quantiles, sum and count.
    Summary,
}

impl MetricForm {
    pub(crate) fn has_parts(self) -> bool {
        matches!(self, Self::Histogram | Self::Summary)
    }
}

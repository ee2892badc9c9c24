//! What a person wants of some series: which departures count, when, and how much they matter.

mod held;
mod maintenance;
mod method;
mod resolved;

use std::time::Duration;

use auscult_core::units::AsSomeDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::selector::Selector;

pub use held::HeldField;
pub use maintenance::{Maintenance, MaintenanceError, Weekday};
pub use method::{AssignedMethod, Judging, MethodError};
pub(crate) use resolved::{JointMethod, Policies, Resolved};

/// What a person wants of the series that `match` means.
///
/// Several policies may match a series. They stand in a list, and are laid over each other in
/// its order: of each field, the last policy that sets it holds. What none sets is as without
/// any policy.
///
/// ```
/// use auscult_engine::{Direction, Policy};
/// let policy: Policy = serde_json::from_str(
///     r#"{"match": "{job=\"vllm\"}", "direction": "up", "for": "2m"}"#,
/// )?;
/// assert_eq!(policy.direction, Some(Direction::Up));
/// assert!(serde_json::from_str::<Policy>(r#"{"directoin": "up"}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// The series that it holds for, as a series selector of Prometheus, such as
    /// `{job="vllm", __name__=~"vllm:.*"}`; every series where it is left out. Series that are
    /// made of a histogram are matched by what they are called, such as `ttft_seconds_mean`.
    #[serde(rename = "match")]
    pub selector: Selector,
    /// Which departures count: `up` those above what is expected, `down` those below, `both`
    /// without a policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// Least distance from what is expected that counts, at least 0, in the unit of the reading;
    /// for counters per second.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "not_negative")]
    pub least_change: Option<f64>,
    /// Least distance from what is expected that counts, at least 0, as a share of what is
    /// expected: 0.1 is a tenth. Where `least_change` is set too, both must be reached.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "not_negative")]
    pub least_relative_change: Option<f64>,
    /// How long a departure must last before it counts, such as `5m`. It lasts while readings
    /// are odd, or stay on its side at least half as far from what was expected as the first
    /// odd one; the first reading that does neither ends it. Readings outside `valid_range`
    /// and targets that do not answer have to last so long too.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none", with = "AsSomeDuration")]
    pub lasting: Option<Duration>,
    /// Readings outside are always an alarm, from the first sample on, whatever history says;
    /// `direction`, `least_change` and `least_relative_change` do not matter to them.
    /// For counters, the bounds are rates per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_range: Option<ValidRange>,
    /// When the series is in maintenance: it is then neither judged nor learnt nor compared
    /// with its peers, and its silence is no alarm. An empty list takes back what an earlier
    /// policy said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<Vec<Maintenance>>,
    /// How much an alarm of the series matters: `info`, `warning` (without a policy) or
    /// `critical`. An incident has the highest of its alarms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// `false`: the series is not judged at all, and costs no more than its labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch: Option<bool>,
    /// Labels that set the siblings of the series apart, in place of those of the engine; an
    /// empty list: it is not compared with siblings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_labels: Option<Vec<String>>,
    /// A method of the catalogue that judges the series by itself, in place of the default
    /// detector once its own history says how rare its scores are; the default one goes on besides.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "method::alone")]
    pub method: Option<AssignedMethod>,
    /// A method of the catalogue that judges the series of this policy that one target has
    /// jointly, at each tick; what it finds counts as one more series of the target.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "method::jointly")]
    pub joint_method: Option<AssignedMethod>,
}

/// On which side of what is expected departures count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Above.
    Up,
    /// Below.
    Down,
    /// On either side.
    #[default]
    Both,
}

/// How much an alarm matters; later ones matter more.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Deserialize,
    Serialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// To be known.
    Info,
    /// To be looked at.
    #[default]
    Warning,
    /// To be looked at now.
    Critical,
}

impl Severity {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// The readings that can be: at least `low` and at most `high`, where they are given.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "Bounds", into = "Bounds")]
pub struct ValidRange {
    low: Option<f64>,
    high: Option<f64>,
}

impl ValidRange {
    /// From `low` to `high`.
    ///
    /// # Errors
    ///
    /// A sentence if neither is given, one is not finite, or `low` is not below `high`.
    pub fn new(low: Option<f64>, high: Option<f64>) -> Result<Self, String> {
        if low.is_none() && high.is_none() {
            return Err("valid_range needs `low`, `high` or both".to_owned());
        }
        if low.into_iter().chain(high).any(|bound| !bound.is_finite()) {
            return Err("the bounds of valid_range must be finite numbers".to_owned());
        }
        match (low, high) {
            (Some(low), Some(high)) if low >= high => {
                Err(format!("valid_range: low = {low} must be below high = {high}"))
            }
            _ => Ok(Self { low, high }),
        }
    }

    /// The least reading that can be.
    #[must_use]
    pub const fn low(&self) -> Option<f64> {
        self.low
    }

    /// The greatest reading that can be.
    #[must_use]
    pub const fn high(&self) -> Option<f64> {
        self.high
    }

    /// The bound that `reading` passes, if it does.
    #[must_use]
    pub fn passed(&self, reading: f64) -> Option<f64> {
        let below = self.low.filter(|low| reading < *low);
        below.or_else(|| self.high.filter(|high| reading > *high))
    }
}

/// The bounds of readings.
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Bounds {
    /// The least reading that can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    low: Option<f64>,
    /// The greatest reading that can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    high: Option<f64>,
}

impl TryFrom<Bounds> for ValidRange {
    type Error = String;

    fn try_from(bounds: Bounds) -> Result<Self, String> {
        Self::new(bounds.low, bounds.high)
    }
}

impl From<ValidRange> for Bounds {
    fn from(range: ValidRange) -> Self {
        Self { low: range.low, high: range.high }
    }
}

fn not_negative<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let number = f64::deserialize(deserializer)?;
    if number.is_finite() && number >= 0.0 {
        Ok(Some(number))
    } else {
        Err(serde::de::Error::custom(format!("{number} is below 0 or not finite")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_mistakes_are_told() {
        let policy: Policy = serde_json::from_value(serde_json::json!({
            "match": "up{job=~\"llm-.*\"}", "direction": "down", "least_change": 2.5,
            "least_relative_change": 0.1, "for": "1m30s", "valid_range": {"high": 85},
            "maintenance": [{"days": ["sat", "sun"], "from": "22:00", "to": "02:30",
                "time_zone": "Europe/Berlin"}],
            "severity": "critical", "watch": true, "member_labels": ["gpu"],
            "method": {"name": "matrix-profile", "settings": {"window": 40}},
            "joint_method": {"name": "none"},
        }))
        .unwrap();
        let json = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy);
        assert_eq!(policy.lasting, Some(Duration::from_secs(90)));
        for (wrong, expected) in [
            (r#"{"least_change": -1}"#, "below 0"),
            (r#"{"for": "90"}"#, "expected one such as"),
            (r#"{"match": "up{"}"#, "expected the name of a label"),
            (r#"{"valid_range": {"low": 2, "high": 1}}"#, "must be below"),
            (r#"{"valid_range": {}}"#, "needs `low`, `high` or both"),
            (r#"{"severity": "fatal"}"#, "fatal"),
            (r#"{"direction": "sideways"}"#, "sideways"),
            (r#"{"methd": {"name": "zscore"}}"#, "unknown field"),
            (r#"{"method": {"name": "z-score"}}"#, "did you mean `zscore`?"),
            (r#"{"method": {"name": "cusum", "settings": {"treshold": 3}}}"#, "has no setting"),
            (r#"{"joint_method": {"name": "cusum"}}"#, "assign it as `method`"),
            (r#"{"method": {"settings": {}}}"#, "missing field `name`"),
        ] {
            let error = serde_json::from_str::<Policy>(wrong).expect_err(wrong).to_string();
            assert!(error.contains(expected), "{wrong}: {error}");
        }
    }
}

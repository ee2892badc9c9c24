//! Which fields of policies hold for a series, and where they come from.

use auscult_core::LabelsRef;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Policy;

/// A field as it holds for a series.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HeldField {
    /// What it is called in a policy.
    pub field: String,
    /// What it says; `null` for one that nothing is said of.
    pub value: Value,
    /// The policy that it comes from, counted from 1; `null` for what holds without any.
    pub policy: Option<usize>,
}

/// Every field, and what it is without any policy.
fn unsaid() -> [(&'static str, Value); 11] {
    [
        ("watch", Value::Bool(true)),
        ("severity", Value::from("warning")),
        ("direction", Value::from("both")),
        ("least_change", Value::from(0.0)),
        ("least_relative_change", Value::from(0.0)),
        ("for", Value::from("0")),
        ("valid_range", Value::Null),
        ("maintenance", Value::Array(Vec::new())),
        ("member_labels", Value::Null),
        ("method", Value::Null),
        ("joint_method", Value::Null),
    ]
}

impl Policy {
    /// What each field is that `policies` together have hold for the series `labels`, and which
    /// policies match it, counted from 1.
    ///
    /// ```
    /// use auscult_core::Labels;
    /// use auscult_engine::Policy;
    /// let policy = |json| serde_json::from_str::<Policy>(json);
    /// let policies = [
    ///     policy(r#"{"match": "up", "severity": "info", "for": "2m"}"#)?,
    ///     policy(r#"{"match": "down"}"#)?,
    ///     policy(r#"{"severity": "critical"}"#)?,
    /// ];
    /// let labels = Labels::from_pairs([("__name__", "up")])?;
    /// let (fields, matching) = Policy::held(&policies, labels.as_ref());
    /// assert_eq!(matching, [1, 3]);
    /// let held = |name: &str| fields.iter().find(|field| field.field == name).unwrap();
    /// assert_eq!((held("severity").value.as_str(), held("severity").policy), (Some("critical"), Some(3)));
    /// assert_eq!((held("for").policy, held("watch").policy), (Some(1), None));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn held(policies: &[Self], labels: LabelsRef<'_>) -> (Vec<HeldField>, Vec<usize>) {
        let mut fields: Vec<HeldField> = unsaid()
            .into_iter()
            .map(|(field, value)| HeldField { field: field.to_owned(), value, policy: None })
            .collect();
        let mut matching = Vec::new();
        for (number, policy) in (1..).zip(policies) {
            if !policy.selector.matches(labels) {
                continue;
            }
            matching.push(number);
            for (name, value) in said(policy) {
                let field = fields.iter_mut().find(|field| field.field == name);
                field.into_iter().for_each(|field| {
                    field.value = value.clone();
                    field.policy = Some(number);
                });
            }
        }
        (fields, matching)
    }
}

/// The fields that `policy` sets.
fn said(policy: &Policy) -> Map<String, Value> {
    let Ok(Value::Object(mut said)) = serde_json::to_value(policy) else { return Map::new() };
    said.remove("match");
    said
}

#[cfg(test)]
mod tests {
    use auscult_core::Labels;

    use super::*;

    #[test]
    fn no_field_of_a_policy_is_forgotten() {
        let policy: Policy = serde_json::from_value(serde_json::json!({
            "direction": "down", "least_change": 2.5, "least_relative_change": 0.1, "for": "1m30s",
            "valid_range": {"high": 85}, "maintenance": [], "severity": "critical", "watch": true,
            "member_labels": ["gpu"], "method": {"name": "zscore"},
            "joint_method": {"name": "mahalanobis-ensemble"},
        }))
        .unwrap();
        let schema = schemars::schema_for!(Policy).to_value();
        let known = schema["properties"].as_object().unwrap().keys();
        let known: Vec<&String> = known.filter(|name| *name != "match").collect();
        let (fields, _) = Policy::held(&[policy], Labels::default().as_ref());
        assert_eq!(fields.len(), known.len());
        for name in known {
            let field = fields.iter().find(|field| field.field == *name).expect(name);
            assert_eq!(field.policy, Some(1), "{name}");
        }
    }
}

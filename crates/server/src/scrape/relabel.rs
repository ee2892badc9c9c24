//! Labels changed by rules, as Prometheus does.
//!
//! Source: Prometheus documentation, "relabel_config".

use std::collections::BTreeMap;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::md5;

/// Labels by name; one without a value is none.
pub(super) type LabelMap = BTreeMap<String, String>;

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RelabelAction {
    /// Sets the target label to the replacement, where the regex matches.
    #[default]
    Replace,
    /// Drops what the regex does not match.
    Keep,
    /// Drops what the regex matches.
    Drop,
    /// Drops where the source labels are not equal to the target label.
    KeepEqual,
    /// Drops where the source labels are equal to the target label.
    DropEqual,
    /// Sets the target label to a hash of the source labels, modulo `modulus`.
    HashMod,
    /// Copies every label whose name the regex matches to the name that the replacement gives.
    LabelMap,
    /// Removes every label whose name the regex matches.
    LabelDrop,
    /// Removes every label whose name the regex does not match.
    LabelKeep,
    /// Sets the target label to the source labels in lower case.
    Lowercase,
    /// Sets the target label to the source labels in upper case.
    Uppercase,
}

/// One rule, with the keys of Prometheus's `relabel_config`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RelabelSettings {
    /// Labels whose values are joined and matched.
    pub source_labels: Vec<String>,
    /// What joins them.
    pub separator: String,
    /// What has to match the whole value (or name).
    pub regex: String,
    /// Divisor of `hashmod`.
    pub modulus: u64,
    /// The label that is set; groups of the regex may stand in it as `$1` or `${name}`.
    pub target_label: String,
    /// What it is set to; groups as in `target_label`.
    pub replacement: String,
    /// What is done.
    pub action: RelabelAction,
}

impl Default for RelabelSettings {
    fn default() -> Self {
        Self {
            source_labels: Vec::new(),
            separator: ";".to_owned(),
            regex: "(.*)".to_owned(),
            modulus: 0,
            target_label: String::new(),
            replacement: "$1".to_owned(),
            action: RelabelAction::Replace,
        }
    }
}

/// A rule, ready to apply.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    settings: RelabelSettings,
    regex: Regex,
}

impl Rule {
    /// Refuses, in a sentence, a rule that cannot be or does nothing.
    pub(super) fn new(settings: RelabelSettings) -> Result<Self, String> {
        use RelabelAction as A;
        let needs_target = matches!(
            settings.action,
            A::Replace | A::HashMod | A::KeepEqual | A::DropEqual | A::Lowercase | A::Uppercase
        );
        if needs_target && settings.target_label.is_empty() {
            return Err(format!("action {:?} needs a target_label", settings.action));
        }
        if settings.action == A::HashMod && settings.modulus == 0 {
            return Err("action HashMod needs a modulus above 0".to_owned());
        }
        let by_name = matches!(settings.action, A::LabelMap | A::LabelDrop | A::LabelKeep);
        if by_name && !settings.source_labels.is_empty() {
            return Err(format!(
                "action {:?} looks at names and takes no source_labels",
                settings.action
            ));
        }
        let regex = Regex::new(&format!("^(?s:{})$", settings.regex)).map_err(|error| {
            let reason = error.to_string();
            let last = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("regex `{}` cannot be read: {last}", settings.regex)
        })?;
        Ok(Self { settings, regex })
    }

    fn expand(captures: &regex::Captures<'_>, template: &str) -> String {
        let mut text = String::new();
        captures.expand(template, &mut text);
        text
    }

    /// Says whether what has these labels is kept.
    fn apply(&self, labels: &mut LabelMap) -> bool {
        let settings = &self.settings;
        let get = |labels: &LabelMap, name: &str| labels.get(name).cloned().unwrap_or_default();
        let sources = settings.source_labels.iter().map(|name| get(labels, name));
        let value = sources.collect::<Vec<_>>().join(&settings.separator);
        match settings.action {
            RelabelAction::Replace => {
                let Some(captures) = self.regex.captures(&value) else { return true };
                let target = Self::expand(&captures, &settings.target_label);
                let value = Self::expand(&captures, &settings.replacement);
                set(labels, target, value);
            }
            RelabelAction::Keep => return self.regex.is_match(&value),
            RelabelAction::Drop => return !self.regex.is_match(&value),
            RelabelAction::KeepEqual => return get(labels, &settings.target_label) == value,
            RelabelAction::DropEqual => return get(labels, &settings.target_label) != value,
            RelabelAction::HashMod => {
                let place = md5::sum64(&value) % settings.modulus;
                set(labels, settings.target_label.clone(), place.to_string());
            }
            RelabelAction::LabelMap => {
                let mapped: Vec<(String, String)> = labels
                    .iter()
                    .filter_map(|(name, value)| {
                        let captures = self.regex.captures(name)?;
                        Some((Self::expand(&captures, &settings.replacement), value.clone()))
                    })
                    .collect();
                mapped.into_iter().for_each(|(name, value)| set(labels, name, value));
            }
            RelabelAction::LabelDrop => labels.retain(|name, _| !self.regex.is_match(name)),
            RelabelAction::LabelKeep => labels.retain(|name, _| self.regex.is_match(name)),
            RelabelAction::Lowercase => {
                set(labels, settings.target_label.clone(), value.to_lowercase());
            }
            RelabelAction::Uppercase => {
                set(labels, settings.target_label.clone(), value.to_uppercase());
            }
        }
        true
    }
}

fn set(labels: &mut LabelMap, name: String, value: String) {
    if value.is_empty() {
        labels.remove(&name);
    } else if !name.is_empty() {
        labels.insert(name, value);
    }
}

/// Applies `rules` one after the other; says whether what has these labels is kept.
pub(super) fn apply(rules: &[Rule], labels: &mut LabelMap) -> bool {
    rules.iter().all(|rule| rule.apply(labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The labels after the rule in `yaml`, or "dropped".
    fn relabelled(yaml: &str, labels: &[(&str, &str)]) -> String {
        let settings: RelabelSettings = serde_saphyr::from_str(yaml).unwrap();
        let rule = Rule::new(settings).unwrap();
        let pairs = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut labels: LabelMap = pairs.collect();
        if !apply(&[rule], &mut labels) {
            return "dropped".to_owned();
        }
        let shown: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        shown.join(" ")
    }

    #[test]
    fn every_action_does_what_prometheus_does() {
        let ab = [("a", "foo"), ("b", "bar"), ("c", "Baz")];
        let cases = [
            (
                "{source_labels: [a], regex: 'f(.*)', target_label: d, replacement: 'ch${1}-ch${1}'}",
                "a=foo b=bar c=Baz d=choo-choo",
            ),
            (
                "{source_labels: [a, b], regex: 'f(.*);(.*)r', target_label: a, replacement: 'b${1}${2}m'}",
                "a=boobam b=bar c=Baz",
            ),
            ("{source_labels: [a], regex: 'oo', target_label: d}", "a=foo b=bar c=Baz"),
            (
                "{source_labels: [a], target_label: '${1}_x', replacement: z}",
                "a=foo b=bar c=Baz foo_x=z",
            ),
            ("{target_label: a, replacement: ''}", "b=bar c=Baz"),
            ("{source_labels: [missing], target_label: a}", "b=bar c=Baz"),
            ("{source_labels: [a], regex: '.*oo', action: keep}", "a=foo b=bar c=Baz"),
            ("{source_labels: [a], regex: 'o', action: keep}", "dropped"),
            ("{source_labels: [a], regex: 'foo', action: drop}", "dropped"),
            ("{source_labels: [a], target_label: b, action: keepequal}", "dropped"),
            ("{source_labels: [a], target_label: b, action: dropequal}", "a=foo b=bar c=Baz"),
            (
                "{source_labels: [c], target_label: d, action: hashmod, modulus: 1000}",
                "a=foo b=bar c=Baz d=940",
            ),
            (
                "{regex: '(a|b)', replacement: 'x_$1', action: labelmap}",
                "a=foo b=bar c=Baz x_a=foo x_b=bar",
            ),
            ("{regex: '[ab]', action: labeldrop}", "c=Baz"),
            ("{regex: '[ab]', action: labelkeep}", "a=foo b=bar"),
            ("{source_labels: [c], target_label: c, action: lowercase}", "a=foo b=bar c=baz"),
            ("{source_labels: [c], target_label: d, action: uppercase}", "a=foo b=bar c=Baz d=BAZ"),
        ];
        for (yaml, expected) in cases {
            assert_eq!(relabelled(yaml, &ab), expected, "{yaml}");
        }
    }

    #[test]
    fn rules_that_cannot_be_are_refused_in_words() {
        let refused = |yaml: &str| Rule::new(serde_saphyr::from_str(yaml).unwrap()).unwrap_err();
        assert_eq!(refused("{action: replace}"), "action Replace needs a target_label");
        assert_eq!(
            refused("{action: hashmod, target_label: a}"),
            "action HashMod needs a modulus above 0"
        );
        assert!(refused("{action: keep, regex: '('}").starts_with("regex `(` cannot be read: "));
        assert!(refused("{action: labeldrop, source_labels: [a]}").contains("no source_labels"));
        assert!(serde_saphyr::from_str::<RelabelSettings>("{actoin: keep}").is_err());
    }
}

//! Constants of GPUs and models that laws need, and the labels that tell them.

use std::collections::BTreeMap;

use auscult_core::nearest;
use schemars::JsonSchema;
use serde::Deserialize;

/// Constants that formulas may name, and where they are known from.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Constants {
    /// What there is.
    #[serde(default)]
    pub constants: Vec<Constant>,
    /// What labels tell of them.
    #[serde(default)]
    pub catalogue: Vec<ByLabel>,
}

/// A number that a formula may name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Constant {
    /// What it is called.
    pub name: String,
    /// In what it is measured.
    pub unit: String,
    /// What it means.
    pub about: String,
}

/// What the values of a label tell.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByLabel {
    /// The label.
    pub label: String,
    /// Marks in a value that make it something else, so that nothing is known.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Where the numbers are from.
    pub source: String,
    /// By text that the value has.
    pub entries: Vec<Entry>,
}

/// The constants of one product.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Text that the value of the label has, whatever the case.
    pub has: String,
    /// The constants.
    pub constants: BTreeMap<String, f64>,
}

impl Constants {
    /// Says that there is no such constant, or that it cannot have this value.
    ///
    /// # Errors
    ///
    /// A sentence with the name that was probably meant, or with what is expected.
    pub fn accept(&self, name: &str, value: f64) -> Result<(), String> {
        let known = || self.constants.iter().map(|known| known.name.as_str());
        if !known().any(|known| known == name) {
            let near = nearest(name, known());
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(format!("there is no constant `{name}`{near}"));
        }
        if value > 0.0 && value.is_finite() {
            return Ok(());
        }
        Err(format!("the constant `{name}` is {value}; expected a number above 0"))
    }
}

impl ByLabel {
    /// What `value` of the label tells: the entry with the longest text that is in it.
    #[must_use]
    pub fn look_up(&self, value: &str) -> Option<&Entry> {
        let value = value.to_lowercase();
        if self.unless.iter().any(|mark| value.contains(&mark.to_lowercase())) {
            return None;
        }
        let fitting = self.entries.iter().filter(|entry| contains(&value, &entry.has));
        fitting.max_by_key(|entry| entry.has.len())
    }
}

/// Whether `value` has `text` as words of its own: `llama-3.1-8b` is not in `llama-3.1-8bit`.
fn contains(value: &str, text: &str) -> bool {
    let text = text.to_lowercase();
    value.match_indices(&text).any(|(place, _)| {
        let ends = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
        ends(value[..place].chars().next_back()) && ends(value[place + text.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use crate::Knowledge;

    #[test]
    fn a_label_tells_constants_by_the_longest_name_in_it() {
        let knowledge = Knowledge::embedded();
        let known = |label: &str, value: &str, constant: &str| {
            let catalogue = &knowledge.constants().catalogue;
            let by_label = catalogue.iter().find(|by| by.label == label).unwrap();
            by_label.look_up(value).and_then(|entry| entry.constants.get(constant)).copied()
        };
        let bandwidth = |value: &str| known("modelName", value, "gpu_bandwidth");
        assert_eq!(bandwidth("NVIDIA H100 80GB HBM3"), Some(3.35e12));
        assert_eq!(bandwidth("NVIDIA H100 PCIe"), Some(2.0e12));
        assert_eq!(bandwidth("Matrox Mystique"), None);
        let weights = |value: &str| known("model_name", value, "model_weight_bytes");
        assert_eq!(weights("meta-llama/Llama-3.1-8B-Instruct"), Some(16.06e9));
        assert_eq!(weights("Llama-3.1-8B-Instruct-AWQ"), None, "the name tells other weights");
        assert_eq!(weights("llama-3.1-8bit"), None);
    }
}

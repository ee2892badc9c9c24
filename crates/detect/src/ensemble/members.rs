//! The methods that a fusion is made of, as a person writes them.

use auscult_core::SettingsMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Most methods of one fusion.
const MOST: usize = 8;

/// A method of a fusion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its name in the catalogue; one that can watch a stream.
    pub method: String,
    /// Its settings that differ from the defaults.
    #[serde(default, skip_serializing_if = "SettingsMap::is_empty")]
    pub settings: SettingsMap,
    /// How much it counts beside the others, above 0.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: f64,
}

fn one() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(weight: &f64) -> bool {
    *weight == 1.0
}

impl Member {
    /// The method called `method`, with its defaults.
    #[must_use]
    pub fn plain(method: &str) -> Self {
        Self { method: method.to_owned(), settings: SettingsMap::new(), weight: 1.0 }
    }

    fn is_plain(&self) -> bool {
        self.settings.is_empty() && self.weight == 1.0
    }
}

/// The methods of a fusion: names with commas between them, or a list of objects
/// with `method`, `settings` and `weight`, as JSON or as text that holds JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Members(pub Vec<Member>);

impl Members {
    /// Whether a fusion can be made of them: two to eight, weights above 0.
    pub(super) fn are_sound(&self) -> bool {
        (2..=MOST).contains(&self.0.len())
            && self.0.iter().all(|member| member.weight > 0.0 && member.weight.is_finite())
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.iter().all(Member::is_plain) {
            let names: Vec<&str> = self.0.iter().map(|member| member.method.as_str()).collect();
            serializer.serialize_str(&names.join(","))
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "expected names of methods with commas between them, \
             or a list of objects with `method`, `settings` and `weight`"
        )]
        enum Form {
            Text(String),
            List(Vec<Member>),
        }
        match Form::deserialize(deserializer)? {
            Form::List(members) => Ok(Self(members)),
            Form::Text(text) if text.trim_start().starts_with('[') => {
                serde_json::from_str(&text).map(Self).map_err(D::Error::custom)
            }
            Form::Text(text) => {
                Ok(Self(text.split(',').map(|name| Member::plain(name.trim())).collect()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_objects_are_read_and_written_back() {
        let read = |text: &str| serde_json::from_str::<Members>(text);
        let names = read("\"zscore, ewma\"").expect("names");
        assert_eq!(names.0, [Member::plain("zscore"), Member::plain("ewma")]);
        assert_eq!(serde_json::to_string(&names).expect("plain data"), "\"zscore,ewma\"");
        let list =
            r#"[{"method":"zscore"},{"method":"ewma","settings":{"weight":0.3},"weight":2.0}]"#;
        let members = read(list).expect("objects");
        assert_eq!(serde_json::to_string(&members).expect("plain data"), list);
        let quoted = serde_json::to_string(list).expect("text");
        assert_eq!(read(&quoted).expect("text that holds JSON"), members);
        assert!(read("7").is_err_and(|error| error.to_string().contains("expected names")));
    }
}

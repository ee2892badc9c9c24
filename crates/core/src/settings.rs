//! Settings that document and check themselves.

use serde::{Serialize, de::DeserializeOwned};

/// What the user wrote: setting names and values.
pub type SettingsMap = serde_json::Map<String, serde_json::Value>;

/// One setting of a method, for help texts and the manual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, in `snake_case`.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Which values are allowed, in words.
    pub range: &'static str,
}

/// Settings of a method; made by the [`settings!`](macro@crate::settings) macro.
pub trait Settings: Default + Serialize + DeserializeOwned {
    /// Every setting, in order of declaration.
    const PARAMETERS: &'static [Parameter];

    /// Refuses values out of range.
    ///
    /// # Errors
    ///
    /// [`SettingError::Range`] names the key, the value and the range.
    fn check(&self) -> Result<(), SettingError>;

    /// The settings that `map` asks for; everything else keeps its default.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for an unknown key, a value of another type, or a value
    /// out of range.
    fn from_map(map: &SettingsMap) -> Result<Self, SettingError> {
        for key in map.keys() {
            if !Self::PARAMETERS.iter().any(|parameter| parameter.name == key) {
                let known = Self::PARAMETERS.iter().map(|parameter| parameter.name).collect();
                return Err(SettingError::Unknown { key: key.clone(), known });
            }
        }
        let read = |map: &SettingsMap| {
            serde_json::from_value::<Self>(serde_json::Value::Object(map.clone()))
        };
        let settings = read(map).map_err(|error| {
            // Serde does not name the key, so find the one that fails alone.
            let culprit = map.iter().find(|(key, value)| {
                read(&SettingsMap::from_iter([((*key).clone(), (*value).clone())])).is_err()
            });
            let (key, value) = culprit.map_or_else(
                || ("settings".to_owned(), String::new()),
                |(key, value)| (key.clone(), display(value)),
            );
            SettingError::Type { key, value, reason: error.to_string() }
        })?;
        settings.check()?;
        Ok(settings)
    }

    /// The default of `name`, as the user would write it; `automatic` where
    /// the method finds the value itself.
    #[must_use]
    fn default_of(name: &str) -> String {
        let defaults = serde_json::to_value(Self::default()).unwrap_or_default();
        match defaults.get(name) {
            None | Some(serde_json::Value::Null) => "automatic".to_owned(),
            Some(value) => display(value),
        }
    }
}

/// A JSON value without the quotes of a string.
fn display(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Why settings were refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum SettingError {
    /// No such setting.
    #[error("no setting `{key}`; there {}", listed(known))]
    Unknown { key: String, known: Vec<&'static str> },
    /// The value is of another type.
    #[error("`{key} = {value}`: {reason}")]
    Type { key: String, value: String, reason: String },
    /// The value is out of range.
    #[error("`{key} = {value}`: must be {range}")]
    Range { key: &'static str, value: String, range: &'static str },
}

fn listed(known: &[&'static str]) -> String {
    match known {
        [] => "are none".to_owned(),
        [one] => format!("is only `{one}`"),
        many => format!("are `{}`", many.join("`, `")),
    }
}

/// Declares a settings struct: fields with documentation, default and range.
///
/// ```
/// auscult_core::settings! {
///     /// Settings of a moving average.
///     pub struct AverageSettings {
///         /// Samples in the average.
///         window: usize = 20, "at least 2", |window| *window >= 2;
///     }
/// }
/// use auscult_core::Settings;
/// assert_eq!(AverageSettings::default().window, 20);
/// assert_eq!(AverageSettings::PARAMETERS[0].doc, "Samples in the average.");
/// let refused = AverageSettings { window: 1 }.check();
/// assert_eq!(refused.unwrap_err().to_string(), "`window = 1`: must be at least 2");
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[$outer:meta])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident : $type:ty = $default:expr, $range:literal, $check:expr;
            )*
        }
    ) => {
        $(#[$outer])*
        #[derive(Debug, Clone, PartialEq, $crate::serde::Serialize, $crate::serde::Deserialize)]
        #[serde(default, deny_unknown_fields, crate = "auscult_core::serde")]
        $vis struct $name {
            $( $(#[doc = $doc])+ $vis $field: $type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        impl $crate::Settings for $name {
            const PARAMETERS: &'static [$crate::Parameter] = &[
                $( $crate::Parameter {
                    name: stringify!($field),
                    doc: $crate::trimmed(concat!($($doc, "\n"),+)),
                    range: $range,
                }, )*
            ];

            fn check(&self) -> Result<(), $crate::SettingError> {
                $(
                    let check: fn(&$type) -> bool = $check;
                    if !check(&self.$field) {
                        let value = $crate::serde_json::to_value(&self.$field);
                        return Err($crate::SettingError::Range {
                            key: stringify!($field),
                            value: value.map(|value| value.to_string()).unwrap_or_default(),
                            range: $range,
                        });
                    }
                )*
                Ok(())
            }
        }
    };
}

/// A doc comment without its outer white space.
#[doc(hidden)]
#[must_use]
pub const fn trimmed(text: &'static str) -> &'static str {
    text.trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate as auscult_core;

    settings! {
        /// Settings for the test.
        struct TestSettings {
            /// Weight of the newest sample.
            weight: f64 = 0.1, "in (0, 1)", |weight| *weight > 0.0 && *weight < 1.0;
            /// Samples in a season.
            period: Option<usize> = None, "at least 2", |period| period.is_none_or(|period| period >= 2);
        }
    }

    fn map(json: &str) -> SettingsMap {
        serde_json::from_str(json).expect("a JSON object")
    }

    #[test]
    fn refusals_name_the_key_and_what_is_allowed() {
        let say = |json| TestSettings::from_map(&map(json)).expect_err("refused").to_string();
        assert_eq!(say(r#"{"weight": 1.5}"#), "`weight = 1.5`: must be in (0, 1)");
        assert_eq!(say(r#"{"wieght": 0.5}"#), "no setting `wieght`; there are `weight`, `period`");
        assert!(say(r#"{"period": "daily"}"#).starts_with("`period = daily`: invalid type"));
    }

    #[test]
    fn defaults_are_shown_as_a_person_writes_them() {
        assert_eq!(TestSettings::default_of("weight"), "0.1");
        assert_eq!(TestSettings::default_of("period"), "automatic");
    }
}

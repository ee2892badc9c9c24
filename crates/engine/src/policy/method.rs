//! A method of the catalogue that a person assigns to series.

use std::fmt;

use auscult_core::{Detector, SettingError, SettingsMap, nearest};
use auscult_detect::{CATALOGUE, Channels, Method, find};
use schemars::JsonSchema;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The name that takes back what an earlier policy assigned.
const NONE: &str = "none";
/// Channels for which a joint method is built to see whether its settings can be.
const TRIED_CHANNELS: usize = 8;

/// How a method is to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Judging {
    /// Each series by itself.
    Alone,
    /// Several series of one target as the channels of one stream.
    Jointly,
}

/// A method of the catalogue with settings, made sure to exist and to watch streams.
///
/// ```
/// use auscult_engine::{AssignedMethod, Judging};
/// let settings = serde_json::from_str(r#"{"window": 40}"#)?;
/// let method = AssignedMethod::new("matrix-profile", settings, Judging::Alone)?;
/// assert_eq!(method.name(), "matrix-profile");
/// let refused = AssignedMethod::new("matrx-profile", Default::default(), Judging::Alone);
/// assert_eq!(
///     refused.unwrap_err().to_string(),
///     "there is no method `matrx-profile`; did you mean `matrix-profile`?"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AssignedMethod {
    /// Its name in the catalogue, which `auscult methods` lists: one that can watch a stream.
    /// `none` takes back what an earlier policy said.
    #[schemars(extend("format" = "auscult-method"))]
    name: String,
    /// Its settings that differ from the defaults, by the names that `auscult methods NAME` lists.
    #[serde(skip_serializing_if = "SettingsMap::is_empty")]
    #[schemars(default)]
    settings: SettingsMap,
}

/// Why a method cannot be assigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct MethodError {
    sentence: String,
    /// The setting that is wrong.
    setting: Option<String>,
}

impl MethodError {
    fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), setting: None }
    }

    /// The setting that is wrong, if one is.
    #[must_use]
    pub fn setting(&self) -> Option<&str> {
        self.setting.as_deref()
    }
}

impl AssignedMethod {
    /// The method called `name` with `settings`, for such a use.
    ///
    /// # Errors
    ///
    /// [`MethodError`] for a name that is not in the catalogue, a method that cannot watch a
    /// stream or is not for this use, and for settings that it does not have or cannot take.
    pub fn new(name: &str, settings: SettingsMap, judging: Judging) -> Result<Self, MethodError> {
        if name == NONE && settings.is_empty() {
            return Ok(Self { name: NONE.to_owned(), settings });
        }
        let method = fit(name, judging)?;
        let settings: SettingsMap = settings.into_iter().map(automatic).collect();
        let channels = if judging == Judging::Alone { 1 } else { TRIED_CHANNELS };
        let method = Self { name: method.name.to_owned(), settings };
        method.build(channels).map_err(|error| method.explained(&error))?;
        Ok(method)
    }

    /// What it is called in the catalogue, or `none`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its settings that differ from the defaults.
    #[must_use]
    pub const fn settings(&self) -> &SettingsMap {
        &self.settings
    }

    /// Whether it takes back what an earlier policy assigned.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.name == NONE
    }

    /// Name and settings as JSON: the same for the same method, as settings are in order.
    pub(crate) fn as_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// A fresh detector for so many channels.
    ///
    /// # Errors
    ///
    /// [`SettingError`] where the settings do not fit so many channels.
    pub fn build(&self, channels: usize) -> Result<Box<dyn Detector>, SettingError> {
        let build = find(&self.name).and_then(|method| method.online);
        let build = build.expect("made sure when it was made");
        build(&self.settings, channels)
    }

    fn explained(&self, error: &SettingError) -> MethodError {
        let (sentence, setting) = match error {
            SettingError::Unknown { key, known } => {
                let hint = match nearest(key, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if known.is_empty() => "it has none".to_owned(),
                    None => format!("it has `{}`", known.join("`, `")),
                };
                (format!("`{}` has no setting `{key}`; {hint}", self.name), key.clone())
            }
            SettingError::Type { key, .. } => (format!("`{}`: {error}", self.name), key.clone()),
            SettingError::Range { key, .. } => {
                (format!("`{}`: {error}", self.name), (*key).to_owned())
            }
            _ => (format!("`{}`: {error}", self.name), String::new()),
        };
        let setting = Some(setting).filter(|setting| self.settings.contains_key(setting));
        MethodError { sentence, setting }
    }

    /// Whether `name` is one that may stand in a policy, whatever the use.
    ///
    /// # Errors
    ///
    /// A sentence with the nearest name, or with what could take its place.
    pub fn check_name(name: &str) -> Result<(), String> {
        if name == NONE {
            return Ok(());
        }
        streaming(name).map(drop).map_err(|error| error.to_string())
    }

    fn read<'de, D: Deserializer<'de>>(from: D, judging: Judging) -> Result<Self, D::Error> {
        from.deserialize_map(Reader(judging))
    }
}

/// As a policy has it, of a method that judges each series by itself.
pub(super) fn alone<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<AssignedMethod>, D::Error> {
    AssignedMethod::read(from, Judging::Alone).map(Some)
}

/// As a policy has it, of a method that judges several series of a target jointly.
pub(super) fn jointly<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<AssignedMethod>, D::Error> {
    AssignedMethod::read(from, Judging::Jointly).map(Some)
}

/// The method called `name`, if it can watch a stream.
fn streaming(name: &str) -> Result<&'static Method, MethodError> {
    let all = || CATALOGUE.iter().copied().flatten();
    let Some(method) = find(name) else {
        let online = all().filter(|method| method.online.is_some()).map(|method| method.name);
        let near = nearest(name, online).or_else(|| nearest(name, all().map(|one| one.name)));
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`auscult methods` lists them".to_owned(),
        };
        return Err(MethodError::new(format!("there is no method `{name}`; {hint}")));
    };
    if method.online.is_some() {
        return Ok(method);
    }
    let family = CATALOGUE.iter().find(|family| family.iter().any(|one| one.name == name));
    let others = family.into_iter().copied().flatten().filter(|one| one.online.is_some());
    let others: Vec<&str> = others.map(|one| one.name).collect();
    let instead = if others.is_empty() {
        "`auscult methods` says which can".to_owned()
    } else {
        format!("of its kind, `{}` can", others.join("`, `"))
    };
    Err(MethodError::new(format!(
        "`{name}` learns from a history as a whole and cannot watch a stream; {instead}"
    )))
}

/// The method called `name`, if it can watch a stream in this way.
fn fit(name: &str, judging: Judging) -> Result<&'static Method, MethodError> {
    let method = streaming(name)?;
    match (judging, method.channels) {
        (Judging::Alone, Channels::Several) => Err(MethodError::new(format!(
            "`{name}` judges several series jointly; assign it as `joint_method`"
        ))),
        (Judging::Jointly, Channels::One) => Err(MethodError::new(format!(
            "`{name}` judges one series by itself; assign it as `method`"
        ))),
        _ => Ok(method),
    }
}

/// What a person writes for a value that the method finds itself.
fn automatic((key, value): (String, Value)) -> (String, Value) {
    let is_automatic = matches!(value.as_str(), Some("automatic" | "auto" | "none"));
    (key, if is_automatic { Value::Null } else { value })
}

struct Reader(Judging);

impl<'de> Visitor<'de> for Reader {
    type Value = AssignedMethod;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a method: `name`, and `settings` where they differ from the defaults")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AssignedMethod, A::Error> {
        let (mut name, mut settings) = (None::<String>, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "name" => name = Some(map.next_value_seed(Name(self.0))?),
                // With the name known, what is wrong is told where it stands.
                "settings" => {
                    let seed = Settings { name: name.as_deref(), judging: self.0 };
                    settings = Some(map.next_value_seed(seed)?);
                }
                other => {
                    map.next_value::<IgnoredAny>()?;
                    return Err(A::Error::unknown_field(other, &["name", "settings"]));
                }
            }
        }
        let name = name.ok_or_else(|| A::Error::missing_field("name"))?;
        AssignedMethod::new(&name, settings.unwrap_or_default(), self.0).map_err(A::Error::custom)
    }
}

struct Name(Judging);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<String, D::Error> {
        let name = String::deserialize(from)?;
        if name != NONE {
            fit(&name, self.0).map_err(D::Error::custom)?;
        }
        Ok(name)
    }
}

struct Settings<'a> {
    name: Option<&'a str>,
    judging: Judging,
}

impl<'de> DeserializeSeed<'de> for Settings<'_> {
    type Value = SettingsMap;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<SettingsMap, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Settings<'_> {
    type Value = SettingsMap;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("settings of the method, each with its name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SettingsMap, A::Error> {
        let mut settings = SettingsMap::new();
        while let Some(key) = map.next_key::<String>()? {
            let seed = Setting { of: &self, key: &key };
            let value = map.next_value_seed(seed)?;
            settings.insert(key, value);
        }
        Ok(settings)
    }
}

/// One setting, held against what the method takes where it stands.
struct Setting<'a> {
    of: &'a Settings<'a>,
    key: &'a str,
}

impl<'de> DeserializeSeed<'de> for Setting<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        let value = Value::deserialize(from)?;
        if let Some(name) = self.of.name {
            let alone = SettingsMap::from_iter([(self.key.to_owned(), value.clone())]);
            let checked = AssignedMethod::new(name, alone, self.of.judging);
            // What is wrong with several together is told of the method as a whole.
            if let Err(error) = checked
                && error.setting() == Some(self.key)
            {
                return Err(D::Error::custom(error));
            }
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, settings: Value, judging: Judging) -> String {
        let Value::Object(settings) = settings else { panic!("an object") };
        AssignedMethod::new(name, settings, judging).expect_err(name).to_string()
    }

    #[test]
    fn what_cannot_watch_a_stream_in_this_way_is_refused_with_what_can() {
        let none = || serde_json::json!({});
        let alone = |name| refused(name, none(), Judging::Alone);
        assert_eq!(
            alone("pca"),
            "`pca` learns from a history as a whole and cannot watch a stream; of its kind, `mahalanobis-ew` can"
        );
        assert_eq!(
            alone("mahalanobis-ensemble"),
            "`mahalanobis-ensemble` judges several series jointly; assign it as `joint_method`"
        );
        assert_eq!(
            refused("cusum", none(), Judging::Jointly),
            "`cusum` judges one series by itself; assign it as `method`"
        );
        assert_eq!(
            alone("nonsense"),
            "there is no method `nonsense`; `auscult methods` lists them"
        );
        let settings = |json| refused("matrix-profile", json, Judging::Alone);
        assert_eq!(
            settings(serde_json::json!({"widnow": 7})),
            "`matrix-profile` has no setting `widnow`; did you mean `window`?"
        );
        let too_small = settings(serde_json::json!({"window": 1}));
        assert!(too_small.starts_with("`matrix-profile`: `window = 1`: must be"), "{too_small}");
    }

    #[test]
    fn every_method_that_can_watch_a_stream_can_be_assigned() {
        for method in CATALOGUE.iter().copied().flatten().filter(|one| one.online.is_some()) {
            let ways: &[Judging] = match method.channels {
                Channels::One => &[Judging::Alone],
                Channels::Any => &[Judging::Alone, Judging::Jointly],
                Channels::Several => &[Judging::Jointly],
            };
            for judging in ways {
                let made = AssignedMethod::new(method.name, SettingsMap::new(), *judging);
                assert!(made.is_ok(), "{}: {made:?}", method.name);
            }
        }
    }
}

//! What must never be shown, and has no way to be.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::Path;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// A secret: a token, a key, an address that lets in whoever knows it.
///
/// It has no `Display` and cannot be serialised, and `Debug` does not show it.
///
/// ```
/// use auscult_server::Secret;
/// let key = Secret::new("whsec_c2VjcmV0");
/// assert_eq!(format!("{key:?}"), "<secret>");
/// assert_eq!(key.reveal(), "whsec_c2VjcmV0");
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What stands in a file, without blanks and line feeds around it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read; the error does not say what is in it.
    pub fn read(path: &Path) -> io::Result<Self> {
        std::fs::read_to_string(path).map(|text| Self(text.trim().to_owned()))
    }

    /// The secret itself, for whoever it is meant for.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<secret>")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The error would show what stands there instead of text.
        String::deserialize(deserializer)
            .map(Self)
            .map_err(|_| serde::de::Error::custom("expected a secret as text"))
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "writeOnly": true})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_nowhere_not_even_when_it_is_none() {
        let secret: Secret = serde_json::from_str("\"hush\"").unwrap();
        assert_eq!(secret, Secret::new("hush"));
        assert!(!format!("{secret:?} {secret:#?}").contains("hush"));
        let error = serde_json::from_str::<Secret>("12345").unwrap_err().to_string();
        assert!(error.contains("expected a secret") && !error.contains("12345"), "{error}");
    }
}

//! Learnt state that outlives a process.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::DetectError;

/// Learnt state, ready to store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// The method that wrote it.
    pub method: String,
    /// Layout of `state`; old layouts stay readable.
    pub version: u32,
    /// The method's own state, serialized.
    pub state: serde_json::Value,
}

impl Snapshot {
    /// Writes `state` of `method` in layout `version`.
    ///
    /// # Panics
    ///
    /// When `state` cannot be represented as JSON, which is a bug of the method.
    #[must_use]
    pub fn write(method: &'static str, version: u32, state: &impl Serialize) -> Self {
        let state = serde_json::to_value(state).expect("detector state is plain data");
        Self { method: method.to_owned(), version, state }
    }

    /// Reads the state back, if `method` wrote it in layout `version`.
    ///
    /// # Errors
    ///
    /// [`DetectError::Snapshot`] otherwise.
    pub fn read<S: DeserializeOwned>(
        &self,
        method: &'static str,
        version: u32,
    ) -> Result<S, DetectError> {
        if self.method != method {
            return Err(self.refused(method, "another method wrote it"));
        }
        if self.version != version {
            let reason = format!("it has layout {}, this release reads {version}", self.version);
            return Err(self.refused(method, reason));
        }
        serde_json::from_value(self.state.clone())
            .map_err(|error| self.refused(method, format!("the state is damaged: {error}")))
    }

    /// The error for a snapshot that `method` cannot take, and why.
    #[must_use]
    pub fn refused(&self, method: &'static str, reason: impl Into<String>) -> DetectError {
        DetectError::Snapshot {
            expected: method,
            found: self.method.clone(),
            reason: reason.into(),
        }
    }
}

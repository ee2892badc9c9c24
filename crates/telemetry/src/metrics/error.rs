//! Why a message was refused.

/// Why a message from the wire was refused.
///
/// Whatever came before the fault may be in the batch; a caller that wants all
/// or nothing clears it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}, {place}")]
pub struct WireError {
    what: String,
    place: String,
}

impl WireError {
    /// `what` is wrong at `place`, such as "series 3".
    pub(crate) fn new(what: impl Into<String>, place: impl Into<String>) -> Self {
        Self { what: what.into(), place: place.into() }
    }
}

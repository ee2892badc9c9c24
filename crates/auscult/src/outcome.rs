//! How a call ends.

/// How a call that worked ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Exit code 0.
    Done,
    /// Exit code 1: something was found, and `--fail-on-anomaly` asked to say so.
    Found,
}

/// Why a call did not work: one clear sentence for the person. Exit code 2.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The input or the call was wrong.
    #[error("{0}")]
    Input(String),
    /// Writing the answer failed.
    #[error("cannot write {what}: {source}")]
    Write {
        /// Where to.
        what: String,
        /// Why.
        source: std::io::Error,
    },
}

impl CallError {
    /// A sentence about the input or the call.
    pub(crate) fn input(sentence: impl std::fmt::Display) -> Self {
        Self::Input(sentence.to_string())
    }

    /// Turns an I/O error while writing `what` into one of ours.
    pub(crate) fn write(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Write { what, source }
    }

    /// The reader of our output went away, as `head` does: no fault at all.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Write { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

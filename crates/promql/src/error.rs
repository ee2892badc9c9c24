//! Why a query has no answer.

use auscult_core::LabelsError;

use crate::data::SourceError;

/// Why a query has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum QueryError {
    /// It is not PromQL, or not the part of it that is here.
    #[error("{0}")]
    Query(String),
    /// It cannot be evaluated over these series.
    #[error("{0}")]
    Execution(String),
    /// It takes more memory than it may.
    #[error(
        "the query would hold more than {most} samples in memory; ask for fewer series, a shorter time or a longer step"
    )]
    TooMany { most: usize },
    /// It takes longer than it may.
    #[error("the query timed out")]
    TimedOut,
    /// Nobody waits for the answer.
    #[error("the query was cancelled")]
    Cancelled,
    /// The samples cannot be read.
    #[error("{0}")]
    Source(String),
}

impl QueryError {
    pub(crate) fn of_source(error: SourceError, most: usize) -> Self {
        match error {
            SourceError::TooMany => Self::TooMany { most },
            SourceError::Refused(reason) => Self::Execution(reason),
            SourceError::Failed(reason) => Self::Source(reason),
        }
    }

    /// Two series of one name at one moment, which no vector may have.
    pub(crate) fn same_labels() -> Self {
        Self::Execution("vector cannot contain metrics with the same labelset".to_owned())
    }
}

impl From<LabelsError> for QueryError {
    fn from(error: LabelsError) -> Self {
        Self::Execution(error.to_string())
    }
}

//! Why a file of knowledge was refused.

/// Why a file of knowledge was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {what}")]
pub struct KnowledgeError {
    file: String,
    what: String,
}

impl KnowledgeError {
    /// It is no such file; the reader says where.
    pub(crate) fn unreadable(file: &str, error: &serde_saphyr::Error) -> Self {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        Self { file: file.to_owned(), what: first.trim_start_matches("error: ").to_owned() }
    }

    /// It contradicts itself or another.
    pub(crate) fn contradiction(file: &str, what: String) -> Self {
        Self { file: file.to_owned(), what }
    }
}

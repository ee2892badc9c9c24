//! What trees refuse.

/// Why a tree or forest was not fitted, not read back, or not asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum TreeError {
    /// A setting is out of range.
    #[error(transparent)]
    Setting(#[from] auscult_core::SettingError),
    /// Columns differ in length.
    #[error("column {column} has {got} rows, the first has {expected}")]
    Lengths { column: usize, expected: usize, got: usize },
    /// Labels, targets or weights do not match the rows.
    #[error("got {got} {what} for {rows} rows")]
    Count { what: &'static str, got: usize, rows: usize },
    /// A reading, target or weight that cannot be worked with.
    #[error("{what} of row {row} is {value}, need {need}")]
    Number { what: &'static str, row: usize, value: f64, need: &'static str },
    /// A label or category outside its range.
    #[error("{what} of row {row} is {code}, need less than {limit}")]
    Code { what: &'static str, row: usize, code: u32, limit: usize },
    /// No row, or no row with weight.
    #[error("need at least one row with a weight above 0")]
    Empty,
    /// Columns to predict from are not those that were learnt.
    #[error("expected {expected}, got {got}")]
    Columns { expected: String, got: String },
    /// A tree of numbers was asked for classes, or the other way round.
    #[error("this tree predicts {has}, not {asked}")]
    Kind { has: &'static str, asked: &'static str },
    /// A setting does not fit the data.
    #[error("`{key}`: {reason}")]
    Misfit { key: &'static str, reason: String },
    /// A tree from elsewhere is not a tree.
    #[error("node {node}: {reason}")]
    Node { node: usize, reason: &'static str },
    /// A tree or forest from elsewhere is damaged as a whole.
    #[error("{0}")]
    Damaged(&'static str),
}

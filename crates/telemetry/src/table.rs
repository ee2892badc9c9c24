//! A table in memory, column by column.

use auscult_core::Timestamp;

use crate::column::WordsBuilder;
use crate::schema::Kind;

/// Columns of equal length.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    columns: Vec<Column>,
}

/// A named column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name, as the file spells it.
    pub name: String,
    /// What it holds.
    pub cells: Cells,
}

/// The cells of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// Numbers; NaN where the cell is missing. Infinities stay what they are.
    Numbers(Vec<f64>),
    /// Words, each stored once.
    Words(Words),
    /// Moments; `None` where the cell is missing.
    Times(Vec<Option<Timestamp>>),
}

/// Words of a column: an index per row into the distinct words.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Words {
    /// Index into `distinct` for each row; `None` where the cell is missing.
    pub rows: Vec<Option<u32>>,
    /// The distinct words, in order of first appearance.
    pub distinct: Vec<String>,
}

impl Words {
    /// The word of `row`.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&str> {
        self.rows[row].map(|word| self.distinct[word as usize].as_str())
    }
}

impl Cells {
    /// What they are.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Numbers(_) => Kind::Numbers,
            Self::Words(_) => Kind::Words,
            Self::Times(_) => Kind::Times,
        }
    }

    /// Appends cells of the same kind.
    fn append(&mut self, more: Self) {
        match (self, more) {
            (Self::Numbers(ours), Self::Numbers(more)) => ours.extend(more),
            (Self::Times(ours), Self::Times(more)) => ours.extend(more),
            (Self::Words(ours), Self::Words(more)) => {
                let mut builder = WordsBuilder::from(std::mem::take(ours));
                builder.append(&more);
                *ours = builder.into_words();
            }
            _ => unreachable!("the kinds were compared"),
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Numbers(cells) => cells.len(),
            Self::Words(cells) => cells.rows.len(),
            Self::Times(cells) => cells.len(),
        }
    }
}

impl Table {
    /// A table of `columns`.
    ///
    /// # Panics
    ///
    /// When the columns differ in length.
    #[must_use]
    pub fn new(columns: Vec<Column>) -> Self {
        let rows = columns.first().map_or(0, |column| column.cells.rows());
        assert!(columns.iter().all(|column| column.cells.rows() == rows), "ragged columns");
        Self { columns }
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.cells.rows())
    }

    /// The columns, in the order of the file.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The columns, taken apart.
    #[must_use]
    pub fn into_columns(self) -> Vec<Column> {
        self.columns
    }

    /// The column called `name`.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The numbers of the column called `name`, if it holds numbers.
    #[must_use]
    pub fn numbers(&self, name: &str) -> Option<&[f64]> {
        match &self.column(name)?.cells {
            Cells::Numbers(cells) => Some(cells),
            _ => None,
        }
    }

    /// The words of the column called `name`, if it holds words.
    #[must_use]
    pub fn words(&self, name: &str) -> Option<&Words> {
        match &self.column(name)?.cells {
            Cells::Words(cells) => Some(cells),
            _ => None,
        }
    }

    /// The times of the column called `name`, if it holds times.
    #[must_use]
    pub fn times(&self, name: &str) -> Option<&[Option<Timestamp>]> {
        match &self.column(name)?.cells {
            Cells::Times(cells) => Some(cells),
            _ => None,
        }
    }

    /// The name of a column that `wanted` was probably meant to be.
    #[must_use]
    pub fn nearest_name(&self, wanted: &str) -> Option<&str> {
        auscult_core::nearest(wanted, self.columns.iter().map(|column| column.name.as_str()))
    }

    /// Appends the rows of `more`, column by column. Cost: the cells of
    /// `more`, and the distinct words of both.
    ///
    /// # Errors
    ///
    /// [`AppendError`], and nothing is appended, unless both have the same
    /// columns of the same kinds in the same order. An empty table without
    /// columns takes any.
    pub fn append(&mut self, more: Self) -> Result<(), AppendError> {
        if self.columns.is_empty() {
            self.columns = more.columns;
            return Ok(());
        }
        if self.columns.len() != more.columns.len() {
            let (expected, got) = (self.columns.len(), more.columns.len());
            return Err(AppendError::Count { expected, got });
        }
        for (ours, theirs) in self.columns.iter().zip(&more.columns) {
            if ours.name != theirs.name || ours.cells.kind() != theirs.cells.kind() {
                return Err(AppendError::Column {
                    expected: ours.name.clone(),
                    expected_kind: ours.cells.kind(),
                    got: theirs.name.clone(),
                    got_kind: theirs.cells.kind(),
                });
            }
        }
        for (ours, theirs) in self.columns.iter_mut().zip(more.columns) {
            ours.cells.append(theirs.cells);
        }
        Ok(())
    }
}

/// Why a table cannot be appended to another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum AppendError {
    /// Not as many columns.
    #[error("expected {expected} columns, got {got}")]
    Count { expected: usize, got: usize },
    /// Another column.
    #[error("expected column `{expected}` of {expected_kind}, got `{got}` of {got_kind}")]
    Column { expected: String, expected_kind: Kind, got: String, got_kind: Kind },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(name: &str, cells: &[&str]) -> Table {
        let mut builder = WordsBuilder::default();
        for cell in cells {
            builder.push(cell.as_bytes()).expect("UTF-8");
        }
        let cells = Cells::Words(builder.into_words());
        Table::new(vec![Column { name: name.to_owned(), cells }])
    }

    #[test]
    fn appended_words_share_one_list() {
        let mut table = Table::default();
        table.append(labels("fault", &["hot", "", "cold"])).expect("takes any");
        table.append(labels("fault", &["cold", "wet", "hot"])).expect("the same column");
        let words = table.words("fault").expect("words");
        assert_eq!(words.distinct, ["hot", "cold", "wet"]);
        assert_eq!(words.rows, [Some(0), None, Some(1), Some(1), Some(2), Some(0)]);
        assert_eq!(words.get(4), Some("wet"));
    }

    #[test]
    fn other_columns_are_not_appended() {
        let mut table = labels("fault", &["hot"]);
        let error = table.append(labels("cause", &["hot"])).expect_err("another column");
        assert_eq!(error.to_string(), "expected column `fault` of words, got `cause` of words");
        assert_eq!(table.rows(), 1);
    }
}

//! A table in memory, column by column.

use auscult_core::Timestamp;

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

    /// The column called `name`.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

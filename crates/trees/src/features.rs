//! The columns that trees ask about.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::TreeError;

/// The code of a category that is missing.
pub const MISSING: u32 = u32::MAX;

/// One column: a reading or a category for each row.
#[derive(Debug, Clone, PartialEq)]
pub enum Feature<'a> {
    /// Numbers; NaN where there is none.
    Number(Cow<'a, [f64]>),
    /// Categories without order.
    Category {
        /// One code per row, below `categories`; [`MISSING`] where there is none.
        codes: Cow<'a, [u32]>,
        /// How many categories there are, seen or not.
        categories: usize,
    },
}

impl<'a> Feature<'a> {
    /// Numbers; NaN where there is none.
    pub fn numbers(values: impl Into<Cow<'a, [f64]>>) -> Self {
        Self::Number(values.into())
    }

    /// Categories; [`MISSING`] where there is none.
    pub fn categories(codes: impl Into<Cow<'a, [u32]>>, categories: usize) -> Self {
        Self::Category { codes: codes.into(), categories }
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Number(values) => values.len(),
            Self::Category { codes, .. } => codes.len(),
        }
    }

    /// What kind of column this is.
    #[must_use]
    pub fn kind(&self) -> FeatureKind {
        match self {
            Self::Number(_) => FeatureKind::Number,
            Self::Category { categories, .. } => FeatureKind::Category { categories: *categories },
        }
    }

    /// What row `row` answers.
    #[must_use]
    pub fn answer(&self, row: usize) -> Answer {
        match self {
            Self::Number(values) if values[row].is_nan() => Answer::Missing,
            Self::Number(values) => Answer::Number(values[row]),
            Self::Category { codes, .. } if codes[row] == MISSING => Answer::Missing,
            Self::Category { codes, .. } => Answer::Category(codes[row]),
        }
    }

    /// The same column with its rows in another order, or only some of them.
    #[must_use]
    pub fn reordered(&self, rows: &[usize]) -> Feature<'static> {
        match self {
            Self::Number(values) => {
                Feature::Number(rows.iter().map(|row| values[*row]).collect::<Vec<_>>().into())
            }
            Self::Category { codes, categories } => Feature::Category {
                codes: rows.iter().map(|row| codes[*row]).collect::<Vec<_>>().into(),
                categories: *categories,
            },
        }
    }

    fn check(&self, column: usize, expected: usize) -> Result<(), TreeError> {
        if self.rows() != expected {
            return Err(TreeError::Lengths { column, expected, got: self.rows() });
        }
        match self {
            Self::Number(values) => match values.iter().position(|value| value.is_infinite()) {
                None => Ok(()),
                Some(row) => Err(TreeError::Number {
                    what: "a feature",
                    row,
                    value: values[row],
                    need: "a finite number, or NaN where it is missing",
                }),
            },
            Self::Category { codes, categories } => {
                let odd = |code: &u32| *code != MISSING && *code as usize >= *categories;
                codes.iter().position(odd).map_or(Ok(()), |row| {
                    let what = "the category";
                    Err(TreeError::Code { what, row, code: codes[row], limit: *categories })
                })
            }
        }
    }
}

/// What kind of column a feature is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FeatureKind {
    /// Numbers.
    Number,
    /// Categories without order.
    Category {
        /// How many there are.
        categories: usize,
    },
}

/// Columns of equal length.
///
/// ```
/// use auscult_trees::{Feature, Features, MISSING};
/// let features = Features::new(vec![
///     Feature::numbers(vec![80.0, 95.0, f64::NAN]),
///     Feature::categories(vec![0, MISSING, 2], 3),
/// ])?;
/// assert_eq!((features.rows(), features.columns().len()), (3, 2));
/// # Ok::<(), auscult_trees::TreeError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Features<'a> {
    columns: Vec<Feature<'a>>,
    rows: usize,
}

impl<'a> Features<'a> {
    /// Takes the columns.
    ///
    /// # Errors
    ///
    /// [`TreeError`] when there is no column, when lengths differ, when a number
    /// is infinite, or a category is out of range.
    pub fn new(columns: Vec<Feature<'a>>) -> Result<Self, TreeError> {
        let rows = columns.first().ok_or(TreeError::Empty)?.rows();
        for (at, column) in columns.iter().enumerate() {
            column.check(at, rows)?;
        }
        Ok(Self { columns, rows })
    }

    /// Numbers given row by row, `columns` to a row; NaN where there is none.
    ///
    /// # Errors
    ///
    /// As [`Features::new`]; also when the last row is short.
    pub fn from_rows(readings: &[f64], columns: usize) -> Result<Self, TreeError> {
        if columns == 0 || !readings.len().is_multiple_of(columns) {
            let rows = readings.len() / columns.max(1);
            return Err(TreeError::Count { what: "readings", got: readings.len(), rows });
        }
        let column = |at: usize| {
            let column: Vec<f64> = readings.iter().skip(at).step_by(columns).copied().collect();
            Feature::Number(column.into())
        };
        Self::new((0..columns).map(column).collect())
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns; at least one.
    #[must_use]
    pub fn columns(&self) -> &[Feature<'a>] {
        &self.columns
    }

    /// The kind of every column.
    #[must_use]
    pub fn kinds(&self) -> Vec<FeatureKind> {
        self.columns.iter().map(Feature::kind).collect()
    }

    /// The answers of row `row`.
    #[must_use]
    pub fn row(&self, row: usize) -> RowOf<'_, 'a> {
        RowOf { features: self, row }
    }

    /// The same columns with `column` replaced by `feature`.
    ///
    /// # Errors
    ///
    /// As [`Features::new`].
    pub fn with_column(mut self, column: usize, feature: Feature<'a>) -> Result<Self, TreeError> {
        feature.check(column, self.rows)?;
        self.columns[column] = feature;
        Ok(self)
    }
}

/// What is known of one feature of one case.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It reads this; NaN counts as missing.
    Number(f64),
    /// It is of this category.
    Category(u32),
    /// It has no value, and that is a fact about the case: follow what was
    /// learnt of cases without a value.
    Missing,
    /// Nobody has looked yet: both branches stay open.
    Unknown,
}

/// One case to judge: an answer for each feature.
pub trait Row {
    /// The answer to feature `feature`.
    fn answer(&self, feature: usize) -> Answer;
}

/// A row of [`Features`].
#[derive(Debug, Clone, Copy)]
pub struct RowOf<'f, 'a> {
    features: &'f Features<'a>,
    row: usize,
}

impl Row for RowOf<'_, '_> {
    fn answer(&self, feature: usize) -> Answer {
        self.features.columns[feature].answer(self.row)
    }
}

/// One answer per feature; a feature beyond the end is unknown.
impl Row for [Answer] {
    fn answer(&self, feature: usize) -> Answer {
        self.get(feature).copied().unwrap_or(Answer::Unknown)
    }
}

impl Row for Vec<Answer> {
    fn answer(&self, feature: usize) -> Answer {
        self.as_slice().answer(feature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_do_not_fit_are_refused() {
        let short = vec![Feature::numbers(vec![1.0, 2.0]), Feature::numbers(vec![1.0])];
        assert!(matches!(Features::new(short), Err(TreeError::Lengths { column: 1, .. })));
        let infinite = vec![Feature::numbers(vec![1.0, f64::INFINITY])];
        assert!(matches!(Features::new(infinite), Err(TreeError::Number { row: 1, .. })));
        let beyond = vec![Feature::categories(vec![0, 3], 3)];
        assert!(matches!(Features::new(beyond), Err(TreeError::Code { row: 1, .. })));
        assert!(Features::new(Vec::new()).is_err());
        assert!(Features::from_rows(&[1.0, 2.0, 3.0], 2).is_err());
    }
}

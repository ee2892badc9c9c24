//! A labelled fault log in memory.

use auscult_trees::{Feature, Features, MISSING};

/// Rows of past faults: what was seen, and what the cause turned out to be.
///
/// ```
/// use auscult_diagnose::learn::{FaultLog, FeatureColumn, FeatureValues};
///
/// let log = FaultLog::new(
///     "cause",
///     vec!["cable".to_owned(), "fan".to_owned()],
///     vec![0, 1, 1],
///     vec![FeatureColumn {
///         name: "temperature".to_owned(),
///         values: FeatureValues::Numbers(vec![51.0, 93.0, f64::NAN]),
///     }],
/// )?;
/// assert_eq!((log.rows(), log.classes()), (3, 2));
/// # Ok::<(), auscult_diagnose::learn::LearnError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FaultLog {
    label: String,
    classes: Vec<String>,
    labels: Vec<u32>,
    features: Vec<FeatureColumn>,
    times: Option<Vec<i64>>,
}

/// One column of symptoms.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureColumn {
    /// The column's name, as the log spells it.
    pub name: String,
    /// One value per row.
    pub values: FeatureValues,
}

/// The values of a feature, one per row.
#[derive(Debug, Clone, PartialEq)]
pub enum FeatureValues {
    /// Numbers; NaN where missing, otherwise finite.
    Numbers(Vec<f64>),
    /// Words.
    Words {
        /// Index into `categories` per row; [`auscult_trees::MISSING`] where missing.
        codes: Vec<u32>,
        /// The distinct words.
        categories: Vec<String>,
    },
}

/// Why nothing could be learnt.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum LearnError {
    #[error("the log has no rows with a label")]
    Empty,
    #[error("column `{column}` has {found} values, expected {expected}, one per row")]
    Ragged { column: String, found: usize, expected: usize },
    #[error("column `{column}` holds {value}, need finite numbers")]
    NotFinite { column: String, value: f64 },
    #[error("column `{column}` has a code for a category it does not list")]
    Code { column: String },
    #[error(
        "label `{label}` has one value, `{class}`, in all {rows} rows; need at least two causes \
         to tell apart"
    )]
    OneClass { label: String, class: String, rows: usize },
    #[error(
        "label `{label}` has {classes} different values in {rows} rows; expected causes that recur: \
         is it the right column"
    )]
    ManyClasses { label: String, classes: usize, rows: usize },
    #[error("no column is left to learn from: {0}")]
    NoFeatures(String),
    #[error("{what} = {value}: must be {range}")]
    Setting { what: &'static str, value: String, range: &'static str },
    #[error(
        "{rows} rows are too few for {folds} folds; need at least {needed}: lower the number of \
         folds"
    )]
    TooFewRows { rows: usize, folds: usize, needed: usize },
    #[error(
        "{instants} different times are too few for {folds} time-ordered folds; need at least \
         {needed}: lower the number of folds"
    )]
    TooFewTimes { instants: usize, folds: usize, needed: usize },
    #[error("time-ordered validation needs a moment for every row")]
    NoTimes,
    #[error("cannot grow the trees: {0}")]
    Trees(#[from] auscult_trees::TreeError),
}

impl FaultLog {
    /// A log with the cause of each row as an index into `classes`.
    ///
    /// # Errors
    ///
    /// [`LearnError`] when there is no row, a column has another length, a
    /// number is infinite, or a code is out of range.
    pub fn new(
        label: impl Into<String>,
        classes: Vec<String>,
        labels: Vec<u32>,
        features: Vec<FeatureColumn>,
    ) -> Result<Self, LearnError> {
        let label = label.into();
        let rows = labels.len();
        if rows == 0 {
            return Err(LearnError::Empty);
        }
        if labels.iter().any(|&class| class as usize >= classes.len()) {
            return Err(LearnError::Code { column: label });
        }
        features.iter().try_for_each(|feature| feature.check(rows))?;
        Ok(Self { label, classes, labels, features, times: None })
    }

    /// The same log with a moment per row, for time-ordered validation.
    ///
    /// # Errors
    ///
    /// [`LearnError::Ragged`] unless there is one moment per row.
    pub fn with_times(self, column: &str, times: Vec<i64>) -> Result<Self, LearnError> {
        let (found, expected) = (times.len(), self.rows());
        if found != expected {
            return Err(LearnError::Ragged { column: column.to_owned(), found, expected });
        }
        Ok(Self { times: Some(times), ..self })
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// Number of causes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes.len()
    }

    /// Name of the label column.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Names of the causes.
    #[must_use]
    pub fn class_names(&self) -> &[String] {
        &self.classes
    }

    /// The cause of each row.
    #[must_use]
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The columns of symptoms.
    #[must_use]
    pub fn features(&self) -> &[FeatureColumn] {
        &self.features
    }

    /// The moment of each row, in nanoseconds, where known.
    #[must_use]
    pub fn times(&self) -> Option<&[i64]> {
        self.times.as_deref()
    }

    /// The same log with the features that `keep` accepts.
    pub(crate) fn retain(&self, keep: impl Fn(&FeatureColumn) -> bool) -> Self {
        let features = self.features.iter().filter(|feature| keep(feature)).cloned().collect();
        Self { features, ..self.clone_without_features() }
    }

    fn clone_without_features(&self) -> Self {
        Self {
            label: self.label.clone(),
            classes: self.classes.clone(),
            labels: self.labels.clone(),
            features: Vec::new(),
            times: self.times.clone(),
        }
    }

    /// The columns as trees take them.
    pub(crate) fn as_features(&self) -> Result<Features<'_>, LearnError> {
        let columns = self.features.iter().map(|feature| feature.values.as_feature()).collect();
        Ok(Features::new(columns)?)
    }

    /// Rows of each cause.
    pub(crate) fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for &class in &self.labels {
            counts[class as usize] += 1;
        }
        counts
    }
}

impl FeatureColumn {
    fn check(&self, rows: usize) -> Result<(), LearnError> {
        let column = || self.name.clone();
        if self.values.rows() != rows {
            let found = self.values.rows();
            return Err(LearnError::Ragged { column: column(), found, expected: rows });
        }
        match &self.values {
            FeatureValues::Numbers(numbers) => {
                match numbers.iter().find(|number| number.is_infinite()) {
                    None => Ok(()),
                    Some(&value) => Err(LearnError::NotFinite { column: column(), value }),
                }
            }
            FeatureValues::Words { codes, categories } => {
                let known = |&code: &u32| code == MISSING || (code as usize) < categories.len();
                if codes.iter().all(known) {
                    Ok(())
                } else {
                    Err(LearnError::Code { column: column() })
                }
            }
        }
    }
}

impl FeatureValues {
    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Words { codes, .. } => codes.len(),
        }
    }

    /// Rows without a value.
    #[must_use]
    pub fn missing(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.iter().filter(|number| number.is_nan()).count(),
            Self::Words { codes, .. } => codes.iter().filter(|&&code| code == MISSING).count(),
        }
    }

    /// Number of distinct values, missing ones aside.
    #[must_use]
    pub fn distinct(&self) -> usize {
        match self {
            Self::Numbers(numbers) => {
                let mut present: Vec<f64> =
                    numbers.iter().copied().filter(|number| !number.is_nan()).collect();
                present.sort_by(f64::total_cmp);
                // Equality on floats on purpose: 0 and -0 are one value.
                present.dedup_by(|a, b| a == b);
                present.len()
            }
            Self::Words { codes, categories } => {
                let mut seen = vec![false; categories.len()];
                codes.iter().filter(|&&code| code != MISSING).for_each(|&code| {
                    seen[code as usize] = true;
                });
                seen.into_iter().filter(|&seen| seen).count()
            }
        }
    }

    /// The column as trees take it.
    #[must_use]
    pub(crate) fn as_feature(&self) -> Feature<'_> {
        match self {
            Self::Numbers(numbers) => Feature::numbers(numbers.as_slice()),
            Self::Words { codes, categories } => {
                Feature::categories(codes.as_slice(), categories.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_does_not_fit() {
        let classes = || vec!["a".to_owned(), "b".to_owned()];
        let column = |values| vec![FeatureColumn { name: "x".to_owned(), values }];
        let ragged = column(FeatureValues::Numbers(vec![1.0]));
        let infinite = column(FeatureValues::Numbers(vec![1.0, f64::INFINITY]));
        let code =
            column(FeatureValues::Words { codes: vec![0, 1], categories: vec!["w".to_owned()] });
        for features in [ragged, infinite, code] {
            assert!(FaultLog::new("y", classes(), vec![0, 1], features).is_err());
        }
        assert!(FaultLog::new("y", classes(), vec![0, 2], Vec::new()).is_err());
        assert!(FaultLog::new("y", classes(), Vec::new(), Vec::new()).is_err());
    }

    #[test]
    fn counts_distinct_and_missing_values() {
        let numbers = FeatureValues::Numbers(vec![0.0, -0.0, f64::NAN, 3.0]);
        assert_eq!((numbers.distinct(), numbers.missing()), (2, 1));
        let words = FeatureValues::Words {
            codes: vec![1, 1, MISSING],
            categories: vec!["never seen".to_owned(), "seen".to_owned()],
        };
        assert_eq!((words.distinct(), words.missing()), (1, 1));
    }
}

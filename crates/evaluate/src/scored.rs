//! Truth beside scores, and truth beside decisions.

/// One score per row beside the truth; the only door to the measures of scores.
///
/// ```
/// use auscult_evaluate::Scored;
/// let scored = Scored::new(&[false, true], &[0.1, 0.9])?;
/// assert_eq!(scored.alarms_from(0.5), [false, true]);
/// assert!(Scored::new(&[false], &[f64::NAN]).is_err());
/// # Ok::<(), auscult_evaluate::EvaluateError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Scored<'a> {
    labels: &'a [bool],
    scores: &'a [f64],
}

impl<'a> Scored<'a> {
    /// Puts `scores`, higher is stranger, beside `labels`, true for an anomaly.
    ///
    /// # Errors
    ///
    /// [`EvaluateError`] when the lengths differ or a score is not finite.
    pub fn new(labels: &'a [bool], scores: &'a [f64]) -> Result<Self, EvaluateError> {
        check_rows(labels.len(), scores.len())?;
        match scores.iter().position(|score| !score.is_finite()) {
            Some(row) => Err(EvaluateError::NotFinite { row, score: scores[row] }),
            None => Ok(Self { labels, scores }),
        }
    }

    /// The truth, one entry a row.
    #[must_use]
    pub fn labels(&self) -> &'a [bool] {
        self.labels
    }

    /// The scores, one a row.
    #[must_use]
    pub fn scores(&self) -> &'a [f64] {
        self.scores
    }

    /// How many rows are anomalous.
    #[must_use]
    pub fn anomalous(&self) -> usize {
        self.labels.iter().filter(|label| **label).count()
    }

    /// An alarm on each row whose score is at least `threshold`.
    #[must_use]
    pub fn alarms_from(&self, threshold: f64) -> Vec<bool> {
        self.scores.iter().map(|score| *score >= threshold).collect()
    }

    /// An alarm on each row whose score is above `threshold`.
    #[must_use]
    pub fn alarms_above(&self, threshold: f64) -> Vec<bool> {
        self.scores.iter().map(|score| *score > threshold).collect()
    }
}

/// One decision per row beside the truth; the only door to the measures of alarms.
#[derive(Debug, Clone, Copy)]
pub struct Flagged<'a> {
    labels: &'a [bool],
    alarms: &'a [bool],
}

impl<'a> Flagged<'a> {
    /// Puts `alarms` beside `labels`, true for an anomaly.
    ///
    /// # Errors
    ///
    /// [`EvaluateError::Rows`] when the lengths differ.
    pub fn new(labels: &'a [bool], alarms: &'a [bool]) -> Result<Self, EvaluateError> {
        check_rows(labels.len(), alarms.len())?;
        Ok(Self { labels, alarms })
    }

    /// The truth, one entry a row.
    #[must_use]
    pub fn labels(&self) -> &'a [bool] {
        self.labels
    }

    /// The decisions, one a row.
    #[must_use]
    pub fn alarms(&self) -> &'a [bool] {
        self.alarms
    }
}

fn check_rows(labels: usize, got: usize) -> Result<(), EvaluateError> {
    if labels == got { Ok(()) } else { Err(EvaluateError::Rows { labels, got }) }
}

/// Why nothing was measured.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum EvaluateError {
    /// Truth and scores, or decisions, do not belong together.
    #[error("expected one entry for each of {labels} labels, got {got}")]
    Rows { labels: usize, got: usize },
    /// A score that cannot be put in order.
    #[error("row {row} scores {score}, need a finite number")]
    NotFinite { row: usize, score: f64 },
}

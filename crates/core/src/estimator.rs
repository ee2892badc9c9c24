//! Methods that learn from a whole history at once.

use crate::{DetectError, Explanation, Frame};

/// Learns what is normal from a whole history at once.
///
/// # Laws
///
/// 1. Fitting twice gives the same model twice.
/// 2. There is one score for each row of the history, finite and at least 0.
/// 3. A history that is too short or too narrow is refused, never a panic.
pub trait Estimator: std::fmt::Debug {
    /// What fitting yields; an unfitted model has nothing to misuse.
    type Fitted: Model;

    /// Fits `history`, shape `(rows, channels)`, oldest row first.
    ///
    /// # Errors
    ///
    /// [`FitError`] when there is too little to learn from.
    fn fit(&self, history: &Frame<'_>) -> Result<Fit<Self::Fitted>, FitError>;
}

/// Learns from a history whose rows are labelled, some or all.
pub trait LabelledEstimator: std::fmt::Debug {
    /// What fitting yields.
    type Fitted: Model;

    /// Fits `history`; `labels` has one entry per row: `Some(true)` for an
    /// anomaly, `Some(false)` for a normal row, `None` where nobody said.
    ///
    /// Scores of labelled rows come from parts of the model that did not see
    /// them.
    ///
    /// # Errors
    ///
    /// [`FitError`] when there is too little to learn from.
    fn fit_labelled(
        &self,
        history: &Frame<'_>,
        labels: &[Option<bool>],
    ) -> Result<Fit<Self::Fitted>, FitError>;
}

/// A fitted model, with the scores of the history it was fitted on.
#[derive(Debug, Clone)]
pub struct Fit<M> {
    /// What was learnt.
    pub model: M,
    /// One score per row of the history; see the method for whether a row
    /// counts among its own neighbours.
    pub scores: Vec<f64>,
}

/// What an [`Estimator`] learnt.
pub trait Model: std::fmt::Debug + Send + Sync {
    /// Readings that each row must carry.
    fn channels(&self) -> usize;

    /// Scores `rows` that come after the history: one score per row, finite,
    /// at least 0, higher is stranger.
    ///
    /// # Errors
    ///
    /// [`DetectError::Channels`] for rows of another width.
    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError>;

    /// Explains row `row` of `rows`, which come after the history. Bands are
    /// drawn for `threshold`. `None` where the method cannot say anything.
    ///
    /// # Errors
    ///
    /// [`DetectError::Channels`] for rows of another width.
    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError>;

    /// What was learnt, in a sentence for a person: a season that was found,
    /// a number of components that was chosen. Nothing by default.
    fn describe(&self) -> Option<String> {
        None
    }

    /// Explains row `row` of the `history` that the model was fitted on.
    /// Methods for which the position of a row matters override this.
    ///
    /// # Errors
    ///
    /// As [`Model::explain`].
    fn explain_history(
        &self,
        history: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        self.explain(history, row, threshold)
    }
}

/// Learns from a history in pieces, in memory that does not grow with it.
///
/// Agrees with the [`Estimator`] of the same method up to rounding.
pub trait Accumulator: std::fmt::Debug + Send {
    /// Takes in the next rows.
    ///
    /// # Errors
    ///
    /// [`DetectError::Channels`] for rows of another width.
    fn observe(&mut self, rows: &Frame<'_>) -> Result<(), DetectError>;

    /// A model of the rows so far, for methods whose models are *valleys*:
    /// they have one channel, rate and explain each row by its reading alone,
    /// and rate no reading above both a smaller and a larger one, rounding
    /// included. `None` for other methods, however many rows there were.
    ///
    /// Between two readings that a valley rates as normal there is none that
    /// it does not: with their ends known, normal rows need not be seen again.
    /// Cost: that of [`Accumulator::finish`].
    fn valley(&self) -> Option<Result<Box<dyn Model>, FitError>> {
        None
    }

    /// Ends the learning.
    ///
    /// # Errors
    ///
    /// [`FitError`] when there was too little to learn from.
    fn finish(self: Box<Self>) -> Result<Box<dyn Model>, FitError>;
}

/// Why nothing was learnt from a history.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum FitError {
    /// Too few rows.
    #[error("need at least {need} rows, got {got}")]
    Rows { need: usize, got: usize },
    /// Too few or too many columns.
    #[error("{reason}, got {got}")]
    Channels { reason: &'static str, got: usize },
    /// A setting does not fit this history.
    #[error("`{key} = {value}` does not fit this history: {reason}")]
    Setting { key: &'static str, value: String, reason: String },
    /// Something else about the history; says what and what to do.
    #[error("{0}")]
    History(String),
}

impl FitError {
    /// Passes when there are at least `need` rows.
    ///
    /// # Errors
    ///
    /// [`FitError::Rows`] otherwise.
    pub fn check_rows(need: usize, got: usize) -> Result<(), Self> {
        if got >= need { Ok(()) } else { Err(Self::Rows { need, got }) }
    }
}

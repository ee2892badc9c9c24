//! The nearest rows of a history, in units of its channels.

use auscult_core::{DetectError, Explanation, FitError, Frame};

use crate::neighbours::{NeighbourIndex, Neighbours};
use crate::scaler::Scaler;

/// A history in which the nearest rows of any row can be found.
#[derive(Debug, Clone)]
pub(super) struct Surroundings {
    /// Nearest rows that count.
    k: usize,
    scaler: Scaler,
    index: NeighbourIndex,
}

/// A row, in units, that is row `own` of the history or new.
#[derive(Debug, Clone, Copy)]
pub(super) struct Query<'a> {
    pub(super) scaled: &'a [f64],
    pub(super) own: Option<u32>,
}

impl Surroundings {
    /// The `neighbours` nearest rows of `history` count, all others where there
    /// are fewer. If `standardise`, channels are in their robust deviations.
    ///
    /// # Errors
    ///
    /// [`FitError`] for fewer than two rows, or more than can be numbered.
    pub(super) fn of(
        history: &Frame<'_>,
        neighbours: usize,
        standardise: bool,
    ) -> Result<Self, FitError> {
        FitError::check_rows(2, history.rows())?;
        let scaler = if standardise {
            Scaler::robust(history)
        } else {
            Scaler::identity(history.channels())
        };
        let index = NeighbourIndex::new(scaler.apply(history), history.channels())?;
        Ok(Self { k: neighbours.min(history.rows() - 1), scaler, index })
    }

    pub(super) fn channels(&self) -> usize {
        self.scaler.unit.len()
    }

    /// One unit of every channel.
    pub(super) fn units(&self) -> &[f64] {
        &self.scaler.unit
    }

    /// The nearest other rows of every row of the history.
    pub(super) fn of_history(&self) -> Neighbours {
        self.index.of_history(self.k)
    }

    /// The nearest rows of every row of `rows`, which are new.
    pub(super) fn of_rows(&self, rows: &Frame<'_>) -> Result<Neighbours, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        Ok(self.index.of_queries(&self.scaler.apply(rows), self.k))
    }

    /// The nearest rows of one row.
    pub(super) fn of_query(&self, query: Query<'_>) -> Neighbours {
        self.index.of_query(query.scaled, query.own, self.k)
    }

    /// Mean of `rows` of the history, in units.
    pub(super) fn mean_of(&self, rows: &[u32]) -> Vec<f64> {
        self.index.mean_of(rows, self.channels())
    }

    /// Writes row `row` of the history, in units.
    pub(super) fn read_row(&self, row: u32, scaled: &mut [f64]) {
        self.index.read_row(row, scaled);
    }

    /// Explains a new row by the mean of its nearest rows.
    ///
    /// `shares` is told the row, the nearest rows and their mean.
    pub(super) fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        shares: impl Fn(Query<'_>, &[u32], &[f64]) -> Vec<f64>,
    ) -> Result<Option<Explanation>, DetectError> {
        self.explain_row(rows, row, None, shares)
    }

    /// As [`Surroundings::explain`], of a row of the history.
    pub(super) fn explain_history(
        &self,
        history: &Frame<'_>,
        row: usize,
        shares: impl Fn(Query<'_>, &[u32], &[f64]) -> Vec<f64>,
    ) -> Result<Option<Explanation>, DetectError> {
        self.explain_row(history, row, u32::try_from(row).ok(), shares)
    }

    fn explain_row(
        &self,
        rows: &Frame<'_>,
        row: usize,
        own: Option<u32>,
        shares: impl Fn(Query<'_>, &[u32], &[f64]) -> Vec<f64>,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        let mut scaled = vec![0.0; self.channels()];
        self.scaler.apply_to(rows.row(row), &mut scaled);
        let query = Query { scaled: &scaled, own };
        let found = self.of_query(query);
        let nearest: Vec<u32> = found.iter().flat_map(|(_, rows)| rows).copied().collect();
        let usual = self.mean_of(&nearest);
        let share = shares(query, &nearest, &usual);
        let expected = usual.iter().enumerate().map(|(c, usual)| self.scaler.reading(c, *usual));
        Ok(Some(Explanation::new(expected.collect(), None, share)))
    }
}

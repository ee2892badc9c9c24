//! Surprise of each reading on the long side of its column, added up.

use auscult_core::{
    DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, Settings, settings,
};

use super::tails::{Surprise, Tails};
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`Copod`]: there are none.
    pub struct CopodSettings {}
}

pub(super) const METHOD: Method = Method {
    name: "copod",
    title: "Copula-based outlier detection",
    summary: "How far out each reading stands on the long-tailed side of its column, added up.",
    sees: "readings far in the longer tail of skewed columns, such as latencies, without settings",
    blind: "gaps between values; readings that are odd only together; beyond the extremes, how far",
    unit: "surprise, in nats",
    cost: "O(n d log n) time, O(n d) memory",
    source: "Z. Li, Y. Zhao, N. Botta, C. Ionescu, X. Hu, \"COPOD: copula-based outlier detection\", ICDM 2020",
    channels: Channels::Any,
    order: Order::Free,
    threshold: Threshold::Share(0.01),
    parameters: CopodSettings::PARAMETERS,
    default_of: CopodSettings::default_of,
    batch: Some(|map| {
        CopodSettings::from_map(map)?;
        Ok(Box::new(Copod))
    }),
    pieces: None,
    labelled: None,
    online: None,
};

/// How far out each reading stands on the long-tailed side of its column, added
/// up over the columns.
///
/// A reading's surprise is `-ln` of the share of the history that lies as far
/// out or further: on the side to which the column is skewed, or the mean of
/// both sides if that is more. A new row is rated as if it were added to the
/// history. Unlike [`Ecod`](super::Ecod), low readings of a column with a long
/// upper tail count little.
///
/// Equals PyOD's `COPOD`, but rates each new row on its own, with the skewness
/// of the history.
///
/// Reference: Z. Li, Y. Zhao, N. Botta, C. Ionescu, X. Hu, "COPOD: copula-based
/// outlier detection", ICDM 2020.
///
/// ```
/// use auscult_core::{Estimator, Frame, Model};
/// use auscult_detect::density::Copod;
/// let latency: Vec<f64> = (0..99).map(|i| 1.1_f64.powi(i)).collect();
/// let fit = Copod.fit(&Frame::of_column(&latency)?)?;
/// let scores = fit.model.score(&Frame::of_column(&[1e6, 0.1])?)?;
/// assert!(scores[0] > 4.0 && scores[1] < 2.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Copod;

impl Estimator for Copod {
    type Fitted = CopodModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<CopodModel>, FitError> {
        FitError::check_rows(2, history.rows())?;
        let tails = Tails::new(history);
        let model = CopodModel { signs: tails.skewness_signs(), tails };
        let part = |channel, surprise| model.part(channel, surprise);
        let scores = model.tails.sums_of_history(history, part);
        Ok(Fit { model, scores })
    }
}

/// The distribution of every column of a history.
#[derive(Debug, Clone)]
pub struct CopodModel {
    tails: Tails,
    /// Sign of the skewness of each column.
    signs: Vec<f64>,
}

impl CopodModel {
    fn part(&self, channel: usize, surprise: Surprise) -> f64 {
        let Surprise { left, right } = surprise;
        let skewed = match self.signs[channel] {
            sign if sign > 0.0 => right,
            sign if sign < 0.0 => left,
            _ => left + right,
        };
        skewed.max(0.5 * (left + right))
    }
}

impl Model for CopodModel {
    fn channels(&self) -> usize {
        self.tails.channels()
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        self.tails.sums(rows, |channel, surprise| self.part(channel, surprise))
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        let part = |channel, surprise| self.part(channel, surprise);
        let parts: Vec<f64> = self.tails.parts(rows.row(row), part).collect();
        let share = Explanation::shares(&parts);
        Ok(Some(Explanation::new(self.tails.medians(), None, share)))
    }
}

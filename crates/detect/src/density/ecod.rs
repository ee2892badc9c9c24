//! Surprise of each reading in its own column, added up.

use auscult_core::{
    DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, Settings, settings,
};

use super::tails::{Surprise, Tails};
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`Ecod`]: there are none.
    pub struct EcodSettings {}
}

pub(super) const METHOD: Method = Method {
    name: "ecod",
    title: "Empirical cumulative distribution outlier detection",
    summary: "How far out each reading stands in its own column, added up over the columns.",
    sees: "readings among the lowest or highest of their column, in any unit, without settings",
    blind: "gaps between values; readings that are odd only together; beyond the extremes, how far",
    unit: "surprise, in nats",
    cost: "O(n d log n) time, O(n d) memory",
    source: "Z. Li et al., \"ECOD: unsupervised outlier detection using empirical cumulative distribution functions\", IEEE Transactions on Knowledge and Data Engineering 35(12), 2023",
    channels: Channels::Any,
    order: Order::Free,
    threshold: Threshold::Share(0.01),
    parameters: EcodSettings::PARAMETERS,
    default_of: EcodSettings::default_of,
    batch: Some(|map| {
        EcodSettings::from_map(map)?;
        Ok(Box::new(Ecod))
    }),
    pieces: None,
    labelled: None,
    online: None,
};

/// How far out each reading stands in its own column, added up over the columns.
///
/// A reading's surprise is `-ln` of the share of the history that is as low or
/// lower, or as high or higher, whichever is rarer; the score is the sum over
/// channels. A new row is rated as if it were added to the history. Needs no
/// settings and no units, but beyond the most extreme reading it cannot tell
/// how far.
///
/// Equals PyOD's `ECOD` (which, unlike the paper, chooses the side for each
/// reading, so that the skewness of a column does not matter unless it is
/// exactly 0), but rates each new row on its own.
///
/// Reference: Z. Li, Y. Zhao, X. Hu, N. Botta, C. Ionescu, G. H. Chen, "ECOD:
/// unsupervised outlier detection using empirical cumulative distribution
/// functions", IEEE Transactions on Knowledge and Data Engineering 35(12), 2023.
///
/// ```
/// use auscult_core::{Estimator, Frame, Model};
/// use auscult_detect::density::Ecod;
/// let load: Vec<f64> = (0..99).map(f64::from).collect();
/// let fit = Ecod.fit(&Frame::of_column(&load)?)?;
/// let scores = fit.model.score(&Frame::of_column(&[1000.0, 49.0])?)?;
/// assert!((scores[0] - 100_f64.ln()).abs() < 1e-12 && scores[1] < 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Ecod;

impl Estimator for Ecod {
    type Fitted = EcodModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<EcodModel>, FitError> {
        FitError::check_rows(2, history.rows())?;
        let model = EcodModel { tails: Tails::new(history) };
        let scores = model.tails.sums_of_history(history, rarer);
        Ok(Fit { model, scores })
    }
}

/// What a reading of any column adds to the score.
fn rarer(_channel: usize, surprise: Surprise) -> f64 {
    surprise.left.max(surprise.right)
}

/// The distribution of every column of a history.
#[derive(Debug, Clone)]
pub struct EcodModel {
    tails: Tails,
}

impl Model for EcodModel {
    fn channels(&self) -> usize {
        self.tails.channels()
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        self.tails.sums(rows, rarer)
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        let parts: Vec<f64> = self.tails.parts(rows.row(row), rarer).collect();
        let total: f64 = parts.iter().sum();
        let band =
            |(channel, part): (usize, &f64)| self.tails.band(channel, threshold - (total - part));
        Ok(Some(Explanation::new(
            self.tails.medians(),
            Some(parts.iter().enumerate().map(band).collect()),
            Explanation::shares(&parts),
        )))
    }
}

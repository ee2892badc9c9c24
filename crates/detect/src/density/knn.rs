//! Distance to the nearest rows of the history.

use auscult_core::{
    DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, Settings, settings,
};
use serde::{Deserialize, Serialize};

use crate::neighbours::{NeighbourIndex, Neighbours};
use crate::scaler::Scaler;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`Knn`].
    pub struct KnnSettings {
        /// Nearest rows that count; all other rows where there are fewer.
        neighbours: usize = 5, "at least 1", |neighbours| *neighbours >= 1;
        /// Which of their distances is the score: the `largest`, the `mean` or
        /// the `median`.
        statistic: KnnStatistic = KnnStatistic::Largest, "`largest`, `mean` or `median`", |_| true;
        /// Whether to divide every channel by its median absolute deviation
        /// first, so that no channel counts more for being written in a smaller
        /// unit. scikit-learn and PyOD do not.
        standardise: bool = true, "`true` or `false`", |_| true;
    }
}

/// What the distances to the nearest rows are summed up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KnnStatistic {
    /// Distance to the last of them.
    Largest,
    /// Mean distance.
    Mean,
    /// Median distance.
    Median,
}

impl KnnStatistic {
    /// Of `distances`, which ascend.
    fn of(self, distances: &[f64]) -> f64 {
        let count = distances.len();
        match self {
            Self::Largest => distances[count - 1],
            Self::Mean => distances.iter().sum::<f64>() / count as f64,
            Self::Median => 0.5 * (distances[(count - 1) / 2] + distances[count / 2]),
        }
    }
}

pub(super) const METHOD: Method = Method {
    name: "knn",
    title: "k-nearest-neighbour distance",
    summary: "Distance to the k-th nearest row of the history.",
    sees: "rows far from everything seen, in clusters of any shape",
    blind: "odd rows near a dense cluster, where lof helps; a fault that stood in the history k times or more",
    unit: "distance, in robust deviations of a channel",
    cost: "O(n log n) time for few channels, O(n² d) for more than 14; O(n d) memory",
    source: "S. Ramaswamy, R. Rastogi, K. Shim, \"Efficient algorithms for mining outliers from large data sets\", SIGMOD 2000",
    channels: Channels::Any,
    order: Order::Free,
    threshold: Threshold::Share(0.01),
    parameters: KnnSettings::PARAMETERS,
    default_of: KnnSettings::default_of,
    batch: Some(|map| Ok(Box::new(Knn::new(KnnSettings::from_map(map)?)?))),
    pieces: None,
    labelled: None,
    online: None,
};

/// Distance to the k-th nearest row of the history.
///
/// Rows of the history are not their own neighbours; rows that come after it
/// are compared with all of it. Equals PyOD's `KNN` with `standardise` off.
/// Finds neighbours exactly: with a k-d tree up to 14 channels, by comparing all
/// pairs beyond that. Blind to a fault that repeats at least k times.
///
/// The explanation expects the mean of the nearest rows and shares the squared
/// distances to them out among the channels.
///
/// Reference: S. Ramaswamy, R. Rastogi, K. Shim, "Efficient algorithms for
/// mining outliers from large data sets", SIGMOD 2000; the mean after
/// F. Angiulli, C. Pizzuti, "Fast outlier detection in high dimensional
/// spaces", PKDD 2002.
///
/// ```
/// use auscult_core::{Estimator, Frame, Model};
/// use auscult_detect::density::{Knn, KnnSettings};
/// let settings = KnnSettings { neighbours: 1, standardise: false, ..Default::default() };
/// let fit = Knn::new(settings)?.fit(&Frame::of_column(&[1.0, 2.0, 3.5, 90.0])?)?;
/// assert_eq!(fit.scores, [1.0, 1.0, 1.5, 86.5]);
/// assert_eq!(fit.model.score(&Frame::of_column(&[2.25])?)?, [0.25]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Knn {
    settings: KnnSettings,
}

impl Knn {
    /// A nearest-neighbour distance with `settings`.
    ///
    /// # Errors
    ///
    /// [`auscult_core::SettingError`] for a value out of range.
    pub fn new(settings: KnnSettings) -> Result<Self, auscult_core::SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }
}

impl Estimator for Knn {
    type Fitted = KnnModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<KnnModel>, FitError> {
        FitError::check_rows(2, history.rows())?;
        let scaler = if self.settings.standardise {
            Scaler::robust(history)
        } else {
            Scaler::identity(history.channels())
        };
        let index = NeighbourIndex::new(scaler.apply(history), history.channels())?;
        let k = self.settings.neighbours.min(history.rows() - 1);
        let model = KnnModel { statistic: self.settings.statistic, k, scaler, index };
        let scores = model.rate(&model.index.of_history(k));
        Ok(Fit { model, scores })
    }
}

/// A history in which neighbours can be found.
#[derive(Debug, Clone)]
pub struct KnnModel {
    statistic: KnnStatistic,
    k: usize,
    scaler: Scaler,
    index: NeighbourIndex,
}

impl KnnModel {
    fn rate(&self, neighbours: &Neighbours) -> Vec<f64> {
        neighbours.iter().map(|(distances, _)| self.statistic.of(distances)).collect()
    }

    /// Explains `row`, which is row `own` of the history or new.
    fn explain_row(&self, row: &[f64], own: Option<u32>) -> Explanation {
        let channels = self.channels();
        let mut scaled = vec![0.0; channels];
        self.scaler.apply_to(row, &mut scaled);
        let found = self.index.of_query(&scaled, own, self.k);
        let mut squares = vec![0.0; channels];
        let mut expected = Vec::with_capacity(channels);
        for (_, rows) in found.iter() {
            let mut neighbour = vec![0.0; channels];
            for row in rows {
                self.index.read_row(*row, &mut neighbour);
                for (channel, square) in squares.iter_mut().enumerate() {
                    *square += (scaled[channel] - neighbour[channel]).powi(2);
                }
            }
            let mean = self.index.mean_of(rows, channels);
            expected.extend(mean.iter().enumerate().map(|(c, mean)| self.scaler.reading(c, *mean)));
        }
        Explanation::new(expected, None, Explanation::shares(&squares))
    }
}

impl Model for KnnModel {
    fn channels(&self) -> usize {
        self.scaler.unit.len()
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        Ok(self.rate(&self.index.of_queries(&self.scaler.apply(rows), self.k)))
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        Ok(Some(self.explain_row(rows.row(row), None)))
    }

    fn explain_history(
        &self,
        history: &Frame<'_>,
        row: usize,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels(), history.channels())?;
        Ok(Some(self.explain_row(history.row(row), u32::try_from(row).ok())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_odd_channel_is_named_and_its_neighbours_are_expected() {
        let mut readings: Vec<f64> =
            (0..60).flat_map(|i| [f64::from(i % 7), f64::from(i % 5)]).collect();
        readings[41] = 50.0;
        let frame = Frame::new(&readings, 2).expect("whole rows");
        let fit = Knn::new(KnnSettings::default()).expect("in range").fit(&frame).expect("rows");
        let explanation = fit.model.explain_history(&frame, 20, 1.0).expect("same width");
        let explanation = explanation.expect("always explained");
        assert!(explanation.share[1] > 0.99, "{explanation:?}");
        assert!(explanation.expected[1] < 5.0, "{explanation:?}");
    }

    #[test]
    fn statistics_of_even_and_odd_counts() {
        assert_eq!(KnnStatistic::Median.of(&[1.0, 2.0, 4.0, 9.0]), 3.0);
        assert_eq!(KnnStatistic::Median.of(&[1.0, 2.0, 4.0]), 2.0);
        assert_eq!(KnnStatistic::Mean.of(&[1.0, 2.0, 6.0]), 3.0);
    }
}

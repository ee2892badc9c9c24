//! Distance to the nearest rows of the history.

use auscult_core::{
    DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, Settings, settings,
};
use serde::{Deserialize, Serialize};

use super::surroundings::{Query, Surroundings};
use crate::neighbours::Neighbours;
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
        let KnnSettings { neighbours, standardise, .. } = self.settings;
        let surroundings = Surroundings::of(history, neighbours, standardise)?;
        let model = KnnModel { statistic: self.settings.statistic, surroundings };
        let scores = model.rate(&model.surroundings.of_history());
        Ok(Fit { model, scores })
    }
}

/// A history in which neighbours can be found.
#[derive(Debug, Clone)]
pub struct KnnModel {
    statistic: KnnStatistic,
    surroundings: Surroundings,
}

impl KnnModel {
    fn rate(&self, neighbours: &Neighbours) -> Vec<f64> {
        neighbours.iter().map(|(distances, _)| self.statistic.of(distances)).collect()
    }

    /// Shares of the channels in the squared distances to the `nearest` rows.
    fn shares(&self, query: Query<'_>, nearest: &[u32]) -> Vec<f64> {
        let mut squares = vec![0.0; query.scaled.len()];
        let mut neighbour = vec![0.0; query.scaled.len()];
        for row in nearest {
            self.surroundings.read_row(*row, &mut neighbour);
            for (channel, square) in squares.iter_mut().enumerate() {
                *square += (query.scaled[channel] - neighbour[channel]).powi(2);
            }
        }
        Explanation::shares(&squares)
    }
}

impl Model for KnnModel {
    fn channels(&self) -> usize {
        self.surroundings.channels()
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        Ok(self.rate(&self.surroundings.of_rows(rows)?))
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        self.surroundings.explain(rows, row, |query, nearest, _| self.shares(query, nearest))
    }

    fn explain_history(
        &self,
        history: &Frame<'_>,
        row: usize,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        self.surroundings
            .explain_history(history, row, |query, nearest, _| self.shares(query, nearest))
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

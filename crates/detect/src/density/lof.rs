//! Density compared with that of the neighbours.

use auscult_core::{
    DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, Settings, settings,
};
use auscult_stats::resolution::{Resolution, STEP_TO_DEVIATION};
use rayon::prelude::*;

use super::surroundings::{Query, Surroundings};
use crate::attribution::shares_by_substitution;
use crate::neighbours::Neighbours;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`Lof`].
    pub struct LofSettings {
        /// Nearest rows that count; all other rows where there are fewer.
        neighbours: usize = 20, "at least 1", |neighbours| *neighbours >= 1;
        /// Whether to divide every channel by its median absolute deviation
        /// first, so that no channel counts more for being written in a smaller
        /// unit. scikit-learn and PyOD do not.
        standardise: bool = true, "`true` or `false`", |_| true;
    }
}

pub(super) const METHOD: Method = Method {
    name: "lof",
    title: "Local outlier factor",
    summary: "How much emptier the surroundings of a row are than those of its neighbours.",
    sees: "rows that are odd for their neighbourhood, also beside clusters of different density",
    blind: "groups of odd rows as large as the number of neighbours; how far away a row is, beyond its neighbourhood",
    unit: "times the emptiness of the neighbours",
    cost: "O(n log n) time for few channels, O(n² d) for more than 14; O(n (d + k)) memory",
    source: "M. M. Breunig, H.-P. Kriegel, R. T. Ng, J. Sander, \"LOF: identifying density-based local outliers\", SIGMOD 2000",
    channels: Channels::Any,
    order: Order::Free,
    threshold: Threshold::Score(1.5),
    parameters: LofSettings::PARAMETERS,
    default_of: LofSettings::default_of,
    batch: Some(|map| Ok(Box::new(Lof::new(LofSettings::from_map(map)?)?))),
    pieces: None,
    labelled: None,
    online: None,
};

/// Added to every mean reachability distance, as scikit-learn does, so that
/// rows with many duplicates keep a finite density.
const LEAST_REACH: f64 = 1e-10;

/// The least mean reachability distance that `history` can tell, in units of
/// `units`: what rounding to the smallest step of its finest channel leaves.
fn resolved(history: &Frame<'_>, units: &[f64]) -> f64 {
    let steps = (0..history.channels()).map(|channel| {
        STEP_TO_DEVIATION * Resolution::of(&history.channel(channel)).step() / units[channel]
    });
    steps.filter(|step| *step > 0.0).reduce(f64::min).unwrap_or(0.0)
}

/// How much emptier the surroundings of a row are than those of its neighbours.
///
/// About 1 for a row like its neighbours, above 1 for one that stands apart.
/// Rows of the history are not their own neighbours; rows that come after it
/// are compared with all of it. Equals scikit-learn's `LocalOutlierFactor` with
/// `standardise` off: its `-negative_outlier_factor_` for the history and, for
/// new rows, `-score_samples` of `novelty=True`. Of equally near rows the
/// earlier ones count. With `standardise`, the surroundings of a row are at least
/// as wide as rounding to the smallest step of a channel makes them, so that rows
/// beside a crowd of equal ones are not strange beyond measure.
///
/// The explanation expects the mean of the nearest rows, and shares out how far
/// the score falls when a channel reads that mean.
///
/// Reference: M. M. Breunig, H.-P. Kriegel, R. T. Ng, J. Sander, "LOF:
/// identifying density-based local outliers", SIGMOD 2000.
///
/// ```
/// use auscult_core::{Estimator, Frame, Model};
/// use auscult_detect::density::{Lof, LofSettings};
/// let load: Vec<f64> = (0..100).map(f64::from).chain([130.0]).collect();
/// let fit = Lof::new(LofSettings::default())?.fit(&Frame::of_column(&load)?)?;
/// assert!(fit.scores[100] > 2.0 && fit.scores[50] < 1.1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Lof {
    settings: LofSettings,
}

impl Lof {
    /// A local outlier factor with `settings`.
    ///
    /// # Errors
    ///
    /// [`auscult_core::SettingError`] for a value out of range.
    pub fn new(settings: LofSettings) -> Result<Self, auscult_core::SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }
}

impl Estimator for Lof {
    type Fitted = LofModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<LofModel>, FitError> {
        let LofSettings { neighbours, standardise } = self.settings;
        let surroundings = Surroundings::of(history, neighbours, standardise)?;
        let neighbours = surroundings.of_history();
        let reach =
            neighbours.iter().map(|(distances, _)| distances[distances.len() - 1]).collect();
        // Channels as they are written are judged as scikit-learn does.
        let resolved = if standardise { resolved(history, surroundings.units()) } else { 0.0 };
        let mut model = LofModel { surroundings, reach, density: Vec::new(), resolved };
        model.density = neighbours
            .par_iter()
            .map(|(distances, rows)| model.density_of(distances, rows))
            .collect();
        let scores = model.rate(&neighbours);
        Ok(Fit { model, scores })
    }
}

/// A history in which neighbours can be found, with its densities.
#[derive(Debug, Clone)]
pub struct LofModel {
    surroundings: Surroundings,
    /// Distance of every row of the history to its k-th neighbour.
    reach: Vec<f64>,
    /// Local reachability density of every row of the history.
    density: Vec<f64>,
    /// The least mean reachability distance that counts.
    resolved: f64,
}

impl LofModel {
    /// Local reachability density of a row with these neighbours.
    fn density_of(&self, distances: &[f64], rows: &[u32]) -> f64 {
        let reach = |(distance, row): (&f64, &u32)| distance.max(self.reach[*row as usize]);
        let total: f64 = distances.iter().zip(rows).map(reach).sum();
        1.0 / ((total / rows.len() as f64).max(self.resolved) + LEAST_REACH)
    }

    fn rate(&self, neighbours: &Neighbours) -> Vec<f64> {
        let factor = |(distances, rows): (&[f64], &[u32])| {
            let own = self.density_of(distances, rows);
            let others = rows.iter().map(|row| self.density[*row as usize] / own);
            others.sum::<f64>() / rows.len() as f64
        };
        neighbours.par_iter().map(factor).collect()
    }

    /// Shares of the channels in how far the score falls when they read as `usual`.
    fn shares(&self, query: Query<'_>, usual: &[f64]) -> Vec<f64> {
        shares_by_substitution(query.scaled, usual, |scaled| {
            self.rate(&self.surroundings.of_query(Query { scaled, ..query }))[0]
        })
    }
}

impl Model for LofModel {
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
        self.surroundings.explain(rows, row, |query, _, usual| self.shares(query, usual))
    }

    fn explain_history(
        &self,
        history: &Frame<'_>,
        row: usize,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        self.surroundings.explain_history(history, row, |query, _, usual| self.shares(query, usual))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(readings: &[f64], channels: usize) -> Fit<LofModel> {
        let frame = Frame::new(readings, channels).expect("whole rows");
        Lof::new(LofSettings::default()).expect("in range").fit(&frame).expect("enough rows")
    }

    #[test]
    fn more_duplicates_than_neighbours_are_no_anomaly() {
        let mut readings = vec![3.0; 80];
        readings.extend((0..80).map(|i| 4.0 + f64::from(i) * 0.1));
        let scores = fit(&readings, 1).scores;
        assert!(scores[..80].iter().all(|score| *score == 1.0), "{:?}", &scores[..80]);
        assert!(scores.iter().all(|score| score.is_finite()));
    }

    #[test]
    fn the_channel_that_left_its_neighbourhood_gets_the_share() {
        let mut readings: Vec<f64> =
            (0..200).flat_map(|i| [f64::from(i % 11), f64::from(i % 13)]).collect();
        readings[100] = 40.0;
        let frame = Frame::new(&readings, 2).expect("whole rows");
        let fit = fit(&readings, 2);
        assert!(fit.scores[50] > 1.5, "{}", fit.scores[50]);
        let explanation = fit.model.explain_history(&frame, 50, 1.5).expect("same width");
        let explanation = explanation.expect("always explained");
        assert!(explanation.share[0] > 0.95, "{explanation:?}");
        assert!(explanation.expected[0] < 11.0, "{explanation:?}");
    }
}

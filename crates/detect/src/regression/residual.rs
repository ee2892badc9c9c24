//! Residual of a column against the other columns.

use auscult_core::{
    Accumulator, Band, DetectError, Explanation, Fit, FitError, Frame, LARGEST_READING, Model,
    SettingError, Settings, settings,
};
use auscult_stats::linear::{Rows, Triangle};
use rayon::prelude::*;

use super::follower::Learning;
use super::line::{Estimator, Line};
use super::residual_online::RegressionDetector;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`Regression`] and [`RegressionDetector`].
    pub struct RegressionSettings {
        /// How a column is regressed on the others.
        estimator: Estimator = Estimator::Ols, "`ols`, `ridge`, `huber` or `theil-sen`", |_| true;
        /// The column to watch, counted from 1 in the order of the columns; all
        /// of them, each against the others, without it.
        target: Option<usize> = None, "at least 1", |target| target.is_none_or(|target| target >= 1);
        /// For `ridge`: the share of each input's squared spread that is added to
        /// it. In a stream what the ridge prior weighs, in squared units; a sample
        /// weighs about 1.
        penalty: f64 = 1e-4, "at least 0, and finite", |penalty| *penalty >= 0.0 && penalty.is_finite();
        /// What is left of the weight of a sample of a stream one sample later.
        forgetting: f64 = 0.9998, "in [0.5, 1)", |forgetting| (0.5..1.0).contains(forgetting);
        /// Usual residuals beyond which a sample of a stream teaches no more.
        clip: f64 = 5.0, "in [0.1, 1000]", |clip| (0.1..=1000.0).contains(clip);
        /// Samples of a stream to learn before the first score; at least three for
        /// each column.
        warmup: usize = 50, "at least 4", |warmup| *warmup >= 4;
    }
}

/// The least prior of a stream: without any the equations could not be solved.
const LEAST_PRIOR: f64 = 1e-9;

impl RegressionSettings {
    /// How a stream is learnt.
    pub(super) fn learning(&self) -> Learning {
        let prior = self.penalty.clamp(LEAST_PRIOR, 1.0 / LEAST_PRIOR);
        Learning { forgetting: self.forgetting, prior, clip: self.clip }
    }
}

pub(super) const METHOD: Method = Method {
    name: "regression",
    title: "Linear regression residual",
    summary: "Distance of each column from what the other columns lead to expect, in usual residuals.",
    sees: "readings that no longer fit together, as when power falls while load stays, even if each is usual by itself",
    blind: "several columns that go astray together in their usual proportion; relations that are not linear",
    unit: "standard deviations of the residual",
    cost: "O(n d² + d⁴) time; O(d²) memory in pieces; online O(d²) time per sample and memory",
    source: "P. J. Rousseeuw, A. M. Leroy, \"Robust Regression and Outlier Detection\", Wiley, 1987; of a stream L. Ljung, T. Söderström, \"Theory and practice of recursive identification\", MIT Press, 1983",
    channels: Channels::Several,
    order: Order::Free,
    threshold: Threshold::Score(4.0),
    parameters: RegressionSettings::PARAMETERS,
    default_of: RegressionSettings::default_of,
    batch: Some(|map| Ok(Box::new(Regression::new(RegressionSettings::from_map(map)?)?))),
    pieces: Some(|map, channels| {
        let settings = RegressionSettings::from_map(map)?;
        Ok(Box::new(RegressionPieces::new(settings, channels)?))
    }),
    labelled: None,
    online: Some(|map, channels| {
        let settings = RegressionSettings::from_map(map)?;
        Ok(Box::new(RegressionDetector::new(settings, channels)?))
    }),
};

/// Distance of each column from what the other columns lead to expect.
///
/// Every column (or `target` alone) is regressed on all others. The score of a
/// row is the largest `|residual| / scale` of its columns, where scale is the
/// residual standard deviation for `ols` and `ridge`, and 1.4826 median
/// absolute residuals for `huber` and `theil-sen`, or their root mean square where
/// most are less than a step of the column. Several columns. Misses
/// columns that go astray together in their usual proportion. One far outlier
/// can bend `ols` and `ridge`. Time O(n d² + d⁴) for `ols` and `ridge`;
/// `theil-sen` fits up to 10,000 subsets of rows per column.
///
/// Residuals agree with `sklearn.linear_model` to 1e-9 (`huber`: 1e-4).
///
/// Reference: P. J. Rousseeuw, A. M. Leroy, "Robust Regression and Outlier
/// Detection", Wiley, 1987. Columns are brought to comparable spreads before
/// robust fits, so that units do not matter.
///
/// ```
/// use auscult_core::{Estimator, Frame};
/// use auscult_detect::regression::{Regression, RegressionSettings};
/// // Watts follow load, but for one row in which both are usual by themselves.
/// let mut readings: Vec<f64> = (0..60)
///     .flat_map(|row| {
///         let load = f64::from(row * 7 % 20);
///         [load, 100.0 + 10.0 * load + f64::from(row * 3 % 5)]
///     })
///     .collect();
/// readings[2 * 30 + 1] = 110.0;
/// let fit = Regression::new(RegressionSettings::default())?.fit(&Frame::new(&readings, 2)?)?;
/// let largest = fit.scores.iter().copied().fold(0.0, f64::max);
/// assert_eq!(fit.scores[30], largest);
/// assert!(largest > 4.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Regression {
    settings: RegressionSettings,
}

impl Regression {
    /// A regression with `settings`.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: RegressionSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }
}

impl auscult_core::Estimator for Regression {
    type Fitted = RegressionModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<RegressionModel>, FitError> {
        let channels = history.channels();
        let model = if self.settings.estimator.works_in_pieces() {
            let triangle = observed(Triangle::new(channels), history);
            RegressionModel::of_triangle(&triangle, channels, &self.settings)?
        } else {
            RegressionModel::robust(history, &self.settings)?
        };
        let scores = model.rate(history);
        Ok(Fit { model, scores })
    }
}

/// What each watched column is expected to be.
#[derive(Debug, Clone, PartialEq)]
pub struct RegressionModel {
    /// Mean of every channel.
    means: Vec<f64>,
    lines: Vec<Line>,
}

impl RegressionModel {
    fn of_triangle(
        triangle: &Triangle,
        channels: usize,
        settings: &RegressionSettings,
    ) -> Result<Self, FitError> {
        let rows = usize::try_from(triangle.rows()).unwrap_or(usize::MAX);
        let targets = targets(channels, rows, settings)?;
        let penalty = (settings.estimator == Estimator::Ridge).then_some(settings.penalty);
        let line = |target: &usize| {
            Line::of_triangle(triangle, *target, others(channels, *target), penalty)
        };
        let lines = targets.par_iter().map(line).collect();
        Ok(Self { means: (0..channels).map(|column| triangle.mean(column)).collect(), lines })
    }

    fn robust(history: &Frame<'_>, settings: &RegressionSettings) -> Result<Self, FitError> {
        let channels = history.channels();
        let targets = targets(channels, history.rows(), settings)?;
        let line = |target: &usize| {
            let inputs = others(channels, *target);
            let order: Vec<usize> = inputs.iter().copied().chain([*target]).collect();
            let values: Vec<f64> =
                history.iter_rows().flat_map(|row| order.iter().map(|at| row[*at])).collect();
            Line::robust(Rows::new(&values, channels), *target, inputs, settings.estimator)
        };
        let mean = |channel| {
            let rows = history.rows() as f64;
            history.iter_channel(channel).map(|reading| reading / rows).sum()
        };
        let lines = targets.iter().map(line).collect();
        Ok(Self { means: (0..channels).map(mean).collect(), lines })
    }

    fn rate(&self, rows: &Frame<'_>) -> Vec<f64> {
        let score = |row: &[f64]| {
            self.lines.iter().map(|line| line.distance(row).abs()).fold(0.0, f64::max)
        };
        rows.readings().par_chunks_exact(rows.channels()).map(score).collect()
    }

    /// Readings of `channel` at which no watched column is beyond `threshold`.
    fn band(&self, row: &[f64], channel: usize, threshold: f64) -> Band {
        let (mut low, mut high) = (-LARGEST_READING, LARGEST_READING);
        let mut own = None;
        for line in &self.lines {
            let weight = line.weight(channel);
            if weight == 0.0 {
                continue;
            }
            // The residual without this channel's part, which it may add to.
            let rest = row[line.target] - line.predict(row) - weight * row[channel];
            let reach = threshold * line.scale;
            let ends = ((-reach - rest) / weight, (reach - rest) / weight);
            let (from, to) = (ends.0.min(ends.1), ends.0.max(ends.1));
            if line.target == channel {
                own = Some((from, to));
            }
            (low, high) = (low.max(from), high.min(to));
        }
        if low > high {
            // Another column is out whatever this one reads.
            (low, high) = own.unwrap_or((row[channel], row[channel]));
        }
        let hold = |end: f64| end.clamp(-LARGEST_READING, LARGEST_READING);
        Band { low: hold(low), high: hold(high) }
    }
}

impl Model for RegressionModel {
    fn channels(&self) -> usize {
        self.means.len()
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        Ok(self.rate(rows))
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        let row = rows.row(row);
        let mut expected = self.means.clone();
        let mut distances = vec![0.0; self.channels()];
        for line in &self.lines {
            expected[line.target] = line.predict(row).clamp(-LARGEST_READING, LARGEST_READING);
            distances[line.target] = line.distance(row).abs();
        }
        let largest = distances.iter().copied().fold(0.0, f64::max);
        // Squares stand the culprit out; scaled first, so that they stay finite.
        let parts: Vec<f64> = distances
            .iter()
            .map(|z| if largest > 0.0 { (z / largest).powi(2) } else { 0.0 })
            .collect();
        let band = (0..self.channels()).map(|channel| self.band(row, channel, threshold));
        Ok(Some(Explanation::new(expected, Some(band.collect()), Explanation::shares(&parts))))
    }
}

/// A regression that reads its history in pieces.
#[derive(Debug)]
struct RegressionPieces {
    settings: RegressionSettings,
    channels: usize,
    triangle: Triangle,
}

impl RegressionPieces {
    fn new(settings: RegressionSettings, channels: usize) -> Result<Self, SettingError> {
        settings.check()?;
        settings.estimator.check_pieces()?;
        Ok(Self { settings, channels, triangle: Triangle::new(channels) })
    }
}

impl Accumulator for RegressionPieces {
    fn observe(&mut self, rows: &Frame<'_>) -> Result<(), DetectError> {
        DetectError::check_channels(self.channels, rows.channels())?;
        let triangle = std::mem::replace(&mut self.triangle, Triangle::new(0));
        self.triangle = observed(triangle, rows);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Box<dyn Model>, FitError> {
        Ok(Box::new(RegressionModel::of_triangle(&self.triangle, self.channels, &self.settings)?))
    }
}

fn observed(mut triangle: Triangle, rows: &Frame<'_>) -> Triangle {
    let (readings, channels) = (rows.readings(), rows.channels());
    triangle.observe(rows.rows(), |row, column| readings[row * channels + column], None);
    triangle
}

/// The columns to watch.
fn targets(
    channels: usize,
    rows: usize,
    settings: &RegressionSettings,
) -> Result<Vec<usize>, FitError> {
    if channels < 2 {
        return Err(FitError::Channels { reason: "need at least two columns", got: channels });
    }
    // One more than the unknowns leaves something to measure residuals by.
    FitError::check_rows(channels + 2, rows)?;
    match settings.target {
        None => Ok((0..channels).collect()),
        Some(target) if target <= channels => Ok(vec![target - 1]),
        Some(target) => Err(FitError::Setting {
            key: "target",
            value: target.to_string(),
            reason: format!("there are {channels} columns"),
        }),
    }
}

fn others(channels: usize, target: usize) -> Vec<usize> {
    (0..channels).filter(|channel| *channel != target).collect()
}

#[cfg(test)]
mod tests {
    use auscult_core::Estimator as _;

    use super::*;

    fn readings() -> Vec<f64> {
        let row = |row: u32| {
            let (a, b) = (f64::from(row * 7 % 23), f64::from(row * 5 % 17));
            [a, b, 3.0 + 2.0 * a - b + f64::from(row * 11 % 7) / 10.0]
        };
        (0..200).flat_map(row).collect()
    }

    #[test]
    fn robust_estimators_are_not_bent() {
        let mut readings = readings();
        for row in (0..200).step_by(9) {
            readings[row * 3 + 2] += 300.0;
        }
        for estimator in [Estimator::Huber, Estimator::TheilSen] {
            let settings = RegressionSettings { estimator, target: Some(3), ..Default::default() };
            let frame = Frame::new(&readings, 3).expect("whole rows");
            let fit = Regression::new(settings).expect("in range").fit(&frame).expect("rows");
            assert!(fit.scores[9] > 100.0 && fit.scores[10] < 5.0, "{estimator:?}");
            let told = fit.model.explain(&frame, 9, 4.0).expect("width").expect("always");
            assert!((told.expected[2] - readings[29] + 300.0).abs() < 2.0, "{told:?}");
        }
    }

    #[test]
    fn the_band_ends_where_the_score_passes_the_threshold() {
        let readings = readings();
        let frame = Frame::new(&readings, 3).expect("whole rows");
        let fit = Regression::new(RegressionSettings::default()).expect("in range");
        let model = fit.fit(&frame).expect("rows").model;
        let told = model.explain(&frame, 50, 4.0).expect("width").expect("always");
        for (channel, band) in told.band.expect("bands").iter().enumerate() {
            for (end, inward) in [(band.low, 1e-6), (band.high, -1e-6)] {
                let at = |reading: f64| {
                    let mut row = frame.row(50).to_vec();
                    row[channel] = reading;
                    model.score(&Frame::new(&row, 3).expect("a row")).expect("width")[0]
                };
                assert!(at(end + inward) <= 4.0 && at(end - inward) > 4.0, "{channel}");
            }
        }
    }

    #[test]
    fn one_target_watches_one_column() {
        let mut readings = readings();
        readings[3 * 40] += 1000.0;
        let settings = RegressionSettings { target: Some(2), ..Default::default() };
        let frame = Frame::new(&readings, 3).expect("whole rows");
        let fit = Regression::new(settings).expect("in range").fit(&frame).expect("rows");
        let told = fit.model.explain(&frame, 40, 4.0).expect("width").expect("always");
        assert_eq!(told.share, [0.0, 1.0, 0.0]);
        let settings = RegressionSettings { target: Some(4), ..Default::default() };
        let error =
            Regression::new(settings).expect("in range").fit(&frame).expect_err("3 columns");
        assert_eq!(
            error.to_string(),
            "`target = 4` does not fit this history: there are 3 columns"
        );
    }
}

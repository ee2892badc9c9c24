//! Distance from what a forest expects of the other columns and the recent past.

use auscult_core::{
    Band, DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, Settings, settings,
};
use auscult_stats::quantile::{MAD_TO_DEVIATION, median_deviation};
use auscult_stats::resolution::{Resolution, STEP_TO_DEVIATION};
use auscult_trees::{
    Feature, Features, Forest, ForestSettings, MaxFeatures, RegressorSettings, TreeError,
};

use crate::shared::ratio;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`ForestResidual`].
    pub struct ForestResidualSettings {
        /// Earlier readings of a column to predict its next one from. 0 uses the
        /// other columns alone.
        lags: usize = 3, "in 0..=1000", |lags| *lags <= 1000;
        /// Trees for each column.
        trees: usize = 50, "in 10..=10000", |trees| (10..=10_000).contains(trees);
        /// Rows that each leaf needs: more make steadier, coarser predictions.
        min_samples_leaf: usize = 5, "at least 1", |rows| *rows >= 1;
        /// Most questions from the root to a leaf.
        max_depth: Option<usize> = None, "at least 1", |depth| depth.is_none_or(|depth| depth >= 1);
        /// Share of the inputs to look at for each split.
        max_features: f64 = 0.5, "in (0, 1]", |share| *share > 0.0 && *share <= 1.0;
        /// Seed of the forests.
        seed: u64 = 0, "any", |_| true;
    }
}

pub(super) const METHOD: Method = Method {
    name: "random-forest-residual",
    title: "Random forest residual",
    summary: "Distance of each column from what a random forest expects of the other columns and of its own recent past, in robust deviations.",
    sees: "a column that leaves its usual relation to the others or to its past, however bent that relation is; the strangest column makes the score",
    blind: "columns that go astray together, as the history also shows it; slow drift, which the recent past explains; relations beyond the range of the history",
    unit: "robust standard deviations of the residual",
    cost: "O(d · trees · (d + lags) · n log n) time, O(d · trees · n) memory",
    source: "L. Breiman, \"Random forests\", Machine Learning 45(1), 2001; residuals of each column given the others after L. Torgo, 2003 (noted in C. C. Aggarwal, \"Outlier analysis\", 2nd edition, Springer, 2017, section 7.7)",
    channels: Channels::Any,
    order: Order::Sequence,
    threshold: Threshold::Share(0.01),
    parameters: ForestResidualSettings::PARAMETERS,
    default_of: ForestResidualSettings::default_of,
    batch: Some(|map| Ok(Box::new(ForestResidual::new(ForestResidualSettings::from_map(map)?)?))),
    pieces: None,
    labelled: None,
    online: None,
};

/// Distance from what a random forest expects of each column, given the other
/// columns at the same moment and its own last readings.
///
/// For column `c`, `z[c] = |x[c] - expected[c]| / deviation[c]`, where the
/// deviation is the scaled median absolute deviation of the residuals, but at
/// least what rounding to the smallest step of the column leaves; the
/// score is the largest `z`, so that one broken column among many is not
/// averaged away. Rows of the history are predicted by trees that did not see
/// them (out of bag). Shares go by the square of `z`.
///
/// Misses columns that go astray together and slow drift. Time O(d · trees ·
/// (d + lags) · n log n) with `d` columns and `n` rows.
///
/// Reference: L. Breiman, "Random forests", Machine Learning 45(1), 2001. Before
/// fitting we hold targets within 10 deviations of their median, so that single
/// spikes do not become the norm of their leaf; the first readings of the
/// history, which have no past, count as missing.
///
/// ```
/// use auscult_core::{Estimator, Frame};
/// use auscult_detect::forest::{ForestResidual, ForestResidualSettings};
/// // Power follows load, but not in row 60.
/// let mut readings: Vec<f64> = Vec::new();
/// for row in 0..120 {
///     let load = f64::from(row * 37 % 100);
///     let power = 200.0 + 3.0 * load - if row == 60 { 150.0 } else { 0.0 };
///     readings.extend([load, power]);
/// }
/// let settings = ForestResidualSettings { lags: 0, ..Default::default() };
/// let fit = ForestResidual::new(settings)?.fit(&Frame::new(&readings, 2)?)?;
/// assert!(fit.scores.iter().enumerate().all(|(row, score)| row == 60 || *score < fit.scores[60]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ForestResidual {
    settings: ForestResidualSettings,
}

impl ForestResidual {
    /// The method with `settings`.
    ///
    /// # Errors
    ///
    /// [`auscult_core::SettingError`] for a value out of range.
    pub fn new(settings: ForestResidualSettings) -> Result<Self, auscult_core::SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }

    fn column(&self, history: &Frame<'_>, channel: usize) -> Result<ColumnFit, FitError> {
        let ForestResidualSettings { trees, min_samples_leaf, max_depth, .. } = self.settings;
        let readings = history.channel(channel);
        let inputs = inputs(&[], history, channel, self.settings.lags);
        let tree = RegressorSettings {
            min_samples_leaf,
            max_depth,
            max_features: MaxFeatures::Share(self.settings.max_features),
            // Columns must not draw the same rows.
            seed: self.settings.seed.wrapping_add((channel as u64) << 32),
            ..Default::default()
        };
        let forest = ForestSettings { trees, ..Default::default() };
        let targets = held(&readings);
        let fit = Forest::fit_numbers(&inputs, &targets, None, &tree, &forest).map_err(unfit)?;
        let out_of_bag = fit.out_of_bag.expect("rows are drawn, and predictions asked for");
        let whole = fit.forest.predict_numbers(&inputs).map_err(unfit)?;
        // A row that every tree has seen is predicted by all.
        let mut expected: Vec<f64> = (0..readings.len())
            .map(|row| out_of_bag.prediction(row).map_or(whole[row], |mean| mean[0]))
            .collect();
        let residuals: Vec<f64> =
            readings.iter().zip(&expected).map(|(reading, expected)| reading - expected).collect();
        let (bias, spread) = median_deviation(&residuals);
        let (level, _) = median_deviation(&readings);
        // Of a column that never varied only rounding is left.
        let floor = (1e-12 * level.abs()).max(f64::MIN_POSITIVE);
        let resolution = Resolution::of(&readings);
        let floor = floor.max(STEP_TO_DEVIATION * resolution.step()).max(resolution.least());
        let deviation = floor.max(MAD_TO_DEVIATION * spread);
        expected.iter_mut().for_each(|expected| *expected += bias);
        Ok(ColumnFit { model: ColumnModel { forest: fit.forest, bias, deviation }, expected })
    }
}

/// Fewest rows from which relations can be learnt.
const LEAST_ROWS: usize = 10;

fn unfit(error: TreeError) -> FitError {
    FitError::History(error.to_string())
}

/// `readings` held within 10 robust deviations of their median.
fn held(readings: &[f64]) -> Vec<f64> {
    let (centre, spread) = median_deviation(readings);
    if spread == 0.0 {
        return readings.to_vec();
    }
    let reach = 10.0 * MAD_TO_DEVIATION * spread;
    readings.iter().map(|reading| reading.clamp(centre - reach, centre + reach)).collect()
}

/// What `channel` is predicted from: the other columns of `rows`, then its own
/// earlier readings, the first of which may lie in `before`.
fn inputs(before: &[f64], rows: &Frame<'_>, channel: usize, lags: usize) -> Features<'static> {
    let mut columns: Vec<Feature<'static>> = (0..rows.channels())
        .filter(|other| *other != channel)
        .map(|other| Feature::numbers(rows.channel(other)))
        .collect();
    let own = rows.channel(channel);
    for lag in 1..=lags {
        let earlier = |row: usize| match row.checked_sub(lag) {
            Some(row) => own[row],
            None => (before.len() + row).checked_sub(lag).map_or(f64::NAN, |at| before[at]),
        };
        columns.push(Feature::numbers((0..own.len()).map(earlier).collect::<Vec<_>>()));
    }
    if columns.is_empty() {
        // One column without a past: nothing to predict from but the overall mean.
        columns.push(Feature::numbers(vec![0.0; own.len()]));
    }
    Features::new(columns).expect("columns of one frame are finite and equally long")
}

#[derive(Debug)]
struct ColumnFit {
    model: ColumnModel,
    /// What is expected of each row of the history.
    expected: Vec<f64>,
}

#[derive(Debug)]
struct ColumnModel {
    forest: Forest,
    /// Median of the residuals, which is added to predictions.
    bias: f64,
    /// What one unit of score is, in units of the column.
    deviation: f64,
}

impl Estimator for ForestResidual {
    type Fitted = ForestResidualModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<ForestResidualModel>, FitError> {
        FitError::check_rows(LEAST_ROWS.max(self.settings.lags + 2), history.rows())?;
        let fits = (0..history.channels())
            .map(|channel| self.column(history, channel))
            .collect::<Result<Vec<_>, _>>()?;
        let rows = history.rows();
        let mut expected = vec![0.0; rows * history.channels()];
        for (channel, fit) in fits.iter().enumerate() {
            let own = expected.iter_mut().skip(channel).step_by(history.channels());
            own.zip(&fit.expected).for_each(|(slot, value)| *slot = *value);
        }
        let tail = rows.saturating_sub(self.settings.lags)..rows;
        let tail = tail.flat_map(|row| history.row(row)).copied().collect();
        let columns = fits.into_iter().map(|fit| fit.model).collect();
        let model = ForestResidualModel { lags: self.settings.lags, columns, tail, expected };
        let expected = model.expected.chunks_exact(history.channels());
        let scores = history.iter_rows().zip(expected).map(|(row, own)| model.rate(row, own));
        Ok(Fit { scores: scores.collect(), model })
    }
}

/// A forest for each column, and how well it predicts.
#[derive(Debug)]
pub struct ForestResidualModel {
    lags: usize,
    columns: Vec<ColumnModel>,
    /// The last rows of the history, which come before the next.
    tail: Vec<f64>,
    /// What was expected of each row of the history, row by row.
    expected: Vec<f64>,
}

impl ForestResidualModel {
    /// `z` of each column.
    fn distances<'a>(
        &'a self,
        readings: &'a [f64],
        expected: &'a [f64],
    ) -> impl Iterator<Item = f64> + 'a {
        readings.iter().zip(expected).zip(&self.columns).map(|((reading, expected), column)| {
            ratio((reading - expected).abs(), column.deviation)
        })
    }

    fn rate(&self, readings: &[f64], expected: &[f64]) -> f64 {
        self.distances(readings, expected).fold(0.0, f64::max)
    }

    /// What is expected of `rows`, row by row, when `before` came before them.
    fn expect(&self, before: &[f64], rows: &Frame<'_>) -> Vec<f64> {
        let channels = self.columns.len();
        let mut all = vec![0.0; rows.rows() * channels];
        for (channel, column) in self.columns.iter().enumerate() {
            let own: Vec<f64> = before.iter().skip(channel).step_by(channels).copied().collect();
            let inputs = inputs(&own, rows, channel, self.lags);
            let means = column.forest.predict_numbers(&inputs);
            let means = means.expect("the inputs are those that the forest learnt from");
            let slots = all.iter_mut().skip(channel).step_by(channels);
            slots.zip(means).for_each(|(slot, mean)| *slot = mean + column.bias);
        }
        all
    }

    fn explanation(&self, readings: &[f64], expected: &[f64], threshold: f64) -> Explanation {
        // Roots of huge scores first, as their squares may not be finite.
        let distances: Vec<f64> = self.distances(readings, expected).collect();
        let largest = distances.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let parts: Vec<f64> = distances.iter().map(|z| (z / largest).powi(2)).collect();
        let band = |(expected, column): (&f64, &ColumnModel)| {
            Band::around(*expected, (threshold * column.deviation).min(f64::MAX / 4.0))
        };
        Explanation::new(
            expected.to_vec(),
            Some(expected.iter().zip(&self.columns).map(band).collect()),
            Explanation::shares(&parts),
        )
    }
}

impl Model for ForestResidualModel {
    fn channels(&self) -> usize {
        self.columns.len()
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        let expected = self.expect(&self.tail, rows);
        let expected = expected.chunks_exact(self.channels());
        Ok(rows.iter_rows().zip(expected).map(|(row, own)| self.rate(row, own)).collect())
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        // Only this row is predicted, from the rows right before it.
        let channels = self.channels();
        let first = row.saturating_sub(self.lags);
        let mut before = if first == 0 { self.tail.clone() } else { Vec::new() };
        before.extend_from_slice(&rows.readings()[first * channels..row * channels]);
        let own = Frame::new(rows.row(row), channels).expect("a row of a frame is a frame");
        let expected = self.expect(&before, &own);
        Ok(Some(self.explanation(rows.row(row), &expected, threshold)))
    }

    fn describe(&self) -> Option<String> {
        let trees = self.columns.iter().map(|column| column.forest.trees().len()).sum::<usize>();
        Some(format!(
            "{trees} trees; each column expected from the others and {} earlier readings",
            self.lags
        ))
    }

    fn explain_history(
        &self,
        history: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels(), history.channels())?;
        let channels = self.channels();
        match self.expected.get(row * channels..(row + 1) * channels) {
            Some(expected) => Ok(Some(self.explanation(history.row(row), expected, threshold))),
            // Not the history after all.
            None => self.explain(history, row, threshold),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wave of 40 rows, never quite the same; its second column is bent, the
    /// third goes its own way.
    fn waves(rows: usize) -> Vec<f64> {
        (0..rows)
            .flat_map(|row| {
                let wave = (row as f64 * std::f64::consts::TAU / 40.0).sin();
                let wave = wave + 1e-3 * f64::from(row as u32 * 6151 % 97) / 97.0;
                [wave, wave * wave * 5.0, f64::from(row as u32 * 7919 % 101)]
            })
            .collect()
    }

    #[test]
    fn a_broken_relation_is_found_and_blamed_on_its_column() {
        let mut readings = waves(600);
        // In its usual range, but not with this wave.
        readings[3 * 310 + 1] = 5.0 - readings[3 * 310 + 1];
        let frame = Frame::new(&readings, 3).expect("whole rows");
        let method = ForestResidual::new(ForestResidualSettings::default()).expect("in range");
        let fit = method.fit(&frame).expect("fits");
        let top = fit.scores.iter().copied().fold(0.0, f64::max);
        assert_eq!(fit.scores[310], top);
        let why = fit.model.explain_history(&frame, 310, 6.0).expect("its width");
        let why = why.expect("an explanation");
        // The wave gets some blame: it is in turn expected from the broken column.
        assert!(why.share[1] > 0.7, "{why:?}");
        assert!((why.expected[1] - waves(600)[3 * 310 + 1]).abs() < 1.0, "{why:?}");
    }

    #[test]
    fn a_single_column_is_judged_by_its_past() {
        let mut readings: Vec<f64> = waves(600).iter().step_by(3).copied().collect();
        // At the top of the wave, where it should be at the bottom.
        readings[430] = 1.0;
        let frame = Frame::of_column(&readings).expect("finite");
        let method = ForestResidual::new(ForestResidualSettings::default()).expect("in range");
        let fit = method.fit(&frame).expect("fits");
        let top = fit.scores.iter().copied().fold(0.0, f64::max);
        assert_eq!(fit.scores[430], top);
    }

    #[test]
    fn rows_to_come_continue_the_history_and_explain_as_they_score() {
        let readings = waves(500);
        let (past, future) = readings.split_at(3 * 400);
        let history = Frame::new(past, 3).expect("whole rows");
        let method = ForestResidual::new(ForestResidualSettings::default()).expect("in range");
        let model = method.fit(&history).expect("fits").model;
        let future = Frame::new(future, 3).expect("whole rows");
        let scores = model.score(&future).expect("its width");
        for row in [0, 1, 2, 3, 50] {
            let why = model.explain(&future, row, scores[row]).expect("its width");
            let why = why.expect("an explanation");
            let band = why.band.expect("a band");
            // At the threshold of its own score, the strangest reading lies on the edge.
            let edges = band.iter().zip(future.row(row)).map(|(band, reading)| {
                (reading - band.low).min(band.high - reading) / (band.high - band.low)
            });
            let nearest = edges.fold(f64::INFINITY, f64::min);
            assert!(nearest.abs() < 1e-9, "row {row}: {nearest}");
        }
    }
}

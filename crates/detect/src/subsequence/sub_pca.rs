//! Distance of the windows around a row from what windows usually are, by the principal
//! components of all windows.

use auscult_core::{
    DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, SettingError, Settings,
    settings,
};
use nalgebra::linalg::SymmetricEigen;
use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use super::matrix_profile::{DEFAULT_WINDOW, LEAST_WINDOW};
use super::over_rows::{fits, over_rows};
use crate::scaler::Scaler;
use crate::seasonal::season_of;
use crate::shared::one_channel;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`SubPca`].
    pub struct SubPcaSettings {
        /// Rows in a window. Automatic: one season of at most 250 rows, or as many seasons
        /// as make 16 rows; else 100 rows; never more than an eighth of the history.
        window: Option<usize> = None, "in 2..=1000",
            |window| window.is_none_or(|window| (2..=1000).contains(&window));
        /// Variance of the noise, as a share of the mean variance along the components;
        /// components that vary less count as if they varied by it.
        noise: f64 = 0.01, "in (0, 1]", |noise| *noise > 0.0 && *noise <= 1.0;
    }
}

pub(super) const METHOD: Method = Method {
    name: "sub-pca",
    title: "Principal components of windows",
    summary: "Distance of the windows around a row from the mean window, along all principal components of windows, each in its own deviations.",
    sees: "jumps, noise and shapes that windows do not usually have, and levels and swings that they seldom have",
    blind: "several regimes with shapes of their own; what one absurd reading makes small",
    unit: "standard deviations",
    cost: "O(n window²) time, O(n + window²) memory",
    source: "C. C. Aggarwal, \"Outlier analysis\", 2nd edition, Springer 2017, section 3.3",
    channels: Channels::One,
    order: Order::Sequence,
    threshold: Threshold::Share(0.01),
    parameters: SubPcaSettings::PARAMETERS,
    default_of: SubPcaSettings::default_of,
    batch: Some(|map| Ok(Box::new(SubPca::new(SubPcaSettings::from_map(map)?)?))),
    pieces: None,
    labelled: None,
    online: None,
};

/// Of the rows of a history, an automatic window takes at most one in so many.
const PARTS: usize = 8;
/// Fewest rows of a history.
const LEAST_ROWS: usize = 16;
/// Most rows of an automatic window.
const MOST_WINDOW: usize = 250;
/// Readings further than this many deviations from the mean teach as if they were there.
const HELD: f64 = 4.0;
/// Windows multiplied at once.
const BLOCK: usize = 256;

/// Distance of the windows around a row from the mean window, each principal component in
/// its own deviations.
///
/// The series is brought to deviation 1 and cut into overlapping windows. Their principal
/// components are found; with `p` the projections of a window and `v` the variances along
/// the components, the score of the window is `sqrt(sum(p² / (v + noise)) / window)`, about 1 for
/// usual windows, and the mean over the windows that cover a row is the score of the row. Components of
/// little variance count as much as those of much: it is the shapes that windows do not have
/// that are odd. Components and variances are those of scikit-learn's `PCA`, of readings held within
/// four deviations, so that a spike does not make its own component.
///
/// One channel. Later rows are compared with the same components. Time O(n window²), on all
/// cores; memory O(n + window²).
///
/// Reference: C. C. Aggarwal, "Outlier analysis", 2nd edition, Springer 2017, section 3.3, for
/// the sum over all components, each by its variance. The form of PyOD divides the *distance to
/// the tip* of each component by its share of the variance, which comes near to the root mean square of
/// the window; ours is not that. The mean over windows, the noise and the held readings are ours.
///
/// ```
/// use auscult_core::{Estimator, Frame};
/// use auscult_detect::subsequence::{SubPca, SubPcaSettings};
/// let mut wave: Vec<f64> = (0..900).map(|row| (f64::from(row) * 0.25).sin()).collect();
/// wave[500..510].fill(0.0);
/// let scores = SubPca::new(SubPcaSettings::default())?.fit(&Frame::of_column(&wave)?)?.scores;
/// assert!(scores[505] > 2.0 * scores[100]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SubPca {
    settings: SubPcaSettings,
}

impl SubPca {
    /// A method with `settings`.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: SubPcaSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }

    fn window(&self, history: &Frame<'_>) -> Result<usize, FitError> {
        if let Some(window) = self.settings.window {
            return fits(window, history.rows());
        }
        let season = season_of(history, history.readings());
        let whole = |season: usize| season * LEAST_WINDOW.div_ceil(season);
        let window = season.map(whole).filter(|rows| *rows <= MOST_WINDOW);
        Ok(window.unwrap_or(DEFAULT_WINDOW).min(history.rows() / PARTS))
    }
}

impl Estimator for SubPca {
    type Fitted = SubPcaModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<SubPcaModel>, FitError> {
        let readings = one_channel(history)?;
        FitError::check_rows(LEAST_ROWS, readings.len())?;
        let window = self.window(history)?;
        let rows = readings.len() as f64;
        let mean = readings.iter().sum::<f64>() / rows;
        let square =
            readings.iter().map(|reading| (reading - mean) * (reading - mean)).sum::<f64>();
        let scaler = Scaler::new(vec![mean], vec![(square / rows).sqrt()]);
        let scaled = scaler.apply(history);
        let held: Vec<f64> = scaled.iter().map(|value| value.clamp(-HELD, HELD)).collect();
        let (centre, covariance) = moments(&held, window);
        let total = covariance.trace();
        let eigen = SymmetricEigen::try_new(covariance, f64::EPSILON, 1000 * window)
            .ok_or_else(|| FitError::History("the windows have no components".to_owned()))?;
        // A constant series has no variance: then any unit will do.
        let noise = if total > 0.0 { self.settings.noise * total / window as f64 } else { 1.0 };
        let factor = DMatrix::from_fn(window, window, |row, at| {
            let variance = eigen.eigenvalues[at].max(0.0) + noise;
            eigen.eigenvectors[(row, at)] / (variance * window as f64).sqrt()
        });
        let newest = scaled[scaled.len() - (window - 1)..].to_vec();
        let model = SubPcaModel { scaler, window, centre, factor, newest };
        let scores = over_rows(&model.distances(&scaled), window);
        Ok(Fit { model, scores })
    }
}

/// Mean and covariance of all windows of `values`.
///
/// Two neighbouring entries of the covariance share all but two products, so that each
/// diagonal is followed from its first entry on: O(n window) instead of O(n window²).
fn moments(values: &[f64], window: usize) -> (DVector<f64>, DMatrix<f64>) {
    let count = values.len() + 1 - window;
    let windows = count as f64;
    let mut sum: f64 = values[..count].iter().sum();
    let centre = DVector::from_fn(window, |lag, _| {
        if lag > 0 {
            sum += values[lag + count - 1] - values[lag - 1];
        }
        sum / windows
    });
    let mut covariance = DMatrix::zeros(window, window);
    for lag in 0..window {
        let mut products: f64 =
            values[..count].iter().zip(&values[lag..]).map(|(one, other)| one * other).sum();
        for row in 0..window - lag {
            if row > 0 {
                let (old, new) = (row - 1, row - 1 + count);
                products += values[new] * values[new + lag] - values[old] * values[old + lag];
            }
            let entry = products / windows - centre[row] * centre[row + lag];
            covariance[(row, row + lag)] = entry;
            covariance[(row + lag, row)] = entry;
        }
    }
    (centre, covariance)
}

/// The principal components of the windows of a history.
#[derive(Debug, Clone)]
pub struct SubPcaModel {
    scaler: Scaler,
    window: usize,
    /// The mean window.
    centre: DVector<f64>,
    /// Components as columns, each over its deviation and the root of the window.
    factor: DMatrix<f64>,
    /// The last rows of the history, one fewer than a window has, scaled.
    newest: Vec<f64>,
}

impl SubPcaModel {
    /// Rows in a window.
    #[must_use]
    pub fn window(&self) -> usize {
        self.window
    }

    /// Distance of every window of `scaled` from the mean window.
    fn distances(&self, scaled: &[f64]) -> Vec<f64> {
        let count = scaled.len() + 1 - self.window;
        let mut distances = vec![0.0; count];
        distances.par_chunks_mut(BLOCK).enumerate().for_each(|(block, distances)| {
            let first = block * BLOCK;
            let apart = DMatrix::from_fn(self.window, distances.len(), |row, at| {
                scaled[first + at + row] - self.centre[row]
            });
            let projected = self.factor.tr_mul(&apart);
            for (distance, column) in distances.iter_mut().zip(projected.column_iter()) {
                *distance = column.norm();
            }
        });
        distances
    }

    /// The end of the history and `rows`, scaled.
    fn followed_by(&self, rows: &Frame<'_>) -> Vec<f64> {
        [self.newest.clone(), self.scaler.apply(rows)].concat()
    }

    /// Explains row `row` of `scaled`: what the window in whose middle it is would need
    /// there to come as near to the mean window as it can.
    fn explain_row(&self, scaled: &[f64], row: usize) -> Explanation {
        let last = scaled.len() - self.window;
        let at = row.saturating_sub(self.window / 2).min(last);
        let inside = row - at;
        let apart = DVector::from_fn(self.window, |row, _| scaled[at + row] - self.centre[row]);
        let projected = self.factor.tr_mul(&apart);
        // The distance is |F'(a + s e)|, least at s = -(F'a . F'e) / |F'e|².
        let along = self.factor.row(inside).transpose();
        let square = along.norm_squared();
        let step = if square > 0.0 { -projected.dot(&along) / square } else { 0.0 };
        let expected = self.scaler.reading(0, scaled[row] + step);
        let held = expected.clamp(-auscult_core::LARGEST_READING, auscult_core::LARGEST_READING);
        Explanation::of_one(held, None, projected.norm())
    }
}

impl Model for SubPcaModel {
    fn channels(&self) -> usize {
        1
    }

    fn describe(&self) -> Option<String> {
        Some(format!("windows of {} rows were compared", self.window))
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(1, rows.channels())?;
        if rows.rows() == 0 {
            return Ok(Vec::new());
        }
        // The first windows begin in the history.
        let distances = self.distances(&self.followed_by(rows));
        Ok(over_rows(&distances, self.window).split_off(self.window - 1))
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(1, rows.channels())?;
        Ok(Some(self.explain_row(&self.followed_by(rows), self.window - 1 + row)))
    }

    fn explain_history(
        &self,
        history: &Frame<'_>,
        row: usize,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(1, history.channels())?;
        Ok(Some(self.explain_row(&self.scaler.apply(history), row)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(readings: &[f64]) -> Fit<SubPcaModel> {
        let method = SubPca::new(SubPcaSettings::default()).expect("in range");
        method.fit(&Frame::of_column(readings).expect("finite")).expect("enough rows")
    }

    fn beats(rows: usize) -> Vec<f64> {
        (0..rows).map(|row| ((row % 30) as f64 / 4.0).sin() + 0.02 * (row % 7) as f64).collect()
    }

    #[test]
    fn moments_are_those_of_the_windows_one_by_one() {
        let values: Vec<f64> =
            (0..60).map(|row| (row as f64 * 1.7).sin() + 0.1 * row as f64).collect();
        let (centre, covariance) = moments(&values, 7);
        let count = 54.0;
        for one in 0..7 {
            let mean: f64 = values[one..one + 54].iter().sum::<f64>() / count;
            assert!((mean - centre[one]).abs() < 1e-12);
            for other in 0..7 {
                let products: f64 = (0..54)
                    .map(|at| {
                        (values[at + one] - centre[one]) * (values[at + other] - centre[other])
                    })
                    .sum();
                assert!((products / count - covariance[(one, other)]).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn a_missing_beat_stands_out_and_what_was_expected_is_told() {
        let mut readings = beats(900);
        readings[403] += 0.8;
        let fit = fit(&readings);
        assert_eq!(fit.model.window(), 30);
        let strangest = (0..900).max_by(|a, b| fit.scores[*a].total_cmp(&fit.scores[*b]));
        assert!((388..420).contains(&strangest.expect("some rows")), "{strangest:?}");
        let frame = Frame::of_column(&readings).expect("finite");
        let why = fit.model.explain_history(&frame, 403, 1.0).expect("width").expect("explained");
        assert!((why.expected[0] - (readings[403] - 0.8)).abs() < 0.3, "{why:?}");
    }

    #[test]
    fn usual_windows_score_about_one_and_later_ones_do_too() {
        let readings: Vec<f64> =
            (0..3000).map(|row| ((row as f64 * 12.9898).sin() * 43758.5453).fract()).collect();
        let (history, later) = readings.split_at(2500);
        let fit = fit(history);
        let mean = fit.scores.iter().sum::<f64>() / 2500.0;
        assert!((mean - 1.0).abs() < 0.05, "{mean}");
        let scores = fit.model.score(&Frame::of_column(later).expect("finite")).expect("width");
        let mean = scores.iter().sum::<f64>() / 500.0;
        assert!((mean - 1.0).abs() < 0.1, "{mean}");
    }
}

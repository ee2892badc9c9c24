//! Discords: stretches that resemble no other.

use auscult_core::{
    DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, SettingError, Settings,
    settings,
};

use super::left_profile::MatrixProfileDetector;
use super::over_rows::over_rows;
use super::profile::{distance, exclusion, join, self_join};
use super::windows::{Range, Windows};
use crate::seasonal::season_of;
use crate::shared::one_channel;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`MatrixProfile`] and [`MatrixProfileDetector`].
    pub struct MatrixProfileSettings {
        /// Rows in a stretch. Automatic: one season, or as many seasons as make
        /// 16 rows; without a season 100 rows, but at most an eighth of the
        /// history. In a stream 100 samples.
        window: Option<usize> = None, "at least 3", |window| window.is_none_or(|window| window >= 3);
        /// Of a stream: stretches that the newest one is compared with, the last so
        /// many; at least two windows.
        history: usize = 2000, "in 6..=1000000", |history| (6..=1_000_000).contains(history);
    }
}

pub(super) const METHOD: Method = Method {
    name: "matrix-profile",
    title: "Matrix profile discord",
    summary: "Distance of the stretches around a row to the most similar other stretch.",
    sees: "odd shapes of any size: a missing beat, a strange cycle, a pattern never seen before",
    blind: "level and spread of a stretch, which it normalises away; an anomaly that occurs twice",
    unit: "z-normalised distance",
    cost: "O(n²) time, O(n) memory; online O(history x window) time per sample, O(history) memory",
    source: "Y. Zhu et al., \"Matrix profile XI: SCRIMP++: time series motif discovery at interactive speeds\", ICDM 2018",
    channels: Channels::One,
    order: Order::Sequence,
    threshold: Threshold::Share(0.01),
    parameters: MatrixProfileSettings::PARAMETERS,
    default_of: MatrixProfileSettings::default_of,
    batch: Some(|map| Ok(Box::new(MatrixProfile::new(MatrixProfileSettings::from_map(map)?)?))),
    pieces: None,
    labelled: None,
    online: Some(|map, _| {
        let settings = MatrixProfileSettings::from_map(map)?;
        Ok(Box::new(MatrixProfileDetector::new(settings)?))
    }),
};

/// Rows in a stretch where there is no season.
pub(super) const DEFAULT_WINDOW: usize = 100;
/// Fewest rows in a stretch that seasons make up.
pub(super) const LEAST_WINDOW: usize = 16;

/// Distance of the stretches around a row to the most similar other stretch.
///
/// The matrix profile holds, for each stretch of `window` rows, the Euclidean
/// distance to its nearest neighbour after both are brought to mean 0 and
/// deviation 1, neighbours within a quarter of a window excluded; it equals
/// `stumpy.stump`, also where stretches are constant. The score of a row is the
/// mean distance of all stretches that cover it, so that it peaks in the middle
/// of what is odd. Later rows are compared with the history alone.
///
/// One channel. Sees odd shapes, not odd levels: a stretch is compared whatever
/// its height and spread, so an outage that is flat or noise that is louder may
/// look usual; in pure noise a spike stands out little. An anomaly that occurs
/// twice has a neighbour. Readings beyond 10,000 median absolute deviations are
/// held there. Time O(n²) on all cores, memory O(n) per thread.
///
/// Reference: Y. Zhu, C.-C. M. Yeh, Z. Zimmerman, K. Kamgar, E. Keogh, "Matrix
/// profile XI: SCRIMP++", ICDM 2018, whose diagonal order we use; the update of
/// covariances after Z. Zimmerman et al., "Matrix profile XIV: scaling time
/// series motif discovery with GPUs", SoCC 2019. The mean over stretches is
/// ours.
///
/// ```
/// use auscult_core::{Estimator, Frame};
/// use auscult_detect::subsequence::{MatrixProfile, MatrixProfileSettings};
/// let mut beat: Vec<f64> = (0..400).map(|row| f64::from(row % 20)).collect();
/// beat[205..215].reverse();
/// let method = MatrixProfile::new(MatrixProfileSettings::default())?;
/// let fit = method.fit(&Frame::of_column(&beat)?)?;
/// assert!(fit.scores[210] > 2.0 && fit.scores[100] < 0.1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct MatrixProfile {
    settings: MatrixProfileSettings,
}

impl MatrixProfile {
    /// A matrix profile with `settings`.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: MatrixProfileSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }

    fn window(&self, history: &Frame<'_>) -> usize {
        self.settings.window.unwrap_or_else(|| {
            let rows = history.rows();
            let window = match season_of(history, history.readings()) {
                Some(season) => (season * LEAST_WINDOW.div_ceil(season)).min(rows / 3),
                None => DEFAULT_WINDOW.min(rows / 8),
            };
            window.max(3)
        })
    }
}

impl Estimator for MatrixProfile {
    type Fitted = MatrixProfileModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<MatrixProfileModel>, FitError> {
        let readings = one_channel(history)?;
        // Two stretches that do not count as one.
        FitError::check_rows(5, readings.len())?;
        let window = self.window(history);
        let need = window.saturating_add(exclusion(window)).saturating_add(1);
        if readings.len() < need {
            return Err(FitError::Setting {
                key: "window",
                value: window.to_string(),
                reason: format!("two stretches apart need {need} rows, got {}", readings.len()),
            });
        }
        let range = Range::of(readings);
        let windows = Windows::new(range.apply(readings), window);
        let profile: Vec<f64> =
            self_join(&windows).into_iter().map(|best| distance(best, window)).collect();
        let scores = over_rows(&profile, window);
        let model = MatrixProfileModel { readings: readings.to_vec(), range, window, profile };
        Ok(Fit { model, scores })
    }
}

/// A history and its matrix profile.
#[derive(Debug, Clone)]
pub struct MatrixProfileModel {
    readings: Vec<f64>,
    range: Range,
    window: usize,
    profile: Vec<f64>,
}

impl MatrixProfileModel {
    /// Rows in a stretch.
    #[must_use]
    pub fn window(&self) -> usize {
        self.window
    }

    /// Distance of the stretch that begins at each row to its nearest
    /// neighbour; there are `window - 1` fewer than rows.
    #[must_use]
    pub fn profile(&self) -> &[f64] {
        &self.profile
    }

    /// The history followed by `rows`, less what no window of theirs reaches.
    fn followed_by(&self, rows: &Frame<'_>) -> Windows {
        let readings = [&self.readings, rows.readings()].concat();
        Windows::new(self.range.apply(&readings), self.window)
    }

    /// Explains row `row` of `windows` by the nearest of the first `known`
    /// windows to the window in whose middle the row is.
    fn explain_row(&self, windows: &Windows, row: usize, known: usize, score: f64) -> Explanation {
        let at = row.saturating_sub(self.window / 2).min(windows.len() - 1);
        let inside = row - at;
        let correlation = |other: usize| {
            let norms = windows.inverse_norms[at] * windows.inverse_norms[other];
            windows.covariance(at, other) * norms
        };
        let nearest = (0..known)
            .filter(|other| other.abs_diff(at) > exclusion(self.window))
            .map(|other| (other, correlation(other)))
            .reduce(|one, other| if other.1 > one.1 { other } else { one });
        let value = nearest.map_or(windows.means[at], |(other, correlation)| {
            // The line through the pairs of readings of the two windows.
            let norms = windows.inverse_norms[at];
            let slope =
                if norms > 0.0 { correlation * windows.inverse_norms[other] / norms } else { 0.0 };
            windows.means[at] + slope * (windows.values[other + inside] - windows.means[other])
        });
        Explanation::of_one(self.range.restore(value), None, score)
    }
}

impl Model for MatrixProfileModel {
    fn channels(&self) -> usize {
        1
    }

    fn describe(&self) -> Option<String> {
        Some(format!("stretches of {} rows were compared", self.window))
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(1, rows.channels())?;
        if rows.rows() == 0 {
            return Ok(Vec::new());
        }
        let windows = self.followed_by(rows);
        let best = join(&windows, self.profile.len());
        let profile: Vec<f64> = best.iter().map(|best| distance(*best, self.window)).collect();
        // The first windows begin in the history.
        Ok(over_rows(&profile, self.window).split_off(self.window - 1))
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        let score = self.score(rows)?[row];
        let windows = self.followed_by(rows);
        let row = self.readings.len() + row;
        Ok(Some(self.explain_row(&windows, row, self.profile.len(), score)))
    }

    fn explain_history(
        &self,
        history: &Frame<'_>,
        row: usize,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(1, history.channels())?;
        let windows = Windows::new(self.range.apply(history.readings()), self.window);
        let score = over_rows(&self.profile, self.window)[row];
        Ok(Some(self.explain_row(&windows, row, windows.len(), score)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(readings: &[f64]) -> Fit<MatrixProfileModel> {
        let method = MatrixProfile::new(MatrixProfileSettings::default()).expect("in range");
        method.fit(&Frame::of_column(readings).expect("finite")).expect("enough rows")
    }

    fn beats(rows: usize) -> Vec<f64> {
        (0..rows).map(|row| ((row % 30) as f64 / 4.0).sin() + 0.02 * (row % 7) as f64).collect()
    }

    fn strangest(scores: &[f64]) -> usize {
        (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).expect("some rows")
    }

    #[test]
    fn a_missing_beat_is_the_discord() {
        let mut readings = beats(900);
        readings[400..415].fill(0.1);
        let fit = fit(&readings);
        assert_eq!(fit.model.window(), 30);
        assert!((395..420).contains(&strangest(&fit.scores)), "{}", strangest(&fit.scores));
    }

    #[test]
    fn a_missing_beat_after_the_history_is_found_and_explained() {
        let mut readings = beats(1200);
        readings[1000..1015].fill(-1.0);
        let (history, later) = readings.split_at(900);
        let model = fit(history).model;
        let frame = Frame::of_column(later).expect("finite");
        let scores = model.score(&frame).expect("one channel");
        assert!((95..120).contains(&strangest(&scores)), "{}", strangest(&scores));
        let explained = model.explain(&frame, 40, 1.0).expect("one channel").expect("explained");
        assert!((explained.expected[0] - later[40]).abs() < 0.1, "{explained:?}");
    }

    #[test]
    fn a_window_that_does_not_fit_is_refused() {
        let settings = MatrixProfileSettings { window: Some(40), ..Default::default() };
        let method = MatrixProfile::new(settings).expect("in range");
        let error = method.fit(&Frame::of_column(&[1.0; 45]).expect("finite")).expect_err("short");
        assert!(error.to_string().contains("need 51 rows, got 45"), "{error}");
    }
}

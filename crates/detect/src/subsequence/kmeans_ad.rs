//! Distance of the windows around a row to the nearest of a few typical ones.

use auscult_core::{
    DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, SettingError, Settings,
    settings,
};
use rayon::prelude::*;

use super::kmeans::{Overlapping, centres, nearest};
use super::over_rows::{fits, over_rows};
use crate::scaler::Scaler;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`KMeansAd`].
    pub struct KMeansAdSettings {
        /// Rows in a window; automatic is 64, but at most a quarter of the history.
        window: Option<usize> = None, "at least 2", |window| window.is_none_or(|window| window >= 2);
        /// Centres, at most; each stands for a kind of window that is usual.
        clusters: usize = 10, "in 1..=1000", |clusters| (1..=1000).contains(clusters);
        /// Start of the random numbers; the same seed finds the same centres.
        seed: u64 = 0, "a whole number", |_| true;
    }
}

pub(super) const METHOD: Method = Method {
    name: "kmeans-ad",
    title: "k-means on windows",
    summary: "Distance of the windows around a row to the nearest of a few typical windows, all channels together.",
    sees: "levels, swings and shapes, of one channel or of several together, that are not among the usual ones",
    blind: "anomalies so frequent that they get a centre; small ones beside swings that no few centres describe; switches that are on or off",
    unit: "standard deviations",
    cost: "O(n d window clusters) time, with centres learnt from at most 4000 windows; O(n d) memory",
    source: "T. Yairi, Y. Kato, K. Hori, \"Fault detection by mining association rules from house-keeping data\", i-SAIRAS 2001",
    channels: Channels::Any,
    order: Order::Sequence,
    threshold: Threshold::Share(0.01),
    parameters: KMeansAdSettings::PARAMETERS,
    default_of: KMeansAdSettings::default_of,
    batch: Some(|map| Ok(Box::new(KMeansAd::new(KMeansAdSettings::from_map(map)?)?))),
    pieces: None,
    labelled: None,
    online: None,
};

/// Rows in a window.
const DEFAULT_WINDOW: usize = 64;
/// Of the rows of a history, an automatic window takes at most one in so many.
const PARTS: usize = 4;
/// Fewest rows of a history.
const LEAST_ROWS: usize = 8;
/// Channels with no more different readings than this are switches.
const SWITCH_READINGS: usize = 2;

/// Distance of the windows around a row to the nearest of a few typical windows.
///
/// Channels are divided by their deviation; a window is the rows of all channels one after the
/// other. k-means finds the centres, each a kind of window that is usual. The distance to the
/// nearest centre, per reading, in deviations, is the score of a window, and the mean over the
/// windows that cover a row is the score of the row.
///
/// Channels that know no more than two readings are switches, such as commands: they are left out,
/// unless there are no others. One absurd reading widens the unit of its channel and may hide the
/// rest of it. The centres depend on the seed where no clear groups are.
///
/// Later rows are compared with the same centres. Learning takes at most 4000 windows, drawn
/// at random. Time O(n d window clusters), on all cores; memory O(n d).
///
/// Reference: T. Yairi, Y. Kato, K. Hori, "Fault detection by mining association rules from
/// house-keeping data", i-SAIRAS 2001; the mean over windows as in S. Schmidl, P. Wenig,
/// T. Papenbrock, "Anomaly detection in time series: a comprehensive evaluation", PVLDB 15(9), 2022.
/// They bring each window to mean 0 and deviation 1; we do it with each channel, so that levels
/// count. Leaving switches out is ours.
///
/// ```
/// use auscult_core::{Estimator, Frame};
/// use auscult_detect::subsequence::{KMeansAd, KMeansAdSettings};
/// let mut beat: Vec<f64> = (0..400).map(|row| f64::from(row % 20)).collect();
/// beat[205..215].reverse();
/// let settings = KMeansAdSettings { window: Some(10), clusters: 20, ..Default::default() };
/// let scores = KMeansAd::new(settings)?.fit(&Frame::of_column(&beat)?)?.scores;
/// assert!(scores[210] > 3.0 * scores[100]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct KMeansAd {
    settings: KMeansAdSettings,
}

impl KMeansAd {
    /// A k-means method with `settings`.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: KMeansAdSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }
}

impl Estimator for KMeansAd {
    type Fitted = KMeansAdModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<KMeansAdModel>, FitError> {
        FitError::check_rows(LEAST_ROWS, history.rows())?;
        let window = match self.settings.window {
            Some(window) => fits(window, history.rows())?,
            None => DEFAULT_WINDOW.min(history.rows() / PARTS),
        };
        let measured = measurements(history);
        let scaler = scaler(history, &measured);
        let mut model = KMeansAdModel {
            width: history.channels(),
            measured,
            scaler,
            window,
            centres: Vec::new(),
            newest: Vec::new(),
        };
        let scaled = model.scaled(history);
        model.centres = centres(model.windows(&scaled), self.settings.clusters, self.settings.seed);
        let scores = over_rows(&model.distances(&scaled), window);
        model.newest = scaled[scaled.len() - (window - 1) * model.measured.len()..].to_vec();
        Ok(Fit { model, scores })
    }
}

/// The channels of `history` that are no switches; all where all are.
fn measurements(history: &Frame<'_>) -> Vec<usize> {
    let measures = |channel: &usize| {
        let mut known: Vec<f64> = Vec::with_capacity(SWITCH_READINGS);
        history.iter_channel(*channel).any(|reading| {
            if known.contains(&reading) {
                return false;
            }
            known.push(reading);
            known.len() > SWITCH_READINGS
        })
    };
    let measured: Vec<usize> = (0..history.channels()).filter(measures).collect();
    if measured.is_empty() { (0..history.channels()).collect() } else { measured }
}

/// Means and deviations of the `measured` channels.
fn scaler(history: &Frame<'_>, measured: &[usize]) -> Scaler {
    let rows = history.rows() as f64;
    let (centres, deviations) = measured
        .iter()
        .map(|channel| {
            let readings = history.iter_channel(*channel);
            let mean = readings.clone().sum::<f64>() / rows;
            let squares: f64 = readings.map(|reading| (reading - mean) * (reading - mean)).sum();
            (mean, (squares / rows).sqrt())
        })
        .unzip();
    Scaler::new(centres, deviations)
}

/// The typical windows of a history.
#[derive(Debug, Clone)]
pub struct KMeansAdModel {
    /// Channels of a row.
    width: usize,
    /// Those that count.
    measured: Vec<usize>,
    /// Of those that count.
    scaler: Scaler,
    window: usize,
    centres: Vec<Vec<f64>>,
    /// The last rows of the history, one fewer than a window has, scaled.
    newest: Vec<f64>,
}

impl KMeansAdModel {
    /// Rows in a window.
    #[must_use]
    pub fn window(&self) -> usize {
        self.window
    }

    /// How many kinds of window are usual.
    #[must_use]
    pub fn clusters(&self) -> usize {
        self.centres.len()
    }

    /// The readings that count, in deviations, row by row.
    fn scaled(&self, rows: &Frame<'_>) -> Vec<f64> {
        let mut scaled = vec![0.0; rows.rows() * self.measured.len()];
        let mut own = vec![0.0; self.measured.len()];
        for (row, slot) in rows.iter_rows().zip(scaled.chunks_exact_mut(self.measured.len())) {
            own.iter_mut().zip(&self.measured).for_each(|(own, channel)| *own = row[*channel]);
            self.scaler.apply_to(&own, slot);
        }
        scaled
    }

    fn windows<'a>(&self, scaled: &'a [f64]) -> Overlapping<'a> {
        let step = self.measured.len();
        Overlapping { numbers: scaled, step, width: self.window * step }
    }

    /// Distance of every window of `scaled` to the nearest centre, per reading.
    fn distances(&self, scaled: &[f64]) -> Vec<f64> {
        let windows = self.windows(scaled);
        let distance = |at: usize| {
            let (_, square) = nearest(&self.centres, windows.get(at));
            (square / windows.width as f64).sqrt().min(f64::MAX)
        };
        (0..windows.len()).into_par_iter().map(distance).collect()
    }

    /// The end of the history and `rows`, scaled.
    fn followed_by(&self, rows: &Frame<'_>) -> Vec<f64> {
        [self.newest.clone(), self.scaled(rows)].concat()
    }

    /// Explains row `row` of `scaled` by the window in whose middle it is.
    fn explain_row(&self, scaled: &[f64], row: usize, reading: &[f64]) -> Explanation {
        let windows = self.windows(scaled);
        let at = row.saturating_sub(self.window / 2).min(windows.len() - 1);
        let window = windows.get(at);
        let centre = &self.centres[nearest(&self.centres, window).0];
        let (mut expected, mut parts) = (reading.to_vec(), vec![0.0; self.width]);
        let step = self.measured.len();
        for (own, channel) in self.measured.iter().enumerate() {
            let typical = centre[(row - at) * step + own];
            expected[*channel] = self.scaler.reading(own, typical);
            let both = window.iter().zip(centre).skip(own).step_by(step);
            parts[*channel] = both.map(|(a, b)| (a - b) * (a - b)).sum();
        }
        Explanation::new(expected, None, Explanation::shares(&parts))
    }
}

impl Model for KMeansAdModel {
    fn channels(&self) -> usize {
        self.width
    }

    fn describe(&self) -> Option<String> {
        let (window, clusters) = (self.window, self.centres.len());
        Some(format!("windows of {window} rows were compared with {clusters} typical ones"))
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(self.width, rows.channels())?;
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
        DetectError::check_channels(self.width, rows.channels())?;
        let scaled = self.followed_by(rows);
        Ok(Some(self.explain_row(&scaled, self.window - 1 + row, rows.row(row))))
    }

    fn explain_history(
        &self,
        history: &Frame<'_>,
        row: usize,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.width, history.channels())?;
        Ok(Some(self.explain_row(&self.scaled(history), row, history.row(row))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two channels that swing against each other, and a switch.
    fn rows(count: usize) -> Vec<f64> {
        (0..count)
            .flat_map(|row| {
                let swing = (row as f64 * 0.2).sin();
                [swing, 5.0 - 2.0 * swing, f64::from(u8::from(row % 97 < 20))]
            })
            .collect()
    }

    fn fit(readings: &[f64]) -> Fit<KMeansAdModel> {
        let method = KMeansAd::new(KMeansAdSettings::default()).expect("in range");
        method.fit(&Frame::new(readings, 3).expect("whole rows")).expect("enough rows")
    }

    #[test]
    fn a_broken_relation_is_found_and_the_channel_named_and_the_switch_does_not_count() {
        let mut readings = rows(1500);
        for row in 700..730 {
            readings[3 * row + 1] = 8.0;
            readings[3 * (row + 300) + 2] = 1.0;
        }
        let fit = fit(&readings);
        let strangest = (0..1500).max_by(|a, b| fit.scores[*a].total_cmp(&fit.scores[*b]));
        assert!((700..730).contains(&strangest.expect("some rows")), "{strangest:?}");
        assert!(fit.scores[1015] < 1.2 * fit.scores[400..600].iter().copied().fold(0.0, f64::max));
        let frame = Frame::new(&readings, 3).expect("whole rows");
        let why = fit.model.explain_history(&frame, 715, 1.0).expect("width").expect("explained");
        assert!(why.share[1] > 0.6 && why.share[2] == 0.0, "{why:?}");
    }

    #[test]
    fn later_rows_score_as_they_would_in_the_history() {
        let readings = rows(1000);
        let (history, later) = readings.split_at(3 * 900);
        let model = fit(history).model;
        let scores = model.score(&Frame::new(later, 3).expect("whole rows")).expect("width");
        assert_eq!(scores.len(), 100);
        assert!(scores.iter().all(|score| *score < 0.5), "{scores:?}");
    }

    #[test]
    fn a_window_that_does_not_fit_is_refused() {
        let settings = KMeansAdSettings { window: Some(60), ..Default::default() };
        let method = KMeansAd::new(settings).expect("in range");
        let error = method.fit(&Frame::of_column(&[1.0; 100]).expect("finite")).expect_err("short");
        assert_eq!(
            error.to_string(),
            "`window = 60` does not fit this history: two windows need 120 rows, got 100"
        );
    }

    #[test]
    fn switches_count_where_there_is_nothing_else() {
        let readings: Vec<f64> = (0..400).map(|row| f64::from(u8::from(row % 50 == 0))).collect();
        let method = KMeansAd::new(KMeansAdSettings::default()).expect("in range");
        let mut odd = readings.clone();
        odd[210..220].fill(1.0);
        let scores = method.fit(&Frame::of_column(&odd).expect("finite")).expect("rows").scores;
        let strangest = (0..400).max_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        assert!((200..230).contains(&strangest.expect("some rows")), "{strangest:?}");
    }
}

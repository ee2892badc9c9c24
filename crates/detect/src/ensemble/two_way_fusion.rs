//! Both two-way ensembles on one history: columns together, and each by itself.

use auscult_core::{
    DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, SettingError, Settings,
    settings,
};

use super::two_way::{TwoWayEnsemble, TwoWayEnsembleModel, TwoWayEnsembleSettings};
use crate::joint::{TwoWayMahalanobis, TwoWayMahalanobisModel, TwoWayMahalanobisSettings};
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`TwoWayFusion`].
    pub struct TwoWayFusionSettings {
        /// Most rows of each pass that teach before the first is rated; a quarter
        /// of a short history.
        warmup: u32 = 300, "from 100 to 100000", |warmup| (100..=100_000).contains(warmup);
        /// Length of the season of the columns together, in seconds.
        season: f64 = 86_400.0, "at least 1", |season| *season >= 1.0;
    }
}

pub(super) const METHOD: Method = Method {
    name: "two-way-fusion",
    title: "Two-way ensembles of the columns together and of each alone",
    summary: "How far columns lie around a row from where the others and their own course put them, by what came before and after, each of two judges measured by what it usually says.",
    sees: "what either of its judges sees: columns that leave the others, and single columns with spikes, jumps, shifts, stillness or readings unusual for the time; best what both see",
    blind: "drift over weeks, which it follows; odd shapes of usual size; seasons of several columns together other than the one it is told",
    unit: "1 at what is usual, and the logarithm of mean deviations beyond, mean over both judges",
    cost: "O(n d · (log n + min(d, 64))) time, O(n d) memory",
    source: "C. C. Aggarwal, S. Sathe, \"Theoretical foundations and algorithms for outlier ensembles\", SIGKDD Explorations 17(1), 2015; both judges are auscult's own",
    channels: Channels::Several,
    order: Order::Sequence,
    threshold: Threshold::Share(0.01),
    parameters: TwoWayFusionSettings::PARAMETERS,
    default_of: TwoWayFusionSettings::default_of,
    batch: Some(|map| Ok(Box::new(TwoWayFusion::new(TwoWayFusionSettings::from_map(map)?)?))),
    pieces: None,
    labelled: None,
    online: None,
};

/// Rounds in which what a judge usually says settles.
const ROUNDS: usize = 5;
/// Mean deviations that one row may count for what is usual, and may be strange by.
const REACH: f64 = 6.0;
const MOST: f64 = 100.0;
/// Scores beyond this count as this, so that sums stay finite.
const LARGEST: f64 = 1e150;

/// How far columns lie around each row from where the others and their own course put them.
///
/// [`TwoWayMahalanobis`] judges the columns together and [`TwoWayEnsemble`] each by itself, of
/// which the strangest column speaks. With `e` the mean absolute deviations by which one of
/// them passes its mean over the history, both taken winsorised, it finds a row strange by
/// `1 + ln(1 + e)`, or `exp(e)` where `e` is negative, as in
/// [`ScoreFusion`](super::ScoreFusion); the score is the mean of both.
///
/// It looks ahead: a score may change when later rows come. Rows that follow the history
/// are judged with it, as one series. Rows without times count as a second apart. Time and
/// memory are the sum of both.
///
/// The explanation is that of the columns together.
///
/// Reference: C. C. Aggarwal, S. Sathe, "Theoretical foundations and algorithms for outlier
/// ensembles", SIGKDD Explorations 17(1), 2015; the judges are ours.
///
/// ```
/// use auscult_core::{Estimator, Frame};
/// use auscult_detect::ensemble::{TwoWayFusion, TwoWayFusionSettings};
/// let noise = |row: u32, by: u32| f64::from(row * by % 101) / 101.0;
/// let rows: Vec<f64> = (0..1500)
///     .flat_map(|row| {
///         let load = f64::from(row * 31 % 40);
///         let shift = if (700..720).contains(&row) { 20.0 } else { 0.0 };
///         [load + noise(row, 37), 2.0 * load + shift + noise(row, 53)]
///     })
///     .collect();
/// let method = TwoWayFusion::new(TwoWayFusionSettings::default())?;
/// let scores = method.fit(&Frame::new(&rows, 2)?)?.scores;
/// assert!(scores[705] > 2.0 * scores[400]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct TwoWayFusion {
    together: TwoWayMahalanobis,
    alone: TwoWayEnsemble,
}

impl TwoWayFusion {
    /// A method with `settings`.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: TwoWayFusionSettings) -> Result<Self, SettingError> {
        settings.check()?;
        let together = TwoWayMahalanobisSettings {
            warmup: settings.warmup as usize,
            season: settings.season,
            ..Default::default()
        };
        let alone = TwoWayEnsembleSettings { warmup: settings.warmup, ..Default::default() };
        Ok(Self { together: TwoWayMahalanobis::new(together)?, alone: TwoWayEnsemble::new(alone)? })
    }
}

impl Estimator for TwoWayFusion {
    type Fitted = TwoWayFusionModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<TwoWayFusionModel>, FitError> {
        let together = self.together.fit(history)?;
        let mut alone = Vec::with_capacity(history.channels());
        let mut strangest = vec![0.0; history.rows()];
        for channel in 0..history.channels() {
            let fit = with_column(history, channel, |column| self.alone.fit(column))?;
            raise(&mut strangest, &fit.scores);
            alone.push(fit.model);
        }
        let scores = fused(&together.scores, &strangest);
        Ok(Fit { model: TwoWayFusionModel { together: together.model, alone }, scores })
    }
}

/// A history, which rows that follow are judged with.
#[derive(Debug, Clone)]
pub struct TwoWayFusionModel {
    together: TwoWayMahalanobisModel,
    /// Of each column.
    alone: Vec<TwoWayEnsembleModel>,
}

impl Model for TwoWayFusionModel {
    fn channels(&self) -> usize {
        self.alone.len()
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(self.alone.len(), rows.channels())?;
        let together = self.together.score_all(rows);
        let mut strangest = vec![0.0; together.len()];
        for (channel, model) in self.alone.iter().enumerate() {
            let scores = with_column(rows, channel, |column| model.score_all(column));
            raise(&mut strangest, &scores);
        }
        let history = together.len() - rows.rows();
        Ok(fused(&together, &strangest).split_off(history))
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        self.together.explain(rows, row, threshold)
    }

    fn explain_history(
        &self,
        history: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        self.together.explain_history(history, row, threshold)
    }
}

/// What `of` makes of the column `channel` of `rows`, with their times.
fn with_column<T>(rows: &Frame<'_>, channel: usize, of: impl FnOnce(&Frame<'_>) -> T) -> T {
    let column: Vec<f64> = rows.iter_rows().map(|row| row[channel]).collect();
    let frame = Frame::of_column(&column).expect("readings of a frame are finite");
    match rows.times() {
        Some(times) => of(&frame.with_times(times).expect("a time for each row")),
        None => of(&frame),
    }
}

/// Keeps the larger of each pair.
fn raise(largest: &mut [f64], scores: &[f64]) {
    for (largest, score) in largest.iter_mut().zip(scores) {
        *largest = largest.max(*score);
    }
}

/// The mean of both, each measured by what it usually says.
fn fused(one: &[f64], other: &[f64]) -> Vec<f64> {
    let pairs = strangeness(one).into_iter().zip(strangeness(other));
    pairs.map(|(one, other)| f64::midpoint(one, other)).collect()
}

/// How strange each score is: 1 at the mean, above 0, growing with the logarithm.
fn strangeness(scores: &[f64]) -> Vec<f64> {
    let count = scores.len().max(1) as f64;
    let moments = |reach: f64, about: f64| {
        let held =
            || scores.iter().map(|score| score.min(LARGEST).clamp(about - reach, about + reach));
        let mean = held().sum::<f64>() / count;
        (mean, held().map(|score| (score - mean).abs()).sum::<f64>() / count)
    };
    let (mut mean, mut deviation) = moments(LARGEST, 0.0);
    for _ in 0..ROUNDS {
        (mean, deviation) = moments(REACH * deviation, mean);
    }
    // Rounding is no deviation.
    let unit = deviation + 1e-9 * (1.0 + mean.abs());
    let strange = |score: &f64| {
        let excess = ((score - mean) / unit).min(MOST);
        if excess < 0.0 { excess.exp() } else { 1.0 + excess.ln_1p() }
    };
    scores.iter().map(strange).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three columns that follow one load.
    fn rows(count: usize) -> Vec<f64> {
        let noise = |row: usize, by: usize| ((row * by) % 101) as f64 / 101.0;
        (0..count)
            .flat_map(|row| {
                let load = 50.0 + 20.0 * (row as f64 / 300.0).sin();
                [load + noise(row, 37), 2.0 * load + noise(row, 53), 300.0 - load + noise(row, 71)]
            })
            .collect()
    }

    fn method() -> TwoWayFusion {
        TwoWayFusion::new(TwoWayFusionSettings::default()).expect("in range")
    }

    #[test]
    fn a_column_that_leaves_the_others_and_one_that_leaves_its_own_range_are_found() {
        let mut readings = rows(3000);
        (1000..1020).for_each(|row| readings[3 * row + 1] += 15.0);
        (2000..2020).for_each(|row| (0..3).for_each(|column| readings[3 * row + column] *= 3.0));
        let frame = Frame::new(&readings, 3).expect("whole rows");
        let scores = method().fit(&frame).expect("enough rows").scores;
        let quiet = scores[1200..1800].iter().copied().fold(0.0, f64::max);
        for at in [1010, 2010] {
            assert!(scores[at] > quiet, "row {at}: {} and {quiet}", scores[at]);
        }
    }

    #[test]
    fn rows_after_the_history_are_judged_as_one_series_with_it() {
        let mut readings = rows(2400);
        (2200..2220).for_each(|row| readings[3 * row + 2] += 15.0);
        let (history, later) = readings.split_at(3 * 2000);
        let whole = method().fit(&Frame::new(&readings, 3).expect("whole rows"));
        let whole = whole.expect("enough rows").scores;
        let model = method().fit(&Frame::new(history, 3).expect("whole rows"));
        let model = model.expect("enough rows").model;
        let frame = Frame::new(later, 3).expect("whole rows");
        assert_eq!(model.score(&frame).expect("width"), whole[2000..]);
        let why = model.explain(&frame, 200, 1.0).expect("width").expect("explained");
        let most = why.share.iter().copied().fold(0.0, f64::max);
        assert_eq!(why.share[2], most, "{why:?}");
    }

    #[test]
    fn scores_that_are_all_the_same_are_usual() {
        assert_eq!(strangeness(&[0.0; 4]), [1.0; 4]);
        assert!(strangeness(&[1.0, 1.0, f64::MAX, f64::MAX]).iter().all(|one| one.is_finite()));
    }
}

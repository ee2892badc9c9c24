//! The joint ensemble in hindsight: run forwards and backwards over a whole history.

use auscult_core::{
    DetectError, Detector, Estimator, Explanation, Fit, FitError, Frame, Model, Sample,
    SettingError, Settings, Timestamp, settings,
};

use super::ensemble::{MahalanobisEnsemble, MahalanobisEnsembleSettings};
use crate::shared::{backwards, times_of};
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`TwoWayMahalanobis`].
    pub struct TwoWayMahalanobisSettings {
        /// Most rows of each pass that teach before the first is rated; a quarter
        /// of a short history.
        warmup: usize = 300, "at least 100", |warmup| *warmup >= 100;
        /// Rows that count: those further away fade with this constant.
        memory: f64 = 20_000.0, "at least 100", |memory| *memory >= 100.0;
        /// Length of the season, in seconds.
        season: f64 = 86_400.0, "at least 1", |season| *season >= 1.0;
    }
}

pub(super) const METHOD: Method = Method {
    name: "two-way-mahalanobis",
    title: "Two-way ensemble of winsorised Mahalanobis distances",
    summary: "How far channels lie around a row from where the others, the time of day and their neighbouring readings put them, judged by what came before and by what came after.",
    sees: "channels that leave the others, the daily course or their own dynamics, one strongly or many a little, from the first sign of it to the last",
    blind: "drift over weeks, which it follows; seasons other than the one it is told; switches that are on or off",
    unit: "mean deviations",
    cost: "O(n d · min(d, 64)) time, O(n d) memory",
    source: "P. C. Mahalanobis, \"On the generalised distance in statistics\", 1936; winsorised after P. J. Huber, \"Robust Statistics\", Wiley, 1981",
    channels: Channels::Several,
    order: Order::Sequence,
    threshold: Threshold::Share(0.01),
    parameters: TwoWayMahalanobisSettings::PARAMETERS,
    default_of: TwoWayMahalanobisSettings::default_of,
    batch: Some(|map| {
        let settings = TwoWayMahalanobisSettings::from_map(map)?;
        Ok(Box::new(TwoWayMahalanobis::new(settings)?))
    }),
    pieces: None,
    labelled: None,
    online: None,
};

/// Fewest rows of a history.
const LEAST_ROWS: usize = 200;
/// Shortest warm-up of a pass, in rows.
const LEAST_WARMUP: usize = 100;
/// Of a history shorter than four warm-ups, this part teaches each pass.
const WARMUP_PART: usize = 4;
/// Rows from one kept detector to the next, from which explanations go on.
const KEPT_EVERY: usize = 1024;

/// How far channels lie from where the others put them around each row, in hindsight.
///
/// [`MahalanobisEnsemble`] runs over the history forwards and backwards. The score of a row
/// is the mean of the deviations of both: of the averages of 1, 5, 15 and 60 rows up to this
/// row, and of as many from it on. So it rises before a state has lasted and falls before it is
/// over. In the warm-up of one pass the other is believed.
///
/// It looks ahead: a score may change when later rows come. Rows that follow the history
/// are judged with it, as one series. Rows without times count as a second apart. Time
/// O(n d²) for up to 64 channels, blocks of 64 beyond; memory O(n d).
///
/// The explanation is that of the pass forwards; none in its warm-up.
///
/// Reference: see [`MahalanobisEnsemble`]; both ways is ours.
///
/// ```
/// use auscult_core::{Estimator, Frame};
/// use auscult_detect::joint::{TwoWayMahalanobis, TwoWayMahalanobisSettings};
/// let noise = |row: u32, by: u32| f64::from(row * by % 101) / 101.0;
/// let rows: Vec<f64> = (0..1500)
///     .flat_map(|row| {
///         let load = f64::from(row * 31 % 40);
///         let shift = if (700..720).contains(&row) { 20.0 } else { 0.0 };
///         [load + noise(row, 37), 2.0 * load + shift + noise(row, 53)]
///     })
///     .collect();
/// let method = TwoWayMahalanobis::new(TwoWayMahalanobisSettings::default())?;
/// let scores = method.fit(&Frame::new(&rows, 2)?)?.scores;
/// assert!(scores[705] > 5.0 * scores[400]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct TwoWayMahalanobis {
    settings: TwoWayMahalanobisSettings,
}

impl TwoWayMahalanobis {
    /// A method with `settings`.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: TwoWayMahalanobisSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }
}

impl Estimator for TwoWayMahalanobis {
    type Fitted = TwoWayMahalanobisModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<TwoWayMahalanobisModel>, FitError> {
        if history.channels() < 2 {
            let reason = "need at least two columns to learn how they go together";
            return Err(FitError::Channels { reason, got: history.channels() });
        }
        FitError::check_rows(LEAST_ROWS, history.rows())?;
        let mut model = TwoWayMahalanobisModel {
            settings: self.settings.clone(),
            channels: history.channels(),
            readings: history.readings().to_vec(),
            times: times_of(history, None),
            kept: Vec::new(),
        };
        let (scores, kept) = model.judge(&model.readings, &model.times);
        model.kept = kept;
        Ok(Fit { model, scores })
    }
}

/// A history, which rows that follow are judged with.
#[derive(Debug, Clone)]
pub struct TwoWayMahalanobisModel {
    settings: TwoWayMahalanobisSettings,
    channels: usize,
    readings: Vec<f64>,
    times: Vec<Timestamp>,
    /// The detector before every so many rows of the pass forwards, and after the last.
    kept: Vec<MahalanobisEnsemble>,
}

impl TwoWayMahalanobisModel {
    /// A detector for a pass over `rows` rows.
    fn detector(&self, rows: usize) -> MahalanobisEnsemble {
        let settings = MahalanobisEnsembleSettings {
            warmup: self.settings.warmup.min((rows / WARMUP_PART).max(LEAST_WARMUP)),
            memory: self.settings.memory,
            season: self.settings.season,
            ..Default::default()
        };
        MahalanobisEnsemble::new(settings, self.channels).expect("checked before")
    }

    /// Scores of the history and of `rows`, which have as many channels, as one series.
    pub(crate) fn score_all(&self, rows: &Frame<'_>) -> Vec<f64> {
        let readings = [&self.readings, rows.readings()].concat();
        let times = [self.times.clone(), times_of(rows, self.times.last().copied())].concat();
        self.judge(&readings, &times).0
    }

    /// Scores of rows in order, and detectors of the pass forwards.
    fn judge(&self, readings: &[f64], times: &[Timestamp]) -> (Vec<f64>, Vec<MahalanobisEnsemble>) {
        let rows = times.len();
        let row = |at: usize| &readings[at * self.channels..(at + 1) * self.channels];
        let mut kept = Vec::with_capacity(rows / KEPT_EVERY + 2);
        let mut detector = self.detector(rows);
        let mut before = Vec::with_capacity(rows);
        for (at, time) in times.iter().enumerate() {
            if at % KEPT_EVERY == 0 {
                kept.push(detector.clone());
            }
            before.push(follow(&mut detector, *time, row(at)));
        }
        kept.push(detector);
        let mut detector = self.detector(rows);
        let mut scores = vec![0.0; rows];
        for at in (0..rows).rev() {
            let after = follow(&mut detector, backwards(times[at]), row(at));
            scores[at] = match (before[at], after) {
                (Some(before), Some(after)) => f64::midpoint(before, after),
                (one, other) => one.or(other).unwrap_or(0.0),
            };
        }
        (scores, kept)
    }
}

/// Learns a row; how far from normal the target is with it, once that is known.
fn follow(detector: &mut MahalanobisEnsemble, time: Timestamp, row: &[f64]) -> Option<f64> {
    learn(detector, time, row);
    detector.deviation()
}

fn learn(detector: &mut MahalanobisEnsemble, time: Timestamp, row: &[f64]) {
    let sample = Sample::new(time, row).expect("frames hold finite readings");
    detector.learn(sample).expect("as many channels");
}

/// Explains the last of `rows` by `detector`, which knows what came before them.
fn explain_last<'a>(
    mut detector: MahalanobisEnsemble,
    rows: impl Iterator<Item = (Timestamp, &'a [f64])>,
    threshold: f64,
) -> Result<Option<Explanation>, DetectError> {
    let mut rows = rows.peekable();
    while let Some((time, row)) = rows.next() {
        if rows.peek().is_none() {
            let sample = Sample::new(time, row).expect("frames hold finite readings");
            return detector.explain(sample, threshold);
        }
        learn(&mut detector, time, row);
    }
    Ok(None)
}

impl Model for TwoWayMahalanobisModel {
    fn channels(&self) -> usize {
        self.channels
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(self.channels, rows.channels())?;
        Ok(self.score_all(rows).split_off(self.times.len()))
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels, rows.channels())?;
        let Some(newest) = self.kept.last() else { return Ok(None) };
        let times = times_of(rows, self.times.last().copied());
        explain_last(
            newest.clone(),
            times.into_iter().zip(rows.iter_rows()).take(row + 1),
            threshold,
        )
    }

    fn explain_history(
        &self,
        history: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels, history.channels())?;
        let place = row / KEPT_EVERY;
        let rows = (place * KEPT_EVERY..=row).map(|at| (self.times[at], history.row(at)));
        explain_last(self.kept[place].clone(), rows, threshold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three channels that follow one load.
    fn rows(count: usize) -> Vec<f64> {
        let noise = |row: usize, by: usize| ((row * by) % 101) as f64 / 101.0;
        (0..count)
            .flat_map(|row| {
                let load = 50.0 + 20.0 * (row as f64 / 300.0).sin();
                [load + noise(row, 37), 2.0 * load + noise(row, 53), 300.0 - load + noise(row, 71)]
            })
            .collect()
    }

    fn fit(readings: &[f64]) -> Fit<TwoWayMahalanobisModel> {
        let method = TwoWayMahalanobis::new(TwoWayMahalanobisSettings::default());
        let frame = Frame::new(readings, 3).expect("whole rows");
        method.expect("in range").fit(&frame).expect("enough rows")
    }

    #[test]
    fn a_channel_that_leaves_is_found_at_either_end_and_named_once_enough_was_seen() {
        for at in [20, 1500, 2960] {
            let mut readings = rows(3000);
            (at..at + 20).for_each(|row| readings[3 * row + 1] += 15.0);
            let fit = fit(&readings);
            let strangest = (0..3000).max_by(|a, b| fit.scores[*a].total_cmp(&fit.scores[*b]));
            let strangest = strangest.expect("some rows");
            // Averages reach a few rows beyond the event.
            assert!((at - 5..at + 25).contains(&strangest), "at {at}, found {strangest}");
            let frame = Frame::new(&readings, 3).expect("whole rows");
            let why = fit.model.explain_history(&frame, at, 1.0).expect("width");
            match why {
                None => assert!(at < 300),
                Some(why) => {
                    let most = why.share.iter().copied().fold(0.0, f64::max);
                    assert_eq!(why.share[1], most, "at {at}: {why:?}");
                    assert!(why.expected[1] < readings[3 * at + 1] - 5.0, "at {at}: {why:?}");
                }
            }
        }
    }

    #[test]
    fn rows_after_the_history_are_judged_with_it() {
        let mut readings = rows(2400);
        (2200..2220).for_each(|row| readings[3 * row + 2] += 15.0);
        let (history, later) = readings.split_at(3 * 2000);
        let model = fit(history).model;
        let frame = Frame::new(later, 3).expect("whole rows");
        let scores = model.score(&frame).expect("width");
        assert_eq!(scores.len(), 400);
        assert!(scores[210] > 3.0 * scores[100], "{} {}", scores[210], scores[100]);
        let why = model.explain(&frame, 200, 1.0).expect("width").expect("explained");
        assert!(why.share[2] > 0.5, "{why:?}");
    }
}

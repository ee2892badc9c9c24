//! The default detector in hindsight: run forwards and backwards, with tails of the
//! whole series beside those of the past.

use auscult_core::{
    DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, Sample, SettingError,
    Settings, Timestamp, settings,
};

use super::deviation::{CLIP, MEMORIES, POWER};
use super::hindsight;
use super::pot_ensemble::{Note, PotEnsemble, PotEnsembleSettings};
use crate::shared::{backwards, one_channel, times_of};
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`TwoWayEnsemble`].
    pub struct TwoWayEnsembleSettings {
        /// Most rows of each pass that teach before the first is rated; a quarter
        /// of a short history.
        warmup: u32 = 300, "from 60 to 100000", |warmup| (60..=100_000).contains(warmup);
        /// Least reading that there can be, such as 0; a lower one is always odd.
        range_low: Option<f64> = None, "a number", |low| low.is_none_or(f64::is_finite);
        /// Greatest reading that there can be, such as 100; a higher one is always odd.
        range_high: Option<f64> = None, "a number", |high| high.is_none_or(f64::is_finite);
    }
}

pub(super) const METHOD: Method = Method {
    name: "two-way-ensemble",
    title: "Two-way peaks-over-threshold ensemble",
    summary: "How far from normal a series is around a row, judged by what came before, by what came after, and by the tails of the whole series.",
    sees: "spikes, jumps, level shifts, swings and stillness, readings unusual for the time of day or week, and how long they last",
    blind: "drifts slower than its level, which follows in about 200 rows; odd shapes of usual size",
    unit: "mean excesses",
    cost: "O(n log n) time, O(n) memory",
    source: "J. Pickands, \"Statistical inference using extreme order statistics\", Annals of Statistics 3, 1975, for the tails; the ensemble is auscult's own",
    channels: Channels::One,
    order: Order::Sequence,
    threshold: Threshold::Share(0.01),
    parameters: TwoWayEnsembleSettings::PARAMETERS,
    default_of: TwoWayEnsembleSettings::default_of,
    batch: Some(|map| Ok(Box::new(TwoWayEnsemble::new(TwoWayEnsembleSettings::from_map(map)?)?))),
    pieces: None,
    labelled: None,
    online: None,
};

/// Fewest rows of a history.
const LEAST_ROWS: usize = 10;
/// Shortest warm-up of a pass, in rows.
const LEAST_WARMUP: u32 = 60;
/// Of a history shorter than four warm-ups, this part teaches each pass.
const WARMUP_PART: usize = 4;
/// Weight of what is odd by the tails of the whole series.
const HINDSIGHT_WEIGHT: f64 = 0.5;
/// Rounds in which the usual oddness settles.
const ROUNDS: usize = 5;
/// Least usual oddness that oddness is clipped by.
const LEAST_USUAL: f64 = 1e-3;

/// How far from normal a series is around each row, in hindsight.
///
/// [`PotEnsemble`] runs over the history twice, once forwards and once backwards, and
/// says of each row how odd it is by what came before and by what came after. To the
/// mean of both, half of what is odd by the tails of the whole series is added: of the
/// residual, of the jump, and of mean, deviation, range, lowest and highest of 3, 7 and 11
/// rows around, each by its excess over the 99th percentile. The score is the sum of two averages of
/// this oddness less the usual one, one over the rows up to this and one over the rows from this
/// on, each the largest of memories of 3, 10, 30 and 100 rows, longer ones counting for
/// more (times memory to the power 0.3). So it is high through an event, whether it is
/// short or lasting.
///
/// One channel. It looks ahead: a score may change when later rows come. Rows that follow the
/// history are judged with it, as one series. Follows drift; shapes that are odd
/// without being extreme are left to [`crate::subsequence`]. Rows without times count as a second
/// apart. Time O(n log n), about a microsecond a row; memory O(n).
///
/// Reference: J. Pickands, "Statistical inference using extreme order statistics",
/// Annals of Statistics 3, 1975, for the tails; the ensemble is ours.
///
/// ```
/// use auscult_core::{Estimator, Frame};
/// use auscult_detect::ensemble::{TwoWayEnsemble, TwoWayEnsembleSettings};
/// let mut load: Vec<f64> = (0..2000).map(|row| f64::from(row * 37 % 101)).collect();
/// load[100..120].fill(250.0);
/// let method = TwoWayEnsemble::new(TwoWayEnsembleSettings::default())?;
/// let scores = method.fit(&Frame::of_column(&load)?)?.scores;
/// assert!(scores[110] > 10.0 * scores[1000]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct TwoWayEnsemble {
    settings: TwoWayEnsembleSettings,
}

impl TwoWayEnsemble {
    /// An ensemble with `settings`.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: TwoWayEnsembleSettings) -> Result<Self, SettingError> {
        settings.check()?;
        // Ranges of two settings together are checked where they are used.
        PotEnsemble::new(of_pass(&settings, usize::MAX))?;
        Ok(Self { settings })
    }
}

impl Estimator for TwoWayEnsemble {
    type Fitted = TwoWayEnsembleModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<TwoWayEnsembleModel>, FitError> {
        let readings = one_channel(history)?;
        FitError::check_rows(LEAST_ROWS, readings.len())?;
        let times = times_of(history, None);
        let judged = judge(&self.settings, readings, &times);
        let model = TwoWayEnsembleModel {
            settings: self.settings.clone(),
            readings: readings.to_vec(),
            times,
            expected: judged.expected,
        };
        Ok(Fit { model, scores: judged.scores })
    }
}

/// A history, which rows that follow are judged with.
#[derive(Debug, Clone)]
pub struct TwoWayEnsembleModel {
    settings: TwoWayEnsembleSettings,
    readings: Vec<f64>,
    times: Vec<Timestamp>,
    expected: Vec<f64>,
}

impl TwoWayEnsembleModel {
    /// Scores of the history and of `rows`, which have one channel, as one series.
    pub(super) fn score_all(&self, rows: &Frame<'_>) -> Vec<f64> {
        self.judge(rows).scores
    }

    /// The history and `rows` as one series.
    fn judge(&self, rows: &Frame<'_>) -> Judged {
        let readings = [&self.readings, rows.readings()].concat();
        let times = [self.times.clone(), times_of(rows, self.times.last().copied())].concat();
        judge(&self.settings, &readings, &times)
    }
}

impl Model for TwoWayEnsembleModel {
    fn channels(&self) -> usize {
        1
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(1, rows.channels())?;
        if rows.rows() == 0 {
            return Ok(Vec::new());
        }
        Ok(self.judge(rows).scores.split_off(self.readings.len()))
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(1, rows.channels())?;
        let judged = self.judge(rows);
        let at = self.readings.len() + row;
        Ok(Some(Explanation::of_one(judged.expected[at], None, judged.scores[at])))
    }

    fn explain_history(
        &self,
        history: &Frame<'_>,
        row: usize,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(1, history.channels())?;
        let apart = (history.row(row)[0] - self.expected[row]).abs();
        Ok(Some(Explanation::of_one(self.expected[row], None, apart)))
    }
}

/// Settings of one pass over `rows` rows.
fn of_pass(settings: &TwoWayEnsembleSettings, rows: usize) -> PotEnsembleSettings {
    let part = u32::try_from(rows / WARMUP_PART).unwrap_or(u32::MAX);
    PotEnsembleSettings {
        warmup: settings.warmup.min(part.max(LEAST_WARMUP)),
        range_low: settings.range_low,
        range_high: settings.range_high,
        ..Default::default()
    }
}

/// What is found of a series.
struct Judged {
    scores: Vec<f64>,
    /// The most usual reading, of both passes.
    expected: Vec<f64>,
}

fn judge(settings: &TwoWayEnsembleSettings, readings: &[f64], times: &[Timestamp]) -> Judged {
    let rows = readings.len();
    let settings = of_pass(settings, rows);
    let before = pass(&settings, (0..rows).map(|row| (times[row], readings[row])));
    let back = (0..rows).rev().map(|row| (backwards(times[row]), readings[row]));
    let mut after = pass(&settings, back);
    after.reverse();
    let mut residuals = Vec::with_capacity(rows);
    let mut expected = Vec::with_capacity(rows);
    let mut odd = Vec::with_capacity(rows);
    for (before, after) in before.iter().zip(&after) {
        // While one pass still warms up, the other is believed.
        let share = match (before.odd, after.odd) {
            (Some(_), None) => 1.0,
            (None, Some(_)) => 0.0,
            _ => 0.5,
        };
        let mixed = |one: f64, other: f64| share * one + (1.0 - share) * other;
        residuals.push(mixed(before.residual, after.residual));
        expected.push(mixed(before.expected, after.expected));
        odd.push(mixed(before.odd.unwrap_or(0.0), after.odd.unwrap_or(0.0)));
    }
    for (odd, hindsight) in odd.iter_mut().zip(hindsight::oddness(readings, &residuals)) {
        *odd += HINDSIGHT_WEIGHT * hindsight;
    }
    Judged { scores: around(&odd), expected }
}

/// Notes of a pass over samples in order.
fn pass(
    settings: &PotEnsembleSettings,
    samples: impl Iterator<Item = (Timestamp, f64)>,
) -> Vec<Note> {
    let mut detector = PotEnsemble::new(settings.clone()).expect("checked before");
    samples
        .map(|(time, reading)| {
            let reading = [reading];
            let sample = Sample::new(time, &reading).expect("frames hold finite readings");
            detector.note(sample).expect("one channel")
        })
        .collect()
}

/// The averages of `odd` up to each row and from it on, added.
fn around(odd: &[f64]) -> Vec<f64> {
    let usual = usual(odd);
    let mut scores = vec![0.0; odd.len()];
    add_averages(odd.iter().zip(&mut scores), usual);
    add_averages(odd.iter().zip(&mut scores).rev(), usual);
    scores
}

/// Adds to each score the largest over the memories of the average so far of what is
/// beyond the `usual` oddness.
fn add_averages<'a>(rows: impl Iterator<Item = (&'a f64, &'a mut f64)>, usual: f64) {
    let mut means = [0.0; MEMORIES.len()];
    for (odd, score) in rows {
        let mut largest = 0.0_f64;
        for (mean, memory) in means.iter_mut().zip(MEMORIES) {
            *mean += (odd - usual - *mean) / memory;
            largest = largest.max(*mean * memory.powf(POWER));
        }
        *score += largest;
    }
}

/// The mean of `odd`, none counting for more than so many means.
fn usual(odd: &[f64]) -> f64 {
    let mean = |most: f64| odd.iter().map(|odd| odd.min(most)).sum::<f64>() / odd.len() as f64;
    (0..ROUNDS).fold(mean(f64::MAX), |usual, _| mean(CLIP * usual.max(LEAST_USUAL)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(rows: usize) -> Vec<f64> {
        (0..rows).map(|row| ((row as f64 * 12.9898).sin() * 43758.5453).fract()).collect()
    }

    fn fit(readings: &[f64]) -> Fit<TwoWayEnsembleModel> {
        let method = TwoWayEnsemble::new(TwoWayEnsembleSettings::default()).expect("in range");
        method.fit(&Frame::of_column(readings).expect("finite")).expect("enough rows")
    }

    #[test]
    fn an_event_at_either_end_stands_out_as_one_in_the_middle_does() {
        for at in [5, 100, 2000, 3890, 3985] {
            let mut readings = noise(4000);
            readings[at..at + 10].iter_mut().for_each(|reading| *reading += 5.0);
            let scores = fit(&readings).scores;
            let strangest = (0..4000).max_by(|a, b| scores[*a].total_cmp(&scores[*b]));
            let strangest = strangest.expect("some rows");
            assert!((at..at + 10).contains(&strangest), "at {at}, found {strangest}");
        }
    }

    #[test]
    fn a_reversed_history_scores_in_reverse() {
        let mut readings = noise(1500);
        readings[400..430].iter_mut().for_each(|reading| *reading -= 3.0);
        let forwards = fit(&readings).scores;
        readings.reverse();
        let mut backwards = fit(&readings).scores;
        backwards.reverse();
        // Jumps and the slots of the day differ, no more.
        let strangest = |scores: &[f64]| {
            (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).expect("rows")
        };
        assert!(strangest(&forwards).abs_diff(strangest(&backwards)) < 5);
        let (one, other) = (forwards[415], backwards[415]);
        assert!((one / other - 1.0).abs() < 0.3, "{one} {other}");
    }

    #[test]
    fn an_event_after_the_history_is_found_and_its_usual_reading_told() {
        let mut readings = noise(2400);
        readings[2200..2220].fill(9.0);
        let (history, later) = readings.split_at(2000);
        let model = fit(history).model;
        let frame = Frame::of_column(later).expect("finite");
        let scores = model.score(&frame).expect("one channel");
        assert_eq!(scores.len(), 400);
        assert!(scores[210] > 5.0 * scores[100].max(0.1), "{} {}", scores[210], scores[100]);
        let explained = model.explain(&frame, 205, 1.0).expect("one channel").expect("explained");
        assert!(explained.expected[0].abs() < 2.0, "{explained:?}");
    }

    #[test]
    fn ranges_that_exclude_everything_are_refused() {
        let settings = TwoWayEnsembleSettings {
            range_low: Some(2.0),
            range_high: Some(1.0),
            ..Default::default()
        };
        assert!(TwoWayEnsemble::new(settings).is_err());
    }
}

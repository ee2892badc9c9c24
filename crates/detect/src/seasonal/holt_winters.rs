//! Surprise of a one-step forecast by Holt-Winters smoothing.

use auscult_core::{
    Band, DetectError, Detector, Estimator, Explanation, Fit, FitError, Frame, LARGEST_READING,
    Model, Sample, Score, SettingError, Settings, Snapshot, settings,
};
use auscult_stats::quantile::{MAD_TO_DEVIATION, median_deviation};
use auscult_stats::resolution::RunningResolution;
use serde::{Deserialize, Serialize};

use super::exponential::{Rates, Smoothing};
use super::rates::fit_rates;
use super::scale::ResidualScale;
use super::season_of;
use crate::shared::{Spread, one_channel, ratio};
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`HoltWinters`] and [`HoltWintersDetector`].
    pub struct HoltWintersSettings {
        /// Rows in a season, such as 1440 for a day of minutes. 0 or 1: no
        /// season. Automatic: found in a history; none in a stream.
        period: Option<usize> = None, "at most 100000", |period| period.is_none_or(|period| period <= 100_000);
        /// How fast the level follows. Automatic: fitted to a history; 0.1 in
        /// a stream.
        level_rate: Option<f64> = None, "in [0, 1]", is_rate;
        /// How fast the trend follows. Automatic: fitted to a history; 0.01 in
        /// a stream.
        trend_rate: Option<f64> = None, "in [0, 1]", is_rate;
        /// How fast the season follows. Automatic: fitted to a history; 0.1 in
        /// a stream.
        season_rate: Option<f64> = None, "in [0, 1]", is_rate;
        /// What is left of the trend after each row; 1 lets it run on.
        damping: f64 = 0.98, "in (0, 1]", |damping| *damping > 0.0 && *damping <= 1.0;
        /// Robust deviations beyond which a reading teaches no more.
        clip: f64 = 2.0, "above 0", |clip| *clip > 0.0;
        /// How fast the deviation follows.
        deviation_rate: f64 = 0.05, "in (0, 1)", |rate| *rate > 0.0 && *rate < 1.0;
    }
}

fn is_rate(rate: &Option<f64>) -> bool {
    rate.is_none_or(|rate| (0.0..=1.0).contains(&rate))
}

pub(super) const METHOD: Method = Method {
    name: "holt-winters",
    title: "Robust Holt-Winters forecast",
    summary: "Error of a one-step forecast from level, trend and season, in robust deviations.",
    sees: "spikes, dips and level shifts at their onset, in a series or a stream with or without season",
    blind: "slow drift and slow changes of the season, which it follows; a stream's season unless `period` is given",
    unit: "robust standard deviations",
    cost: "O(1) time per sample, O(period) memory; about a hundred passes to fit the rates",
    source: "S. Gelper, R. Fried, C. Croux, \"Robust forecasting with exponential and Holt-Winters smoothing\", Journal of Forecasting 29(3), 2010",
    channels: Channels::One,
    order: Order::Sequence,
    threshold: Threshold::Score(4.0),
    parameters: HoltWintersSettings::PARAMETERS,
    default_of: HoltWintersSettings::default_of,
    batch: Some(|map| Ok(Box::new(HoltWinters::new(HoltWintersSettings::from_map(map)?)?))),
    pieces: None,
    labelled: None,
    online: Some(|map, _| {
        Ok(Box::new(HoltWintersDetector::new(HoltWintersSettings::from_map(map)?)?))
    }),
};

/// Fewest rows that a start needs; two seasons where there is one.
const LEAST_START: usize = 20;

fn start_rows(period: usize) -> usize {
    LEAST_START.max(2 * period)
}

/// Error of a one-step forecast by additive Holt-Winters smoothing, in robust
/// deviations, learnt from a whole history.
///
/// Level and season start from medians of the first two seasons (20 rows
/// without a season). Rates that are not given are those with the least robust
/// one-step error. What a row teaches is clipped at `clip` deviations, so that
/// a spike does not echo. The error is rated as [`SeasonalTrend`] rates its
/// remainder.
///
/// One channel. Follows slow drift, and a level shift after some rows. With
/// clipping off and given start and rates its forecasts equal statsmodels'
/// `ExponentialSmoothing`. Time O(n) for each of about a hundred passes when
/// rates are fitted, memory O(n).
///
/// Reference: P. R. Winters, "Forecasting sales by exponentially weighted
/// moving averages", Management Science 6(3), 1960; clipping, running deviation
/// and robust criterion after S. Gelper, R. Fried, C. Croux, "Robust
/// forecasting with exponential and Holt-Winters smoothing", Journal of
/// Forecasting 29(3), 2010.
///
/// [`SeasonalTrend`]: super::SeasonalTrend
///
/// ```
/// use auscult_core::{Estimator, Frame};
/// use auscult_detect::seasonal::{HoltWinters, HoltWintersSettings};
/// let mut load: Vec<f64> = (0..24 * 10)
///     .map(|hour| f64::from(hour % 24) + 0.1 * f64::from(hour * 7 % 5))
///     .collect();
/// load[100] += 8.0;
/// let fit = HoltWinters::new(HoltWintersSettings::default())?.fit(&Frame::of_column(&load)?)?;
/// assert!(fit.scores[100] > 4.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct HoltWinters {
    settings: HoltWintersSettings,
}

impl HoltWinters {
    /// A Holt-Winters method with `settings`.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: HoltWintersSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }

    /// Rows in the season of `history`, 1 without one.
    fn period(&self, history: &Frame<'_>) -> Result<usize, FitError> {
        let readings = history.readings();
        let Some(period) = self.settings.period else {
            return Ok(season_of(history, readings).unwrap_or(1));
        };
        if period >= 2 && readings.len() / 2 < period {
            return Err(FitError::Setting {
                key: "period",
                value: period.to_string(),
                reason: format!("two seasons need {} rows, got {}", 2 * period, readings.len()),
            });
        }
        Ok(period.max(1))
    }
}

impl Estimator for HoltWinters {
    type Fitted = HoltWintersModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<HoltWintersModel>, FitError> {
        let readings = one_channel(history)?;
        FitError::check_rows(3, readings.len())?;
        let period = self.period(history)?;
        let start = &readings[..start_rows(period).min(readings.len())];
        let fresh = Follower::start(start, period);
        let learning = Learning::of(&self.settings);
        let rates = fit_rates(&self.settings, period >= 2, |rates| {
            fresh.clone().follow(readings, &rates, &learning)
        });
        let mut follower = fresh;
        let errors = follower.follow(readings, &rates, &learning);
        let scale = ResidualScale::of(&errors, readings, 1);
        let rate = |error: &f64| scale.rate((error - scale.centre()).abs(), 0);
        let scores = errors.iter().map(rate).collect();
        Ok(Fit { model: HoltWintersModel { errors, follower, rates, learning, scale }, scores })
    }
}

/// Level, trend and season at the end of a history, and how they move on.
#[derive(Debug, Clone)]
pub struct HoltWintersModel {
    errors: Vec<f64>,
    follower: Follower,
    rates: Rates,
    learning: Learning,
    scale: ResidualScale,
}

impl HoltWintersModel {
    /// The rates of level, trend and season, given or fitted.
    #[must_use]
    pub fn rates(&self) -> [f64; 3] {
        [self.rates.level, self.rates.trend, self.rates.season]
    }

    /// Errors of the one-step forecasts of rows that follow the history.
    fn follow(&self, readings: &[f64]) -> Vec<f64> {
        self.follower.clone().follow(readings, &self.rates, &self.learning)
    }

    fn explanation(&self, reading: f64, error: f64, threshold: f64) -> Explanation {
        let expected = reading - error + self.scale.centre();
        let band = Band::around(expected, self.scale.distance(threshold, 0));
        let score = self.scale.rate((error - self.scale.centre()).abs(), 0);
        Explanation::of_one(expected, Some(band), score)
    }
}

impl Model for HoltWintersModel {
    fn channels(&self) -> usize {
        1
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(1, rows.channels())?;
        let rate = |error: f64| self.scale.rate((error - self.scale.centre()).abs(), 0);
        Ok(self.follow(rows.readings()).into_iter().map(rate).collect())
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(1, rows.channels())?;
        let errors = self.follow(&rows.readings()[..=row]);
        Ok(Some(self.explanation(rows.row(row)[0], errors[row], threshold)))
    }

    fn explain_history(
        &self,
        history: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(1, history.channels())?;
        Ok(Some(self.explanation(history.row(row)[0], self.errors[row], threshold)))
    }
}

/// How much of a surprise is learnt.
#[derive(Debug, Clone, Copy)]
struct Learning {
    clip: f64,
    deviation_rate: f64,
}

impl Learning {
    fn of(settings: &HoltWintersSettings) -> Self {
        Self { clip: settings.clip, deviation_rate: settings.deviation_rate }
    }
}

/// Smoothing with a running robust deviation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Follower {
    smoothing: Smoothing,
    deviation: f64,
    #[serde(default)]
    resolution: RunningResolution,
}

/// Smallest deviation that counts, as a share of level and reading: less is
/// rounding.
const LEAST_DEVIATION: f64 = 1e-9;

impl Follower {
    fn start(readings: &[f64], period: usize) -> Self {
        let smoothing = Smoothing::start(readings, period);
        let season = |row: usize| match smoothing.season.len() {
            0 => 0.0,
            period => smoothing.season[row % period],
        };
        let rest: Vec<f64> = readings.iter().enumerate().map(|(row, y)| y - season(row)).collect();
        let (_, deviation) = median_deviation(&rest);
        let deviation = MAD_TO_DEVIATION * deviation;
        Self { smoothing, deviation, resolution: RunningResolution::default() }
    }

    /// The deviation by which to learn from `reading`.
    fn deviation(&self, reading: f64) -> f64 {
        self.known().max(LEAST_DEVIATION * self.smoothing.level.abs().max(reading.abs()))
    }

    /// The running deviation, which is at least what rounding to the smallest
    /// step of the readings leaves.
    fn known(&self) -> f64 {
        self.deviation.max(self.resolution.deviation().unwrap_or(0.0))
    }

    /// The spread by which to judge `reading`.
    fn spread(&self, reading: f64, learning: &Learning) -> Spread {
        let deviation = self.deviation(reading);
        let samples = 1.0 / learning.deviation_rate;
        Spread::of(self.smoothing.level, self.known(), samples, &self.resolution)
            .at_least(deviation)
    }

    /// Takes in `reading`, clipped.
    fn learn(&mut self, reading: f64, rates: &Rates, learning: &Learning) {
        let forecast = self.smoothing.forecast(rates);
        let error = reading - forecast;
        let deviation = self.deviation(reading);
        let clipped = error.clamp(-learning.clip * deviation, learning.clip * deviation);
        self.smoothing.learn(forecast + clipped, rates);
        let known = self.known();
        self.resolution.push(reading);
        self.deviation = if known < deviation && error != 0.0 {
            // Nothing has varied so far: the first surprise sets the scale.
            error.abs()
        } else {
            let growth = bounded_square(ratio(error.abs(), deviation)) - 1.0;
            deviation.min(known) * (1.0 + learning.deviation_rate * growth).sqrt()
        };
    }

    /// Errors of the one-step forecasts of `readings`, learning each in turn.
    fn follow(&mut self, readings: &[f64], rates: &Rates, learning: &Learning) -> Vec<f64> {
        let follow = |reading: &f64| {
            let error = reading - self.smoothing.forecast(rates);
            self.learn(*reading, rates, learning);
            error
        };
        readings.iter().map(follow).collect()
    }
}

/// Tukey's biweight, which is near the square of small numbers and levels off
/// beyond 2; its mean over a normal distribution is 1.
pub(super) fn bounded_square(distance: f64) -> f64 {
    const REACH: f64 = 2.0;
    const TOP: f64 = 2.52;
    if distance.abs() >= REACH {
        return TOP;
    }
    let rest = 1.0 - (distance / REACH).powi(2);
    TOP * (1.0 - rest * rest * rest)
}

/// Error of a one-step forecast by additive Holt-Winters smoothing, in running
/// robust deviations, in a stream.
///
/// As [`HoltWinters`] with rates that are given or default, except that the
/// deviation runs along: it follows with `deviation_rate` and at most a few
/// per cent per sample, so that one surprise does not hide the next. The first
/// two seasons (20 samples without a season) are warm-up. Expects evenly spaced
/// samples: the season counts samples, not hours. Time O(1) per sample, memory
/// O(period).
///
/// ```
/// use auscult_core::{Detector, Sample, Timestamp};
/// use auscult_detect::seasonal::{HoltWintersDetector, HoltWintersSettings};
/// let settings = HoltWintersSettings { period: Some(24), ..Default::default() };
/// let mut detector = HoltWintersDetector::new(settings)?;
/// let mut score = None;
/// for hour in 0..24 * 10 {
///     let load = (hour % 24) as f64 + 0.1 * (hour * 7 % 5) as f64;
///     let load = if hour == 239 { 3.0 } else { load };
///     score = detector.update(Sample::new(Timestamp::from_seconds(3600 * hour), &[load])?)?.ready();
/// }
/// assert!(score.is_some_and(|score| score > 4.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct HoltWintersDetector {
    period: usize,
    rates: Rates,
    learning: Learning,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
enum State {
    /// The samples so far.
    Warming(Vec<f64>),
    Ready(Follower),
}

const SNAPSHOT_VERSION: u32 = 1;

impl HoltWintersDetector {
    /// A fresh detector of one channel.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: HoltWintersSettings) -> Result<Self, SettingError> {
        settings.check()?;
        let rates = Rates {
            level: settings.level_rate.unwrap_or(0.1),
            trend: settings.trend_rate.unwrap_or(0.01),
            season: settings.season_rate.unwrap_or(0.1),
            damping: settings.damping,
        };
        let period = settings.period.unwrap_or(1).max(1);
        let learning = Learning::of(&settings);
        Ok(Self { period, rates, learning, state: State::Warming(Vec::new()) })
    }

    /// Forecast and spread for `reading`.
    fn judge(&self, follower: &Follower, reading: f64) -> (f64, Spread) {
        (follower.smoothing.forecast(&self.rates), follower.spread(reading, &self.learning))
    }
}

impl Detector for HoltWintersDetector {
    fn channels(&self) -> usize {
        1
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        DetectError::check_channels(1, sample.channels())?;
        match &self.state {
            State::Warming(readings) => {
                Ok(Score::Warming(start_rows(self.period) - readings.len()))
            }
            State::Ready(follower) => {
                let (forecast, spread) = self.judge(follower, sample.reading(0));
                Ok(Score::Ready(spread.rate((sample.reading(0) - forecast).abs())))
            }
        }
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        DetectError::check_channels(1, sample.channels())?;
        match &mut self.state {
            State::Warming(readings) => {
                readings.push(sample.reading(0));
                if readings.len() == start_rows(self.period) {
                    let mut follower = Follower::start(readings, self.period);
                    follower.follow(readings, &self.rates, &self.learning);
                    self.state = State::Ready(follower);
                }
            }
            State::Ready(follower) => {
                follower.learn(sample.reading(0), &self.rates, &self.learning);
            }
        }
        Ok(())
    }

    fn explain(
        &self,
        sample: Sample<'_>,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(1, sample.channels())?;
        let State::Ready(follower) = &self.state else { return Ok(None) };
        let (forecast, spread) = self.judge(follower, sample.reading(0));
        let score = spread.rate((sample.reading(0) - forecast).abs());
        let band = Band::around(forecast, spread.reach(threshold));
        Ok(Some(Explanation::of_one(forecast, Some(band), score)))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &self.state)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        let state: State = snapshot.read(METHOD.name, SNAPSHOT_VERSION)?;
        let fits = match &state {
            State::Warming(readings) => {
                readings.len() < start_rows(self.period)
                    && readings.iter().all(|reading| reading.abs() <= LARGEST_READING)
            }
            State::Ready(follower) => {
                (0.0..=1e3 * LARGEST_READING).contains(&follower.deviation)
                    && follower.smoothing.is_sound(self.period)
                    && follower.resolution.is_sound()
            }
        };
        if !fits {
            return Err(snapshot.refused(METHOD.name, "it does not fit the period"));
        }
        self.state = state;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use auscult_core::{Timestamp, serde_json::json};

    use super::*;

    fn waves(rows: usize) -> Vec<f64> {
        (0..rows)
            .map(|row| {
                let wave = 10.0 * (std::f64::consts::TAU * (row % 12) as f64 / 12.0).sin();
                50.0 + wave + ((row as f64 * 12.9898).sin() * 43758.5453).fract()
            })
            .collect()
    }

    #[test]
    fn a_spike_neither_echoes_nor_hides() {
        let mut readings = waves(240);
        readings[150] += 200.0;
        let settings = HoltWintersSettings { period: Some(12), ..Default::default() };
        let method = HoltWinters::new(settings).expect("in range");
        let fit = method.fit(&Frame::of_column(&readings).expect("finite")).expect("enough rows");
        assert!(fit.scores[150] > 20.0);
        assert!(fit.scores[151..175].iter().all(|score| *score < 4.0), "{:?}", &fit.scores[150..]);
    }

    #[test]
    fn a_stream_learns_its_season_and_a_new_level() {
        let settings = HoltWintersSettings { period: Some(12), ..Default::default() };
        let mut detector = HoltWintersDetector::new(settings).expect("in range");
        let mut scores = Vec::new();
        let mut readings = waves(1200);
        readings[600..].iter_mut().for_each(|reading| *reading += 40.0);
        for (row, reading) in readings.iter().enumerate() {
            let sample = [*reading];
            let sample = Sample::new(Timestamp::from_seconds(row as i64), &sample);
            scores.push(detector.update(sample.expect("finite")).expect("one channel").ready());
        }
        let high = |rows: std::ops::Range<usize>| {
            scores[rows].iter().filter(|score| score.is_none_or(|score| score > 4.0)).count()
        };
        assert_eq!((high(0..24), high(24..600)), (24, 0));
        assert!(scores[600].is_some_and(|score| score > 10.0));
        assert_eq!(high(900..1200), 0);
    }

    #[test]
    fn damaged_states_are_refused() {
        let mut detector = HoltWintersDetector::new(HoltWintersSettings::default()).expect("fits");
        let before = detector.snapshot();
        let smoothing = json!({"level": 1.0, "trend": 0.0, "season": [1.0, 2.0]});
        for state in [
            json!({"Warming": vec![1.0; 500]}),
            json!({"Warming": [1e300]}),
            json!({"Ready": {"smoothing": smoothing, "deviation": 1.0}}),
            json!({"Ready": {"smoothing": {"level": 1.0, "trend": 0.0, "season": []}, "deviation": -1.0}}),
        ] {
            let snapshot = Snapshot { state, ..before.clone() };
            assert!(detector.restore(&snapshot).is_err(), "{snapshot:?}");
            assert_eq!(detector.snapshot(), before);
        }
    }
}

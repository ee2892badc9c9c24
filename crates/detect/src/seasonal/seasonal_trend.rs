//! Distance from season and trend, in robust deviations.

use auscult_core::{
    Band, DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, SettingError, Settings,
    settings,
};
use auscult_stats::stl::Stl;

use super::grid::{Grid, fill};
use super::running_median::RunningMedian;
use super::scale::ResidualScale;
use super::season_of;
use crate::shared::one_channel;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`SeasonalTrend`].
    pub struct SeasonalTrendSettings {
        /// Rows in a season, such as 1440 for a day of minutes. 0 or 1: no
        /// season. Automatic: found in the history.
        period: Option<usize> = None, "0 or more", |_| true;
        /// Seasons over which the shape of the season may change: the window
        /// of the seasonal smoothing of STL. Longer is steadier.
        seasonal_window: usize = 13, "odd and at least 3", |window| *window >= 3 && window % 2 == 1;
        /// Rows whose median is the trend of the next row. A level shift is
        /// reported for half as many rows. Automatic: one season, or 144 rows
        /// where there is none.
        trend_window: Option<usize> = None, "at least 3", |window| window.is_none_or(|window| window >= 3);
        /// Rounds of STL in which readings far from the fit lose weight.
        robust_rounds: usize = 5, "at most 100", |rounds| *rounds <= 100;
    }
}

pub(super) const METHOD: Method = Method {
    name: "seasonal-trend",
    title: "Season, trend and robust residual (STL)",
    summary: "Distance from season and trend, in robust deviations of what they leave.",
    sees: "spikes, dips, level shifts at their onset, and readings wrong for their hour, in any single metric",
    blind: "slow drift, which the trend follows; a season that changes its length; what lasts longer than half a trend window, or happens in a tenth of the rows at all times, becomes the norm",
    unit: "robust standard deviations",
    cost: "O(n log n) to find the season, O(n) per round of STL, O(n) memory",
    source: "R. B. Cleveland, W. S. Cleveland, J. E. McRae, I. Terpenning, \"STL: a seasonal-trend decomposition procedure based on loess\", Journal of Official Statistics 6(1), 1990",
    channels: Channels::One,
    order: Order::Sequence,
    threshold: Threshold::Score(THRESHOLD),
    parameters: SeasonalTrendSettings::PARAMETERS,
    default_of: SeasonalTrendSettings::default_of,
    batch: Some(|map| Ok(Box::new(SeasonalTrend::new(SeasonalTrendSettings::from_map(map)?)?))),
    pieces: None,
    labelled: None,
    online: None,
};

const THRESHOLD: f64 = 4.0;

/// Rows in the trend window of a history without season.
const TREND_ROWS: usize = 144;

/// Distance from season and trend, in robust deviations of what they leave.
///
/// The season comes from robust STL. The trend of a row is the median of the
/// deseasonalised rows *before* it, so that a spike never hides itself and a
/// level shift is reported from its first row, for half a trend window, and
/// casts no shadow backwards. What remains is rated by its distance from the
/// median of all remainders in robust deviations: median absolute deviations
/// times 1.4826, of the whole history or of the same hour, whichever is larger,
/// with heavy tails drawn in so that 90 % of the rows come to lie below 1.645.
/// A score of 4 is therefore about as rare as four deviations of a normal
/// distribution, one row in 16,000, on smooth and on bursty metrics alike.
///
/// Without a season, the trend alone is taken out. Times, where known, place
/// the rows on an even grid, so that gaps do not shift the season; gaps are
/// bridged by lines and never scored. Later rows continue season and trend.
///
/// One channel. Follows slow drift; up to a tenth of the rows may be anomalous,
/// or a fifth in one long incident; more becomes the norm. Needs three seasons
/// to find the season itself, two if `period` is given. Finding the season takes
/// O(n log n), each round of STL O(n), memory O(n).
///
/// Reference: R. B. Cleveland, W. S. Cleveland, J. E. McRae, I. Terpenning,
/// "STL: a seasonal-trend decomposition procedure based on loess", Journal of
/// Official Statistics 6(1), 1990; the median as trend and the robust rating of
/// the remainder after O. Vallis, J. Hochenbaum, A. Kejariwal, "A novel
/// technique for long-term anomaly detection in the cloud", HotCloud 2014. Ours
/// are the trend that looks back only, the scale by hour and the treatment of
/// heavy tails.
///
/// ```
/// use auscult_core::{Estimator, Frame, Model};
/// use auscult_detect::seasonal::{SeasonalTrend, SeasonalTrendSettings};
/// let mut load: Vec<f64> = (0..24 * 14)
///     .map(|hour| f64::from(hour % 24) + 0.1 * f64::from(hour * 7 % 5))
///     .collect();
/// load[100] = 23.0; // A night-time reading as high as an evening one.
/// let method = SeasonalTrend::new(SeasonalTrendSettings::default())?;
/// let fit = method.fit(&Frame::of_column(&load)?)?;
/// assert_eq!(fit.model.period(), Some(24));
/// assert!(fit.scores[100] > 4.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SeasonalTrend {
    settings: SeasonalTrendSettings,
}

impl SeasonalTrend {
    /// A seasonal-trend method with `settings`.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: SeasonalTrendSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }

    /// Rows in the season of `history`, 1 without one.
    fn period(&self, history: &Frame<'_>, readings: &[f64]) -> Result<usize, FitError> {
        let Some(period) = self.settings.period else {
            return Ok(season_of(history, readings).unwrap_or(1));
        };
        if period >= 2 && readings.len() / 2 < period {
            return Err(FitError::Setting {
                key: "period",
                value: period.to_string(),
                reason: format!(
                    "two seasons need {} rows, got {}; give more rows, or 0 for no season",
                    period.saturating_mul(2),
                    readings.len()
                ),
            });
        }
        Ok(period.max(1))
    }

    fn trend_window(&self, period: usize) -> usize {
        // Whole seasons, so that an imperfect season does not tilt the median.
        self.settings.trend_window.unwrap_or_else(|| period * TREND_ROWS.div_ceil(period))
    }

    /// The season of every row.
    fn season(&self, readings: &[f64], period: usize) -> Vec<f64> {
        if period < 2 {
            return vec![0.0; readings.len()];
        }
        let stl = Stl::new(period, self.settings.seasonal_window);
        stl.robust(self.settings.robust_rounds).decompose(readings).season
    }
}

impl Estimator for SeasonalTrend {
    type Fitted = SeasonalTrendModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<SeasonalTrendModel>, FitError> {
        let readings = one_channel(history)?;
        FitError::check_rows(3, readings.len())?;
        let (grid, steps) = Grid::of(history);
        let even = fill(readings, &steps, grid.steps);
        let period = self.period(history, &even)?;
        let season = self.season(&even, period);

        let rest: Vec<f64> = even.iter().zip(&season).map(|(y, season)| y - season).collect();
        let (trends, trend) = Trend::start(&rest, self.trend_window(period)).follow(&rest);
        let residuals: Vec<f64> =
            rest.iter().zip(&trends).map(|(rest, trend)| rest - trend).collect();
        let scale = ResidualScale::of(&residuals, readings, period);
        let rate = |step: &usize| scale.rate((residuals[*step] - scale.centre()).abs(), *step);
        let scores = steps.iter().map(rate).collect();
        let expect = |step: &usize| season[*step] + trends[*step] + scale.centre();
        let expected = steps.iter().map(expect).collect();
        // By phase, so that later steps find theirs.
        let mut phases = vec![0.0; period];
        (season.len() - period..season.len()).for_each(|step| phases[step % period] = season[step]);
        let model = SeasonalTrendModel { grid, steps, expected, season: phases, trend, scale };
        Ok(Fit { model, scores })
    }
}

/// Season, trend and residual scale of a history.
#[derive(Debug, Clone)]
pub struct SeasonalTrendModel {
    grid: Grid,
    steps: Vec<usize>,
    expected: Vec<f64>,
    season: Vec<f64>,
    trend: Trend,
    scale: ResidualScale,
}

impl SeasonalTrendModel {
    /// Steps in a season; `None` where there is none.
    #[must_use]
    pub fn period(&self) -> Option<usize> {
        (self.season.len() > 1).then_some(self.season.len())
    }

    /// What was expected of every row of the history.
    #[must_use]
    pub fn expected(&self) -> &[f64] {
        &self.expected
    }

    /// Step and expectation of each of `rows`, which follow the history.
    fn expect(&self, rows: &Frame<'_>) -> (Vec<usize>, Vec<f64>) {
        let steps = self.grid.after(rows);
        let season = |row: usize| self.season[steps[row] % self.season.len()];
        let rest: Vec<f64> =
            rows.readings().iter().enumerate().map(|(row, y)| y - season(row)).collect();
        let (trends, _) = self.trend.clone().follow(&rest);
        let expect = |(row, trend): (usize, &f64)| season(row) + trend + self.scale.centre();
        let expected = trends.iter().enumerate().map(expect).collect();
        (steps, expected)
    }

    fn rate(&self, reading: f64, expected: f64, step: usize) -> f64 {
        self.scale.rate((reading - expected).abs(), step)
    }

    fn explanation(&self, reading: f64, expected: f64, step: usize, threshold: f64) -> Explanation {
        let band = Band::around(expected, self.scale.distance(threshold, step));
        Explanation::of_one(expected, Some(band), self.rate(reading, expected, step))
    }
}

impl Model for SeasonalTrendModel {
    fn channels(&self) -> usize {
        1
    }

    fn describe(&self) -> Option<String> {
        Some(match self.period() {
            Some(period) => format!("the season has {period} rows"),
            None => "no season was found".to_owned(),
        })
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(1, rows.channels())?;
        let (steps, expected) = self.expect(rows);
        let rate = |(row, reading): (usize, &f64)| self.rate(*reading, expected[row], steps[row]);
        Ok(rows.readings().iter().enumerate().map(rate).collect())
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(1, rows.channels())?;
        let (steps, expected) = self.expect(rows);
        Ok(Some(self.explanation(rows.row(row)[0], expected[row], steps[row], threshold)))
    }

    fn explain_history(
        &self,
        history: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(1, history.channels())?;
        let reading = history.row(row)[0];
        Ok(Some(self.explanation(reading, self.expected[row], self.steps[row], threshold)))
    }
}

/// A trend that knows only the rows before the one it is asked about.
#[derive(Debug, Clone)]
struct Trend {
    before: RunningMedian,
}

impl Trend {
    /// Before the first row of `rest`, the deseasonalised history: its first
    /// window stands in for the past.
    fn start(rest: &[f64], window: usize) -> Self {
        let mut before = RunningMedian::new(window);
        rest[..window.min(rest.len())].iter().rev().for_each(|value| before.push(*value));
        Self { before }
    }

    /// The trend at each row of `rest`, and the trend after it.
    fn follow(mut self, rest: &[f64]) -> (Vec<f64>, Self) {
        let trends = rest
            .iter()
            .map(|value| {
                let trend = self.before.median();
                self.before.push(*value);
                trend
            })
            .collect();
        (trends, self)
    }
}

#[cfg(test)]
mod tests {
    use auscult_core::Timestamp;

    use super::*;

    /// Hours under noise, with a day of 24.
    fn hours(rows: usize) -> Vec<f64> {
        (0..rows)
            .map(|row| {
                let wave = 10.0 * (std::f64::consts::TAU * (row % 24) as f64 / 24.0).sin();
                // A fixed sequence without any pattern of its own.
                let noise = ((row as f64 * 12.9898).sin() * 43758.5453).fract();
                100.0 + wave + noise
            })
            .collect()
    }

    fn fit(readings: &[f64]) -> Fit<SeasonalTrendModel> {
        let frame = Frame::of_column(readings).expect("finite");
        let method = SeasonalTrend::new(SeasonalTrendSettings::default()).expect("in range");
        method.fit(&frame).expect("enough rows")
    }

    fn alarms(scores: &[f64]) -> Vec<usize> {
        (0..scores.len()).filter(|row| scores[*row] > THRESHOLD).collect()
    }

    #[test]
    fn a_calm_season_raises_no_alarm_and_a_reading_wrong_for_its_hour_does() {
        let mut readings = hours(24 * 20);
        assert!(alarms(&fit(&readings).scores).is_empty());
        readings[24 * 10 + 18] = 108.0;
        assert_eq!(alarms(&fit(&readings).scores), [24 * 10 + 18]);
    }

    #[test]
    fn a_level_shift_is_reported_from_its_first_row_and_then_learnt() {
        let mut readings = hours(24 * 60);
        readings[1000..].iter_mut().for_each(|reading| *reading += 30.0);
        let alarms = alarms(&fit(&readings).scores);
        assert_eq!(alarms.first(), Some(&1000));
        assert!(alarms.last() < Some(&1080), "{alarms:?}");
        assert!(alarms.len() > 60, "{alarms:?}");
    }

    #[test]
    fn rows_after_the_history_continue_season_and_trend() {
        let mut readings = hours(24 * 24 + 7);
        readings[24 * 20 + 30] += 20.0;
        let (history, later) = readings.split_at(24 * 20 + 5);
        let model = fit(history).model;
        let frame = Frame::of_column(later).expect("finite");
        assert_eq!(alarms(&model.score(&frame).expect("one channel")), [25]);
        let explained = model.explain(&frame, 25, THRESHOLD).expect("one channel");
        let explained = explained.expect("always explained");
        assert!((explained.expected[0] + 20.0 - later[25]).abs() < 2.0, "{explained:?}");
        let band = explained.band.expect("a band")[0];
        assert!(band.low < explained.expected[0] && band.high < later[25], "{band:?}");
    }

    #[test]
    fn the_band_is_where_the_score_passes_the_threshold() {
        let mut readings = hours(24 * 20);
        readings[200] += 9.0;
        let fit = fit(&readings);
        let frame = Frame::of_column(&readings).expect("finite");
        let threshold = fit.scores[200];
        let explained = fit.model.explain_history(&frame, 200, threshold).expect("one channel");
        let band = explained.and_then(|explained| explained.band).expect("a band")[0];
        assert!((band.high - readings[200]).abs() < 1e-9, "{band:?}");
    }

    #[test]
    fn gaps_do_not_shift_the_season() {
        let whole = hours(24 * 30);
        let kept: Vec<usize> =
            (0..whole.len()).filter(|row| row % 50 > 2 && !(300..317).contains(row)).collect();
        let mut readings: Vec<f64> = kept.iter().map(|row| whole[*row]).collect();
        readings[400] += 15.0;
        let times: Vec<Timestamp> =
            kept.iter().map(|row| Timestamp::from_seconds(3600 * *row as i64)).collect();
        let frame = Frame::of_column(&readings).and_then(|frame| frame.with_times(&times));
        let frame = frame.expect("one time per row");
        let method = SeasonalTrend::new(SeasonalTrendSettings::default()).expect("in range");
        let fit = method.fit(&frame).expect("enough rows");
        assert_eq!(fit.model.period(), Some(24));
        assert_eq!(alarms(&fit.scores), [400]);
        assert_eq!(fit.scores.len(), readings.len());
    }

    #[test]
    fn a_period_that_does_not_fit_is_refused_with_advice() {
        let settings = SeasonalTrendSettings { period: Some(24), ..Default::default() };
        let method = SeasonalTrend::new(settings).expect("in range");
        let error = method.fit(&Frame::of_column(&[1.0; 30]).expect("finite")).expect_err("short");
        assert_eq!(
            error.to_string(),
            "`period = 24` does not fit this history: two seasons need 48 rows, got 30; \
             give more rows, or 0 for no season"
        );
    }

    #[test]
    fn a_switch_that_is_nearly_always_on_stands_out_when_off() {
        let mut up = vec![1.0; 500];
        up[300..303].fill(0.0);
        assert_eq!(alarms(&fit(&up).scores), [300, 301, 302]);
    }
}

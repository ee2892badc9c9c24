//! Residual of a column against time.

use auscult_core::{
    Band, DetectError, Explanation, Fit, FitError, Frame, LARGEST_READING, Model, SettingError,
    Settings, Timestamp, settings,
};
use auscult_stats::linear::{Rows, Triangle};

use super::line::{Estimator, Line};
use crate::shared::one_channel;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`Trend`].
    pub struct TrendSettings {
        /// How the line through the readings is fitted.
        estimator: Estimator = Estimator::Huber, "`ols`, `ridge`, `huber` or `theil-sen`", |_| true;
        /// For `ridge`: the share of the squared spread of time that is added to it.
        penalty: f64 = 1e-4, "at least 0, and finite", |penalty| *penalty >= 0.0 && penalty.is_finite();
    }
}

pub(super) const METHOD: Method = Method {
    name: "trend",
    title: "Linear trend residual",
    summary: "Distance from the straight line through the whole history, in usual residuals.",
    sees: "single readings and stretches off a steady rise or fall, such as a leak",
    blind: "seasons; trends that bend, which it takes for anomalies at both ends",
    unit: "standard deviations of the residual",
    cost: "O(n) time for `ols` and `ridge`; O(rounds · n) for `huber`; O(n²) to 2,000 rows, then 2 million slopes, for `theil-sen`",
    source: "P. K. Sen, \"Estimates of the regression coefficient based on Kendall's tau\", JASA 63, 1968; P. J. Huber, E. M. Ronchetti, \"Robust Statistics\", Wiley, 2009",
    channels: Channels::One,
    order: Order::Sequence,
    threshold: Threshold::Score(4.0),
    parameters: TrendSettings::PARAMETERS,
    default_of: TrendSettings::default_of,
    batch: Some(|map| Ok(Box::new(Trend::new(TrendSettings::from_map(map)?)?))),
    pieces: None,
    labelled: None,
    online: None,
};

/// Distance from the straight line through the whole history.
///
/// Time is that of the rows if they have one, else the row number; rows scored
/// later without times are taken to follow the history. The score of a reading
/// is `|residual| / scale`, with the residual standard deviation for `ols` and
/// `ridge` and 1.4826 median absolute residuals for `huber` and `theil-sen`, or
/// their root mean square where most are less than a step of the readings.
/// One channel. Takes a season or a bend for anomalies.
///
/// Reference: P. K. Sen, "Estimates of the regression coefficient based on
/// Kendall's tau", JASA 63, 1968.
///
/// ```
/// use auscult_core::{Estimator, Frame};
/// use auscult_detect::regression::{Trend, TrendSettings};
/// let mut bytes: Vec<f64> = (0..50).map(|row| f64::from(3 * row + row % 3)).collect();
/// bytes[20] = 90.0;
/// let fit = Trend::new(TrendSettings::default())?.fit(&Frame::of_column(&bytes)?)?;
/// assert!(fit.scores[20] > 10.0);
/// assert!(fit.scores.iter().filter(|score| **score > 4.0).count() == 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Trend {
    settings: TrendSettings,
}

impl Trend {
    /// A trend with `settings`.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: TrendSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }
}

impl auscult_core::Estimator for Trend {
    type Fitted = TrendModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<TrendModel>, FitError> {
        let readings = one_channel(history)?;
        FitError::check_rows(3, readings.len())?;
        let clock = Clock::of(history);
        let values: Vec<f64> = readings
            .iter()
            .enumerate()
            .flat_map(|(row, reading)| [clock.within(history, row), *reading])
            .collect();
        let rows = Rows::new(&values, 2);
        let line = if self.settings.estimator.works_in_pieces() {
            let mut triangle = Triangle::new(2);
            triangle.observe(rows.len(), |row, column| rows.row(row)[column], None);
            let is_ridge = self.settings.estimator == Estimator::Ridge;
            Line::of_triangle(&triangle, 1, vec![0], is_ridge.then_some(self.settings.penalty))
        } else {
            Line::robust(rows, 1, vec![0], self.settings.estimator)
        };
        let scores = rows.iter().map(|row| line.distance(row).abs()).collect();
        Ok(Fit { model: TrendModel { line, clock }, scores })
    }
}

/// What counts as time.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Clock {
    /// Seconds since `start`. The history ends `length` seconds later, its rows
    /// being `step` seconds apart on average.
    Times { start: Timestamp, length: f64, step: f64 },
    /// Row numbers; this many rows were learnt from.
    Rows(usize),
}

impl Clock {
    fn of(history: &Frame<'_>) -> Self {
        let Some(times) = history.times() else { return Self::Rows(history.rows()) };
        let (start, end) = (times[0], times[times.len() - 1]);
        let length = seconds(start, end);
        Self::Times { start, length, step: length / (times.len() - 1) as f64 }
    }

    /// Time of `row` of the history itself.
    fn within(self, history: &Frame<'_>, row: usize) -> f64 {
        match (self, history.times()) {
            (Self::Times { start, .. }, Some(times)) => seconds(start, times[row]),
            _ => row as f64,
        }
    }

    /// Time of `row` of rows that come after the history. Rows without times
    /// go on at the history's average pace.
    fn after(self, rows: &Frame<'_>, row: usize) -> f64 {
        match (self, rows.times()) {
            (Self::Times { start, .. }, Some(times)) => seconds(start, times[row]),
            (Self::Times { length, step, .. }, None) => length + step * (row + 1) as f64,
            (Self::Rows(learnt), _) => (learnt + row) as f64,
        }
    }
}

/// Exact for neighbouring moments, unlike a difference of seconds since 1970.
fn seconds(start: Timestamp, time: Timestamp) -> f64 {
    (i128::from(time.nanos()) - i128::from(start.nanos())) as f64 / 1e9
}

/// A line through readings over time.
#[derive(Debug, Clone, PartialEq)]
pub struct TrendModel {
    line: Line,
    clock: Clock,
}

impl TrendModel {
    /// Change per second, or per row where rows have no times.
    #[must_use]
    pub fn slope(&self) -> f64 {
        self.line.equation.coefficients[0]
    }

    fn told(&self, time: f64, reading: f64, threshold: f64) -> Explanation {
        let hold = |reading: f64| reading.clamp(-LARGEST_READING, LARGEST_READING);
        let row = [time, reading];
        let expected = self.line.predict(&row);
        let reach = threshold * self.line.scale;
        let band = Band { low: hold(expected - reach), high: hold(expected + reach) };
        Explanation::of_one(hold(expected), Some(band), self.line.distance(&row).abs())
    }
}

impl Model for TrendModel {
    fn channels(&self) -> usize {
        1
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(1, rows.channels())?;
        let score = |(row, reading): (usize, &f64)| {
            self.line.distance(&[self.clock.after(rows, row), *reading]).abs()
        };
        Ok(rows.readings().iter().enumerate().map(score).collect())
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(1, rows.channels())?;
        let time = self.clock.after(rows, row);
        Ok(Some(self.told(time, rows.row(row)[0], threshold)))
    }

    fn explain_history(
        &self,
        history: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(1, history.channels())?;
        let time = self.clock.within(history, row);
        Ok(Some(self.told(time, history.row(row)[0], threshold)))
    }
}

#[cfg(test)]
mod tests {
    use auscult_core::Estimator as _;

    use super::*;

    #[test]
    fn every_estimator_finds_the_line_and_later_rows_follow_it() {
        let readings: Vec<f64> = (0..100).map(|row| 5.0 + 0.5 * f64::from(row)).collect();
        let noisy: Vec<f64> =
            readings.iter().enumerate().map(|(row, x)| x + (row * 7 % 5) as f64 / 10.0).collect();
        let later: Vec<f64> = (100..120).map(|row| 5.2 + 0.5 * f64::from(row)).collect();
        for estimator in [Estimator::Ols, Estimator::Ridge, Estimator::Huber, Estimator::TheilSen] {
            let trend = Trend::new(TrendSettings { estimator, ..Default::default() });
            let frame = Frame::of_column(&noisy).expect("finite");
            let model = trend.expect("in range").fit(&frame).expect("rows").model;
            assert!((model.slope() - 0.5).abs() < 1e-3, "{estimator:?} {}", model.slope());
            let scores = model.score(&Frame::of_column(&later).expect("finite")).expect("width");
            assert!(scores.iter().all(|score| *score < 2.0), "{estimator:?} {scores:?}");
        }
    }

    #[test]
    fn times_count_where_rows_have_them() {
        let seconds = [0, 1, 2, 3, 100, 101, 102, 103];
        let times = seconds.map(Timestamp::from_seconds);
        let readings = seconds.map(|second| 3.0 * second as f64);
        let frame =
            Frame::of_column(&readings).expect("finite").with_times(&times).expect("as many");
        let trend = Trend::new(TrendSettings::default()).expect("in range");
        assert!((trend.fit(&frame).expect("rows").model.slope() - 3.0).abs() < 1e-9);
    }
}

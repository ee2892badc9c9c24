//! The generalised extreme Studentised deviate test.

use auscult_core::{
    DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, SettingError, Settings,
    settings,
};
use auscult_stats::moments::Moments;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::location::Location;
use super::usual::{Usual, explain_row, score_rows};
use crate::shared::{one_channel, ratio};
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`Gesd`].
    pub struct GesdSettings {
        /// Probability of calling any row of clean normal data an anomaly.
        alpha: f64 = 0.05, "in (0, 1)", |alpha| *alpha > 0.0 && *alpha < 1.0;
        /// Most anomalies to look for: below 1 a share of the rows, otherwise
        /// a count; at most half of the rows.
        max_anomalies: f64 = 0.1, "in (0, 0.5], or a whole number",
            |most| *most > 0.0 && (*most <= 0.5 || (*most >= 1.0 && most.fract() == 0.0));
    }
}

pub(super) const METHOD: Method = Method {
    name: "gesd",
    title: "Generalised extreme Studentised deviate test",
    summary: "Removes the most extreme reading again and again, and tests how many were too extreme for a normal distribution.",
    sees: "single readings too extreme for normally distributed data, even when several hide one another",
    blind: "seasons, trends and level shifts; data that are not normal, whose tail it takes for anomalies",
    unit: "critical values of the test",
    cost: "O(n log n) time, O(n) memory",
    source: "B. Rosner, \"Percentage points for a generalized ESD many-outlier procedure\", Technometrics 25(2), 1983",
    channels: Channels::One,
    order: Order::Free,
    threshold: Threshold::Score(1.0),
    parameters: GesdSettings::PARAMETERS,
    default_of: GesdSettings::default_of,
    batch: Some(|map| Ok(Box::new(Gesd::new(GesdSettings::from_map(map)?)?))),
    pieces: None,
    labelled: None,
    online: None,
};

/// Tests how many of the most extreme readings are too extreme for a normal
/// distribution, without being told how many there are.
///
/// Step `i` takes out the reading farthest from the mean, at `R_i` standard
/// deviations of those still left, and compares it with the critical value
/// `λ_i`; the number of anomalies is the largest `i` with `R_i > λ_i`. A score
/// above 1 is the decision of the test. An anomaly scores the largest `R / λ`
/// of its own and the later significant steps, or its distance from the mean of
/// the rows that are no anomalies if that is larger; every other row scores that distance,
/// at most 1. Distances are in units of deviation times critical value.
/// One channel. Time O(n log n), memory O(n).
///
/// New rows are rated as the next candidate among the rows that are no
/// anomalies. At most half of the rows are tested, and at least one.
///
/// Reference: B. Rosner, "Percentage points for a generalized ESD many-outlier
/// procedure", Technometrics 25(2), 1983. Rosner advises at least 25 rows, and
/// his critical values are good from 15 on; we refuse fewer than 3.
///
/// ```
/// use auscult_core::{Estimator, Frame};
/// use auscult_detect::point::{Gesd, GesdSettings};
/// let watts: Vec<f64> = (0..30).map(|i| if i < 2 { 90.0 } else { 300.0 + f64::from(i % 7) }).collect();
/// let fit = Gesd::new(GesdSettings::default())?.fit(&Frame::of_column(&watts)?)?;
/// let anomalies: Vec<usize> = (0..30).filter(|row| fit.scores[*row] > 1.0).collect();
/// assert_eq!(anomalies, [0, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Gesd {
    settings: GesdSettings,
}

impl Gesd {
    /// A test with `settings`.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: GesdSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }

    /// How many rows of `rows` to test.
    fn steps(&self, rows: usize) -> Result<usize, FitError> {
        let most = self.settings.max_anomalies;
        if most < 1.0 {
            return Ok(((most * rows as f64) as usize).max(1));
        }
        if most > (rows / 2) as f64 {
            return Err(FitError::Setting {
                key: "max_anomalies",
                value: most.to_string(),
                reason: format!("{rows} rows can be tested for {} at most", rows / 2),
            });
        }
        Ok(most as usize)
    }
}

impl Estimator for Gesd {
    type Fitted = GesdModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<GesdModel>, FitError> {
        let readings = one_channel(history)?;
        FitError::check_rows(3, readings.len())?;
        let tested = test(readings, self.settings.alpha, self.steps(readings.len())?);
        let anomalies =
            tested.steps.iter().rposition(|step| step.ratio > 1.0).map_or(0, |at| at + 1);
        let model = GesdModel { location: tested.location_after(anomalies), anomalies };
        // Without the decision of the test, distance alone calls nothing an anomaly.
        let mut scores: Vec<f64> =
            readings.iter().map(|reading| model.location.rate(*reading).min(1.0)).collect();
        let mut largest: f64 = 0.0;
        for step in tested.steps[..anomalies].iter().rev() {
            largest = largest.max(step.ratio);
            scores[step.row] = largest.max(model.location.rate(readings[step.row]));
        }
        Ok(Fit { model, scores })
    }
}

/// The rows of a history that are no anomalies.
#[derive(Debug, Clone, PartialEq)]
pub struct GesdModel {
    /// Their mean, and their deviation times the next critical value.
    location: Location,
    anomalies: usize,
}

impl GesdModel {
    /// How many rows of the history are anomalies.
    #[must_use]
    pub fn anomalies(&self) -> usize {
        self.anomalies
    }
}

impl Model for GesdModel {
    fn channels(&self) -> usize {
        1
    }

    fn describe(&self) -> Option<String> {
        let rows = if self.anomalies == 1 { "row" } else { "rows" };
        Some(format!("the test calls {} {rows} of the history anomalies", self.anomalies))
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        score_rows(self.location, rows)
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        explain_row(self.location, rows, row, threshold)
    }
}

/// One step of the test.
struct Step {
    /// The row that was farthest from the mean.
    row: usize,
    /// Its distance in critical values: `R_i / λ_i`.
    ratio: f64,
}

/// A history after the test.
struct Tested {
    steps: Vec<Step>,
    /// Moments of what was left before each step, and after the last.
    left: Vec<Moments>,
    alpha: f64,
}

impl Tested {
    /// Mean of what is left after `anomalies` steps, and its deviation times
    /// the next critical value.
    fn location_after(&self, anomalies: usize) -> Location {
        let left = &self.left[anomalies];
        let critical = critical_value(left.count(), self.alpha);
        let deviation = left.deviation(1);
        if anomalies > 0 && deviation <= f64::EPSILON * left.mean().abs() {
            // All the rest is equal: judged as the last anomaly was, itself included.
            return self.location_after(anomalies - 1);
        }
        Location::new(left.mean(), deviation * critical, left.count())
    }
}

/// Takes out the farthest reading `steps` times, at most half of `readings`.
fn test(readings: &[f64], alpha: f64, steps: usize) -> Tested {
    let mut order: Vec<usize> = (0..readings.len()).collect();
    order.sort_by(|a, b| readings[*a].total_cmp(&readings[*b]));
    let sorted = |at: usize| readings[order[at]];
    // The farthest reading is always at one end of the order, so what is left
    // is one stretch of it. Its moments are merged from the part that stays in
    // any case and from the tails; subtracting would leave rounding behind.
    let core: Vec<f64> = (steps..order.len() - steps).map(sorted).collect();
    let core = Moments::of(&core);
    let lower = growing((0..steps).rev().map(sorted));
    let upper = growing((order.len() - steps..order.len()).map(sorted));

    let (mut low, mut high) = (0, 0);
    let mut tested = Tested { steps: Vec::with_capacity(steps), left: Vec::new(), alpha };
    loop {
        let mut left = core;
        left.merge(&lower[steps - low]);
        left.merge(&upper[steps - high]);
        tested.left.push(left);
        if tested.steps.len() == steps {
            return tested;
        }
        let (first, last) = (low, order.len() - 1 - high);
        let (below, above) = (left.mean() - sorted(first), sorted(last) - left.mean());
        let all_equal = sorted(first) == sorted(last);
        let farthest = if all_equal { 0.0 } else { ratio(below.max(above), left.deviation(1)) };
        let step = farthest / critical_value(left.count(), alpha);
        let row = if below > above { first } else { last };
        tested.steps.push(Step { row: order[row], ratio: step });
        if below > above { low += 1 } else { high += 1 }
    }
}

/// Moments of the first 0, 1, 2… of `values`.
fn growing(values: impl Iterator<Item = f64>) -> Vec<Moments> {
    let mut moments = Moments::default();
    let mut all = vec![moments];
    all.extend(values.map(|value| {
        moments.push(value);
        moments
    }));
    all
}

/// The critical value `λ` for the farthest of `count` readings.
fn critical_value(count: u64, alpha: f64) -> f64 {
    // With two readings left there is nothing to test.
    let count = count.max(3) as f64;
    let freedom = count - 2.0;
    let t = student_quantile(alpha / (2.0 * count), freedom);
    (count - 1.0) * t / ((freedom + t * t) * count).sqrt()
}

/// The number that a Student t variable exceeds with probability `tail`.
fn student_quantile(tail: f64, freedom: f64) -> f64 {
    let student = StudentsT::new(0.0, 1.0, freedom).expect("degrees of freedom are above 0");
    -student.inverse_cdf(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(readings: &[f64], settings: GesdSettings) -> Result<Fit<GesdModel>, FitError> {
        Gesd::new(settings).expect("in range").fit(&Frame::of_column(readings).expect("finite"))
    }

    #[test]
    fn quantiles_of_student_agree_with_tables() {
        // scipy.stats.t.isf(tail, freedom)
        for (tail, freedom, expected) in [
            (0.025, 1.0, 12.706_204_736_174_705),
            (0.05 / 108.0, 52.0, 3.513_086_381_166_95),
            (0.05 / 2e6, 1e6 - 2.0, 5.451_352_299_890_441),
            (1e-12, 3.0, 10_331.108_244_292_487),
            (1e-9, 1e5, 5.998_361_461_679_075_5),
        ] {
            let found = student_quantile(tail, freedom);
            assert!((found / expected - 1.0).abs() < 1e-9, "{tail} {freedom}: {found}");
        }
    }

    #[test]
    fn a_count_beyond_half_of_the_rows_is_refused() {
        let settings = GesdSettings { max_anomalies: 6.0, ..Default::default() };
        let error = fit(&[0.0; 10], settings).expect_err("too many");
        assert_eq!(
            error.to_string(),
            "`max_anomalies = 6` does not fit this history: 10 rows can be tested for 5 at most"
        );
        assert!(GesdSettings { max_anomalies: 0.7, ..Default::default() }.check().is_err());
        assert!(GesdSettings { max_anomalies: 2.5, ..Default::default() }.check().is_err());
    }

    #[test]
    fn anomalies_that_hide_one_another_are_all_found() {
        let mut readings: Vec<f64> = (0..100).map(|i| f64::from(i * 37 % 100) / 50.0).collect();
        readings[10..15].fill(40.0);
        let fit = fit(&readings, GesdSettings::default()).expect("enough rows");
        assert_eq!(fit.model.anomalies(), 5);
        for (row, score) in fit.scores.iter().enumerate() {
            assert_eq!(*score > 1.0, (10..15).contains(&row), "row {row} scores {score}");
        }
    }

    #[test]
    fn a_constant_history_has_no_anomaly() {
        let fit = fit(&[7.1; 40], GesdSettings::default()).expect("enough rows");
        assert_eq!((fit.model.anomalies(), fit.scores), (0, vec![0.0; 40]));
    }
}

//! One column as a linear function of others, and its usual residual.

use auscult_core::SettingError;
use auscult_stats::linear::{
    Equation, HuberOptions, Rows, TheilSenOptions, Triangle, huber, theil_sen,
};
use auscult_stats::moments::Moments;
use auscult_stats::quantile::median_deviation;
use auscult_stats::resolution::Resolution;
use serde::{Deserialize, Serialize};

use crate::shared::ratio;

/// How a line is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Estimator {
    /// Least squares.
    Ols,
    /// Least squares that draws coefficients towards 0, for inputs that go together.
    Ridge,
    /// Large residuals count linearly.
    Huber,
    /// Medians of slopes: a quarter of the rows may be wrong.
    TheilSen,
}

impl Estimator {
    /// Whether the line follows from sums that can be taken in pieces.
    pub(super) fn works_in_pieces(self) -> bool {
        matches!(self, Self::Ols | Self::Ridge)
    }

    /// Refuses an estimator that needs all rows at once where there are none.
    pub(super) fn check_pieces(self) -> Result<(), SettingError> {
        if self.works_in_pieces() {
            return Ok(());
        }
        Err(SettingError::Range {
            key: "estimator",
            value: serde_json::to_value(self).unwrap_or_default().to_string(),
            range: "`ols` or `ridge` in pieces or in a stream; the others need all rows at once",
        })
    }
}

/// A target as a linear function of inputs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) target: usize,
    pub(super) inputs: Vec<usize>,
    pub(super) equation: Equation,
    /// The usual size of a residual, in units of the target.
    pub(super) scale: f64,
}

impl Line {
    /// By least squares, plain or penalised.
    pub(super) fn of_triangle(
        triangle: &Triangle,
        target: usize,
        inputs: Vec<usize>,
        penalty: Option<f64>,
    ) -> Self {
        // In proportion to the spread, so that units do not matter.
        let penalties: Vec<f64> = penalty.map_or_else(Vec::new, |share| {
            inputs.iter().map(|input| share * triangle.squares(*input)).collect()
        });
        let fit = triangle.fit(target, &inputs, &penalties);
        let spread = (fit.total_squares / fit.rows as f64).sqrt();
        let scale = fit.residual_deviation().max(floor(triangle.mean(target), spread));
        Self { target, inputs, equation: fit.equation, scale }
    }

    /// By a robust estimator. `values` holds the inputs and then the target.
    pub(super) fn robust(
        values: Rows<'_>,
        target: usize,
        inputs: Vec<usize>,
        estimator: Estimator,
    ) -> Self {
        let width = inputs.len();
        let column = |at: usize| values.column(at).collect::<Vec<f64>>();
        // Comparable spreads: a spatial median of slopes depends on units.
        let units: Vec<(f64, f64)> = (0..=width).map(|at| unit(&column(at))).collect();
        let scaled = |at: usize, value: f64| (value - units[at].0) / units[at].1;
        let rows: Vec<f64> = values
            .iter()
            .flat_map(|row| (0..width).map(move |at| (at, row[at])))
            .map(|(at, value)| scaled(at, value))
            .collect();
        let goal: Vec<f64> = values.column(width).map(|value| scaled(width, value)).collect();
        let rows = Rows::new(&rows, width);
        let equation = match estimator {
            Estimator::TheilSen => theil_sen(rows, &goal, &TheilSenOptions::default()),
            Estimator::Ols | Estimator::Ridge | Estimator::Huber => {
                huber(rows, &goal, &HuberOptions::default()).equation
            }
        };
        let (middle, size) = units[width];
        let mut intercept = middle + size * equation.intercept;
        let mut coefficients = equation.coefficients;
        for (coefficient, (centre, spread)) in coefficients.iter_mut().zip(&units) {
            *coefficient *= size / spread;
            intercept -= *coefficient * centre;
        }
        let equation = Equation { intercept, coefficients };
        let residuals: Vec<f64> =
            values.iter().map(|row| row[width] - equation.predict(&row[..width])).collect();
        let readings = column(width);
        let goal = Moments::of(&readings);
        let usual = Resolution::of(&readings).deviation(&residuals);
        let scale = usual.max(floor(goal.mean(), goal.deviation(0)));
        Self { target, inputs, equation, scale }
    }

    /// What `row`, one reading per channel, leads to expect of the target.
    pub(super) fn predict(&self, row: &[f64]) -> f64 {
        let terms = self.equation.coefficients.iter().zip(&self.inputs);
        self.equation.intercept + terms.map(|(b, input)| b * row[*input]).sum::<f64>()
    }

    /// Signed distance of the target from what is expected, in usual residuals.
    pub(super) fn distance(&self, row: &[f64]) -> f64 {
        let residual = row[self.target] - self.predict(row);
        ratio(residual.abs(), self.scale).copysign(residual)
    }

    /// What `channel` counts for in the residual.
    pub(super) fn weight(&self, channel: usize) -> f64 {
        if channel == self.target {
            return 1.0;
        }
        let at = self.inputs.iter().position(|input| *input == channel);
        at.map_or(0.0, |at| -self.equation.coefficients[at])
    }
}

/// Residuals below this are rounding: the target is a linear function of the
/// inputs to a billionth of its spread.
fn floor(mean: f64, spread: f64) -> f64 {
    1e-9 * spread + 1e-14 * mean.abs()
}

/// Centre and spread of a column; a spread of 1 where there is none.
fn unit(values: &[f64]) -> (f64, f64) {
    let (centre, deviation) = median_deviation(values);
    let spread = if deviation > 0.0 { deviation } else { Moments::of(values).deviation(0) };
    // Squares of anything smaller would underflow.
    (centre, if spread > 1e-140 { spread } else { 1.0 })
}

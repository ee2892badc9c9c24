//! Ordinary and penalised least squares, and what is known of their errors.

use statrs::distribution::{ContinuousCDF, FisherSnedecor, StudentsT};

use super::{Equation, Rows, Triangle, Unused};

/// Least squares of `target` on `inputs`, with an intercept.
///
/// Inputs that cannot be used are named in [`LinearFit::unused`]. Time
/// O(rows · inputs²). Equals R's `lm` and, where every input is used,
/// `sklearn.linear_model.LinearRegression` and `statsmodels` `OLS`.
///
/// ```
/// use auscult_stats::linear::{Rows, ols};
/// let clock = [1.0, 2.0, 3.0, 4.0];
/// let fit = ols(Rows::new(&clock, 1), &[2.1, 3.9, 6.2, 7.8]);
/// assert!((fit.equation.coefficients[0] - 1.94).abs() < 1e-12);
/// assert!(fit.r_squared() > 0.99);
/// ```
///
/// # Panics
///
/// Unless there is one target per row, and at least one row.
#[must_use]
pub fn ols(inputs: Rows<'_>, target: &[f64]) -> LinearFit {
    fit(inputs, target, None, &[])
}

/// Ridge regression: least squares plus `penalties[i] · coefficients[i]²`.
///
/// With one penalty for all, equals `sklearn.linear_model.Ridge`. Penalties in
/// proportion to the squared spread of each input make the fit independent of
/// units. Time O(rows · inputs²).
///
/// Reference: A. E. Hoerl, R. W. Kennard, "Ridge regression: biased estimation
/// for nonorthogonal problems", Technometrics 12(1), 1970.
///
/// # Panics
///
/// Unless there is one target per row, at least one row, and one penalty, at
/// least 0, per input.
#[must_use]
pub fn ridge(inputs: Rows<'_>, target: &[f64], penalties: &[f64]) -> LinearFit {
    fit(inputs, target, None, penalties)
}

/// Least squares with a weight per row and penalties per input.
pub(super) fn fit(
    inputs: Rows<'_>,
    target: &[f64],
    weights: Option<&[f64]>,
    penalties: &[f64],
) -> LinearFit {
    assert_eq!(inputs.len(), target.len(), "one target per row");
    let width = inputs.width();
    let mut triangle = Triangle::new(width + 1);
    let value = |row: usize, column: usize| {
        if column < width { inputs.row(row)[column] } else { target[row] }
    };
    triangle.observe(target.len(), value, weights);
    triangle.fit(width, &(0..width).collect::<Vec<_>>(), penalties)
}

/// How much the variance of each coefficient is inflated by the other inputs:
/// `1 / (1 - R²)` of the input regressed on the others.
///
/// 1 for an input unrelated to the others, infinite for a linear combination
/// of them, 0 for a constant input. Above 10 the coefficients of the inputs
/// involved can hardly be told apart. Time O(rows · inputs² + inputs⁴).
///
/// # Panics
///
/// When there are no rows.
#[must_use]
pub fn variance_inflation(inputs: Rows<'_>) -> Vec<f64> {
    let width = inputs.width();
    let mut triangle = Triangle::new(width);
    triangle.observe(inputs.len(), |row, column| inputs.row(row)[column], None);
    let inflation = |input: usize| {
        let others: Vec<usize> = (0..width).filter(|other| *other != input).collect();
        let fit = triangle.fit(input, &others, &[]);
        if fit.total_squares <= 0.0 {
            return 0.0;
        }
        let own = fit.residual_squares / fit.total_squares;
        // The same tolerance by which least squares leaves a column out.
        if own <= 1e-14 { f64::INFINITY } else { 1.0 / own }
    };
    (0..width).map(inflation).collect()
}

/// A linear model fitted by least squares.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearFit {
    /// The fitted equation.
    pub equation: Equation,
    /// Inputs left out, by index, and why.
    pub unused: Vec<(usize, Unused)>,
    /// Rows it was fitted on.
    pub rows: u64,
    /// Sum of squared residuals.
    pub residual_squares: f64,
    /// Sum of squared deviations of the target from its mean.
    pub total_squares: f64,
    /// Inverse of the (penalised) cross products of intercept and inputs,
    /// shape `(inputs + 1, inputs + 1)`, row by row; 0 for unused inputs.
    pub inverse: Vec<f64>,
    /// Mean of each input.
    pub input_means: Vec<f64>,
}

impl LinearFit {
    /// Parameters estimated: used inputs and the intercept.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.equation.coefficients.len() + 1 - self.unused.len()
    }

    /// Rows left over after the parameters; 0 when there are none.
    #[must_use]
    pub fn degrees(&self) -> f64 {
        (self.rows as f64 - self.parameters() as f64).max(0.0)
    }

    /// Standard deviation of the residuals; 0 when no degrees of freedom are left.
    #[must_use]
    pub fn residual_deviation(&self) -> f64 {
        if self.degrees() > 0.0 { (self.residual_squares / self.degrees()).sqrt() } else { 0.0 }
    }

    /// Share of the target's variance that the inputs account for, in `0..=1`;
    /// 0 for a constant target.
    #[must_use]
    pub fn r_squared(&self) -> f64 {
        if self.total_squares > 0.0 {
            (1.0 - self.residual_squares / self.total_squares).clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    /// Covariance of intercept and coefficients under independent errors of
    /// equal variance, laid out as [`LinearFit::inverse`]; with penalties, the
    /// covariance of the Bayesian posterior that they stand for.
    #[must_use]
    pub fn covariance(&self) -> Vec<f64> {
        let variance = self.residual_deviation().powi(2);
        self.inverse.iter().map(|entry| entry * variance).collect()
    }

    /// Standard errors of intercept and coefficients, intercept first.
    #[must_use]
    pub fn standard_errors(&self) -> Vec<f64> {
        let size = self.equation.coefficients.len() + 1;
        self.covariance()
            .iter()
            .step_by(size + 1)
            .map(|variance| variance.max(0.0).sqrt())
            .collect()
    }

    /// Estimate over standard error of intercept and coefficients; 0 where the
    /// standard error is 0.
    #[must_use]
    pub fn t(&self) -> Vec<f64> {
        let estimates =
            std::iter::once(&self.equation.intercept).chain(&self.equation.coefficients);
        estimates
            .zip(self.standard_errors())
            .map(|(estimate, error)| if error > 0.0 { estimate / error } else { 0.0 })
            .collect()
    }

    /// Two-sided p-values of [`LinearFit::t`]; 1 where there is nothing to test.
    #[must_use]
    pub fn p_values(&self) -> Vec<f64> {
        let Ok(student) = StudentsT::new(0.0, 1.0, self.degrees()) else {
            return vec![1.0; self.equation.coefficients.len() + 1];
        };
        self.t().iter().map(|t| (2.0 * student.cdf(-t.abs())).min(1.0)).collect()
    }

    /// F statistic of all coefficients being 0; 0 where it has no meaning.
    #[must_use]
    pub fn f_statistic(&self) -> f64 {
        let inputs = self.parameters() as f64 - 1.0;
        let explained = (self.total_squares - self.residual_squares) / inputs;
        let variance = self.residual_deviation().powi(2);
        if inputs > 0.0 && variance > 0.0 { explained / variance } else { 0.0 }
    }

    /// p-value of [`LinearFit::f_statistic`]; 1 where it has no meaning.
    #[must_use]
    pub fn f_p_value(&self) -> f64 {
        FisherSnedecor::new(self.parameters() as f64 - 1.0, self.degrees())
            .map_or(1.0, |f| f.sf(self.f_statistic()))
    }

    /// How far a row of inputs lies from the rows fitted on, in `0..=1` for
    /// those rows themselves: the diagonal of the hat matrix.
    #[must_use]
    pub fn leverage(&self, inputs: &[f64]) -> f64 {
        let size = inputs.len() + 1;
        let apart = |at: usize| inputs[at] - self.input_means[at];
        let mut sum = 1.0 / self.rows as f64;
        for (row, line) in self.inverse.chunks_exact(size).skip(1).enumerate() {
            let along: f64 = line[1..].iter().enumerate().map(|(at, c)| c * apart(at)).sum();
            sum += apart(row) * along;
        }
        sum.max(0.0)
    }
}

//! Least squares of a stream, every value regressed on the others.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::Equation;

/// Rows after which the inverse is made anew, so that rounding does not add up.
const REFRESH: u64 = 1000;

/// Recursive least squares with forgetting and a ridge prior, of every value of
/// a row on all the others and a constant.
///
/// Row `i` of `n` weighs `forgetting^(n - i)`. The coefficients of a target are
/// those that minimise the weighted squares of its residuals plus `prior` times
/// the squares of all coefficients, the intercept included; without forgetting
/// this is ridge regression in closed form. One inverse of second moments serves
/// all targets: the residual of value `j` is `(P z)[j] / P[j][j]`, where `z` is
/// the row with a constant 1.
///
/// The prior does not fade with the rows, so that inputs that stand still do
/// not make the inverse grow. Time O(width²) per row, memory O(width²). Values
/// should be of comparable spreads, and below 1e9.
///
/// Reference: L. Ljung, T. Söderström, "Theory and practice of recursive
/// identification", MIT Press, 1983; the residuals from the inverse after
/// A. P. Dempster, "Covariance selection", Biometrics 28(1), 1972.
///
/// ```
/// use auscult_stats::linear::RecursiveRegression;
/// let mut regression = RecursiveRegression::new(2, 1.0, 1e-9);
/// for row in 0..50 {
///     let load = f64::from(row % 7) / 7.0;
///     regression.learn(&[load, 0.5 + 2.0 * load]);
/// }
/// let residual = regression.residuals(&[1.0, 2.0])[1];
/// assert!((residual + 0.5).abs() < 1e-6);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecursiveRegression {
    forgetting: f64,
    prior: f64,
    learnt: u64,
    /// Second moments of constant and values, shape `(width + 1, width + 1)`.
    moments: Vec<f64>,
    /// Their inverse.
    inverse: Vec<f64>,
}

impl RecursiveRegression {
    /// Of rows of `width` values, none learnt yet.
    ///
    /// # Panics
    ///
    /// Unless `forgetting` is in (0, 1] and `prior` above 0.
    #[must_use]
    pub fn new(width: usize, forgetting: f64, prior: f64) -> Self {
        assert!(forgetting > 0.0 && forgetting <= 1.0, "forgetting is in (0, 1]");
        assert!(prior > 0.0 && prior.is_finite(), "a prior is above 0");
        let size = width + 1;
        let diagonal = |value: f64| {
            (0..size * size).map(|at| if at % (size + 1) == 0 { value } else { 0.0 }).collect()
        };
        Self {
            forgetting,
            prior,
            learnt: 0,
            moments: diagonal(prior),
            inverse: diagonal(1.0 / prior),
        }
    }

    /// Values of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.size() - 1
    }

    /// Rows and columns of the matrices.
    fn size(&self) -> usize {
        self.moments.len().isqrt()
    }

    /// Takes in a row of [`RecursiveRegression::width`] values.
    pub fn learn(&mut self, values: &[f64]) {
        let size = self.size();
        let row: Vec<f64> = std::iter::once(1.0).chain(values.iter().copied()).collect();
        self.moments.iter_mut().for_each(|moment| *moment *= self.forgetting);
        self.inverse.iter_mut().for_each(|entry| *entry /= self.forgetting);
        self.add(&row);
        if self.forgetting < 1.0 {
            // What the prior lost: one direction after another, of all of them the
            // same in the end.
            let mut direction = vec![0.0; size];
            let lost = self.prior * (1.0 - self.forgetting) * size as f64;
            direction[(self.learnt % size as u64) as usize] = lost.sqrt();
            self.add(&direction);
        }
        self.learnt = self.learnt.saturating_add(1);
        if self.learnt.is_multiple_of(REFRESH) {
            self.refresh();
        }
    }

    /// Adds the products of `row` with itself to the moments.
    fn add(&mut self, row: &[f64]) {
        let size = self.size();
        let along = self.times(row);
        let gain = 1.0 + row.iter().zip(&along).map(|(a, b)| a * b).sum::<f64>();
        for (at, (a, b)) in row.iter().zip(&along).enumerate() {
            let moments = &mut self.moments[at * size..(at + 1) * size];
            moments.iter_mut().zip(row).for_each(|(moment, other)| *moment += a * other);
            let inverse = &mut self.inverse[at * size..(at + 1) * size];
            inverse.iter_mut().zip(&along).for_each(|(entry, other)| *entry -= b * other / gain);
        }
    }

    /// The inverse from the moments; as it is where they have none to rounding.
    fn refresh(&mut self) {
        let size = self.size();
        let moments = DMatrix::from_row_slice(size, size, &self.moments);
        if let Some(cholesky) = moments.cholesky() {
            // Symmetric, so that the order of rows and columns does not matter.
            self.inverse.copy_from_slice(cholesky.inverse().as_slice());
        }
    }

    /// The inverse times `row`.
    fn times(&self, row: &[f64]) -> Vec<f64> {
        let product = |inverse: &[f64]| inverse.iter().zip(row).map(|(a, b)| a * b).sum();
        self.inverse.chunks_exact(row.len()).map(product).collect()
    }

    /// What each of `values` is above what the others lead to expect.
    #[must_use]
    pub fn residuals(&self, values: &[f64]) -> Vec<f64> {
        let size = self.size();
        let row: Vec<f64> = std::iter::once(1.0).chain(values.iter().copied()).collect();
        let products = self.times(&row);
        (1..size).map(|at| products[at] / self.inverse[at * (size + 1)]).collect()
    }

    /// Value `target` as a function of the others, in their order.
    #[must_use]
    pub fn equation(&self, target: usize) -> Equation {
        let (size, at) = (self.size(), target + 1);
        let row = &self.inverse[at * size..(at + 1) * size];
        let coefficient = |other: usize| -row[other] / row[at];
        let others = (1..size).filter(|other| *other != at);
        Equation { intercept: coefficient(0), coefficients: others.map(coefficient).collect() }
    }

    /// Whether a restored one of `width` values can be worked with.
    #[must_use]
    pub fn is_sound(&self, width: usize) -> bool {
        let size = width + 1;
        let lengths = [self.moments.len(), self.inverse.len()];
        let held = |numbers: &[f64]| {
            numbers.iter().all(|number| number.abs() < 1e60)
                && numbers.iter().step_by(size + 1).all(|number| *number > 1e-60)
        };
        lengths == [size * size; 2]
            && held(&self.moments)
            && held(&self.inverse)
            && self.forgetting > 0.0
            && self.forgetting <= 1.0
            && (1e-30..1e30).contains(&self.prior)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: u32) -> Vec<[f64; 3]> {
        let row = |at: u32| {
            let (a, b) = (f64::from(at * 37 % 101) / 50.0 - 1.0, f64::from(at * 53 % 89) / 40.0);
            [a, b, 0.7 + 2.0 * a - 0.5 * b + f64::from(at * 29 % 31) / 100.0]
        };
        (0..count).map(row).collect()
    }

    /// Coefficients of `target` by the normal equations, intercept first.
    fn closed_form(rows: &[[f64; 3]], target: usize, prior: f64) -> Vec<f64> {
        let inputs: Vec<f64> = rows
            .iter()
            .flat_map(|row| {
                let others = (0..3).filter(|at| *at != target).map(|at| row[at]);
                std::iter::once(1.0).chain(others).collect::<Vec<_>>()
            })
            .collect();
        let x = DMatrix::from_row_slice(rows.len(), 3, &inputs);
        let y = DMatrix::from_iterator(rows.len(), 1, rows.iter().map(|row| row[target]));
        let left = x.transpose() * &x + DMatrix::identity(3, 3) * prior;
        (left.try_inverse().expect("regular") * x.transpose() * y).as_slice().to_vec()
    }

    #[test]
    fn without_forgetting_it_is_ridge_in_closed_form_to_1e_9() {
        for (count, prior) in [(5, 1e-2), (200, 1e-4), (2500, 3.0)] {
            let rows = rows(count);
            let mut regression = RecursiveRegression::new(3, 1.0, prior);
            rows.iter().for_each(|row| regression.learn(row));
            for target in 0..3 {
                let expected = closed_form(&rows, target, prior);
                let equation = regression.equation(target);
                let got = std::iter::once(equation.intercept).chain(equation.coefficients.clone());
                for (got, expected) in got.zip(&expected) {
                    let apart = (got - expected).abs();
                    assert!(apart < 1e-9 * expected.abs().max(1.0), "{got} and {expected}");
                }
                let others = [rows[1][(target + 1) % 3], rows[1][(target + 2) % 3]];
                let ordered = if target == 1 { [others[1], others[0]] } else { others };
                let residual = rows[1][target] - equation.predict(&ordered);
                assert!((regression.residuals(&rows[1])[target] - residual).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn forgetting_weighs_old_rows_less_and_the_prior_stays() {
        let (mut regression, forgetting) = (RecursiveRegression::new(1, 0.9, 1e-3), 0.9_f64);
        (0..5000).for_each(|_| regression.learn(&[2.0]));
        // The mean of equal values: what the prior takes off is what it always takes.
        let weight = 1.0 / (1.0 - forgetting);
        let expected = 2.0 * weight / (weight + 1e-3);
        let got = regression.equation(0).intercept;
        assert!((got - expected).abs() < 1e-3, "{got} and {expected}");
        assert!(regression.inverse.iter().all(|entry| entry.abs() < 1e4));
        (0..200).for_each(|_| regression.learn(&[5.0]));
        assert!((regression.equation(0).intercept - 5.0).abs() < 0.01);
    }
}

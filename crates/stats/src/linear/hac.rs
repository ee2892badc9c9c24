//! Errors of least squares when residuals depend on one another.

use super::{LinearFit, Rows};

/// Covariance of intercept and coefficients that allows for residuals of
/// unequal variance that are correlated over up to `lags` rows.
///
/// `residuals` are those of `fit` on `inputs`, in order of time. Laid out as
/// [`LinearFit::inverse`]. Bartlett weights, no small-sample correction: equals
/// `statsmodels`' `cov_type="HAC"` with `use_correction=False`. Time
/// O(rows · inputs² · lags).
///
/// Reference: W. K. Newey, K. D. West, "A simple, positive semi-definite,
/// heteroskedasticity and autocorrelation consistent covariance matrix",
/// Econometrica 55(3), 1987.
///
/// # Panics
///
/// Unless there is one residual per row and `fit` has these inputs.
#[must_use]
pub fn newey_west(inputs: Rows<'_>, residuals: &[f64], fit: &LinearFit, lags: usize) -> Vec<f64> {
    assert_eq!(inputs.len(), residuals.len(), "one residual per row");
    let size = inputs.width() + 1;
    assert_eq!(fit.inverse.len(), size * size, "the fit has these inputs");
    // Gradients are taken around the means, where the inverse loses no digits.
    let mut gradients = Vec::with_capacity(residuals.len() * size);
    for (row, residual) in inputs.iter().zip(residuals) {
        gradients.push(*residual);
        gradients.extend(row.iter().zip(&fit.input_means).map(|(x, mean)| (x - mean) * residual));
    }
    let meat = long_run_products(&gradients, size, lags);
    let centred = centred_inverse(fit, size);
    let around_means = product(&product(&centred, &meat, size), &centred, size);
    uncentred(&around_means, &fit.input_means, size)
}

/// `Σ g gᵀ`, plus the same across lags, with weights falling to 0.
fn long_run_products(gradients: &[f64], size: usize, lags: usize) -> Vec<f64> {
    let rows = gradients.len() / size;
    let mut sum = vec![0.0; size * size];
    for lag in 0..=lags.min(rows.saturating_sub(1)) {
        let weight = 1.0 - lag as f64 / (lags + 1) as f64;
        for row in lag..rows {
            let now = &gradients[row * size..(row + 1) * size];
            let then = &gradients[(row - lag) * size..(row - lag + 1) * size];
            for one in 0..size {
                for two in 0..size {
                    let both = if lag == 0 {
                        now[one] * then[two]
                    } else {
                        now[one] * then[two] + then[one] * now[two]
                    };
                    sum[one * size + two] += weight * both;
                }
            }
        }
    }
    sum
}

/// The inverse cross products with the intercept taken at the means.
fn centred_inverse(fit: &LinearFit, size: usize) -> Vec<f64> {
    let mut centred = fit.inverse.clone();
    centred[0] = 1.0 / fit.rows as f64;
    for at in 1..size {
        centred[at] = 0.0;
        centred[at * size] = 0.0;
    }
    centred
}

/// Moves the intercept of a covariance from the means back to 0.
fn uncentred(covariance: &[f64], means: &[f64], size: usize) -> Vec<f64> {
    let mut moved = covariance.to_vec();
    for column in 0..size {
        let along: f64 = (1..size).map(|at| means[at - 1] * moved[at * size + column]).sum();
        moved[column] -= along;
    }
    for row in 0..size {
        let along: f64 = (1..size).map(|at| means[at - 1] * moved[row * size + at]).sum();
        moved[row * size] -= along;
    }
    moved
}

fn product(one: &[f64], two: &[f64], size: usize) -> Vec<f64> {
    let mut result = vec![0.0; size * size];
    for row in 0..size {
        for k in 0..size {
            let factor = one[row * size + k];
            for column in 0..size {
                result[row * size + column] += factor * two[k * size + column];
            }
        }
    }
    result
}

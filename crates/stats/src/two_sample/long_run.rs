//! How much a stretch of dependent readings knows about its mean.

use crate::moments::Moments;

/// Correlation of `values` with themselves one row earlier, in `-1..=1`; 0 for
/// constant or fewer than 3 values.
#[must_use]
pub fn lag_one(values: &[f64]) -> f64 {
    let mean = Moments::of(values).mean();
    let total: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    if values.len() < 3 || total <= 0.0 {
        return 0.0;
    }
    let along: f64 = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    (along / total).clamp(-1.0, 1.0)
}

/// How many lags, or rows to a block, suit `values`: what is best for a
/// first-order autoregression of the same [`lag_one`] correlation.
///
/// 0 for values that look independent; at most a quarter of the rows.
///
/// Reference: D. W. K. Andrews, "Heteroskedasticity and autocorrelation
/// consistent covariance matrix estimation", Econometrica 59(3), 1991,
/// Bartlett kernel; E. Carlstein's rule for block lengths (Annals of Statistics
/// 14, 1986) is the same formula.
#[must_use]
pub fn automatic_lags(values: &[f64]) -> usize {
    // Correlations within chance of 0 need no lags; those near 1 have a cap.
    let correlation = lag_one(values);
    let rows = values.len() as f64;
    if correlation.abs() * rows.sqrt() < 2.0 {
        return 0;
    }
    let correlation = correlation.clamp(-0.97, 0.97);
    let strength = 4.0 * correlation.powi(2) / (1.0 - correlation.powi(2)).powi(2);
    let lags = 1.1447 * (strength * rows).cbrt();
    (lags.ceil() as usize).min(values.len() / 4)
}

/// Variance of the mean of `values`, times their number, allowing for
/// correlation over up to `lags` rows (Newey and West, Bartlett weights).
///
/// At `lags` 0 it is the plain variance over `n`. 0 for no values. Time
/// O(n · lags).
#[must_use]
pub fn long_run_variance(values: &[f64], lags: usize) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let mean = Moments::of(values).mean();
    let apart: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let along = |lag: usize| -> f64 { apart[lag..].iter().zip(&apart).map(|(a, b)| a * b).sum() };
    let later: f64 = (1..=lags.min(values.len() - 1))
        .map(|lag| 2.0 * (1.0 - lag as f64 / (lags + 1) as f64) * along(lag))
        .sum();
    ((along(0) + later) / values.len() as f64).max(0.0)
}

/// How many independent readings know as much about the mean as `values` do;
/// from 1 to their number.
///
/// Correlation that makes the mean *more* certain is not counted.
///
/// ```
/// use auscult_stats::two_sample::effective_size;
/// // A slow wave: neighbours hardly differ.
/// let slow: Vec<f64> = (0..400).map(|row| (f64::from(row) / 20.0).sin()).collect();
/// assert!(effective_size(&slow) < 60.0);
/// ```
#[must_use]
pub fn effective_size(values: &[f64]) -> f64 {
    let rows = values.len() as f64;
    let plain = long_run_variance(values, 0);
    let long = long_run_variance(values, automatic_lags(values));
    if plain <= 0.0 || long <= plain {
        rows
    } else {
        (rows * plain / long).clamp(1.0_f64.min(rows), rows)
    }
}

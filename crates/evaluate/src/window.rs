//! The label margin that a benchmark measures a series with.

use auscult_stats::autocorrelation::autocorrelation;

/// Window where the series has no season that counts.
const DEFAULT: usize = 125;
/// Rows looked at.
const ROWS: usize = 20_000;
/// Lags between which the season is looked for, both ends excluded.
const LAGS: (usize, usize) = (3, 400);
/// Lags that are believed.
const BELIEVED: std::ops::RangeInclusive<usize> = 6..=303;

/// The window of [`crate::vus()`] as TSB-AD sets it: the lag of the highest local
/// maximum of the autocorrelation of `values`, the first channel, between lags 3
/// and 400 over the first 20,000 rows; 125 where it lies below 6 or above 303, or
/// where there is none.
///
/// Reference: Q. Liu, J. Paparrizos, "The elephant in the room: towards a reliable
/// time-series anomaly detection benchmark", NeurIPS 2024.
///
/// ```
/// use auscult_evaluate::evaluation_window;
/// let wave: Vec<f64> = (0..3000).map(|row| (f64::from(row) / 50.0 * 6.283).sin()).collect();
/// assert_eq!(evaluation_window(&wave), 50);
/// assert_eq!(evaluation_window(&[1.0; 3000]), 125);
/// ```
#[must_use]
pub fn evaluation_window(values: &[f64]) -> usize {
    let values = &values[..values.len().min(ROWS)];
    let lags = LAGS.1.min(values.len().saturating_sub(1));
    let correlation = autocorrelation(values, lags);
    let peak = |lag: &usize| {
        correlation[*lag] > correlation[lag - 1] && correlation[*lag] > correlation[lag + 1]
    };
    (LAGS.0 + 1..lags)
        .filter(peak)
        .max_by(|one, other| correlation[*one].total_cmp(&correlation[*other]))
        .filter(|lag| BELIEVED.contains(lag))
        .unwrap_or(DEFAULT)
}

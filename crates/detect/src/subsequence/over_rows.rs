//! From scores of windows to scores of rows.

use auscult_core::FitError;

/// `window`, if a person's choice fits a history of so many `rows`.
///
/// # Errors
///
/// [`FitError::Setting`] where there is no room for two windows side by side.
pub(super) fn fits(window: usize, rows: usize) -> Result<usize, FitError> {
    if window <= rows / 2 {
        return Ok(window);
    }
    Err(FitError::Setting {
        key: "window",
        value: window.to_string(),
        reason: format!("two windows need {} rows, got {rows}", window.saturating_mul(2)),
    })
}

/// Means of the scores of the windows that cover each row: `profile` has one entry a
/// window, which begins at its place and has `window` rows.
pub(super) fn over_rows(profile: &[f64], window: usize) -> Vec<f64> {
    let mut sums = Vec::with_capacity(profile.len() + 1);
    sums.push(0.0);
    let mut sum = 0.0;
    for score in profile {
        sum += score;
        sums.push(sum);
    }
    (0..profile.len() + window - 1)
        .map(|row| {
            let (first, last) = ((row + 1).saturating_sub(window), row.min(profile.len() - 1));
            ((sums[last + 1] - sums[first]) / (last + 1 - first) as f64).max(0.0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_gets_the_mean_of_the_windows_that_cover_it() {
        assert_eq!(over_rows(&[1.0, 2.0, 6.0], 2), [1.0, 1.5, 4.0, 6.0]);
        assert_eq!(over_rows(&[3.0], 3), [3.0; 3]);
    }
}

//! Whether a mean changed.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::effective_size;
use crate::moments::Moments;

/// Whether rows may be taken as independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Independence {
    /// They are: Welch's test as in every textbook.
    Assumed,
    /// They may not be: [`effective_size`] takes the place of the row count.
    Estimated,
}

/// A difference of means, after minus before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanShift {
    /// Mean after minus mean before.
    pub difference: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Degrees of freedom (Welch and Satterthwaite).
    pub degrees: f64,
    /// Difference over standard error; 0 when both are 0.
    pub t: f64,
    /// Probability of a difference at least as large, were there none.
    pub p_value: f64,
    /// Where the difference lies with 95 % confidence.
    pub interval: (f64, f64),
}

/// Welch's test of two means, variances free to differ.
///
/// With [`Independence::Assumed`] equals
/// `scipy.stats.ttest_ind(after, before, equal_var=False)`. `None` with fewer
/// than two rows on a side. Time O(n), or O(n · lags).
///
/// Reference: B. L. Welch, "The generalization of Student's problem when
/// several different population variances are involved", Biometrika 34, 1947;
/// effective sizes after A. F. Zwiers, H. von Storch, "Taking serial
/// correlation into account in tests of the mean", J. Climate 8, 1995.
///
/// ```
/// use auscult_stats::two_sample::{Independence, mean_shift};
/// let shift = mean_shift(&[1.0, 2.0, 3.0, 2.0], &[5.0, 6.0, 7.0, 6.0], Independence::Assumed);
/// let shift = shift.expect("two rows and more");
/// assert_eq!(shift.difference, 4.0);
/// assert!(shift.p_value < 0.001);
/// ```
#[must_use]
pub fn mean_shift(before: &[f64], after: &[f64], independence: Independence) -> Option<MeanShift> {
    if before.len() < 2 || after.len() < 2 {
        return None;
    }
    let size = |values: &[f64]| match independence {
        Independence::Assumed => values.len() as f64,
        Independence::Estimated => effective_size(values).max(2.0),
    };
    let (old, new) = (Moments::of(before), Moments::of(after));
    let (old_size, new_size) = (size(before), size(after));
    let old_error = old.variance(1) / old_size;
    let new_error = new.variance(1) / new_size;
    let squared = old_error + new_error;
    let difference = new.mean() - old.mean();
    if squared <= 0.0 {
        // Two constants: the same, or certainly not.
        let same = difference == 0.0;
        return Some(MeanShift {
            difference,
            standard_error: 0.0,
            degrees: old_size + new_size - 2.0,
            t: if same { 0.0 } else { f64::MAX.copysign(difference) },
            p_value: if same { 1.0 } else { 0.0 },
            interval: (difference, difference),
        });
    }
    // Shares of the variance, so that tiny variances do not underflow when squared.
    let (old_share, new_share) = (old_error / squared, new_error / squared);
    let degrees =
        1.0 / (old_share.powi(2) / (old_size - 1.0) + new_share.powi(2) / (new_size - 1.0));
    let standard_error = squared.sqrt();
    let t = difference / standard_error;
    let student = StudentsT::new(0.0, 1.0, degrees).expect("degrees of freedom are positive");
    let reach = student.inverse_cdf(0.975) * standard_error;
    Some(MeanShift {
        difference,
        standard_error,
        degrees,
        t,
        p_value: (2.0 * student.cdf(-t.abs())).min(1.0),
        interval: (difference - reach, difference + reach),
    })
}

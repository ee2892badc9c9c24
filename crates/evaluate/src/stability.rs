//! How far scores stay what they are when the history is another.

use crate::rank_correlation;

/// Mean rank correlation of `scores` with those that the same method gives the same
/// rows after learning from `others`, other parts of the history; from -1 to 1.
///
/// A method that says something else after each history knows little of what is
/// normal. `None` without others, or where a vector is constant. Time O(others · n log n).
///
/// ```
/// use auscult_evaluate::stability;
/// let scores = [0.1, 0.2, 0.9, 0.3];
/// assert_eq!(stability(&scores, &[&[1.0, 2.0, 9.0, 3.0]]), Some(1.0));
/// ```
///
/// # Panics
///
/// When the vectors differ in length.
#[must_use]
pub fn stability(scores: &[f64], others: &[&[f64]]) -> Option<f64> {
    let correlations: Option<Vec<f64>> =
        others.iter().map(|other| rank_correlation(scores, other)).collect();
    let correlations = correlations.filter(|correlations| !correlations.is_empty())?;
    Some(correlations.iter().sum::<f64>() / correlations.len() as f64)
}

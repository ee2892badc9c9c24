//! How much the accuracy owes to each feature.

use serde::Serialize;

/// How much the accuracy on held-out rows falls when a feature is shuffled.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeatureImportance {
    /// The feature's name.
    pub feature: String,
    /// Mean fall of the accuracy; about 0, of either sign, for a useless one.
    pub mean: f64,
    /// Standard deviation of the falls over the shuffles.
    pub deviation: f64,
}

/// Mean and standard deviation (divided by the number of shuffles) of how far
/// the `shuffled` scores lie below `score`.
///
/// The definition of `sklearn.inspection.permutation_importance`.
///
/// ```
/// use auscult_diagnose::learn::fall;
///
/// let (mean, deviation) = fall(0.9, &[0.7, 0.5]);
/// assert!((mean - 0.3).abs() < 1e-15 && (deviation - 0.1).abs() < 1e-15);
/// ```
#[must_use]
pub fn fall(score: f64, shuffled: &[f64]) -> (f64, f64) {
    let count = shuffled.len().max(1) as f64;
    let mean = shuffled.iter().map(|shuffled| score - shuffled).sum::<f64>() / count;
    let squares: f64 = shuffled.iter().map(|shuffled| (score - shuffled - mean).powi(2)).sum();
    (mean, (squares / count).sqrt())
}

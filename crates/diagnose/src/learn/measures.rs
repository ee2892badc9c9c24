//! How good predictions are.

use serde::{Deserialize, Serialize};

/// Standard normal quantile of 97.5 %.
const Z_95: f64 = 1.959_963_984_540_054;

/// Counts of true against predicted classes.
///
/// Accuracy, precision, recall and F1 are those of scikit-learn with
/// `zero_division = 0`; the macro F1 is the mean over the classes that occur
/// in the truth or in the predictions.
///
/// ```
/// use auscult_diagnose::learn::Confusion;
///
/// let confusion = Confusion::of(2, &[0, 0, 1, 1], &[0, 1, 1, 1]);
/// assert_eq!(confusion.accuracy(), 0.75);
/// assert_eq!(confusion.recall(0), Some(0.5));
/// assert_eq!(confusion.precision(1), Some(2.0 / 3.0));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confusion {
    /// `counts[truth][prediction]`, shape `(classes, classes)`.
    counts: Vec<Vec<u64>>,
}

impl Confusion {
    /// Compares `predicted` with `truth`, both indices below `classes`.
    ///
    /// # Panics
    ///
    /// When the two differ in length or an index is out of range.
    #[must_use]
    pub fn of(classes: usize, truth: &[u32], predicted: &[u32]) -> Self {
        assert_eq!(truth.len(), predicted.len(), "one prediction per row");
        let mut counts = vec![vec![0; classes]; classes];
        for (&truth, &predicted) in truth.iter().zip(predicted) {
            counts[truth as usize][predicted as usize] += 1;
        }
        Self { counts }
    }

    /// `counts()[truth][prediction]`.
    #[must_use]
    pub fn counts(&self) -> &[Vec<u64>] {
        &self.counts
    }

    /// Rows compared.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Rows predicted right.
    #[must_use]
    pub fn right(&self) -> u64 {
        (0..self.counts.len()).map(|class| self.counts[class][class]).sum()
    }

    /// Share of rows predicted right; 0 when there are none.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        share(self.right(), self.rows()).unwrap_or(0.0)
    }

    /// Rows that truly are of `class`.
    #[must_use]
    pub fn support(&self, class: usize) -> u64 {
        self.counts[class].iter().sum()
    }

    /// Rows predicted to be of `class`.
    #[must_use]
    pub fn predicted(&self, class: usize) -> u64 {
        self.counts.iter().map(|row| row[class]).sum()
    }

    /// Share of the predictions of `class` that are right; `None` when it was never predicted.
    #[must_use]
    pub fn precision(&self, class: usize) -> Option<f64> {
        share(self.counts[class][class], self.predicted(class))
    }

    /// Share of the rows of `class` that were found; `None` when there are none.
    #[must_use]
    pub fn recall(&self, class: usize) -> Option<f64> {
        share(self.counts[class][class], self.support(class))
    }

    /// Harmonic mean of precision and recall; `None` when `class` occurs on neither side.
    #[must_use]
    pub fn f1(&self, class: usize) -> Option<f64> {
        share(2 * self.counts[class][class], self.support(class) + self.predicted(class))
    }

    /// Mean F1 of the classes that occur on either side; 0 when none does.
    #[must_use]
    pub fn macro_f1(&self) -> f64 {
        let scores: Vec<f64> = (0..self.counts.len()).filter_map(|class| self.f1(class)).collect();
        if scores.is_empty() { 0.0 } else { scores.iter().sum::<f64>() / scores.len() as f64 }
    }
}

/// Interval of 95 % for a share seen as `successes` of `trials`.
///
/// Wilson's score interval: never leaves `[0, 1]`, and is sound for few
/// trials and for shares near 0 and 1. `(0, 1)` without trials.
///
/// Reference: E. B. Wilson, "Probable inference, the law of succession, and
/// statistical inference", J. American Statistical Association 22, 1927.
#[must_use]
pub fn wilson(successes: u64, trials: u64) -> (f64, f64) {
    if trials == 0 {
        return (0.0, 1.0);
    }
    let (n, z2) = (trials as f64, Z_95 * Z_95);
    let p = successes as f64 / n;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z_95 / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_that_never_occurs_does_not_dilute_the_macro_f1() {
        let confusion = Confusion::of(3, &[0, 1], &[0, 1]);
        assert_eq!(confusion.macro_f1(), 1.0);
        assert_eq!(confusion.f1(2), None);
    }

    #[test]
    fn a_class_never_predicted_scores_zero() {
        let confusion = Confusion::of(2, &[0, 0, 0, 1], &[0, 0, 0, 0]);
        assert_eq!(confusion.precision(1), None);
        assert_eq!(confusion.f1(1), Some(0.0));
        assert!((confusion.macro_f1() - 3.0 / 7.0).abs() < 1e-15);
    }

    #[test]
    fn wilson_is_the_interval_of_the_textbook() {
        // statsmodels.stats.proportion.proportion_confint(45, 50, method="wilson")
        let (low, high) = wilson(45, 50);
        assert!((low - 0.786_397_685_6).abs() < 1e-9, "{low}");
        assert!((high - 0.956_524_235_1).abs() < 1e-9, "{high}");
        assert_eq!(wilson(0, 0), (0.0, 1.0));
        assert!(wilson(10, 10).1 > 1.0 - 1e-15);
    }
}

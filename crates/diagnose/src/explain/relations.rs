//! Which pairs of columns go together otherwise than before.

use auscult_stats::moments::Moments;
use auscult_stats::two_sample::{CorrelationShift, correlation_shift, holm};

/// How a pair of columns goes together in two periods.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Relation {
    /// Indices of the columns, the lower first.
    pub columns: (usize, usize),
    /// Covariance before and after, in the product of the columns' units.
    pub covariance: (f64, f64),
    /// Correlation before and after, and the test of its change.
    pub correlation: CorrelationShift,
    /// p-value of the test, adjusted for the number of pairs (Holm).
    pub p_value: f64,
}

/// Every pair of columns whose correlation exists in both periods, the most
/// certainly changed first, then the most changed.
///
/// `before` and `after` hold the columns, in the same order. Time O(columns² ·
/// rows).
///
/// # Panics
///
/// When the periods differ in the number of columns, or the columns of a period
/// in length.
///
/// ```
/// use auscult_diagnose::explain::relations;
/// let load: Vec<f64> = (0..60).map(|row| f64::from(row * 37 % 60)).collect();
/// let noise: Vec<f64> = (0..60).map(|row| f64::from(row * 23 % 19)).collect();
/// let heat: Vec<f64> = load.iter().zip(&noise).map(|(l, n)| 2.0 * l + n).collect();
/// let pairs = relations(&[&load, &heat], &[&load, &noise]);
/// assert!(pairs[0].correlation.before > 0.9 && pairs[0].correlation.after.abs() < 0.4);
/// assert!(pairs[0].p_value < 1e-6);
/// ```
#[must_use]
pub fn relations(before: &[&[f64]], after: &[&[f64]]) -> Vec<Relation> {
    assert_eq!(before.len(), after.len(), "both periods have the same columns");
    let mut relations = Vec::new();
    for one in 0..before.len() {
        for two in one + 1..before.len() {
            let (old, new) = ((before[one], before[two]), (after[one], after[two]));
            let Some(correlation) = correlation_shift(old, new) else { continue };
            relations.push(Relation {
                columns: (one, two),
                covariance: (covariance(old), covariance(new)),
                correlation,
                p_value: correlation.p_value,
            });
        }
    }
    let p_values: Vec<f64> = relations.iter().map(|relation| relation.p_value).collect();
    for (relation, p_value) in relations.iter_mut().zip(holm(&p_values)) {
        relation.p_value = p_value;
    }
    let moved =
        |relation: &Relation| (relation.correlation.after - relation.correlation.before).abs();
    relations.sort_by(|one, two| {
        let order = one.p_value.total_cmp(&two.p_value);
        order.then(moved(two).total_cmp(&moved(one)))
    });
    relations
}

fn covariance((one, two): (&[f64], &[f64])) -> f64 {
    let (ones, twos) = (Moments::of(one).mean(), Moments::of(two).mean());
    let sum: f64 = one.iter().zip(two).map(|(a, b)| (a - ones) * (b - twos)).sum();
    sum / (one.len() as f64 - 1.0).max(1.0)
}

//! How far methods agree with one another.

use crate::rank::{rank_correlation, ranks};

/// For each of `scores`, one vector a method and one score a row: the rank
/// correlation with the mean rank that all other methods give a row, from -1 to 1.
///
/// A method that agrees with many different ones is rarely far off; one that agrees
/// with none may be wrong, or the only one that sees. `None` for a method whose scores are
/// all equal, or without others. Time O(methods · n log n).
///
/// Reference: M. Goswami and others, "Unsupervised model selection for time-series
/// anomaly detection", ICLR 2023, section 3.3 (model centrality).
///
/// ```
/// use auscult_evaluate::consensus;
/// let (one, other, third) = ([0.0, 1.0, 2.0, 9.0], [1.0, 2.0, 3.0, 4.0], [0.1, 0.2, 0.3, 0.5]);
/// let odd = [5.0, 3.0, 2.0, 0.0];
/// let agreement = consensus(&[&one, &other, &third, &odd]);
/// assert_eq!(agreement, [Some(1.0), Some(1.0), Some(1.0), Some(-1.0)]);
/// ```
///
/// # Panics
///
/// When the vectors differ in length.
#[must_use]
pub fn consensus(scores: &[&[f64]]) -> Vec<Option<f64>> {
    let ranked: Vec<Vec<f64>> = scores.iter().map(|scores| ranks(scores)).collect();
    let rows = ranked.first().map_or(0, Vec::len);
    let mut sum = vec![0.0; rows];
    for ranks in &ranked {
        assert_eq!(ranks.len(), rows, "one score a row from each method");
        sum.iter_mut().zip(ranks).for_each(|(sum, rank)| *sum += rank);
    }
    ranked
        .iter()
        .map(|own| {
            let others: Vec<f64> = sum.iter().zip(own).map(|(sum, rank)| sum - rank).collect();
            rank_correlation(own, &others)
        })
        .collect()
}

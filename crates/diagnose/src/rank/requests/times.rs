//! Whether times are longer than before.

use auscult_stats::quantile::median;

/// Log likelihood ratio of `after` being longer than `before`, times how far they are apart
/// (0 when either is as likely to be the longer one, 1 when `after` always is), times the
/// growth of the median in e-folds, one at most; 0 when times are shorter or fewer than two.
///
/// The ratio is that of the normal approximation to Wilcoxon's rank sum: half the square of
/// its deviate.
pub(super) fn longer(before: &[f64], after: &[f64]) -> f64 {
    if before.len() < 2 || after.len() < 2 {
        return 0.0;
    }
    let (m, n) = (before.len() as f64, after.len() as f64);
    // Twice the share of pairs in which the later time is longer, less one.
    let mut sorted = before.to_vec();
    sorted.sort_by(f64::total_cmp);
    let wins: f64 = after
        .iter()
        .map(|time| {
            let below = sorted.partition_point(|other| other < time);
            let up_to = sorted.partition_point(|other| other <= time);
            (below + up_to) as f64 / 2.0
        })
        .sum();
    let apart = 2.0 * wins / (m * n) - 1.0;
    let growth = (median(&mut after.to_vec()) / median(&mut before.to_vec())).ln();
    if apart <= 0.0 || growth <= 0.0 {
        return 0.0;
    }
    let deviate = (wins - m * n / 2.0) / (m * n * (m + n + 1.0) / 12.0).sqrt();
    deviate * deviate / 2.0 * apart * growth.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::longer;

    #[test]
    fn the_score_is_half_the_square_of_wilcoxons_deviate() {
        let before = [1.0, 2.0, 3.0, 4.0];
        let after = [10.0, 20.0, 30.0, 40.0];
        // scipy.stats.ranksums: 2.309401.
        assert!((longer(&before, &after) - 2.309_401_f64.powi(2) / 2.0).abs() < 1e-5);
        assert_eq!(longer(&after, &before), 0.0);
        assert_eq!(longer(&before, &before), 0.0);
        assert_eq!(longer(&before, &[9.0]), 0.0);
    }

    #[test]
    fn a_growth_of_a_few_percent_counts_little() {
        let before: Vec<f64> = (100..150).map(f64::from).collect();
        let after: Vec<f64> = before.iter().map(|time| time * 1.5).collect();
        let twice: Vec<f64> = before.iter().map(|time| time * 5.0).collect();
        assert!(longer(&before, &after) < 0.5 * longer(&before, &twice));
    }
}

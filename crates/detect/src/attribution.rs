//! Which channel made a score, for methods without an answer of their own.

use auscult_core::{Explanation, Frame};
use auscult_stats::quantile::median;

/// The median of every channel: the row that stands for "as usual". All 0 when
/// `history` is empty.
pub(crate) fn typical_row(history: &Frame<'_>) -> Vec<f64> {
    (0..history.channels()).map(|channel| median(&mut history.channel(channel))).collect()
}

/// Explains the score of `row`: expects `typical`, with the shares of
/// [`shares_by_substitution`].
pub(crate) fn explain_by_substitution(
    row: &[f64],
    typical: &[f64],
    score: impl FnMut(&[f64]) -> f64,
) -> Explanation {
    let share = shares_by_substitution(row, typical, score);
    Explanation::new(typical.to_vec(), None, share)
}

/// Shares of the channels in the score of `row`, by putting the reading of
/// `typical` in the place of each and seeing how far `score` falls.
///
/// Where no single channel brings the score down, because several are odd in
/// the same way, each is put alone into `typical` instead, and counts by how
/// far it raises the score. All 0 when that changes nothing either.
///
/// `row` and `typical` have the same length. Costs one call of `score` per
/// channel and one more; twice that in the second case.
pub(crate) fn shares_by_substitution(
    row: &[f64],
    typical: &[f64],
    mut score: impl FnMut(&[f64]) -> f64,
) -> Vec<f64> {
    let falls = changes(row, typical, &mut score, |own, changed| own - changed);
    let shares = Explanation::shares(&falls);
    if shares.iter().any(|share| *share > 0.0) {
        return shares;
    }
    let rises = changes(typical, row, &mut score, |own, changed| changed - own);
    Explanation::shares(&rises)
}

/// `gain(score of row, score of row with one reading replaced)` for each
/// channel that the replacement changes, 0 for the others.
fn changes(
    row: &[f64],
    replacement: &[f64],
    score: &mut impl FnMut(&[f64]) -> f64,
    gain: impl Fn(f64, f64) -> f64,
) -> Vec<f64> {
    let own = score(row);
    let mut changed = row.to_vec();
    let mut gains = vec![0.0; row.len()];
    for channel in 0..row.len() {
        if row[channel] == replacement[channel] {
            continue;
        }
        changed[channel] = replacement[channel];
        gains[channel] = gain(own, score(&changed));
        changed[channel] = row[channel];
    }
    gains
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_channel_whose_repair_lowers_the_score_gets_the_share() {
        let sum = |row: &[f64]| row.iter().map(|reading| reading.abs()).sum();
        assert_eq!(shares_by_substitution(&[3.0, 0.0, -1.0], &[0.0; 3], sum), [0.75, 0.0, 0.25]);
    }

    #[test]
    fn channels_that_hide_behind_each_other_share_equally() {
        let largest = |row: &[f64]| row.iter().copied().fold(0.0, f64::max);
        assert_eq!(shares_by_substitution(&[3.0, 3.0, 0.0], &[0.0; 3], largest), [0.5, 0.5, 0.0]);
        assert_eq!(shares_by_substitution(&[0.0, 0.0], &[0.0; 2], largest), [0.0, 0.0]);
    }

    #[test]
    fn the_typical_row_is_the_median_of_every_channel() {
        let readings = [1.0, 10.0, 2.0, 20.0, 900.0, 30.0];
        let history = Frame::new(&readings, 2).expect("whole rows");
        assert_eq!(typical_row(&history), [2.0, 20.0]);
    }
}

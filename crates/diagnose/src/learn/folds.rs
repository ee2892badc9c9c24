//! Which rows teach and which are held out.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::LearnError;

/// One round of validation: rows to learn from, and rows to predict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// Rows to learn from, ascending.
    pub train: Vec<usize>,
    /// Rows held out, ascending; never among `train`.
    pub test: Vec<usize>,
}

/// `count` folds in which every class is spread as evenly as it can be.
///
/// Each row is held out once. Rows are shuffled with `seed` within their
/// class, then dealt out in turn, each class starting where the last one
/// ended, so that fold sizes differ by at most one.
///
/// # Errors
///
/// [`LearnError::TooFewRows`] when there are fewer rows than folds.
pub fn stratified(labels: &[u32], count: usize, seed: u64) -> Result<Vec<Fold>, LearnError> {
    let rows = labels.len();
    if rows < count {
        return Err(LearnError::TooFewRows { rows, folds: count, needed: count });
    }
    let mut order: Vec<usize> = (0..rows).collect();
    shuffle(&mut order, &mut Pcg64Mcg::seed_from_u64(seed));
    order.sort_by_key(|&row| labels[row]);
    let mut fold_of = vec![0; rows];
    for (place, &row) in order.iter().enumerate() {
        fold_of[row] = place % count;
    }
    Ok(assigned(&fold_of, count))
}

/// Folds given by the number of the fold in which each row is held out.
///
/// Numbers may skip; a fold without rows is left out.
#[must_use]
pub fn assigned(fold_of: &[usize], count: usize) -> Vec<Fold> {
    let split = |fold: usize| {
        let (test, train) = (0..fold_of.len()).partition(|&row| fold_of[row] == fold);
        Fold { train, test }
    };
    (0..count).map(split).filter(|fold| !fold.test.is_empty() && !fold.train.is_empty()).collect()
}

/// Forward chaining: fold `k` learns from everything before its block of time.
///
/// Time is cut into `count + 1` blocks of about equal size; rows of one
/// instant stay together, so that the future never teaches the past. The
/// first block is only ever learnt from.
///
/// # Errors
///
/// [`LearnError::TooFewTimes`] when there are fewer instants than blocks.
pub fn forward(times: &[i64], count: usize) -> Result<Vec<Fold>, LearnError> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by_key(|&row| (times[row], row));
    let starts: Vec<usize> = (0..order.len())
        .filter(|&at| at == 0 || times[order[at]] != times[order[at - 1]])
        .collect();
    let blocks = count + 1;
    if starts.len() < blocks {
        let instants = starts.len();
        return Err(LearnError::TooFewTimes { instants, folds: count, needed: blocks });
    }
    let cuts = block_starts(&starts, order.len(), blocks);
    let fold = |block: usize| {
        let end = cuts.get(block + 1).copied().unwrap_or(order.len());
        let mut train = order[..cuts[block]].to_vec();
        let mut test = order[cuts[block]..end].to_vec();
        train.sort_unstable();
        test.sort_unstable();
        Fold { train, test }
    };
    Ok((1..blocks).map(fold).collect())
}

/// Where each of `blocks` begins: the instants nearest to an even division
/// that leave every block at least one instant.
fn block_starts(starts: &[usize], rows: usize, blocks: usize) -> Vec<usize> {
    let mut cuts = vec![0];
    let mut instant = 0;
    for block in 1..blocks {
        let ideal = rows * block / blocks;
        let nearest = starts.partition_point(|&start| start < ideal);
        let latest = starts.len() - (blocks - block);
        instant = nearest.clamp(instant + 1, latest);
        cuts.push(starts[instant]);
    }
    cuts
}

/// Fisher and Yates' shuffle.
///
/// Our own, so that a seed keeps its meaning whatever the random crate does.
pub(crate) fn shuffle(items: &mut [usize], random: &mut Pcg64Mcg) {
    for last in (1..items.len()).rev() {
        let draw: u64 = random.random();
        // Multiply and shift: the bias is below 2^-32 for any length here.
        let other = ((u128::from(draw) * (last as u128 + 1)) >> 64) as usize;
        items.swap(last, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_held_out_once_and_classes_are_spread() {
        let labels: Vec<u32> = (0..103).map(|row| u32::from(row % 10 == 0)).collect();
        let folds = stratified(&labels, 5, 1).unwrap();
        let mut held_out: Vec<usize> = folds.iter().flat_map(|fold| fold.test.clone()).collect();
        held_out.sort_unstable();
        assert_eq!(held_out, (0..103).collect::<Vec<usize>>());
        for fold in &folds {
            let rare = fold.test.iter().filter(|&&row| labels[row] == 1).count();
            assert!((2..=3).contains(&rare), "{rare}");
            assert!((20..=21).contains(&fold.test.len()));
            assert!(fold.test.iter().all(|row| !fold.train.contains(row)));
        }
        assert_ne!(folds, stratified(&labels, 5, 2).unwrap());
        assert_eq!(folds, stratified(&labels, 5, 1).unwrap());
    }

    #[test]
    fn the_future_never_teaches_the_past() {
        let times: Vec<i64> = (0..100).map(|row| (row * 37 % 100) / 3).collect();
        let folds = forward(&times, 4).unwrap();
        assert_eq!(folds.len(), 4);
        for fold in &folds {
            let newest = fold.train.iter().map(|&row| times[row]).max().unwrap();
            let oldest = fold.test.iter().map(|&row| times[row]).min().unwrap();
            assert!(newest < oldest);
        }
    }

    #[test]
    fn a_heap_of_equal_times_stays_together() {
        let mut times = vec![5; 90];
        times.extend([1, 2, 6, 7]);
        let folds = forward(&times, 3).unwrap();
        assert!(folds.iter().all(|fold| !fold.test.is_empty() && !fold.train.is_empty()));
        assert!(forward(&times, 5).is_err());
    }
}

//! RCD: the series that a fault, taken for a variable, is a neighbour of.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;

use auscult_stats::chi_square::ln_survival;

use super::case::{Case, RankError};
use super::ranking::Ranking;
use super::shift::given_or_found;

/// Bins of a discretised series.
const BINS: usize = 5;

/// Series looked at together.
const CHUNK: usize = 5;

/// Series conditioned on at most.
const MOST_CONDITIONS: usize = 2;

/// Ranks series by how surely they depend on "before or after the onset", given others.
///
/// In random chunks of five only the neighbours of the fault are sought, by χ² tests at a level
/// that is raised until one is found; survivors are pooled and chunked again until five are left.
/// Needs long windows, and is unstable by its random chunks; the seed is fixed here.
///
/// Reference: A. Ikram and others, "Root cause analysis of failures in microservices through
/// causal discovery", NeurIPS 2022.
pub(super) fn rcd(case: &Case) -> Result<Ranking, RankError> {
    let onset = given_or_found(case);
    let after: Vec<usize> = (0..case.rows()).map(|row| usize::from(row >= onset.row)).collect();
    let codes: Vec<Vec<usize>> =
        case.series().iter().map(|series| discretised(&series.values)).collect();
    let mut random = Pcg64Mcg::seed_from_u64(0);
    let mut pool: Vec<usize> = (0..codes.len()).collect();
    let mut scores = vec![0.0; codes.len()];
    let mut round = 0.0;
    loop {
        pool.shuffle(&mut random);
        let last = pool.len() <= CHUNK;
        let mut kept: Vec<(usize, f64)> = Vec::new();
        for chunk in pool.chunks(CHUNK) {
            kept.extend(neighbours(&codes, &after, chunk));
        }
        kept.sort_by_key(|(at, _)| *at);
        round += 1.0;
        for (at, ln_p) in &kept {
            // Who survives longer ranks first, then who depends more surely.
            scores[*at] = round + 1.0 - 1.0 / (1.0 - ln_p);
        }
        if last || kept.len() == pool.len() {
            return Ok(Ranking::by_series(case, &scores, onset));
        }
        pool = kept.into_iter().map(|(at, _)| at).collect();
    }
}

/// The series of `chunk` that stay dependent on `after` whatever others are given, each with
/// the logarithm of its largest p-value.
fn neighbours(codes: &[Vec<usize>], after: &[usize], chunk: &[usize]) -> Vec<(usize, f64)> {
    let worst: Vec<(usize, f64)> = chunk
        .iter()
        .map(|at| {
            let others: Vec<usize> = chunk.iter().copied().filter(|other| other != at).collect();
            let mut worst = f64::NEG_INFINITY;
            for given in subsets(&others, MOST_CONDITIONS) {
                worst = worst.max(ln_p_value(&codes[*at], after, codes, &given));
            }
            (*at, worst)
        })
        .collect();
    let mut level: f64 = 0.01;
    while level < 1.0 {
        let found: Vec<(usize, f64)> =
            worst.iter().copied().filter(|(_, ln_p)| *ln_p < level.ln()).collect();
        if !found.is_empty() {
            return found;
        }
        level += 0.1;
    }
    Vec::new()
}

/// All subsets of up to `most` of `of`.
fn subsets(of: &[usize], most: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    let mut start = 0;
    for _ in 0..most {
        let end = all.len();
        for at in start..end {
            let from = all[at].last().map_or(0, |last| {
                of.iter().position(|other| other == last).expect("taken from it") + 1
            });
            for next in &of[from..] {
                let mut longer: Vec<usize> = all[at].clone();
                longer.push(*next);
                all.push(longer);
            }
        }
        start = end;
    }
    all
}

/// Logarithm of the p-value of `codes` and `after` being independent given others, by Pearson's
/// χ² summed over the strata of what is given.
fn ln_p_value(own: &[usize], after: &[usize], codes: &[Vec<usize>], given: &[usize]) -> f64 {
    let strata = (BINS + 1).pow(given.len() as u32);
    let mut counts = vec![[[0.0_f64; BINS + 1]; 2]; strata];
    for row in 0..own.len() {
        let stratum = given.iter().fold(0, |sum, at| sum * (BINS + 1) + codes[*at][row]);
        counts[stratum][after[row]][own[row]] += 1.0;
    }
    let (mut statistic, mut freedom) = (0.0, 0.0);
    for table in &counts {
        let sides = table.map(|side| side.iter().sum::<f64>());
        let total = sides[0] + sides[1];
        if sides[0] == 0.0 || sides[1] == 0.0 {
            continue;
        }
        let mut bins = 0.0;
        for bin in 0..=BINS {
            let both = table[0][bin] + table[1][bin];
            if both > 0.0 {
                bins += 1.0;
                for (side, sum) in table.iter().zip(sides) {
                    let expected = both * sum / total;
                    statistic += (side[bin] - expected).powi(2) / expected;
                }
            }
        }
        freedom += bins - 1.0;
    }
    if freedom > 0.0 { ln_survival(statistic, freedom) } else { 0.0 }
}

/// The bin of each value, all of equal width; a bin of its own for what is missing.
fn discretised(values: &[f64]) -> Vec<usize> {
    let read = values.iter().filter(|value| !value.is_nan());
    let (low, high) = read.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(*value), high.max(*value))
    });
    let bin = |value: &f64| {
        if value.is_nan() {
            BINS
        } else if high > low {
            (((value - low) / (high - low) * BINS as f64) as usize).min(BINS - 1)
        } else {
            0
        }
    };
    values.iter().map(bin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsets_come_once_each() {
        assert_eq!(
            subsets(&[4, 7, 9], 2),
            [vec![], vec![4], vec![7], vec![9], vec![4, 7], vec![4, 9], vec![7, 9]]
        );
    }

    #[test]
    fn what_follows_a_cause_is_independent_given_it() {
        // `own` says before or after; `follower` says what `own` says, and is noisy.
        let rows = 400;
        let after: Vec<usize> = (0..rows).map(|row| usize::from(row >= 200)).collect();
        let flip = |row: usize, every: usize| usize::from((row * 7919).is_multiple_of(every));
        let own: Vec<usize> = (0..rows).map(|row| after[row] ^ flip(row, 10)).collect();
        let follower: Vec<usize> = (0..rows).map(|row| own[row] ^ flip(row + 3, 7)).collect();
        let codes = vec![own, follower];
        assert!(ln_p_value(&codes[1], &after, &codes, &[]) < -20.0);
        assert!(ln_p_value(&codes[0], &after, &codes, &[1]) < -20.0);
        assert!(ln_p_value(&codes[1], &after, &codes, &[0]) > -5.0);
    }
}

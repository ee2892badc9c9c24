//! Whether a distribution changed, in place or in shape.

use statrs::distribution::{ContinuousCDF, Normal};

use super::{Independence, effective_size};

/// The two-sample Kolmogorov-Smirnov test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KolmogorovSmirnov {
    /// Largest distance of the two distribution functions, in `0..=1`.
    pub distance: f64,
    /// Probability of a distance at least as large, were there no change; of
    /// the limit distribution.
    pub p_value: f64,
}

/// The Mann-Whitney test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitney {
    /// Pairs in which the reading after is above the one before, ties by half.
    pub u: f64,
    /// The same as a share of all pairs: 0.5 is no shift.
    pub superiority: f64,
    /// Probability of a share at least as far from 0.5, were there no change.
    pub p_value: f64,
}

/// Distance of two distributions, and whether it is more than chance.
///
/// The distance equals that of `scipy.stats.ks_2samp`; the p-value is that of
/// `scipy.special.kolmogorov`. With [`Independence::Estimated`] the sizes are
/// those of [`effective_size`]. `None` when a side is empty. Time O(n log n).
///
/// Reference: N. Smirnov, "Table for estimating the goodness of fit of
/// empirical distributions", Annals of Mathematical Statistics 19, 1948.
#[must_use]
pub fn kolmogorov_smirnov(
    before: &[f64],
    after: &[f64],
    independence: Independence,
) -> Option<KolmogorovSmirnov> {
    if before.is_empty() || after.is_empty() {
        return None;
    }
    let (old, new) = (sorted(before), sorted(after));
    let (mut at_old, mut at_new, mut distance) = (0, 0, 0.0_f64);
    while at_old < old.len() && at_new < new.len() {
        let value = old[at_old].min(new[at_new]);
        at_old += old[at_old..].iter().take_while(|x| **x <= value).count();
        at_new += new[at_new..].iter().take_while(|x| **x <= value).count();
        let apart = at_old as f64 / old.len() as f64 - at_new as f64 / new.len() as f64;
        distance = distance.max(apart.abs());
    }
    let (old, new) = sizes(before, after, independence);
    let p_value = kolmogorov((old * new / (old + new)).sqrt() * distance);
    Some(KolmogorovSmirnov { distance, p_value })
}

/// Whether readings after tend to be above or below those before.
///
/// Normal approximation with ties and continuity accounted for:
/// `scipy.stats.mannwhitneyu(after, before, method="asymptotic")`. With
/// [`Independence::Estimated`] the z-value shrinks as the standard error of a
/// difference of means would, from rows to effective rows. `None` when a side
/// is empty. Time O(n log n).
///
/// Reference: H. B. Mann, D. R. Whitney, "On a test of whether one of two
/// random variables is stochastically larger than the other", Annals of
/// Mathematical Statistics 18(1), 1947.
#[must_use]
pub fn mann_whitney(
    before: &[f64],
    after: &[f64],
    independence: Independence,
) -> Option<MannWhitney> {
    if before.is_empty() || after.is_empty() {
        return None;
    }
    let mut all: Vec<(f64, bool)> = before.iter().map(|value| (*value, false)).collect();
    all.extend(after.iter().map(|value| (*value, true)));
    all.sort_unstable_by(|one, two| one.0.total_cmp(&two.0));
    let (mut rank_sum, mut ties, mut start) = (0.0, 0.0, 0);
    for group in all.chunk_by(|one, two| one.0 == two.0) {
        let size = group.len() as f64;
        let rank = start as f64 + (size + 1.0) / 2.0;
        rank_sum += rank * group.iter().filter(|(_, after)| *after).count() as f64;
        ties += size * size * size - size;
        start += group.len();
    }
    let (old, new) = (before.len() as f64, after.len() as f64);
    let u = rank_sum - new * (new + 1.0) / 2.0;
    let total = old + new;
    let variance = old * new / 12.0 * ((total + 1.0) - ties / (total * (total - 1.0)).max(1.0));
    let (old_size, new_size) = sizes(before, after, independence);
    let shrink = ((1.0 / old + 1.0 / new) / (1.0 / old_size + 1.0 / new_size)).sqrt();
    let p_value = if variance > 0.0 {
        let apart = ((u - old * new / 2.0).abs() - 0.5).max(0.0);
        (2.0 * Normal::standard().cdf(-apart / variance.sqrt() * shrink)).min(1.0)
    } else {
        1.0
    };
    Some(MannWhitney { u, superiority: u / (old * new), p_value })
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    values
}

fn sizes(before: &[f64], after: &[f64], independence: Independence) -> (f64, f64) {
    match independence {
        Independence::Assumed => (before.len() as f64, after.len() as f64),
        Independence::Estimated => (effective_size(before), effective_size(after)),
    }
}

/// Probability that the limit of the scaled distance exceeds `x`.
fn kolmogorov(x: f64) -> f64 {
    if x < 0.2 {
        // Below it the probability differs from 1 by less than 1e-12.
        return 1.0;
    }
    if x < 1.0 {
        // The series that converges fast for small x.
        let factor = (2.0 * std::f64::consts::PI).sqrt() / x;
        let step = std::f64::consts::PI.powi(2) / (8.0 * x * x);
        let sum: f64 = (0..4).map(|k| (-step * f64::from((2 * k + 1) * (2 * k + 1))).exp()).sum();
        return (1.0 - factor * sum).clamp(0.0, 1.0);
    }
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 1.0 } else { -1.0 };
        2.0 * sign * (-2.0 * f64::from(k * k) * x * x).exp()
    };
    (1..=6).map(term).sum::<f64>().clamp(0.0, 1.0)
}

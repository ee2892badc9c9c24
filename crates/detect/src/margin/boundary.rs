//! From decision functions to scores.

use serde::{Deserialize, Serialize};

use crate::shared::ratio;

/// Where the boundary lies, and how deep the history reaches inside.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Boundary {
    rho: f64,
    deepest: f64,
}

/// The least depth that counts, as a share of the way from the boundary to
/// where the decision function is that of a row unlike any other.
const LEAST_DEPTH: f64 = 1e-3;

impl Boundary {
    /// The boundary at `rho` for a history whose decision function, before
    /// `rho` is taken off, is `sums`.
    pub(super) fn new(sums: &[f64], rho: f64) -> Self {
        let deepest = sums.iter().map(|sum| sum - rho).fold(0.0, f64::max);
        // When nearly all rows lie on the boundary, as where they are equal, only
        // rounding tells them apart.
        Self { rho, deepest: deepest.max(LEAST_DEPTH * rho.abs()) }
    }

    /// Whether restored numbers can be worked with.
    pub(super) fn is_sound(&self) -> bool {
        self.rho.is_finite() && self.deepest >= 0.0
    }

    pub(super) fn rho(&self) -> f64 {
        self.rho
    }

    /// 0 at the deepest row of the history and deeper, 1 on the boundary.
    pub(super) fn score(&self, sum: f64) -> f64 {
        let outside = self.rho - sum;
        let depths = ratio(outside.abs(), self.deepest);
        if outside > 0.0 { (1.0 + depths).min(f64::MAX) } else { (1.0 - depths).max(0.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundary_scores_one_and_the_deepest_row_zero() {
        let boundary = Boundary::new(&[3.0, 5.0, 2.0], 3.0);
        assert_eq!(
            [5.0, 9.0, 4.0, 3.0, 1.0].map(|sum| boundary.score(sum)),
            [0.0, 0.0, 0.5, 1.0, 2.0]
        );
    }

    #[test]
    fn scores_are_finite_where_there_is_no_depth() {
        let boundary = Boundary::new(&[0.0, 0.0], 0.0);
        assert_eq!(boundary.score(0.0), 1.0);
        assert!(boundary.score(-1e120).is_finite());
    }
}

//! What most methods of this family boil down to.

use auscult_core::{Band, Explanation};

use crate::shared::ratio;

/// A usual reading and a usual distance from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Location {
    centre: f64,
    scale: f64,
}

impl Location {
    /// When all readings were equal, only rounding tells them apart: the scale
    /// is at least what rounding makes of the centre.
    pub(super) fn new(centre: f64, scale: f64) -> Self {
        Self { centre, scale: scale.max(f64::EPSILON * centre.abs()) }
    }

    /// Distance of `reading` from the centre, in scales; finite.
    pub(super) fn rate(self, reading: f64) -> f64 {
        ratio((reading - self.centre).abs(), self.scale)
    }

    /// Why `reading` is rated as it is.
    pub(super) fn explain(self, reading: f64, threshold: f64) -> Explanation {
        let band = Band::around(self.centre, threshold * self.scale);
        Explanation::of_one(self.centre, Some(band), self.rate(reading))
    }
}

//! What most methods of this family boil down to.

use auscult_core::{Band, Explanation};

use super::usual::Usual;
use crate::shared::Spread;

/// A usual reading and a usual distance from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Location {
    centre: f64,
    spread: Spread,
}

impl Location {
    /// The centre and scale of so many readings.
    pub(super) fn new(centre: f64, scale: f64, samples: u64) -> Self {
        Self { centre, spread: Spread::known(centre, scale, samples as f64) }
    }
}

impl Usual for Location {
    /// Distance from the centre, in scales.
    fn rate(self, reading: f64) -> f64 {
        self.spread.rate((reading - self.centre).abs())
    }

    fn explain(self, reading: f64, threshold: f64) -> Explanation {
        let band = Band::around(self.centre, self.spread.reach(threshold));
        Explanation::of_one(self.centre, Some(band), self.rate(reading))
    }
}

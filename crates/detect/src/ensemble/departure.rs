//! The departure that is going on: since when, and how long on one side.

use auscult_core::Timestamp;
use serde::{Deserialize, Serialize};

/// A sum of parts above this belongs to a departure.
const LEAST: f64 = 0.3;
/// Samples without one that end it.
const QUIET: u8 = 10;

/// Follows when a series leaves the usual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Departure {
    onset: Option<Timestamp>,
    /// Samples since the last odd one.
    quiet: u8,
    /// Samples in a row above the usual band, or below it if negative.
    run: i32,
}

impl Departure {
    /// None going on.
    pub(super) const fn new() -> Self {
        Self { onset: None, quiet: 0, run: 0 }
    }

    /// When the departure began that a sample at `time` with this `sum` of parts belongs to.
    pub(super) fn onset(&self, time: Timestamp, sum: f64) -> Option<Timestamp> {
        match self.onset {
            Some(onset) => Some(onset.min(time)),
            None => (sum > LEAST).then_some(time),
        }
    }

    /// Samples in a row on the side of `residual`, if it came next; `scale` is a
    /// typical one.
    pub(super) fn run(&self, residual: f64, scale: f64) -> i32 {
        let side = if residual.abs() <= scale { 0 } else { residual.signum() as i32 };
        match side {
            0 => 0,
            side if self.run.signum() == side => self.run.saturating_add(side),
            side => side,
        }
    }

    /// Goes on to a sample at `time`.
    pub(super) fn learn(&mut self, time: Timestamp, sum: f64, residual: f64, scale: f64) {
        self.run = self.run(residual, scale);
        if sum > LEAST {
            self.onset = self.onset.or(Some(time));
            self.quiet = 0;
        } else if self.onset.is_some() {
            self.quiet += 1;
            if self.quiet >= QUIET {
                *self = Self { run: self.run, ..Self::new() };
            }
        }
    }

    /// Whether a stored one can be.
    pub(super) fn is_sound(&self) -> bool {
        self.quiet < QUIET
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_departure_keeps_its_onset_until_it_is_over() {
        let at = Timestamp::from_seconds;
        let mut departure = Departure::new();
        assert_eq!(departure.onset(at(1), 0.1), None);
        assert_eq!(departure.onset(at(1), 2.0), Some(at(1)));
        departure.learn(at(1), 2.0, 9.0, 1.0);
        departure.learn(at(2), 0.0, 8.0, 1.0);
        assert_eq!(departure.onset(at(3), 0.0), Some(at(1)));
        assert_eq!(departure.run(7.0, 1.0), 3);
        assert_eq!(departure.run(-7.0, 1.0), -1);
        assert_eq!(departure.run(0.5, 1.0), 0);
        (3..13).for_each(|second| departure.learn(at(second), 0.0, 0.0, 1.0));
        assert_eq!(departure.onset(at(13), 0.0), None);
    }
}

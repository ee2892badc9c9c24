//! Many parts, one score: habituation, so that an event is told once.

use serde::{Deserialize, Serialize};

/// A sum must be this many times the remembered one to be told again.
const AGAIN: f64 = 2.0;
/// Memory of what was told, in usual steps.
const MEMORY: f64 = 80.0;

/// What was told lately.
///
/// While an event lasts, only a sum twice as high as the one told is told again.
/// An equal one is told again after 55 steps (80 ln 2).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Habituation(f32);

impl Habituation {
    /// Nothing told yet.
    pub(super) const fn new() -> Self {
        Self(0.0)
    }

    /// The score of a sample whose parts sum to `sum`: the sum, or 0 when it is
    /// no news.
    pub(super) fn score(self, sum: f64) -> f64 {
        if sum > AGAIN * f64::from(self.0) { sum } else { 0.0 }
    }

    /// Remembers a sample whose parts sum to `sum`, `steps` usual steps after the last.
    pub(super) fn learn(&mut self, sum: f64, steps: f64) {
        let told = f64::from(self.0);
        let told = if sum > AGAIN * told { sum - told } else { told };
        self.0 = (told * MEMORY / (MEMORY + steps)) as f32;
    }

    /// Whether a stored one can be.
    pub(super) fn is_sound(self) -> bool {
        self.0 >= 0.0 && self.0.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_told_once_and_again_when_it_doubles_or_returns_later() {
        let mut habituation = Habituation::new();
        assert_eq!(habituation.score(3.0), 3.0);
        habituation.learn(3.0, 1.0);
        assert_eq!(habituation.score(5.0), 0.0);
        assert_eq!(habituation.score(7.0), 7.0);
        (0..50).for_each(|_| habituation.learn(0.0, 1.0));
        assert_eq!(habituation.score(3.0), 0.0);
        (0..20).for_each(|_| habituation.learn(0.0, 1.0));
        assert_eq!(habituation.score(3.0), 3.0);
    }
}

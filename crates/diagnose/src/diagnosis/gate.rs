//! Keeps a diagnosis from resting on telemetry that cannot be trusted.

use super::Diagnosis;
use crate::laws::Laws;

impl Diagnosis {
    /// Takes over what became of the laws. Where most signals cannot be trusted, what the others
    /// show is worth the less, and the cause the less known: probabilities go over to *unknown*.
    pub(super) fn rest_on(&mut self, laws: &Laws) {
        let share = laws.trust().share();
        for cause in &mut self.causes {
            cause.probability *= share;
        }
        self.healthy *= share;
        self.unknown = 1.0 - share + share * self.unknown;
        self.laws = laws.clone();
    }
}

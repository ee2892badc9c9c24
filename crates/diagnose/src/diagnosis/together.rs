//! Several faults at once: which explain most together.
//!
//! Two faults are weighed each beside the other: what one accounts for speaks neither for nor against
//! the other, and the pair in which both do best is taken (pseudo-likelihood: Besag, *Statistical
//! analysis of non-lattice data*, 1975). Taking the best alone first and the best beside it second
//! would begin with a fault that half explains both.

use std::collections::BTreeMap;

use super::{Cause, Diagnosis, Doctor};
use crate::evidence::Window;
use crate::scene::Scene;

/// Causes of a diagnosis that are tried as one of two.
const TRIED: usize = 6;

/// Least probability of the first two causes together, and of a second beside the first, by which it is told.
const SURE: f64 = 0.7;

/// Seconds from the onset on in which no second cause is told: what one fault brings comes bit by bit.
const YOUNG: f64 = 60.0;

/// By how much causes speak beside a known one: the logarithm of their odds to health.
type Beside = BTreeMap<String, (f64, Cause)>;

impl Doctor<'_> {
    /// A second fault at the same time: one that is likely by what the first cause of `diagnosis` leaves to be
    /// accounted for, where that or the next is likely. None in the first minute.
    ///
    /// Costs as much as the diagnosis.
    pub fn second(&self, scene: &Scene, window: Window, diagnosis: &Diagnosis) -> Option<Cause> {
        let first = diagnosis.causes.first()?;
        let lasted = window.end.saturating_sub(window.onset) as f64 * scene.step();
        // Two faults that are both there share the probability of a single one.
        let two = diagnosis.causes.iter().take(2).filter(|cause| !cause.benign);
        let sure: f64 = two.map(|cause| cause.probability).sum();
        if first.benign || sure < SURE || lasted < YOUNG {
            return None;
        }
        let beside = self.beside(scene, window, std::slice::from_ref(first));
        let second = beside.causes.into_iter().next()?;
        (!second.benign && second.probability >= SURE).then_some(second)
    }

    /// The `most` causes that explain most together, the likelier of the first two first; `alone` is
    /// what is known of each by itself.
    ///
    /// Costs a diagnosis for each cause that is tried, a dozen at most, and one for each after the
    /// second.
    pub fn together(
        &self,
        scene: &Scene,
        window: Window,
        alone: &Diagnosis,
        most: usize,
    ) -> Vec<Cause> {
        let alone: Vec<Cause> = harmful(alone.causes.iter().cloned()).collect();
        let weigh = |cause: &Cause| odds(self.beside(scene, window, std::slice::from_ref(cause)));
        let tried = alone.iter().take(TRIED);
        let mut beside: BTreeMap<String, Beside> =
            tried.clone().map(|cause| (cause.fault.clone(), weigh(cause))).collect();
        // Each beside one of them, to be weighed the other way about.
        let others: Vec<Cause> =
            beside.values().flatten().map(|(_, (_, cause))| cause.clone()).collect();
        for other in others {
            beside.entry(other.fault.clone()).or_insert_with(|| weigh(&other));
        }
        let mut best: Option<(f64, [Cause; 2])> = None;
        for one in tried {
            for (of_other, other) in beside[&one.fault].values() {
                let Some((of_one, _)) = beside[&other.fault].get(&one.fault) else { continue };
                let sum = of_one + of_other;
                if best.as_ref().is_none_or(|(most, _)| sum > *most) {
                    best = Some((sum, [one.clone(), other.clone()]));
                }
            }
        }
        let mut known: Vec<Cause> = match best {
            Some((_, pair)) => pair.into(),
            None => alone.into_iter().take(1).collect(),
        };
        known.truncate(most);
        while known.len() < most {
            let further = self.beside(scene, window, &known);
            let Some(cause) = harmful(further.causes).next() else { break };
            known.push(cause);
        }
        known
    }
}

/// What only looks like a fault needs no telling beside one.
fn harmful(causes: impl IntoIterator<Item = Cause>) -> impl Iterator<Item = Cause> {
    causes.into_iter().filter(|cause| !cause.benign)
}

fn odds(diagnosis: Diagnosis) -> Beside {
    let healthy = diagnosis.healthy.max(f64::MIN_POSITIVE).ln();
    let causes = harmful(diagnosis.causes).filter(|cause| cause.probability > 0.0);
    causes.map(|cause| (cause.fault.clone(), (cause.probability.ln() - healthy, cause))).collect()
}

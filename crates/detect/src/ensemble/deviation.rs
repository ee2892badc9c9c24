//! How far from normal a series is lately: a state, where the score tells of events.

use serde::{Deserialize, Serialize};

use super::conditioning::weight;

/// Memories over which oddness is averaged, in usual steps.
pub(super) const MEMORIES: [f64; 4] = [3.0, 10.0, 30.0, 100.0];
/// How much longer memories count for more: means over a longer time vary less.
pub(super) const POWER: f64 = 0.3;
/// Memory of the usual oddness, in usual steps.
const USUAL_MEMORY: f64 = 2000.0;
/// Oddness beyond this many usual ones counts as so many in the usual oddness.
pub(super) const CLIP: f64 = 10.0;
/// Samples whose oddness is learnt unclipped.
const FREE_SAMPLES: u32 = 50;
/// Weight of the residual, in typical ones, beside the parts of the score.
const RESIDUAL_WEIGHT: f64 = 0.3;
/// Residuals of more typical ones than this count as so many.
const MOST_TYPICAL: f64 = 20.0;

/// How odd a sample is whose parts sum to `sum` and whose residual is `residual`, where
/// `scale` is typical.
pub(super) fn oddness(sum: f64, residual: f64, scale: f64) -> f64 {
    let typical = match residual.abs() {
        0.0 => 0.0,
        far => (far / scale).min(MOST_TYPICAL),
    };
    sum + RESIDUAL_WEIGHT * typical
}

/// Averages of the oddness of samples over several memories, each less the usual
/// oddness. A short event shows in the short ones, a lasting one in the long ones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deviation {
    means: [f32; MEMORIES.len()],
    usual: f32,
}

impl Deviation {
    /// Nothing seen yet.
    pub(super) const fn new() -> Self {
        Self { means: [0.0; MEMORIES.len()], usual: 0.0 }
    }

    /// The largest of the averages, longer ones counting for more; at least 0.
    pub(super) fn now(&self) -> f64 {
        let scaled = self.means.iter().zip(MEMORIES);
        scaled.map(|(mean, memory)| f64::from(*mean) * memory.powf(POWER)).fold(0.0, f64::max)
    }

    /// Takes in a sample whose parts sum to `sum` and whose residual is `residual`,
    /// where `scale` is typical; the `seen`th, `steps` usual steps after the last.
    pub(super) fn learn(&mut self, sum: f64, residual: f64, scale: f64, steps: f64, seen: u32) {
        let odd = oddness(sum, residual, scale);
        let usual = f64::from(self.usual);
        for (mean, memory) in self.means.iter_mut().zip(MEMORIES) {
            let before = f64::from(*mean);
            let newest = weight(steps, memory - 1.0, u32::MAX);
            *mean = (before + newest * (odd - usual - before)) as f32;
        }
        let held = if seen < FREE_SAMPLES { odd } else { odd.min(CLIP * usual.max(1e-3)) };
        self.usual = (usual + weight(steps, USUAL_MEMORY, seen) * (held - usual)) as f32;
    }

    /// Whether a stored one can be.
    pub(super) fn is_sound(&self) -> bool {
        self.means.iter().all(|mean| mean.is_finite())
            && self.usual >= 0.0
            && self.usual.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_lasting_events_both_show_and_fade() {
        let mut deviation = Deviation::new();
        (1..500).for_each(|seen| deviation.learn(0.0, 1.0, 1.0, 1.0, seen));
        assert!(deviation.now() < 0.01);
        let mut spike = deviation;
        spike.learn(8.0, 10.0, 1.0, 1.0, 500);
        assert!(spike.now() > 3.0, "{}", spike.now());
        (501..520).for_each(|seen| spike.learn(0.0, 1.0, 1.0, 1.0, seen));
        assert!(spike.now() < 1.0, "{}", spike.now());
        (500..600).for_each(|seen| deviation.learn(0.5, 3.0, 1.0, 1.0, seen));
        assert!(deviation.now() > 2.0, "{}", deviation.now());
        assert!(deviation.is_sound());
    }
}

//! From a state to the moment it begins: how rare, and how new.

use auscult_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ensemble::peaks::{Extent, Peaks};

/// Clusters whose maxima are kept.
const KEPT: usize = 4;
/// Samples after its first exceedance that belong to a cluster.
const CLUSTER: u16 = 60;
/// Scales beyond the threshold to which one cluster may raise the tail.
const REACH: f32 = 2.0;
/// Least scale, as a share of the range of the state.
const LEAST: f32 = 0.05;
/// Samples over which an alarm is remembered.
const MEMORY: f64 = 40.0;
/// Samples over which repeated alarms are remembered.
const HABIT: f64 = 200.0;
/// How much of an alarm that is remembered the next one must pass.
const MEMORY_WEIGHT: f64 = 2.0;
/// How much habit takes off an alarm.
const HABIT_WEIGHT: f64 = 0.03;
/// Most scales that are told apart: what is rarer than once in 10^43 samples is all the same.
const MOST: f64 = 100.0;
/// Quiet samples after which a departure is over.
const QUIET: usize = 40;

/// The highest clusters of a state, and how used one is to it.
///
/// A state that lasts becomes a habit: it is new once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Onset {
    seen: usize,
    peaks: Peaks<KEPT>,
    extent: Extent,
    memory: f64,
    habit: f64,
    /// When the present departure began, and quiet samples since it was last seen.
    began: Option<Timestamp>,
    quiet: usize,
}

impl Onset {
    pub(crate) fn new() -> Self {
        Self {
            seen: 0,
            peaks: Peaks::new(),
            extent: Extent::new(),
            memory: 0.0,
            habit: 0.0,
            began: None,
            quiet: 0,
        }
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.peaks.is_sound() && self.extent.is_sound() && self.memory >= 0.0 && self.habit >= 0.0
    }

    /// The least scale of the tail.
    fn least(&self) -> f32 {
        LEAST * self.extent.range()
    }

    /// Scales by which `state` passes the threshold, and how many of them are news.
    fn news(&self, state: f32) -> (f64, f64) {
        let excess = f64::from(self.peaks.excess(state, self.least())).min(MOST);
        let news = (excess - MEMORY_WEIGHT * self.memory).max(0.0);
        (excess, news / (1.0 + HABIT_WEIGHT * self.habit))
    }

    /// Decimal logarithm of the samples after which `state` is expected to begin
    /// again, judged by what came before; at least 0.
    pub(crate) fn rarity(&self, state: f64) -> f64 {
        let Some(threshold) = self.peaks.threshold() else { return 0.0 };
        let known = (self.seen as f64 / KEPT as f64).max(1.0).log10();
        let (excess, news) = self.news(state as f32);
        if excess > 0.0 {
            (known + excess / std::f64::consts::LN_10) * news / excess
        } else {
            known * (state / f64::from(threshold).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0)
        }
    }

    /// When the departure began to which a `state` at `time` belongs.
    pub(crate) fn began(&self, state: f64, time: Timestamp) -> Option<Timestamp> {
        let (excess, _) = self.news(state as f32);
        (excess > 0.0).then(|| self.began.map_or(time, |began| began.min(time)))
    }

    /// Takes `state` in.
    pub(crate) fn learn(&mut self, state: f64, time: Timestamp) {
        let state = state as f32;
        let (excess, news) = self.news(state);
        self.memory = (self.memory + news) * (-1.0 / MEMORY).exp();
        self.habit = (self.habit + news) * (-1.0 / HABIT).exp();
        if excess > 0.0 {
            self.began.get_or_insert(time);
            self.quiet = 0;
        } else {
            self.quiet = self.quiet.saturating_add(1);
            if self.quiet > QUIET {
                self.began = None;
            }
        }
        let held = self.peaks.learn(state, self.least(), CLUSTER, Some(REACH));
        self.extent.learn(held, self.seen == 0);
        self.seen = self.seen.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(onset: &mut Onset, samples: usize) {
        for at in 0..samples {
            onset.learn(1.0 + 0.2 * ((at * 37) % 101) as f64 / 101.0, Timestamp::from_seconds(0));
        }
    }

    #[test]
    fn the_first_sample_of_a_departure_is_rare_and_the_hundredth_is_not() {
        let mut onset = Onset::new();
        quiet(&mut onset, 5000);
        assert!(onset.rarity(1.1) < 3.5);
        let first = onset.rarity(3.0);
        assert!(first > 5.0, "{first}");
        for _ in 0..100 {
            onset.learn(3.0, Timestamp::from_seconds(1));
        }
        assert!(onset.rarity(3.0) < 2.0, "{}", onset.rarity(3.0));
        assert_eq!(onset.began(3.0, Timestamp::from_seconds(9)), Some(Timestamp::from_seconds(1)));
    }

    #[test]
    fn one_outlier_does_not_hide_the_next() {
        let mut onset = Onset::new();
        quiet(&mut onset, 5000);
        onset.learn(1e9, Timestamp::from_seconds(0));
        quiet(&mut onset, 2000);
        assert!(onset.rarity(3.0) > 4.0, "{}", onset.rarity(3.0));
    }
}

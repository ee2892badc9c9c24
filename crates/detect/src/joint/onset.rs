//! From a state to the moment it begins: how rare, and how new.

use auscult_core::Timestamp;
use serde::{Deserialize, Serialize};

/// Clusters whose maxima are kept.
const KEPT: usize = 4;
/// Samples after a maximum that still belong to its cluster.
const CLUSTER: usize = 60;
/// Scales beyond the threshold to which one cluster may raise the tail.
const REACH: f64 = 2.0;
/// Least scale, as a share of the range of the state.
const LEAST: f64 = 0.05;
/// Samples over which an alarm is remembered.
const MEMORY: f64 = 40.0;
/// Samples over which repeated alarms are remembered.
const HABIT: f64 = 200.0;
/// How much of an alarm that is remembered the next one must pass.
const MEMORY_WEIGHT: f64 = 2.0;
/// How much habit takes off an alarm.
const HABIT_WEIGHT: f64 = 0.03;
/// Quiet samples after which a departure is over.
const QUIET: usize = 40;

/// The highest clusters of a state, and how used one is to it.
///
/// Peaks over threshold: the lowest of the four highest cluster maxima is the
/// threshold, their mean excess the scale of an exponential tail. A state that
/// lasts becomes a habit: it is new once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Onset {
    seen: usize,
    /// Cluster maxima, highest first.
    peaks: Vec<f64>,
    /// Place of the newest cluster among them, and samples since its maximum.
    newest: usize,
    since: usize,
    low: f64,
    high: f64,
    memory: f64,
    habit: f64,
    /// When the present departure began, and quiet samples since it was last seen.
    began: Option<Timestamp>,
    quiet: usize,
}

impl Onset {
    pub(super) fn new() -> Self {
        Self {
            seen: 0,
            peaks: Vec::new(),
            newest: 0,
            since: 0,
            low: f64::MAX,
            high: 0.0,
            memory: 0.0,
            habit: 0.0,
            began: None,
            quiet: 0,
        }
    }

    pub(super) fn is_sound(&self) -> bool {
        self.peaks.len() <= KEPT
            && self.newest < KEPT
            && self.peaks.is_sorted_by(|a, b| a >= b)
            && self.memory >= 0.0
            && self.habit >= 0.0
    }

    fn threshold(&self) -> f64 {
        self.peaks.last().copied().unwrap_or(0.0)
    }

    fn scale(&self) -> f64 {
        let floor = self.threshold();
        let excess: f64 = self.peaks.iter().map(|peak| peak - floor).sum();
        excess / self.peaks.len().max(1) as f64
            + LEAST * (self.high - self.low).max(0.0)
            + f64::MIN_POSITIVE
    }

    /// Scales by which `state` passes the threshold, and how many of them are news.
    fn news(&self, state: f64) -> (f64, f64) {
        if self.peaks.len() < KEPT {
            return (0.0, 0.0);
        }
        let excess = ((state - self.threshold()) / self.scale()).clamp(0.0, 1e6);
        let news = (excess - MEMORY_WEIGHT * self.memory).max(0.0);
        (excess, news / (1.0 + HABIT_WEIGHT * self.habit))
    }

    /// Decimal logarithm of the samples after which `state` is expected to begin
    /// again, judged by what came before; at least 0.
    pub(super) fn rarity(&self, state: f64) -> f64 {
        if self.peaks.len() < KEPT {
            return 0.0;
        }
        let known = (self.seen as f64 / KEPT as f64).max(1.0).log10();
        let (excess, news) = self.news(state);
        if excess > 0.0 {
            (known + excess / std::f64::consts::LN_10) * news / excess
        } else {
            known * (state / self.threshold().max(f64::MIN_POSITIVE)).clamp(0.0, 1.0)
        }
    }

    /// When the departure began to which a `state` at `time` belongs.
    pub(super) fn began(&self, state: f64, time: Timestamp) -> Option<Timestamp> {
        let (excess, _) = self.news(state);
        (excess > 0.0).then(|| self.began.map_or(time, |began| began.min(time)))
    }

    /// Takes `state` in.
    pub(super) fn learn(&mut self, state: f64, time: Timestamp) {
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
        let held = if self.peaks.len() < KEPT {
            state
        } else {
            state.min(self.threshold() + REACH * self.scale())
        };
        self.low = self.low.min(held);
        self.high = self.high.max(held);
        self.since = self.since.saturating_add(1);
        self.insert(held);
        self.seen = self.seen.saturating_add(1);
    }

    fn insert(&mut self, held: f64) {
        if !self.peaks.is_empty() && self.since <= CLUSTER {
            if held > self.peaks[self.newest] {
                self.peaks[self.newest] = held;
                self.since = 0;
                self.rise();
            }
            return;
        }
        if self.peaks.len() < KEPT {
            self.peaks.push(held);
        } else if held > self.threshold() {
            self.peaks[KEPT - 1] = held;
        } else {
            return;
        }
        self.newest = self.peaks.len() - 1;
        self.since = 0;
        self.rise();
    }

    /// Moves the newest peak up to its place.
    fn rise(&mut self) {
        while self.newest > 0 && self.peaks[self.newest - 1] < self.peaks[self.newest] {
            self.peaks.swap(self.newest - 1, self.newest);
            self.newest -= 1;
        }
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

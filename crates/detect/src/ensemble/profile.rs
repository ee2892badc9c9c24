//! The seasonal profile: what is usual at each time of a period.
//!
//! A level that follows slowly and, for each slot of the period, an offset from
//! it. Both learn from clipped errors only, so that no single reading moves them
//! far. The residual is the distance to the *band* that a slot and its two
//! neighbours span, which tolerates events that come a little early or late.

use serde::{Deserialize, Serialize};

use super::conditioning::weight;

/// Readings beyond this are held at it; offsets are kept in single precision.
const LARGEST: f64 = 1e30;
/// Errors beyond this many typical ones are clipped.
const CLIP: f64 = 4.0;
/// Residuals beyond this many typical ones count as so many in the typical residual.
const CLIP_SCALE: f64 = 5.0;
/// Weight of a visit in the offset of its slot, once it was visited a few times.
const RATE: f64 = 0.2;
/// Visits of a slot that are learnt unclipped: nothing is known of it yet.
const FREE_VISITS: u8 = 3;
/// Samples whose errors are learnt unclipped: nothing is known of the series yet.
const FREE_SAMPLES: u32 = 15;
/// Memory of the level, in samples.
const LEVEL_MEMORY: f64 = 200.0;
/// Memory of the mean error of the offsets, in samples.
const SPREAD_MEMORY: f64 = 300.0;
/// Memory of the typical residual, in samples.
const SCALE_MEMORY: f64 = 1000.0;

/// What is usual at some moment, in units of the reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Usual {
    /// Lower end of the band.
    pub(crate) low: f64,
    /// Upper end of the band.
    pub(crate) high: f64,
    /// The most usual reading.
    pub(crate) middle: f64,
}

impl Usual {
    /// Signed distance of `reading` to the band; 0 inside.
    pub(crate) fn residual(&self, reading: f64) -> f64 {
        if reading > self.high {
            reading - self.high
        } else if reading < self.low {
            reading - self.low
        } else {
            0.0
        }
    }
}

/// A level and an offset from it per slot of a period; without slots, a level alone.
///
/// Time O(1) per sample; memory 5 bytes a slot and 56 bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// Length of the period, in nanoseconds.
    period: i64,
    /// Offsets from the level.
    offsets: Box<[f32]>,
    /// Samples that each slot was learnt from, at most 255.
    visits: Box<[u8]>,
    level: f64,
    /// Mean clipped error of the offsets.
    spread: f32,
    /// Mean clipped residual.
    scale: f32,
    seen: u32,
}

impl Profile {
    /// `slots` of equal length over `period` nanoseconds; no slots for a level alone.
    pub(crate) fn new(slots: usize, period: i64) -> Self {
        Self {
            period,
            offsets: vec![0.0; slots].into(),
            visits: vec![0; slots].into(),
            level: 0.0,
            spread: 0.0,
            scale: 0.0,
            seen: 0,
        }
    }

    /// Mean clipped |residual|, at least 0.
    pub(crate) fn scale(&self) -> f64 {
        f64::from(self.scale)
    }

    /// What is usual at `nanos` since the epoch; before any sample, nothing is.
    pub(crate) fn usual(&self, nanos: i64) -> Option<Usual> {
        if self.seen == 0 {
            return None;
        }
        let count = self.offsets.len();
        if count == 0 {
            return Some(Usual { low: self.level, high: self.level, middle: self.level });
        }
        let slot = self.slot(nanos);
        let (mut low, mut high) = (self.offsets[slot], self.offsets[slot]);
        for side in [if slot == 0 { count } else { slot } - 1, (slot + 1) % count] {
            if self.visits[side] > 0 {
                low = low.min(self.offsets[side]);
                high = high.max(self.offsets[side]);
            }
        }
        let at = |offset: f32| self.level + f64::from(offset);
        Some(Usual { low: at(low), high: at(high), middle: at(self.offsets[slot]) })
    }

    /// Signed distance of `reading` at `nanos` to the usual band; 0 inside it.
    pub(crate) fn residual(&self, nanos: i64, reading: f64) -> f64 {
        self.usual(nanos).map_or(0.0, |usual| usual.residual(held(reading)))
    }

    /// Takes `reading` at `nanos` in, `steps` usual steps after the last one.
    pub(crate) fn learn(&mut self, nanos: i64, reading: f64, steps: f64) {
        let reading = held(reading);
        let residual = self.residual(nanos, reading).abs();
        if self.seen == 0 {
            self.level = reading;
        }
        self.seen = self.seen.saturating_add(1);
        let weight = |memory: f64| weight(steps, memory, self.seen);
        let typical = self.scale() + f64::from(self.spread);
        let clip =
            if self.seen < FREE_SAMPLES || typical == 0.0 { f64::MAX } else { CLIP * typical };
        let residual = match self.scale() {
            scale if self.seen >= FREE_SAMPLES && scale > 0.0 => residual.min(CLIP_SCALE * scale),
            _ => residual,
        };
        let scale = self.scale() + weight(SCALE_MEMORY) * (residual - self.scale());
        let (spread_weight, level_weight) = (weight(SPREAD_MEMORY), weight(LEVEL_MEMORY));
        let mut offset = 0.0;
        if !self.offsets.is_empty() {
            let slot = self.slot(nanos);
            let visits = self.visits[slot];
            offset = f64::from(self.offsets[slot]);
            let clip = if visits < FREE_VISITS { f64::MAX } else { clip };
            let error = (reading - self.level - offset).clamp(-clip, clip);
            offset += error * (1.0 / (f64::from(visits) + 1.0)).max(RATE);
            self.offsets[slot] = held(offset) as f32;
            self.visits[slot] = visits.saturating_add(1);
            let spread = f64::from(self.spread);
            self.spread = (spread + spread_weight * (error.abs() - spread)) as f32;
        }
        self.level += level_weight * (reading - offset - self.level).clamp(-clip, clip);
        self.scale = scale as f32;
    }

    /// Halves how sure it is of the shape of the period: what was watched was
    /// stopped and started again.
    pub(crate) fn restart(&mut self) {
        self.visits.iter_mut().for_each(|visits| *visits = visits.div_ceil(2));
    }

    fn slot(&self, nanos: i64) -> usize {
        let last = self.offsets.len() - 1;
        let length = (self.period / self.offsets.len() as i64).max(1);
        ((nanos.rem_euclid(self.period) / length) as usize).min(last)
    }

    /// Bytes on the heap.
    pub(crate) fn heap(&self) -> usize {
        5 * self.offsets.len()
    }

    /// Whether a stored one can be, and is of this shape.
    pub(crate) fn is_sound(&self, slots: usize) -> bool {
        self.offsets.len() == slots
            && self.visits.len() == slots
            && (slots == 0 || self.period > 0)
            && self.level.is_finite()
            && self.offsets.iter().all(|offset| offset.is_finite())
            && self.spread >= 0.0
            && self.spread.is_finite()
            && self.scale >= 0.0
            && self.scale.is_finite()
    }
}

fn held(reading: f64) -> f64 {
    reading.clamp(-LARGEST, LARGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000_000;

    /// A day that is 10 at night and 50 by day, every quarter of an hour.
    fn reading(quarter: i64) -> f64 {
        if (36..72).contains(&(quarter % 96)) { 50.0 } else { 10.0 }
    }

    fn after(quarters: i64) -> Profile {
        let mut profile = Profile::new(96, 24 * HOUR);
        (0..quarters).for_each(|at| profile.learn(at * HOUR / 4, reading(at), 1.0));
        profile
    }

    #[test]
    fn the_shape_of_a_day_is_learnt() {
        let profile = after(96 * 10);
        for at in 96 * 10..96 * 11 {
            let residual = profile.residual(at * HOUR / 4, reading(at));
            assert!(residual.abs() < 1.0, "{residual} in quarter {}", at % 96);
        }
        assert!(profile.residual((960 + 20) * HOUR / 4, 50.0) > 35.0, "day readings at night");
        assert!(profile.residual((960 + 50) * HOUR / 4, 10.0) < -35.0, "night readings by day");
    }

    #[test]
    fn a_quarter_of_an_hour_early_or_late_is_no_residual() {
        let profile = after(96 * 10);
        assert!(profile.residual((960 + 35) * HOUR / 4, 50.0).abs() < 1.0);
        assert!(profile.residual((960 + 72) * HOUR / 4, 50.0).abs() < 1.0);
    }

    #[test]
    fn one_outlier_moves_little_and_a_new_level_is_accepted() {
        let mut profile = after(96 * 10);
        let before = profile.usual(960 * HOUR / 4).unwrap();
        profile.learn(960 * HOUR / 4, 1e300, 1.0);
        let usual = profile.usual(960 * HOUR / 4).unwrap();
        assert!((usual.middle - before.middle).abs() < 5.0, "{before:?} {usual:?}");
        for at in 961..961 + 96 * 20 {
            profile.learn(at * HOUR / 4, reading(at) + 100.0, 1.0);
        }
        let at = 961 + 96 * 20;
        assert!(profile.residual(at * HOUR / 4, reading(at) + 100.0).abs() < 5.0);
    }

    #[test]
    fn a_restart_keeps_the_shape() {
        let mut profile = after(96 * 10);
        profile.restart();
        assert!((profile.usual((960 + 50) * HOUR / 4).unwrap().middle - 50.0).abs() < 1.0);
        assert!(profile.is_sound(96));
        assert!(!profile.is_sound(48));
    }

    #[test]
    fn without_slots_it_is_a_level() {
        let mut profile = Profile::new(0, 0);
        assert_eq!(profile.usual(0), None);
        (0..2000).for_each(|at| profile.learn(at, 7.0, 1.0));
        assert_eq!(profile.usual(5), Some(Usual { low: 7.0, high: 7.0, middle: 7.0 }));
        assert_eq!(profile.residual(5, 9.0), 2.0);
    }
}

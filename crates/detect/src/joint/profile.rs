//! What is left of a channel without its level and its course of the day.

use auscult_core::Timestamp;
use serde::{Deserialize, Serialize};

/// Parts into which a season is cut.
const SLOTS: usize = 96;
/// Weight of one visit of a slot.
const VISIT: f64 = 0.2;
/// Samples over which the level of a channel is followed.
const LEVEL: f64 = 1000.0;
/// Samples over which the size of residuals is followed.
const SIZE: f64 = 20_000.0;
/// Sizes that one sample may teach.
const REACH: f64 = 5.0;
/// Samples that teach everything they have.
const UNCLIPPED: usize = 30;

/// Level and seasonal profile of every channel, learnt winsorised.
///
/// A residual is the distance to the band that a slot and its two neighbours
/// span, so that a course that shifts by a slot is no departure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    seen: usize,
    level: Vec<f64>,
    /// Mean size of what the profile leaves.
    size: Vec<f64>,
    /// Shape `(channels, SLOTS)`.
    slots: Vec<f64>,
    /// Visits of each slot, as far as they count.
    visits: Vec<u8>,
}

/// The slot of `time` in a season of `season` seconds.
pub(super) fn slot(time: Timestamp, season: f64) -> usize {
    let phase = (time.seconds() / season).rem_euclid(1.0);
    ((phase * SLOTS as f64) as usize).min(SLOTS - 1)
}

impl Profile {
    pub(super) fn new(channels: usize) -> Self {
        Self {
            seen: 0,
            level: vec![0.0; channels],
            size: vec![0.0; channels],
            slots: vec![0.0; channels * SLOTS],
            visits: vec![0; SLOTS],
        }
    }

    pub(super) fn fits(&self, channels: usize) -> bool {
        self.level.len() == channels
            && self.size.len() == channels
            && self.slots.len() == channels * SLOTS
            && self.visits.len() == SLOTS
    }

    /// What level and profile do not account for.
    pub(super) fn residual(&self, channel: usize, slot: usize, reading: f64) -> f64 {
        if self.seen == 0 {
            return 0.0;
        }
        let slots = &self.slots[channel * SLOTS..(channel + 1) * SLOTS];
        let (mut low, mut high) = (slots[slot], slots[slot]);
        for near in [(slot + SLOTS - 1) % SLOTS, (slot + 1) % SLOTS] {
            if self.visits[near] > 0 {
                low = low.min(slots[near]);
                high = high.max(slots[near]);
            }
        }
        let above = reading - self.level[channel];
        (above - high).max(0.0) + (above - low).min(0.0)
    }

    /// Takes `readings` in.
    pub(super) fn learn(&mut self, slot: usize, readings: &[f64]) {
        if self.seen == 0 {
            self.level.copy_from_slice(readings);
        }
        let visit = VISIT.max(1.0 / (f64::from(self.visits[slot]) + 1.0));
        let samples = self.seen as f64 + 1.0;
        let (follow, settle) = ((1.0 / samples).max(1.0 / LEVEL), (1.0 / samples).max(1.0 / SIZE));
        for (channel, reading) in readings.iter().enumerate() {
            let reach = if self.seen < UNCLIPPED { f64::MAX } else { REACH * self.size[channel] };
            let own = &mut self.slots[channel * SLOTS + slot];
            let departure = reading - self.level[channel] - *own;
            *own += visit * departure.clamp(-reach, reach);
            self.size[channel] += settle * (departure.abs().min(reach) - self.size[channel]);
            let rest = reading - self.level[channel] - *own;
            self.level[channel] += follow * rest.clamp(-reach, reach);
        }
        self.visits[slot] = self.visits[slot].saturating_add(1).min((1.0 / VISIT) as u8);
        self.seen = self.seen.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daily_course_is_expected_on_the_third_day_and_its_absence_is_not() {
        let mut profile = Profile::new(1);
        let reading = |at: i64| 50.0 + 20.0 * (at as f64 / 288.0 * std::f64::consts::TAU).sin();
        let place = |at: i64| slot(Timestamp::from_seconds(at * 300), 86_400.0);
        for at in 0..288 * 4 {
            profile.learn(place(at), &[reading(at)]);
        }
        for at in 288 * 4..288 * 5 {
            let residual = profile.residual(0, place(at), reading(at));
            assert!(residual.abs() < 3.0, "{residual} at {at}");
        }
        let noon = 288 * 4 + 72;
        assert!(profile.residual(0, place(noon), 50.0) < -15.0);
    }
}

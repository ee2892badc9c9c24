//! Time as detectors need it: usual steps, gaps, late samples.

use auscult_core::Timestamp;
use serde::{Deserialize, Serialize};

/// Gaps between samples whose median is the usual step.
const GAPS: usize = 9;
/// A distance of more than this many usual steps is a gap: samples are missing.
const GAP_STEPS: f64 = 3.0;
/// Samples in a row that must be late until the clock is taken to have been set back.
const SET_BACK: u8 = 32;

/// How a sample follows the one before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Step {
    /// Nothing came before it.
    First,
    /// This many usual steps after the last, above 0 and at most three.
    Next(f64),
    /// So many usual steps after the last, more than three, that samples are missing.
    Gap(f64),
    /// Not after the last: a duplicate, or out of order. To be rated, not learnt.
    Late,
    /// Not after the last, as many before it: the clock was set back for good.
    SetBack,
}

/// Follows the times of a stream.
///
/// Memory: 56 bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clock {
    last: Option<Timestamp>,
    /// The newest distances between samples, in seconds; 0 where there is none yet.
    gaps: [f32; GAPS],
    /// Where the next one goes.
    next: u8,
    /// Late samples in a row.
    late: u8,
}

impl Clock {
    /// Nothing seen yet.
    pub(crate) const fn new() -> Self {
        Self { last: None, gaps: [0.0; GAPS], next: 0, late: 0 }
    }

    /// The usual step in seconds: the median of the newest gaps; `None` before there is one.
    pub(crate) fn usual_step(&self) -> Option<f64> {
        let mut gaps = self.gaps;
        gaps.sort_unstable_by(f32::total_cmp);
        let known = &gaps[gaps.iter().take_while(|gap| **gap == 0.0).count()..];
        known.get(known.len() / 2).map(|gap| f64::from(*gap))
    }

    /// Usual steps from `time` to the last sample; `None` while there is no usual step.
    pub(crate) fn steps_since(&self, time: Timestamp) -> Option<f64> {
        let usual = self.usual_step().filter(|usual| *usual > 0.0)?;
        Some(seconds_between(time, self.last?) / usual)
    }

    /// How a sample at `time` would follow.
    pub(crate) fn step(&self, time: Timestamp) -> Step {
        let Some(last) = self.last else { return Step::First };
        let seconds = seconds_between(last, time);
        if seconds <= 0.0 {
            return if self.late >= SET_BACK { Step::SetBack } else { Step::Late };
        }
        match self.usual_step() {
            None => Step::Next(1.0),
            Some(usual) if seconds > GAP_STEPS * usual => Step::Gap(seconds / usual),
            Some(usual) => Step::Next(seconds / usual),
        }
    }

    /// It is known that the clock was set back: the next sample is taken for the first after it,
    /// should it be late.
    pub(crate) fn follow_back(&mut self) {
        self.late = SET_BACK;
    }

    /// Goes on to `time`, which follows by `step`.
    pub(crate) fn learn(&mut self, time: Timestamp, step: Step) {
        match step {
            Step::Late => {
                self.late += 1;
                return;
            }
            Step::First => {}
            Step::SetBack => self.gaps = [0.0; GAPS],
            Step::Next(_) | Step::Gap(_) => {
                if let Some(last) = self.last {
                    self.gaps[usize::from(self.next)] = seconds_between(last, time) as f32;
                    self.next = (self.next + 1) % GAPS as u8;
                }
            }
        }
        self.late = 0;
        self.last = Some(time);
    }

    /// Whether a stored one can be.
    pub(crate) fn is_sound(&self) -> bool {
        usize::from(self.next) < GAPS
            && self.late <= SET_BACK
            && self.gaps.iter().all(|gap| gap.is_finite() && *gap >= 0.0)
    }
}

fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    (i128::from(to.nanos()) - i128::from(from.nanos())) as f64 / 1e9
}

/// Weight of a reading `steps` usual steps after the last in an average with a
/// memory of `memory` steps; the plain average while fewer were `seen`.
pub(crate) fn weight(steps: f64, memory: f64, seen: u32) -> f64 {
    (steps / (memory + steps)).max(1.0 / f64::from(seen.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: &[i64]) -> Clock {
        let mut clock = Clock::new();
        for second in seconds {
            let time = Timestamp::from_seconds(*second);
            clock.learn(time, clock.step(time));
        }
        clock
    }

    #[test]
    fn steps_are_told_from_gaps_and_late_samples() {
        let clock = after(&[0, 60, 120, 180]);
        let step = |second| clock.step(Timestamp::from_seconds(second));
        assert_eq!(step(240), Step::Next(1.0));
        assert_eq!(step(330), Step::Next(2.5));
        assert_eq!(step(780), Step::Gap(10.0));
        assert_eq!(step(180), Step::Late);
        assert_eq!(step(100), Step::Late);
        assert_eq!(Clock::new().step(Timestamp::from_seconds(5)), Step::First);
    }

    #[test]
    fn one_gap_does_not_change_the_usual_step_and_a_new_one_is_followed() {
        let mut seconds: Vec<i64> = (0..10).map(|at| 60 * at).collect();
        seconds.push(10_000);
        assert_eq!(after(&seconds).usual_step(), Some(60.0));
        seconds.extend((1..10).map(|at| 10_000 + 300 * at));
        assert_eq!(after(&seconds).usual_step(), Some(300.0));
    }

    #[test]
    fn a_clock_set_back_for_good_is_followed() {
        let mut clock = after(&[0, 60, 120_000]);
        for at in 0..32 {
            let time = Timestamp::from_seconds(500 + 60 * at);
            assert_eq!(clock.step(time), Step::Late, "sample {at}");
            clock.learn(time, Step::Late);
        }
        let time = Timestamp::from_seconds(500 + 60 * 32);
        assert_eq!(clock.step(time), Step::SetBack);
        clock.learn(time, Step::SetBack);
        assert_eq!(clock.step(Timestamp::from_seconds(500 + 60 * 33)), Step::Next(1.0));
    }

    #[test]
    fn weights_are_those_of_time_and_begin_as_a_plain_average() {
        assert_eq!(weight(1.0, 99.0, 1), 1.0);
        assert_eq!(weight(1.0, 99.0, 4), 0.25);
        assert_eq!(weight(1.0, 99.0, 1000), 0.01);
        assert!(weight(3.0, 99.0, 1000) > 0.029);
    }
}

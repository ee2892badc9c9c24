//! Stuck readings: one value again and again, in a series that used to change.
//!
//! Each run of equal readings is held against the runs before it. With `n` readings held
//! against the one before, of which `S` repeated it in `m` runs, a run begins at a share `m / n`
//! of readings, and goes on to `r` repetitions with the probability
//!
//! ```text
//!          r-2   α + i
//! P(r)  =   Π  ---------    with  α = S - m + 1.2,  β = m + 2.8
//!          i=0 α + β + i
//! ```
//!
//! the prediction of a geometric length whose rate is known from those runs and, for as much as
//! four of them, from the belief that what stalls once goes on with a probability of 0.3.
//! `n / (m P)` readings are the return period.

use serde::{Deserialize, Serialize};

/// Readings from which on a series is known.
const KNOWN: u16 = 300;
/// Greatest share of repetitions of a series that changes at nearly every reading.
const MOST_SHARE: f64 = 0.1;
/// Repetitions from which on a run can be odd: a count may well come two or three times by chance.
const LEAST_RUN: u32 = 3;
/// A run must be so many times as long as the longest before it.
const LONGER: u32 = 2;
/// Repetitions that a run may teach beyond that, so that one fault does not make deaf.
const LEAST_TAUGHT: u32 = 8;
/// Repetitions that are believed to go on, and to end: a feed that stalls once may well stall
/// for some readings, so that a few are no certainty however seldom it stalls.
const GOES_ON: f64 = 1.2;
const ENDS: f64 = 2.8;
/// Readings after which history is halved.
const LONGEST_HISTORY: u16 = 1 << 15;
/// Repetitions from which on a run becomes no rarer.
const RAREST: u32 = 200;

/// How often and for how long a series repeats a value.
///
/// A value at the edge of the range that was seen, such as 0 or a full 100, is not taken for
/// stuck: idleness and saturation repeat too. Neither is what has repeated for longer than the
/// series was known to change. Time O(1) for a reading that changes, O(run) for one that
/// repeats, at most 200 steps; 24 bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Repeats {
    /// Readings that were held against the one before, how many repeated it, in how many
    /// runs; older ones count less. A run counts once it is over.
    compared: u16,
    repeated: u16,
    runs: u16,
    longest: u16,
    /// Repetitions in the run that goes on.
    run: u32,
    /// The range of readings before it.
    low: f32,
    high: f32,
}

/// A run that is odd.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stuck {
    /// Repetitions so far.
    pub(crate) run: u32,
    /// Most repetitions before.
    pub(crate) longest: u16,
    /// Readings in which such a run comes once.
    pub(crate) return_readings: f64,
}

impl Repeats {
    pub(crate) const fn new() -> Self {
        let (low, high) = (f32::INFINITY, f32::NEG_INFINITY);
        Self { compared: 0, repeated: 0, runs: 0, longest: 0, run: 0, low, high }
    }

    /// Takes a `reading` in, behind the one `before`.
    pub(crate) fn learn(&mut self, before: Option<f64>, reading: f64) {
        if before == Some(reading) {
            self.run = self.run.saturating_add(1);
            return;
        }
        self.end();
        let reading = reading as f32;
        (self.low, self.high) = (self.low.min(reading), self.high.max(reading));
        self.compared += u16::from(before.is_some());
        if self.compared >= LONGEST_HISTORY {
            self.compared /= 2;
            self.repeated /= 2;
            self.runs /= 2;
        }
    }

    /// The run is over.
    fn end(&mut self) {
        if self.run == 0 {
            return;
        }
        let most = (LONGER * u32::from(self.longest) + LEAST_TAUGHT).min(u32::from(KNOWN));
        let taught = self.run.min(most) as u16;
        self.longest = self.longest.max(taught);
        self.compared += taught;
        self.repeated += taught;
        self.runs += 1;
        self.run = 0;
    }

    /// What goes on is not to be learnt from.
    pub(crate) fn interrupt(&mut self) {
        self.run = 0;
    }

    /// Whether the run that goes on, of `reading`, is odd.
    pub(crate) fn stuck(&self, reading: f64) -> Option<Stuck> {
        let Self { compared, repeated, runs, longest, run, low, high } = *self;
        let is_short = run < LEAST_RUN || run <= LONGER * u32::from(longest);
        if is_short || compared < KNOWN || run >= u32::from(compared) {
            return None;
        }
        let is_within = low < reading as f32 && (reading as f32) < high;
        let [compared, repeated, runs] = [compared, repeated, runs].map(f64::from);
        if !is_within || repeated > MOST_SHARE * compared {
            return None;
        }
        let on = repeated - runs + GOES_ON;
        let all = on + runs + ENDS;
        let steps = (0..run.min(RAREST) - 1).map(f64::from);
        let probability: f64 = steps.map(|step| (on + step) / (all + step)).product();
        let begins = (runs + 0.5) / (compared + 1.0);
        Some(Stuck { run, longest, return_readings: 1.0 / (begins * probability) })
    }

    /// Whether a stored one can be.
    pub(crate) fn is_sound(&self) -> bool {
        self.runs <= self.repeated
            && self.repeated <= self.compared
            && self.compared < LONGEST_HISTORY
            && !self.low.is_nan()
            && !self.high.is_nan()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repeatable number from 0 to 1.
    fn noise(seed: u64) -> f64 {
        let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The rarest run that is found in `readings`, in readings; 0 for none.
    fn rarest(readings: impl IntoIterator<Item = f64>) -> f64 {
        let (mut repeats, mut before, mut rarest) = (Repeats::new(), None, 0.0_f64);
        for reading in readings {
            repeats.learn(before, reading);
            before = Some(reading);
            rarest =
                repeats.stuck(reading).map_or(rarest, |stuck| rarest.max(stuck.return_readings));
        }
        assert!(repeats.is_sound());
        rarest
    }

    fn then_stuck(usual: impl Fn(u64) -> f64, at: f64, repetitions: usize) -> f64 {
        rarest((0..2000).map(usual).chain(std::iter::repeat_n(at, repetitions)))
    }

    #[test]
    fn one_value_again_and_again_is_odd_where_values_used_to_change() {
        assert!(then_stuck(noise, 0.5, 4) < 1e5);
        assert!(then_stuck(noise, 0.5, 40) > 1e7);
        // One in twenty readings repeats: a longer run is needed.
        let coarse = |step| noise(if noise(step << 20) < 0.05 { step - 1 } else { step });
        assert!(then_stuck(coarse, 0.5, 4) < 1e6);
        assert!(then_stuck(coarse, 0.5, 40) > 1e8);
    }

    #[test]
    fn what_is_often_constant_idle_or_full_is_never_stuck() {
        let flag = |step: u64| f64::from(step.is_multiple_of(50));
        let whole = |step: u64| (4.0 * noise(step)).round();
        assert_eq!(then_stuck(flag, 0.5, 1000), 0.0);
        assert_eq!(then_stuck(whole, 2.5, 1000), 0.0);
        assert_eq!(then_stuck(|step| noise(step) + 1.0, 0.0, 1000), 0.0, "idle");
        assert_eq!(then_stuck(|step| noise(step).min(0.95), 0.95, 1000), 0.0, "full");
        assert_eq!(rarest(std::iter::repeat_n(7.0, 5000)), 0.0);
    }

    #[test]
    fn what_came_before_counts_for_less_and_what_lasts_is_usual_in_the_end() {
        // Stuck for thirty readings every thousand: it is what the series does.
        let now_and_then = |step: u64| noise(if step % 1000 < 30 { step / 1000 } else { step });
        let series = |from: u64, to: u64| (from..to).map(now_and_then);
        assert!(rarest(series(0, 1_030)) > 1e4);
        let mut repeats = Repeats::new();
        let mut before = None;
        let mut last = 0.0_f64;
        for reading in series(0, 12_000) {
            repeats.learn(before, reading);
            before = Some(reading);
            if repeats.compared > 9_000 {
                last = repeats.stuck(reading).map_or(last, |stuck| last.max(stuck.return_readings));
            }
        }
        assert_eq!(last, 0.0);
        let mut repeats = Repeats::new();
        (0..2000).for_each(|step| repeats.learn(Some(noise(step)), noise(step + 1)));
        (0..1000).for_each(|_| repeats.learn(Some(0.5), 0.5));
        assert!(repeats.stuck(0.5).is_some());
        (0..1000).for_each(|_| repeats.learn(Some(0.5), 0.5));
        assert_eq!(repeats.stuck(0.5), None, "longer than it was known to change");
    }

    #[test]
    fn a_return_period_is_kept_where_repetitions_are_chance() {
        // Values of 12 kinds: one in twelve repeats.
        let kinds = |step: u64| (13.0 * noise(step)).floor() + 0.5;
        let (mut repeats, mut before, mut told) = (Repeats::new(), None, 0);
        let readings = 400_000;
        let mut is_told = false;
        for reading in (0..readings).map(kinds) {
            repeats.learn(before, reading);
            before = Some(reading);
            let is_odd = repeats.stuck(reading).is_some_and(|stuck| stuck.return_readings > 2e4);
            told += u32::from(is_odd && !is_told);
            is_told = is_odd;
        }
        assert!(told <= 20, "{told} in {readings}, of which one in 20,000 may be");
    }
}

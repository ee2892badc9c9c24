//! Scores of any method, calibrated: how rare they are in their own stream.

use auscult_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::conditioning::Clock;
use super::rarity::Rarity;

/// How rare scores of one stream are, whatever method gives them.
///
/// A score means something within its method only; its return period, the seconds in which this
/// stream gives one so high once, means the same for all. It is read from the highest score of
/// each stretch of 60 samples, so that what lasts counts once, as the default detector's own is. Within
/// history it holds whatever the distribution is; beyond, it goes on along a heavy tail. Before
/// eight stretches nothing is said. Time O(1) per score; memory about 130 bytes.
///
/// ```
/// use auscult_core::Timestamp;
/// use auscult_detect::ensemble::ReturnPeriods;
/// let mut periods = ReturnPeriods::new();
/// for minute in 0..6000 {
///     let score = ((minute * 7919) % 1009) as f64;
///     periods.learn(Timestamp::from_seconds(60 * minute), score);
/// }
/// assert!(periods.seconds(1500.0) > 86_400.0);
/// assert!(periods.seconds(300.0) < 7200.0);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnPeriods {
    clock: Clock,
    rare: Rarity,
}

impl Default for ReturnPeriods {
    fn default() -> Self {
        Self::new()
    }
}

impl ReturnPeriods {
    /// Of a stream without scores yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { clock: Clock::new(), rare: Rarity::new() }
    }

    /// Whether history is long enough to say anything.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.rare.is_known() && self.clock.usual_step().is_some()
    }

    /// Seconds in which a `score` so high comes once; 0 for a score of 0, and while history is
    /// too short.
    #[must_use]
    pub fn seconds(&self, score: f64) -> f64 {
        let step = self.clock.usual_step().filter(|_| self.is_known() && score > 0.0);
        step.map_or(0.0, |step| step * self.rare.samples(score))
    }

    /// Takes the `score` of the sample at `time` in; it is at least 0.
    pub fn learn(&mut self, time: Timestamp, score: f64) {
        self.clock.learn(time, self.clock.step(time));
        self.rare.learn(score);
    }

    /// Forgets how high scores from `from` to `until` were: something was truly wrong then, so that
    /// they say nothing of how often health brings such.
    pub fn confirm(&mut self, from: Timestamp, until: Timestamp) {
        if let (Some(oldest), Some(newest)) =
            (self.clock.steps_since(from), self.clock.steps_since(until))
        {
            self.rare.forget(oldest, newest.max(0.0));
        }
    }

    /// Says that the clock of the source was set back before the next sample.
    pub fn follow_clock_back(&mut self) {
        self.clock.follow_back();
    }

    /// Whether a stored one can be.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.clock.is_sound() && self.rare.is_sound()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_that_lasts_is_counted_once_for_each_stretch() {
        let mut periods = ReturnPeriods::new();
        let learn = |periods: &mut ReturnPeriods, minutes: std::ops::Range<i64>, score: f64| {
            minutes.for_each(|at| periods.learn(Timestamp::from_seconds(60 * at), score));
        };
        learn(&mut periods, 0..479, 1.0);
        assert!(!periods.is_known());
        assert_eq!(periods.seconds(9.0), 0.0);
        learn(&mut periods, 479..6000, 1.0);
        let before = periods.seconds(5.0);
        learn(&mut periods, 6000..6060, 5.0);
        let after = periods.seconds(5.0);
        assert!(before >= 6000.0 * 60.0, "{before}");
        // One stretch of a hundred and one was as high.
        assert!((2900.0..3200.0).contains(&(after / 60.0)), "{after}");
        assert!(periods.is_sound());
        let json = serde_json::to_string(&periods).unwrap();
        assert_eq!(serde_json::from_str::<ReturnPeriods>(&json).unwrap(), periods);
    }
}

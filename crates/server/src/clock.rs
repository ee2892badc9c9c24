//! The only place that asks what time it is.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auscult_core::Timestamp;

/// The time of day.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// A tick that comes so many nanoseconds too late was not only slow.
const FORTH: i64 = 60_000_000_000;
/// Clocks are corrected by less all the time.
const BACK: i64 = 1_000_000_000;
/// Before the first tick.
const NEVER: i64 = i64::MIN;

/// Notices that the time of day jumped from one tick to the next: somebody set the clock, or the
/// process or the machine did not run for a while.
#[derive(Debug)]
pub(crate) struct Jumps {
    /// Nanoseconds from tick to tick.
    every: i64,
    last: AtomicI64,
}

impl Jumps {
    /// Where a tick is to come `every` so often.
    pub(crate) fn new(every: Duration) -> Self {
        let every = i64::try_from(every.as_nanos()).unwrap_or(i64::MAX);
        Self { every, last: AtomicI64::new(NEVER) }
    }

    /// A tick at `now`; the nanoseconds by which time jumped since the one before, if it did.
    pub(crate) fn tick(&self, now: Timestamp) -> Option<i64> {
        let last = self.last.swap(now.nanos(), Ordering::Relaxed);
        if last == NEVER {
            return None;
        }
        let jump = now.nanos().saturating_sub(last).saturating_sub(self.every);
        let longest = FORTH.saturating_add(self.every.saturating_mul(10));
        (jump > longest || jump < -BACK - self.every).then_some(jump)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_are_told_from_slow_ticks_and_small_corrections() {
        let jumps = Jumps::new(Duration::from_secs(5));
        let jumped = |second| jumps.tick(Timestamp::from_seconds(second));
        let usual = [1000, 1005, 1010, 1080, 1085, 1084].map(jumped);
        assert_eq!(usual, [None; 6], "slow by a minute, set back by six seconds less five");
        assert_eq!(jumped(1089 + 3600), Some(3_600_000_000_000));
        assert_eq!(jumped(1094 + 3600), None);
        assert_eq!(jumped(1099), Some(-3_600_000_000_000));
        assert_eq!(jumped(1104), None);
    }
}

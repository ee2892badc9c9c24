//! Samples a second, on average.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Seconds over which the average is taken.
const WINDOW: f64 = 10.0;

/// An account of samples that fills as time goes by. It is charged once a request has been read, so
/// it may be overdrawn by one request, and what comes next waits until that is made up for.
#[derive(Debug)]
pub(super) struct Rate {
    per_second: f64,
    account: Mutex<Account>,
}

#[derive(Debug)]
struct Account {
    left: f64,
    at: Instant,
}

impl Rate {
    /// `None` for no limit.
    pub(super) fn new(per_second: u64) -> Option<Self> {
        let rate = per_second as f64;
        let account = Mutex::new(Account { left: rate * WINDOW, at: Instant::now() });
        (per_second > 0).then_some(Self { per_second: rate, account })
    }

    /// How long to wait before more may come.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let left = self.settle(now, 0.0);
        (left <= 0.0).then(|| Duration::from_secs_f64((1.0 - left) / self.per_second))
    }

    /// Notes that `samples` came.
    pub(super) fn charge(&self, samples: u64, now: Instant) {
        self.settle(now, samples as f64);
    }

    fn settle(&self, now: Instant, samples: f64) -> f64 {
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = now.saturating_duration_since(account.at).as_secs_f64();
        account.at = account.at.max(now);
        account.left = (account.left + gone * self.per_second).min(self.per_second * WINDOW);
        account.left -= samples;
        account.left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_in_advance_is_made_up_for() {
        let rate = Rate::new(100).unwrap();
        let start = Instant::now() + Duration::from_secs(60);
        assert_eq!(rate.wait(start), None);
        rate.charge(1500, start);
        let wait = rate.wait(start).unwrap();
        assert!((5.0..5.1).contains(&wait.as_secs_f64()), "{wait:?}");
        assert_eq!(rate.wait(start + wait), None);
        assert!(Rate::new(0).is_none());
    }
}

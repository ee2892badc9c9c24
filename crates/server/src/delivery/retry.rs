//! When to try again, and when not to.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The longest wait that a receiver may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

/// Waits that double from failure to failure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

impl Backoff {
    /// How long to wait after so many failures in a row: between half and all of the doubled
    /// wait, so that many senders do not come back together.
    pub(crate) fn wait(self, failures: u32) -> Duration {
        let doubled = self.first.saturating_mul(1 << failures.saturating_sub(1).min(30));
        let share = 0.5 + (random() >> 11) as f64 / (1_u64 << 54) as f64;
        doubled.min(self.longest).mul_f64(share)
    }
}

/// A random number; not for secrets.
pub(crate) fn random() -> u64 {
    // Each state has keys of its own, the first from the system.
    RandomState::new().build_hasher().finish()
}

/// Why something was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// In words, without the address.
    pub(crate) reason: String,
    /// Whether the same request would be refused again.
    pub(crate) is_final: bool,
    /// The wait that the receiver asks for.
    pub(crate) retry_after: Option<Duration>,
}

impl Refused {
    /// A failure that may pass.
    pub(crate) fn passing(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_final: false, retry_after: None }
    }

    /// What an answer that is no success says.
    pub(crate) fn answer(status: StatusCode, headers: &HeaderMap) -> Self {
        Self {
            reason: format!("it answers {status}"),
            is_final: is_final(status),
            retry_after: retry_after(headers, SystemTime::now()),
        }
    }
}

/// Whether the same request would be answered the same again: redirections, which are not
/// followed, and faults of the request, but those that pass.
fn is_final(status: StatusCode) -> bool {
    let passes = [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::LOCKED,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    status.is_redirection() || (status.is_client_error() && !passes.contains(&status))
}

/// `Retry-After`, as seconds or as a date; an hour at most.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(wait.min(LONGEST_ASKED))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_differ() {
        let second = Duration::from_secs(1);
        let backoff = Backoff { first: second, longest: 60 * second };
        for (failures, most) in [(1, 1), (2, 2), (5, 16), (7, 60), (u32::MAX, 60)] {
            let wait = backoff.wait(failures);
            assert!(wait >= most * second / 2 && wait <= most * second, "{failures}: {wait:?}");
        }
        let waits: std::collections::HashSet<_> = (0..20).map(|_| backoff.wait(7)).collect();
        assert!(waits.len() > 10, "{waits:?}");
    }

    #[test]
    fn what_cannot_get_better_is_told_from_what_may() {
        for code in [301, 400, 401, 403, 404, 405, 410, 413, 415, 422] {
            assert!(is_final(StatusCode::from_u16(code).unwrap()), "{code}");
        }
        for code in [408, 423, 425, 429, 500, 502, 503, 504] {
            assert!(!is_final(StatusCode::from_u16(code).unwrap()), "{code}");
        }
    }

    #[test]
    fn a_wait_is_asked_for_in_seconds_or_by_a_date() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        let wait = |text: &str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            retry_after(&headers, now).map(|wait| wait.as_secs())
        };
        assert_eq!(wait("120"), Some(120));
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:30 GMT"), Some(0));
        assert_eq!(wait("999999999"), Some(3600));
        assert_eq!(wait("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}

//! Credentials that were right a short while ago, so that a scrape each second does not cost a
//! bcrypt each second. Kept are keyed hashes, of which nothing can be learnt.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ring::hmac::{HMAC_SHA256, Key, sign};
use ring::rand::SystemRandom;

/// How long credentials count as right.
const LIFETIME: Duration = Duration::from_secs(300);
/// Credentials that are remembered at most.
const MOST: usize = 1024;

/// Hash of credentials, by a key that only this process has.
pub(super) type Fingerprint = [u8; 32];

/// Credentials that were right, and the places of their users.
pub(super) struct Verified {
    key: Key,
    entries: Mutex<HashMap<Fingerprint, (usize, Instant)>>,
}

impl fmt::Debug for Verified {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Verified").finish_non_exhaustive()
    }
}

impl Verified {
    pub(super) fn new() -> Result<Self, String> {
        let key = Key::generate(HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| "the system has no random numbers".to_owned())?;
        Ok(Self { key, entries: Mutex::default() })
    }

    /// The hash under which `credentials` are looked up: who does not have the key cannot find
    /// out by the time of a look-up how much of a guess is right.
    pub(super) fn fingerprint(&self, credentials: &[u8]) -> Fingerprint {
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(sign(&self.key, credentials).as_ref());
        fingerprint
    }

    /// The place of the user whose credentials these are, if they were right lately.
    pub(super) fn get(&self, fingerprint: &Fingerprint, now: Instant) -> Option<usize> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (user, since) = entries.get(fingerprint)?;
        (now.saturating_duration_since(*since) < LIFETIME).then_some(*user)
    }

    /// Notes that these are the credentials of `user`.
    pub(super) fn add(&self, fingerprint: Fingerprint, user: usize, now: Instant) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MOST {
            entries.retain(|_, (_, since)| now.saturating_duration_since(*since) < LIFETIME);
            if entries.len() >= MOST {
                entries.clear();
            }
        }
        entries.insert(fingerprint, (user, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_right_is_remembered_for_a_while() {
        let verified = Verified::new().unwrap();
        let now = Instant::now();
        let (right, wrong) = (verified.fingerprint(b"a\0b"), verified.fingerprint(b"a\0c"));
        verified.add(right, 7, now);
        assert_eq!(verified.get(&right, now), Some(7));
        assert_eq!(verified.get(&wrong, now), None);
        assert_eq!(verified.get(&right, now + LIFETIME), None);
        let other = Verified::new().unwrap();
        assert_ne!(other.fingerprint(b"a\0b"), right);
    }
}

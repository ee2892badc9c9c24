//! Whether what comes late is a straggler, or the clock of its source was set back.

use serde::{Deserialize, Serialize};

/// Requests in a row that must come late until the clock is taken to have been set back: a
/// minute, where samples come every 15 seconds.
const SET_BACK: u8 = 4;
/// What earlier releases counted up to, which may stand in a stored state.
const MOST_STORED: u8 = 32;

/// How a sample came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The first of its series in a request.
    First,
    /// Behind another in the same request. That much of it is late says no more than that the
    /// first is: what is sent again after an answer that was lost is late as a whole.
    More,
    /// From a source of which it is known that its clock was set back.
    SetBack,
}

/// Counts what comes late.
///
/// A clock that was set back goes on: each request is late, and each less so than the one
/// before. Two senders of which one lags behind are not taken for one, as what is new comes
/// between what is late; nor is something old that is sent once more.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Lateness {
    /// Requests in a row.
    late: u8,
    /// Milliseconds by which the last one was late; all there are if more. Not stored: a
    /// restart may at worst take one more request.
    #[serde(skip)]
    behind: u32,
}

impl Lateness {
    /// Whether a stored one can be.
    pub(crate) fn is_sound(&self) -> bool {
        self.late <= MOST_STORED
    }

    /// Something came in time.
    pub(crate) fn end(&mut self) {
        *self = Self::default();
    }

    /// Something came late by so many nanoseconds; says whether the clock was set back, and
    /// it counts.
    pub(crate) fn is_set_back(&mut self, nanos: i64, arrival: Arrival) -> bool {
        match arrival {
            Arrival::More => return false,
            Arrival::SetBack => {}
            Arrival::First => {
                let behind = u32::try_from(nanos / 1_000_000).unwrap_or(u32::MAX);
                let goes_on = behind < self.behind || behind == u32::MAX;
                self.late = if goes_on { self.late.saturating_add(1) } else { 1 };
                self.behind = behind;
                if self.late < SET_BACK {
                    return false;
                }
            }
        }
        self.end();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn a_clock_that_goes_on_behind_is_followed_at_the_fourth_request() {
        let mut lateness = Lateness::default();
        let behind = [3600, 3585, 3570, 3555];
        let told = behind.map(|s| lateness.is_set_back(s * SECOND, Arrival::First));
        assert_eq!(told, [false, false, false, true]);
        // Set back further than can be counted.
        let told = [1; 4].map(|_| lateness.is_set_back(i64::MAX, Arrival::First));
        assert_eq!(told, [false, false, false, true]);
    }

    #[test]
    fn stragglers_and_repetitions_are_not_taken_for_one() {
        let mut lateness = Lateness::default();
        // A request that is sent again and again.
        for _ in 0..20 {
            assert!(!lateness.is_set_back(600 * SECOND, Arrival::First));
            assert!((0..40).all(|at| !lateness.is_set_back((599 - at) * SECOND, Arrival::More)));
        }
        // A second sender, which lags behind.
        for at in 0..20 {
            assert!(!lateness.is_set_back((40 - at) * SECOND, Arrival::First));
            lateness.end();
        }
    }
}

//! Collectives that do not end, and what the flight recorder shows of them.

use crate::conditions::RankConditions;

/// Where a rank stands in its last collective, as PyTorch's flight recorder tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flight {
    /// It has not entered the collective that the others are in.
    Outside,
    /// It has entered, and its kernel never started.
    Scheduled,
    /// Its kernel runs and waits for the others.
    Started,
    /// The last collective ended.
    Completed,
}

/// Why no collective ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stall {
    /// A rank is stuck outside.
    Stuck,
    /// A rank is stuck inside.
    Deadlock,
    /// A link gives nothing.
    Link,
}

/// Whether some rank holds all others.
pub(super) fn held(ranks: &[RankConditions]) -> Option<Stall> {
    ranks.iter().find_map(|rank| {
        if rank.stuck >= 0.5 {
            Some(Stall::Stuck)
        } else if rank.deadlock >= 0.5 {
            Some(Stall::Deadlock)
        } else {
            None
        }
    })
}

/// Where this rank stands while the job stalls.
pub(super) fn flight(rank: &RankConditions) -> Flight {
    if rank.stuck >= 0.5 {
        Flight::Outside
    } else if rank.deadlock >= 0.5 {
        Flight::Scheduled
    } else {
        Flight::Started
    }
}

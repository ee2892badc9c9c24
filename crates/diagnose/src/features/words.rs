//! What a series does around a moment, and what those that are alike do, each in a word.

/// Readings of a series over a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Side {
    /// Readings that there were.
    pub count: u64,
    /// Times at which the series was there.
    pub came: u64,
    /// Times at which it was not.
    pub missing: u64,
    /// Readings that were not finite.
    pub not_finite: u64,
    /// Mean of the finite readings.
    pub mean: f64,
    /// Least of them.
    pub least: f64,
    /// Greatest of them.
    pub greatest: f64,
    /// Standard deviation of them.
    pub deviation: f64,
}

/// What a series does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// By so many of its own spreads.
    Moves(f64),
    /// It was 0, and no longer is.
    Starts,
    /// It became 0.
    Stops,
    /// It is no longer there.
    Absent,
    /// It was not there.
    Appears,
    /// It is no number any more.
    NotANumber,
}

/// Spread that is taken for one at least, as a share of the mean.
const LEAST_SPREAD: f64 = 0.05;
/// Spread of a quotient, as a share of it.
const QUOTIENT_SPREAD: f64 = 0.1;
/// Spreads from which on a series moves, and from which on it moves far.
const MOVES: f64 = 1.0;
const MOVES_FAR: f64 = 4.0;
/// Spreads by which one parts from the others.
const APART: f64 = 2.0;

impl Change {
    /// What a series does that read so; `None` where it never read anything.
    pub fn of(before: &Side, after: &Side) -> Option<Self> {
        if before.count + after.count + after.not_finite == 0 {
            return None;
        }
        if after.not_finite > 0 && before.not_finite == 0 {
            return Some(Self::NotANumber);
        }
        if before.count == 0 {
            return Some(Self::Appears);
        }
        if after.count == 0 || after.missing > after.came {
            return Some(Self::Absent);
        }
        let zero_before = before.least == 0.0 && before.greatest == 0.0;
        let zero_after = after.least == 0.0 && after.greatest == 0.0;
        Some(match (zero_before, zero_after) {
            (true, true) => Self::Moves(0.0),
            (true, false) => Self::Starts,
            (false, true) => Self::Stops,
            (false, false) => {
                let floor = (LEAST_SPREAD * before.mean.abs()).max(f64::MIN_POSITIVE);
                Self::Moves((after.mean - before.mean) / before.deviation.max(floor))
            }
        })
    }

    /// Of the quotient of two signals, each before and after; `None` where there is none.
    pub fn of_quotient((above, below): (&[f64; 2], &[f64; 2])) -> Option<Self> {
        let quotient = |at: usize| (below[at] > 0.0).then(|| above[at] / below[at]);
        let (before, after) = (quotient(0)?, quotient(1)?);
        let floor = (QUOTIENT_SPREAD * before).max(f64::MIN_POSITIVE);
        Some(match (before == 0.0, after == 0.0) {
            (true, true) => Self::Moves(0.0),
            (true, false) => Self::Starts,
            (false, true) => Self::Stops,
            (false, false) => Self::Moves((after - before) / floor),
        })
    }

    /// On one scale with the others, for what is most and what lies in the middle.
    pub(super) fn size(self) -> f64 {
        self.rank().abs()
    }

    fn rank(self) -> f64 {
        match self {
            Self::Moves(spreads) => spreads.clamp(-50.0, 50.0),
            Self::Starts => 60.0,
            Self::Appears => 70.0,
            Self::Stops => -60.0,
            Self::Absent => -70.0,
            Self::NotANumber => 80.0,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Moves(spreads) if spreads >= MOVES_FAR => "rises far",
            Self::Moves(spreads) if spreads >= MOVES => "rises",
            Self::Moves(spreads) if spreads <= -MOVES_FAR => "falls far",
            Self::Moves(spreads) if spreads <= -MOVES => "falls",
            Self::Moves(_) => "steady",
            Self::Starts => "starts",
            Self::Stops => "stops",
            Self::Absent => "absent",
            Self::Appears => "appears",
            Self::NotANumber => "not a number",
        }
    }
}

/// What peers do.
#[derive(Debug)]
pub(super) struct Together {
    pub(super) middle: Change,
    /// The one that parts most, and how far, in spreads.
    extreme: Change,
    pub(super) distance: f64,
    parting: usize,
}

impl Together {
    pub(super) fn of(changes: &[Change]) -> Self {
        let mut sorted = changes.to_vec();
        sorted.sort_by(|one, other| one.rank().total_cmp(&other.rank()));
        let middle = sorted[(sorted.len() - 1) / 2];
        let distance = |change: &Change| (change.rank() - middle.rank()).abs();
        let extreme =
            sorted.iter().copied().max_by(|one, other| distance(one).total_cmp(&distance(other)));
        let extreme = extreme.unwrap_or(middle);
        let parting = sorted.iter().filter(|change| distance(change) >= APART).count();
        Self { middle, extreme, distance: distance(&extreme), parting }
    }

    pub(super) fn apart(&self) -> String {
        match self.parting {
            0 => "none".to_owned(),
            1 => format!("one {}", self.direction()),
            _ => format!("some {}", self.direction()),
        }
    }

    fn direction(&self) -> &'static str {
        match self.extreme {
            Change::Moves(_) if self.extreme.rank() > self.middle.rank() => "higher",
            Change::Moves(_) => "lower",
            other => other.word(),
        }
    }
}

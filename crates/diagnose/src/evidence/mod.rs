//! Evidence: whether a statement holds at a place, fails there, or cannot be known.

mod before_after;
mod judge;
mod onset;
pub(crate) mod quantity;
mod told;

pub use before_after::BeforeAfter;
pub(crate) use before_after::TAIL;
pub use judge::{CHANGED_AFTER, CHANGED_BEFORE, Judge};
pub use onset::{EstimatedOnset, estimate_onset};
pub(crate) use quantity::quantity;

/// What became of a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Whether it holds; `None` if that cannot be known.
    pub holds: Option<bool>,
    /// What was seen, for people.
    pub seen: String,
    /// Targets at which it was seen, by number.
    pub at: Vec<usize>,
}

impl Finding {
    fn unknown() -> Self {
        Self { holds: None, seen: String::new(), at: Vec::new() }
    }
}

/// The stretch of time that is asked about, on the grid of a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First reading of the time before.
    pub from: usize,
    /// First reading after it began.
    pub onset: usize,
    /// After the last reading.
    pub end: usize,
}

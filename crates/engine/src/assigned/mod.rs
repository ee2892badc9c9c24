//! Methods of the catalogue that people assign to series, beside the default detector.
//!
//! A [`Stream`] is a method on one stream: of one series, or of several series of a target, row by
//! row ([`Joints`]). What it says is held against its own history, as the default detector's
//! sums are, so that events of all methods mean the same. [`Room`] holds their memory to a limit.

mod joint;
mod room;
mod stream;
mod trial;

use std::sync::Arc;

pub(crate) use joint::{JointReading, Joints};
pub(crate) use room::Room;
pub(crate) use stream::{Found, NoRoom, Stream};
pub use trial::MethodTrial;

use crate::policy::{AssignedMethod, Judging};

/// How far a method that was assigned has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MethodState {
    /// Its history does not yet say how rare its scores are; the default detector judges.
    Learning,
    /// It judges.
    Judging,
    /// It waits for the series that it is to judge jointly: there are too few, they come and go,
    /// or some of them send nothing.
    Waiting,
    /// There is no room for it within the limit; the default detector judges.
    NoRoom,
}

impl MethodState {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Learning => "learning",
            Self::Judging => "judging",
            Self::Waiting => "waiting",
            Self::NoRoom => "no_room",
        }
    }
}

/// A method on a series, as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodView {
    /// The method.
    pub method: Arc<AssignedMethod>,
    /// How it judges.
    pub judging: Judging,
    /// How far it has come.
    pub state: MethodState,
    /// Series that are judged together with this one, with itself; 1 for one alone.
    pub channels: usize,
    /// Seconds in which it says something as odd as it did last once; 0 while nothing is known.
    pub return_seconds: f64,
}

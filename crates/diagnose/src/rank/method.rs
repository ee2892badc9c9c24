//! The methods of ranking, in one list.

use super::case::{Case, RankError};
use super::ranking::Ranking;
use super::{combined, shift};

/// A way to rank causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Our default.
    Combined,
    /// Largest distance from the normal median, in robust scales with a floor.
    RobustShift,
    /// Largest distance from the normal mean, in standard deviations.
    NSigma,
}

impl Method {
    /// Every method, the default first.
    pub const ALL: &[Self] = &[Self::Combined, Self::RobustShift, Self::NSigma];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Combined => "combined",
            Self::RobustShift => "robust-shift",
            Self::NSigma => "n-sigma",
        }
    }

    /// Ranks what may have caused `case`.
    ///
    /// # Errors
    ///
    /// [`RankError::Needs`] when the case lacks what the method works with.
    pub fn rank(self, case: &Case) -> Result<Ranking, RankError> {
        match self {
            Self::Combined => combined::combined(case),
            Self::RobustShift => shift::robust(case),
            Self::NSigma => shift::n_sigma(case),
        }
    }
}

//! Methods that watch a stream.

use crate::{Explanation, Sample, Score, Snapshot};

/// Watches one stream, sample by sample, in bounded memory.
///
/// # Laws
///
/// 1. `score`, `rank`, `maturity`, `deviation` and `explain` change nothing.
/// 2. `update` is `score`, then `learn`.
/// 3. Same settings and samples give the same bits.
/// 4. A restored detector goes on as the original would.
/// 5. A refused sample changes nothing.
/// 6. Learning changes the state; the state stops growing.
/// 7. Scores and deviations are finite and at least 0; shares sum to 1.
/// 8. A rank is there when the score is, finite and not below it; maturity is above 0
///    and at most 1.
pub trait Detector: std::fmt::Debug + Send {
    /// Readings that each sample must carry.
    fn channels(&self) -> usize;

    /// Rates `sample` against what was learnt so far.
    ///
    /// # Errors
    ///
    /// [`DetectError::Channels`] for a sample of another width.
    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError>;

    /// Takes `sample` into the model.
    ///
    /// # Errors
    ///
    /// As [`Detector::score`]; the state is then as before.
    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError>;

    /// The step for a live stream; override it to share work.
    ///
    /// # Errors
    ///
    /// As [`Detector::score`]; the state is then as before.
    fn update(&mut self, sample: Sample<'_>) -> Result<Score, DetectError> {
        let score = self.score(sample)?;
        self.learn(sample)?;
        Ok(score)
    }

    /// What a budget of alarms goes by: the score, told apart where the score tells
    /// nothing.
    ///
    /// A score may be 0 for nearly every sample. Someone who bears many alarms wants the
    /// strangest of those too, and a rate can only be kept if the samples can be ordered.
    ///
    /// # Errors
    ///
    /// As [`Detector::score`].
    fn rank(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        self.score(sample)
    }

    /// How much a rank is worth so far, above 0 and at most 1.
    ///
    /// Where scores are high and frequent while the history is short, ranks times
    /// maturity are as frequent early as late, as a budget needs them; 1 where scores do
    /// not depend on how long the history is.
    fn maturity(&self) -> f64 {
        1.0
    }

    /// How far the stream is from normal since the last sample learnt: a state,
    /// where [`Score`] may tell of an event.
    ///
    /// A score that raises alarms is highest when something begins and gives way
    /// while it lasts; this stays high until it is over. Finite, at least 0, higher
    /// is stranger; `None` where the score itself is a state, and during warm-up.
    fn deviation(&self) -> Option<f64> {
        None
    }

    /// Says what was expected instead and which channels made the score;
    /// `None` during warm-up. Bands are drawn for `threshold`.
    ///
    /// # Errors
    ///
    /// As [`Detector::score`].
    fn explain(
        &self,
        sample: Sample<'_>,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError>;

    /// Copies the learnt state, without the settings.
    fn snapshot(&self) -> Snapshot;

    /// Replaces the learnt state.
    ///
    /// # Errors
    ///
    /// [`DetectError::Snapshot`] when it was written by another method, by a
    /// newer release, for other settings, or is damaged; the state is then as before.
    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError>;
}

/// Why a sample, a row or a snapshot was refused. The method is unchanged.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum DetectError {
    /// The stream is not the one this method was built for.
    #[error("expected {expected} channels, got {got}")]
    Channels { expected: usize, got: usize },
    /// Written by another method, by a newer release, or damaged.
    #[error("cannot restore `{found}` into `{expected}`: {reason}")]
    Snapshot { expected: &'static str, found: String, reason: String },
}

impl DetectError {
    /// Passes when `got` channels are as `expected`.
    ///
    /// # Errors
    ///
    /// [`DetectError::Channels`] otherwise.
    pub fn check_channels(expected: usize, got: usize) -> Result<(), Self> {
        if expected == got { Ok(()) } else { Err(Self::Channels { expected, got }) }
    }
}

//! Methods that watch a stream.

use crate::{Explanation, Sample, Score, Snapshot};

/// Watches one stream, sample by sample, in bounded memory.
///
/// # Laws
///
/// 1. `score`, `deviation` and `explain` change nothing.
/// 2. `update` is `score`, then `learn`.
/// 3. Same settings and samples give the same bits.
/// 4. A restored detector goes on as the original would.
/// 5. A refused sample changes nothing.
/// 6. Learning changes the state; the state stops growing.
/// 7. Scores and deviations are finite and at least 0; shares sum to 1.
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

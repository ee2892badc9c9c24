//! What every method of this family does once it knows what is usual.

use auscult_core::{DetectError, Explanation, Frame, Sample, Score};

use crate::shared::one_reading;

/// Usual readings of one channel.
pub(super) trait Usual: Copy {
    /// How far `reading` is from them; finite, at least 0.
    fn rate(self, reading: f64) -> f64;

    /// Why `reading` is rated as it is.
    fn explain(self, reading: f64, threshold: f64) -> Explanation;

    /// Rates all rows of a frame of one channel.
    fn rate_all(self, rows: &Frame<'_>) -> Vec<f64> {
        rows.readings().iter().map(|reading| self.rate(*reading)).collect()
    }
}

/// The scores of `rows`.
pub(super) fn score_rows(usual: impl Usual, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
    DetectError::check_channels(1, rows.channels())?;
    Ok(usual.rate_all(rows))
}

/// Why row `row` of `rows` scores as it does.
pub(super) fn explain_row(
    usual: impl Usual,
    rows: &Frame<'_>,
    row: usize,
    threshold: f64,
) -> Result<Option<Explanation>, DetectError> {
    DetectError::check_channels(1, rows.channels())?;
    Ok(Some(usual.explain(rows.row(row)[0], threshold)))
}

/// The score of `sample` when no sample of the warm-up is `missing`; only then
/// is `usual` worked out.
pub(super) fn score_sample<U: Usual>(
    sample: Sample<'_>,
    missing: usize,
    usual: impl FnOnce() -> U,
) -> Result<Score, DetectError> {
    let reading = one_reading(sample)?;
    Ok(match missing {
        0 => Score::Ready(usual().rate(reading)),
        missing => Score::Warming(missing),
    })
}

/// Why `sample` scores as it does, when no sample of the warm-up is `missing`.
pub(super) fn explain_sample<U: Usual>(
    sample: Sample<'_>,
    threshold: f64,
    missing: usize,
    usual: impl FnOnce() -> U,
) -> Result<Option<Explanation>, DetectError> {
    let reading = one_reading(sample)?;
    Ok((missing == 0).then(|| usual().explain(reading, threshold)))
}

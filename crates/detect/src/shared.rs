//! Small things that many methods need.

use auscult_core::{DetectError, FitError, Frame, Sample};

/// The only column of `history`.
pub(crate) fn one_channel<'a>(history: &'a Frame<'_>) -> Result<&'a [f64], FitError> {
    match history.channels() {
        1 => Ok(history.readings()),
        got => Err(FitError::Channels { reason: "need exactly one column", got }),
    }
}

/// The only reading of `sample`.
pub(crate) fn one_reading(sample: Sample<'_>) -> Result<f64, DetectError> {
    DetectError::check_channels(1, sample.channels())?;
    Ok(sample.reading(0))
}

/// `distance` in units of `scale`, both at least 0; always finite.
///
/// Where there is no scale, any distance at all is as strange as can be.
pub(crate) fn ratio(distance: f64, scale: f64) -> f64 {
    if distance == 0.0 { 0.0 } else { (distance / scale).min(f64::MAX) }
}

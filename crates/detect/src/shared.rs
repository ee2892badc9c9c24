//! Small things that many methods need.

use auscult_core::{DetectError, FitError, Frame, LARGEST_READING, Sample, Timestamp};
use auscult_stats::resolution::RunningResolution;

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

/// Nanoseconds between rows whose times are not known.
const UNKNOWN_STEP: i64 = 1_000_000_000;

/// Times of `rows`, which follow a row at `last`; a second apart where there are none.
pub(crate) fn times_of(rows: &Frame<'_>, last: Option<Timestamp>) -> Vec<Timestamp> {
    if let Some(times) = rows.times() {
        return times.to_vec();
    }
    let start = last.map_or(0, |last| last.nanos().saturating_add(UNKNOWN_STEP));
    let at = |row: usize| start.saturating_add((row as i64).saturating_mul(UNKNOWN_STEP));
    (0..rows.rows()).map(|row| Timestamp::from_nanos(at(row))).collect()
}

/// `time` on a clock that runs backwards, on which days are days too.
pub(crate) fn backwards(time: Timestamp) -> Timestamp {
    Timestamp::from_nanos(time.nanos().saturating_neg())
}

/// Samples that a warm-up still misses after `seen`.
pub(crate) fn missing(warmup: usize, seen: u64) -> usize {
    warmup.saturating_sub(usize::try_from(seen).unwrap_or(usize::MAX))
}

/// `distance` in units of `scale`, both at least 0; always finite.
///
/// Where there is no scale, any distance at all is as strange as can be.
pub(crate) fn ratio(distance: f64, scale: f64) -> f64 {
    if distance == 0.0 { 0.0 } else { (distance / scale).min(f64::MAX) }
}

/// How far readings spread around their mean, as far as a stream can tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    deviation: f64,
    /// The most that a reading can be apart, in deviations.
    most: f64,
}

impl Spread {
    /// Of a mean, deviation and number of readings that came in steps of
    /// `resolution`: a deviation below the step only says that most readings
    /// were equal, and then the step is what counts.
    pub(crate) fn of(
        mean: f64,
        deviation: f64,
        samples: f64,
        resolution: &RunningResolution,
    ) -> Self {
        match resolution.deviation() {
            Some(least) => Self { deviation: deviation.max(least), most: f64::MAX },
            None => Self::known(mean, deviation, samples),
        }
    }

    /// Of a mean, deviation and number of readings.
    ///
    /// Where they were all equal, up to rounding, the first that differs is
    /// `sqrt(samples)` deviations away, as it is from the mean and by the
    /// deviation of all readings including itself.
    pub(crate) fn known(mean: f64, deviation: f64, samples: f64) -> Self {
        let rounding = f64::EPSILON * mean.abs();
        if deviation > rounding {
            Self { deviation, most: f64::MAX }
        } else {
            Self { deviation: rounding, most: samples.max(1.0).sqrt() }
        }
    }

    /// The same, but that no deviation below `least` counts.
    pub(crate) fn at_least(self, least: f64) -> Self {
        Self { deviation: self.deviation.max(least), ..self }
    }

    /// `distance`, at least 0, in deviations; finite.
    pub(crate) fn rate(self, distance: f64) -> f64 {
        ratio(distance, self.deviation).min(self.most)
    }

    /// The largest distance that rates no more than `score`.
    pub(crate) fn reach(self, score: f64) -> f64 {
        if score < self.most { score * self.deviation } else { LARGEST_READING }
    }
}

//! One moment of a stream.

/// Largest magnitude that methods tell apart.
///
/// Readings beyond it are held at it. It is far above any physical quantity,
/// and low enough that sums of squares of readings stay finite.
pub const LARGEST_READING: f64 = 1e100;

/// A moment, in nanoseconds since 1970-01-01T00:00:00Z.
///
/// Covers the years 1677 to 2262.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From nanoseconds since the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From whole seconds since the epoch; held at the ends of the range.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Seconds since the epoch, with fraction.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

/// A moment with one reading per channel, every reading finite.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    time: Timestamp,
    readings: &'a [f64],
}

impl<'a> Sample<'a> {
    /// Takes `readings`, one per channel, at `time`.
    ///
    /// # Errors
    ///
    /// [`SampleError`] for a reading that is NaN or infinite.
    pub fn new(time: Timestamp, readings: &'a [f64]) -> Result<Self, SampleError> {
        match readings.iter().position(|reading| !reading.is_finite()) {
            None => Ok(Self { time, readings }),
            Some(channel) => Err(SampleError { channel, value: readings[channel] }),
        }
    }

    /// When the readings were taken.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// How many channels the sample has.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.readings.len()
    }

    /// The reading of `channel`, held within ±[`LARGEST_READING`].
    #[must_use]
    pub fn reading(&self, channel: usize) -> f64 {
        self.readings[channel].clamp(-LARGEST_READING, LARGEST_READING)
    }

    /// All readings in channel order, held within ±[`LARGEST_READING`].
    pub fn readings(&self) -> impl ExactSizeIterator<Item = f64> + 'a {
        self.readings.iter().map(|reading| reading.clamp(-LARGEST_READING, LARGEST_READING))
    }
}

/// A reading that no method can work with: a gap or an overflow upstream.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("channel {channel} reads {value}, need a finite number")]
pub struct SampleError {
    /// The channel, from 0.
    pub channel: usize,
    /// What it read.
    pub value: f64,
}

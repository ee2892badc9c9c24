//! Many moments at once.

use std::borrow::Cow;

use crate::{LARGEST_READING, Timestamp};

/// Readings of shape `(rows, channels)`, oldest row first, every one finite.
///
/// Stored row by row. Readings beyond ±[`LARGEST_READING`] are held at it.
#[derive(Debug, Clone)]
pub struct Frame<'a> {
    readings: Cow<'a, [f64]>,
    channels: usize,
    times: Option<&'a [Timestamp]>,
}

impl<'a> Frame<'a> {
    /// Takes `readings` row by row, `channels` to a row.
    ///
    /// # Errors
    ///
    /// [`FrameError`] when there are no channels, when the last row is short,
    /// or when a reading is NaN or infinite.
    pub fn new(readings: &'a [f64], channels: usize) -> Result<Self, FrameError> {
        if channels == 0 || !readings.len().is_multiple_of(channels) {
            return Err(FrameError::Shape { readings: readings.len(), channels });
        }
        // One pass without branches tells whether anything is out of the ordinary.
        let within = |within: bool, reading: &f64| within & (reading.abs() <= LARGEST_READING);
        if readings.iter().fold(true, within) {
            return Ok(Self { readings: Cow::Borrowed(readings), channels, times: None });
        }
        if let Some(at) = readings.iter().position(|reading| !reading.is_finite()) {
            return Err(FrameError::NotFinite {
                row: at / channels,
                channel: at % channels,
                value: readings[at],
            });
        }
        let held = |reading: &f64| reading.clamp(-LARGEST_READING, LARGEST_READING);
        let readings = Cow::Owned(readings.iter().map(held).collect());
        Ok(Self { readings, channels, times: None })
    }

    /// One channel, one row per reading.
    ///
    /// # Errors
    ///
    /// As [`Frame::new`].
    pub fn of_column(readings: &'a [f64]) -> Result<Self, FrameError> {
        Self::new(readings, 1)
    }

    /// Says when each row was taken.
    ///
    /// # Errors
    ///
    /// [`FrameError::Times`] unless there is one time per row.
    pub fn with_times(mut self, times: &'a [Timestamp]) -> Result<Self, FrameError> {
        if times.len() != self.rows() {
            return Err(FrameError::Times { times: times.len(), rows: self.rows() });
        }
        self.times = Some(times);
        Ok(self)
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.readings.len() / self.channels
    }

    /// Readings in a row; at least 1.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// When each row was taken, if known.
    #[must_use]
    pub fn times(&self) -> Option<&[Timestamp]> {
        self.times
    }

    /// All readings, row by row.
    #[must_use]
    pub fn readings(&self) -> &[f64] {
        &self.readings
    }

    /// Row `row`, one reading per channel.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        &self.readings[row * self.channels..(row + 1) * self.channels]
    }

    /// The rows in order.
    pub fn iter_rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.readings.chunks_exact(self.channels)
    }

    /// The readings of `channel`, oldest first.
    pub fn iter_channel(&self, channel: usize) -> impl ExactSizeIterator<Item = f64> + Clone + '_ {
        self.readings.iter().skip(channel).step_by(self.channels).copied()
    }

    /// The readings of `channel`, copied.
    #[must_use]
    pub fn channel(&self, channel: usize) -> Vec<f64> {
        self.iter_channel(channel).collect()
    }
}

/// Why readings make no frame.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum FrameError {
    /// The readings do not fill whole rows.
    #[error("{readings} readings do not fill rows of {channels}")]
    Shape { readings: usize, channels: usize },
    /// A gap or an overflow upstream.
    #[error("row {row}, channel {channel} reads {value}, need a finite number")]
    NotFinite { row: usize, channel: usize, value: f64 },
    /// Times and rows differ in number.
    #[error("got {times} times for {rows} rows")]
    Times { times: usize, rows: usize },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_refuses_what_is_not_finite_and_says_where() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let readings = [1.0, 2.0, 3.0, value];
            let error = Frame::new(&readings, 2).expect_err("not finite");
            assert!(matches!(error, FrameError::NotFinite { row: 1, channel: 1, .. }), "{error}");
        }
    }

    #[test]
    fn a_frame_holds_readings_within_the_largest() {
        let readings = [1.0, -1e300, 1e300];
        let frame = Frame::of_column(&readings).expect("finite");
        assert_eq!(frame.readings(), [1.0, -LARGEST_READING, LARGEST_READING]);
    }

    #[test]
    fn channels_are_read_down_the_rows() {
        let frame = Frame::new(&[1.0, 10.0, 2.0, 20.0], 2).expect("whole rows");
        assert_eq!(frame.channel(1), [10.0, 20.0]);
        assert_eq!(frame.row(1), [2.0, 20.0]);
        assert!(Frame::new(&[1.0, 2.0, 3.0], 2).is_err());
    }
}

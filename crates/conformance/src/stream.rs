//! Streams that try a method.

use auscult_core::{Frame, Sample, Timestamp};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// A made-up stream, the same for the same arguments.
#[derive(Debug, Clone)]
pub struct Stream {
    /// What it holds, for messages.
    pub name: &'static str,
    channels: usize,
    times: Vec<Timestamp>,
    readings: Vec<f64>,
}

impl Stream {
    fn new(name: &'static str, channels: usize, rows: usize) -> Self {
        let mut random = Pcg64Mcg::seed_from_u64(0x5eed);
        let mut readings = Vec::with_capacity(rows * channels);
        for _ in 0..rows {
            // Channels share a part, so that joint methods have something to learn.
            let common = noise(&mut random);
            for channel in 0..channels {
                let level = 10.0 * (channel + 1) as f64;
                readings.push(level + 0.7 * common + noise(&mut random));
            }
        }
        let times = (0..rows as i64).map(|row| Timestamp::from_seconds(60 * row)).collect();
        Self { name, channels, times, readings }
    }

    /// Noise around a level, correlated over channels.
    #[must_use]
    pub fn noise(channels: usize, rows: usize) -> Self {
        Self::new("noise", channels, rows)
    }

    /// A wave of 24 samples under noise.
    #[must_use]
    pub fn season(channels: usize, rows: usize) -> Self {
        let mut stream = Self::new("season", channels, rows);
        for (row, values) in stream.readings.chunks_exact_mut(channels).enumerate() {
            let wave = 5.0 * (std::f64::consts::TAU * row as f64 / 24.0).sin();
            values.iter_mut().for_each(|value| *value += wave);
        }
        stream
    }

    /// The same reading for ever.
    #[must_use]
    pub fn constant(channels: usize, rows: usize) -> Self {
        let mut stream = Self::new("constant", channels, rows);
        stream.readings.fill(7.25);
        stream
    }

    /// The level jumps half-way and stays.
    #[must_use]
    pub fn steps(channels: usize, rows: usize) -> Self {
        let mut stream = Self::new("steps", channels, rows);
        let half = rows / 2 * channels;
        stream.readings[half..].iter_mut().for_each(|value| *value += 50.0);
        stream
    }

    /// Hours are missing here and there, and one time stands twice.
    #[must_use]
    pub fn gaps(channels: usize, rows: usize) -> Self {
        let mut stream = Self::new("gaps", channels, rows);
        let mut late = 0;
        for (row, time) in stream.times.iter_mut().enumerate() {
            if row % 97 == 96 {
                late += 10_000;
            }
            let second = 60 * (row - usize::from(row % 150 == 149)) as i64 + late;
            *time = Timestamp::from_seconds(second);
        }
        stream
    }

    /// Readings of ±1e300 stand among the usual ones.
    #[must_use]
    pub fn spikes(channels: usize, rows: usize) -> Self {
        let mut stream = Self::new("spikes", channels, rows);
        for row in (rows / 3..rows).step_by((rows / 5).max(1)) {
            let sign = if row % 2 == 0 { 1.0 } else { -1.0 };
            stream.readings[row * channels + row % channels] = sign * 1e300;
        }
        stream
    }

    /// Tiny readings, near the smallest that a number can hold.
    #[must_use]
    pub fn tiny(channels: usize, rows: usize) -> Self {
        let mut stream = Self::new("tiny", channels, rows);
        stream.readings.iter_mut().for_each(|value| *value *= 1e-300);
        stream
    }

    /// All of the above.
    #[must_use]
    pub fn all(channels: usize, rows: usize) -> Vec<Self> {
        [
            Self::noise,
            Self::season,
            Self::constant,
            Self::steps,
            Self::gaps,
            Self::spikes,
            Self::tiny,
        ]
        .map(|make| make(channels, rows))
        .into()
    }

    /// Puts one reading 40 deviations out, in channel 0 of `row`.
    #[must_use]
    pub fn with_outlier(mut self, row: usize) -> Self {
        self.readings[row * self.channels] += 40.0;
        self
    }

    /// Every reading times `factor`.
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Self {
        self.readings.iter_mut().for_each(|reading| *reading *= factor);
        self
    }

    /// The samples in order.
    ///
    /// # Panics
    ///
    /// Never: the readings are finite.
    pub fn samples(&self) -> impl Iterator<Item = Sample<'_>> {
        self.times.iter().zip(self.readings.chunks_exact(self.channels)).map(|(time, readings)| {
            Sample::new(*time, readings).expect("streams hold finite readings")
        })
    }

    /// All rows as a frame with times.
    ///
    /// # Panics
    ///
    /// Never: the readings are finite and fill whole rows.
    #[must_use]
    pub fn frame(&self) -> Frame<'_> {
        Frame::new(&self.readings, self.channels)
            .and_then(|frame| frame.with_times(&self.times))
            .expect("streams hold whole rows of finite readings")
    }
}

/// About normal with deviation 1: the sum of twelve uniform numbers.
fn noise(random: &mut Pcg64Mcg) -> f64 {
    (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0
}

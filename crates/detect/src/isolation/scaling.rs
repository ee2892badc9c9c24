//! Readings as small numbers around zero.

use auscult_core::Frame;
use auscult_stats::quantile::quantile;

/// Beyond this many spreads readings are no longer told apart.
const LARGEST: f64 = 1e18;

/// Rows that centre and spread are taken from.
const ROWS: usize = 4096;

/// Centre and spread of every channel.
///
/// Isolation does not depend on where a channel lies or in which unit it is
/// written, so trees work on `(reading - centre) / spread` in `f32`: half the
/// memory traffic, and still seven digits of what matters, however large the
/// offset of a channel.
#[derive(Debug, Clone)]
pub(super) struct Scaling {
    centre: Vec<f64>,
    spread: Vec<f64>,
}

impl Scaling {
    /// Median and interquartile range of at most 4096 evenly spaced rows.
    pub(super) fn of(history: &Frame<'_>) -> Self {
        let step = history.rows().div_ceil(ROWS).max(1);
        let (mut centre, mut spread) = (Vec::new(), Vec::new());
        for channel in 0..history.channels() {
            let mut some: Vec<f64> = history.iter_channel(channel).step_by(step).collect();
            let middle = quantile(&mut some, 0.5);
            let mut width = quantile(&mut some, 0.75) - quantile(&mut some, 0.25);
            if width == 0.0 {
                // Mostly constant: whatever does vary sets the spread.
                let apart = |reading: f64| (reading - middle).abs();
                width = history.iter_channel(channel).map(apart).fold(0.0, f64::max);
            }
            centre.push(middle);
            spread.push(if width > 0.0 { width } else { 1.0 });
        }
        Self { centre, spread }
    }

    /// Readings as they are.
    pub(super) fn identity(channels: usize) -> Self {
        Self { centre: vec![0.0; channels], spread: vec![1.0; channels] }
    }

    /// The centre of every channel.
    pub(super) fn centre(&self) -> &[f64] {
        &self.centre
    }

    /// Appends `row`, scaled.
    pub(super) fn scale_into(&self, row: &[f64], out: &mut Vec<f32>) {
        let scaled =
            row.iter().zip(&self.centre).zip(&self.spread).map(|((reading, centre), spread)| {
                ((reading - centre) / spread).clamp(-LARGEST, LARGEST) as f32
            });
        out.extend(scaled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_offset_costs_no_precision() {
        let bytes: Vec<f64> = (0..9).map(|i| 8e10 + f64::from(i)).collect();
        let scaling = Scaling::of(&Frame::of_column(&bytes).expect("finite"));
        let mut scaled = Vec::new();
        bytes.iter().for_each(|row| scaling.scale_into(&[*row], &mut scaled));
        assert_eq!(scaled, [-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0]);
    }

    #[test]
    fn a_rare_reading_of_a_constant_channel_survives() {
        let mut readings = vec![7.25; 100];
        readings[3] = 1e100;
        let scaling = Scaling::of(&Frame::of_column(&readings).expect("finite"));
        let mut scaled = Vec::new();
        scaling.scale_into(&[1e100], &mut scaled);
        assert_eq!(scaled, [1.0]);
    }
}

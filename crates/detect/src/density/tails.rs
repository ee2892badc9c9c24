//! How far out in its column a reading stands.

use auscult_core::{Band, DetectError, Frame, LARGEST_READING};
use rayon::prelude::*;

/// The readings of every column, sorted.
#[derive(Debug, Clone)]
pub(super) struct Tails {
    columns: Vec<Vec<f64>>,
}

/// Surprise of a reading, `-ln` of a share of the history.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surprise {
    /// That of a reading as low as this or lower.
    pub(super) left: f64,
    /// That of a reading as high as this or higher.
    pub(super) right: f64,
}

impl Tails {
    pub(super) fn new(history: &Frame<'_>) -> Self {
        let sorted = |channel| {
            let mut column = history.channel(channel);
            column.sort_unstable_by(f64::total_cmp);
            column
        };
        Self { columns: (0..history.channels()).into_par_iter().map(sorted).collect() }
    }

    pub(super) fn channels(&self) -> usize {
        self.columns.len()
    }

    /// Sum over the channels of `part` of each reading of `history`, row by row.
    pub(super) fn sums_of_history(
        &self,
        history: &Frame<'_>,
        part: impl Fn(usize, Surprise) -> f64 + Sync,
    ) -> Vec<f64> {
        let known =
            |(channel, reading): (usize, &f64)| part(channel, self.of_known(channel, *reading));
        let rate = |row: &[f64]| -> f64 { row.iter().enumerate().map(known).sum() };
        history.readings().par_chunks_exact(history.channels()).map(rate).collect()
    }

    /// As [`Tails::sums_of_history`], of new rows.
    ///
    /// # Errors
    ///
    /// [`DetectError::Channels`] for rows of another width.
    pub(super) fn sums(
        &self,
        rows: &Frame<'_>,
        part: impl Fn(usize, Surprise) -> f64 + Sync,
    ) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        let rate = |row: &[f64]| -> f64 { self.parts(row, &part).sum() };
        Ok(rows.readings().par_chunks_exact(self.channels()).map(rate).collect())
    }

    /// `part` of each reading of a new row.
    pub(super) fn parts(
        &self,
        row: &[f64],
        part: impl Fn(usize, Surprise) -> f64,
    ) -> impl Iterator<Item = f64> {
        let new =
            move |(channel, reading): (usize, &f64)| part(channel, self.of_new(channel, *reading));
        row.iter().enumerate().map(new)
    }

    /// Surprise of a reading that is in the history.
    fn of_known(&self, channel: usize, reading: f64) -> Surprise {
        self.surprise(channel, reading, 0)
    }

    /// Surprise of a reading that is not, as if it were added.
    fn of_new(&self, channel: usize, reading: f64) -> Surprise {
        self.surprise(channel, reading, 1)
    }

    fn surprise(&self, channel: usize, reading: f64, added: usize) -> Surprise {
        let column = &self.columns[channel];
        let up_to = column.partition_point(|known| *known <= reading) + added;
        let from = column.len() - column.partition_point(|known| *known < reading) + added;
        let ln_total = ((column.len() + added) as f64).ln();
        let of = |count: usize| (ln_total - (count as f64).ln()).max(0.0);
        Surprise { left: of(up_to), right: of(from) }
    }

    /// The median of every column.
    pub(super) fn medians(&self) -> Vec<f64> {
        (0..self.channels()).map(|channel| self.median(channel)).collect()
    }

    fn median(&self, channel: usize) -> f64 {
        let column = &self.columns[channel];
        0.5 * column[(column.len() - 1) / 2] + 0.5 * column[column.len() / 2]
    }

    /// New readings whose larger surprise stays within `room`; only the median
    /// where none does.
    pub(super) fn band(&self, channel: usize, room: f64) -> Band {
        let column = &self.columns[channel];
        let count = column.len();
        // So many readings must lie on the far side, the new one not counted.
        let share = (-room).exp() * (1.0 - 1e-12);
        let least = (share * (count + 1) as f64 - 1.0).ceil();
        if least <= 0.0 {
            return Band { low: -LARGEST_READING, high: LARGEST_READING };
        }
        let least = least as usize;
        if least > count.div_ceil(2) {
            return Band::around(self.median(channel), 0.0);
        }
        Band { low: column[least - 1], high: column[count - least] }
    }

    /// Sign of the skewness of every column: -1, 0 or 1.
    pub(super) fn skewness_signs(&self) -> Vec<f64> {
        self.columns.iter().map(|column| skewness_sign(column)).collect()
    }
}

fn skewness_sign(column: &[f64]) -> f64 {
    let count = column.len() as f64;
    let (low, high) = (column[0], column[column.len() - 1]);
    if low == high {
        return 0.0;
    }
    // As shares of the range, so that no cube leaves the range of numbers.
    let share = |value: &f64| (value - low) / (high - low);
    let mean = column.iter().map(share).sum::<f64>() / count;
    let cubes: f64 = column.iter().map(|value| (share(value) - mean).powi(3)).sum();
    if cubes == 0.0 { 0.0 } else { cubes.signum() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_count_on_both_sides() {
        let frame = Frame::of_column(&[1.0, 2.0, 2.0, 3.0]).expect("finite");
        let tails = Tails::new(&frame);
        let two = tails.of_known(0, 2.0);
        assert!((two.left - (4.0_f64 / 3.0).ln()).abs() < 1e-15);
        assert!((two.right - (4.0_f64 / 3.0).ln()).abs() < 1e-15);
        let beyond = tails.of_new(0, 9.0);
        assert_eq!(beyond.left, 0.0);
        assert!((beyond.right - 5.0_f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn readings_inside_a_band_pass_and_those_outside_do_not() {
        let readings: Vec<f64> = (0..99).map(f64::from).collect();
        let tails = Tails::new(&Frame::of_column(&readings).expect("finite"));
        let band = tails.band(0, 20.0_f64.ln());
        let larger = |reading| {
            let surprise = tails.of_new(0, reading);
            surprise.left.max(surprise.right)
        };
        assert_eq!((band.low, band.high), (3.0, 95.0));
        assert!(larger(3.0) <= 20.0_f64.ln() + 1e-12 && larger(2.9) > 20.0_f64.ln());
    }
}

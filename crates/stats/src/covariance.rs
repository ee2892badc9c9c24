//! Covariance matrices: empirical, shrunk, and in pieces.

use nalgebra::DMatrix;
use rayon::prelude::*;

/// Rows whose moments are taken together before they are merged.
const BLOCK: usize = 1024;
/// Smallest exponent of a channel's unit; keeps its reciprocal finite.
const SMALLEST_EXPONENT: i32 = -1000;

/// Count, means and joint moments up to the fourth of rows of several channels.
///
/// What an empirical covariance and its Ledoit-Wolf shrinkage need; pieces
/// merge. Every channel is kept in a unit of its own, a power of two no
/// smaller than its largest reading, so that no moment overflows and nothing
/// is rounded by the change of unit. Time O(rows × channels²), in parallel and
/// with the same bits for any number of threads; memory O(channels²).
///
/// Reference: T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a
/// pairwise algorithm for computing sample variances", Stanford, 1979, carried
/// to the third and fourth moments.
///
/// ```
/// use auscult_stats::covariance::Comoments;
/// let moments = Comoments::of(&[0.0, 0.0, 2.0, 4.0], 2);
/// assert_eq!(moments.mean(), [1.0, 2.0]);
/// assert_eq!(moments.covariance(&[1.0, 1.0])[(0, 1)], 2.0);
/// ```
#[derive(Debug, Clone)]
pub struct Comoments {
    count: u64,
    /// A power of two for each channel; everything below is in these units.
    unit: Vec<f64>,
    mean: Vec<f64>,
    /// `Σ y[i] y[j]` with `y` the distance from the mean, row by row.
    second: Vec<f64>,
    /// `Σ y[i]² y[j]`.
    third: Vec<f64>,
    /// `Σ y[i]² y[j]²`.
    fourth: Vec<f64>,
}

impl Comoments {
    /// Of no rows yet, of `channels` channels.
    #[must_use]
    pub fn new(channels: usize) -> Self {
        let zeros = vec![0.0; channels * channels];
        Self {
            count: 0,
            unit: vec![power_of_two_above(0.0); channels],
            mean: vec![0.0; channels],
            second: zeros.clone(),
            third: zeros.clone(),
            fourth: zeros,
        }
    }

    /// Of `readings`, shape `(rows, channels)`.
    #[must_use]
    pub fn of(readings: &[f64], channels: usize) -> Self {
        let mut moments = Self::new(channels);
        moments.observe(readings);
        moments
    }

    /// Takes in more `readings`, shape `(rows, channels)`.
    pub fn observe(&mut self, readings: &[f64]) {
        let channels = self.channels();
        // Few blocks at a time, so that memory does not grow with the rows.
        for group in readings.chunks(BLOCK * channels * 64) {
            let blocks: Vec<Self> = group
                .par_chunks(BLOCK * channels)
                .map(|block| Self::of_block(block, channels))
                .collect();
            blocks.into_iter().for_each(|block| self.merge(block));
        }
    }

    fn of_block(block: &[f64], channels: usize) -> Self {
        let mut moments = Self::new(channels);
        let rows = block.len() / channels;
        moments.count = rows as u64;
        let mut largest = vec![0.0_f64; channels];
        for row in block.chunks_exact(channels) {
            largest.iter_mut().zip(row).for_each(|(most, reading)| *most = most.max(reading.abs()));
        }
        moments.unit = largest.into_iter().map(power_of_two_above).collect();

        let mut scaled: Vec<f64> = block.to_vec();
        for row in scaled.chunks_exact_mut(channels) {
            row.iter_mut().zip(&moments.unit).for_each(|(value, unit)| *value /= unit);
        }
        // Twice: the second pass removes what the first one rounded away.
        for _ in 0..2 {
            let mut shift = vec![0.0; channels];
            for row in scaled.chunks_exact(channels) {
                shift.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
            shift.iter_mut().for_each(|sum| *sum /= rows as f64);
            for row in scaled.chunks_exact_mut(channels) {
                row.iter_mut().zip(&shift).for_each(|(value, shift)| *value -= shift);
            }
            moments.mean.iter_mut().zip(&shift).for_each(|(mean, shift)| *mean += shift);
        }
        let mut squares = vec![0.0; channels];
        for row in scaled.chunks_exact(channels) {
            squares.iter_mut().zip(row).for_each(|(square, value)| *square = value * value);
            for i in 0..channels {
                let line = i * channels..(i + 1) * channels;
                add_multiple(&mut moments.second[line.clone()], row[i], row);
                add_multiple(&mut moments.third[line.clone()], squares[i], row);
                add_multiple(&mut moments.fourth[line], squares[i], &squares);
            }
        }
        moments
    }

    /// Takes in the rows behind `other`, of as many channels.
    pub fn merge(&mut self, mut other: Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = other;
            return;
        }
        let units: Vec<f64> = self.unit.iter().zip(&other.unit).map(|(a, b)| a.max(*b)).collect();
        self.change_units(&units);
        other.change_units(&units);
        let (ours, theirs) = (self.count as f64, other.count as f64);
        let total = ours + theirs;
        let apart: Vec<f64> = other.mean.iter().zip(&self.mean).map(|(b, a)| b - a).collect();
        let to_new: Vec<f64> = apart.iter().map(|apart| apart * (theirs / total)).collect();
        self.move_centre(&to_new);
        // Both now count from the same mean.
        let back: Vec<f64> = apart.iter().map(|apart| -apart * (ours / total)).collect();
        other.move_centre(&back);
        add_multiple(&mut self.second, 1.0, &other.second);
        add_multiple(&mut self.third, 1.0, &other.third);
        add_multiple(&mut self.fourth, 1.0, &other.fourth);
        self.count += other.count;
    }

    /// Moves the centre by `shift`; the moments then count from there.
    fn move_centre(&mut self, shift: &[f64]) {
        let channels = self.channels();
        let count = self.count as f64;
        let square = |i: usize| self.second[i * channels + i];
        let (mut third, mut fourth) = (self.third.clone(), self.fourth.clone());
        for i in 0..channels {
            for j in 0..channels {
                let at = i * channels + j;
                // Readings now lie `-shift` further from the centre.
                let (a, b) = (-shift[i], -shift[j]);
                third[at] += b * square(i) + 2.0 * a * self.second[at] + count * a * a * b;
                fourth[at] += 2.0 * (b * self.third[at] + a * self.third[j * channels + i])
                    + (b * b * square(i) + 4.0 * a * b * self.second[at] + a * a * square(j))
                    + count * a * a * b * b;
            }
        }
        for i in 0..channels {
            for j in 0..channels {
                self.second[i * channels + j] += count * shift[i] * shift[j];
            }
        }
        (self.third, self.fourth) = (third, fourth);
        add_multiple(&mut self.mean, 1.0, shift);
    }

    fn change_units(&mut self, units: &[f64]) {
        let channels = self.channels();
        let factors: Vec<f64> = self.unit.iter().zip(units).map(|(old, new)| old / new).collect();
        if factors.iter().all(|factor| *factor == 1.0) {
            return;
        }
        for i in 0..channels {
            self.mean[i] *= factors[i];
            for j in 0..channels {
                let at = i * channels + j;
                let both = factors[i] * factors[j];
                self.second[at] *= both;
                self.third[at] *= both * factors[i];
                self.fourth[at] *= both * both;
            }
        }
        self.unit = units.to_vec();
    }

    /// Number of channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.unit.len()
    }

    /// Number of rows.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Mean of every channel; 0 where there are no rows.
    #[must_use]
    pub fn mean(&self) -> Vec<f64> {
        self.mean.iter().zip(&self.unit).map(|(mean, unit)| mean * unit).collect()
    }

    /// Standard deviation of every channel, over the number of rows.
    #[must_use]
    pub fn deviation(&self) -> Vec<f64> {
        let channels = self.channels();
        let count = (self.count as f64).max(1.0);
        let one = |i: usize| (self.second[i * channels + i] / count).sqrt() * self.unit[i];
        (0..channels).map(one).collect()
    }

    /// Covariance of readings divided by `units`, over the number of rows;
    /// shape `(channels, channels)`.
    ///
    /// With units of 1 it equals `numpy.cov(x, rowvar=False, bias=True)`; with
    /// the standard deviations it is the correlation matrix.
    #[must_use]
    pub fn covariance(&self, units: &[f64]) -> DMatrix<f64> {
        let channels = self.channels();
        let count = (self.count as f64).max(1.0);
        DMatrix::from_fn(channels, channels, |i, j| {
            let scale = (self.unit[i] / units[i]) * (self.unit[j] / units[j]);
            self.second[i * channels + j] / count * scale
        })
    }

    /// How far to shrink [`Comoments::covariance`] of the same `units` towards
    /// its mean variance, in `[0, 1]`, for least expected squared error.
    ///
    /// Equals `sklearn.covariance.ledoit_wolf_shrinkage`. 0 for one channel.
    ///
    /// Reference: O. Ledoit, M. Wolf, "A well-conditioned estimator for
    /// large-dimensional covariance matrices", Journal of Multivariate
    /// Analysis 88(2), 2004.
    #[must_use]
    pub fn ledoit_wolf_shrinkage(&self, units: &[f64]) -> f64 {
        let channels = self.channels();
        if channels == 1 || self.count == 0 {
            return 0.0;
        }
        let (width, count) = (channels as f64, self.count as f64);
        let mut covariance = self.covariance(units);
        // The answer has no unit, so that a common one may keep it in range.
        let largest = covariance.amax();
        if largest == 0.0 {
            return 0.0;
        }
        covariance /= largest;
        let factor: Vec<f64> =
            self.unit.iter().zip(units).map(|(own, unit)| own / unit / largest.sqrt()).collect();
        let mut spread = 0.0;
        for i in 0..channels {
            for j in 0..channels {
                let scale = factor[i] * factor[j];
                spread += self.fourth[i * channels + j] / count * scale * scale;
            }
        }
        let level = covariance.trace() / width;
        let squares = covariance.norm_squared();
        let distance = squares - width * level * level;
        let error = ((spread - squares) / count).min(distance);
        if error <= 0.0 { 0.0 } else { (error / distance).min(1.0) }
    }
}

/// How far to shrink `covariance`, found from `count` rows, towards its mean
/// variance when the rows are normal, in `[0, 1]`.
///
/// Equals the shrinkage of `sklearn.covariance.OAS`.
///
/// Reference: Y. Chen, A. Wiesel, Y. C. Eldar, A. O. Hero, "Shrinkage
/// algorithms for MMSE covariance estimation", IEEE Transactions on Signal
/// Processing 58(10), 2010, with the sign that scikit-learn corrects.
#[must_use]
pub fn oas_shrinkage(covariance: &DMatrix<f64>, count: u64) -> f64 {
    let width = covariance.nrows() as f64;
    let largest = covariance.amax();
    if covariance.nrows() == 1 || largest == 0.0 {
        return 0.0;
    }
    let covariance = covariance / largest;
    let level = covariance.trace() / width;
    let mean_square = covariance.norm_squared() / (width * width);
    let distance = (count as f64 + 1.0) * (mean_square - level * level / width);
    let error = mean_square + level * level;
    if error >= distance { 1.0 } else { error / distance }
}

/// `(1 - amount) covariance + amount × mean variance × identity`.
///
/// ```
/// use auscult_stats::covariance::shrunk;
/// use nalgebra::DMatrix;
/// let half = shrunk(&DMatrix::from_row_slice(2, 2, &[4.0, 2.0, 2.0, 2.0]), 0.5);
/// assert_eq!(half, DMatrix::from_row_slice(2, 2, &[3.5, 1.0, 1.0, 2.5]));
/// ```
#[must_use]
pub fn shrunk(covariance: &DMatrix<f64>, amount: f64) -> DMatrix<f64> {
    let width = covariance.nrows();
    let level = covariance.trace() / width as f64;
    let mut shrunk = covariance * (1.0 - amount);
    for i in 0..width {
        shrunk[(i, i)] += amount * level;
    }
    shrunk
}

/// `line += factor × values`.
fn add_multiple(line: &mut [f64], factor: f64, values: &[f64]) {
    line.iter_mut().zip(values).for_each(|(slot, value)| *slot += factor * value);
}

/// The smallest power of two above `magnitude`, within what can be inverted.
fn power_of_two_above(magnitude: f64) -> f64 {
    let exponent = magnitude.log2().floor().max(f64::from(SMALLEST_EXPONENT) - 1.0) as i32 + 1;
    2_f64.powi(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of three related channels at different levels.
    fn rows(count: usize) -> Vec<f64> {
        let wave = |row: usize, step: f64| (row as f64 * step).sin();
        (0..count)
            .flat_map(|row| {
                let common = wave(row, 0.7);
                [common, 1e6 + 3.0 * common + wave(row, 1.3), 1e-9 * wave(row, 2.9)]
            })
            .collect()
    }

    #[test]
    fn pieces_agree_with_the_whole() {
        let rows = rows(3000);
        let whole = Comoments::of(&rows, 3);
        let mut pieces = Comoments::new(3);
        rows.chunks(37 * 3).for_each(|piece| pieces.observe(piece));
        let units = whole.deviation();
        assert_eq!(pieces.count(), 3000);
        let difference = (whole.covariance(&units) - pieces.covariance(&units)).amax();
        assert!(difference < 1e-9, "{difference}");
        let (one, two) =
            (whole.ledoit_wolf_shrinkage(&units), pieces.ledoit_wolf_shrinkage(&units));
        assert!(one > 0.0 && (one - two).abs() < 1e-12, "{one} {two}");
    }

    #[test]
    fn huge_and_tiny_readings_overflow_nothing() {
        let mut rows = rows(500);
        rows[300] = 1e100;
        rows.iter_mut().skip(2).step_by(3).for_each(|value| *value *= 1e-290);
        let moments = Comoments::of(&rows, 3);
        let units = moments.deviation();
        assert!(moments.covariance(&units).iter().all(|value| value.is_finite()));
        assert!((0.0..=1.0).contains(&moments.ledoit_wolf_shrinkage(&units)));
    }

    #[test]
    fn constant_rows_have_no_covariance_and_need_no_shrinkage() {
        let moments = Comoments::of(&[7.25; 30], 3);
        assert_eq!(moments.covariance(&[1.0; 3]).amax(), 0.0);
        assert_eq!(moments.ledoit_wolf_shrinkage(&[1.0; 3]), 0.0);
        assert_eq!(moments.mean(), [7.25; 3]);
    }
}

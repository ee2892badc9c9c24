//! Features whose dot product is the radial kernel, about.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;

/// So few rows are not worth another core.
const FEW: usize = 16;

/// From readings, already standardised, to features.
#[derive(Debug, Clone)]
pub(super) enum FeatureMap {
    /// The readings themselves: the linear kernel.
    Linear { channels: usize },
    /// `sqrt(2 / D) (cos(w x), sin(w x))` for `D / 2` random frequencies `w`.
    Fourier {
        /// Shape `(channels, D / 2)`.
        frequencies: Vec<f64>,
        half: usize,
    },
}

impl FeatureMap {
    /// `features` random Fourier features of the radial kernel with `gamma`.
    pub(super) fn fourier(channels: usize, features: usize, gamma: f64, seed: u64) -> Self {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let half = features / 2;
        let scale = (2.0 * gamma).sqrt();
        let frequencies = (0..channels * half).map(|_| scale * normal(&mut random)).collect();
        Self::Fourier { frequencies, half }
    }

    pub(super) fn features(&self) -> usize {
        match self {
            Self::Linear { channels } => *channels,
            Self::Fourier { half, .. } => 2 * half,
        }
    }

    /// Writes the features of `row` into `out`, of [`FeatureMap::features`] slots.
    fn map(&self, row: &[f64], out: &mut [f64]) {
        let Self::Fourier { frequencies, half } = self else {
            return out.copy_from_slice(row);
        };
        let (cosines, sines) = out.split_at_mut(*half);
        cosines.fill(0.0);
        for (reading, frequencies) in row.iter().zip(frequencies.chunks_exact(*half)) {
            let slots = cosines.iter_mut().zip(frequencies);
            slots.for_each(|(phase, frequency)| *phase += reading * frequency);
        }
        // Half as many frequencies as features: cos^2 + sin^2 = 1 for each.
        let scale = (1.0 / *half as f64).sqrt();
        for (cosine, sine) in cosines.iter_mut().zip(sines) {
            let (sin, cos) = sin_cos(*cosine);
            (*cosine, *sine) = (scale * cos, scale * sin);
        }
    }

    /// Features of every row of `rows`, shape `(rows, features)`.
    pub(super) fn map_all(&self, rows: &[f64], channels: usize) -> Vec<f64> {
        let features = self.features();
        let mut mapped = vec![0.0; rows.len() / channels * features];
        if rows.len() <= FEW * channels {
            let slots = mapped.chunks_mut(features).zip(rows.chunks(channels));
            slots.for_each(|(slot, row)| self.map(row, slot));
            return mapped;
        }
        let slots = mapped.par_chunks_mut(features).with_min_len(FEW);
        let rows = rows.par_chunks(channels).with_min_len(FEW);
        slots.zip(rows).for_each(|(slot, row)| self.map(row, slot));
        mapped
    }

    /// Dot product of `weights` with the features of every row.
    pub(super) fn project(&self, rows: &[f64], channels: usize, weights: &[f64]) -> Vec<f64> {
        let one = |scratch: &mut Vec<f64>, row: &[f64]| {
            scratch.resize(self.features(), 0.0);
            self.map(row, scratch);
            dot(scratch, weights)
        };
        if rows.len() <= FEW * channels {
            let mut scratch = Vec::new();
            return rows.chunks(channels).map(|row| one(&mut scratch, row)).collect();
        }
        rows.par_chunks(channels).with_min_len(FEW).map_init(Vec::new, one).collect()
    }
}

/// Dot product with eight running sums.
pub(super) fn dot(left: &[f64], right: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (left, right) = (left.chunks_exact(8), right.chunks_exact(8));
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    for (left, right) in left.zip(right) {
        for lane in 0..8 {
            lanes[lane] += left[lane] * right[lane];
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// Sine and cosine to 1e-8, without branches, so that the compiler works on
/// several at once: the angle is brought into -pi..=pi, then Taylor polynomials.
#[inline]
fn sin_cos(angle: f64) -> (f64, f64) {
    const ROUND: f64 = 6_755_399_441_055_744.0;
    // Far beyond any data; keeps the rounding below valid.
    let angle = angle.clamp(-1e15, 1e15);
    let turns = angle * (1.0 / std::f64::consts::TAU);
    let whole = (turns + ROUND) - ROUND;
    let angle = (turns - whole) * std::f64::consts::TAU;
    let square = angle * angle;
    let sine = SINE.iter().fold(0.0, |sum, factor| sum * square + factor);
    let cosine = COSINE.iter().fold(0.0, |sum, factor| sum * square + factor);
    (sine * angle, cosine)
}

/// `(-1)^k / (2k + 1)!`, largest `k` first.
const SINE: [f64; 12] = inverse_factorials(1);
/// `(-1)^k / (2k)!`, largest `k` first.
const COSINE: [f64; 12] = inverse_factorials(0);

const fn inverse_factorials(first: u32) -> [f64; 12] {
    let mut factors = [0.0; 12];
    let (mut k, mut factorial) = (0, 1.0);
    while k < 12 {
        factors[11 - k as usize] = if k % 2 == 0 { 1.0 / factorial } else { -1.0 / factorial };
        let last = (2 * k + first) as f64;
        factorial *= (last + 1.0) * (last + 2.0);
        k += 1;
    }
    factors
}

/// A standard normal number, by Box and Muller.
fn normal(random: &mut Pcg64Mcg) -> f64 {
    // 1 - u is in (0, 1], so its logarithm is finite.
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sine_and_cosine_are_right_to_eight_digits() {
        for step in -40_000..40_000 {
            let angle = f64::from(step) * 0.01;
            let (sin, cos) = sin_cos(angle);
            assert!(
                (sin - angle.sin()).abs() < 1e-8 && (cos - angle.cos()).abs() < 1e-8,
                "{angle}"
            );
        }
        let (sin, cos) = sin_cos(1e100);
        assert!(sin.abs() <= 1.0 + 1e-8 && cos.abs() <= 1.0 + 1e-8);
    }

    #[test]
    fn the_error_of_the_kernel_falls_with_the_root_of_the_features() {
        let rows: Vec<f64> = (0..60).map(|i| (f64::from(i) * 1.3).sin()).collect();
        let error = |features: usize| {
            let mapped = FeatureMap::fourier(3, features, 0.4, 7).map_all(&rows, 3);
            let mut squares = 0.0;
            for (i, x) in rows.chunks_exact(3).enumerate() {
                for (j, y) in rows.chunks_exact(3).enumerate() {
                    let apart: f64 = x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum();
                    let of = |row: usize| &mapped[row * features..(row + 1) * features];
                    squares += ((-0.4 * apart).exp() - dot(of(i), of(j))).powi(2);
                }
            }
            (squares / 400.0).sqrt()
        };
        let (few, many) = (error(64), error(4096));
        assert!(few < 0.2 && many < 0.025 && many < few / 3.0, "{few} {many}");
    }
}

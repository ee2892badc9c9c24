//! How large a usual residual is.

use auscult_stats::quantile::{MAD_TO_DEVIATION, median, quantile};

/// Least scale, as a share of the usual swing of the readings: less cannot be
/// seen in a plot of them.
const LEAST_OF_SWING: f64 = 1e-3;

/// The 90 % quantile of the size of a standard normal number.
const NORMAL_90: f64 = 1.644_853_626_951_472_7;

/// The most that heavy tails are bent: the cube root.
const LEAST_POWER: f64 = 1.0 / 3.0;

/// A phase borrows from this share of a season to both sides.
const PHASE_REACH: usize = 24;

/// How residuals become robust deviations.
///
/// Each residual is measured in median absolute deviations, of all rows or of
/// the rows near its phase, whichever is larger; then raised to a power of at
/// most 1, chosen so that the median and the 90 % quantile of all rows come to
/// lie where a normal distribution has them. On normal residuals this is the
/// plain robust z; heavy tails are drawn in. Up to a tenth of the rows may be
/// anomalous.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ResidualScale {
    centre: f64,
    /// Scale of each phase, in units of the readings.
    phases: Vec<f64>,
    /// Factor and power that turn scaled residuals into deviations.
    factor: f64,
    power: f64,
}

impl ResidualScale {
    /// Of `residuals`, which remain of `readings` with a season of `period`
    /// rows.
    ///
    /// The scale is held above a thousandth of the swing of the readings, which
    /// is their central 80 %. When the median absolute deviation lies below a
    /// third of the smallest step between readings, most of them are the same
    /// reading, as of a counter of rare errors; then the standard deviation of
    /// the residuals stands in, by which something that happens in more than
    /// one of 16 rows cannot score 4.
    pub(crate) fn of(residuals: &[f64], readings: &[f64], period: usize) -> Self {
        let mut scratch = residuals.to_vec();
        let centre = median(&mut scratch);
        let sizes: Vec<f64> = residuals.iter().map(|residual| (residual - centre).abs()).collect();
        scratch.copy_from_slice(&sizes);
        let deviation = MAD_TO_DEVIATION * median(&mut scratch);

        let mut sorted = readings.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let (low, high) = (quantile(&mut sorted, 0.1), quantile(&mut sorted, 0.9));
        let rounding = 1e-9 * low.abs().max(high.abs());
        let least = LEAST_OF_SWING * (high - low) / (2.0 * 1.281_551_565_544_600_4);
        if deviation <= rounding.max(resolution(&sorted, rounding) / 12.0_f64.sqrt()) {
            let scale = root_mean_square(&sizes).max(least);
            return Self { centre, phases: vec![scale], factor: 1.0, power: 1.0 };
        }
        let phases = phase_scales(&sizes, period, deviation.max(least));
        for (row, size) in sizes.iter().enumerate() {
            scratch[row] = size / phases[row % phases.len()];
        }
        let middle = median(&mut scratch);
        let tail = quantile(&mut scratch, 0.9);
        // Exactly 1 when the ratio of the two is that of a normal distribution.
        let power = (NORMAL_90 * MAD_TO_DEVIATION).ln() / (tail / middle).ln();
        let power = if power > 0.0 { power.clamp(LEAST_POWER, 1.0) } else { 1.0 };
        // Light tails are measured by the middle, heavy ones by the tail.
        let factor =
            (1.0 / (MAD_TO_DEVIATION * middle).powf(power)).min(NORMAL_90 / tail.powf(power));
        Self { centre, phases, factor: factor.min(1.0), power }
    }

    /// The middle of the residuals.
    pub(crate) fn centre(&self) -> f64 {
        self.centre
    }

    /// `distance` from the expected, at least 0, in robust deviations.
    pub(crate) fn rate(&self, distance: f64, phase: usize) -> f64 {
        let scale = self.phases[phase % self.phases.len()];
        let scaled = crate::shared::ratio(distance, scale);
        self.factor * scaled.powf(self.power)
    }

    /// The distance from the expected that scores `score`.
    pub(crate) fn distance(&self, score: f64, phase: usize) -> f64 {
        let scale = self.phases[phase % self.phases.len()];
        let distance = (score.max(0.0) / self.factor).powf(1.0 / self.power) * scale;
        distance.min(f64::MAX)
    }
}

/// The scale of each phase of a season: the deviation of the rows near it, but
/// no less than `least`.
fn phase_scales(sizes: &[f64], period: usize, least: f64) -> Vec<f64> {
    if period < 2 {
        return vec![least];
    }
    // Enough neighbours for a steady median are enough.
    let reach = (period / PHASE_REACH).min(256 * period / sizes.len());
    let mut near = Vec::new();
    (0..period)
        .map(|phase| {
            near.clear();
            for offset in 0..=2 * reach {
                let neighbour = (phase + period + offset - reach) % period;
                near.extend(sizes.iter().skip(neighbour).step_by(period));
            }
            least.max(MAD_TO_DEVIATION * median(&mut near))
        })
        .collect()
}

/// The smallest step between two different readings; steps that are mere
/// rounding do not count. 0 when there is none.
fn resolution(sorted: &[f64], rounding: f64) -> f64 {
    let steps = sorted.windows(2).map(|pair| pair[1] - pair[0]);
    steps.filter(|step| *step > rounding).reduce(f64::min).unwrap_or(0.0)
}

fn root_mean_square(sizes: &[f64]) -> f64 {
    let largest = sizes.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return 0.0;
    }
    // Scaled, so that the squares of tiny residuals do not vanish.
    let squares: f64 = sizes.iter().map(|size| (size / largest).powi(2)).sum();
    largest * (squares / sizes.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(readings: &[f64]) -> ResidualScale {
        ResidualScale::of(readings, readings, 1)
    }

    /// The quantiles of a standard normal distribution, nearly.
    fn normal() -> Vec<f64> {
        use statrs::distribution::{ContinuousCDF, Normal};
        let normal = Normal::standard();
        (0..999).map(|i| normal.inverse_cdf((f64::from(i) + 0.5) / 999.0)).collect()
    }

    #[test]
    fn on_normal_residuals_it_is_the_plain_robust_z() {
        let scale = of(&normal());
        for distance in [0.5, 2.0, 4.0, 8.0] {
            assert!((scale.rate(distance, 0) / distance - 1.0).abs() < 0.02, "{scale:?}");
            assert!((scale.distance(scale.rate(distance, 0), 0) / distance - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_few_outliers_do_not_move_it_and_heavy_tails_are_drawn_in() {
        let mut readings = normal();
        for reading in readings.iter_mut().step_by(30) {
            *reading = 1e100;
        }
        assert!(of(&readings).rate(4.0, 0) > 3.0);
        let heavy: Vec<f64> = normal().iter().map(|value| value * value * value).collect();
        assert!((of(&heavy).rate(64.0, 0) - 4.0).abs() < 0.1, "{:?}", of(&heavy));
    }

    #[test]
    fn a_noisy_phase_is_judged_by_its_own_noise() {
        let readings: Vec<f64> = normal()
            .iter()
            .enumerate()
            .map(|(row, value)| {
                let mixed = normal()[(row * 389) % 999];
                if row % 4 == 0 { 10.0 * mixed } else { 0.0 * value + mixed }
            })
            .collect();
        let scale = ResidualScale::of(&readings, &readings, 4);
        assert!(scale.rate(10.0, 0) < 2.0 && scale.rate(10.0, 1) > 4.0, "{scale:?}");
    }

    #[test]
    fn rare_events_of_a_counter_stand_out_and_frequent_ones_do_not() {
        let counter = |every: usize| -> Vec<f64> {
            (0..1000).map(|row| if row % every == 0 { 1.0 } else { 0.0 }).collect()
        };
        assert!(of(&counter(200)).rate(1.0, 0) > 10.0);
        assert!(of(&counter(10)).rate(1.0, 0) < 4.0);
    }

    #[test]
    fn equal_residuals_score_nothing_and_another_one_all() {
        let scale = of(&[7.25; 50]);
        assert_eq!(scale.rate(0.0, 0), 0.0);
        assert_eq!(scale.rate(0.5, 0), f64::MAX);
    }
}

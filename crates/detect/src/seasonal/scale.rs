//! How large a usual residual is.

use auscult_stats::quantile::{MAD_TO_DEVIATION, median, quantile};
use auscult_stats::resolution::{Resolution, root_mean_square};

/// The 90 % quantile of the size of a standard normal number.
const NORMAL_90: f64 = 1.644_853_626_951_472_7;

/// The most that heavy tails are bent: the cube root.
const LEAST_POWER: f64 = 1.0 / 3.0;

/// A phase borrows from this share of a season to both sides.
const PHASE_REACH: usize = 24;

/// Blocks into which a history is cut to judge its tails, and their least
/// rows.
const BLOCKS: usize = 16;
const LEAST_BLOCK: usize = 10;

/// How residuals become robust deviations.
///
/// Each residual is measured in median absolute deviations, of all rows or of
/// the rows near its phase, whichever is larger; then raised to a power of at
/// most 1, chosen so that the median and the 90 % quantile come to lie where a
/// normal distribution has them. On normal residuals this is the plain robust
/// z; heavy tails are drawn in. A tenth of the rows may be anomalous, or a
/// fifth in one long incident.
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
        let resolution = Resolution::of(readings);
        let Some(deviation) = resolution.robust_deviation(&sizes) else {
            let scale = root_mean_square(&sizes).max(resolution.least());
            return Self { centre, phases: vec![scale], factor: 1.0, power: 1.0 };
        };
        let phases = phase_scales(&sizes, period, deviation.max(resolution.least()));
        for (row, size) in sizes.iter().enumerate() {
            scratch[row] = size / phases[row % phases.len()];
        }
        let tail = usual_tail(&mut scratch);
        let middle = median(&mut scratch);
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

/// The 90 % quantile of `sizes`, in order of time, or what three quarters of the
/// blocks of time stay below, if that is less: one long incident makes no heavy
/// tail. Reorders `sizes`.
fn usual_tail(sizes: &mut [f64]) -> f64 {
    let block = sizes.len().div_ceil(BLOCKS).max(LEAST_BLOCK);
    let mut tails: Vec<f64> = sizes.chunks_mut(block).map(|block| quantile(block, 0.9)).collect();
    quantile(&mut tails, 0.75).min(quantile(sizes, 0.9))
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
        // In mixed order: 389 and 999 have no common factor.
        (0..999).map(|i| normal.inverse_cdf((f64::from(i * 389 % 999) + 0.5) / 999.0)).collect()
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
    fn a_long_incident_is_no_heavy_tail() {
        let mut readings: Vec<f64> = normal()[..200].to_vec();
        readings[80..115].iter_mut().for_each(|reading| *reading += 12.0);
        assert!(of(&readings).rate(12.0, 0) > 6.0, "{:?}", of(&readings));
    }

    #[test]
    fn a_noisy_phase_is_judged_by_its_own_noise() {
        let readings: Vec<f64> = normal()
            .iter()
            .enumerate()
            .map(|(row, value)| if row % 4 == 0 { 10.0 * value } else { *value })
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

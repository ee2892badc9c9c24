//! The steps in which readings come, and the least spread that they can tell.

use serde::{Deserialize, Serialize};

use crate::quantile::{MAD_TO_DEVIATION, median, quantile};

/// What rounding to steps of one adds to a deviation: that of an even
/// distribution over one step, `1 / sqrt(12)`.
pub const STEP_TO_DEVIATION: f64 = 0.288_675_134_594_812_9;

/// Differences below this share of the readings are rounding of the numbers
/// themselves.
const ROUNDING: f64 = 1e-9;

/// Least spread, as a share of the usual swing of the readings: less cannot be
/// seen in a plot of them.
const LEAST_OF_SWING: f64 = 1e-3;

/// How finely readings tell what spreads around them.
///
/// A sensor that reports tenths, or a counter, cannot show a deviation much
/// below its step; a median absolute deviation below that, mostly 0, says that
/// most readings are equal, not that any other is infinitely strange.
///
/// ```
/// use auscult_stats::resolution::Resolution;
/// // A counter of rare errors: what is left of its level is mostly 0.
/// let errors: Vec<f64> = (0..100).map(|row| f64::from(row % 20 / 19)).collect();
/// let deviation = Resolution::of(&errors).deviation(&errors);
/// assert!((deviation - 0.05_f64.sqrt()).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resolution {
    step: f64,
    /// The least median absolute deviation, scaled, that means anything.
    robust: f64,
    /// The least deviation that counts.
    least: f64,
}

impl Resolution {
    /// The smallest step between two different readings; 0 where there is none.
    #[must_use]
    pub fn step(&self) -> f64 {
        self.step
    }

    /// Of `readings`: their smallest step, and their swing, which is their
    /// central 80 %. Time O(n log n).
    #[must_use]
    pub fn of(readings: &[f64]) -> Self {
        let mut sorted = readings.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let mut scratch = sorted.clone();
        let (low, high) = (quantile(&mut scratch, 0.1), quantile(&mut scratch, 0.9));
        let rounding = ROUNDING * low.abs().max(high.abs());
        let steps = sorted.windows(2).map(|pair| pair[1] - pair[0]);
        let step = steps.filter(|step| *step > rounding).reduce(f64::min).unwrap_or(0.0);
        let least = LEAST_OF_SWING * (high - low) / (2.0 * 1.281_551_565_544_600_4);
        Self { step, robust: rounding.max(STEP_TO_DEVIATION * step), least }
    }

    /// The least deviation that counts, whatever is measured: a thousandth of
    /// the swing, as a deviation.
    #[must_use]
    pub fn least(&self) -> f64 {
        self.least
    }

    /// The median of `sizes`, distances from their centre, scaled to a standard
    /// deviation; `None` where it lies below a third of the smallest step
    /// between readings, so that most of them are the same reading.
    #[must_use]
    pub fn robust_deviation(&self, sizes: &[f64]) -> Option<f64> {
        let deviation = MAD_TO_DEVIATION * median(&mut sizes.to_vec());
        (deviation > self.robust).then_some(deviation)
    }

    /// The usual size of `residuals`: the scaled median absolute deviation, or
    /// where that tells nothing the root mean square around the median, by which
    /// something that happens in more than one of 16 rows cannot score 4.
    #[must_use]
    pub fn deviation(&self, residuals: &[f64]) -> f64 {
        let centre = median(&mut residuals.to_vec());
        let sizes: Vec<f64> = residuals.iter().map(|residual| (residual - centre).abs()).collect();
        self.robust_deviation(&sizes).unwrap_or_else(|| root_mean_square(&sizes))
    }
}

/// The root of the mean of the squares of `sizes`, each at least 0.
#[must_use]
pub fn root_mean_square(sizes: &[f64]) -> f64 {
    let largest = sizes.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return 0.0;
    }
    // Scaled, so that the squares of tiny sizes do not vanish.
    let squares: f64 = sizes.iter().map(|size| (size / largest).powi(2)).sum();
    largest * (squares / sizes.len() as f64).sqrt()
}

/// The smallest step between neighbouring readings of a stream so far.
///
/// Time and memory O(1). Steps that are mere rounding do not count. Readings
/// none of which repeats the one before it are taken to come without steps.
///
/// ```
/// use auscult_stats::resolution::RunningResolution;
/// let mut resolution = RunningResolution::default();
/// [20.0, 20.0, 20.5, 20.25].into_iter().for_each(|reading| resolution.push(reading));
/// assert_eq!(resolution.step(), Some(0.25));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunningResolution {
    last: Option<f64>,
    step: Option<f64>,
    /// Some reading equalled the one before it.
    repeats: bool,
}

impl RunningResolution {
    /// Takes in the next reading.
    pub fn push(&mut self, reading: f64) {
        if let Some(last) = self.last.replace(reading) {
            let step = (reading - last).abs();
            if step > ROUNDING * reading.abs().max(last.abs()) {
                self.step = Some(self.step.map_or(step, |known| known.min(step)));
            } else {
                self.repeats = true;
            }
        }
    }

    /// The smallest step so far; `None` while all readings were equal, or none
    /// repeated the one before it.
    #[must_use]
    pub fn step(&self) -> Option<f64> {
        self.step.filter(|_| self.repeats)
    }

    /// The least deviation that these readings can tell; `None` where
    /// [`RunningResolution::step`] is.
    #[must_use]
    pub fn deviation(&self) -> Option<f64> {
        self.step().map(|step| STEP_TO_DEVIATION * step)
    }

    /// Whether restored numbers can be worked with.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.last.is_none_or(f64::is_finite)
            && self.step.is_none_or(|step| step > 0.0 && step.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_above_the_step_is_the_robust_one() {
        let readings: Vec<f64> = (0..101).map(|at| f64::from(at * 37 % 101) / 10.0).collect();
        let deviation = Resolution::of(&readings).deviation(&readings);
        assert!((deviation - MAD_TO_DEVIATION * 2.5).abs() < 1e-12, "{deviation}");
    }

    #[test]
    fn where_nothing_varies_there_is_no_deviation() {
        assert_eq!(Resolution::of(&[3.5; 20]).deviation(&[3.5; 20]), 0.0);
    }

    #[test]
    fn rounding_is_no_step() {
        let mut resolution = RunningResolution::default();
        for reading in [0.3, 0.1 + 0.2, 0.3] {
            resolution.push(reading);
        }
        assert_eq!(resolution.step(), None);
        resolution.push(0.4);
        assert!(resolution.step().is_some_and(|step| (step - 0.1).abs() < 1e-12));
    }
}

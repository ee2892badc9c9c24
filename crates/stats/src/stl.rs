//! Season and trend by local regression.

use crate::loess::{Kernel, Loess};
use crate::quantile::median;

/// Seasonal-trend decomposition by loess (STL).
///
/// Splits a series of at least two seasons into a season, whose shape may
/// change slowly, a trend, and a remainder; with `outer` robustness rounds,
/// single strange values bend neither. Time O(rows × windows / jumps) per
/// round, memory O(rows).
///
/// Equals `statsmodels.tsa.seasonal.STL` with the same windows, degrees, jumps
/// and rounds.
///
/// Reference: R. B. Cleveland, W. S. Cleveland, J. E. McRae, I. Terpenning,
/// "STL: a seasonal-trend decomposition procedure based on loess", Journal of
/// Official Statistics 6(1), 1990.
///
/// ```
/// use auscult_stats::stl::Stl;
/// let values: Vec<f64> = (0..60).map(|i| f64::from(i) + f64::from(i % 6)).collect();
/// let parts = Stl::new(6, 7).decompose(&values);
/// assert!((parts.trend[30] + parts.season[30] - values[30]).abs() < 1e-6);
/// assert!((parts.season[31] - parts.season[30] - 1.0).abs() < 1e-6);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stl {
    /// Rows in a season; at least 2.
    pub period: usize,
    /// Smooths the values of one phase over the seasons; its window counts
    /// seasons.
    pub seasonal: Loess,
    /// Smooths the deseasonalised series.
    pub trend: Loess,
    /// Takes what is left of the trend out of the season.
    pub low_pass: Loess,
    /// Rounds of season and trend between two updates of the weights.
    pub inner: usize,
    /// Rounds in which values far from the fit lose weight; 0 is not robust.
    pub outer: usize,
}

/// What [`Stl`] makes of a series; each part has one entry per row.
#[derive(Debug, Clone, PartialEq)]
pub struct Decomposition {
    /// What repeats; near 0 on average.
    pub season: Vec<f64>,
    /// What moves slowly.
    pub trend: Vec<f64>,
    /// How far each row was believed in the last round, in `0..=1`.
    pub weights: Vec<f64>,
}

impl Stl {
    /// The windows that the paper recommends, fitted at every tenth of a
    /// window, five inner rounds and no robustness rounds.
    #[must_use]
    pub fn new(period: usize, seasonal_window: usize) -> Self {
        let odd = |window: usize| window + usize::from(window.is_multiple_of(2));
        // Below 1.5 the rule has no meaning; 3 is the least window.
        let seasons = seasonal_window.max(3) as f64;
        let trend = odd((1.5 * period as f64 / (1.0 - 1.5 / seasons)).ceil() as usize);
        let loess = |window: usize| Loess { window, degree: 1, jump: window.div_ceil(10) };
        Self {
            period,
            seasonal: loess(odd(seasonal_window.max(3))),
            trend: loess(trend.max(3)),
            low_pass: loess(odd(period + 1).max(3)),
            inner: 5,
            outer: 0,
        }
    }

    /// The same with `outer` robustness rounds of two inner rounds each.
    #[must_use]
    pub fn robust(self, outer: usize) -> Self {
        Self { inner: 2, outer, ..self }
    }

    /// Splits `values` into season, trend and remainder.
    ///
    /// # Panics
    ///
    /// When the period is below 2 or `values` holds less than two seasons.
    #[must_use]
    pub fn decompose(&self, values: &[f64]) -> Decomposition {
        assert!(self.period >= 2, "a season has at least two rows, got {}", self.period);
        assert!(
            values.len() >= 2 * self.period,
            "need two seasons of {} rows, got {} rows",
            self.period,
            values.len()
        );
        let rows = values.len();
        let mut parts = Decomposition {
            season: vec![0.0; rows],
            trend: vec![0.0; rows],
            weights: vec![1.0; rows],
        };
        let mut work = Work::new(rows, self.period);
        for round in 0..=self.outer {
            if round > 0 {
                work.reweigh(values, &mut parts);
            }
            for _ in 0..self.inner.max(1) {
                self.refine(values, &mut parts, &mut work);
            }
        }
        parts
    }

    /// One inner round: season from the detrended, trend from the deseasonalised.
    fn refine(&self, values: &[f64], parts: &mut Decomposition, work: &mut Work) {
        let rows = values.len();
        for ((slot, value), trend) in work.rows.iter_mut().zip(values).zip(&parts.trend) {
            *slot = value - trend;
        }
        self.smooth_phases(&parts.weights, work);
        // What the phases hold of the trend: two averages of a season, one of three rows.
        moving_average(&work.extended, self.period, &mut work.first);
        moving_average(&work.first[..rows + self.period + 1], self.period, &mut work.second);
        moving_average(&work.second[..rows + 2], 3, &mut work.first);
        self.low_pass.smooth_into(
            &work.first[..rows],
            &work.ones,
            &mut work.kernel,
            &mut work.second[..rows],
        );
        for (row, season) in parts.season.iter_mut().enumerate() {
            *season = work.extended[self.period + row] - work.second[row];
            work.rows[row] = values[row] - *season;
        }
        self.trend.smooth_into(&work.rows, &parts.weights, &mut work.kernel, &mut parts.trend);
    }

    /// Smooths each phase of `work.rows` into `work.extended`, which reaches
    /// one season beyond both ends.
    fn smooth_phases(&self, weights: &[f64], work: &mut Work) {
        let Work { rows, extended, phase, phase_weights, phase_smooth, kernel, .. } = work;
        for first in 0..self.period {
            phase.clear();
            phase.extend(rows.iter().skip(first).step_by(self.period));
            phase_weights.clear();
            phase_weights.extend(weights.iter().skip(first).step_by(self.period));
            let seasons = phase.len();
            phase_smooth.clear();
            phase_smooth.resize(seasons, 0.0);
            self.seasonal.smooth_into(phase, phase_weights, kernel, phase_smooth);
            for (season, value) in phase_smooth.iter().enumerate() {
                extended[(season + 1) * self.period + first] = *value;
            }
            let width = self.seasonal.window.min(seasons);
            let mut beyond = |position, left, right| {
                self.seasonal.fit(phase, phase_weights, kernel, position, left, right)
            };
            let before = beyond(-1, 0, width - 1);
            let after = beyond(seasons as isize, seasons - width, seasons - 1);
            extended[first] = before.unwrap_or(phase_smooth[0]);
            extended[(seasons + 1) * self.period + first] =
                after.unwrap_or(phase_smooth[seasons - 1]);
        }
    }
}

/// Memory that the rounds share.
struct Work {
    rows: Vec<f64>,
    extended: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    ones: Vec<f64>,
    phase: Vec<f64>,
    phase_weights: Vec<f64>,
    phase_smooth: Vec<f64>,
    kernel: Kernel,
}

impl Work {
    fn new(rows: usize, period: usize) -> Self {
        Self {
            rows: vec![0.0; rows],
            extended: vec![0.0; rows + 2 * period],
            first: vec![0.0; rows + 2 * period],
            second: vec![0.0; rows + 2 * period],
            ones: vec![1.0; rows],
            phase: Vec::new(),
            phase_weights: Vec::new(),
            phase_smooth: Vec::new(),
            kernel: Kernel::default(),
        }
    }

    /// Bisquare weights of the remainder, in units of six median magnitudes.
    fn reweigh(&mut self, values: &[f64], parts: &mut Decomposition) {
        for (row, slot) in self.rows.iter_mut().enumerate() {
            *slot = (values[row] - parts.season[row] - parts.trend[row]).abs();
            parts.weights[row] = *slot;
        }
        // Where most rows fit exactly, what is left of them is rounding.
        let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let limit = (6.0 * median(&mut self.rows)).max(1e-12 * largest);
        for weight in &mut parts.weights {
            *weight = bisquare(*weight, limit);
        }
    }
}

fn bisquare(distance: f64, limit: f64) -> f64 {
    if distance <= 1e-3 * limit {
        1.0
    } else if distance <= 0.999 * limit {
        let share = distance / limit;
        let rest = 1.0 - share * share;
        rest * rest
    } else {
        0.0
    }
}

/// Averages of `window` neighbours; there are `values.len() - window + 1`.
fn moving_average(values: &[f64], window: usize, averages: &mut [f64]) {
    let mut sum: f64 = values[..window].iter().sum();
    averages[0] = sum / window as f64;
    for (at, pair) in values.windows(window + 1).enumerate() {
        sum += pair[window] - pair[0];
        averages[at + 1] = sum / window as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn daily(rows: usize) -> Vec<f64> {
        (0..rows)
            .map(|row| {
                let phase = std::f64::consts::TAU * (row % 24) as f64 / 24.0;
                let noise = (row * row % 17) as f64 / 17.0;
                0.01 * row as f64 + 5.0 * phase.sin() + 2.0 * (2.0 * phase).cos() + 0.2 * noise
            })
            .collect()
    }

    #[test]
    fn robust_rounds_keep_outliers_out_of_season_and_trend() {
        let mut values = daily(24 * 14);
        let clean = Stl::new(24, 7).robust(5).decompose(&values);
        for row in [50, 51, 52, 200] {
            values[row] += 100.0;
        }
        let parts = Stl::new(24, 7).robust(5).decompose(&values);
        for row in 0..values.len() {
            assert!((parts.season[row] - clean.season[row]).abs() < 0.15, "row {row}");
            assert!((parts.trend[row] - clean.trend[row]).abs() < 0.15, "row {row}");
        }
        assert_eq!(parts.weights[200], 0.0);
    }

    #[test]
    fn jumps_change_little() {
        let values = daily(24 * 30);
        let jumped = Stl::new(24, 11);
        let mut exact = jumped;
        for loess in [&mut exact.seasonal, &mut exact.trend, &mut exact.low_pass] {
            loess.jump = 1;
        }
        let (jumped, exact) = (jumped.decompose(&values), exact.decompose(&values));
        for row in 0..values.len() {
            assert!((jumped.season[row] - exact.season[row]).abs() < 0.02, "row {row}");
        }
    }
}

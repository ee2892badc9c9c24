//! Regressions of a stream, each value on the others, and their usual residuals.

use auscult_stats::linear::RecursiveRegression;
use auscult_stats::quantile::{MAD_TO_DEVIATION, median};
use auscult_stats::resolution::RunningResolution;
use serde::{Deserialize, Serialize};
use statrs::distribution::{Continuous, ContinuousCDF, Normal};

use crate::shared::Spread;

/// Units beyond which a value counts as if it lay there: products of such
/// values stay finite, and nothing real is as far.
const FARTHEST: f64 = 1e6;

/// Units beyond which a value of the warm-up counts as if it lay there.
const WARMUP_CLIP: f64 = 20.0;

/// The least usual residual, in units: less cannot be seen in a plot.
const LEAST_SCALE: f64 = 1e-3;

/// How much of a surprise is learnt, and how fast the past fades.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Learning {
    pub(super) forgetting: f64,
    pub(super) prior: f64,
    pub(super) clip: f64,
}

/// Values of one row, and what a regression of each on the others makes of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Follower {
    regression: RecursiveRegression,
    /// Value `at` is measured in `units[at]`.
    units: Vec<Unit>,
    /// Mean squares of the residuals as learnt, in units, of the first so many
    /// values; only those are judged.
    squares: Vec<f64>,
    resolution: Vec<RunningResolution>,
    learnt: u64,
}

/// Where a value usually lies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unit {
    centre: f64,
    size: f64,
    /// Whether the value varied at all.
    varies: bool,
}

impl Unit {
    /// Median and scaled median absolute deviation of `values`; where more than
    /// half are equal, the median distance of the others; the level itself where
    /// nothing varies.
    pub(super) fn of(values: &[f64]) -> Self {
        let centre = median(&mut values.to_vec());
        let mut sizes: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
        let deviation = MAD_TO_DEVIATION * median(&mut sizes);
        let rounding = f64::EPSILON * centre.abs();
        sizes.retain(|size| *size > rounding);
        let size = if deviation > rounding { deviation } else { median(&mut sizes) };
        let varies = size > rounding.max(f64::MIN_POSITIVE);
        let level = if centre == 0.0 { 1.0 } else { centre.abs() };
        Self { centre, size: if varies { size } else { level }, varies }
    }

    fn measure(self, value: f64) -> f64 {
        ((value - self.centre) / self.size).clamp(-FARTHEST, FARTHEST)
    }

    fn is_sound(self) -> bool {
        self.centre.is_finite() && self.size > 0.0 && self.size.is_finite()
    }
}

impl Follower {
    /// Starts from the `rows` of a warm-up, whose first `judged` values are judged.
    pub(super) fn start(
        rows: &[Vec<f64>],
        units: Vec<Unit>,
        judged: usize,
        learning: &Learning,
    ) -> Self {
        let width = units.len();
        let mut regression = RecursiveRegression::new(width, learning.forgetting, learning.prior);
        let hold = |value: f64| value.clamp(-WARMUP_CLIP, WARMUP_CLIP);
        let held = |row: &Vec<f64>| -> Vec<f64> {
            row.iter().zip(&units).map(|(value, unit)| hold(unit.measure(*value))).collect()
        };
        let held: Vec<Vec<f64>> = rows.iter().map(held).collect();
        held.iter().for_each(|row| regression.learn(row));
        let residuals: Vec<Vec<f64>> = held.iter().map(|row| regression.residuals(row)).collect();
        let free = rows.len() as f64 / rows.len().saturating_sub(width).max(1) as f64;
        let square = |at: usize| {
            let mut sizes: Vec<f64> = residuals.iter().map(|row| row[at].abs()).collect();
            let robust = (MAD_TO_DEVIATION * median(&mut sizes)).powi(2);
            let mean = sizes.iter().map(|size| size * size).sum::<f64>() / sizes.len() as f64;
            free * if robust > 0.0 { robust } else { mean }
        };
        let squares = (0..judged).map(square).collect();
        let mut resolution = vec![RunningResolution::default(); judged];
        for row in rows {
            resolution.iter_mut().zip(row).for_each(|(steps, value)| steps.push(*value));
        }
        Self { regression, units, squares, resolution, learnt: rows.len() as u64 }
    }

    /// How far apart value `at` and what is expected of it usually lie.
    fn spread(&self, at: usize, learning: &Learning) -> Spread {
        let unit = self.units[at];
        let samples = (self.learnt as f64).min(1.0 / (1.0 - learning.forgetting));
        let deviation = self.squares[at].sqrt() * unit.size;
        let least = if unit.varies { LEAST_SCALE * unit.size } else { 0.0 };
        Spread::of(unit.centre, deviation, samples, &self.resolution[at]).at_least(least)
    }

    /// What the other values lead to expect of each judged one, and the spread
    /// around it.
    pub(super) fn judge(&self, row: &[f64], learning: &Learning) -> Vec<Judgement> {
        let measured = self.measure(row);
        let residuals = self.regression.residuals(&measured);
        let judge = |at: usize| {
            let unit = self.units[at];
            let expected = unit.centre + (measured[at] - residuals[at]) * unit.size;
            Judgement { reading: row[at], expected, spread: self.spread(at, learning) }
        };
        (0..self.squares.len()).map(judge).collect()
    }

    fn measure(&self, row: &[f64]) -> Vec<f64> {
        row.iter().zip(&self.units).map(|(value, unit)| unit.measure(*value)).collect()
    }

    /// Takes in `row`, its judged values held within `clip` usual residuals of
    /// what is expected of them; returns it as learnt.
    ///
    /// The strangest value is held first and the others judged anew, so that one
    /// broken value does not bend the values that are expected from it.
    pub(super) fn learn(&mut self, row: &[f64], learning: &Learning) -> Vec<f64> {
        let mut measured = self.measure(row);
        let judged = self.squares.len();
        let limits: Vec<f64> = (0..judged)
            .map(|at| {
                let reach = self.spread(at, learning).reach(learning.clip);
                // Of a value that never moved, the first move is learnt as it is.
                (reach / self.units[at].size).clamp(LEAST_SCALE, FARTHEST)
            })
            .collect();
        let mut residuals = self.regression.residuals(&measured);
        let mut held = vec![false; judged];
        for _ in 0..judged {
            let beyond = |at: usize| residuals[at].abs() / limits[at];
            let free = (0..judged).filter(|at| !held[*at]);
            let Some(worst) = free.max_by(|a, b| beyond(*a).total_cmp(&beyond(*b))) else { break };
            if beyond(worst) <= 1.0 {
                break;
            }
            let limit = limits[worst];
            measured[worst] += residuals[worst].clamp(-limit, limit) - residuals[worst];
            held[worst] = true;
            residuals = self.regression.residuals(&measured);
        }
        let weight = (1.0 - learning.forgetting).max(1.0 / (self.learnt as f64 + 1.0));
        let kept = kept_of_variance(learning.clip);
        for (at, square) in self.squares.iter_mut().enumerate() {
            let residual = residuals[at].clamp(-limits[at], limits[at]);
            *square += weight * (residual * residual / kept - *square);
        }
        self.regression.learn(&measured);
        self.resolution.iter_mut().zip(row).for_each(|(steps, value)| steps.push(*value));
        self.learnt = self.learnt.saturating_add(1);
        let restore = |(measured, unit): (&f64, &Unit)| unit.centre + measured * unit.size;
        measured.iter().zip(&self.units).map(restore).collect()
    }

    /// Whether a restored one of `width` values, so many of them judged, can be
    /// worked with.
    pub(super) fn is_sound(&self, width: usize, judged: usize) -> bool {
        self.regression.is_sound(width)
            && self.units.len() == width
            && self.units.iter().all(|unit| unit.is_sound())
            && [self.squares.len(), self.resolution.len()] == [judged; 2]
            && self.squares.iter().all(|square| (0.0..=1e30).contains(square))
            && self.resolution.iter().all(RunningResolution::is_sound)
    }
}

/// What is left of the variance of a standard normal number that is held within
/// ±`clip`.
fn kept_of_variance(clip: f64) -> f64 {
    let normal = Normal::standard();
    let tail = normal.cdf(-clip);
    1.0 - 2.0 * tail - 2.0 * clip * normal.pdf(clip) + 2.0 * clip * clip * tail
}

/// A reading beside what was expected of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Judgement {
    reading: f64,
    pub(super) expected: f64,
    pub(super) spread: Spread,
}

impl Judgement {
    /// Distance of the reading from what was expected, in usual residuals.
    pub(super) fn rate(&self) -> f64 {
        self.spread.rate((self.reading - self.expected).abs())
    }
}

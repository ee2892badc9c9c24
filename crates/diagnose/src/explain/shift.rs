//! How much a column changed.

use auscult_stats::moments::Moments;

use auscult_stats::two_sample::{
    Blocks, Independence, KolmogorovSmirnov, MannWhitney, MeanShift, brown_forsythe,
    effective_size, interval, kolmogorov_smirnov, mann_whitney, mean_shift,
};

/// Settings of [`shift`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShiftOptions {
    /// Confidence of the intervals, in (0, 1).
    pub confidence: f64,
    /// Bootstrap resamples at most; fewer for very long periods, never below 100.
    pub resamples: usize,
    /// Seed of the bootstrap.
    pub seed: u64,
}

impl Default for ShiftOptions {
    fn default() -> Self {
        Self { confidence: 0.95, resamples: 1000, seed: 0 }
    }
}

/// A quantity of two periods.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantity {
    /// Before.
    pub before: f64,
    /// After.
    pub after: f64,
    /// Where `after - before` lies, with the confidence asked for.
    pub interval: (f64, f64),
}

impl Quantity {
    /// `after - before`.
    #[must_use]
    pub fn change(&self) -> f64 {
        self.after - self.before
    }
}

/// How much a column changed between two periods.
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    /// Rows before and after.
    pub rows: (usize, usize),
    /// Independent rows that they are worth.
    pub effective_rows: (f64, f64),
    /// Of the mean.
    pub mean: Quantity,
    /// Of the median.
    pub median: Quantity,
    /// Of the standard deviation.
    pub deviation: Quantity,
    /// The deciles 0.1 to 0.9, with their levels.
    pub deciles: Vec<(f64, Quantity)>,
    /// Test of the means, by effective rows.
    pub mean_test: MeanShift,
    /// Test of one period lying above the other, by effective rows.
    pub rank_test: MannWhitney,
    /// Test of the spreads, by effective rows: its p-value.
    pub spread_p_value: f64,
    /// Test of the whole distributions, by effective rows.
    pub distribution_test: KolmogorovSmirnov,
    /// Change of the mean in standard deviations (pooled); 0 when there are none.
    pub effect_size: f64,
}

impl Shift {
    /// Whether the level changed at all, at the 5 % level.
    ///
    /// The mean's test decides, and the rank test where a few wild readings
    /// hide a shift from the mean; each at half the level, so that together
    /// they raise a false alarm in at most one case in twenty.
    #[must_use]
    pub fn is_significant(&self) -> bool {
        self.mean_test.p_value < 0.025 || self.rank_test.p_value < 0.025
    }
}

/// Why nothing can be said of a change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum ShiftError {
    /// Too few rows in a period.
    #[error("need at least {need} rows {period} the change, got {got}")]
    Rows { period: &'static str, need: usize, got: usize },
    /// Nothing varies.
    #[error("every reading is the same, before and after: nothing changed")]
    Constant,
}

/// Least rows in a period.
const LEAST_ROWS: usize = 5;
/// Readings that the bootstrap may touch, so that long periods stay quick.
const BOOTSTRAP_READINGS: usize = 50_000_000;

/// Compares the periods `before` and `after` of one column, each in order of
/// time.
///
/// Tests count effective rows, intervals come from a moving-block bootstrap, so
/// that both hold for readings that resemble their neighbours. Time
/// O(resamples · n log n).
///
/// # Errors
///
/// [`ShiftError`] with fewer than five rows in a period, or when all readings
/// are the same.
///
/// ```
/// use auscult_diagnose::explain::{ShiftOptions, shift};
/// let before: Vec<f64> = (0..40).map(|row| 30.0 + f64::from(row * 7 % 5)).collect();
/// let after: Vec<f64> = (0..40).map(|row| 22.0 + f64::from(row * 3 % 5)).collect();
/// let found = shift(&before, &after, &ShiftOptions::default())?;
/// assert_eq!(found.mean.change(), -8.0);
/// assert!(found.is_significant());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn shift(before: &[f64], after: &[f64], options: &ShiftOptions) -> Result<Shift, ShiftError> {
    for (period, rows) in [("before", before.len()), ("after", after.len())] {
        if rows < LEAST_ROWS {
            return Err(ShiftError::Rows { period, need: LEAST_ROWS, got: rows });
        }
    }
    if before.iter().chain(after).all(|value| *value == before[0]) {
        return Err(ShiftError::Constant);
    }
    let (old, new) = (summary(before), summary(after));
    let rows = before.len() + after.len();
    let resamples = options.resamples.min((BOOTSTRAP_READINGS / rows).max(100));
    let blocks = Blocks::suited(before, after, resamples, options.seed);
    let differences = blocks.map(|old_rows, new_rows| {
        let (old, new) = (summary(&pick(before, old_rows)), summary(&pick(after, new_rows)));
        std::array::from_fn::<f64, QUANTITIES, _>(|at| new[at] - old[at])
    });
    let quantity = |at: usize| {
        let changes = differences.iter().map(|difference| difference[at]).collect();
        let interval = interval(changes, options.confidence);
        Quantity { before: old[at], after: new[at], interval }
    };
    let by_effective = Independence::Estimated;
    let enough = "both periods have rows";
    let mean_test = mean_shift(before, after, by_effective).expect(enough);
    let pooled = ((Moments::of(before).variance(1) + Moments::of(after).variance(1)) / 2.0).sqrt();
    let deciles = (1..=9).map(|decile| (f64::from(decile) / 10.0, quantity(1 + decile as usize)));
    Ok(Shift {
        rows: (before.len(), after.len()),
        effective_rows: (effective_size(before), effective_size(after)),
        mean: quantity(0),
        median: quantity(6),
        deviation: quantity(1),
        deciles: deciles.collect(),
        mean_test,
        rank_test: mann_whitney(before, after, by_effective).expect(enough),
        spread_p_value: brown_forsythe(before, after, by_effective).expect(enough).p_value,
        distribution_test: kolmogorov_smirnov(before, after, by_effective).expect(enough),
        effect_size: if pooled > 0.0 { mean_test.difference / pooled } else { 0.0 },
    })
}

/// Mean, standard deviation, nine deciles.
const QUANTITIES: usize = 11;

fn summary(values: &[f64]) -> [f64; QUANTITIES] {
    let moments = Moments::of(values);
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut summary = [moments.mean(); QUANTITIES];
    summary[1] = moments.deviation(1);
    for (decile, slot) in summary[2..].iter_mut().enumerate() {
        *slot = of_sorted(&sorted, (decile + 1) as f64 / 10.0);
    }
    summary
}

/// The quantile of sorted values, interpolated as NumPy does.
fn of_sorted(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let fraction = position - below as f64;
    let high = sorted[(below + 1).min(sorted.len() - 1)];
    sorted[below] + (high - sorted[below]) * fraction
}

fn pick(values: &[f64], rows: &[usize]) -> Vec<f64> {
    rows.iter().map(|row| values[*row]).collect()
}

#[cfg(test)]
mod tests {
    use auscult_stats::quantile::{median, quantile};

    use super::*;

    #[test]
    fn quantiles_of_sorted_values_are_those_of_any_values() {
        let mut values: Vec<f64> = (0..37).map(|row| f64::from(row * 17 % 37)).collect();
        let expected = quantile(&mut values, 0.3);
        values.sort_unstable_by(f64::total_cmp);
        assert!((of_sorted(&values, 0.3) - expected).abs() < 1e-12);
        assert_eq!(of_sorted(&values, 0.5), median(&mut values));
    }

    #[test]
    fn a_slow_wave_is_no_change() {
        let wave = |row: usize| (row as f64 / 50.0).sin();
        let before: Vec<f64> = (0..200).map(wave).collect();
        let after: Vec<f64> = (200..400).map(wave).collect();
        let found = shift(&before, &after, &ShiftOptions::default()).expect("rows");
        // Taken as 200 independent rows a side, this would be a certain change.
        assert!(found.mean.change().abs() > 0.1);
        assert!(!found.is_significant(), "{found:?}");
    }

    #[test]
    fn too_little_is_refused_in_words() {
        let error = shift(&[1.0, 2.0], &[1.0; 9], &ShiftOptions::default()).expect_err("few rows");
        assert_eq!(error.to_string(), "need at least 5 rows before the change, got 2");
        let error = shift(&[1.0; 9], &[1.0; 9], &ShiftOptions::default()).expect_err("constant");
        assert_eq!(error, ShiftError::Constant);
    }
}

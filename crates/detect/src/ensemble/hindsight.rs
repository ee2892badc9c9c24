//! What is odd once the whole series is known: statistics of the surroundings of
//! each row, on the tails that they have over the whole series.

use auscult_stats::quantile::{median, quantile};

/// Rows to both sides of a row that its surroundings reach.
const HALVES: [usize; 3] = [1, 3, 5];
/// The share of the rows beyond which the tail of a statistic begins.
const TAIL: f64 = 0.01;
/// Least scale of a tail, as a share of the range of the statistic.
const LEAST_SCALE: f64 = 0.01;
/// What one statistic may add on one side.
const CAP: f64 = 10.0;
/// Readings further out than three times the range of all but this share of them at
/// each end are held there.
const OUTERMOST: f64 = 0.001;
const REACH: f64 = 3.0;

/// A number of the rows around a row.
type Statistic = fn(&[f64]) -> f64;

/// How odd each row is by `readings` and their `residuals`, at least 0: the sum of
/// excesses over the tails of the statistics, averaged over the sizes of the surroundings.
pub(super) fn oddness(readings: &[f64], residuals: &[f64]) -> Vec<f64> {
    let readings = held(readings);
    let mut odd = vec![0.0; readings.len()];
    let jumps: Vec<f64> = (0..readings.len())
        .map(|row| if row == 0 { 0.0 } else { readings[row] - readings[row - 1] })
        .collect();
    let around = |half: usize, values: &[f64], of: Statistic| -> Vec<f64> {
        let rows = values.len();
        (0..rows)
            .map(|row| of(&values[row.saturating_sub(half)..(row + half + 1).min(rows)]))
            .collect()
    };
    let distances: Vec<f64> = residuals.iter().map(|residual| residual.abs()).collect();
    // How far off all of the nearest rows are; it cannot be odd by being low.
    add_tail(&around(1, &distances, lowest), 1.0, &mut odd);
    for values in [residuals, &jumps] {
        add_tail(values, 1.0, &mut odd);
        add_tail(values, -1.0, &mut odd);
    }
    let kinds: [(&[f64], Statistic); 6] = [
        (residuals, mean),
        (residuals, deviation),
        (residuals, range),
        (&readings, lowest),
        (&readings, mean),
        (&readings, highest),
    ];
    for half in HALVES {
        for (values, of) in kinds {
            let values = around(half, values, of);
            add_tail(&values, 1.0 / HALVES.len() as f64, &mut odd);
            add_tail(&values, -1.0 / HALVES.len() as f64, &mut odd);
        }
    }
    odd
}

/// Adds the excess of each of `values` over the tail to `odd`, `weight` times: the upper
/// tail, or the lower one where the weight is below 0.
fn add_tail(values: &[f64], weight: f64, odd: &mut [f64]) {
    let upward = weight.signum();
    let mut sorted: Vec<f64> = values.iter().map(|value| upward * value).collect();
    if sorted.is_empty() {
        return;
    }
    let threshold = quantile(&mut sorted, 1.0 - TAIL);
    let (low, high) = sorted
        .iter()
        .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
    if low == high {
        return;
    }
    let mut excesses: Vec<f64> =
        sorted.iter().filter(|value| **value > threshold).map(|value| value - threshold).collect();
    // The mean of an exponential tail from its median, which outliers do not move.
    let scale = median_or_zero(&mut excesses) / std::f64::consts::LN_2 + LEAST_SCALE * (high - low);
    for (odd, value) in odd.iter_mut().zip(values) {
        let excess = (upward * value - threshold) / scale;
        *odd += weight.abs() * excess.clamp(0.0, CAP);
    }
}

fn median_or_zero(values: &mut [f64]) -> f64 {
    if values.is_empty() { 0.0 } else { median(values) }
}

/// Readings, the absurd ones held: they would widen every range.
fn held(readings: &[f64]) -> Vec<f64> {
    if readings.is_empty() {
        return Vec::new();
    }
    let mut sorted = readings.to_vec();
    let low = quantile(&mut sorted, OUTERMOST);
    let high = quantile(&mut sorted, 1.0 - OUTERMOST);
    let most = REACH * (high - low);
    if most == 0.0 {
        return readings.to_vec();
    }
    readings.iter().map(|reading| reading.clamp(low - most, high + most)).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (squares / values.len() as f64).sqrt()
}

fn lowest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::MAX, f64::min)
}

fn highest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::MIN, f64::max)
}

fn range(values: &[f64]) -> f64 {
    highest(values) - lowest(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(rows: usize) -> Vec<f64> {
        (0..rows).map(|row| ((row as f64 * 12.9898).sin() * 43758.5453).fract()).collect()
    }

    #[test]
    fn a_spike_is_odd_and_its_neighbours_are_less_so() {
        let mut readings = noise(2000);
        readings[700] = 4.0;
        let odd = oddness(&readings, &readings);
        assert!(odd[700] > 20.0, "{}", odd[700]);
        assert!(odd[700] > odd[702] && odd[702] > odd[720]);
        let calm = odd.iter().filter(|odd| **odd == 0.0).count();
        assert!(calm > 1000, "{calm}");
    }

    #[test]
    fn nothing_is_odd_of_a_constant_and_an_absurd_reading_does_not_blind() {
        assert_eq!(oddness(&[3.0; 50], &[0.0; 50]), [0.0; 50]);
        let mut readings = noise(2000);
        readings[300] = 1e100;
        readings[700] = 4.0;
        let residuals: Vec<f64> = readings.iter().map(|reading| reading.min(10.0)).collect();
        let odd = oddness(&readings, &residuals);
        assert!(odd[700] > 10.0, "{}", odd[700]);
        assert!(odd.iter().all(|odd| odd.is_finite()));
    }

    #[test]
    fn stillness_among_swings_is_odd() {
        let mut readings = noise(2000);
        readings[900..912].fill(0.1);
        let odd = oddness(&readings, &readings);
        assert!(odd[906] > 2.0, "{}", odd[906]);
    }
}

//! The rates with the least robust forecast error.

use auscult_stats::quantile::{MAD_TO_DEVIATION, median_deviation};

use super::exponential::Rates;
use super::holt_winters::{HoltWintersSettings, bounded_square};

/// Rates of the first round, from steady to quick.
const FIRST: [[f64; 4]; 3] = [[0.02, 0.1, 0.4, 0.8], [0.0, 0.02, 0.1, 0.3], [0.02, 0.1, 0.3, 0.6]];
/// Rounds of ever finer steps around the best.
const ROUNDS: i32 = 5;

/// The rates that `settings` give, and for the others those for which `errors`,
/// the one-step errors, are smallest.
///
/// A first grid, one rate at a time and the level twice, then steps up and down
/// that halve in each round. Deterministic; finds a good local minimum.
pub(super) fn fit_rates(
    settings: &HoltWintersSettings,
    seasonal: bool,
    errors: impl Fn(Rates) -> Vec<f64>,
) -> Rates {
    let given = [settings.level_rate, settings.trend_rate, settings.season_rate];
    let mut open: Vec<usize> = (0..3).filter(|rate| given[*rate].is_none()).collect();
    open.retain(|rate| seasonal || *rate != 2);
    let rates = |values: [f64; 3]| Rates {
        level: values[0],
        trend: values[1],
        season: values[2],
        damping: settings.damping,
    };
    let cost = |values: [f64; 3]| robust_size(&errors(rates(values)));
    let mut best = [0, 1, 2].map(|rate| given[rate].unwrap_or(FIRST[rate][1]));
    if open.is_empty() {
        return rates(best);
    }
    let mut least = cost(best);
    let mut attempt = |best: &mut [f64; 3], rate: usize, value: f64| {
        let mut values = *best;
        values[rate] = value.clamp(0.0, 1.0);
        if values == *best {
            return;
        }
        let size = cost(values);
        if size < least {
            (least, *best) = (size, values);
        }
    };
    for rate in open.iter().chain(open.first()) {
        FIRST[*rate].iter().for_each(|value| attempt(&mut best, *rate, *value));
    }
    for round in 1..=ROUNDS {
        let step = 1.0 + 0.5_f64.powi(round - 1);
        for rate in &open {
            let centre = best[*rate].max(1e-3);
            attempt(&mut best, *rate, centre * step);
            attempt(&mut best, *rate, centre / step);
        }
    }
    rates(best)
}

/// Mean bounded square of `errors` in units of their own robust deviation, the
/// squared τ-scale up to a factor, as a root; a few huge errors add little.
fn robust_size(errors: &[f64]) -> f64 {
    let (_, deviation) = median_deviation(errors);
    let scale = MAD_TO_DEVIATION * deviation;
    if scale == 0.0 {
        // Most forecasts were right; what is left counts by its mean.
        return errors.iter().map(|error| error.abs() / errors.len() as f64).sum();
    }
    let squares: f64 = errors.iter().map(|error| bounded_square(error / scale)).sum();
    scale * (squares / errors.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_rates_are_kept_and_others_found() {
        let settings = HoltWintersSettings { trend_rate: Some(0.7), ..Default::default() };
        // Errors that are least at a level rate of 0.25.
        let errors = |rates: Rates| -> Vec<f64> {
            let size = 1.0 + (rates.level - 0.25).abs();
            (0..50).map(|row| if row % 2 == 0 { size } else { -size }).collect()
        };
        let rates = fit_rates(&settings, false, errors);
        assert_eq!((rates.trend, rates.season), (0.7, 0.1));
        assert!((rates.level - 0.25).abs() < 0.03, "{rates:?}");
    }
}

//! When something began: a joint look at every series that moved.

use std::ops::Range;

use auscult_stats::quantile::quantile;

use crate::scene::Scene;

/// When something began, on the grid of a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EstimatedOnset {
    /// The likeliest place: as likely before as after it.
    pub at: usize,
    /// It began before this one with a probability of a twentieth.
    pub earliest: usize,
    /// It began after this one with a probability of a twentieth.
    pub latest: usize,
    /// Series that moved.
    pub series: u32,
}

/// Readings before the interval that a series must have.
const FEWEST: usize = 8;
/// Spreads by which the middle of a series must move.
const MOVED: f64 = 3.0;
/// Spreads that a single reading counts as at most.
const FARTHEST: f64 = 6.0;
/// Readings that count as one, as they follow one another.
const RUN: f64 = 3.0;
/// Probability that a symptom waits for one reading more.
const LAGS: f64 = 0.6;
/// Probability that a series moved for another reason.
const STRAY: f64 = 0.1;
/// Power of their number as which series do not count, as they show the same thing again: 0 where each
/// stands alone, 1 where all are one. Chosen so that the interval of simulated faults holds the true
/// onset in nine of ten.
const ALIKE: f64 = 0.95;

/// When what was noticed in `interval` began, by all series together; `None` where none moved.
///
/// `from` is the first reading that counts as usual, `end` the one after the last; nothing is
/// known but that it began at a reading of `interval`. Each series that lies elsewhere after the
/// interval than before it says how likely it makes each reading: as a step, or as a slope that
/// begins there. Symptoms come with the cause or later, and some series move for other reasons, so
/// no series decides alone.
///
/// How much series depend on one another is set such that the interval holds the true onset of nine in
/// ten simulated faults; many of those show late or not at all, which makes it wide.
///
/// Cost: readings of the scene times the length of the interval.
///
/// Reference: a Bayesian change point as of A. F. M. Smith, "A Bayesian approach to inference
/// about a change-point in a sequence of random variables", Biometrika 62, 1975, with a lag for
/// each series.
#[must_use]
pub fn estimate_onset(
    scene: &Scene,
    from: usize,
    interval: Range<usize>,
    end: usize,
) -> Option<EstimatedOnset> {
    let end = end.min(scene.len());
    let interval = interval.start.max(from)..interval.end.min(end);
    if interval.is_empty() {
        return None;
    }
    let mut sum = vec![0.0; interval.len()];
    let mut series = 0_u32;
    for track in scene.targets().iter().flat_map(|target| &target.tracks) {
        let readings = &track.values[from..end];
        let inside = interval.start - from..interval.end - from;
        let told = moved(readings, &inside).or_else(|| moved(&presence(readings), &inside));
        let Some(told) = told else { continue };
        series += 1;
        sum.iter_mut().zip(told).for_each(|(sum, told)| *sum += told);
    }
    if series == 0 {
        return None;
    }
    let part = f64::from(series).powf(-ALIKE);
    let most = sum.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let shares: Vec<f64> = sum.iter().map(|told| ((told - most) * part).exp()).collect();
    let all: f64 = shares.iter().sum();
    let at_share = |share: f64| {
        let mut passed = 0.0;
        let place = shares.iter().position(|part| {
            passed += part;
            passed >= share * all
        });
        interval.start + place.unwrap_or(interval.len() - 1)
    };
    // What a reading shows first began after the reading before.
    let earliest = at_share(0.05).saturating_sub(1).max(interval.start);
    let (at, latest) = (at_share(0.5), at_share(0.95));
    Some(EstimatedOnset { at, earliest, latest, series })
}

/// Whether there is a reading, as a number.
fn presence(readings: &[f64]) -> Vec<f64> {
    readings.iter().map(|value| f64::from(u8::from(value.is_finite()))).collect()
}

/// The logarithm of how likely a series makes each reading of `inside`; `None` if it did not move.
fn moved(readings: &[f64], inside: &Range<usize>) -> Option<Vec<f64>> {
    let finite = |part: &[f64]| -> Vec<f64> {
        part.iter().copied().filter(|value| value.is_finite()).collect()
    };
    let (mut before, mut after) =
        (finite(&readings[..inside.start]), finite(&readings[inside.end..]));
    if before.len() < FEWEST || after.len() < FEWEST {
        return None;
    }
    let middle = quantile(&mut before, 0.5);
    let spread = (quantile(&mut before, 0.84) - quantile(&mut before, 0.16)) / 2.0;
    let spread = spread.max(0.01 * middle.abs()).max(f64::MIN_POSITIVE);
    let by = (quantile(&mut after, 0.5) - middle) / spread;
    if by.abs() < MOVED {
        return None;
    }
    // All in spreads, upwards.
    let values: Vec<f64> = readings
        .iter()
        .map(|value| by.signum() * ((value - middle) / spread).clamp(-FARTHEST, FARTHEST))
        .collect();
    let height = by.abs().min(FARTHEST);
    let looked_at = inside.start..inside.end + (readings.len() - inside.end).min(inside.len());
    let fits = |at: usize| {
        let step = |place: usize| if place < at { 0.0 } else { height };
        // A slope that has come to the height where the look ends.
        let run = (looked_at.end - at) as f64;
        let slope = |place: usize| height * (place as f64 - at as f64).max(0.0) / run;
        misfit(&values, &looked_at, step).max(misfit(&values, &looked_at, slope))
    };
    let fits: Vec<f64> = inside.clone().map(fits).collect();
    Some(with_lag(&fits))
}

/// The logarithm of the likelihood of readings that a model expects, but for a constant.
fn misfit(values: &[f64], among: &Range<usize>, model: impl Fn(usize) -> f64) -> f64 {
    let places = among.clone().filter(|place| values[*place].is_finite());
    let squares: f64 = places.map(|place| (values[place] - model(place)).powi(2)).sum();
    -squares / (2.0 * RUN)
}

/// How likely each reading is as the beginning, if the series moved then or some readings later.
fn with_lag(fits: &[f64]) -> Vec<f64> {
    let most = fits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let shares: Vec<f64> = fits.iter().map(|fit| (fit - most).exp()).collect();
    let all: f64 = shares.iter().sum();
    let mut later = vec![0.0; fits.len()];
    let mut carried = 0.0;
    for (place, share) in shares.iter().enumerate().rev() {
        carried = carried * LAGS + (1.0 - LAGS) * share / all;
        later[place] = carried;
    }
    let even = STRAY / fits.len() as f64;
    later.iter().map(|share| ((1.0 - STRAY) * share + even).ln()).collect()
}

#[cfg(test)]
mod tests {
    use auscult_core::{Labels, METRIC_NAME};
    use auscult_knowledge::Knowledge;

    use super::*;
    use crate::scene::SceneBuilder;

    /// GPUs whose power moves by `by` at the given readings, of 120.
    fn scene(moves: &[Option<usize>], by: impl Fn(usize) -> f64) -> Scene {
        let knowledge = Knowledge::embedded();
        let mut builder = SceneBuilder::new(&knowledge, 0.0, 15.0, 120);
        for (gpu, moved) in moves.iter().enumerate() {
            let name = gpu.to_string();
            let labels =
                [(METRIC_NAME, "DCGM_FI_DEV_POWER_USAGE"), ("Hostname", "h"), ("gpu", &name)];
            let series = builder.series(&Labels::from_pairs(labels).unwrap()).unwrap();
            for reading in 0_usize..120 {
                let mixed =
                    (reading as u64 * 31 + gpu as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let noise = (mixed >> 40) as f64 / (1_u64 << 24) as f64;
                let since = moved.and_then(|moved| reading.checked_sub(moved));
                let value = 300.0 + 10.0 * noise + since.map_or(0.0, &by);
                builder.sample(series, reading as f64 * 15.0, value);
            }
        }
        builder.build()
    }

    #[test]
    fn a_step_is_found_to_the_reading() {
        let scene = scene(&[Some(60), None, Some(60), Some(61)], |_| 80.0);
        let onset = estimate_onset(&scene, 0, 30..90, 120).unwrap();
        assert!(onset.at.abs_diff(60) <= 1, "{onset:?}");
        assert!(onset.earliest <= onset.at && onset.at <= onset.latest && onset.latest <= 63);
        assert_eq!(onset.series, 3);
    }

    #[test]
    fn a_slope_begins_before_it_is_high() {
        let scene = scene(&[Some(50), Some(50), None], |since| 2.0 * since as f64);
        let onset = estimate_onset(&scene, 0, 30..80, 120).unwrap();
        assert!(onset.at.abs_diff(50) <= 6, "{onset:?}");
        assert!(onset.latest - onset.earliest >= 2, "a slope leaves more open: {onset:?}");
    }

    #[test]
    fn where_nothing_moved_nothing_began() {
        assert_eq!(estimate_onset(&scene(&[None, None], |_| 0.0), 0, 30..90, 120), None);
        assert_eq!(estimate_onset(&scene(&[Some(60)], |_| 80.0), 0, 90..90, 120), None);
    }

    #[test]
    fn the_first_of_symptoms_that_lag_says_most() {
        let scene = scene(&[Some(60), Some(66), Some(72)], |_| 80.0);
        let onset = estimate_onset(&scene, 0, 30..90, 120).unwrap();
        assert!(onset.at <= 63, "{onset:?}");
    }
}

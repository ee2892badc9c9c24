//! Whether a series repeats itself, and after how many rows.

use crate::autocorrelation::autocorrelation;
use crate::quantile::{MAD_TO_DEVIATION, median_deviation, quantile};

/// Seasons that a history must hold before one is believed.
const LEAST_SEASONS: usize = 3;
/// Readings beyond this many robust deviations are held at it.
const CLIP: f64 = 4.0;
/// Hills of the autocorrelation that are tried at each time scale.
const HILLS: usize = 3;
/// Rows per time scale that are looked at to find hills, in longest lags.
const SCALE_ROWS: usize = 64;
/// Two periods are about as good when they differ by less than this share of
/// what the better one leaves unexplained.
const AS_GOOD: f64 = 0.1;

/// The season of `values`, evenly spaced: the number of rows after which their
/// pattern comes back; `None` when there is no such pattern.
///
/// Candidates are `likely` ones, such as the rows in a day and in a week, and
/// hills of the autocorrelation at several time scales, each cleaned of slower
/// movement. A candidate of `P` rows is judged by how well each season is
/// predicted by the mean of the *other* seasons, after a moving average of `P`
/// rows is taken out: of white noise, random walks and single spikes nothing
/// can be predicted, so they have no season. Among the candidates the best
/// predictor wins, the shorter of two that are about as good; a likely one
/// wins over its unlikely neighbours.
///
/// Needs three whole seasons; sees seasons of 2 rows up to a third of the
/// series, whole numbers of rows only. Values far out are held at four robust
/// deviations; trends and level shifts do little harm. Gaps must be closed
/// beforehand. Does not see a pattern that explains less than a tenth of what
/// is left after detrending, and asks for more where there are few seasons.
/// Time O(n log n), memory O(n).
///
/// Reference: in the spirit of M. Vlachos, P. Yu, V. Castelli, "On periodicity
/// detection and structural periodic similarity", SDM 2005, which validates
/// spectral peaks on hills of the autocorrelation; our validation by predicting
/// left-out seasons replaces its significance test by permutation.
///
/// ```
/// use auscult_stats::season::find_season;
/// let hourly: Vec<f64> = (0..24 * 7).map(|hour| f64::from(hour % 24)).collect();
/// assert_eq!(find_season(&hourly, &[]), Some(24));
/// assert_eq!(find_season(&[5.0; 200], &[]), None);
/// ```
#[must_use]
pub fn find_season(values: &[f64], likely: &[usize]) -> Option<usize> {
    let longest = values.len() / LEAST_SEASONS;
    if longest < 2 {
        return None;
    }
    let series = Series::new(clipped(values)?);
    let likely: Vec<usize> =
        likely.iter().copied().filter(|period| (2..=longest).contains(period)).collect();
    let mut seasons: Vec<(usize, f64)> = candidates(&series, longest)
        .into_iter()
        .map(|candidate| climb(&series, candidate, longest))
        .chain(
            likely.iter().map(|period| (*period, explained(&series, *period, smoothing(*period)))),
        )
        .filter(|(period, explained)| *explained >= least_explained(series.len(), *period))
        .collect();
    seasons.sort_by_key(|season| season.0);
    let best = seasons.iter().copied().reduce(|a, b| if b.1 > a.1 { b } else { a })?;
    let period = shortest_as_good(&series, best, &seasons);
    Some(likely_neighbour(&series, period, &likely))
}

/// The share of variance that each season must predict of the others. In few
/// seasons or few rows things may look alike by chance; random walks of any
/// length find a season at this level about once in fifty times.
fn least_explained(rows: usize, period: usize) -> f64 {
    0.1 + (2.0 * period as f64 + 10.0) / rows as f64
}

/// Rows to both sides that are averaged before seasons are compared: noise
/// between neighbours would hide a pattern of many rows.
fn smoothing(period: usize) -> usize {
    period / 48
}

/// The shortest of `seasons` and of the parts of the best that explains about
/// as much as the best when smoothed alike: multiples of a season are seasons
/// too.
fn shortest_as_good(series: &Series, best: (usize, f64), seasons: &[(usize, f64)]) -> usize {
    let half = smoothing(best.0);
    let enough = best.1 - AS_GOOD * (1.0 - best.1);
    let parts = (2..=7).map(|part| (best.0 + part / 2) / part);
    let mut shorter: Vec<usize> = seasons.iter().map(|(period, _)| *period).chain(parts).collect();
    shorter.retain(|period| (2.max(2 * half)..best.0).contains(period));
    shorter.sort_unstable();
    shorter.into_iter().find(|period| explained(series, *period, half) >= enough).unwrap_or(best.0)
}

/// The likely period beside `period`, if it explains nearly as much.
fn likely_neighbour(series: &Series, period: usize, likely: &[usize]) -> usize {
    let half = smoothing(period);
    let found = explained(series, period, half);
    likely
        .iter()
        .copied()
        .filter(|likely| likely.abs_diff(period) * 16 <= period)
        .find(|likely| explained(series, *likely, half) >= found - AS_GOOD * (1.0 - found))
        .unwrap_or(period)
}

/// Holds far values at [`CLIP`] robust deviations; `None` when nothing varies.
fn clipped(values: &[f64]) -> Option<Vec<f64>> {
    let (centre, deviation) = median_deviation(values);
    let reach = CLIP * MAD_TO_DEVIATION * deviation;
    let (low, high) = if reach > 0.0 {
        (centre - reach, centre + reach)
    } else {
        // Most readings are equal: what stands out often enough may repeat.
        let mut sorted = values.to_vec();
        (quantile(&mut sorted, 0.02), quantile(&mut sorted, 0.98))
    };
    if low >= high {
        return None;
    }
    // In units of the range, so that no square under- or overflows.
    let scale = high - low;
    Some(values.iter().map(|value| (value.clamp(low, high) - centre) / scale).collect())
}

/// Values with their running sums, for moving averages of any window.
struct Series {
    values: Vec<f64>,
    sums: Vec<f64>,
}

impl Series {
    fn new(values: Vec<f64>) -> Self {
        let mut sums = Vec::with_capacity(values.len() + 1);
        let mut sum = 0.0;
        sums.push(sum);
        for value in &values {
            sum += value;
            sums.push(sum);
        }
        Self { values, sums }
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    /// The mean of the rows within `half` of `row`, or as many as there are.
    fn around(&self, row: usize, half: usize) -> f64 {
        if half == 0 {
            return self.values[row];
        }
        let (left, right) = (row.saturating_sub(half), (row + half + 1).min(self.len()));
        (self.sums[right] - self.sums[left]) / (right - left) as f64
    }

    /// The average of one season around `row`, which holds nothing of the
    /// season itself; half a season must lie to both sides.
    fn season_mean(&self, row: usize, period: usize) -> f64 {
        let half = period / 2;
        let mut sum = self.sums[row + half] - self.sums[row - half];
        if period % 2 == 1 {
            sum += self.values[row + half];
        } else if half > 0 {
            // The outer two rows count half each.
            let after = self.values.get(row + half).unwrap_or(&self.values[row + half - 1]);
            sum += 0.5 * (after - self.values[row - half]);
        }
        sum / period as f64
    }
}

/// Lags at which the series resembles itself, over all time scales.
fn candidates(values: &Series, longest: usize) -> Vec<usize> {
    let mut candidates = Vec::new();
    let mut scale = longest;
    loop {
        let first = values.len().saturating_sub(SCALE_ROWS * scale);
        let detrended: Vec<f64> = (first..values.len())
            .map(|row| values.values[row] - values.around(row, scale / 2))
            .collect();
        let correlation = autocorrelation(&detrended, scale + 1);
        candidates.extend(hills(&correlation, (scale / 4).max(2)));
        if scale < 8 {
            break;
        }
        scale /= 4;
    }
    candidates.sort_unstable();
    candidates.dedup();
    candidates
}

/// The tops of the highest hills of `correlation` from lag `first` on; tops
/// within an eighth of a higher one are part of its slope.
fn hills(correlation: &[f64], first: usize) -> Vec<usize> {
    let mut tops: Vec<usize> = (first..correlation.len() - 1)
        .filter(|lag| {
            correlation[*lag] > 0.0
                && correlation[*lag] >= correlation[lag - 1]
                && correlation[*lag] >= correlation[lag + 1]
        })
        .collect();
    tops.sort_by(|a, b| correlation[*b].total_cmp(&correlation[*a]).then(a.cmp(b)));
    let mut hills: Vec<usize> = Vec::new();
    for top in tops {
        if hills.len() == HILLS {
            break;
        }
        if hills.iter().all(|hill| hill.abs_diff(top) * 8 > *hill) {
            hills.push(top);
        }
    }
    hills
}

/// Moves a candidate to the best period beside it.
fn climb(series: &Series, candidate: usize, longest: usize) -> (usize, f64) {
    // Noise roughens the slope: look a little further than the next row, in
    // steps that shift the last season against the first by no more than the
    // smoothing.
    let reach = 2 + candidate / 100;
    let step = (smoothing(candidate) * candidate / series.len()).max(1);
    let low = candidate.saturating_sub(reach).max(2);
    (low..=(candidate + reach).min(longest))
        .filter(|period| period.abs_diff(candidate).is_multiple_of(step))
        .map(|period| (period, explained(series, period, smoothing(candidate))))
        .reduce(|one, other| if other.1 > one.1 { other } else { one })
        .unwrap_or((candidate, 0.0))
}

/// The share of variance that the mean of the other seasons of `period` rows
/// predicts, after moving averages; below 0 where it does more harm than good.
/// Rows are averaged with `smooth` neighbours on both sides.
fn explained(series: &Series, period: usize, smooth: usize) -> f64 {
    let half = period / 2;
    // Rows near the ends have no whole window around them.
    let inside = half..series.len() - half;
    let mut phases = vec![(0.0, 0.0, 0.0); period.min(inside.len())];
    for start in inside.clone().step_by(period) {
        for (row, (count, sum, squares)) in (start..inside.end).zip(&mut phases) {
            let value = series.around(row, smooth) - series.season_mean(row, period);
            *count += 1.0;
            *sum += value;
            *squares += value * value;
        }
    }
    let (mut within, mut total) = (0.0, 0.0);
    for (count, sum, squares) in phases {
        if count >= 2.0 {
            // Leaving a season out of the mean that predicts it stretches its
            // distance from the mean of all by count / (count - 1).
            let stretch: f64 = count / (count - 1.0);
            within += stretch * stretch * (squares - sum * sum / count).max(0.0);
            total += squares;
        }
    }
    if total > 0.0 { 1.0 - within / total } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    use super::*;

    fn normal(random: &mut Pcg64Mcg) -> f64 {
        (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0
    }

    /// `rows` values, each made from its row, the value before and noise.
    fn series(rows: usize, seed: u64, step: impl Fn(usize, f64, f64) -> f64) -> Vec<f64> {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let mut last = 0.0;
        (0..rows)
            .map(|row| {
                last = step(row, last, normal(&mut random));
                last
            })
            .collect()
    }

    fn wave(row: usize, period: usize) -> f64 {
        std::f64::consts::SQRT_2 * (std::f64::consts::TAU * row as f64 / period as f64).sin()
    }

    fn found(rows: usize, seeds: u64, step: impl Fn(usize, f64, f64) -> f64) -> Vec<Option<usize>> {
        (0..seeds).map(|seed| find_season(&series(rows, seed, &step), &[])).collect()
    }

    #[test]
    fn white_noise_has_no_season() {
        for rows in [10, 40, 100, 500, 2000] {
            let found = found(rows, 40, |_, _, noise| noise);
            assert!(found.iter().all(Option::is_none), "{rows} rows: {found:?}");
        }
    }

    #[test]
    fn random_walks_seldom_have_a_season() {
        for (rows, keep) in [(100, 1.0), (500, 0.95), (500, 1.0), (3000, 0.99), (3000, 1.0)] {
            let found = found(rows, 40, |_, last, noise| keep * last + noise);
            let wrong = found.iter().filter(|found| found.is_some()).count();
            assert!(wrong <= 2, "{rows} rows keeping {keep}: {found:?}");
        }
    }

    #[test]
    fn a_season_as_strong_as_the_noise_is_found() {
        for (rows, period) in [(24 * 14, 24), (288 * 14, 288), (336 * 8, 336), (7 * 20, 7)] {
            let found = found(rows, 20, |row, _, noise| wave(row, period) + noise);
            let right = |found: &&Option<usize>| {
                found.is_some_and(|found| found.abs_diff(period) * 100 <= period)
            };
            let count = found.iter().filter(right).count();
            assert!(count >= 19, "{period}: {found:?}");
        }
    }

    #[test]
    fn a_likely_season_wins_over_its_neighbours() {
        let values = series(288 * 8, 3, |row, _, noise| wave(row, 288) + noise);
        assert_eq!(find_season(&values, &[288, 2016]), Some(288));
    }

    #[test]
    fn a_week_whose_weekend_differs_is_a_season_of_a_week() {
        let values = series(168 * 8, 5, |row, _, noise| {
            let busy = if row / 24 % 7 < 5 { 3.0 } else { 0.5 };
            busy * (1.0 + wave(row, 24)) + 0.3 * noise
        });
        assert_eq!(find_season(&values, &[]), Some(168));
    }

    #[test]
    fn trend_level_shift_outliers_and_holes_do_not_hide_a_season() {
        let mut values = series(288 * 14, 7, |row, _, noise| 3.0 * wave(row, 288) + noise);
        for (row, value) in values.iter_mut().enumerate() {
            *value += 0.002 * row as f64 + if row > 2500 { 8.0 } else { 0.0 };
            if row % 701 == 13 {
                *value += 500.0;
            }
            // A collector that was down reports the same reading for hours.
            if (1200..1240).contains(&row) {
                *value = 0.0;
            }
        }
        assert_eq!(find_season(&values, &[]).map(|period| period.abs_diff(288) <= 2), Some(true));
    }

    #[test]
    fn a_job_that_runs_every_hour_is_a_season() {
        let values = series(60 * 30, 9, |row, _, noise| {
            0.05 * noise + if row % 60 < 3 { 10.0 } else { 0.0 }
        });
        assert_eq!(find_season(&values, &[]), Some(60));
    }

    #[test]
    fn flat_short_and_spiky_series_have_none() {
        let mut spike = vec![3.0; 500];
        spike[250] = 1e100;
        let step: Vec<f64> = (0..500).map(|row| f64::from(row / 250)).collect();
        let ramp: Vec<f64> = (0..500).map(f64::from).collect();
        for values in [&[][..], &[1.0], &[1.0, 2.0, 3.0], &[7.0; 300], &spike, &step, &ramp] {
            assert_eq!(find_season(values, &[24]), None, "{:?}…", &values[..values.len().min(3)]);
        }
    }

    #[test]
    fn units_do_not_matter() {
        for scale in [1e-300, 1.0, 1e98] {
            let values = series(240, 11, |row, _, noise| wave(row, 24) + 0.3 * noise);
            let values: Vec<f64> = values.iter().map(|value| value * scale).collect();
            assert_eq!(find_season(&values, &[]), Some(24), "times {scale}");
        }
    }
}

//! BARO: multivariate Bayesian online change points, then the interquartile score.

use statrs::function::gamma::ln_gamma;

use super::case::{Case, LEAST_NORMAL, Layer, RankError};
use super::cholesky::Factor;
use super::onset::Onset;
use super::ranking::Ranking;
use super::shift::interquartile;

/// Chance that a row begins a new stretch.
const HAZARD: f64 = 1.0 / 50.0;

/// Run lengths kept, the likeliest ones.
const MOST_RUNS: usize = 60;

/// BARO's ranking; its detector is asked only where no onset was given.
///
/// The detector looks at what targets deliver (all series, where none is of that layer),
/// each scaled to 0..1. A row is the onset when the likeliest run length first drops. As
/// published each row costs O(rows · series³); here the 60 likeliest run lengths are kept
/// and their matrices updated, O(series²) each.
///
/// Reference: L. Pham, H. Ha, H. Zhang, "BARO: robust root cause analysis for
/// microservices via multivariate Bayesian online change point detection", FSE 2024. The
/// score is that of its code, with signed distances; the paper's has absolute ones, and ranks
/// worse.
pub(super) fn baro(case: &Case) -> Result<Ranking, RankError> {
    let onset = case.onset().unwrap_or_else(|| detect(case));
    Ok(interquartile(case, Onset::given(onset)))
}

/// The row in which the likeliest run length first drops, or the middle when it never does.
fn detect(case: &Case) -> usize {
    let delivered =
        |at: &usize| matches!(case.series()[*at].layer, Layer::Service | Layer::Dependencies);
    let mut chosen: Vec<usize> = (0..case.series().len()).filter(delivered).collect();
    if chosen.is_empty() {
        chosen = (0..case.series().len()).collect();
    }
    let columns: Vec<Vec<f64>> =
        chosen.iter().filter_map(|at| scaled(&case.series()[*at].values)).collect();
    let rows: Vec<Vec<f64>> =
        (0..case.rows()).map(|row| columns.iter().map(|column| column[row]).collect()).collect();
    let lengths = likeliest_runs(&rows, columns.len());
    let drop = (LEAST_NORMAL..lengths.len()).find(|row| lengths[*row] < lengths[row - 1]);
    // The run that is likeliest in this row began as many rows ago as it is long.
    drop.map_or(case.rows() / 2, |row| (row + 1).saturating_sub(lengths[row]))
        .clamp(LEAST_NORMAL, case.rows() - 1)
}

/// `values` from 0 to 1, what is missing filled with the reading before; `None` where
/// nothing varies.
fn scaled(values: &[f64]) -> Option<Vec<f64>> {
    let (low, high) = values
        .iter()
        .filter(|value| !value.is_nan())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(*value), high.max(*value))
        });
    let mut last = 0.0;
    (high > low).then(|| {
        values
            .iter()
            .map(|value| {
                if !value.is_nan() {
                    last = (value - low) / (high - low);
                }
                last
            })
            .collect()
    })
}

/// A stretch that may still be going on: a Normal-Wishart belief about its rows.
#[derive(Clone)]
struct Run {
    length: usize,
    ln_weight: f64,
    mean: Vec<f64>,
    scatter: Factor,
}

impl Run {
    fn begun(size: usize, ln_weight: f64) -> Self {
        let (mean, scatter) = (vec![0.0; size], Factor::identity(size, 1.0));
        Self { length: 0, ln_weight, mean, scatter }
    }

    /// Log density of `row` by the Student-t predictive.
    fn ln_density(&self, row: &[f64]) -> f64 {
        let size = self.mean.len() as f64;
        let kappa = 1.0 + self.length as f64;
        // The prior has size + 1 degrees of freedom, of which the predictive loses size - 1.
        let freedom = 2.0 + self.length as f64;
        let scale = (kappa + 1.0) / (kappa * freedom);
        let off: Vec<f64> = row.iter().zip(&self.mean).map(|(value, mean)| value - mean).collect();
        let distance = self.scatter.distance(&off) / scale;
        ln_gamma((freedom + size) / 2.0)
            - ln_gamma(freedom / 2.0)
            - 0.5
                * (size * (freedom * std::f64::consts::PI * scale).ln()
                    + self.scatter.ln_determinant()
                    + (freedom + size) * (distance / freedom).ln_1p())
    }

    fn learn(&mut self, row: &[f64]) {
        let kappa = 1.0 + self.length as f64;
        let weight = (kappa / (kappa + 1.0)).sqrt();
        let off = row.iter().zip(&self.mean).map(|(value, mean)| weight * (value - mean));
        self.scatter.add(off.collect());
        for (mean, value) in self.mean.iter_mut().zip(row) {
            *mean += (value - *mean) / (kappa + 1.0);
        }
        self.length += 1;
    }
}

/// The likeliest run length after each row.
fn likeliest_runs(rows: &[Vec<f64>], size: usize) -> Vec<usize> {
    let mut runs = vec![Run::begun(size, 0.0)];
    let mut lengths = Vec::with_capacity(rows.len());
    for row in rows {
        let mut ended = f64::NEG_INFINITY;
        for run in &mut runs {
            let joint = run.ln_weight + run.ln_density(row);
            ended = ln_sum(ended, joint + HAZARD.ln());
            run.ln_weight = joint + (1.0 - HAZARD).ln();
            run.learn(row);
        }
        runs.push(Run::begun(size, ended));
        let total = runs.iter().map(|run| run.ln_weight).fold(f64::NEG_INFINITY, ln_sum);
        runs.iter_mut().for_each(|run| run.ln_weight -= total);
        runs.sort_by(|one, other| {
            other.ln_weight.total_cmp(&one.ln_weight).then(one.length.cmp(&other.length))
        });
        lengths.push(runs[0].length);
        if runs.len() > MOST_RUNS {
            // A run just begun is never dropped: it has had no row to show its worth.
            let newest = runs.iter().position(|run| run.length == 0).expect("pushed above");
            let newest = runs.remove(newest);
            runs.truncate(MOST_RUNS - 1);
            runs.push(newest);
        }
    }
    lengths
}

fn ln_sum(one: f64, other: f64) -> f64 {
    let (high, low) = if one > other { (one, other) } else { (other, one) };
    if high == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two columns that jump in row 70.
    fn rows() -> Vec<Vec<f64>> {
        let noise =
            |row: u64| (row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / 16_777_216.0;
        let jump = |row: u64| if row >= 70 { 0.7 } else { 0.1 };
        (0..140)
            .map(|row| vec![jump(row) + 0.1 * noise(row + 1), jump(row) + 0.1 * noise(row + 999)])
            .collect()
    }

    #[test]
    fn the_likeliest_run_drops_where_the_rows_change() {
        let lengths = likeliest_runs(&rows(), 2);
        assert_eq!(lengths[69], 70);
        let drop = (1..140).find(|row| lengths[*row] < lengths[row - 1]).expect("a change");
        assert!((70..74).contains(&drop), "{drop}");
        assert_eq!(drop + 1 - lengths[drop], 70);
    }

    #[test]
    fn the_predictive_is_that_of_a_student_t() {
        // One column, nothing learnt: location 0, scale sqrt(2 / 2), 2 degrees of freedom;
        // its density at 0 is 1 / (2 sqrt 2).
        let run = Run::begun(1, 0.0);
        assert!((run.ln_density(&[0.0]) + (2.0 * 2.0_f64.sqrt()).ln()).abs() < 1e-12);
    }
}

//! Measures that need the scores of all series at once.

use std::collections::BTreeMap;

use auscult_evaluate::{
    Counts, Flagged, NAB_PROFILES, NabSeries, Scored, best_delay_limited_f1, delay_limited_counts,
    nab_cross_halves, nab_sweep, on_grid,
};

use super::measure::truth;
use super::series::Series;

/// A series, the scores of the rows that count, and the method's threshold.
#[derive(Debug)]
pub(super) struct Pool {
    pub series: Series,
    pub scores: Vec<f64>,
    pub threshold: f64,
}

/// Measures by name.
pub(super) type Pooled = BTreeMap<String, f64>;

/// The score of the Numenta Anomaly Benchmark in its three profiles; `pools` in
/// alphabetical order.
pub(super) fn nab(pools: &[Pool]) -> Pooled {
    let file = |pool: &Pool| {
        let probation = pool.series.scored_from;
        let mut scores = vec![0.0; probation];
        scores.extend(&pool.scores);
        NabSeries::new(scores, truth(&pool.series), probation)
            .expect("scores are finite and windows lie in the file")
    };
    let files: Vec<NabSeries> = pools.iter().map(file).collect();
    let mut pooled = Pooled::new();
    for profile in &NAB_PROFILES {
        pooled.insert(format!("nab_{}", profile.name), nab_sweep(&files, profile).normalised);
    }
    pooled.insert("nab_other_half".to_owned(), nab_cross_halves(&files, &NAB_PROFILES[0]));
    pooled
}

/// Rows within which the contest wants an alarm after the onset.
const DELAY: usize = 7;
/// Score of a row that is missing from the file: below every other.
const MISSING: f64 = -1.0;

/// The delay-limited F1 of the contest, at each method's threshold and at the best.
pub(super) fn kpi(pools: &[Pool]) -> Pooled {
    let grids: Vec<(Vec<bool>, Vec<f64>, f64)> = pools
        .iter()
        .map(|pool| {
            let Pool { series, scores, threshold } = pool;
            let times = &series.times[series.scored_from..];
            let seconds: Vec<i64> =
                times.iter().map(|time| time.nanos().div_euclid(1_000_000_000)).collect();
            let labels = &series.labels[series.scored_from..];
            let labels = on_grid(&seconds, labels, series.step_seconds, false);
            let scores = on_grid(&seconds, scores, series.step_seconds, MISSING);
            (labels, scores, *threshold)
        })
        .collect();
    let counts = |(labels, scores, threshold): &(Vec<bool>, Vec<f64>, f64)| -> Counts {
        let alarms: Vec<bool> = scores.iter().map(|score| score > threshold).collect();
        let flagged = Flagged::new(labels, &alarms).expect("both lie on one grid");
        delay_limited_counts(&flagged, DELAY)
    };
    let mut pooled = Pooled::new();
    pooled.insert("delay_f1".to_owned(), grids.iter().map(counts).sum::<Counts>().f1());
    let scored: Vec<Scored<'_>> = grids
        .iter()
        .map(|(labels, scores, _)| Scored::new(labels, scores).expect("scores are finite"))
        .collect();
    if let Some(best) = best_delay_limited_f1(&scored, DELAY) {
        pooled.insert("delay_f1_best".to_owned(), best.counts.f1());
    }
    pooled
}

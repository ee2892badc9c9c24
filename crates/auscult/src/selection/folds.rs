//! Past and future: which rows are learnt from and which are judged.

use std::ops::Range;

use auscult_evaluate::segments;

use crate::benchmark::series::Series;

/// Share of the rows that is never judged: the first past.
const FIRST_PAST: f64 = 0.4;
/// Futures that follow one another.
const FOLDS: usize = 4;

/// A future: everything before it is the past it may be judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fold {
    pub judged: Range<usize>,
}

/// Expanding windows: the past grows, fold after fold. A boundary never cuts an
/// anomaly in two, for its first half would teach what the second looks like.
pub(super) fn expanding(series: &Series) -> Vec<Fold> {
    let rows = series.rows();
    let first = (rows as f64 * FIRST_PAST) as usize;
    let mut starts: Vec<usize> =
        (0..FOLDS).map(|fold| first + fold * (rows - first) / FOLDS).collect();
    for start in &mut starts {
        while *start < rows && *start > 0 && series.labels[*start] && series.labels[*start - 1] {
            *start += 1;
        }
    }
    starts.push(rows);
    starts.dedup();
    starts
        .windows(2)
        .filter(|pair| pair[0] < pair[1])
        .map(|pair| Fold { judged: pair[0]..pair[1] })
        .collect()
}

/// Anomalies of `series` in the judged rows.
pub(super) fn anomalies(series: &Series, folds: &[Fold]) -> usize {
    folds.iter().map(|fold| segments(&series.labels[fold.judged.clone()]).len()).sum()
}

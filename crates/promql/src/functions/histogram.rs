//! Quantiles of histograms whose buckets are series with the label `le`.

use std::collections::HashMap;

use auscult_core::{Labels, METRIC_NAME};

use crate::data::{Row, Steps};
use crate::error::QueryError;
use crate::eval::Evaluator;

/// The label that says how large the observations in a bucket are at most.
const BOUND: &str = "le";

/// Observations that are at most so large.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    bound: f64,
    count: f64,
}

/// The quantile `shares[step]` of each histogram. Buckets without a readable bound are left out.
pub(super) fn quantiles(
    evaluator: &mut Evaluator<'_>,
    rows: &[Row],
    shares: &[f64],
    steps: Steps,
) -> Result<Vec<Row>, QueryError> {
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let mut histograms: Vec<(Labels, Vec<(f64, &Row)>)> = Vec::new();
    for row in rows {
        let bound = row.labels.get(BOUND).and_then(|bound| bound.parse::<f64>().ok());
        let Some(bound) = bound else { continue };
        let labels = row.labels.with([(BOUND, ""), (METRIC_NAME, "")])?;
        let place = *places.entry(labels.clone()).or_insert_with(|| {
            histograms.push((labels, Vec::new()));
            histograms.len() - 1
        });
        histograms[place].1.push((bound, row));
    }
    evaluator.hold(histograms.len().saturating_mul(steps.count))?;
    let mut found = Vec::with_capacity(histograms.len());
    let mut buckets = Vec::new();
    for (labels, mut members) in histograms {
        evaluator.check()?;
        members.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let mut row = Row::empty(labels, steps);
        for (step, value) in row.values.iter_mut().enumerate() {
            buckets.clear();
            buckets.extend(members.iter().filter_map(|(bound, member)| {
                Some(Bucket { bound: *bound, count: member.get(step)? })
            }));
            if !buckets.is_empty() {
                *value = quantile(shares[step], &mut buckets);
            }
        }
        if !row.is_empty() {
            found.push(row);
        }
    }
    Ok(found)
}

/// The quantile `share` of observations in `buckets`, which are by their bounds: linear within
/// a bucket, and from 0 in the lowest if its bound is above 0.
fn quantile(share: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if share.is_nan() {
        return f64::NAN;
    }
    if share < 0.0 {
        return f64::NEG_INFINITY;
    }
    if share > 1.0 {
        return f64::INFINITY;
    }
    buckets.dedup_by(|next, before| {
        let is_same = next.bound == before.bound;
        if is_same {
            before.count += next.count;
        }
        is_same
    });
    // Rates of buckets that were scraped apart may fall a little: they are held up.
    let mut most = f64::NEG_INFINITY;
    for bucket in buckets.iter_mut() {
        most = most.max(bucket.count);
        bucket.count = most;
    }
    let Some((highest, finite)) = buckets.split_last() else { return f64::NAN };
    let observations = highest.count;
    if highest.bound != f64::INFINITY
        || finite.is_empty()
        || observations == 0.0
        || observations.is_nan()
    {
        return f64::NAN;
    }
    let rank = share * observations;
    let place = finite.partition_point(|bucket| bucket.count < rank);
    let Some(bucket) = finite.get(place) else { return finite[finite.len() - 1].bound };
    let Some(below) = place.checked_sub(1).map(|below| finite[below]) else {
        if bucket.bound <= 0.0 {
            return bucket.bound;
        }
        return bucket.bound * (rank / bucket.count);
    };
    let share = (rank - below.count) / (bucket.count - below.count);
    below.bound + (bucket.bound - below.bound) * share
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(share: f64, buckets: &[(f64, f64)]) -> f64 {
        let buckets = buckets.iter().map(|(bound, count)| Bucket { bound: *bound, count: *count });
        quantile(share, &mut buckets.collect())
    }

    #[test]
    fn quantiles_lie_within_their_bucket() {
        let buckets = [(0.1, 2.0), (0.5, 6.0), (f64::INFINITY, 8.0)];
        assert_eq!(of(0.5, &buckets), 0.1 + 0.4 * 0.5);
        assert_eq!(of(0.125, &buckets), 0.05);
        assert_eq!(of(0.9, &buckets), 0.5, "above the last bound nothing is known");
        assert_eq!(of(0.0, &[(-1.0, 2.0), (f64::INFINITY, 2.0)]), -1.0);
    }

    #[test]
    fn what_is_no_histogram_has_no_quantile() {
        assert!(of(0.5, &[(0.1, 2.0), (0.5, 6.0)]).is_nan(), "without +Inf");
        assert!(of(0.5, &[(f64::INFINITY, 6.0)]).is_nan(), "with nothing else");
        assert!(of(0.5, &[(0.1, 0.0), (f64::INFINITY, 0.0)]).is_nan(), "without observations");
    }

    #[test]
    fn buckets_that_fall_are_held_up() {
        assert_eq!(of(0.5, &[(1.0, 4.0), (2.0, 3.0), (f64::INFINITY, 8.0)]), 1.0);
    }
}

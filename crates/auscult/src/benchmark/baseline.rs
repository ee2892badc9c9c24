//! What a score that knows nothing would get.

use std::collections::BTreeMap;
use std::path::Path;

use auscult_evaluate::{Scored, auc_pr, best_point_f1, evaluation_window, vus};

use super::series::Series;
use super::sets::Set;
use crate::outcome::CallError;

/// Measures of a constant score, and of blaming channels at random: means over
/// `series`. Whatever a method gets has to be seen above these.
pub(crate) fn nothing(
    set: &Set,
    data: &Path,
    series: &[String],
) -> Result<BTreeMap<String, f64>, CallError> {
    let mut sums: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
    for name in series {
        for (key, value) in of_one(&(set.load)(data, name)?) {
            let sum = sums.entry(key).or_default();
            sum.0 += value;
            sum.1 += 1;
        }
    }
    let shown = |key: &str| set.columns.iter().any(|column| column.key == key);
    let means = sums.into_iter().filter(|(key, _)| shown(key));
    Ok(means.map(|(key, (sum, count))| (key.to_owned(), sum / count as f64)).collect())
}

fn of_one(series: &Series) -> Vec<(&'static str, f64)> {
    let labels = &series.labels[series.scored_from..];
    let constant = vec![0.0; labels.len()];
    let scored = Scored::new(labels, &constant).expect("zeros, one for each label");
    let window = evaluation_window(&series.channel(0)[series.scored_from..]);
    let mut measures = Vec::new();
    measures.extend(auc_pr(&scored).map(|area| ("auc_pr", area)));
    measures.extend(vus(&scored, window).map(|volumes| ("vus_pr", volumes.pr)));
    measures.extend(best_point_f1(&scored).map(|best| ("best_f1", best.counts.f1())));
    for (key, percent) in [("hit_100", 100), ("hit_150", 150)] {
        let guilty = series.guilty.iter().map(|guilty| guilty.channels.len());
        let guilty: Vec<usize> = guilty.filter(|count| *count > 0).collect();
        // Of so many channels named at random, as large a share of the guilty is hit.
        let named = |count: &usize| (count * percent / 100).min(series.channels) as f64;
        let hit: f64 = guilty.iter().map(|count| named(count) / series.channels as f64).sum();
        if !guilty.is_empty() {
            measures.push((key, hit / guilty.len() as f64));
        }
    }
    measures
}

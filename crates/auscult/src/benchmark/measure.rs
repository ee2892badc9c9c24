//! Every measure of one series.

use std::collections::BTreeMap;

use auscult_evaluate::{
    Flagged, Scored, affiliation, alarm_rate, auc_pr, best_point_f1, detection_delays,
    evaluation_window, event_f1, hit_rate, point_counts, range_based, segments, vus,
};

use super::cache::Record;
use super::runner::Outcome;
use super::series::Series;

/// Weight of existence in the recall of ranges, as benchmarks set it.
const EXISTENCE: f64 = 0.2;

/// The record of `outcome`. Measures of curves and volumes take the state where the
/// method tells one, everything about alarms takes the score.
pub(super) fn record(series: &Series, outcome: &Outcome) -> Record {
    let labels = &series.labels[series.scored_from..];
    let scored = |scores: &[f64]| -> BTreeMap<String, f64> {
        let Ok(scored) = Scored::new(labels, scores) else { return BTreeMap::new() };
        let first = series.channel(0);
        let window = evaluation_window(&first[series.scored_from..]);
        let found = [
            ("auc_pr", auc_pr(&scored)),
            ("vus_pr", vus(&scored, window).map(|volumes| volumes.pr)),
            ("best_f1", best_point_f1(&scored).map(|best| best.counts.f1())),
        ];
        found.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    };
    let mut measures = scored(outcome.states.as_deref().unwrap_or(&outcome.scores));
    let alarms: Vec<bool> = outcome.scores.iter().map(|score| *score > outcome.threshold).collect();
    let flagged = Flagged::new(labels, &alarms).expect("there is one score for each row");
    let delays = detection_delays(&flagged);
    if !delays.each.is_empty() {
        measures.insert("f1".to_owned(), point_counts(&flagged).f1());
        let share = delays.found() as f64 / delays.each.len() as f64;
        measures.insert("found".to_owned(), share);
        let kinds = [
            ("event_f1", event_f1(&flagged).map(|event| event.f1)),
            ("range_f1", range_based(&flagged, EXISTENCE).map(|range| range.f1)),
            ("affiliation_f1", affiliation(&flagged).and_then(|near| near.f1)),
        ];
        measures
            .extend(kinds.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    }
    for (key, percent) in [("hit_100", 100), ("hit_150", 150)] {
        let rates: Vec<f64> = series
            .guilty
            .iter()
            .zip(&outcome.blame)
            .filter_map(|(guilty, share)| match share.is_empty() {
                // Nobody was named: nobody guilty was found.
                true => (!guilty.channels.is_empty()).then_some(0.0),
                false => hit_rate(share, &guilty.channels, percent),
            })
            .collect();
        if !rates.is_empty() {
            measures.insert(key.to_owned(), rates.iter().sum::<f64>() / rates.len() as f64);
        }
    }
    let rate = alarm_rate(&flagged, series.step_seconds as f64);
    let minutes = series.step_seconds as f64 / 60.0;
    Record {
        rows: labels.len(),
        refused: None,
        measures,
        delays: delays.each.iter().flatten().map(|delay| *delay as f64 * minutes).collect(),
        false_alarms: rate.alarms,
        series_weeks: rate.series_weeks,
        micros_per_row: outcome.micros_per_row,
        state_bytes: outcome.state_bytes,
        threshold: outcome.threshold,
    }
}

/// The runs of anomalies among the rows of `series`.
pub(super) fn truth(series: &Series) -> Vec<auscult_evaluate::Segment> {
    segments(&series.labels)
}

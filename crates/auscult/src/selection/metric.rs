//! By which measure methods are ranked, and what else is said of them.

use std::sync::Arc;

use auscult_evaluate::{
    Flagged, NAB_PROFILES, NabSeries, Scored, affiliation, auc_pr, auc_roc, detection_delays,
    evaluation_window, event_f1, nab_at_threshold, range_based, segments, vus,
};
use auscult_stats::quantile::{median, quantile};

use super::folds::Fold;
use super::trial::Trial;
use crate::benchmark::series::Series;

/// Weight of existence in the recall of ranges, as benchmarks set it.
const EXISTENCE: f64 = 0.2;
/// Thresholds that are tried.
const THRESHOLDS: usize = 200;

/// A measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Metric {
    /// Volume under the precision-recall surface: no threshold, tolerant at the edges.
    VusPr,
    /// Area under the precision-recall curve of rows.
    AucPr,
    /// Area under the receiver operating characteristic of rows.
    AucRoc,
    /// F1 of events at a threshold learnt from the past.
    EventF1,
    /// Range-based F1, at such a threshold.
    RangeF1,
    /// F1 of affiliation, at such a threshold.
    AffiliationF1,
    /// The score of the Numenta Anomaly Benchmark, standard profile, at such a threshold.
    Nab,
}

impl Metric {
    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::VusPr => "vus-pr",
            Self::AucPr => "auc-pr",
            Self::AucRoc => "auc-roc",
            Self::EventF1 => "event-f1",
            Self::RangeF1 => "range-f1",
            Self::AffiliationF1 => "affiliation-f1",
            Self::Nab => "nab",
        }
    }
}

/// What the alarms of a candidate came to, all folds together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Summary {
    /// Anomalies, and those with an alarm.
    pub anomalies: usize,
    pub found: usize,
    /// Rows with an alarm, and those of them in an anomaly.
    pub alarmed: u64,
    pub right: u64,
    /// Rows from the beginning of each found anomaly to its first alarm.
    pub delays: Vec<f64>,
}

impl Summary {
    /// Share of the alarmed rows that lie in an anomaly; none without alarms.
    pub(crate) fn precision(&self) -> Option<f64> {
        (self.alarmed > 0).then(|| self.right as f64 / self.alarmed as f64)
    }

    /// Share of the anomalies that have an alarm.
    pub(crate) fn recall(&self) -> Option<f64> {
        (self.anomalies > 0).then(|| self.found as f64 / self.anomalies as f64)
    }

    /// Harmonic mean of precision and recall; 0 when either is missing.
    pub(crate) fn f1(&self) -> f64 {
        match (self.precision(), self.recall()) {
            (Some(precision), Some(recall)) if precision + recall > 0.0 => {
                2.0 * precision * recall / (precision + recall)
            }
            _ => 0.0,
        }
    }

    /// Median delay, in rows.
    pub(crate) fn delay(&self) -> Option<f64> {
        (!self.delays.is_empty()).then(|| median(&mut self.delays.clone()))
    }
}

/// The value of each fold that has one; alarms go to `summary`.
pub(super) fn judge(
    metric: Metric,
    trial: &Trial,
    series: &Series,
    folds: &[Fold],
    summary: &mut Summary,
) -> Vec<f64> {
    let first = series.channel(0);
    let mut values = Vec::new();
    let (mut past_labels, mut past_scores): (Vec<bool>, Vec<f64>) = Default::default();
    for (judged, fold) in trial.folds.iter().zip(folds) {
        let labels = &series.labels[fold.judged.clone()];
        // Only folds that are over may say where the threshold lies.
        let threshold = best_of(&past_labels, &past_scores).unwrap_or(judged.threshold);
        let alarms: Vec<bool> = judged.scores.iter().map(|score| *score > threshold).collect();
        let flagged = Flagged::new(labels, &alarms).expect("one score for each row");
        count(&flagged, summary);
        let scored = Scored::new(labels, &judged.states).expect("scores are finite");
        let window = || evaluation_window(&first[fold.judged.clone()]);
        let value = match metric {
            Metric::VusPr => vus(&scored, window()).map(|volumes| volumes.pr),
            Metric::AucPr => auc_pr(&scored),
            Metric::AucRoc => auc_roc(&scored),
            Metric::EventF1 => event_f1(&flagged).map(|event| event.f1),
            Metric::RangeF1 => range_based(&flagged, EXISTENCE).map(|range| range.f1),
            Metric::AffiliationF1 => affiliation(&flagged).map(|near| near.f1.unwrap_or(0.0)),
            Metric::Nab => nab(labels, &judged.scores, threshold),
        };
        values.extend(value);
        past_labels.extend_from_slice(labels);
        past_scores.extend_from_slice(&judged.scores);
    }
    values
}

fn nab(labels: &[bool], scores: &[f64], threshold: f64) -> Option<f64> {
    let windows = segments(labels);
    if windows.is_empty() {
        return None;
    }
    let series = NabSeries::new(scores.to_vec(), windows, 0).ok()?;
    // There an alarm is a score of at least the threshold, here one above it.
    Some(nab_at_threshold(&[series], &NAB_PROFILES[0], threshold.next_up()).normalised)
}

fn count(flagged: &Flagged<'_>, summary: &mut Summary) {
    let delays = detection_delays(flagged);
    summary.anomalies += delays.each.len();
    summary.found += delays.found();
    summary.delays.extend(delays.each.iter().flatten().map(|delay| *delay as f64));
    let pairs = flagged.labels().iter().zip(flagged.alarms());
    for (label, alarm) in pairs {
        summary.alarmed += u64::from(*alarm);
        summary.right += u64::from(*alarm && *label);
    }
}

/// The threshold with the largest event F1 over all judged rows.
pub(super) fn best_threshold(
    trials: &[Trial],
    series: &[Arc<Series>],
    folds: &[Vec<Fold>],
) -> Option<f64> {
    let (mut labels, mut scores): (Vec<bool>, Vec<f64>) = Default::default();
    for ((trial, series), folds) in trials.iter().zip(series).zip(folds) {
        for (judged, fold) in trial.folds.iter().zip(folds) {
            labels.extend_from_slice(&series.labels[fold.judged.clone()]);
            scores.extend_from_slice(&judged.scores);
        }
    }
    best_of(&labels, &scores)
}

/// The threshold with the largest event F1; `None` without an anomaly.
fn best_of(labels: &[bool], scores: &[f64]) -> Option<f64> {
    if !labels.contains(&true) {
        return None;
    }
    let mut sorted = scores.to_vec();
    let mut best: Option<(f64, f64)> = None;
    for step in 0..THRESHOLDS {
        // Fine steps where alarms are rare.
        let share = 0.5 * (step as f64 / (THRESHOLDS - 1) as f64).powi(3);
        let threshold = quantile(&mut sorted, 1.0 - share);
        let alarms: Vec<bool> = scores.iter().map(|score| *score > threshold).collect();
        let flagged = Flagged::new(labels, &alarms).expect("one score for each row");
        let value = event_f1(&flagged).map_or(0.0, |event| event.f1);
        if best.is_none_or(|(_, most)| value > most) {
            best = Some((threshold, value));
        }
    }
    best.map(|(threshold, _)| threshold)
}

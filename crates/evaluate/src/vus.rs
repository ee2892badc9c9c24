//! Volumes under the surfaces of range-aware curves.

use crate::{Scored, Segment, segments};

/// Both volumes, each in `0..=1`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vus {
    /// Under the surface of precision over recall.
    pub pr: f64,
    /// Under the surface of true over false positive rate.
    pub roc: f64,
}

/// Thresholds that stand for all; what the reference program uses.
const THRESHOLDS: usize = 250;

/// Mean areas under the range-aware precision-recall and ROC curves, over label
/// margins from 0 to `window` rows.
///
/// Each true segment gets soft margins whose weight falls with distance; a hit in
/// a margin counts in part, and recall is multiplied by the share of segments
/// found. Rewards scores that are high through the whole anomaly, tolerates ones
/// that are a little early or late. 250 thresholds stand for all, as in the
/// reference program, with which it agrees to rounding.
///
/// `None` unless both kinds of row are there. Time O(n log n + window * m), where
/// m is the rows of segments and margins; less than 0.1 s for 100,000 rows.
///
/// Reference: J. Paparrizos and others, "Volume under the surface: a new accuracy
/// evaluation measure for time-series anomaly detection", PVLDB 15(11), 2022.
///
/// ```
/// use auscult_evaluate::{Scored, vus};
/// let labels: Vec<bool> = (0..200).map(|row| (90..110).contains(&row)).collect();
/// let late: Vec<f64> = (0..200).map(|row| f64::from((95..115).contains(&row))).collect();
/// let scored = Scored::new(&labels, &late)?;
/// let (strict, lenient) = (vus(&scored, 0).unwrap(), vus(&scored, 40).unwrap());
/// assert!(strict.pr < lenient.pr && lenient.pr < 1.0);
/// # Ok::<(), auscult_evaluate::EvaluateError>(())
/// ```
#[must_use]
pub fn vus(scored: &Scored<'_>, window: usize) -> Option<Vus> {
    let rows = scored.labels().len();
    let anomalous = scored.anomalous();
    if anomalous == 0 || anomalous == rows {
        return None;
    }
    let truth = segments(scored.labels());
    let steps = Steps::new(scored);
    let mut soft = vec![0.0; rows];
    let (mut pr, mut roc) = (0.0, 0.0);
    for margin in 0..=window {
        let areas = steps.areas(scored.labels(), &truth, margin, &mut soft);
        pr += areas.pr;
        roc += areas.roc;
    }
    let surfaces = (window + 1) as f64;
    Some(Vus { pr: pr / surfaces, roc: roc / surfaces })
}

/// What does not depend on the margin.
struct Steps {
    /// For each row: the first of the falling thresholds that alarms on it.
    first: Vec<u8>,
    /// For each threshold: rows alarmed.
    alarmed: Vec<f64>,
    /// For each threshold: anomalous rows alarmed.
    hits: Vec<f64>,
}

impl Steps {
    fn new(scored: &Scored<'_>) -> Self {
        let (labels, scores) = (scored.labels(), scored.scores());
        let mut falling = scores.to_vec();
        falling.sort_unstable_by(|one, other| other.total_cmp(one));
        let thresholds: Vec<f64> =
            even_rows(falling.len()).into_iter().map(|row| falling[row]).collect();
        let first: Vec<u8> = scores
            .iter()
            .map(|score| thresholds.partition_point(|threshold| threshold > score) as u8)
            .collect();
        let (mut alarmed, mut hits) = (vec![0.0; THRESHOLDS], vec![0.0; THRESHOLDS]);
        for (step, label) in first.iter().zip(labels) {
            alarmed[usize::from(*step)] += 1.0;
            hits[usize::from(*step)] += f64::from(u8::from(*label));
        }
        accumulate(&mut alarmed);
        accumulate(&mut hits);
        Self { first, alarmed, hits }
    }

    /// The areas for margins of `margin / 2` rows on both sides. `soft` has one
    /// entry a row, all 0 before and after.
    fn areas(&self, labels: &[bool], truth: &[Segment], margin: usize, soft: &mut [f64]) -> Vus {
        let rows = labels.len();
        let reach = margin / 2;
        spread(truth, margin, soft);
        let mut soft_hits = vec![0.0; THRESHOLDS];
        let mut zones_found = vec![0.0; THRESHOLDS];
        let zones = zones(truth, reach, rows);
        for zone in &zones {
            let mut earliest = u8::MAX;
            for row in zone.start..=zone.end {
                let step = self.first[row];
                earliest = earliest.min(step);
                if !labels[row] {
                    soft_hits[usize::from(step)] += soft[row].min(1.0);
                }
                soft[row] = 0.0;
            }
            zones_found[usize::from(earliest)] += 1.0;
        }
        accumulate(&mut soft_hits);
        accumulate(&mut zones_found);
        let anomalous = self.hits[THRESHOLDS - 1];
        let (mut pr, mut roc) = (0.0, 0.0);
        let (mut rate_before, mut false_before) = (0.0, 0.0);
        for step in 0..THRESHOLDS {
            let hits = self.hits[step] + soft_hits[step];
            // The mean of hard and of softened truth keeps recall moderate.
            let positives = f64::midpoint(anomalous, anomalous + soft_hits[step]);
            let rate = (hits / positives).min(1.0) * (zones_found[step] / zones.len() as f64);
            let false_rate = (self.alarmed[step] - hits) / (rows as f64 - positives);
            pr += (rate - rate_before) * (hits / self.alarmed[step]);
            roc += (false_rate - false_before) * f64::midpoint(rate, rate_before);
            (rate_before, false_before) = (rate, false_rate);
        }
        roc += (1.0 - false_before) * f64::midpoint(1.0, rate_before);
        Vus { pr, roc }
    }
}

/// Adds the weight of the margins of each segment to `soft`.
fn spread(truth: &[Segment], margin: usize, soft: &mut [f64]) {
    let rows = soft.len();
    for far in 1..=margin / 2 {
        let weight = (1.0 - far as f64 / margin as f64).sqrt();
        for segment in truth {
            if segment.end + far < rows {
                soft[segment.end + far] += weight;
            }
            if segment.start >= far {
                soft[segment.start - far] += weight;
            }
        }
    }
}

/// Segments with `reach` rows on both sides; those that touch are one.
fn zones(truth: &[Segment], reach: usize, rows: usize) -> Vec<Segment> {
    let mut zones: Vec<Segment> = Vec::new();
    for segment in truth {
        let start = segment.start.saturating_sub(reach);
        let end = (segment.end + reach).min(rows - 1);
        match zones.last_mut() {
            Some(zone) if zone.end >= start => zone.end = end,
            _ => zones.push(Segment { start, end }),
        }
    }
    zones
}

/// The rows of the sorted scores that serve as thresholds.
fn even_rows(rows: usize) -> Vec<usize> {
    let step = (rows - 1) as f64 / (THRESHOLDS - 1) as f64;
    let mut even: Vec<usize> = (0..THRESHOLDS).map(|at| (at as f64 * step) as usize).collect();
    even[THRESHOLDS - 1] = rows - 1;
    even
}

fn accumulate(values: &mut [f64]) {
    let mut sum = 0.0;
    for value in values {
        sum += *value;
        *value = sum;
    }
}

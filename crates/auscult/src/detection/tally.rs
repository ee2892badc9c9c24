//! What was read and judged, series by series.

use std::sync::Arc;

use super::finding::{Finding, SeriesName};

/// Counts of one series.
#[derive(Debug, Clone)]
pub(crate) struct SeriesTally {
    /// Which series.
    pub name: Arc<SeriesName>,
    /// Rows of the input that belong to it.
    pub rows: u64,
    /// Rows with a score.
    pub judged: u64,
    /// Rows without a score because the method was still warming up.
    pub warming: u64,
    /// Missing cells: empty, NaN or a word for nothing.
    pub missing: u64,
    /// Infinite cells, treated as missing.
    pub infinite: u64,
    /// Rows above the threshold.
    pub anomalies: u64,
    /// Those of them that people confirmed: they do not spend a budget.
    pub confirmed: u64,
    /// The threshold, if one was found.
    pub threshold: Option<f64>,
    /// Seconds from one alarm to the next at most, where samples are too rare for the budget.
    pub coarse: Option<f64>,
    /// The anomaly with the highest score.
    pub strangest: Option<Finding>,
    /// What else a person should know, a sentence each.
    pub notes: Vec<String>,
}

impl SeriesTally {
    /// Nothing read yet.
    pub(crate) fn new(name: Arc<SeriesName>) -> Self {
        Self {
            name,
            rows: 0,
            judged: 0,
            warming: 0,
            missing: 0,
            infinite: 0,
            anomalies: 0,
            confirmed: 0,
            threshold: None,
            coarse: None,
            strangest: None,
            notes: Vec::new(),
        }
    }

    /// Counts a row that was watched under a bar, and whether its anomaly is `confirmed`.
    pub(crate) fn count_watched(&mut self, finding: &Finding, confirmed: bool) {
        self.count(finding);
        self.confirmed += u64::from(confirmed && finding.is_anomaly());
    }

    /// Counts a judged row.
    pub(crate) fn count(&mut self, finding: &Finding) {
        match finding.score {
            None => self.warming += 1,
            Some(score) => {
                self.judged += 1;
                if finding.is_anomaly() {
                    self.anomalies += 1;
                    let before = self.strangest.as_ref().and_then(|finding| finding.score);
                    if before.is_none_or(|before| score > before) {
                        self.strangest = Some(finding.clone());
                    }
                }
            }
        }
    }
}

/// Counts of a whole run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// Rows read.
    pub rows: u64,
    /// One entry per series.
    pub series: Vec<SeriesTally>,
}

impl Tally {
    /// Sum of a count over the series.
    pub(crate) fn sum(&self, count: impl Fn(&SeriesTally) -> u64) -> u64 {
        self.series.iter().map(count).sum()
    }

    /// The strangest row of all.
    pub(crate) fn strangest(&self) -> Option<&Finding> {
        let findings = self.series.iter().filter_map(|series| series.strangest.as_ref());
        // Scores of one method compare by how far they pass their own threshold.
        let excess = |finding: &Finding| {
            finding.score.unwrap_or(0.0) / finding.threshold.max(f64::MIN_POSITIVE)
        };
        findings.max_by(|a, b| excess(a).total_cmp(&excess(b)))
    }
}

//! Keeping the strangest findings.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::finding::Finding;

/// Findings to be shown: all of them, or the strangest few in bounded memory.
#[derive(Debug)]
pub(crate) struct Keep {
    most: Option<usize>,
    all: Vec<Finding>,
    strangest: BinaryHeap<ByScore>,
    left_out: u64,
}

impl Keep {
    /// Keeps the `most` strangest, or all.
    pub(crate) fn strangest(most: Option<usize>) -> Self {
        Self { most, all: Vec::new(), strangest: BinaryHeap::new(), left_out: 0 }
    }

    /// Whether a finding with this score would be kept.
    pub(crate) fn wants(&self, score: f64) -> bool {
        self.most.is_none_or(|most| {
            self.strangest.len() < most
                || self.strangest.peek().is_some_and(|least| score > rank(&least.0))
        })
    }

    /// Takes a finding in, and drops the least strange one if there are too many.
    pub(crate) fn take(&mut self, finding: Finding) {
        let Some(most) = self.most else {
            self.all.push(finding);
            return;
        };
        if !self.wants(rank(&finding)) {
            self.left_out += 1;
            return;
        }
        self.strangest.push(ByScore(finding));
        if self.strangest.len() > most {
            self.strangest.pop();
            self.left_out += 1;
        }
    }

    /// Counts a finding that was not worth building.
    pub(crate) fn leave_out(&mut self) {
        self.left_out += 1;
    }

    /// The findings in the order of the input, and how many were left out.
    pub(crate) fn into_order(mut self) -> (Vec<Finding>, u64) {
        self.all.extend(self.strangest.into_iter().map(|ByScore(finding)| finding));
        self.all.sort_by(|a, b| (a.time, a.row, &a.series).cmp(&(b.time, b.row, &b.series)));
        (self.all, self.left_out)
    }
}

fn rank(finding: &Finding) -> f64 {
    finding.score.unwrap_or(-1.0)
}

/// Orders a heap so that its top is the least strange, later rows first.
#[derive(Debug)]
struct ByScore(Finding);

impl Ord for ByScore {
    fn cmp(&self, other: &Self) -> Ordering {
        rank(&other.0).total_cmp(&rank(&self.0)).then(self.0.row.cmp(&other.0.row))
    }
}

impl PartialOrd for ByScore {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByScore {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for ByScore {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detection::finding::SeriesName;

    fn finding(row: u64, score: f64) -> Finding {
        Finding {
            row,
            time: None,
            series: SeriesName { group: Vec::new(), columns: vec!["x".to_owned()] }.into(),
            readings: vec![0.0],
            score: Some(score),
            threshold: 1.0,
            explanation: None,
        }
    }

    #[test]
    fn the_strangest_are_kept_and_come_in_order_of_rows() {
        let mut keep = Keep::strangest(Some(2));
        for (row, score) in [(1, 5.0), (2, 9.0), (3, 1.0), (4, 7.0), (5, 7.0)] {
            keep.take(finding(row, score));
        }
        let (kept, left_out) = keep.into_order();
        assert_eq!(kept.iter().map(|one| one.row).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(left_out, 3);
    }
}

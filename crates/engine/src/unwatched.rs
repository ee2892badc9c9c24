//! Which metrics the samples are of that are not watched, in bounded memory.
//!
//! Source: A. Metwally, D. Agrawal, A. El Abbadi, "Efficient computation of frequent and top-k
//! elements in data streams", ICDT 2005 (the algorithm *space-saving*).

use auscult_core::{Labels, LabelsRef, Timestamp};
use hashbrown::HashMap;

/// Metrics that are remembered.
const MOST: usize = 100;

/// A metric of which samples came that are not watched, as there is no room for more series.
#[derive(Debug, Clone, PartialEq)]
pub struct Unwatched {
    /// What it is called.
    pub metric: String,
    /// Samples since the start, at most; see `samples_over`.
    pub samples: u64,
    /// By how much `samples` may be too high: what was counted for a metric whose place it took.
    pub samples_over: u64,
    /// When the newest of them was read.
    pub newest: Timestamp,
    /// One of its series that are not watched, the last that was seen.
    pub example: Labels,
}

/// Samples of one batch that are not watched, by metric.
#[derive(Debug, Default)]
pub(crate) struct Tally(HashMap<String, Counted>);

#[derive(Debug)]
struct Counted {
    samples: u64,
    newest: Timestamp,
    example: Labels,
}

impl Tally {
    pub(crate) fn count(&mut self, labels: LabelsRef<'_>, samples: u64, newest: Timestamp) {
        match self.0.get_mut(labels.metric()) {
            Some(counted) => {
                counted.samples += samples;
                counted.newest = counted.newest.max(newest);
            }
            None => {
                let counted = Counted { samples, newest, example: labels.to_owned() };
                self.0.insert(labels.metric().to_owned(), counted);
            }
        }
    }
}

/// The metrics with most samples that are not watched.
#[derive(Debug, Default)]
pub(crate) struct Sketch(Vec<Unwatched>);

impl Sketch {
    /// Adds what was counted. Time O(metrics of the batch · remembered metrics).
    pub(crate) fn add(&mut self, tally: Tally) {
        // In an order that does not change from run to run.
        let mut tally: Vec<_> = tally.0.into_iter().collect();
        tally.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        for (metric, Counted { samples, newest, example }) in tally {
            if let Some(known) = self.0.iter_mut().find(|known| known.metric == metric) {
                known.samples += samples;
                known.newest = known.newest.max(newest);
                known.example = example;
                continue;
            }
            let mut one = Unwatched { metric, samples, samples_over: 0, newest, example };
            if self.0.len() < MOST {
                self.0.push(one);
                continue;
            }
            let least = self.0.iter_mut().min_by_key(|known| known.samples);
            if let Some(least) = least {
                one.samples_over = least.samples;
                one.samples += least.samples;
                *least = one;
            }
        }
    }

    /// Those with most samples first.
    pub(crate) fn top(&self) -> Vec<Unwatched> {
        let mut top = self.0.clone();
        top.sort_by(|a, b| b.samples.cmp(&a.samples).then_with(|| a.metric.cmp(&b.metric)));
        top
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_metrics_stay_and_counts_are_within_what_is_said() {
        let mut sketch = Sketch::default();
        let at = Timestamp::from_seconds;
        for round in 0..1000_i64 {
            let mut tally = Tally::default();
            for metric in ["often".to_owned(), format!("once_{round}")] {
                let labels = Labels::from_pairs([("__name__", metric.as_str())]).unwrap();
                tally.count(labels.as_ref(), 3, at(round));
            }
            sketch.add(tally);
        }
        let top = sketch.top();
        assert_eq!(top.len(), MOST);
        let first = &top[0];
        assert_eq!((first.metric.as_str(), first.newest), ("often", at(999)));
        assert!(first.samples >= 3000 && first.samples - first.samples_over <= 3000);
        assert!(top.iter().skip(1).all(|other| other.samples - other.samples_over == 3));
    }
}

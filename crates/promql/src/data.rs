//! Samples, series, steps: what goes in and what is worked with.

use auscult_core::Labels;

use crate::selector::Selector;

/// Stands for "no value here" in a [`Row`]: the bits by which Prometheus marks that a series
/// has ended for now, which no arithmetic yields.
///
/// Source: Prometheus Remote-Write 1.0 specification, "Stale Markers".
pub(crate) const ABSENT: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// Whether `value` is [`ABSENT`], or as a sample the mark of an end.
pub(crate) fn is_absent(value: f64) -> bool {
    value.to_bits() == ABSENT.to_bits()
}

/// A value at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// Any value; the stale marker of Prometheus says that the series ends here for now.
    pub value: f64,
}

/// A series with some of its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What it is called.
    pub labels: Labels,
    /// By time, each time once.
    pub samples: Vec<Sample>,
}

/// Where samples come from.
pub trait Source {
    /// The series that `wanted` matches with their samples from `from` to `to`, both inclusive,
    /// in milliseconds; by labels, then by time, without series that have no sample there.
    ///
    /// # Errors
    ///
    /// [`SourceError::TooMany`] for more than `most` samples.
    fn select(
        &self,
        wanted: &Selector,
        from: i64,
        to: i64,
        most: usize,
    ) -> Result<Vec<Series>, SourceError>;
}

/// Why a [`Source`] has nothing to give.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceError {
    /// More samples than were allowed.
    TooMany,
    /// There is nothing to ask, in words.
    Refused(String),
    /// Samples that are there cannot be read, in words.
    Failed(String),
}

/// The moments for which a query is evaluated: at least one, evenly spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    pub(crate) start: i64,
    pub(crate) step: i64,
    pub(crate) count: usize,
}

impl Steps {
    pub(crate) fn one(time: i64) -> Self {
        Self { start: time, step: 1, count: 1 }
    }

    /// From `start` to `end`, both inclusive; `None` if there is none, or the step is none.
    pub(crate) fn between(start: i64, end: i64, step: i64) -> Option<Self> {
        let span = u64::try_from(end.checked_sub(start)?).ok()?;
        let count = span / u64::try_from(step).ok().filter(|step| *step > 0)?;
        Some(Self { start, step, count: usize::try_from(count).ok()?.checked_add(1)? })
    }

    /// The moment with this number, from 0, in milliseconds.
    pub(crate) fn at(self, place: usize) -> i64 {
        let passed = self.step.saturating_mul(i64::try_from(place).unwrap_or(i64::MAX));
        self.start.saturating_add(passed)
    }

    /// All moments, in milliseconds.
    pub(crate) fn times(self) -> impl ExactSizeIterator<Item = i64> {
        (0..self.count).map(move |place| self.at(place))
    }
}

/// A series of results: a value, or none, for each of some steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it is called.
    pub labels: Labels,
    pub(crate) values: Vec<f64>,
}

impl Row {
    pub(crate) fn new(labels: Labels, values: Vec<f64>) -> Self {
        Self { labels, values }
    }

    pub(crate) fn empty(labels: Labels, steps: Steps) -> Self {
        Self { labels, values: vec![ABSENT; steps.count] }
    }

    /// The value at step `place`.
    pub(crate) fn get(&self, place: usize) -> Option<f64> {
        let value = self.values[place];
        (!is_absent(value)).then_some(value)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.iter().copied().all(is_absent)
    }

    /// Replaces each value that is there by `change` of it; `None` takes it away.
    pub(crate) fn map(&mut self, mut change: impl FnMut(usize, f64) -> Option<f64>) {
        for (place, value) in self.values.iter_mut().enumerate() {
            if !is_absent(*value) {
                *value = change(place, *value).unwrap_or(ABSENT);
            }
        }
    }

    /// The values that are there, with their times. `steps` are those of the answer.
    pub fn samples(&self, steps: Steps) -> impl Iterator<Item = Sample> {
        let present = self.values.iter().enumerate().filter(|(_, value)| !is_absent(**value));
        present.map(move |(place, value)| Sample { time: steps.at(place), value: *value })
    }
}

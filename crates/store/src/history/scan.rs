//! Reading samples of some series in some time.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use auscult_core::{Labels, LabelsRef, Timestamp};

use super::index::IndexRow;
use super::selection::Selection;
use super::table::SampleRows;
use crate::error::StoreError;

/// What a scan found of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What it is called.
    pub labels: Labels,
    /// What its source said that it is, as a number that the caller understands.
    pub kind: u8,
    /// Its samples, by time.
    pub samples: Vec<(Timestamp, f64)>,
}

/// Gathers what is found, file by file.
pub(super) struct Gathering<'a> {
    wanted: &'a Selection<'a>,
    from: i64,
    to: i64,
    most: usize,
    samples: usize,
    found: BTreeMap<Labels, (u8, Vec<(Timestamp, f64)>)>,
}

impl<'a> Gathering<'a> {
    pub(super) fn new(
        wanted: &'a Selection<'a>,
        from: Timestamp,
        to: Timestamp,
        most: usize,
    ) -> Self {
        let (from, to) = (from.nanos(), to.nanos());
        Self { wanted, from, to, most, samples: 0, found: BTreeMap::new() }
    }

    /// Takes what of `samples` is in the time that is asked for.
    pub(super) fn take(
        &mut self,
        labels: LabelsRef<'_>,
        kind: u8,
        samples: impl IntoIterator<Item = (Timestamp, f64)>,
    ) -> Result<(), StoreError> {
        let (from, to) = (self.from, self.to);
        let mut inside =
            samples.into_iter().filter(|(time, _)| (from..=to).contains(&time.nanos())).peekable();
        if inside.peek().is_none() {
            return Ok(());
        }
        let entry = self.found.entry(labels.to_owned()).or_default();
        entry.0 = kind;
        let before = entry.1.len();
        entry.1.extend(inside);
        self.samples += entry.1.len() - before;
        if self.samples > self.most { Err(StoreError::TooMany { most: self.most }) } else { Ok(()) }
    }

    /// Reads the samples of `rows`, which are series of file `number`, and no others.
    pub(super) fn file(
        &mut self,
        folder: &Path,
        number: u32,
        rows: Vec<IndexRow>,
    ) -> Result<(), StoreError> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for row in &rows {
            let end = row.first + row.samples;
            match ranges.last_mut() {
                Some(last) if last.end == row.first => last.end = end,
                _ => ranges.push(row.first..end),
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let mut samples = SampleRows::open(folder, number, Some(&ranges))?;
        let mut own = Vec::new();
        for row in rows {
            if self.wanted.is_over() {
                break;
            }
            own.clear();
            for _ in 0..row.samples {
                let (time, value) = samples.next()?;
                own.push((Timestamp::from_nanos(time), value));
            }
            self.take(row.labels.as_ref(), row.kind, own.iter().copied())?;
        }
        Ok(())
    }

    /// Everything found, by labels and time; of samples at one time the last that came.
    pub(super) fn finish(self) -> Vec<Found> {
        let found = self.found.into_iter().map(|(labels, (kind, mut samples))| {
            samples.sort_by_key(|(time, _)| *time);
            let mut kept: Vec<(Timestamp, f64)> = Vec::with_capacity(samples.len());
            for sample in samples {
                match kept.last_mut() {
                    Some(last) if last.0 == sample.0 => *last = sample,
                    _ => kept.push(sample),
                }
            }
            Found { labels, kind, samples: kept }
        });
        found.collect()
    }
}

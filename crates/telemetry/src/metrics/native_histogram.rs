//! Histograms whose buckets grow by a factor, few bytes for many buckets.
//!
//! Remote write and the protobuf exposition number the fields differently; what the
//! fields mean is the same.
//!
//! Source: Prometheus documentation, "Native Histograms".

use super::protobuf::{Broken, Value, fields, unzigzag, varints};
use super::{Histogram, is_stale};

/// Buckets whose bounds are spelt out.
const CUSTOM: i64 = -53;
/// Schemas there are: the factor is 2^(2^-schema).
const SCHEMAS: std::ops::RangeInclusive<i64> = -4..=8;

/// Buckets of one sign: runs of them, and what each holds.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// Distance from the run before, and length.
    pub(super) spans: Vec<(i64, u64)>,
    pub(super) counts: Vec<f64>,
}

impl Side {
    /// Index and count of each bucket; fails when there are more buckets than counts.
    fn buckets(&self) -> Result<Vec<(i64, f64)>, Broken> {
        let mut buckets = Vec::with_capacity(self.counts.len());
        let mut counts = self.counts.iter();
        let mut index = 0_i64;
        for (offset, length) in &self.spans {
            index = index.checked_add(*offset).ok_or(Broken)?;
            for _ in 0..*length {
                buckets.push((index, *counts.next().ok_or(Broken)?));
                index = index.checked_add(1).ok_or(Broken)?;
            }
        }
        Ok(buckets)
    }
}

/// A histogram as it is sent.
#[derive(Debug, Default)]
pub(super) struct Native {
    pub(super) count: f64,
    pub(super) sum: Option<f64>,
    pub(super) schema: i64,
    pub(super) zero_threshold: f64,
    pub(super) zero_count: f64,
    pub(super) negative: Side,
    pub(super) positive: Side,
    /// Bounds, where they are spelt out.
    pub(super) custom: Vec<f64>,
}

impl Native {
    /// With the bounds of its buckets; `None` says that the series has ended for now.
    pub(super) fn histogram(&self) -> Result<Option<Histogram>, Broken> {
        if self.sum.is_some_and(is_stale) {
            return Ok(None);
        }
        let mut histogram = Histogram { count: self.count, sum: self.sum, ..Histogram::default() };
        let mut below = 0.0;
        if self.schema == CUSTOM {
            for (index, count) in self.positive.buckets()? {
                below += count;
                // What lies above the last bound is in the count only.
                let bound = usize::try_from(index).ok().and_then(|index| self.custom.get(index));
                histogram.buckets.extend(bound.map(|bound| (*bound, below)));
            }
        } else if SCHEMAS.contains(&self.schema) {
            let exponent = 2_f64.powi(-self.schema as i32);
            let bound = |index: i64| (index as f64 * exponent).exp2();
            for (index, count) in self.negative.buckets()?.into_iter().rev() {
                below += count;
                histogram.buckets.push((-bound(index - 1), below));
            }
            if self.zero_count > 0.0 || !histogram.buckets.is_empty() {
                below += self.zero_count;
                histogram.buckets.push((self.zero_threshold, below));
            }
            for (index, count) in self.positive.buckets()? {
                below += count;
                histogram.buckets.push((bound(index), below));
            }
        } else {
            return Err(Broken);
        }
        let sound = histogram.buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1)
            && histogram.buckets.iter().all(|(_, count)| count.is_finite());
        if sound { Ok(Some(histogram)) } else { Err(Broken) }
    }
}

/// A run of buckets: distance from the run before, and length.
pub(super) fn span(value: Value<'_>) -> Result<(i64, u64), Broken> {
    let (mut offset, mut length) = (0, 0);
    for field in fields(value.bytes()?) {
        match field? {
            (1, value) => offset = value.zigzag()?,
            (2, value) => length = value.unsigned()?,
            _ => {}
        }
    }
    Ok((offset, length))
}

/// Counts, each as the difference from the one before.
pub(super) fn deltas(value: Value<'_>, counts: &mut Vec<f64>) -> Result<(), Broken> {
    varints(value, |delta| {
        let before = counts.last().copied().unwrap_or(0.0);
        counts.push(before + unzigzag(delta) as f64);
    })
}

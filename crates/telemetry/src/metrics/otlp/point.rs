//! A data point of any metric, as either encoding brought it.

use std::borrow::Cow;

/// A key with its value, as text.
pub(super) type Attribute<'a> = (Cow<'a, str>, Cow<'a, str>);

/// What a metric says of its points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Gauge,
    Sum { temporality: Temporality, is_monotonic: bool },
    Histogram(Temporality),
    ExponentialHistogram(Temporality),
    Summary,
}

/// Since when a point counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Temporality {
    /// It does not say, which no sender may do.
    Unspecified,
    /// Since the point before.
    Delta,
    /// Since the start.
    Cumulative,
}

impl Temporality {
    pub(super) fn of_number(number: u64) -> Self {
        match number {
            1 => Self::Delta,
            2 => Self::Cumulative,
            _ => Self::Unspecified,
        }
    }
}

/// Most attributes of a point, and most of a resource that are looked at.
pub(super) const MOST_ATTRIBUTES: usize = 256;
/// Most buckets of one sign in an exponential histogram; an SDK makes 160.
pub(super) const MOST_BUCKETS: usize = 65_536;

/// The flag of a point without a reading.
pub(super) const NO_RECORDED_VALUE: u64 = 1;

/// Neighbouring buckets of an exponential histogram.
#[derive(Debug, Clone, Default)]
pub(super) struct Side {
    /// Index of the first.
    pub(super) offset: i64,
    pub(super) counts: Vec<u64>,
    /// Whether there were more than [`MOST_BUCKETS`].
    pub(super) is_overfull: bool,
}

impl Side {
    pub(super) fn push(&mut self, count: u64) {
        self.is_overfull |= self.counts.len() == MOST_BUCKETS;
        if !self.is_overfull {
            self.counts.push(count);
        }
    }
}

/// A data point; what its shape does not have is empty. Read into again and again.
#[derive(Debug, Clone, Default)]
pub(super) struct DataPoint<'a> {
    /// Keys and values, the values as text.
    pub(super) attributes: Vec<Attribute<'a>>,
    /// Whether there were more than [`MOST_ATTRIBUTES`].
    pub(super) is_overfull: bool,
    /// Nanoseconds since the epoch; 0 where it is not known.
    pub(super) start: u64,
    /// Nanoseconds since the epoch.
    pub(super) time: u64,
    pub(super) flags: u64,
    pub(super) value: Option<f64>,
    pub(super) count: u64,
    pub(super) sum: Option<f64>,
    pub(super) bounds: Vec<f64>,
    pub(super) bucket_counts: Vec<u64>,
    pub(super) scale: i64,
    pub(super) zero_count: u64,
    pub(super) zero_threshold: f64,
    pub(super) positive: Side,
    pub(super) negative: Side,
    pub(super) quantiles: Vec<(f64, f64)>,
}

impl<'a> DataPoint<'a> {
    pub(super) fn push_attribute(&mut self, attribute: Attribute<'a>) {
        self.is_overfull |= self.attributes.len() == MOST_ATTRIBUTES;
        if !self.is_overfull {
            self.attributes.push(attribute);
        }
    }

    /// Empties it, but for the memory.
    pub(super) fn clear(&mut self) {
        self.attributes.clear();
        self.is_overfull = false;
        (self.start, self.time, self.flags) = (0, 0, 0);
        (self.value, self.count, self.sum) = (None, 0, None);
        self.bounds.clear();
        self.bucket_counts.clear();
        (self.scale, self.zero_count, self.zero_threshold) = (0, 0, 0.0);
        for side in [&mut self.positive, &mut self.negative] {
            side.offset = 0;
            side.counts.clear();
            side.is_overfull = false;
        }
        self.quantiles.clear();
    }
}

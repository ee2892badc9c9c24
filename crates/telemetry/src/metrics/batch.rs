//! Series and their newest points, as a message brought them.

use auscult_core::{LabelsError, LabelsRef, Timestamp};

/// Bits of the NaN by which Prometheus says that a series has ended for now.
///
/// Source: Prometheus Remote-Write 1.0 specification, "Stale Markers".
pub const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

/// Whether `value` says that its series has ended for now.
#[must_use]
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_BITS
}

/// What a source says that a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum MetricKind {
    /// It says nothing; names may.
    #[default]
    Unknown,
    /// Goes up and down.
    Gauge,
    /// Only grows, and begins anew at 0.
    Counter,
    /// Parts of a histogram: buckets, sum and count, all counters.
    Histogram,
    /// Parts of a histogram of what is there now: buckets, sum and count are gauges.
    GaugeHistogram,
    /// Quantiles (gauges), sum and count (counters).
    Summary,
    /// Says something in its labels; the value is 1.
    Info,
    /// One of several states, 1 or 0.
    StateSet,
}

impl MetricKind {
    /// The kind that sources call `name`, as OpenMetrics and Prometheus do.
    ///
    /// ```
    /// use auscult_telemetry::metrics::MetricKind;
    /// assert_eq!(MetricKind::of_name("counter"), Some(MetricKind::Counter));
    /// assert_eq!(MetricKind::of_name("counters"), None);
    /// ```
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "unknown" | "untyped" => Self::Unknown,
            "gauge" => Self::Gauge,
            "counter" => Self::Counter,
            "histogram" => Self::Histogram,
            "gaugehistogram" => Self::GaugeHistogram,
            "summary" => Self::Summary,
            "info" => Self::Info,
            "stateset" => Self::StateSet,
            _ => return None,
        })
    }

    /// What sources call it, as Prometheus does.
    ///
    /// ```
    /// use auscult_telemetry::metrics::MetricKind;
    /// assert_eq!(MetricKind::of_name(MetricKind::StateSet.name()), Some(MetricKind::StateSet));
    /// ```
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
        }
    }

    const CODES: [Self; 8] = [
        Self::Unknown,
        Self::Gauge,
        Self::Counter,
        Self::Histogram,
        Self::GaugeHistogram,
        Self::Summary,
        Self::Info,
        Self::StateSet,
    ];

    /// A number to store: the same in every release.
    #[must_use]
    pub fn code(self) -> u8 {
        let place = Self::CODES.iter().position(|kind| *kind == self);
        place.map_or(0, |place| place as u8)
    }

    /// The kind that has this number; a number of a later release is [`MetricKind::Unknown`].
    ///
    /// ```
    /// use auscult_telemetry::metrics::MetricKind;
    /// assert_eq!(MetricKind::of_code(MetricKind::Counter.code()), MetricKind::Counter);
    /// assert_eq!(MetricKind::of_code(200), MetricKind::Unknown);
    /// ```
    #[must_use]
    pub fn of_code(code: u8) -> Self {
        Self::CODES.get(usize::from(code)).copied().unwrap_or_default()
    }
}

/// A value at a time. The value may be NaN or infinite, as on the wire.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When it was read.
    pub time: Timestamp,
    /// What was read.
    pub value: f64,
}

/// A distribution: how many observations lie in which buckets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// Observations.
    pub count: f64,
    /// Their sum, where it was sent.
    pub sum: Option<f64>,
    /// Upper bounds, ascending and finite, each with the observations at most that
    /// large; those above the last one are in `count` only.
    pub buckets: Vec<(f64, f64)>,
    /// Whether `count` and `buckets` count since the point before, not since the start.
    pub delta: bool,
}

/// A distribution at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramPoint {
    /// When it was read.
    pub time: Timestamp,
    /// What was read; `None` says that the series has ended for now.
    pub value: Option<Histogram>,
}

/// One series of a batch.
#[derive(Debug, Clone, Copy)]
pub struct MetricSeries<'a> {
    /// What it is called.
    pub labels: LabelsRef<'a>,
    /// What its source says that it is.
    pub kind: MetricKind,
    /// Its values, as they came.
    pub points: &'a [Point],
    /// Its distributions, as they came.
    pub histograms: &'a [HistogramPoint],
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    labels_end: usize,
    kind: MetricKind,
    points_end: usize,
    histograms_end: usize,
}

/// Series with points, in a few allocations that a later message uses again.
///
/// ```
/// use auscult_core::Timestamp;
/// use auscult_telemetry::metrics::{MetricBatch, MetricKind};
/// let mut batch = MetricBatch::default();
/// batch.begin_series(MetricKind::Gauge, &mut [("__name__", "power_watts"), ("gpu", "0")])?;
/// batch.push(Timestamp::from_seconds(1), 310.0);
/// let series = batch.series().next().expect("one was pushed");
/// assert_eq!(series.labels.metric(), "power_watts");
/// assert_eq!(series.points[0].value, 310.0);
/// # Ok::<(), auscult_core::LabelsError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct MetricBatch {
    labels: Vec<u8>,
    entries: Vec<Entry>,
    points: Vec<Point>,
    histograms: Vec<HistogramPoint>,
    families: Vec<(String, MetricKind)>,
}

impl MetricBatch {
    /// Notes what a source says of every series whose metric is `family`, or a part of it
    /// such as `family_bucket`, in this message or another.
    pub fn declare(&mut self, family: &str, kind: MetricKind) {
        self.families.push((family.to_owned(), kind));
    }

    /// What was declared.
    #[must_use]
    pub fn families(&self) -> &[(String, MetricKind)] {
        &self.families
    }

    /// Begins a series; what is pushed next belongs to it.
    ///
    /// # Errors
    ///
    /// As [`auscult_core::Labels::from_pairs`]; nothing is begun then.
    pub fn begin_series(
        &mut self,
        kind: MetricKind,
        labels: &mut [(&str, &str)],
    ) -> Result<(), LabelsError> {
        LabelsRef::encode(labels, &mut self.labels)?;
        self.begin(kind);
        Ok(())
    }

    /// Begins a series called `labels`; what is pushed next belongs to it.
    pub fn begin_labels(&mut self, kind: MetricKind, labels: LabelsRef<'_>) {
        self.labels.extend_from_slice(labels.bytes());
        self.begin(kind);
    }

    fn begin(&mut self, kind: MetricKind) {
        self.entries.push(Entry {
            labels_end: self.labels.len(),
            kind,
            points_end: self.points.len(),
            histograms_end: self.histograms.len(),
        });
    }

    /// Adds a value to the series begun last.
    ///
    /// # Panics
    ///
    /// When none was begun.
    pub fn push(&mut self, time: Timestamp, value: f64) {
        self.points.push(Point { time, value });
        let entry = self.entries.last_mut().expect("a series was begun");
        entry.points_end = self.points.len();
    }

    /// Adds a distribution to the series begun last.
    ///
    /// # Panics
    ///
    /// When none was begun.
    pub fn push_histogram(&mut self, time: Timestamp, value: Option<Histogram>) {
        self.histograms.push(HistogramPoint { time, value });
        let entry = self.entries.last_mut().expect("a series was begun");
        entry.histograms_end = self.histograms.len();
    }

    /// The series, as they were begun.
    pub fn series(&self) -> impl Iterator<Item = MetricSeries<'_>> {
        let mut before = (0, 0, 0);
        self.entries.iter().map(move |entry| {
            let (labels, points, histograms) = before;
            before = (entry.labels_end, entry.points_end, entry.histograms_end);
            let labels = &self.labels[labels..entry.labels_end];
            MetricSeries {
                labels: LabelsRef::decode_trusted(labels),
                kind: entry.kind,
                points: &self.points[points..entry.points_end],
                histograms: &self.histograms[histograms..entry.histograms_end],
            }
        })
    }

    /// How many series it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many values and distributions it holds.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.points.len() + self.histograms.len()
    }

    /// Forgets everything but the memory.
    pub fn clear(&mut self) {
        self.labels.clear();
        self.entries.clear();
        self.points.clear();
        self.histograms.clear();
        self.families.clear();
    }
}

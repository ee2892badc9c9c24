//! Which family a sample belongs to, and so what kind it is.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::metrics::MetricKind;

/// Families of metrics that a source declared.
///
/// ```
/// use auscult_telemetry::metrics::{Families, MetricKind};
/// let mut families = Families::default();
/// families.declare("latency_seconds".into(), MetricKind::Histogram);
/// assert_eq!(families.kind("latency_seconds_bucket"), MetricKind::Histogram);
/// assert_eq!(families.kind("latency"), MetricKind::Unknown);
/// ```
#[derive(Debug, Default)]
pub struct Families<'a> {
    all: HashMap<Cow<'a, str>, MetricKind>,
    /// The one declared last, to which the next samples nearly always belong.
    newest: Option<(Cow<'a, str>, MetricKind)>,
}

/// What the samples of a family may have behind its name.
fn suffixes(kind: MetricKind) -> &'static [&'static str] {
    match kind {
        // Text names a counter with its `_total`, OpenMetrics without.
        MetricKind::Counter => &["", "_total", "_created"],
        MetricKind::Histogram => &["_bucket", "_sum", "_count", "_created"],
        MetricKind::GaugeHistogram => &["_bucket", "_gsum", "_gcount"],
        MetricKind::Summary => &["", "_sum", "_count", "_created"],
        MetricKind::Info => &["_info"],
        MetricKind::Gauge | MetricKind::StateSet | MetricKind::Unknown => &[""],
    }
}

/// Everything that [`suffixes`] has, but the empty one.
const ALL_SUFFIXES: [&str; 8] =
    ["_bucket", "_sum", "_count", "_total", "_created", "_info", "_gsum", "_gcount"];

fn is_of(metric: &str, family: &str, kind: MetricKind) -> bool {
    metric.strip_prefix(family).is_some_and(|suffix| suffixes(kind).contains(&suffix))
}

impl<'a> Families<'a> {
    /// Notes what a source says of a family.
    pub fn declare(&mut self, family: Cow<'a, str>, kind: MetricKind) {
        self.newest = Some((family.clone(), kind));
        self.all.insert(family, kind);
    }

    /// The kind of the samples of `metric`: of its own family, or of one it is a part of.
    #[must_use]
    pub fn kind(&self, metric: &str) -> MetricKind {
        if let Some((family, kind)) = &self.newest
            && is_of(metric, family, *kind)
        {
            return *kind;
        }
        let of = |family: &str| {
            self.all.get(family).copied().filter(|kind| is_of(metric, family, *kind))
        };
        let stripped =
            || ALL_SUFFIXES.iter().find_map(|suffix| metric.strip_suffix(suffix).and_then(of));
        of(metric).or_else(stripped).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_family_are_of_its_kind_and_strangers_are_not() {
        let mut families = Families::default();
        families.declare("latency".into(), MetricKind::Histogram);
        families.declare("requests".into(), MetricKind::Counter);
        assert_eq!(families.kind("requests_total"), MetricKind::Counter);
        assert_eq!(families.kind("latency_bucket"), MetricKind::Histogram);
        assert_eq!(families.kind("latency"), MetricKind::Unknown);
        assert_eq!(families.kind("requests_total_count"), MetricKind::Unknown);
    }
}

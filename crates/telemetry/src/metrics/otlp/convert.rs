//! Data points of OpenTelemetry to series and samples.

use std::borrow::Cow;

use auscult_core::{METRIC_NAME, Timestamp};

use super::Written;
use super::distribution::{explicit, exponential};
use super::names::{Flavour, label_name, metric_name};
use super::point::{Attribute, DataPoint, MOST_ATTRIBUTES, NO_RECORDED_VALUE, Shape, Temporality};
use crate::metrics::{MetricBatch, MetricKind, STALE_BITS, WireError};

/// Attributes of a resource that tell its target from others, and the labels they become.
///
/// The labels of `k8s.*` are those by which exporters of Kubernetes call the same things.
const RESOURCE_LABELS: [(&str, &str); 10] = [
    ("host.name", "host"),
    ("k8s.cluster.name", "cluster"),
    ("k8s.container.name", "container"),
    ("k8s.namespace.name", "namespace"),
    ("k8s.node.name", "node"),
    ("k8s.pod.name", "pod"),
    ("model.name", "model_name"),
    ("model.version", "model_version"),
    ("model_name", "model_name"),
    ("model_version", "model_version"),
];
/// Attributes of a resource with this prefix become labels as well.
const GEN_AI: &str = "gen_ai.";
/// What a sample costs in a batch besides its labels.
const SAMPLE_BYTES: usize = 64;

/// A request needs more memory than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Takes points in, one after the other, and makes series of them.
#[derive(Debug)]
pub(super) struct Converter<'b> {
    batch: &'b mut MetricBatch,
    /// Memory that the batch may still take.
    left_bytes: usize,
    written: Written,
    refused: Option<WireError>,
    /// Labels of the resource.
    resource: Vec<(String, String)>,
    /// The metric: its name as sent, its name here, its shape.
    sent_name: String,
    name: Option<String>,
    shape: Shape,
}

impl<'b> Converter<'b> {
    pub(super) fn new(batch: &'b mut MetricBatch, most_bytes: usize) -> Self {
        Self {
            batch,
            left_bytes: most_bytes,
            written: Written::default(),
            refused: None,
            resource: Vec::new(),
            sent_name: String::new(),
            name: None,
            shape: Shape::Gauge,
        }
    }

    /// How many points were taken and refused, and why the first of these was.
    pub(super) fn finish(self) -> (Written, Option<WireError>) {
        (self.written, self.refused)
    }

    /// What follows is of the resource with these attributes.
    pub(super) fn begin_resource(&mut self, attributes: &[Attribute<'_>]) {
        self.resource.clear();
        let get = |wanted: &str| {
            let found = attributes.iter().find(|(key, value)| key == wanted && !value.is_empty());
            found.map(|(_, value)| value.as_ref())
        };
        if let Some(service) = get("service.name") {
            let namespace = get("service.namespace");
            let job =
                namespace.map_or_else(|| service.to_owned(), |space| format!("{space}/{service}"));
            self.resource.push(("job".to_owned(), job));
        }
        if let Some(instance) = get("service.instance.id") {
            self.resource.push(("instance".to_owned(), instance.to_owned()));
        }
        for (key, value) in attributes.iter().filter(|(_, value)| !value.is_empty()) {
            let known = RESOURCE_LABELS.iter().find(|(wanted, _)| key == wanted);
            let label = match known {
                Some((_, label)) => Cow::Borrowed(*label),
                None if key.starts_with(GEN_AI) => label_name(key),
                None => continue,
            };
            if self.resource.iter().all(|(other, _)| *other != label) {
                self.resource.push((label.into_owned(), value.as_ref().to_owned()));
            }
        }
    }

    /// What follows is of the metric `name`.
    pub(super) fn begin_metric(&mut self, name: &str, unit: &str, shape: Shape) {
        let flavour = match shape {
            Shape::Sum { is_monotonic: true, .. } => Flavour::Counter,
            Shape::Gauge => Flavour::Gauge,
            _ => Flavour::Other,
        };
        name.clone_into(&mut self.sent_name);
        self.name = metric_name(name, unit, flavour);
        self.shape = shape;
    }

    /// Takes a point of the metric in, or counts it among those refused.
    pub(super) fn take(&mut self, point: &mut DataPoint<'_>) -> Result<(), TooLarge> {
        if let Err(reason) = self.try_take(point)? {
            self.written.refused_points += 1;
            let place = || format!("metric `{}`", self.sent_name);
            self.refused.get_or_insert_with(|| WireError::new(reason, place()));
        }
        Ok(())
    }

    /// Says why a point cannot be.
    fn try_take(&mut self, point: &mut DataPoint<'_>) -> Result<Result<(), String>, TooLarge> {
        let Some(name) = self.name.take() else {
            return Ok(Err("its name has neither letter nor digit".to_owned()));
        };
        let taken = match self.shape {
            _ if point.is_overfull => {
                Err(format!("a point with more than {MOST_ATTRIBUTES} attributes").into())
            }
            Shape::Gauge | Shape::Sum { .. } => self.number(&name, point),
            Shape::Histogram(_) | Shape::ExponentialHistogram(_) => self.distribution(&name, point),
            Shape::Summary => self.summary(&name, point),
        };
        self.name = Some(name);
        match taken {
            Ok(()) => Ok(Ok(())),
            Err(Refusal::Point(reason)) => Ok(Err(reason)),
            Err(Refusal::Request) => Err(TooLarge),
        }
    }

    fn number(&mut self, name: &str, point: &mut DataPoint<'_>) -> Result<(), Refusal> {
        let time = time(point)?;
        let (temporality, kind) = match self.shape {
            Shape::Sum { temporality, is_monotonic: true } => (temporality, MetricKind::Counter),
            Shape::Sum { temporality, is_monotonic: false } => (temporality, MetricKind::Gauge),
            _ => (Temporality::Cumulative, MetricKind::Gauge),
        };
        let is_stale = point.flags & NO_RECORDED_VALUE != 0;
        let value = match point.value {
            _ if is_stale => f64::from_bits(STALE_BITS),
            None => return Err("a point without a value".to_owned().into()),
            Some(value) => value,
        };
        let (value, kind) = match temporality {
            Temporality::Cumulative => (value, kind),
            // A counter turned into its rate, as others will be too.
            Temporality::Delta if is_stale => (value, MetricKind::Gauge),
            Temporality::Delta => {
                if point.start == 0 || point.start >= point.time {
                    return Err("a delta without the start of its interval".to_owned().into());
                }
                (value / ((point.time - point.start) as f64 / 1e9), MetricKind::Gauge)
            }
            Temporality::Unspecified => return Err(untold()),
        };
        self.begin_series((name, ""), kind, point, None)?;
        self.batch.push(time, value);
        self.written.samples += 1;
        Ok(())
    }

    fn distribution(&mut self, name: &str, point: &mut DataPoint<'_>) -> Result<(), Refusal> {
        let time = time(point)?;
        let (temporality, is_exponential) = match self.shape {
            Shape::ExponentialHistogram(temporality) => (temporality, true),
            Shape::Histogram(temporality) => (temporality, false),
            _ => (Temporality::Unspecified, false),
        };
        let delta = match temporality {
            Temporality::Delta => true,
            Temporality::Cumulative => false,
            Temporality::Unspecified => return Err(untold()),
        };
        let histogram = match point.flags & NO_RECORDED_VALUE {
            0 if is_exponential => Some(exponential(point, delta)?),
            0 => Some(explicit(point, delta)?),
            _ => None,
        };
        self.spend(histogram.as_ref().map_or(0, |histogram| 16 * histogram.buckets.len()))?;
        self.begin_series((name, ""), MetricKind::Histogram, point, None)?;
        self.batch.push_histogram(time, histogram);
        self.written.histograms += 1;
        Ok(())
    }

    fn summary(&mut self, name: &str, point: &mut DataPoint<'_>) -> Result<(), Refusal> {
        let time = time(point)?;
        let is_stale = point.flags & NO_RECORDED_VALUE != 0;
        let told = |value: f64| if is_stale { f64::from_bits(STALE_BITS) } else { value };
        let quantiles = std::mem::take(&mut point.quantiles);
        for (quantile, value) in &quantiles {
            let quantile = quantile.to_string();
            self.begin_series((name, ""), MetricKind::Summary, point, Some(&quantile))?;
            self.batch.push(time, told(*value));
            self.written.samples += 1;
        }
        point.quantiles = quantiles;
        let parts = [("_sum", point.sum.unwrap_or(0.0)), ("_count", point.count as f64)];
        for (suffix, value) in parts {
            self.begin_series((name, suffix), MetricKind::Summary, point, None)?;
            self.batch.push(time, told(value));
            self.written.samples += 1;
        }
        Ok(())
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.left_bytes = self.left_bytes.checked_sub(bytes).ok_or(Refusal::Request)?;
        Ok(())
    }

    /// Begins the series of `point`. Attributes that come to the same label are joined by `;`,
    /// those called as a label of the target get `exported_` before them, as Prometheus has it.
    fn begin_series(
        &mut self,
        (name, suffix): (&str, &str),
        kind: MetricKind,
        point: &mut DataPoint<'_>,
        quantile: Option<&str>,
    ) -> Result<(), Refusal> {
        let name = if suffix.is_empty() {
            Cow::Borrowed(name)
        } else {
            Cow::Owned(format!("{name}{suffix}"))
        };
        let mut own: Vec<(&str, &str)> = vec![(METRIC_NAME, &name)];
        own.extend(self.resource.iter().map(|(label, value)| (label.as_str(), value.as_str())));
        own.extend(quantile.map(|quantile| ("quantile", quantile)));
        // By key, so that a repetition joins in the same order.
        point.attributes.sort_unstable();
        let mut labels: Vec<(Cow<'_, str>, Cow<'_, str>)> =
            Vec::with_capacity(point.attributes.len());
        for (key, value) in &point.attributes {
            let mut label = label_name(key);
            if own.iter().any(|(other, _)| *other == label) {
                label = Cow::Owned(format!("exported_{label}"));
            }
            match labels.iter_mut().find(|(other, _)| *other == label) {
                Some((_, joined)) => {
                    let joined = joined.to_mut();
                    joined.push(';');
                    joined.push_str(value);
                }
                None => labels.push((label, Cow::Borrowed(value.as_ref()))),
            }
        }
        own.extend(labels.iter().map(|(label, value)| (label.as_ref(), value.as_ref())));
        let bytes: usize = own.iter().map(|(label, value)| label.len() + value.len() + 4).sum();
        // Those of `self`, which is borrowed.
        self.left_bytes =
            self.left_bytes.checked_sub(bytes + SAMPLE_BYTES).ok_or(Refusal::Request)?;
        self.batch.begin_series(kind, &mut own).map_err(|error| Refusal::Point(error.to_string()))
    }
}

/// What is refused, and why.
#[derive(Debug)]
enum Refusal {
    Point(String),
    /// It needs more memory than it may.
    Request,
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self::Point(reason)
    }
}

fn untold() -> Refusal {
    Refusal::Point("expected delta or cumulative temporality, got neither".to_owned())
}

fn time(point: &DataPoint<'_>) -> Result<Timestamp, Refusal> {
    match i64::try_from(point.time) {
        Ok(0) => Err("a point without a time".to_owned().into()),
        Ok(nanos) => Ok(Timestamp::from_nanos(nanos)),
        Err(_) => Err(format!("{} ns after the epoch lie too far ahead", point.time).into()),
    }
}

//! A request as JSON.
//!
//! Source: OTLP specification, "JSON Protobuf Encoding", and the JSON mapping of protobuf.
//! Lists are cut into their entries before these are read, so that a request with many
//! empty ones does not take many times its size.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::any_value::{Any, MOST_DEPTH};
use super::convert::{Converter, TooLarge};
use super::json_number::Number;
use super::point::{Attribute, DataPoint, MOST_ATTRIBUTES, Shape, Side, Temporality};

/// Why a request is not read to its end.
#[derive(Debug)]
pub(super) enum Unread {
    Broken(String),
    TooLarge,
}

impl From<serde_json::Error> for Unread {
    /// Without the place, which is one within an entry.
    fn from(error: serde_json::Error) -> Self {
        let reason = error.to_string();
        let end = reason.rfind(" at line ").unwrap_or(reason.len());
        Self::Broken(reason[..end].to_owned())
    }
}

impl From<TooLarge> for Unread {
    fn from(_: TooLarge) -> Self {
        Self::TooLarge
    }
}

/// A list cut into its entries; it may lack or be null.
type Entries<'a> = Option<Vec<&'a RawValue>>;

fn entries(list: Entries<'_>) -> impl Iterator<Item = &str> {
    list.into_iter().flatten().map(RawValue::get)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow)]
    resource_metrics: Entries<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceMetrics<'a> {
    #[serde(borrow)]
    resource: Option<Resource<'a>>,
    #[serde(borrow)]
    scope_metrics: Entries<'a>,
}

#[derive(Debug, Deserialize)]
struct Resource<'a> {
    #[serde(borrow)]
    attributes: Entries<'a>,
}

#[derive(Debug, Deserialize)]
struct ScopeMetrics<'a> {
    #[serde(borrow)]
    metrics: Entries<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metric<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    unit: Option<Cow<'a, str>>,
    #[serde(borrow)]
    gauge: Option<Data<'a>>,
    #[serde(borrow)]
    sum: Option<Data<'a>>,
    #[serde(borrow)]
    histogram: Option<Data<'a>>,
    #[serde(borrow)]
    exponential_histogram: Option<Data<'a>>,
    #[serde(borrow)]
    summary: Option<Data<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    #[serde(borrow)]
    data_points: Entries<'a>,
    aggregation_temporality: Option<Number<u64>>,
    is_monotonic: Option<bool>,
}

/// A point of any shape.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonPoint<'a> {
    #[serde(borrow)]
    attributes: Entries<'a>,
    start_time_unix_nano: Option<Number<u64>>,
    time_unix_nano: Option<Number<u64>>,
    flags: Option<Number<u64>>,
    as_int: Option<Number<i64>>,
    as_double: Option<Number<f64>>,
    count: Option<Number<u64>>,
    sum: Option<Number<f64>>,
    bucket_counts: Option<Vec<Number<u64>>>,
    explicit_bounds: Option<Vec<Number<f64>>>,
    scale: Option<Number<i64>>,
    zero_count: Option<Number<u64>>,
    zero_threshold: Option<Number<f64>>,
    positive: Option<Buckets>,
    negative: Option<Buckets>,
    quantile_values: Option<Vec<ValueAtQuantile>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Buckets {
    offset: Option<Number<i64>>,
    bucket_counts: Option<Vec<Number<u64>>>,
}

#[derive(Debug, Deserialize)]
struct ValueAtQuantile {
    quantile: Option<Number<f64>>,
    value: Option<Number<f64>>,
}

#[derive(Debug, Deserialize)]
struct KeyValue<'a> {
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    value: Option<AnyValue<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnyValue<'a> {
    #[serde(borrow)]
    string_value: Option<Cow<'a, str>>,
    bool_value: Option<bool>,
    int_value: Option<Number<i64>>,
    double_value: Option<Number<f64>>,
    #[serde(borrow)]
    array_value: Option<Values<'a>>,
    #[serde(borrow)]
    kvlist_value: Option<Values<'a>>,
    /// In base 64 already.
    #[serde(borrow)]
    bytes_value: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
struct Values<'a> {
    #[serde(borrow)]
    values: Entries<'a>,
}

/// Reads an `ExportMetricsServiceRequest`.
pub(super) fn read(body: &[u8], converter: &mut Converter<'_>) -> Result<(), Unread> {
    let request: Result<Request<'_>, _> = serde_json::from_slice(body);
    let request = request.map_err(|error| Unread::Broken(error.to_string()))?;
    for resource in entries(request.resource_metrics) {
        let resource: ResourceMetrics<'_> = serde_json::from_str(resource)?;
        let mut attributes = Vec::new();
        let own = resource.resource.and_then(|resource| resource.attributes);
        for pair in entries(own).take(MOST_ATTRIBUTES) {
            attributes.push(attribute(pair)?);
        }
        converter.begin_resource(&attributes);
        for scope in entries(resource.scope_metrics) {
            let scope: ScopeMetrics<'_> = serde_json::from_str(scope)?;
            for message in entries(scope.metrics) {
                metric(message, converter)?;
            }
        }
    }
    Ok(())
}

fn metric(message: &str, converter: &mut Converter<'_>) -> Result<(), Unread> {
    let metric: Metric<'_> = serde_json::from_str(message)?;
    let temporality = |data: &Data<'_>| {
        Temporality::of_number(data.aggregation_temporality.map_or(0, |number| number.0))
    };
    let (shape, data) = if let Some(data) = metric.gauge {
        (Shape::Gauge, data)
    } else if let Some(data) = metric.sum {
        let is_monotonic = data.is_monotonic.unwrap_or(false);
        (Shape::Sum { temporality: temporality(&data), is_monotonic }, data)
    } else if let Some(data) = metric.histogram {
        (Shape::Histogram(temporality(&data)), data)
    } else if let Some(data) = metric.exponential_histogram {
        (Shape::ExponentialHistogram(temporality(&data)), data)
    } else if let Some(data) = metric.summary {
        (Shape::Summary, data)
    } else {
        return Ok(());
    };
    let (name, unit) = (metric.name.unwrap_or_default(), metric.unit.unwrap_or_default());
    converter.begin_metric(&name, &unit, shape);
    let mut point = DataPoint::default();
    for message in entries(data.data_points) {
        point.clear();
        data_point(message, &mut point)?;
        converter.take(&mut point)?;
    }
    Ok(())
}

fn data_point<'a>(message: &'a str, point: &mut DataPoint<'a>) -> Result<(), serde_json::Error> {
    let json: JsonPoint<'_> = serde_json::from_str(message)?;
    for pair in entries(json.attributes).take(MOST_ATTRIBUTES + 1) {
        point.push_attribute(attribute(pair)?);
    }
    let whole = |number: Option<Number<u64>>| number.map_or(0, |number| number.0);
    let double = |number: Option<Number<f64>>| number.map(|number| number.0);
    point.start = whole(json.start_time_unix_nano);
    point.time = whole(json.time_unix_nano);
    point.flags = whole(json.flags);
    point.value = double(json.as_double).or(json.as_int.map(|number| number.0 as f64));
    point.count = whole(json.count);
    point.sum = double(json.sum);
    let counts = json.bucket_counts.into_iter().flatten();
    point.bucket_counts.extend(counts.map(|number| number.0));
    let bounds = json.explicit_bounds.into_iter().flatten();
    point.bounds.extend(bounds.map(|number| number.0));
    point.scale = json.scale.map_or(0, |number| number.0);
    point.zero_count = whole(json.zero_count);
    point.zero_threshold = double(json.zero_threshold).unwrap_or(0.0);
    for (json, side) in [(json.positive, &mut point.positive), (json.negative, &mut point.negative)]
    {
        if let Some(json) = json {
            buckets(json, side);
        }
    }
    for pair in json.quantile_values.into_iter().flatten() {
        let of = |number: Option<Number<f64>>| number.map_or(0.0, |number| number.0);
        point.quantiles.push((of(pair.quantile), of(pair.value)));
    }
    Ok(())
}

fn buckets(json: Buckets, side: &mut Side) {
    side.offset = json.offset.map_or(0, |number| number.0);
    json.bucket_counts.into_iter().flatten().for_each(|count| side.push(count.0));
}

fn attribute(pair: &str) -> Result<Attribute<'_>, serde_json::Error> {
    let pair: KeyValue<'_> = serde_json::from_str(pair)?;
    let value = pair.value.map_or(Ok(Any::Nothing), |value| any(value, MOST_DEPTH))?;
    Ok((pair.key.unwrap_or_default(), value.into_text()))
}

fn any(value: AnyValue<'_>, depth: usize) -> Result<Any<'_>, serde_json::Error> {
    let below = || {
        let deep = || {
            serde::de::Error::custom(format!("more than {MOST_DEPTH} lists and maps in each other"))
        };
        depth.checked_sub(1).ok_or_else(deep)
    };
    if let Some(text) = value.string_value.or(value.bytes_value) {
        Ok(Any::Text(text))
    } else if let Some(is_so) = value.bool_value {
        Ok(Any::Bool(is_so))
    } else if let Some(number) = value.int_value {
        Ok(Any::Int(number.0))
    } else if let Some(number) = value.double_value {
        Ok(Any::Double(number.0))
    } else if let Some(list) = value.array_value {
        let below = below()?;
        let mut json = String::from("[");
        for entry in entries(list.values) {
            any(serde_json::from_str(entry)?, below)?.write_entry(&mut json);
        }
        json.push(']');
        Ok(Any::Json(json))
    } else if let Some(map) = value.kvlist_value {
        let below = below()?;
        let mut json = String::from("{");
        for entry in entries(map.values) {
            let pair: KeyValue<'_> = serde_json::from_str(entry)?;
            let value = pair.value.map_or(Ok(Any::Nothing), |value| any(value, below))?;
            value.write_pair(&pair.key.unwrap_or_default(), &mut json);
        }
        json.push('}');
        Ok(Any::Json(json))
    } else {
        Ok(Any::Nothing)
    }
}

//! A request as protobuf, read where it lies.

use std::borrow::Cow;

use super::any_value::{Any, MOST_DEPTH};
use super::convert::{Converter, TooLarge};
use super::point::{Attribute, DataPoint, MOST_ATTRIBUTES, Shape, Side, Temporality};
use crate::metrics::protobuf::{Broken, Value, doubles, fields, unzigzag, varints};

/// Why a request is not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    Broken,
    TooLarge,
}

impl From<Broken> for Unread {
    fn from(_: Broken) -> Self {
        Self::Broken
    }
}

impl From<TooLarge> for Unread {
    fn from(_: TooLarge) -> Self {
        Self::TooLarge
    }
}

/// Reads an `ExportMetricsServiceRequest`.
pub(super) fn read(message: &[u8], converter: &mut Converter<'_>) -> Result<(), Unread> {
    let mut attributes = Vec::new();
    for field in fields(message) {
        if let (1, resource) = field? {
            resource_metrics(resource.bytes()?, &mut attributes, converter)?;
        }
    }
    Ok(())
}

fn resource_metrics<'a>(
    message: &'a [u8],
    attributes: &mut Vec<Attribute<'a>>,
    converter: &mut Converter<'_>,
) -> Result<(), Unread> {
    // Fields may come in any order.
    attributes.clear();
    for field in fields(message) {
        if let (1, resource) = field? {
            for field in fields(resource.bytes()?) {
                let field = field?;
                if let ((1, pair), true) = (field, attributes.len() < MOST_ATTRIBUTES) {
                    attributes.push(attribute(pair)?);
                }
            }
        }
    }
    converter.begin_resource(attributes);
    for field in fields(message) {
        if let (2, scope) = field? {
            for field in fields(scope.bytes()?) {
                if let (2, message) = field? {
                    metric(message.bytes()?, converter)?;
                }
            }
        }
    }
    Ok(())
}

fn metric(message: &[u8], converter: &mut Converter<'_>) -> Result<(), Unread> {
    let (mut name, mut unit, mut data) = ("", "", None);
    for field in fields(message) {
        match field? {
            (1, value) => name = value.text()?,
            (3, value) => unit = value.text()?,
            (number @ (5 | 7 | 9 | 10 | 11), value) => data = Some((number, value.bytes()?)),
            _ => {}
        }
    }
    let Some((number, data)) = data else { return Ok(()) };
    let (mut temporality, mut is_monotonic) = (Temporality::Unspecified, false);
    for field in fields(data) {
        match field? {
            (2, value) => temporality = Temporality::of_number(value.unsigned()?),
            (3, value) => is_monotonic = value.unsigned()? != 0,
            _ => {}
        }
    }
    let shape = match number {
        5 => Shape::Gauge,
        7 => Shape::Sum { temporality, is_monotonic },
        9 => Shape::Histogram(temporality),
        10 => Shape::ExponentialHistogram(temporality),
        _ => Shape::Summary,
    };
    converter.begin_metric(name, unit, shape);
    let mut point = DataPoint::default();
    for field in fields(data) {
        if let (1, message) = field? {
            point.clear();
            data_point(message.bytes()?, shape, &mut point)?;
            converter.take(&mut point)?;
        }
    }
    Ok(())
}

fn data_point<'a>(
    message: &'a [u8],
    shape: Shape,
    point: &mut DataPoint<'a>,
) -> Result<(), Broken> {
    for field in fields(message) {
        let (number, value) = field?;
        match (number, shape) {
            (2, _) => point.start = fixed(value)?,
            (3, _) => point.time = fixed(value)?,
            (7, Shape::Gauge | Shape::Sum { .. } | Shape::Summary)
            | (9, Shape::Histogram(_))
            | (1, Shape::ExponentialHistogram(_)) => point.push_attribute(attribute(value)?),
            (8, Shape::Gauge | Shape::Sum { .. } | Shape::Summary)
            | (10, Shape::Histogram(_) | Shape::ExponentialHistogram(_)) => {
                point.flags = value.unsigned()?;
            }
            (4, Shape::Gauge | Shape::Sum { .. }) => point.value = Some(value.double()?),
            (6, Shape::Gauge | Shape::Sum { .. }) => {
                point.value = Some(fixed(value)?.cast_signed() as f64);
            }
            (_, Shape::Gauge | Shape::Sum { .. }) => {}
            (4, _) => point.count = fixed(value)?,
            (5, _) => point.sum = Some(value.double()?),
            (6, Shape::Histogram(_)) => fixed_numbers(value, &mut point.bucket_counts)?,
            (7, Shape::Histogram(_)) => doubles(value, |bound| point.bounds.push(bound))?,
            (6, Shape::ExponentialHistogram(_)) => point.scale = value.zigzag()?,
            (7, Shape::ExponentialHistogram(_)) => point.zero_count = fixed(value)?,
            (8, Shape::ExponentialHistogram(_)) => side(value, &mut point.positive)?,
            (9, Shape::ExponentialHistogram(_)) => side(value, &mut point.negative)?,
            (14, Shape::ExponentialHistogram(_)) => point.zero_threshold = value.double()?,
            (6, Shape::Summary) => point.quantiles.push(quantile(value)?),
            _ => {}
        }
    }
    Ok(())
}

fn fixed(value: Value<'_>) -> Result<u64, Broken> {
    if let Value::Fixed64(number) = value { Ok(number) } else { Err(Broken) }
}

/// Packed or single fixed integers of a repeated field.
fn fixed_numbers(value: Value<'_>, numbers: &mut Vec<u64>) -> Result<(), Broken> {
    doubles(value, |double| numbers.push(double.to_bits()))
}

fn side(value: Value<'_>, side: &mut Side) -> Result<(), Broken> {
    for field in fields(value.bytes()?) {
        match field? {
            (1, value) => side.offset = value.unsigned().map(unzigzag)?,
            (2, value) => varints(value, |count| side.push(count))?,
            _ => {}
        }
    }
    Ok(())
}

fn quantile(value: Value<'_>) -> Result<(f64, f64), Broken> {
    let mut pair = (0.0, 0.0);
    for field in fields(value.bytes()?) {
        match field? {
            (1, value) => pair.0 = value.double()?,
            (2, value) => pair.1 = value.double()?,
            _ => {}
        }
    }
    Ok(pair)
}

fn attribute<'a>(pair: Value<'a>) -> Result<Attribute<'a>, Broken> {
    let (key, value) = key_value(pair.bytes()?, MOST_DEPTH)?;
    Ok((Cow::Borrowed(key), value.into_text()))
}

fn key_value(message: &[u8], depth: usize) -> Result<(&str, Any<'_>), Broken> {
    let mut pair = ("", Any::Nothing);
    for field in fields(message) {
        match field? {
            (1, key) => pair.0 = key.text()?,
            (2, value) => pair.1 = any(value.bytes()?, depth)?,
            _ => {}
        }
    }
    Ok(pair)
}

fn any(message: &[u8], depth: usize) -> Result<Any<'_>, Broken> {
    let below = depth.checked_sub(1).ok_or(Broken);
    let mut found = Any::Nothing;
    for field in fields(message) {
        found = match field? {
            (1, value) => Any::Text(Cow::Borrowed(value.text()?)),
            (2, value) => Any::Bool(value.unsigned()? != 0),
            (3, value) => Any::Int(value.signed()?),
            (4, value) => Any::Double(value.double()?),
            (5, list) => {
                let below = below?;
                let mut json = String::from("[");
                for field in fields(list.bytes()?) {
                    if let (1, value) = field? {
                        any(value.bytes()?, below)?.write_entry(&mut json);
                    }
                }
                json.push(']');
                Any::Json(json)
            }
            (6, map) => {
                let below = below?;
                let mut json = String::from("{");
                for field in fields(map.bytes()?) {
                    if let (1, pair) = field? {
                        let (key, value) = key_value(pair.bytes()?, below)?;
                        value.write_pair(key, &mut json);
                    }
                }
                json.push('}');
                Any::Json(json)
            }
            (7, bytes) => Any::Bytes(bytes.bytes()?),
            _ => continue,
        };
    }
    Ok(found)
}

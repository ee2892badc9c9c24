//! Functions of one value.

use std::cmp::Ordering;

use super::OfValue;
use crate::data::Row;

pub(super) fn find(name: &str) -> Option<OfValue> {
    Some(match name {
        "abs" => f64::abs,
        "acos" => f64::acos,
        "acosh" => f64::acosh,
        "asin" => f64::asin,
        "asinh" => f64::asinh,
        "atan" => f64::atan,
        "atanh" => f64::atanh,
        "ceil" => f64::ceil,
        "cos" => f64::cos,
        "cosh" => f64::cosh,
        "deg" => f64::to_degrees,
        "exp" => f64::exp,
        "floor" => f64::floor,
        "ln" => f64::ln,
        "log10" => f64::log10,
        "log2" => f64::log2,
        "rad" => f64::to_radians,
        // Zero and NaN stay what they are.
        "sgn" => |value| if value == 0.0 || value.is_nan() { value } else { value.signum() },
        "sin" => f64::sin,
        "sinh" => f64::sinh,
        "sqrt" => f64::sqrt,
        "tan" => f64::tan,
        "tanh" => f64::tanh,
        _ => return None,
    })
}

/// The multiple of `nearest` that is nearest to `value`; of two the larger.
pub(super) fn rounded(value: f64, nearest: f64) -> f64 {
    // Dividing by the inverse loses less where `nearest` is a decimal fraction.
    let inverse = 1.0 / nearest;
    (value * inverse + 0.5).floor() / inverse
}

/// NaN if either is.
pub(super) fn larger(one: f64, other: f64) -> f64 {
    if one.is_nan() || other.is_nan() { f64::NAN } else { one.max(other) }
}

/// NaN if either is.
pub(super) fn smaller(one: f64, other: f64) -> f64 {
    if one.is_nan() || other.is_nan() { f64::NAN } else { one.min(other) }
}

/// By the value at the only step; NaN last.
pub(super) fn sort(rows: &mut Vec<Row>, is_descending: bool) {
    rows.retain(|row| !row.is_empty());
    rows.sort_by(|one, other| {
        let (one, other) = (one.values[0], other.values[0]);
        let order = one
            .partial_cmp(&other)
            .map(|order| if is_descending { order.reverse() } else { order });
        order.unwrap_or_else(|| one.is_nan().cmp(&other.is_nan())).then(Ordering::Equal)
    });
}

//! Values that stand in several requests: times, how many entries, how long.

use std::borrow::Cow;
use std::time::Duration;

use auscult_core::Timestamp;
use auscult_core::units::parse_duration;
use auscult_telemetry::{format_time, parse_time};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::problem::Problem;

/// Entries of a page, unless another number is asked for.
const PAGE: usize = 100;
/// Most entries of a page.
const MOST: usize = 10_000;

/// How many entries a page has.
pub(super) fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    match asked.unwrap_or(PAGE) {
        limit @ 1..=MOST => Ok(limit),
        limit => Err(Problem::wrong(format!("`limit` is {limit}: expected 1 to {MOST}"))),
    }
}

/// A time as RFC 3339 writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time(pub(super) Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format_time(self.0))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let refuse = || {
            let expected = "expected one such as 2026-03-01T12:00:00Z";
            serde::de::Error::custom(format!("`{text}` is no time: {expected}"))
        };
        parse_time(&text).map(Self).ok_or_else(refuse)
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

/// A duration such as `2h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span(pub(super) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        parse_duration(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "auscult-duration", "examples": ["2h"]})
    }
}

/// Who does something: the user that is known, or whom the request names.
pub(super) fn author(user: Option<String>, named: Option<String>) -> Result<String, Problem> {
    match (user, named) {
        (Some(user), Some(named)) if user != named => Err(Problem::wrong(format!(
            "`author` is `{named}`, but the request is of the user `{user}`: leave it out"
        ))),
        (Some(name), _) | (None, Some(name)) => Ok(name),
        (None, None) => Ok(String::new()),
    }
}

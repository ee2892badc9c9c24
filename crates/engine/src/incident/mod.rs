//! Alarms that belong together, from opening to recovery.

mod book;

use auscult_core::{Band, Labels, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::Severity;

pub(crate) use book::{Book, Rules};

/// Where an incident is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "IncidentState")]
pub enum State {
    /// Something is odd.
    Open,
    /// Every series has been as usual for a while.
    Recovered,
}

/// Alarms that belong together in time and topology.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// From 1, in the order of opening.
    pub id: u64,
    /// Open or recovered.
    pub state: State,
    /// When it truly began: the earliest onset of its series.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub began: Timestamp,
    /// When the first alarm was raised.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub noticed: Timestamp,
    /// When it last grew, recovered or opened again.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub updated: Timestamp,
    /// How often it was opened again.
    pub reopened: u32,
    /// Highest surprise of its targets, in nats: an alarm so surprising
    /// comes `exp(surprise)` times as seldom as time passes in which events belong together.
    pub surprise: f64,
    /// The highest of its alarms.
    #[serde(default)]
    pub severity: Severity,
    /// Whether all of its series are silenced, so that nobody is to be told. Once it has
    /// recovered, whether they were at the end.
    #[serde(default)]
    pub silenced: bool,
    /// What is watched and odd.
    pub targets: Vec<Labels>,
    /// Series that are odd, strangest first.
    pub members: Vec<Member>,
    /// Series beyond the most that are kept.
    pub more_members: u64,
}

/// A series of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// The series.
    pub series: Labels,
    /// The target that it belongs to.
    pub target: Labels,
    /// When its departure began.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub onset: Timestamp,
    /// When it was strangest.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub time: Timestamp,
    /// What it read then.
    pub reading: f64,
    /// What would have been normal.
    pub expected: f64,
    /// What would not have been odd.
    pub band: Option<Band>,
    /// How unusual it was, as the method scores.
    pub score: f64,
    /// Seconds in which it tells of something so odd once, by its own history.
    pub return_seconds: f64,
    /// How much its alarms matter.
    #[serde(default)]
    pub severity: Severity,
    /// Why, strongest first.
    pub reasons: Vec<String>,
    /// Since when it has been as usual again.
    #[serde(with = "rfc3339::option")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub usual_since: Option<Timestamp>,
}

impl Member {
    /// From when to when it was odd; until `last` if it still is.
    pub(crate) fn span(&self, last: Timestamp) -> (Timestamp, Timestamp) {
        (self.onset, self.usual_since.unwrap_or(last).max(self.time))
    }
}

/// What happened to an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Happening {
    /// It was opened.
    Opened,
    /// A series or a target was added to it, it matters more, or it is no longer silenced.
    Grew,
    /// Everything is as usual again.
    Recovered,
    /// It came back soon after it had recovered.
    Reopened,
}

/// A step in the life of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// From 1, without gaps.
    pub number: u64,
    /// What happened.
    pub happening: Happening,
    /// The incident after it.
    pub incident: Incident,
}

/// Times as people and other programs read them.
pub(crate) mod rfc3339 {
    use auscult_core::Timestamp;
    use auscult_telemetry::{format_time, parse_time};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format_time(*time))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(from)?;
        parse_time(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is no time")))
    }

    pub(super) mod option {
        use super::{Deserialize, Deserializer, Serializer, Timestamp};
        use auscult_telemetry::{format_time, parse_time};
        use serde::de::Error;

        pub(crate) fn serialize<S: Serializer>(
            time: &Option<Timestamp>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            match time {
                Some(time) => to.serialize_str(&format_time(*time)),
                None => to.serialize_none(),
            }
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<Timestamp>, D::Error> {
            let text = Option::<String>::deserialize(from)?;
            let time = |text: String| {
                parse_time(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is no time")))
            };
            text.map(time).transpose()
        }
    }
}

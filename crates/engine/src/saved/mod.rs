//! What the engine learnt, as records that can be stored.
//!
//! ```text
//! header   version, when, how many parts
//! part     its number, the mark up to which it was fed     ┐ for each
//! series   labels, signal, detector: one record a series   │ part
//! method   what a person assigned to the series before it   │
//! repeats  how often the series before it repeats a value   │
//! pending  a departure that has to last before it counts   ┘
//! rest     the mark up to which targets and incidents were fed
//! target   labels, history, what is odd lately
//! recurrence  what belongs to the week of the target
//! group    siblings, what is usual among them
//! departures  of siblings so far
//! joint    series of a target that a method judges jointly
//! incident as JSON, as long as it may go on
//! end      how many series
//! ```
//!
//! Records are in the wire format of postcard 1. A *mark* is a number that the caller
//! counts up while it feeds the engine, such as a place in a log: what came at a mark or
//! later is not in the state, and is to be fed again.

mod resume;

use auscult_core::{Explanation, Labels, LabelsRef, Timestamp};
use auscult_detect::ensemble::ReturnPeriods;
use serde::{Deserialize, Serialize};

pub use resume::{Marks, ResumeError, Resumed, Resuming};

use crate::peers::Departures;
use crate::policy::Severity;
use crate::recurrence::Recurrence;
use crate::repeats::Repeats;
use crate::shard::Event;
use crate::signals::{Role, Signal};
use crate::surprise::SurpriseTail;
use crate::target::{SeriesKey, TargetId};

/// Of the records.
pub(crate) const VERSION: u32 = 4;

/// One record. New kinds go to the end.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Record<'a> {
    Header {
        version: u32,
        taken: Timestamp,
        parts: u32,
    },
    Part {
        number: u32,
        mark: u64,
    },
    #[serde(borrow)]
    Series(SavedSeries<'a>),
    Rest {
        mark: u64,
        next_incident: u64,
        next_change: u64,
    },
    #[serde(borrow)]
    Target(SavedTarget<'a>),
    Incident(Bytes<'a>),
    End {
        series: u64,
    },
    #[serde(borrow)]
    Group(SavedGroup<'a>),
    Pending(SavedPending),
    /// Of the series before it.
    Repeats(Repeats),
    #[serde(borrow)]
    Recurrence(SavedRecurrence<'a>),
    /// Of the series before it.
    #[serde(borrow)]
    Method(SavedMethod<'a>),
    #[serde(borrow)]
    Joint(SavedJoint<'a>),
    #[serde(borrow)]
    Departures(SavedDepartures<'a>),
}

/// Bytes that are written as such.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Bytes<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'a [u8]>::deserialize(deserializer).map(Self)
    }
}

/// A series.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedSeries<'a> {
    #[serde(borrow)]
    pub(crate) labels: Bytes<'a>,
    /// What places it, where its labels do not tell.
    pub(crate) home: Option<u64>,
    pub(crate) role: Role,
    pub(crate) ended: bool,
    /// How it is among its siblings.
    pub(crate) peer: Option<SavedPeer>,
    /// `None` for one that is not judged by itself.
    #[serde(borrow)]
    pub(crate) watch: Option<SavedWatch<'a>>,
}

/// How a series is among its siblings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedPeer {
    pub(crate) distance: f32,
    pub(crate) spread: f32,
    pub(crate) seen: f32,
    pub(crate) was_usual: bool,
    pub(crate) recent: [f32; 5],
    pub(crate) is_told: bool,
}

/// Siblings.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedGroup<'a> {
    /// Those that they share.
    #[serde(borrow)]
    pub(crate) labels: Bytes<'a>,
    pub(crate) usual: f64,
    pub(crate) ticks: f64,
}

/// What siblings did so far that is not usual among them.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedDepartures<'a> {
    /// Those of the group.
    #[serde(borrow)]
    pub(crate) labels: Bytes<'a>,
    pub(crate) departures: Departures,
}

/// What judges a series.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedWatch<'a> {
    pub(crate) signal: Signal,
    pub(crate) last: Option<(Timestamp, f64)>,
    /// As the detector writes itself.
    #[serde(borrow)]
    pub(crate) detector: Bytes<'a>,
}

/// What a method on a stream learnt.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedStream<'a> {
    /// As JSON: methods do so.
    #[serde(borrow)]
    pub(crate) snapshot: Bytes<'a>,
    pub(crate) periods: ReturnPeriods,
    pub(crate) seen: u64,
    pub(crate) return_seconds: f64,
    pub(crate) odd_since: Option<Timestamp>,
}

/// A method that a person assigned to a series.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedMethod<'a> {
    /// Name and settings, as JSON.
    pub(crate) method: &'a str,
    #[serde(borrow)]
    pub(crate) stream: SavedStream<'a>,
}

/// A series that a method judges with others.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedChannel<'a> {
    #[serde(borrow)]
    pub(crate) labels: Bytes<'a>,
    pub(crate) reading: Option<(Timestamp, f64)>,
    pub(crate) is_fresh: bool,
    pub(crate) gap: i64,
}

/// Series of a target that a method judges jointly.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedJoint<'a> {
    #[serde(borrow)]
    pub(crate) target: Bytes<'a>,
    /// Which series, and the method as JSON.
    pub(crate) selector: &'a str,
    pub(crate) method: &'a str,
    /// The series, in the order of their readings.
    #[serde(borrow)]
    pub(crate) channels: Vec<SavedChannel<'a>>,
    pub(crate) last_row: Option<Timestamp>,
    #[serde(borrow)]
    pub(crate) stream: SavedStream<'a>,
}

/// A target.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedTarget<'a> {
    #[serde(borrow)]
    pub(crate) labels: Bytes<'a>,
    pub(crate) highest: f64,
    pub(crate) recent: Vec<SavedEvent>,
    pub(crate) is_silent: bool,
    pub(crate) tail: SurpriseTail,
}

/// What belongs to the week of a target.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedRecurrence<'a> {
    #[serde(borrow)]
    pub(crate) labels: Bytes<'a>,
    pub(crate) recurrence: Recurrence,
}

/// An odd sample that may still become part of an alarm.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedEvent {
    labels: Vec<u8>,
    time: Timestamp,
    reading: f64,
    score: f64,
    return_seconds: f64,
    expected: f64,
    band: Option<auscult_core::Band>,
    onset: Option<Timestamp>,
    reasons: Vec<String>,
}

impl SavedEvent {
    pub(crate) fn new(event: &Event) -> Self {
        Self {
            labels: event.labels.as_ref().bytes().to_vec(),
            time: event.time,
            reading: event.reading,
            score: event.score,
            return_seconds: event.return_seconds,
            expected: event.explanation.expected[0],
            band: event.explanation.band.as_ref().map(|band| band[0]),
            onset: event.explanation.onset,
            reasons: event.explanation.reasons.clone(),
        }
    }

    pub(crate) fn labels(&self) -> Option<Labels> {
        LabelsRef::decode(&self.labels).map(LabelsRef::to_owned)
    }

    /// The event, of the series that `place` says, with its `severity` of today; `None` if it
    /// cannot be.
    pub(crate) fn event(
        self,
        labels: Labels,
        (shard, key): SeriesKey,
        target: TargetId,
        severity: Severity,
    ) -> Option<Event> {
        let numbers = [self.reading, self.score, self.return_seconds, self.expected];
        if !numbers.iter().all(|number| number.is_finite()) || self.return_seconds <= 0.0 {
            return None;
        }
        let mut explanation = Explanation::of_one(self.expected, self.band, self.score);
        explanation.onset = self.onset;
        explanation.reasons = self.reasons;
        Some(Event {
            shard,
            key,
            target,
            time: self.time,
            reading: self.reading,
            score: self.score,
            return_seconds: self.return_seconds,
            severity,
            labels,
            explanation,
        })
    }
}

/// A departure that has to last before it counts.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedPending {
    pub(crate) since: Timestamp,
    pub(crate) expected: f64,
    pub(crate) far: f64,
    pub(crate) is_told: bool,
    pub(crate) strongest: SavedEvent,
}

/// Records, one behind the other in memory: what is held under a lock is written later.
#[derive(Debug, Default)]
pub(crate) struct Records {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Records {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    pub(crate) fn push(&mut self, record: &Record<'_>) {
        let bytes = std::mem::take(&mut self.bytes);
        self.bytes = postcard::to_extend(record, bytes).expect("what is learnt becomes bytes");
        self.ends.push(self.bytes.len());
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end])
    }
}

//! From stored records to an engine that goes on.

use auscult_core::{LabelsRef, Timestamp};
use auscult_telemetry::metrics::MetricBatch;

use super::{Record, VERSION};
use crate::engine::{Engine, Ingested};
use crate::incident::Incident;
use crate::placement::home;
use crate::settings::EngineSettings;
use crate::target::SeriesKey;

/// How far the parts of a stored state were fed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marks {
    parts: Vec<u64>,
    rest: u64,
}

impl Marks {
    /// What comes at this mark or later has to be fed again.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.parts.iter().copied().min().unwrap_or(0).min(self.rest)
    }

    pub(crate) fn has(&self, labels: LabelsRef<'_>, mark: u64) -> bool {
        let parts = self.parts.len().max(1);
        let own = self.parts.get(home(labels, &mut Vec::new()) as usize % parts);
        own.is_some_and(|own| mark < *own)
    }

    pub(crate) fn rest_has(&self, mark: u64) -> bool {
        mark < self.rest
    }
}

/// What was found in a stored state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resumed {
    /// When it was taken.
    pub taken: Option<Timestamp>,
    /// Series that go on.
    pub series: u64,
    /// Series that were stored and are not there: damaged, or more than may be watched.
    pub lost_series: u64,
    /// Records that could not be read.
    pub unreadable: u64,
    /// From where to feed again.
    pub marks: Marks,
}

/// Why a stored state cannot be gone on from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum ResumeError {
    /// It does not begin as it should.
    #[error("it does not begin with what it is")]
    NoHeader,
    /// Written by a newer release.
    #[error("it is of a newer release (version {found}, this one reads up to {known})")]
    Newer { found: u32, known: u32 },
}

/// An engine that is being put together from records.
#[derive(Debug)]
pub struct Resuming {
    engine: Engine,
    found: Resumed,
    begun: bool,
    /// The series that was read last, if it could be.
    series: Option<SeriesKey>,
    expected: Option<u64>,
    next: (u64, u64),
}

impl Resuming {
    /// Nothing read yet.
    #[must_use]
    pub fn new(settings: EngineSettings) -> Self {
        let engine = Engine::new(settings);
        Self {
            engine,
            found: Resumed::default(),
            begun: false,
            series: None,
            expected: None,
            next: (1, 1),
        }
    }

    /// Takes the next record in. What cannot be read is counted and left out.
    ///
    /// # Errors
    ///
    /// [`ResumeError`] when the first record is no header, or of a newer release.
    pub fn take(&mut self, record: &[u8]) -> Result<(), ResumeError> {
        let record = postcard::from_bytes::<Record<'_>>(record);
        if !self.begun {
            let Ok(Record::Header { version, taken, parts }) = record else {
                return Err(ResumeError::NoHeader);
            };
            if version > VERSION {
                return Err(ResumeError::Newer { found: version, known: VERSION });
            }
            self.begun = true;
            self.found.taken = Some(taken);
            // Held at what the engine could have had: a damaged number must not take all memory.
            self.found.marks.parts = vec![0; parts.clamp(1, 1 << 16) as usize];
            return Ok(());
        }
        let is_sound = match record {
            Ok(Record::Part { number, mark }) => {
                // Parts come in order: should one not be readable, that before it is near.
                let marks = self.found.marks.parts.iter_mut().skip(number as usize);
                marks.for_each(|own| *own = mark);
                self.found.marks.rest = mark;
                true
            }
            Ok(Record::Series(series)) => {
                self.series = self.engine.put_series(&series);
                self.found.series += u64::from(self.series.is_some());
                self.series.is_some()
            }
            Ok(Record::Rest { mark, next_incident, next_change }) => {
                self.found.marks.rest = mark;
                self.next = (next_incident, next_change);
                true
            }
            Ok(Record::Repeats(repeats)) => {
                let series = self.series;
                series.is_some_and(|series| self.engine.put_repeats(series, repeats))
            }
            Ok(Record::Method(method)) => {
                let series = self.series;
                series.is_some_and(|series| self.engine.put_method(series, &method))
            }
            Ok(Record::Departures(departures)) => self.engine.put_departures(&departures),
            Ok(Record::Joint(joint)) => self.engine.put_joint(&joint),
            Ok(Record::Pending(pending)) => self.engine.put_pending(pending),
            Ok(Record::Group(group)) => self.engine.put_group(&group),
            Ok(Record::Recurrence(recurrence)) => self.engine.put_recurrence(recurrence),
            Ok(Record::Target(target)) => self.engine.put_target(target),
            Ok(Record::Incident(json)) => match serde_json::from_slice::<Incident>(json.0) {
                Ok(incident) => {
                    self.engine.adopt(incident, false);
                    true
                }
                Err(_) => false,
            },
            Ok(Record::End { series }) => {
                self.expected = Some(series);
                true
            }
            Ok(Record::Header { .. }) | Err(_) => {
                self.series = None;
                false
            }
        };
        self.found.unreadable += u64::from(!is_sound);
        Ok(())
    }

    /// The engine, and what it was put together from.
    #[must_use]
    pub fn finish(mut self) -> (Engine, Resumed) {
        let stored = self.expected.unwrap_or(self.found.series);
        self.found.lost_series = stored.saturating_sub(self.found.series);
        self.engine.number_from(self.next.0, self.next.1);
        (self.engine, self.found)
    }
}

impl Engine {
    /// As [`Engine::ingest`], of what was fed at `mark` to an engine whose state was taken at
    /// `marks`: what is in the state already is passed over.
    pub fn replay(&self, batch: &MetricBatch, mark: u64, marks: &Marks) -> Ingested {
        self.feed(batch, |labels| !marks.has(labels, mark), !marks.rest_has(mark))
    }
}

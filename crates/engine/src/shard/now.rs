//! How series are, now.

use auscult_core::{Band, Detector, Labels, Sample, Timestamp};

use super::{Shard, Slot};
use crate::peers::Place;
use crate::policy::{Resolved, Severity};
use crate::slab::Key;

/// The score for which bands are drawn.
const BAND_SCORE: f64 = 2.5;
/// Return period from which on a series counts as stuck for its incident.
const STUCK_SECONDS: f64 = 86_400.0;

/// How a series is, now.
#[derive(Debug, Clone)]
pub(crate) struct Now {
    pub(crate) time: Timestamp,
    pub(crate) reading: f64,
    pub(crate) expected: Option<f64>,
    pub(crate) band: Option<Band>,
    pub(crate) deviation: Option<f64>,
    pub(crate) ended: bool,
    /// Whether its target does not answer, or it sends nothing any more, or one value only.
    pub(crate) is_down: bool,
}

impl Now {
    /// Whether the reading is as usual, as far as one can say, and what `policy` takes for it.
    fn is_usual(&self, policy: &Resolved) -> bool {
        let within = |band: Band| (band.low..=band.high).contains(&self.reading);
        let is_odd = self.band.is_some_and(|band| !within(band))
            && self.expected.is_none_or(|expected| policy.counts(self.reading, expected));
        self.is_calm(policy) && !is_odd
    }

    /// Whether nothing about the reading is an alarm by itself.
    fn is_calm(&self, policy: &Resolved) -> bool {
        !self.is_down && policy.passed(self.reading).is_none()
    }
}

impl Shard {
    /// How the series in `slot` is now; `None` before its first reading, and if it is not judged.
    fn now(&self, slot: &Slot) -> Option<Now> {
        now(slot, self.policies.get(slot.policy))
    }

    /// Whether the series at `key` is as usual at `time`, as far as one can say; `None` once it
    /// is forgotten, has ended, or is not judged, for now or at all.
    pub(crate) fn is_usual(&self, key: Key, time: Timestamp) -> Option<bool> {
        let slot = self.slots.get(key)?;
        let policy = self.policies.get(slot.policy);
        let now = self.now(slot).filter(|now| !now.ended)?;
        if policy.is_in_maintenance(time) {
            return None;
        }
        // What an assigned method judges is usual by its word, not by the band of the default one.
        Some(match self.methods.return_seconds(key) {
            Some(seconds) => now.is_calm(policy) && seconds < self.explained_from,
            None => now.is_usual(policy),
        })
    }

    /// How much alarms of the series at `key` matter.
    pub(crate) fn severity(&self, key: Key) -> Severity {
        let slot = self.slots.get(key);
        slot.map_or_else(Severity::default, |slot| self.policies.get(slot.policy).severity)
    }

    /// Where the series at `key` is among its siblings.
    pub(crate) fn peer(&self, key: Key) -> Option<Place> {
        self.slots.get(key).and_then(|slot| slot.peer)
    }

    /// The time of the newest reading.
    pub(crate) fn newest(&self) -> Option<Timestamp> {
        let watches = self.slots.iter().filter_map(|(_, slot)| slot.watch.as_ref());
        watches.filter_map(|watch| watch.last.map(|(time, _)| time)).max()
    }

    /// Every series that was read and is judged.
    pub(crate) fn read_series(&self) -> impl Iterator<Item = &Labels> {
        let is_read = |slot: &&Slot| {
            slot.target.is_some() && slot.watch.as_ref().is_some_and(|watch| watch.last.is_some())
        };
        self.slots.iter().map(|(_, slot)| slot).filter(is_read).map(|slot| &slot.labels)
    }

    /// The series at `key`, as [`Shard::series`] has it.
    pub(crate) fn series_at(&self, key: Key) -> Option<(&Labels, Option<Now>)> {
        self.slots.get(key).map(|slot| (&slot.labels, self.now(slot)))
    }

    /// Every series: where, labels, and how it is.
    pub(crate) fn series(&self) -> impl Iterator<Item = (Key, &Labels, Option<Now>)> {
        self.slots.iter().map(|(key, slot)| (key, &slot.labels, self.now(slot)))
    }
}

fn now(slot: &Slot, policy: &Resolved) -> Option<Now> {
    let watch = slot.watch.as_ref().filter(|_| slot.target.is_some())?;
    let (time, reading) = watch.last?;
    let readings = [reading];
    let sample = Sample::new(time, &readings).ok()?;
    let explanation = watch.detector.explain(sample, BAND_SCORE).ok().flatten();
    let expected = explanation.as_ref().map(|explanation| explanation.expected[0]);
    let band = explanation.and_then(|explanation| explanation.band.map(|band| band[0]));
    let band = expected.zip(band).map(|(expected, band)| policy.band(expected, band));
    let is_stuck = watch.stuck().is_some_and(|(_, seconds)| seconds >= STUCK_SECONDS);
    Some(Now {
        time,
        reading,
        expected,
        band,
        deviation: watch.detector.deviation(),
        ended: slot.ended,
        is_down: watch.signal.is_down() || slot.is_silent || is_stuck,
    })
}

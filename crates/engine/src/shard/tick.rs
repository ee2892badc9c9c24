//! What time alone does to series: they fall silent, and are forgotten.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

use auscult_core::{Explanation, Timestamp};

use super::Shard;
use super::event::{CERTAIN_SCORE, CERTAIN_SECONDS, Event, certain};
use crate::families::Entry as Family;
use crate::peers::Place;
use crate::slab::Key;
use crate::target::{SeriesKey, TargetId};

/// Usual steps without a sample after which a series is silent.
const SILENT_STEPS: f64 = 5.0;

/// Series of a target that send nothing any more, and were not said to have ended.
#[derive(Debug)]
pub(crate) struct SilentSeries {
    pub(crate) series: usize,
    /// One of them, which speaks for all.
    pub(crate) event: Event,
}

/// What a tick found.
#[derive(Debug, Default)]
pub(crate) struct Ticked {
    /// Series that were forgotten, their targets, and their places among siblings.
    pub(crate) forgotten: Vec<(SeriesKey, Option<TargetId>, Option<Place>)>,
    /// Silence by target.
    pub(crate) silent: HashMap<TargetId, SilentSeries>,
}

impl Shard {
    /// Goes on to `now`. Forgets the series without a sample in the nanoseconds `after`
    /// before, and finds those that have been silent for `silent_after` nanoseconds and five
    /// of their usual steps.
    /// Of histograms beyond `most_families`, those that nothing is made of are forgotten.
    pub(crate) fn tick(
        &mut self,
        now: Timestamp,
        after: i64,
        silent_after: i64,
        most_families: usize,
    ) -> Ticked {
        let mut ticked = Ticked::default();
        let before = Timestamp::from_nanos(now.nanos().saturating_sub(after));
        for (key, slot) in self.slots.iter_mut() {
            let seen = *slot.last_seen.get_or_insert(now);
            let quiet = now.nanos().saturating_sub(seen.nanos());
            let (Some(watch), Some(target)) = (&slot.watch, slot.target) else { continue };
            let policy = self.policies.get(slot.policy);
            if slot.ended || quiet < silent_after.max(policy.lasting) {
                continue;
            }
            let step = watch.detector.usual_step().unwrap_or(0.0);
            if (quiet as f64) < SILENT_STEPS * step * 1e9 {
                continue;
            }
            slot.is_silent = true;
            if policy.is_in_maintenance(now) {
                continue;
            }
            let reading = watch.last.map_or(0.0, |(_, reading)| reading);
            let event = || Event {
                shard: self.number,
                key,
                target,
                time: now,
                reading,
                score: CERTAIN_SCORE,
                return_seconds: CERTAIN_SECONDS,
                severity: policy.severity,
                labels: slot.labels.clone(),
                explanation: Explanation {
                    onset: Some(seen),
                    ..certain(reading, format!("no samples for {} seconds", quiet / 1_000_000_000))
                },
            };
            match ticked.silent.entry(target) {
                Entry::Vacant(place) => {
                    place.insert(SilentSeries { series: 1, event: event() });
                }
                Entry::Occupied(mut known) => {
                    let known = known.get_mut();
                    let severity = known.event.severity.max(policy.severity);
                    // The first by name speaks, however series are spread.
                    if slot.labels < known.event.labels {
                        known.event = event();
                    }
                    known.event.severity = severity;
                    known.series += 1;
                }
            }
        }
        let old: Vec<(Key, u64)> = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.last_seen.is_some_and(|seen| seen < before))
            .map(|(key, slot)| (key, self.hasher.hash_one(slot.labels.as_ref())))
            .collect();
        for (key, hash) in old {
            if let Ok(place) = self.places.find_entry(hash, |other| *other == key) {
                place.remove();
            }
            self.pendings.remove(key);
            self.methods.remove(key);
            let series = (self.number, key);
            let gone = self.slots.remove(key).map(|slot| (series, slot.target, slot.peer));
            ticked.forgotten.extend(gone);
        }
        if !ticked.forgotten.is_empty() || self.families.entries.len() >= most_families {
            let parts = self.slots.iter().filter_map(|(_, slot)| slot.part);
            let mut needed: HashSet<Key> = parts.map(|(family, _)| family).collect();
            let made = |(key, entry): (Key, &Family)| {
                entry
                    .made
                    .iter()
                    .flatten()
                    .any(|made| self.slots.get(*made).is_some())
                    .then_some(key)
            };
            needed.extend(self.families.entries.iter().filter_map(made));
            self.families
                .forget(|labels| self.hasher.hash_one(labels), |key| !needed.contains(&key));
        }
        ticked
    }

    /// Lets the time until a series is forgotten begin anew.
    pub(crate) fn awake(&mut self) {
        self.slots.iter_mut().for_each(|(_, slot)| slot.last_seen = None);
    }
}

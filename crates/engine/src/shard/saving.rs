//! What is known of series, to store, and taken in again.

use std::collections::HashMap;

use auscult_core::{Labels, LabelsRef};

use super::{Admission, Shard, Slot, Watch, fresh_detector};
use crate::peers::Place;
use crate::pending::Pending;
use crate::placement::placement;
use crate::repeats::Repeats;
use crate::saved::{
    Bytes, Record, Records, SavedEvent, SavedPeer, SavedPending, SavedSeries, SavedWatch,
};
use crate::slab::Key;

impl Shard {
    /// Appends what is known of every series.
    pub(crate) fn save(&self, records: &mut Records, peer: impl Fn(Place) -> Option<SavedPeer>) {
        let mut detector = Vec::new();
        let homes: HashMap<Key, u64> = self
            .families
            .entries
            .iter()
            .flat_map(|(_, entry)| {
                let home = placement(entry.labels());
                entry.made.iter().flatten().map(move |key| (*key, home))
            })
            .collect();
        for (key, slot) in self.slots.iter() {
            detector.clear();
            if let Some(watch) = &slot.watch {
                watch.detector.save(&mut detector);
            }
            let watch = slot.watch.as_ref().map(|watch| SavedWatch {
                signal: watch.signal.clone(),
                last: watch.last,
                detector: Bytes(&detector),
            });
            let labels = Bytes(slot.labels.as_ref().bytes());
            let (home, peer) = (homes.get(&key).copied(), slot.peer.and_then(&peer));
            let Slot { role, ended, .. } = *slot;
            records.push(&Record::Series(SavedSeries { labels, home, role, ended, peer, watch }));
            self.methods.save(key, records);
            if let Some(watch) = &slot.watch {
                records.push(&Record::Repeats(watch.repeats.clone()));
            }
            if let Some(pending) = self.pendings.get(key) {
                let Pending { since, expected, far, is_told, ref strongest } = *pending;
                let strongest = SavedEvent::new(strongest);
                let pending = SavedPending { since, expected, far, is_told, strongest };
                records.push(&Record::Pending(pending));
            }
        }
    }

    /// Takes in a series that was stored; `None` if it cannot be, or is there already.
    pub(crate) fn put(
        &mut self,
        labels: LabelsRef<'_>,
        hash: u64,
        saved: &SavedSeries<'_>,
        admission: &impl Admission,
    ) -> Option<Key> {
        if self.find(labels, hash).is_some() {
            return None;
        }
        let watch = match &saved.watch {
            None => None,
            Some(saved) => {
                let mut detector = Box::new(fresh_detector());
                let finite = saved.last.is_none_or(|(_, reading)| reading.is_finite());
                if !finite || !saved.signal.is_sound() || detector.load(saved.detector.0).is_err() {
                    return None;
                }
                let signal = saved.signal.clone();
                let (last, repeats) = (saved.last, Repeats::new());
                Some(Watch { signal, detector, last, repeats, settling: 0 })
            }
        };
        if !admission.has_room() {
            return None;
        }
        let key = self.insert(labels.to_owned(), hash, saved.role, watch, admission);
        if let Some(slot) = self.slots.get_mut(key) {
            slot.ended = saved.ended;
        }
        let place = self.slots.get(key).and_then(|slot| slot.peer);
        if let (Some(place), Some(peer)) = (place, &saved.peer) {
            admission.know_peer(place, peer);
        }
        Some(key)
    }

    /// Takes in what was stored of the repetitions of the series at `key`; false if it cannot be.
    pub(crate) fn put_repeats(&mut self, key: Key, repeats: Repeats) -> bool {
        let watch = self.slots.get_mut(key).and_then(|slot| slot.watch.as_mut());
        let Some(watch) = watch.filter(|_| repeats.is_sound()) else { return false };
        watch.repeats = repeats;
        true
    }

    /// Takes in a stored departure of the series at `key` that has to last; false if it cannot be.
    pub(crate) fn put_pending(&mut self, key: Key, labels: Labels, saved: SavedPending) -> bool {
        let Some(slot) = self.slots.get(key) else { return false };
        let policy = self.policies.get(slot.policy);
        let Some(target) = slot.target.filter(|_| policy.lasting > 0) else { return true };
        let SavedPending { since, expected, far, is_told, strongest } = saved;
        let place = (self.number, key);
        let Some(strongest) = strongest.event(labels, place, target, policy.severity) else {
            return false;
        };
        let is_sound = expected.is_finite() && far.is_finite();
        if is_sound {
            self.pendings.put(key, Pending { since, expected, far, is_told, strongest });
        }
        is_sound
    }
}

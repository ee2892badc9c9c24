//! What is learnt, handed out to be stored and taken in again.

use std::hash::BuildHasher;
use std::sync::PoisonError;

use auscult_core::{LabelsRef, Timestamp};

use super::admission::Gate;
use super::{Engine, lock};
use crate::incident::{Change, Incident};
use crate::placement::home;
use crate::repeats::Repeats;
use crate::saved::{
    Record, Records, SavedDepartures, SavedGroup, SavedJoint, SavedMethod, SavedPending,
    SavedRecurrence, SavedSeries, SavedTarget, VERSION,
};
use crate::target::SeriesKey;

impl Engine {
    /// Hands everything learnt to `sink`, record by record, as of `taken`. `mark` says how far
    /// the engine was fed, by the numbers that [`Engine::replay`] is given later; it is called
    /// while no batch is being judged.
    ///
    /// Batches are judged meanwhile: one part of the series after the other is copied, and
    /// handed on after its lock was given back. Memory: a copy of one part.
    ///
    /// # Errors
    ///
    /// The first error of `sink`.
    pub fn save<E>(
        &self,
        taken: Timestamp,
        mark: impl Fn() -> u64,
        mut sink: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<u64, E> {
        let mut records = Records::default();
        let parts = self.shards.len() as u32;
        records.push(&Record::Header { version: VERSION, taken, parts });
        let mut series = 0;
        for (number, shard) in (0..).zip(&self.shards) {
            let flow = self.flow.write().unwrap_or_else(PoisonError::into_inner);
            let mark = mark();
            let shard = lock(shard);
            drop(flow);
            records.push(&Record::Part { number, mark });
            shard.save(&mut records, |place| lock(&self.groups).saved(place));
            series += shard.len() as u64;
            drop(shard);
            records.iter().try_for_each(&mut sink)?;
            records.clear();
        }
        let flow = self.flow.write().unwrap_or_else(PoisonError::into_inner);
        let (next_incident, next_change) = lock(&self.book).next_numbers();
        records.push(&Record::Rest { mark: mark(), next_incident, next_change });
        lock(&self.targets).save(&mut records);
        lock(&self.groups).save(&mut records);
        lock(&self.joints).save(&mut records);
        lock(&self.book).save(taken, &mut records);
        drop(flow);
        records.push(&Record::End { series });
        records.iter().try_for_each(&mut sink)?;
        Ok(series)
    }

    pub(crate) fn put_series(&self, saved: &SavedSeries<'_>) -> Option<SeriesKey> {
        let labels = LabelsRef::decode(saved.labels.0)?;
        let home = saved.home.unwrap_or_else(|| home(labels, &mut Vec::new()));
        let shard = home as usize % self.shards.len();
        let hash = self.hasher.hash_one(labels);
        let key = lock(&self.shards[shard]).put(labels, hash, saved, &Gate(self))?;
        Some((shard, key))
    }

    pub(crate) fn put_repeats(&self, (shard, key): SeriesKey, repeats: Repeats) -> bool {
        lock(&self.shards[shard]).put_repeats(key, repeats)
    }

    pub(crate) fn put_method(&self, (shard, key): SeriesKey, saved: &SavedMethod<'_>) -> bool {
        lock(&self.shards[shard]).put_method(key, saved)
    }

    pub(crate) fn put_joint(&self, saved: &SavedJoint<'_>) -> bool {
        let Some(target) = LabelsRef::decode(saved.target.0) else { return false };
        // One that is no more needs no method.
        let Some(target) = lock(&self.targets).find(target) else { return true };
        lock(&self.joints).put(saved, target, &self.room)
    }

    pub(crate) fn put_group(&self, saved: &SavedGroup<'_>) -> bool {
        lock(&self.groups).put(saved)
    }

    pub(crate) fn put_departures(&self, saved: &SavedDepartures<'_>) -> bool {
        lock(&self.groups).put_departures(saved)
    }

    pub(crate) fn put_target(&self, saved: SavedTarget<'_>) -> bool {
        lock(&self.targets).put(saved, |labels| {
            let (shard, key) = self.find(labels)?;
            Some(((shard, key), lock(&self.shards[shard]).severity(key)))
        })
    }

    pub(crate) fn put_recurrence(&self, saved: SavedRecurrence<'_>) -> bool {
        lock(&self.targets).put_recurrence(saved)
    }

    pub(crate) fn put_pending(&self, saved: SavedPending) -> bool {
        let Some(labels) = saved.strongest.labels() else { return false };
        let Some((shard, key)) = self.find(labels.as_ref()) else { return false };
        lock(&self.shards[shard]).put_pending(key, labels, saved)
    }

    pub(super) fn find(&self, labels: LabelsRef<'_>) -> Option<SeriesKey> {
        // Series made of a histogram are where it is, which their labels do not tell.
        let hash = self.hasher.hash_one(labels);
        let mut shards = self.shards.iter().enumerate();
        shards.find_map(|(shard, one)| Some((shard, lock(one).find(labels, hash)?)))
    }

    /// Takes in an incident that was stored elsewhere, in place of the one with its number.
    /// If it `is_final`, what is fed again from before its last change is in it already.
    pub fn adopt(&self, incident: Incident, is_final: bool) {
        let places: Vec<Option<SeriesKey>> =
            incident.members.iter().map(|member| self.find(member.series.as_ref())).collect();
        lock(&self.book).adopt(incident, &places, is_final);
    }

    /// Takes in changes that were stored elsewhere, oldest first, for those who ask for them.
    pub fn adopt_changes(&self, changes: impl IntoIterator<Item = Change>) {
        lock(&self.book).adopt_changes(changes);
    }

    /// Gives later incidents and changes these numbers at least.
    pub fn number_from(&self, incident: u64, change: u64) {
        lock(&self.book).number_from(incident, change);
    }
}

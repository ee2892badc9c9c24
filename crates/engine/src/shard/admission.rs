//! Series that are new, and what is wanted of those that are there.

use std::hash::BuildHasher;
use std::sync::Arc;

use auscult_core::{Labels, LabelsRef};
use auscult_telemetry::metrics::MetricKind;

use super::{Shard, Slot, Watch, fresh_watch};
use crate::peers::Place;
use crate::policy::{Policies, Policy, Resolved};
use crate::saved::SavedPeer;
use crate::signals::{Part, Role, Signal, part_of, role, shared_labels};
use crate::slab::Key;
use crate::target::{SeriesKey, TargetId};

/// What a shard asks of the engine when it meets a series for the first time.
pub(crate) trait Admission {
    /// What sources declared `metric` to be, in this message or another.
    fn declared(&self, metric: &str) -> MetricKind;

    /// Whether there is room for one more series.
    fn has_room(&self) -> bool;

    /// Most histograms that come as a whole which a shard may follow.
    fn most_families(&self) -> usize;

    /// The target of a new series that will be judged.
    fn target(&self, labels: LabelsRef<'_>) -> TargetId;

    /// The place of a new series among its siblings, if it has any, by what its policy says.
    fn peer(
        &self,
        series: SeriesKey,
        target: TargetId,
        labels: LabelsRef<'_>,
        policy: &Resolved,
    ) -> Option<Place>;

    /// Departures of a series from its siblings have to last for so many nanoseconds.
    fn hold(&self, series: SeriesKey, nanos: i64);

    /// Has a method judge a new series with others of its target, if a policy says so.
    fn join(&self, series: SeriesKey, target: TargetId, labels: LabelsRef<'_>, policy: &Resolved);

    /// No method judges the series with others any more.
    fn part(&self, series: SeriesKey);

    /// A series is not judged any more, or not among its siblings.
    fn leave(&self, target: Option<TargetId>, peer: Option<Place>);

    /// What was stored of a series among its siblings.
    fn know_peer(&self, place: Place, saved: &SavedPeer);
}

impl Shard {
    /// The series called `labels`, whose `hash` this is.
    pub(crate) fn find(&self, labels: LabelsRef<'_>, hash: u64) -> Option<Key> {
        let is_it =
            |key: &Key| self.slots.get(*key).is_some_and(|slot| slot.labels.as_ref() == labels);
        self.places.find(hash, is_it).copied()
    }

    /// A new series called `labels`, if there is room for one.
    pub(super) fn make(
        &mut self,
        labels: LabelsRef<'_>,
        hash: u64,
        role: Role,
        admission: &impl Admission,
    ) -> Option<Key> {
        if !admission.has_room() {
            return None;
        }
        Some(self.insert(labels.to_owned(), hash, role, None, admission))
    }

    pub(super) fn insert(
        &mut self,
        labels: Labels,
        hash: u64,
        role: Role,
        watch: Option<Watch>,
        admission: &impl Admission,
    ) -> Key {
        let policy = self.policies.resolve(labels.as_ref());
        let key = self.slots.insert(Slot {
            labels,
            role,
            target: None,
            watch,
            part: None,
            peer: None,
            last_seen: None,
            ended: false,
            is_silent: false,
            policy,
        });
        self.join(key, admission);
        let Self { places, slots, .. } = self;
        let hash_of = |key: &Key| {
            slots.get(*key).map_or(0, |slot| self.hasher.hash_one(slot.labels.as_ref()))
        };
        places.insert_unique(hash, key, hash_of);
        key
    }

    /// Has the series at `key` judged, if it is to be.
    fn join(&mut self, key: Key, admission: &impl Admission) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        let policy = self.policies.get(slot.policy);
        if !policy.watch {
            return;
        }
        if slot.watch.is_none() {
            slot.watch = Signal::new(slot.role).map(fresh_watch);
        }
        if slot.watch.is_some() {
            let labels = slot.labels.as_ref();
            let target = admission.target(labels);
            slot.target = Some(target);
            slot.peer = admission.peer((self.number, key), target, labels, policy);
            if let Some(method) = &policy.method {
                self.methods.assign(key, Some(method));
            }
            if policy.joint_method.is_some() {
                admission.join((self.number, key), target, labels, policy);
            }
        }
    }

    /// The family that the series at `key` is a part of, by its name.
    pub(super) fn part(&mut self, key: Key, kind: MetricKind) -> Option<(Key, Part)> {
        let slot = self.slots.get(key)?;
        if !matches!(slot.role, Role::Part | Role::Count) {
            return None;
        }
        let known = slot.part.filter(|(family, _)| self.families.entries.get(*family).is_some());
        if known.is_some() {
            return known;
        }
        let labels = slot.labels.as_ref();
        let (part, family) = part_of(&labels)?;
        let mut shared = Vec::new();
        shared_labels(labels, family, &mut shared).ok()?;
        let shared = LabelsRef::decode(&shared)?;
        let is_gauge = kind == MetricKind::GaugeHistogram;
        let hash_of = |labels: LabelsRef<'_>| self.hasher.hash_one(labels);
        let hash = hash_of(shared);
        let family = self.families.find_or_make(shared, hash, hash_of, (is_gauge, true));
        self.slots.get_mut(key)?.part = Some((family, part));
        Some((family, part))
    }

    /// Replaces the policies, for series that are there too. What was learnt stays.
    pub(crate) fn set_policies(&mut self, policies: Arc<[Policy]>, admission: &impl Admission) {
        let before = std::mem::replace(&mut self.policies, Policies::new(policies));
        let keys: Vec<Key> = self.slots.iter().map(|(key, _)| key).collect();
        for key in keys {
            let Some(slot) = self.slots.get_mut(key) else { continue };
            let old = before.get(slot.policy);
            slot.policy = self.policies.resolve(slot.labels.as_ref());
            let new = self.policies.get(slot.policy);
            if old.lasting != new.lasting {
                self.pendings.remove(key);
                slot.peer.into_iter().for_each(|_| admission.hold((self.number, key), new.lasting));
            }
            let series = (self.number, key);
            if old.watch && !new.watch {
                self.pendings.remove(key);
                self.methods.remove(key);
                admission.part(series);
                admission.leave(slot.target.take(), slot.peer.take());
                continue;
            }
            if !old.watch && new.watch {
                self.join(key, admission);
                continue;
            }
            let Some(target) = slot.target else { continue };
            if old.member_labels != new.member_labels {
                // It is learnt anew among its siblings, who are others now.
                admission.leave(None, slot.peer.take());
                slot.peer = admission.peer(series, target, slot.labels.as_ref(), new);
            }
            if old.method != new.method {
                self.methods.assign(key, new.method.as_ref());
            }
            if old.joint_method != new.joint_method {
                admission.part(series);
                admission.join(series, target, slot.labels.as_ref(), new);
            }
        }
    }

    /// Takes series for what `declared` says of their metric from now on. A gauge that turns
    /// out to be a counter, or the other way round, is learnt anew.
    pub(crate) fn redeclare(&mut self, declared: impl Fn(&str) -> Option<MetricKind>) {
        let mut others = Vec::new();
        for (key, slot) in self.slots.iter_mut() {
            let Some(kind) = declared(slot.labels.as_ref().metric()) else { continue };
            let role = role(slot.labels.as_ref(), kind, &self.knowledge);
            let is_plain = |role| matches!(role, Role::Gauge | Role::Counter);
            if role == slot.role || !is_plain(role) || !is_plain(slot.role) {
                continue;
            }
            slot.role = role;
            if let (Some(watch), Some(signal)) = (&mut slot.watch, Signal::new(role)) {
                *watch = fresh_watch(signal);
                others.push(key);
            }
        }
        others.into_iter().for_each(|key| self.methods.begin_anew(key));
    }
}

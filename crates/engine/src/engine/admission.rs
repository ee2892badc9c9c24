//! What shards ask of the engine: room, targets, siblings, what is known of metrics.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use auscult_core::LabelsRef;
use auscult_telemetry::metrics::MetricKind;
use hashbrown::HashMap;

use super::{Engine, lock};
use crate::peers::Place;
use crate::policy::Resolved;
use crate::saved::SavedPeer;
use crate::shard::Admission;
use crate::target::{SeriesKey, TargetId};

/// So many histograms may be followed in a shard, however few series may be watched.
const FEW_FAMILIES: usize = 256;

/// Most families whose kind is remembered.
const MOST_FAMILIES: usize = 100_000;

/// The kind of `metric` by what was declared of it, or of the family that it is a part of.
fn kind_of(declared: &HashMap<String, MetricKind>, metric: &str) -> Option<MetricKind> {
    let family = |part| declared.get(metric.strip_suffix(part)?);
    let parts = ["", "_total", "_bucket", "_sum", "_count"];
    parts.into_iter().find_map(family).copied()
}

pub(super) struct Gate<'a>(pub(super) &'a Engine);

impl Admission for Gate<'_> {
    fn declared(&self, metric: &str) -> MetricKind {
        let declared = self.0.declared.read().unwrap_or_else(PoisonError::into_inner);
        kind_of(&declared, metric).unwrap_or_default()
    }

    fn has_room(&self) -> bool {
        let most = self.0.settings().most_series;
        let more = |series: usize| (series < most).then_some(series + 1);
        self.0.series.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    fn most_families(&self) -> usize {
        self.0.most_families()
    }

    fn target(&self, labels: LabelsRef<'_>) -> TargetId {
        lock(&self.0.targets).add_series(labels)
    }

    fn peer(
        &self,
        series: SeriesKey,
        target: TargetId,
        labels: LabelsRef<'_>,
        policy: &Resolved,
    ) -> Option<Place> {
        let mut groups = lock(&self.0.groups);
        let place = groups.add(series, target, labels, policy.member_labels.as_deref())?;
        groups.hold(series, policy.lasting);
        Some(place)
    }

    fn hold(&self, series: SeriesKey, nanos: i64) {
        lock(&self.0.groups).hold(series, nanos);
    }

    fn join(&self, series: SeriesKey, target: TargetId, labels: LabelsRef<'_>, policy: &Resolved) {
        let Some(joint) = &policy.joint_method else { return };
        let own = lock(&self.0.targets).get(target).map(|target| target.labels.clone());
        let Some(own) = own else { return };
        let is_new = lock(&self.0.joints).add(series, labels, (target, &own), joint);
        if is_new {
            lock(&self.0.targets).set_joint(target, 1);
        }
    }

    fn part(&self, series: SeriesKey) {
        let ended = lock(&self.0.joints).remove(series);
        ended.into_iter().for_each(|target| lock(&self.0.targets).set_joint(target, -1));
    }

    fn leave(&self, target: Option<TargetId>, peer: Option<Place>) {
        target.into_iter().for_each(|target| lock(&self.0.targets).remove_series(target));
        peer.into_iter().for_each(|place| lock(&self.0.groups).remove(place));
    }

    fn know_peer(&self, place: Place, saved: &SavedPeer) {
        lock(&self.0.groups).know(place, saved);
    }
}

impl Engine {
    /// Remembers what sources say of metrics, for series to come and for those that are there.
    pub(super) fn declare(&self, families: &[(String, MetricKind)]) {
        let mut declared = self.declared.write().unwrap_or_else(PoisonError::into_inner);
        let mut new = HashMap::new();
        for (family, kind) in families.iter().filter(|(_, kind)| *kind != MetricKind::Unknown) {
            let is_known = declared.get(family) == Some(kind);
            if !is_known && (declared.len() < MOST_FAMILIES || declared.contains_key(family)) {
                declared.insert(family.clone(), *kind);
                new.insert(family.clone(), *kind);
            }
        }
        drop(declared);
        if !new.is_empty() {
            let kind = |metric: &str| kind_of(&new, metric);
            self.shards.iter().for_each(|shard| lock(shard).redeclare(kind));
        }
    }

    /// Most histograms that come as a whole which a shard may follow: its share of all series.
    pub(super) fn most_families(&self) -> usize {
        self.settings().most_series.div_ceil(self.shards.len()).max(FEW_FAMILIES)
    }
}

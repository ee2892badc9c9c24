//! The way of the data: batches are judged, events weighed, and time goes on.

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;
use std::hash::BuildHasher;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use auscult_core::{LabelsRef, Timestamp};
use auscult_telemetry::metrics::MetricBatch;

use super::admission::Gate;
use super::{Engine, Ingested, LEAST_RETURN_SECONDS, lock, nanos};
use crate::assigned::Joints;
use crate::placement::home;
use crate::shard::{Admission, Event, Outcome, SilentSeries};
use crate::target::{SeriesKey, TargetId};

impl Engine {
    /// Judges everything in `batch`. Samples of one series must come in order of time;
    /// late ones are counted and not judged. Where four batches in a row are late, each less so
    /// than the one before, the clock of the source was set back: it is followed.
    pub fn ingest(&self, batch: &MetricBatch) -> Ingested {
        self.ingest_after(batch, || ()).1
    }

    /// As [`Engine::ingest`], after `first`, which may put the batch into a log: a state
    /// taken meanwhile has seen both or neither.
    pub fn ingest_after<R>(&self, batch: &MetricBatch, first: impl FnOnce() -> R) -> (R, Ingested) {
        let _flow = self.flow.read().unwrap_or_else(PoisonError::into_inner);
        (first(), self.feed(batch, |_| true, true))
    }

    /// Judges the series that are `new`; events count for targets if `rest` says so.
    pub(crate) fn feed(
        &self,
        batch: &MetricBatch,
        new: impl Fn(LabelsRef<'_>) -> bool,
        rest: bool,
    ) -> Ingested {
        if !batch.families().is_empty() {
            self.declare(batch.families());
        }
        let mut outcome = Outcome::default();
        let mut shared = Vec::new();
        // Each shard is locked once for a batch.
        let mut by_shard: BTreeMap<usize, Vec<_>> = BTreeMap::new();
        for series in batch.series().filter(|series| new(series.labels)) {
            let hash = self.hasher.hash_one(series.labels);
            let shard = home(series.labels, &mut shared) as usize % self.shards.len();
            by_shard.entry(shard).or_default().push((series, hash));
        }
        for (shard, series) in by_shard {
            let mut shard = lock(&self.shards[shard]);
            for (series, hash) in series {
                shard.judge(series, hash, &Gate(self), &mut outcome);
            }
        }
        let Outcome { counts, mut events, peers, joint, unwatched } = outcome;
        lock(&self.counts).add(counts);
        if counts.unwatched > 0 {
            lock(&self.unwatched).add(unwatched);
        }
        lock(&self.groups).take(&peers);
        if !joint.is_empty() {
            lock(&self.joints).take(&joint);
        }
        // By name where times are equal, so that a repetition gives the same.
        events.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| a.labels.cmp(&b.labels)));
        if rest {
            events.iter().for_each(|event| self.weigh(event));
        }
        Ingested { counts, events: events.len() as u64 }
    }

    /// Lets an event count for its target; an alarm goes into the book.
    pub(super) fn weigh(&self, event: &Event) {
        let together = self.settings().together.as_secs_f64();
        let (alarm, target, series) = {
            let mut targets = lock(&self.targets);
            let alarm = targets.take(event);
            let Some(target) = targets.get(event.target) else { return };
            (alarm, target.labels.clone(), target.voices())
        };
        let mut book = lock(&self.book);
        match alarm {
            Some(alarm) => book.raise(&alarm, &target),
            // Of so many series, one has such an event by chance meanwhile, or less.
            None if event.return_seconds >= series as f64 * together => {
                book.join(event, &target);
            }
            None => {}
        }
    }

    /// Goes on to `now`: history of targets, recovery of incidents, series to forget.
    /// To be called about as often as samples come; a recording calls it by its own time.
    pub fn tick(&self, now: Timestamp) {
        let departures = lock(&self.groups).tick();
        let mut counted = Vec::new();
        for mut event in departures {
            let (counts, place) = {
                let shard = lock(&self.shards[event.shard]);
                (shard.complete(&mut event), shard.peer(event.key))
            };
            if counts {
                counted.push(event);
            } else {
                // It may count later, while it lasts.
                place.into_iter().for_each(|place| lock(&self.groups).untell(place));
            }
        }
        for mut event in Joints::tick(&self.joints, &self.room, LEAST_RETURN_SECONDS) {
            if lock(&self.shards[event.shard]).complete(&mut event) {
                counted.push(event);
            }
        }
        // By name, so that the same samples give the same however series are spread.
        counted.sort_by(|a, b| a.labels.cmp(&b.labels));
        counted.iter().for_each(|event| self.weigh(event));
        lock(&self.targets).tick(now);
        let odd = lock(&self.joints).odd();
        let is_usual = |(shard, key): SeriesKey| {
            let is_usual = lock(&self.shards[shard]).is_usual(key, now)?;
            Some(is_usual && !odd.contains(&(shard, key)))
        };
        lock(&self.book).tick(now, is_usual);
        let settings = self.settings();
        let after = nanos(settings.forget_after);
        let silent_after = nanos(settings.silent_after);
        let mut silent: std::collections::HashMap<TargetId, SilentSeries> = Default::default();
        for shard in &self.shards {
            let ticked = lock(shard).tick(now, after, silent_after, self.most_families());
            for (target, silence) in ticked.silent {
                match silent.entry(target) {
                    Entry::Occupied(mut known) => {
                        known.get_mut().series += silence.series;
                        let severity = known.get().event.severity.max(silence.event.severity);
                        if silence.event.labels < known.get().event.labels {
                            known.get_mut().event = silence.event;
                        }
                        known.get_mut().event.severity = severity;
                    }
                    Entry::Vacant(place) => drop(place.insert(silence)),
                }
            }
            self.series.fetch_sub(ticked.forgotten.len(), Ordering::Relaxed);
            let gate = Gate(self);
            ticked.forgotten.iter().for_each(|(series, ..)| gate.part(*series));
            let (mut targets, mut groups) = (lock(&self.targets), lock(&self.groups));
            for (_, target, peer) in ticked.forgotten {
                target.into_iter().for_each(|target| targets.remove_series(target));
                peer.into_iter().for_each(|place| groups.remove(place));
            }
        }
        let mut alarms = lock(&self.targets).fall_silent(silent);
        alarms.sort_by(|(_, a), (_, b)| a.cmp(b));
        let mut book = lock(&self.book);
        alarms.iter().for_each(|(alarm, target)| book.raise(alarm, target));
    }

    /// To be called once everything was fed again: the time until series are forgotten begins
    /// anew, as nobody could have taken their samples.
    pub fn awake(&self) {
        self.shards.iter().for_each(|shard| lock(shard).awake());
        lock(&self.targets).awake();
        lock(&self.book).awake();
    }

    /// To be called when the clock by which [`Engine::tick`] is called jumped to `now`, forth or
    /// back, or when nobody could take samples for long, as the process was stopped: nothing is
    /// silent, forgotten or recovered for it, as the time until then begins anew.
    pub fn clock_jumped(&self, now: Timestamp) {
        self.shards.iter().for_each(|shard| lock(shard).awake());
        lock(&self.targets).awake();
        lock(&self.book).clock_jumped(now);
    }
}

//! Some of the series, judged one sample after the other.

use std::hash::BuildHasher;

use auscult_core::{Band, Detector, Explanation, Labels, LabelsRef, Sample, Timestamp};
use auscult_detect::ensemble::{PotEnsemble, PotEnsembleSettings};
use auscult_telemetry::metrics::{MetricSeries, is_stale};
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::engine::Counts;
use crate::saved::{Bytes, Record, Records, SavedSeries, SavedWatch};
use crate::signals::{Reading, Signal, role};
use crate::slab::{Key, Slab};
use crate::target::TargetId;

/// Detectors of a million series are of the small kind.
const TIER: u8 = 1;
/// The score for which bands are drawn.
const BAND_SCORE: f64 = 2.5;

/// One series.
#[derive(Debug)]
struct Slot {
    labels: Labels,
    target: Option<TargetId>,
    /// What judges it; `None` for one that is not judged by itself.
    watch: Option<Watch>,
    /// The first tick after its last sample came, whatever time the sample bore; `None`
    /// before that tick.
    last_seen: Option<Timestamp>,
    /// Whether its source said that it has ended for now.
    ended: bool,
}

#[derive(Debug)]
struct Watch {
    signal: Signal,
    detector: Box<PotEnsemble>,
    last: Option<(Timestamp, f64)>,
}

/// A sample that is odd by the history of its series.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) shard: usize,
    pub(crate) key: Key,
    pub(crate) target: TargetId,
    pub(crate) time: Timestamp,
    pub(crate) reading: f64,
    pub(crate) score: f64,
    /// Seconds in which the series tells of something so odd once.
    pub(crate) return_seconds: f64,
    pub(crate) labels: Labels,
    pub(crate) explanation: Explanation,
}

/// How a series is, now.
#[derive(Debug, Clone)]
pub(crate) struct Now {
    pub(crate) time: Timestamp,
    pub(crate) reading: f64,
    pub(crate) expected: Option<f64>,
    pub(crate) band: Option<Band>,
    pub(crate) deviation: Option<f64>,
    pub(crate) ended: bool,
}

impl Now {
    /// Whether the reading is as usual, as far as one can say.
    pub(crate) fn is_usual(&self) -> bool {
        self.band.is_none_or(|band| (band.low..=band.high).contains(&self.reading))
    }
}

/// What a shard asks of the engine when it meets a series for the first time.
pub(crate) trait Admission {
    /// Whether there is room for one more series.
    fn has_room(&self) -> bool;

    /// The target of a new series that will be judged.
    fn target(&self, labels: LabelsRef<'_>) -> TargetId;
}

/// Series that share a lock.
#[derive(Debug)]
pub(crate) struct Shard {
    number: usize,
    hasher: DefaultHashBuilder,
    places: HashTable<Key>,
    slots: Slab<Slot>,
    explained_from: f64,
}

impl Shard {
    /// Without series. Events are told that come once in `explained_from` seconds or more seldom.
    pub(crate) fn new(number: usize, hasher: DefaultHashBuilder, explained_from: f64) -> Self {
        let (places, slots) = (HashTable::new(), Slab::new());
        Self { number, hasher, places, slots, explained_from }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Judges the points of `series`, whose labels have this `hash`.
    pub(crate) fn judge(
        &mut self,
        series: MetricSeries<'_>,
        hash: u64,
        admission: &impl Admission,
        counts: &mut Counts,
        events: &mut Vec<Event>,
    ) {
        let Some(key) = self.find_or_make(series, hash, admission) else {
            counts.unwatched += series.points.len() as u64;
            return;
        };
        let Some(slot) = self.slots.get_mut(key) else { return };
        slot.last_seen = None;
        for point in series.points {
            slot.ended = is_stale(point.value);
            if slot.ended {
                counts.stale += 1;
                continue;
            }
            let (Some(watch), Some(target)) = (&mut slot.watch, slot.target) else {
                counts.not_judged += 1;
                continue;
            };
            let reading = match watch.signal.step(point.time, point.value) {
                Reading::Value(reading) => reading,
                Reading::Nothing => {
                    counts.judged += 1;
                    continue;
                }
                Reading::Late => {
                    counts.late += 1;
                    continue;
                }
                Reading::Duplicate => {
                    counts.duplicate += 1;
                    continue;
                }
                Reading::Invalid => {
                    counts.invalid += 1;
                    continue;
                }
            };
            counts.judged += 1;
            watch.last = Some((point.time, reading));
            let readings = [reading];
            let sample = Sample::new(point.time, &readings).expect("signals are finite");
            let watched = watch
                .detector
                .watch(sample, self.explained_from)
                .expect("a detector of one channel takes one reading");
            if let (Some(score), Some(explanation)) = (watched.score.ready(), watched.explanation) {
                events.push(Event {
                    shard: self.number,
                    key,
                    target,
                    time: point.time,
                    reading,
                    score,
                    return_seconds: watched.return_seconds,
                    labels: slot.labels.clone(),
                    explanation,
                });
            }
        }
    }

    fn find_or_make(
        &mut self,
        series: MetricSeries<'_>,
        hash: u64,
        admission: &impl Admission,
    ) -> Option<Key> {
        if let Some(key) = self.find(series.labels, hash) {
            return Some(key);
        }
        if !admission.has_room() {
            return None;
        }
        let watch = Signal::new(role(series.labels, series.kind))
            .map(|signal| Watch { signal, detector: Box::new(fresh_detector()), last: None });
        let slot = Slot {
            labels: series.labels.to_owned(),
            target: watch.is_some().then(|| admission.target(series.labels)),
            watch,
            last_seen: None,
            ended: false,
        };
        Some(self.insert(slot, hash))
    }

    fn insert(&mut self, slot: Slot, hash: u64) -> Key {
        let Self { places, slots, .. } = self;
        let key = slots.insert(slot);
        let hash_of = |key: &Key| {
            slots.get(*key).map_or(0, |slot| self.hasher.hash_one(slot.labels.as_ref()))
        };
        places.insert_unique(hash, key, hash_of);
        key
    }

    /// Where the series with `labels` is, which have this `hash`.
    pub(crate) fn find(&self, labels: LabelsRef<'_>, hash: u64) -> Option<Key> {
        let is_it =
            |key: &Key| self.slots.get(*key).is_some_and(|slot| slot.labels.as_ref() == labels);
        self.places.find(hash, is_it).copied()
    }

    /// Appends what is known of every series.
    pub(crate) fn save(&self, records: &mut Records) {
        let mut detector = Vec::new();
        for (_, slot) in self.slots.iter() {
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
            records.push(&Record::Series(SavedSeries { labels, ended: slot.ended, watch }));
        }
    }

    /// Takes in a series that was stored; false if it cannot be, or is there already.
    pub(crate) fn put(
        &mut self,
        labels: LabelsRef<'_>,
        hash: u64,
        saved: &SavedSeries<'_>,
        admission: &impl Admission,
    ) -> bool {
        if self.find(labels, hash).is_some() {
            return false;
        }
        let watch = match &saved.watch {
            None => None,
            Some(saved) => {
                let mut detector = Box::new(fresh_detector());
                let finite = saved.last.is_none_or(|(_, reading)| reading.is_finite());
                if !finite || !saved.signal.is_sound() || detector.load(saved.detector.0).is_err()
                {
                    return false;
                }
                Some(Watch { signal: saved.signal.clone(), detector, last: saved.last })
            }
        };
        if !admission.has_room() {
            return false;
        }
        let target = watch.is_some().then(|| admission.target(labels));
        let (labels, ended) = (labels.to_owned(), saved.ended);
        self.insert(Slot { labels, target, watch, last_seen: None, ended }, hash);
        true
    }

    /// Lets the time until a series is forgotten begin anew.
    pub(crate) fn awake(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.last_seen = None);
    }

    /// How the series at `key` is now; `None` once it is forgotten, or before its first reading.
    pub(crate) fn now(&self, key: Key) -> Option<Now> {
        self.slots.get(key).and_then(now)
    }

    /// Every series: labels, and how it is.
    pub(crate) fn series(&self) -> impl Iterator<Item = (&Labels, Option<Now>)> {
        self.slots.iter().map(|(_, slot)| (&slot.labels, now(slot)))
    }

    /// Goes on to `now`. Forgets the series without a sample in the nanoseconds `after`
    /// before; returns the target of each.
    pub(crate) fn tick(&mut self, now: Timestamp, after: i64) -> Vec<Option<TargetId>> {
        let before = Timestamp::from_nanos(now.nanos().saturating_sub(after));
        for slot in self.slots.iter_mut() {
            slot.last_seen.get_or_insert(now);
        }
        let old: Vec<(Key, u64)> = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.last_seen.is_some_and(|seen| seen < before))
            .map(|(key, slot)| (key, self.hasher.hash_one(slot.labels.as_ref())))
            .collect();
        let mut targets = Vec::with_capacity(old.len());
        for (key, hash) in old {
            if let Ok(place) = self.places.find_entry(hash, |other| *other == key) {
                place.remove();
            }
            targets.extend(self.slots.remove(key).map(|slot| slot.target));
        }
        targets
    }
}

fn fresh_detector() -> PotEnsemble {
    let settings = PotEnsembleSettings { tier: TIER, ..Default::default() };
    PotEnsemble::new(settings).expect("settings in range")
}

fn now(slot: &Slot) -> Option<Now> {
    let watch = slot.watch.as_ref()?;
    let (time, reading) = watch.last?;
    let readings = [reading];
    let sample = Sample::new(time, &readings).ok()?;
    let explanation = watch.detector.explain(sample, BAND_SCORE).ok().flatten();
    Some(Now {
        time,
        reading,
        expected: explanation.as_ref().map(|explanation| explanation.expected[0]),
        band: explanation.and_then(|explanation| explanation.band.map(|band| band[0])),
        deviation: watch.detector.deviation(),
        ended: slot.ended,
    })
}

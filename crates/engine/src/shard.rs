//! Some of the series, judged one sample after the other.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use auscult_core::{Band, Detector, Explanation, Labels, LabelsRef, Sample, Timestamp};
use auscult_detect::ensemble::{PotEnsemble, PotEnsembleSettings};
use auscult_knowledge::Knowledge;
use auscult_telemetry::metrics::{HistogramPoint, MetricKind, MetricSeries, Point, is_stale};
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::engine::Counts;
use crate::families::{Entry, Families};
use crate::peers::{PeerReading, Place};
use crate::placement::placement;
use crate::saved::{Bytes, Record, Records, SavedPeer, SavedSeries, SavedWatch};
use crate::signals::{Figures, Part, Reading, Role, Signal, part_of, role, shared_labels};
use crate::slab::{Key, Slab};
use crate::target::{SeriesKey, TargetId};

/// Detectors of a million series are of the small kind.
const TIER: u8 = 1;
/// Usual steps without a sample after which a series is silent.
const SILENT_STEPS: f64 = 5.0;
/// The score for which bands are drawn.
const BAND_SCORE: f64 = 2.5;

/// One series.
#[derive(Debug)]
struct Slot {
    labels: Labels,
    role: Role,
    target: Option<TargetId>,
    /// What judges it; `None` for one that is not judged by itself.
    watch: Option<Watch>,
    /// The histogram or summary that it is a part of.
    part: Option<(Key, Part)>,
    /// Where it is among its siblings.
    peer: Option<Place>,
    /// The first tick after its last sample came, whatever time the sample bore; `None`
    /// before that tick.
    last_seen: Option<Timestamp>,
    /// Whether its source said that it has ended for now.
    ended: bool,
    /// Whether it sends nothing any more without having ended.
    is_silent: bool,
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

/// Return period of what is an alarm by itself, whatever history says.
const CERTAIN_SECONDS: f64 = 1e15;
/// Its score.
const CERTAIN_SCORE: f64 = 1000.0;

/// The explanation of what is an alarm by itself.
fn certain(expected: f64, reason: String) -> Explanation {
    let mut explanation = Explanation::of_one(expected, None, CERTAIN_SCORE);
    explanation.reasons.push(reason);
    explanation
}

/// Series of a target that send nothing any more, and were not said to have ended.
#[derive(Debug)]
pub(crate) struct Silence {
    pub(crate) series: usize,
    /// One of them, which speaks for all.
    pub(crate) event: Event,
}

/// What a tick found.
#[derive(Debug, Default)]
pub(crate) struct Ticked {
    /// The targets of series that were forgotten, and their places among siblings.
    pub(crate) forgotten: Vec<(Option<TargetId>, Option<Place>)>,
    /// Silence by target.
    pub(crate) silent: HashMap<TargetId, Silence>,
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
    /// Whether its target does not answer, or it sends nothing any more.
    pub(crate) is_down: bool,
}

impl Now {
    /// Whether the reading is as usual, as far as one can say.
    pub(crate) fn is_usual(&self) -> bool {
        !self.is_down && self.band.is_none_or(|band| (band.low..=band.high).contains(&self.reading))
    }
}

/// What became of samples.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) counts: Counts,
    pub(crate) events: Vec<Event>,
    /// For the comparison of siblings.
    pub(crate) peers: Vec<PeerReading>,
}

/// What a shard asks of the engine when it meets a series for the first time.
pub(crate) trait Admission {
    /// What sources declared `metric` to be, in this message or another.
    fn declared(&self, metric: &str) -> MetricKind;

    /// Whether there is room for one more series.
    fn has_room(&self) -> bool;

    /// The target of a new series that will be judged.
    fn target(&self, labels: LabelsRef<'_>) -> TargetId;

    /// The place of a new series among its siblings, if it has any.
    fn peer(&self, series: SeriesKey, target: TargetId, labels: LabelsRef<'_>) -> Option<Place>;

    /// What was stored of a series among its siblings.
    fn know_peer(&self, place: Place, saved: &SavedPeer);
}

/// Series that share a lock.
#[derive(Debug)]
pub(crate) struct Shard {
    number: usize,
    hasher: DefaultHashBuilder,
    places: HashTable<Key>,
    slots: Slab<Slot>,
    families: Families,
    explained_from: f64,
    knowledge: Arc<Knowledge>,
}

impl Shard {
    /// Without series. Events are told that come once in `explained_from` seconds or more seldom.
    pub(crate) fn new(
        number: usize,
        hasher: DefaultHashBuilder,
        explained_from: f64,
        knowledge: Arc<Knowledge>,
    ) -> Self {
        let (places, slots, families) = (HashTable::new(), Slab::new(), Families::new());
        Self { number, hasher, places, slots, families, explained_from, knowledge }
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
        outcome: &mut Outcome,
    ) {
        if !series.points.is_empty() {
            self.judge_points(series, hash, admission, outcome);
        }
        if !series.histograms.is_empty() {
            self.judge_histograms(series, hash, admission, outcome);
        }
    }

    fn judge_points(
        &mut self,
        series: MetricSeries<'_>,
        hash: u64,
        admission: &impl Admission,
        outcome: &mut Outcome,
    ) {
        let known = self.find(series.labels, hash);
        let key = known.or_else(|| {
            let kind = match series.kind {
                MetricKind::Unknown => admission.declared(series.labels.metric()),
                kind => kind,
            };
            let role = role(series.labels, kind, &self.knowledge);
            self.make(series.labels, hash, role, admission)
        });
        let Some(key) = key else {
            outcome.counts.unwatched += series.points.len() as u64;
            return;
        };
        let part = self.part(key, series.kind);
        for point in series.points {
            self.judge_point(key, *point, outcome);
            let Some((family, part)) = part.filter(|_| point.value.is_finite()) else { continue };
            if let Some(figures) = self.families.part(family, part, point.time, point.value) {
                self.judge_figures(family, &figures, point.time, admission, outcome);
            }
        }
    }

    fn judge_histograms(
        &mut self,
        series: MetricSeries<'_>,
        hash: u64,
        admission: &impl Admission,
        outcome: &mut Outcome,
    ) {
        let is_gauge = series.kind == MetricKind::GaugeHistogram;
        let hash_of = |labels: LabelsRef<'_>| self.hasher.hash_one(labels);
        let family = self.families.find_or_make(series.labels, hash, hash_of, (is_gauge, false));
        for HistogramPoint { time, value } in series.histograms {
            let Some(histogram) = value.clone() else {
                outcome.counts.stale += 1;
                continue;
            };
            outcome.counts.judged += 1;
            if let Some(figures) = self.families.whole(family, *time, histogram) {
                self.judge_figures(family, &figures, *time, admission, outcome);
            }
        }
    }

    /// Judges what a histogram said as series of their own.
    fn judge_figures(
        &mut self,
        family: Key,
        figures: &Figures,
        time: Timestamp,
        admission: &impl Admission,
        outcome: &mut Outcome,
    ) {
        let Some(entry) = self.families.entries.get(family) else { return };
        for (place, value) in entry.readings(figures).into_iter().enumerate() {
            let Some(value) = value else { continue };
            let Some(entry) = self.families.entries.get(family) else { return };
            let known = entry.made[place].filter(|key| self.slots.get(*key).is_some());
            let name = if known.is_none() { entry.name(place) } else { None };
            let key = known.or_else(|| {
                let labels = name?;
                let hash = self.hasher.hash_one(labels.as_ref());
                let known = self.find(labels.as_ref(), hash);
                known.or_else(|| self.make(labels.as_ref(), hash, Role::Gauge, admission))
            });
            let Some(key) = key else {
                outcome.counts.unwatched += 1;
                continue;
            };
            if let Some(entry) = self.families.entries.get_mut(family) {
                entry.made[place] = Some(key);
            }
            self.judge_point(key, Point { time, value }, outcome);
        }
    }

    /// Judges one sample of the series at `key`.
    fn judge_point(&mut self, key: Key, point: Point, outcome: &mut Outcome) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        let counts = &mut outcome.counts;
        slot.last_seen = None;
        slot.is_silent = false;
        slot.ended = is_stale(point.value);
        if slot.ended {
            counts.stale += 1;
            return;
        }
        let (Some(watch), Some(target)) = (&mut slot.watch, slot.target) else {
            counts.not_judged += 1;
            return;
        };
        let reading = match watch.signal.step(point.time, point.value) {
            Reading::Value(reading) => reading,
            Reading::Nothing => {
                counts.judged += 1;
                return;
            }
            Reading::Late => {
                counts.late += 1;
                return;
            }
            Reading::Duplicate => {
                counts.duplicate += 1;
                return;
            }
            Reading::Invalid => {
                counts.invalid += 1;
                return;
            }
        };
        counts.judged += 1;
        watch.last = Some((point.time, reading));
        let time = point.time;
        outcome.peers.extend(slot.peer.map(|place| PeerReading { place, time, reading }));
        let readings = [reading];
        let sample = Sample::new(point.time, &readings).expect("signals are finite");
        let watched = watch
            .detector
            .watch(sample, self.explained_from)
            .expect("a detector of one channel takes one reading");
        let event = |score, return_seconds, explanation| Event {
            shard: self.number,
            key,
            target,
            time: point.time,
            reading,
            score,
            return_seconds,
            labels: slot.labels.clone(),
            explanation,
        };
        if watch.signal.is_down() {
            let reason = "the target does not answer".to_owned();
            outcome.events.push(event(CERTAIN_SCORE, CERTAIN_SECONDS, certain(1.0, reason)));
        } else if let (Some(score), Some(explanation)) =
            (watched.score.ready(), watched.explanation)
        {
            outcome.events.push(event(score, watched.return_seconds, explanation));
        }
    }

    /// The family that the series at `key` is a part of, by its name.
    fn part(&mut self, key: Key, kind: MetricKind) -> Option<(Key, Part)> {
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

    /// The series called `labels`, whose `hash` this is.
    pub(crate) fn find(&self, labels: LabelsRef<'_>, hash: u64) -> Option<Key> {
        let is_it =
            |key: &Key| self.slots.get(*key).is_some_and(|slot| slot.labels.as_ref() == labels);
        self.places.find(hash, is_it).copied()
    }

    /// Takes series for what `declared` says of their metric from now on. A gauge that turns
    /// out to be a counter, or the other way round, is learnt anew.
    pub(crate) fn redeclare(&mut self, declared: impl Fn(&str) -> Option<MetricKind>) {
        for (_, slot) in self.slots.iter_mut() {
            let Some(kind) = declared(slot.labels.as_ref().metric()) else { continue };
            let role = role(slot.labels.as_ref(), kind, &self.knowledge);
            let is_plain = |role| matches!(role, Role::Gauge | Role::Counter);
            if role == slot.role || !is_plain(role) || !is_plain(slot.role) {
                continue;
            }
            slot.role = role;
            if let (Some(watch), Some(signal)) = (&mut slot.watch, Signal::new(role)) {
                watch.signal = signal;
                *watch.detector = fresh_detector();
                watch.last = None;
            }
        }
    }

    /// A new series called `labels`, if there is room for one.
    fn make(
        &mut self,
        labels: LabelsRef<'_>,
        hash: u64,
        role: Role,
        admission: &impl Admission,
    ) -> Option<Key> {
        if !admission.has_room() {
            return None;
        }
        let watch = Signal::new(role).map(|signal| Watch {
            signal,
            detector: Box::new(fresh_detector()),
            last: None,
        });
        let slot = Slot {
            labels: labels.to_owned(),
            role,
            target: watch.is_some().then(|| admission.target(labels)),
            watch,
            part: None,
            peer: None,
            last_seen: None,
            ended: false,
            is_silent: false,
        };
        Some(self.insert(slot, hash, admission))
    }

    fn insert(&mut self, slot: Slot, hash: u64, admission: &impl Admission) -> Key {
        let Self { places, slots, .. } = self;
        let target = slot.target;
        let key = slots.insert(slot);
        if let (Some(target), Some(slot)) = (target, slots.get_mut(key)) {
            slot.peer = admission.peer((self.number, key), target, slot.labels.as_ref());
        }
        let hash_of = |key: &Key| {
            slots.get(*key).map_or(0, |slot| self.hasher.hash_one(slot.labels.as_ref()))
        };
        places.insert_unique(hash, key, hash_of);
        key
    }

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
                if !finite || !saved.signal.is_sound() || detector.load(saved.detector.0).is_err() {
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
        let slot = Slot {
            labels,
            role: saved.role,
            target,
            watch,
            part: None,
            peer: None,
            last_seen: None,
            ended,
            is_silent: false,
        };
        let key = self.insert(slot, hash, admission);
        let place = self.slots.get(key).and_then(|slot| slot.peer);
        if let (Some(place), Some(peer)) = (place, &saved.peer) {
            admission.know_peer(place, peer);
        }
        true
    }

    /// Lets the time until a series is forgotten begin anew.
    pub(crate) fn awake(&mut self) {
        self.slots.iter_mut().for_each(|(_, slot)| slot.last_seen = None);
    }

    /// How the series at `key` is now; `None` once it is forgotten, or before its first reading.
    pub(crate) fn now(&self, key: Key) -> Option<Now> {
        self.slots.get(key).and_then(now)
    }

    /// What the series at `key` is called; `None` once it is forgotten.
    pub(crate) fn labels(&self, key: Key) -> Option<Labels> {
        self.slots.get(key).map(|slot| slot.labels.clone())
    }

    /// The time of the newest reading.
    pub(crate) fn newest(&self) -> Option<Timestamp> {
        let watches = self.slots.iter().filter_map(|(_, slot)| slot.watch.as_ref());
        watches.filter_map(|watch| watch.last.map(|(time, _)| time)).max()
    }

    /// Every series: labels, and how it is.
    pub(crate) fn series(&self) -> impl Iterator<Item = (&Labels, Option<Now>)> {
        self.slots.iter().map(|(_, slot)| (&slot.labels, now(slot)))
    }

    /// Goes on to `now`. Forgets the series without a sample in the nanoseconds `after`
    /// before, and finds those that have been silent for `silent_after` nanoseconds and five
    /// of their usual steps.
    pub(crate) fn tick(&mut self, now: Timestamp, after: i64, silent_after: i64) -> Ticked {
        let mut ticked = Ticked::default();
        let before = Timestamp::from_nanos(now.nanos().saturating_sub(after));
        for (key, slot) in self.slots.iter_mut() {
            let seen = *slot.last_seen.get_or_insert(now);
            let quiet = now.nanos().saturating_sub(seen.nanos());
            let (Some(watch), Some(target)) = (&slot.watch, slot.target) else { continue };
            if slot.ended || quiet < silent_after {
                continue;
            }
            let step = watch.detector.usual_step().unwrap_or(0.0);
            if (quiet as f64) < SILENT_STEPS * step * 1e9 {
                continue;
            }
            slot.is_silent = true;
            let silence = ticked.silent.entry(target).or_insert_with(|| Silence {
                series: 0,
                event: Event {
                    shard: self.number,
                    key,
                    target,
                    time: now,
                    reading: watch.last.map_or(0.0, |(_, reading)| reading),
                    score: CERTAIN_SCORE,
                    return_seconds: CERTAIN_SECONDS,
                    labels: slot.labels.clone(),
                    explanation: Explanation {
                        onset: Some(seen),
                        ..certain(
                            watch.last.map_or(0.0, |(_, reading)| reading),
                            format!("no samples for {} seconds", quiet / 1_000_000_000),
                        )
                    },
                },
            });
            silence.series += 1;
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
            ticked.forgotten.extend(self.slots.remove(key).map(|slot| (slot.target, slot.peer)));
        }
        if !ticked.forgotten.is_empty() {
            let parts = self.slots.iter().filter_map(|(_, slot)| slot.part);
            let mut needed: HashSet<Key> = parts.map(|(family, _)| family).collect();
            let made = |(key, entry): (Key, &Entry)| {
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
        is_down: watch.signal.is_down() || slot.is_silent,
    })
}

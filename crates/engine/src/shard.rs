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
use crate::pending::{Pending, Pendings};
use crate::placement::placement;
use crate::policy::{Policies, Policy, Resolved, Severity};
use crate::repeats::{Repeats, Stuck};
use crate::saved::{
    Bytes, Record, Records, SavedEvent, SavedPeer, SavedPending, SavedSeries, SavedWatch,
};
use crate::signals::{Arrival, Figures, Part, Reading, Role, Signal, part_of, role, shared_labels};
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
    /// What it belongs to; `None` for one that is not judged.
    target: Option<TargetId>,
    /// What judges it; `None` for one that never was judged by itself.
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
    /// What a person wants of it, among the shard's policies; 0 for nothing.
    policy: u32,
}

#[derive(Debug)]
struct Watch {
    signal: Signal,
    detector: Box<PotEnsemble>,
    last: Option<(Timestamp, f64)>,
    repeats: Repeats,
    /// Readings until its own history counts again, after a leap in time.
    settling: u8,
}

/// Usual steps from reading to reading from which on time has leapt: the detector finds its level
/// anew.
const LEAP_STEPS: f64 = 200.0;
/// Nanoseconds that are no leap, whatever is usual.
const NO_LEAP: i64 = 300_000_000_000;
/// Readings after a leap in which a level that rests on one of them says little. All series of a
/// target leap together, so what little each of them says would add up to an alarm.
const SETTLING: u8 = 12;

impl Watch {
    /// Follows time on to a reading at `time`; says whether it was set back.
    fn follow(&mut self, time: Timestamp) -> bool {
        let Some((last, _)) = self.last else { return false };
        let passed = time.nanos().saturating_sub(last.nanos());
        let is_set_back = passed < 0;
        let is_leap = || {
            let step = self.detector.usual_step();
            step.is_some_and(|step| passed as f64 > LEAP_STEPS * step * 1e9)
        };
        if is_set_back || (passed > NO_LEAP && is_leap()) {
            self.settling = SETTLING;
        } else {
            self.settling = self.settling.saturating_sub(1);
        }
        if is_set_back {
            self.detector.follow_clock_back();
        }
        is_set_back
    }

    /// The run of equal readings that goes on, and the seconds in which one so odd comes once.
    fn stuck(&self) -> Option<(Stuck, f64)> {
        let (_, reading) = self.last?;
        let stuck = self.repeats.stuck(reading)?;
        let seconds = stuck.return_readings * self.detector.usual_step()?;
        Some((stuck, seconds.min(MOST_SECONDS)))
    }
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
    pub(crate) severity: Severity,
    pub(crate) labels: Labels,
    pub(crate) explanation: Explanation,
}

impl Event {
    /// Whether it is an alarm by itself, whatever history says.
    pub(crate) fn is_certain(&self) -> bool {
        self.score == CERTAIN_SCORE && self.return_seconds == CERTAIN_SECONDS
    }
}

/// Return period of what is an alarm by itself, whatever history says.
const CERTAIN_SECONDS: f64 = 1e15;
/// Its score.
const CERTAIN_SCORE: f64 = 1000.0;
/// A run of equal readings is no rarer than this.
const MOST_SECONDS: f64 = 1e12;

/// The explanation of what is an alarm by itself.
fn certain(expected: f64, reason: String) -> Explanation {
    let mut explanation = Explanation::of_one(expected, None, CERTAIN_SCORE);
    explanation.reasons.push(reason);
    explanation
}

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
    /// The targets of series that were forgotten, and their places among siblings.
    pub(crate) forgotten: Vec<(Option<TargetId>, Option<Place>)>,
    /// Silence by target.
    pub(crate) silent: HashMap<TargetId, SilentSeries>,
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
    /// Whether its target does not answer, or it sends nothing any more, or one value only.
    pub(crate) is_down: bool,
}

impl Now {
    /// Whether the reading is as usual, as far as one can say, and what `policy` takes for it.
    fn is_usual(&self, policy: &Resolved) -> bool {
        let within = |band: Band| (band.low..=band.high).contains(&self.reading);
        let is_odd = self.band.is_some_and(|band| !within(band))
            && self.expected.is_none_or(|expected| policy.counts(self.reading, expected));
        !self.is_down && !is_odd && policy.passed(self.reading).is_none()
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

    /// A series is not judged any more.
    fn leave(&self, target: Option<TargetId>, peer: Option<Place>);

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
    policies: Policies,
    pendings: Pendings,
}

impl Shard {
    /// Without series. Events are told that come once in `explained_from` seconds or more seldom.
    pub(crate) fn new(
        number: usize,
        hasher: DefaultHashBuilder,
        explained_from: f64,
        knowledge: Arc<Knowledge>,
        policies: Arc<[Policy]>,
    ) -> Self {
        Self {
            number,
            hasher,
            places: HashTable::new(),
            slots: Slab::new(),
            families: Families::new(),
            explained_from,
            knowledge,
            policies: Policies::new(policies),
            pendings: Pendings::default(),
        }
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
        let mut arrival = Arrival::First;
        for point in series.points {
            self.judge_point(key, *point, arrival, outcome);
            if let Some((family, part)) = part.filter(|_| point.value.is_finite()) {
                let read = (point.time, point.value);
                if let Some(figures) = self.families.part(family, part, read, arrival) {
                    self.judge_figures(family, &figures, point.time, admission, outcome);
                }
            }
            arrival = Arrival::More;
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
        let is_known = self.families.find(series.labels, hash).is_some();
        // Those that nothing was made of yet do not count as series, and must not be without end.
        if !is_known && self.families.entries.len() >= admission.most_families() {
            outcome.counts.unwatched += series.histograms.len() as u64;
            return;
        }
        let family = self.families.find_or_make(series.labels, hash, hash_of, (is_gauge, false));
        let arrivals = std::iter::once(Arrival::First).chain(std::iter::repeat(Arrival::More));
        for (HistogramPoint { time, value }, arrival) in series.histograms.iter().zip(arrivals) {
            let Some(histogram) = value.clone() else {
                outcome.counts.stale += 1;
                continue;
            };
            outcome.counts.judged += 1;
            if let Some(figures) = self.families.whole(family, *time, histogram, arrival) {
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
            // Whatever made them late was sorted out for the family as a whole.
            self.judge_point(key, Point { time, value }, Arrival::SetBack, outcome);
        }
    }

    /// Judges one sample of the series at `key`.
    fn judge_point(&mut self, key: Key, point: Point, arrival: Arrival, outcome: &mut Outcome) {
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
        let reading = match watch.signal.step(point.time, point.value, arrival) {
            Reading::Value(reading) | Reading::SetBack(reading) => reading,
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
        let before = watch.last.map(|(_, reading)| reading);
        if watch.follow(point.time) {
            self.pendings.remove(key);
        }
        watch.last = Some((point.time, reading));
        let time = point.time;
        let policy = (slot.policy > 0).then(|| self.policies.get(slot.policy));
        if policy.is_some_and(|policy| policy.is_in_maintenance(time)) {
            self.pendings.remove(key);
            watch.repeats.interrupt();
            counts.not_judged += 1;
            return;
        }
        counts.judged += 1;
        outcome.peers.extend(slot.peer.map(|place| PeerReading { place, time, reading }));
        watch.repeats.learn(before, reading);
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
            severity: policy.map_or_else(Severity::default, |policy| policy.severity),
            labels: slot.labels.clone(),
            explanation,
        };
        let sure =
            |expected, reason| event(CERTAIN_SCORE, CERTAIN_SECONDS, certain(expected, reason));
        let passed = policy.and_then(|policy| policy.passed(reading));
        let stuck = watch.stuck().filter(|(_, seconds)| {
            *seconds >= self.explained_from && *seconds > watched.return_seconds
        });
        let odd = if watch.signal.is_down() {
            Some(sure(1.0, "the target does not answer".to_owned()))
        } else if let Some(bound) = passed {
            let side = if reading < bound { "below" } else { "above" };
            Some(sure(bound, format!("{side} its valid range, whose bound is {bound}")))
        } else if let Some((stuck, seconds)) = stuck {
            let score = stuck.return_readings.ln();
            let mut explanation = Explanation::of_one(reading, None, score);
            explanation.reasons.push(stuck_words(reading, &stuck));
            let since = f64::from(stuck.run) * watch.detector.usual_step().unwrap_or(0.0);
            let since = time.nanos().saturating_sub((since * 1e9) as i64);
            explanation.onset = Some(Timestamp::from_nanos(since));
            Some(event(score, seconds, explanation))
        } else if let (Some(score), Some(explanation)) =
            (watched.score.ready(), watched.explanation.filter(|_| watch.settling == 0))
        {
            let expected = explanation.expected[0];
            let counts = policy.is_none_or(|policy| policy.counts(reading, expected));
            counts.then(|| event(score, watched.return_seconds, explanation))
        } else {
            None
        };
        let counted = match policy.map_or(0, |policy| policy.lasting) {
            0 => odd,
            lasting => self.pendings.take(key, lasting, (time, reading), odd),
        };
        outcome.events.extend(counted);
    }

    /// Fills in what only the shard knows of an event that was found elsewhere; false if it
    /// does not count.
    pub(crate) fn complete(&self, event: &mut Event) -> bool {
        let Some(slot) = self.slots.get(event.key) else { return false };
        let policy = self.policies.get(slot.policy);
        event.severity = policy.severity;
        event.labels = slot.labels.clone();
        slot.target.is_some()
            && !policy.is_in_maintenance(event.time)
            && policy.counts(event.reading, event.explanation.expected[0])
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
            if old.watch && !new.watch {
                self.pendings.remove(key);
                admission.leave(slot.target.take(), slot.peer.take());
            } else if !old.watch && new.watch {
                self.join(key, admission);
            } else if old.member_labels != new.member_labels {
                // It is learnt anew among its siblings, who are others now.
                admission.leave(None, slot.peer.take());
                let series = (self.number, key);
                slot.peer = slot
                    .target
                    .and_then(|target| admission.peer(series, target, slot.labels.as_ref(), new));
            }
        }
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
                *watch = fresh_watch(signal);
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
        Some(self.insert(labels.to_owned(), hash, role, None, admission))
    }

    fn insert(
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

    /// Lets the time until a series is forgotten begin anew.
    pub(crate) fn awake(&mut self) {
        self.slots.iter_mut().for_each(|(_, slot)| slot.last_seen = None);
    }

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
        (!policy.is_in_maintenance(time)).then(|| now.is_usual(policy))
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

    /// Every series: labels, and how it is.
    pub(crate) fn series(&self) -> impl Iterator<Item = (&Labels, Option<Now>)> {
        self.slots.iter().map(|(_, slot)| (&slot.labels, self.now(slot)))
    }

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
            let silence = ticked.silent.entry(target).or_insert_with(|| SilentSeries {
                series: 0,
                event: Event {
                    shard: self.number,
                    key,
                    target,
                    time: now,
                    reading: watch.last.map_or(0.0, |(_, reading)| reading),
                    score: CERTAIN_SCORE,
                    return_seconds: CERTAIN_SECONDS,
                    severity: policy.severity,
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
            silence.event.severity = silence.event.severity.max(policy.severity);
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
            ticked.forgotten.extend(self.slots.remove(key).map(|slot| (slot.target, slot.peer)));
        }
        if !ticked.forgotten.is_empty() || self.families.entries.len() >= most_families {
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

/// Return period from which on a series counts as stuck for its incident.
const STUCK_SECONDS: f64 = 86_400.0;

fn fresh_detector() -> PotEnsemble {
    let settings = PotEnsembleSettings { tier: TIER, ..Default::default() };
    PotEnsemble::new(settings).expect("settings in range")
}

fn fresh_watch(signal: Signal) -> Watch {
    let detector = Box::new(fresh_detector());
    Watch { signal, detector, last: None, repeats: Repeats::new(), settling: 0 }
}

/// What is said of a series that is stuck at `reading`.
fn stuck_words(reading: f64, stuck: &Stuck) -> String {
    let before = match stuck.longest {
        0 => "it never did before".to_owned(),
        longest => format!("it did at most {longest} times in a row before"),
    };
    format!("repeats {reading} for the {}th time; {before}", stuck.run)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_judges_a_series_takes_less_than_1_kib() {
        let mut watch = fresh_watch(Signal::new(Role::Gauge).expect("it is judged"));
        for second in 0..1000 {
            let readings = [f64::from(second % 37)];
            let sample = Sample::new(Timestamp::from_seconds(second.into()), &readings);
            watch.detector.learn(sample.expect("finite")).expect("one channel");
        }
        let (own, learnt) = (size_of::<Slot>(), watch.detector.state_bytes());
        assert!(learnt + size_of::<Repeats>() <= 1024, "{learnt}");
        assert!(own <= 192, "{own}");
    }
}

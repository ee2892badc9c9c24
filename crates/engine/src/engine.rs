//! Many series in, incidents out.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BinaryHeap};
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use auscult_core::{Band, Labels, LabelsRef, Timestamp};
use auscult_knowledge::Known;
use auscult_telemetry::metrics::{MetricBatch, MetricKind};
use hashbrown::{DefaultHashBuilder, HashMap};

use crate::incident::{Book, Change, Incident, Rules};
use crate::peers::{Groups, Place};
use crate::placement::home;
use crate::policy::{Policy, Resolved};
use crate::repeats::Repeats;
use crate::saved::{
    Record, Records, SavedGroup, SavedPeer, SavedPending, SavedRecurrence, SavedSeries,
    SavedTarget, VERSION,
};
use crate::settings::EngineSettings;
use crate::shard::{Admission, Event, Now, Outcome, Shard, SilentSeries};
use crate::silence::{Silence, SilenceError};
use crate::target::{SeriesKey, TargetId, Targets};
use crate::unwatched::{Sketch, Unwatched};

/// Events that come more often than this are not worth a look.
const LEAST_RETURN_SECONDS: f64 = 3600.0;

/// Counts what became of samples.
macro_rules! counts {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// What became of samples.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Counts {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl Counts {
            fn add(&mut self, other: Self) {
                $(self.$name += other.$name;)+
            }
        }
    };
}

counts! {
    /// Taken in by a detector, or the first of a counter.
    judged,
    /// Of series that are not judged by themselves: buckets of histograms, texts; or that nobody
    /// wants to be judged, or not now.
    not_judged,
    /// Of series beyond the most that are watched.
    unwatched,
    /// Not after the sample before, and not judged.
    late,
    /// At the time of the sample before, and not judged.
    duplicate,
    /// Not a number or infinite, or below 0 in a counter, and not judged.
    invalid,
    /// Marks by which a source says that a series has ended for now.
    stale,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ingested {
    /// Of its samples.
    pub counts: Counts,
    /// Odd samples, rare enough to be looked at.
    pub events: u64,
}

/// A series, as it is now.
#[derive(Debug, Clone)]
pub struct SeriesView {
    /// What it is called.
    pub labels: Labels,
    /// The signal that it tells, where its metric is known.
    pub signal: Option<String>,
    /// When it was last read.
    pub time: Timestamp,
    /// What it read, after counters were turned into rates per second.
    pub reading: f64,
    /// What would be normal; `None` while it is new.
    pub expected: Option<f64>,
    /// What would not be odd; `None` while it is new.
    pub band: Option<Band>,
    /// How far from normal it is lately, at least 0; `None` while it is new.
    pub deviation: Option<f64>,
    /// Whether its source said that it has ended for now.
    pub ended: bool,
}

/// Watches many series and keeps the incidents.
///
/// All methods may be called from any thread. Time per sample O(1); memory per
/// series about 1.2 KiB and its labels.
///
/// ```
/// use auscult_core::Timestamp;
/// use auscult_engine::{Engine, EngineSettings};
/// use auscult_telemetry::metrics::{MetricBatch, MetricKind};
/// let engine = Engine::new(EngineSettings::default());
/// let mut batch = MetricBatch::default();
/// batch.begin_series(MetricKind::Gauge, &mut [("__name__", "power_watts"), ("gpu", "0")])?;
/// batch.push(Timestamp::from_seconds(60), 310.0);
/// let done = engine.ingest(&batch);
/// engine.tick(Timestamp::from_seconds(60));
/// assert_eq!((done.counts.judged, engine.series()), (1, 1));
/// assert!(engine.incidents().is_empty());
/// # Ok::<(), auscult_core::LabelsError>(())
/// ```
#[derive(Debug)]
pub struct Engine {
    settings: RwLock<Arc<EngineSettings>>,
    hasher: DefaultHashBuilder,
    shards: Box<[Mutex<Shard>]>,
    /// Held to read while a batch is judged, to write while a mark of a state is taken.
    flow: RwLock<()>,
    targets: Mutex<Targets>,
    /// What sources declared metrics to be.
    declared: RwLock<HashMap<String, MetricKind>>,
    groups: Mutex<Groups>,
    book: Mutex<Book>,
    counts: Mutex<Counts>,
    unwatched: Mutex<Sketch>,
    /// Series that there are, in all shards.
    series: AtomicUsize,
}

/// A panic while a lock is held leaves the parts of one series odd at worst: go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

fn rules(settings: &EngineSettings) -> Rules {
    Rules {
        topology_labels: settings.topology_labels.clone(),
        together: nanos(settings.together),
        quiet_after: nanos(settings.quiet_after),
        reopen_within: nanos(settings.reopen_within),
    }
}

struct Gate<'a>(&'a Engine);

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

    fn leave(&self, target: Option<TargetId>, peer: Option<Place>) {
        target.into_iter().for_each(|target| lock(&self.0.targets).remove_series(target));
        peer.into_iter().for_each(|place| lock(&self.0.groups).remove(place));
    }

    fn know_peer(&self, place: Place, saved: &SavedPeer) {
        lock(&self.0.groups).know(place, saved);
    }
}

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

impl Engine {
    /// Remembers what sources say of metrics, for series to come and for those that are there.
    fn declare(&self, families: &[(String, MetricKind)]) {
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

    /// Without any series.
    #[must_use]
    pub fn new(settings: EngineSettings) -> Self {
        let hasher = DefaultHashBuilder::default();
        let policies: Arc<[Policy]> = settings.policies.as_slice().into();
        let shards = (0..settings.shards.max(1))
            .map(|number| {
                let (knowledge, policies) = (Arc::clone(&settings.knowledge), policies.clone());
                let (hasher, least) = (hasher.clone(), LEAST_RETURN_SECONDS);
                Mutex::new(Shard::new(number, hasher, least, knowledge, policies))
            })
            .collect();
        let rules = rules(&settings);
        let together = settings.together.as_secs_f64();
        let targets = Targets::new(settings.target_labels.clone(), settings.budget, together);
        Self {
            hasher,
            shards,
            flow: RwLock::new(()),
            targets: Mutex::new(targets),
            declared: RwLock::default(),
            groups: Mutex::new(Groups::new(settings.member_labels.clone())),
            book: Mutex::new(Book::new(rules)),
            counts: Mutex::default(),
            unwatched: Mutex::default(),
            series: AtomicUsize::new(0),
            settings: RwLock::new(Arc::new(settings)),
        }
    }

    /// What holds now.
    #[must_use]
    pub fn settings(&self) -> Arc<EngineSettings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has other settings hold from now on. What was learnt stays; incidents go on by the new
    /// ones. A budget holds for what comes: how far a target has spent the old one is kept.
    ///
    /// # Errors
    ///
    /// The name of a setting that cannot change while series are watched by it:
    /// `target_labels`, `member_labels` and `together`; nothing has changed then.
    pub fn reconfigure(&self, settings: EngineSettings) -> Result<(), &'static str> {
        let before = self.settings();
        let fixed = [
            ("target_labels", before.target_labels == settings.target_labels),
            ("member_labels", before.member_labels == settings.member_labels),
            ("together", before.together == settings.together),
        ];
        if let Some((name, _)) = fixed.into_iter().find(|(_, is_same)| !is_same) {
            return Err(name);
        }
        lock(&self.book).set_rules(rules(&settings));
        lock(&self.targets).set_budget(settings.budget);
        if before.policies != settings.policies {
            self.set_policies(settings.policies.clone());
        }
        let settings = EngineSettings { shards: self.shards.len(), ..settings };
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
        Ok(())
    }

    /// Replaces what a person wants of series, of those that are there and of those to come.
    /// What was learnt stays; one that was not judged before begins to be. Time
    /// O(series · policies), during which no batch is judged.
    ///
    /// ```
    /// use auscult_core::Timestamp;
    /// use auscult_engine::{Engine, EngineSettings, Policy, ValidRange};
    /// use auscult_telemetry::metrics::{MetricBatch, MetricKind};
    /// let engine = Engine::new(EngineSettings::default());
    /// engine.set_policies(vec![Policy {
    ///     selector: r#"temperature_celsius{gpu=~".+"}"#.parse()?,
    ///     valid_range: Some(ValidRange::new(None, Some(85.0))?),
    ///     ..Policy::default()
    /// }]);
    /// let mut batch = MetricBatch::default();
    /// let mut labels = [("__name__", "temperature_celsius"), ("gpu", "0")];
    /// batch.begin_series(MetricKind::Gauge, &mut labels)?;
    /// batch.push(Timestamp::from_seconds(60), 86.0);
    /// engine.ingest(&batch);
    /// assert_eq!(engine.incidents().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_policies(&self, policies: Vec<Policy>) {
        let policies: Arc<[Policy]> = policies.into();
        let _flow = self.flow.write().unwrap_or_else(PoisonError::into_inner);
        for shard in &self.shards {
            lock(shard).set_policies(policies.clone(), &Gate(self));
        }
    }

    /// Takes a silence in, in place of the one with its number if there is one. Returns its
    /// number.
    ///
    /// # Errors
    ///
    /// [`SilenceError`] for one that would silence every series or none, or one too many.
    pub fn set_silence(&self, silence: Silence, now: Timestamp) -> Result<u64, SilenceError> {
        let mut book = lock(&self.book);
        let id = book.silences.set(silence, now)?;
        book.mark_silenced(now);
        Ok(id)
    }

    /// Ends a silence at `now`; false if there is none with this number that could end.
    pub fn expire_silence(&self, id: u64, now: Timestamp) -> bool {
        let mut book = lock(&self.book);
        let has_ended = book.silences.expire(id, now);
        book.mark_silenced(now);
        has_ended
    }

    /// Every silence, oldest number first; those that are over for five days at most.
    #[must_use]
    pub fn silences(&self) -> Vec<Silence> {
        lock(&self.book).silences.iter().cloned().collect()
    }

    /// Has exactly `silences` from now on, such as those that were stored elsewhere; numbers up to
    /// `last` are not given again. Which incidents are silenced is found out by the next tick.
    pub fn restore_silences(&self, silences: Vec<Silence>, last: u64) {
        lock(&self.book).silences.restore(silences, last);
    }

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
        let Outcome { counts, mut events, peers, unwatched } = outcome;
        lock(&self.counts).add(counts);
        if counts.unwatched > 0 {
            lock(&self.unwatched).add(unwatched);
        }
        lock(&self.groups).take(&peers);
        // By name where times are equal, so that a repetition gives the same.
        events.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| a.labels.cmp(&b.labels)));
        if rest {
            events.iter().for_each(|event| self.weigh(event));
        }
        Ingested { counts, events: events.len() as u64 }
    }

    /// Lets an event count for its target; an alarm goes into the book.
    fn weigh(&self, event: &Event) {
        let together = self.settings().together.as_secs_f64();
        let (alarm, target, series) = {
            let mut targets = lock(&self.targets);
            let alarm = targets.take(event);
            let Some(target) = targets.get(event.target) else { return };
            (alarm, target.labels.clone(), target.series)
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

    /// Most histograms that come as a whole which a shard may follow: its share of all series.
    fn most_families(&self) -> usize {
        self.settings().most_series.div_ceil(self.shards.len()).max(FEW_FAMILIES)
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
        // By name, so that the same samples give the same however series are spread.
        counted.sort_by(|a, b| a.labels.cmp(&b.labels));
        counted.iter().for_each(|event| self.weigh(event));
        lock(&self.targets).tick(now);
        let is_usual = |(shard, key): SeriesKey| lock(&self.shards[shard]).is_usual(key, now);
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
            let (mut targets, mut groups) = (lock(&self.targets), lock(&self.groups));
            for (target, peer) in ticked.forgotten {
                target.into_iter().for_each(|target| targets.remove_series(target));
                peer.into_iter().for_each(|place| groups.remove(place));
            }
        }
        let mut alarms = lock(&self.targets).fall_silent(silent);
        alarms.sort_by(|(_, a), (_, b)| a.cmp(b));
        let mut book = lock(&self.book);
        alarms.iter().for_each(|(alarm, target)| book.raise(alarm, target));
    }

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

    pub(crate) fn put_group(&self, saved: &SavedGroup<'_>) -> bool {
        lock(&self.groups).put(saved)
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

    fn find(&self, labels: LabelsRef<'_>) -> Option<SeriesKey> {
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

    /// What sources declared metrics to be, by name.
    #[must_use]
    pub fn declared(&self) -> Vec<(String, MetricKind)> {
        let declared = self.declared.read().unwrap_or_else(PoisonError::into_inner);
        let mut declared: Vec<_> =
            declared.iter().map(|(family, kind)| (family.clone(), *kind)).collect();
        declared.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        declared
    }

    /// The time of the newest reading of any series.
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        self.shards.iter().filter_map(|shard| lock(shard).newest()).max()
    }

    /// How many series are watched.
    #[must_use]
    pub fn series(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// How many targets there are.
    #[must_use]
    pub fn targets(&self) -> usize {
        lock(&self.targets).len()
    }

    /// What became of all samples so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        *lock(&self.counts)
    }

    /// The metrics with most samples of series that are not watched since the start, a hundred at
    /// most, those with most first.
    #[must_use]
    pub fn unwatched(&self) -> Vec<Unwatched> {
        lock(&self.unwatched).top()
    }

    /// How many incidents are open.
    #[must_use]
    pub fn open_incidents(&self) -> usize {
        lock(&self.book).open_incidents()
    }

    /// Every incident, newest first.
    #[must_use]
    pub fn incidents(&self) -> Vec<Incident> {
        self.incidents_that(|_| true)
    }

    /// The incidents that are `wanted`, newest first; the others are not copied.
    #[must_use]
    pub fn incidents_that(&self, wanted: impl Fn(&Incident) -> bool) -> Vec<Incident> {
        lock(&self.book).incidents().filter(|incident| wanted(incident)).cloned().collect()
    }

    /// What happened to incidents after the change with `number`, oldest first.
    #[must_use]
    pub fn changes_after(&self, number: u64) -> Vec<Change> {
        lock(&self.book).changes_after(number).cloned().collect()
    }

    /// The series for which `wanted` holds, as they are now.
    #[must_use]
    pub fn series_now(&self, wanted: impl Fn(&Labels) -> bool) -> Vec<SeriesView> {
        let settings = self.settings();
        let mut views = Vec::new();
        for shard in &self.shards {
            let shard = lock(shard);
            for (labels, now) in shard.series().filter(|(labels, _)| wanted(labels)) {
                views.extend(now.map(|now| view(&settings, labels, now)));
            }
        }
        views.sort_by(|a, b| a.labels.cmp(&b.labels));
        views
    }

    /// At most `limit` series for which `wanted` holds, as they are now, in the order of their
    /// labels, from behind `after` on; and how many more there are. Time O(series · ln limit);
    /// only what is returned is looked at closely.
    #[must_use]
    pub fn series_page(
        &self,
        wanted: impl Fn(&Labels) -> bool,
        after: Option<&Labels>,
        limit: usize,
    ) -> (Vec<SeriesView>, usize) {
        let (mut first, mut all) = (BinaryHeap::new(), 0_usize);
        for shard in &self.shards {
            let shard = lock(shard);
            let behind = |labels: &&Labels| after.is_none_or(|after| *labels > after);
            for labels in shard.read_series().filter(behind).filter(|labels| wanted(labels)) {
                all += 1;
                if first.len() < limit {
                    first.push(labels.clone());
                } else if first.peek().is_some_and(|last| labels < last) {
                    first.pop();
                    first.push(labels.clone());
                }
            }
        }
        let first = first.into_sorted_vec();
        let more = all - first.len();
        let settings = self.settings();
        let views = first.iter().filter_map(|labels| {
            let (shard, key) = self.find(labels.as_ref())?;
            let shard = lock(&self.shards[shard]);
            let (_, now) = shard.series_at(key)?;
            Some(view(&settings, labels, now?))
        });
        (views.collect(), more)
    }
}

fn view(settings: &EngineSettings, labels: &Labels, now: Now) -> SeriesView {
    let signal = match settings.knowledge.look_up(labels.as_ref().metric()) {
        Some(Known::Signal { signal, .. }) => Some(signal.name.clone()),
        _ => None,
    };
    SeriesView {
        labels: labels.clone(),
        signal,
        time: now.time,
        reading: now.reading,
        expected: now.expected,
        band: now.band,
        deviation: now.deviation,
        ended: now.ended,
    }
}

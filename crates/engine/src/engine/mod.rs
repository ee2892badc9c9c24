//! Many series in, incidents out.

mod admission;
mod adopting;
mod confirming;
mod counts;
mod flow;
mod keeping;
mod views;

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use auscult_core::Timestamp;
use auscult_telemetry::metrics::MetricKind;
use hashbrown::{DefaultHashBuilder, HashMap};

use self::admission::Gate;
pub use self::counts::{Counts, Ingested};
pub use self::views::{MethodCount, SeriesView};
use crate::assigned::{Joints, Room};
use crate::incident::{Book, Rules};
use crate::peers::Groups;
use crate::policy::Policy;
use crate::settings::EngineSettings;
use crate::shard::Shard;
use crate::silence::{Silence, SilenceError};
use crate::target::Targets;
use crate::unwatched::Sketch;

/// Events that come more often than this are not worth a look.
const LEAST_RETURN_SECONDS: f64 = 3600.0;

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
    /// Series that a method judges jointly.
    joints: Mutex<Joints>,
    /// Memory of methods that people assigned.
    room: Arc<Room>,
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

impl Engine {
    /// Without any series.
    #[must_use]
    pub fn new(settings: EngineSettings) -> Self {
        let hasher = DefaultHashBuilder::default();
        let policies: Arc<[Policy]> = settings.policies.as_slice().into();
        let room = Room::new(settings.method_memory_limit);
        let shards = (0..settings.shards.max(1))
            .map(|number| {
                let (knowledge, policies) = (Arc::clone(&settings.knowledge), policies.clone());
                let (hasher, least) = (hasher.clone(), LEAST_RETURN_SECONDS);
                let room = Arc::clone(&room);
                Mutex::new(Shard::new(number, hasher, least, knowledge, policies, room))
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
            joints: Mutex::default(),
            room,
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
        if before.knowledge != settings.knowledge {
            let knowledge = || Arc::clone(&settings.knowledge);
            self.shards.iter().for_each(|shard| lock(shard).set_knowledge(knowledge()));
        }
        let more_room = before.method_memory_limit != settings.method_memory_limit;
        self.room.set_limit(settings.method_memory_limit);
        if before.policies != settings.policies {
            self.set_policies(settings.policies.clone());
        }
        if more_room {
            self.shards.iter().for_each(|shard| lock(shard).retry_methods());
            lock(&self.joints).retry();
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

    /// Finds out anew which incidents are silenced at `now`.
    pub fn mark_silenced(&self, now: Timestamp) {
        lock(&self.book).mark_silenced(now);
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
}

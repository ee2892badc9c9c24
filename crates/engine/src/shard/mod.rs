//! Some of the series: they share a lock, and are judged on the thread that brings their samples.

mod admission;
mod event;
mod judge;
mod methods;
mod now;
mod saving;
mod tick;

use std::sync::Arc;

use auscult_core::{Labels, Timestamp};
use auscult_detect::ensemble::{PotEnsemble, PotEnsembleSettings};
use auscult_knowledge::Knowledge;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::assigned::Room;
use crate::families::Families;
use crate::peers::Place;
use crate::pending::Pendings;
use crate::policy::{Policies, Policy};
use crate::repeats::{Repeats, Stuck};
use crate::signals::{Part, Role, Signal};
use crate::slab::{Key, Slab};
use crate::target::TargetId;

pub(crate) use admission::Admission;
pub(crate) use event::Event;
pub(crate) use judge::Outcome;
use methods::Methods;
pub(crate) use now::Now;
pub(crate) use tick::SilentSeries;

/// Detectors of a million series are of the small kind.
const TIER: u8 = 1;
/// A run of equal readings is no rarer than this.
const MOST_SECONDS: f64 = 1e12;

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
    methods: Methods,
}

impl Shard {
    /// Without series. Events are told that come once in `explained_from` seconds or more seldom.
    pub(crate) fn new(
        number: usize,
        hasher: DefaultHashBuilder,
        explained_from: f64,
        knowledge: Arc<Knowledge>,
        policies: Arc<[Policy]>,
        room: Arc<Room>,
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
            methods: Methods::new(room),
        }
    }

    /// Replaces what is known of metrics, for series that come new.
    pub(crate) fn set_knowledge(&mut self, knowledge: Arc<Knowledge>) {
        self.knowledge = knowledge;
    }

    /// Forgets how odd the series at `key` was from `from` to `until`.
    pub(crate) fn confirm(&mut self, key: Key, from: Timestamp, until: Timestamp) {
        if let Some(watch) = self.slots.get_mut(key).and_then(|slot| slot.watch.as_mut()) {
            watch.detector.confirm(from, until);
        }
        self.methods.confirm(key, from, until);
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}

fn fresh_detector() -> PotEnsemble {
    let settings = PotEnsembleSettings { tier: TIER, ..Default::default() };
    PotEnsemble::new(settings).expect("settings in range")
}

fn fresh_watch(signal: Signal) -> Watch {
    let detector = Box::new(fresh_detector());
    Watch { signal, detector, last: None, repeats: Repeats::new(), settling: 0 }
}

#[cfg(test)]
mod tests {
    use auscult_core::{Detector, Sample};

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
        assert!(learnt <= 1024, "{learnt}");
        assert!(size_of::<Repeats>() <= 24);
        assert!(own <= 192, "{own}");
    }
}

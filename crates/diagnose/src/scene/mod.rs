//! A scene: what is known of a fleet over a stretch of time, in canonical signals, target by target.
//!
//! Raw series with their labels go into a [`SceneBuilder`]; adapters say which signal each tells
//! and of which target. Counters become rates, histograms the mean of what was observed, and all
//! lie on one grid of times.

mod around;
mod builder;
mod identity;
mod kin;
mod lent;
mod target;

pub use around::{Nearest, Surroundings};
pub use builder::{SceneBuilder, SeriesNumber, reads};
pub use target::{Strange, Target, Track};

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use auscult_core::METRIC_NAME;
use auscult_knowledge::{Adapter, Form, Knowledge, Known, Subject};

/// A change that people or programs made.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Seconds since 1970.
    pub time: f64,
    /// What it was: `deploy`, `config`, `scale`, `restart`, `maintenance`, ….
    pub kind: String,
    /// What it was made to, as a target is called; empty if that is not known.
    pub target: String,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogLine {
    /// Seconds since 1970.
    pub time: f64,
    /// The host or program that wrote it.
    pub source: String,
    /// What it says.
    pub text: String,
}

/// What is known of a fleet over a stretch of time.
#[derive(Debug, Clone)]
pub struct Scene {
    start: f64,
    step: f64,
    length: usize,
    targets: Vec<Target>,
    /// For each target, the places of its series, in order of their signals.
    by_signal: Vec<Vec<usize>>,
    /// Series of others that tell a signal of a target as well.
    lent: lent::Lent,
    kin: kin::Kin,
    /// Where causes are looked for; `None` for everywhere.
    suspects: Option<BTreeSet<usize>>,
    events: Events,
    logs: Vec<LogLine>,
    constants: BTreeMap<String, f64>,
}

/// Changes that were made, as far as somebody tells of such.
#[derive(Debug, Clone, Default)]
struct Events {
    /// Whether changes of every kind are told.
    all: bool,
    /// Kinds that are told.
    kinds: BTreeSet<String>,
    told: Vec<Event>,
}

impl Scene {
    /// Everything that is watched, in order of kind and name.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Changes that were made, of all kinds.
    pub fn events(&self) -> &[Event] {
        &self.events.told
    }

    /// Changes that were made, those of `kind` among them; `None` where nobody tells of such.
    pub fn events_of(&self, kind: &str) -> Option<&[Event]> {
        let is_told = self.events.all || self.events.kinds.contains(kind);
        is_told.then_some(&self.events.told)
    }

    /// Lines of logs.
    pub fn logs(&self) -> &[LogLine] {
        &self.logs
    }

    /// A constant that was told beside the series.
    pub fn constant(&self, name: &str) -> Option<f64> {
        self.constants.get(name).copied()
    }

    /// Seconds since 1970 of the first reading.
    pub fn start(&self) -> f64 {
        self.start
    }

    /// Seconds from one reading to the next.
    pub fn step(&self) -> f64 {
        self.step
    }

    /// Readings of each series.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.length == 0 || self.targets.is_empty()
    }

    /// The place on the grid of `time`, in seconds since 1970.
    pub fn index(&self, time: f64) -> usize {
        let steps = ((time - self.start) / self.step).round();
        (steps.max(0.0) as usize).min(self.length)
    }

    /// Peers of target number `target`, itself among them: of its kind, and of the same role.
    pub fn peers(&self, target: usize) -> &[usize] {
        self.kin.members(self.kin.group(target))
    }

    /// Number of the group of peers that target number `target` is of.
    pub(crate) fn group(&self, target: usize) -> usize {
        self.kin.group(target)
    }

    /// The members of a group of peers, in order.
    pub(crate) fn members(&self, group: usize) -> &[usize] {
        self.kin.members(group)
    }

    /// Whether a cause at target number `target` could be noticed where it was noticed.
    pub fn is_suspect(&self, target: usize) -> bool {
        self.suspects.as_ref().is_none_or(|suspects| suspects.contains(&target))
    }

    /// Targets of `kind` that belong to target number `target`, or it to them.
    pub fn near(&self, target: usize, kind: &str) -> Vec<usize> {
        self.kin.near(&self.targets, target, kind)
    }

    /// How much of the distribution `signal` of target number `target` was observed a second: added
    /// up if `sum`, counted otherwise. `NaN` where that is not known; `None` if the target has no
    /// such distribution.
    pub fn observed(&self, target: usize, signal: &str, sum: bool) -> Option<Vec<f64>> {
        let tracks = self.tracks(target, signal).filter(|track| track.weights.is_some());
        let first = tracks.clone().map(|track| track.rank).min()?;
        let mut observed = vec![f64::NAN; self.length];
        for track in tracks.filter(|track| track.rank == first) {
            let weights = track.weights.iter().flatten();
            for ((all, value), weight) in observed.iter_mut().zip(&track.values).zip(weights) {
                // Nothing was observed: the mean of it is no number, its sum is.
                let part = if sum && *weight > 0.0 { value * weight } else { *weight };
                if part.is_finite() {
                    *all = if all.is_finite() { *all + part } else { part };
                }
            }
        }
        Some(observed)
    }

    /// The series of target number `target` that tell `signal`, or of several that do so together for it.
    fn tracks(&self, target: usize, signal: &str) -> impl Iterator<Item = &Track> + Clone {
        let (tracks, places) = (&self.targets[target].tracks, &self.by_signal[target]);
        let first = places.partition_point(|place| tracks[*place].signal.as_str() < signal);
        let rest = places[first..].iter().map(|place| &tracks[*place]);
        let lent = self.lent.get(&target).and_then(|lent| lent.get(signal)).into_iter().flatten();
        let lent = lent.map(|(lender, place)| &self.targets[*lender].tracks[*place]);
        rest.take_while(move |track| track.signal == signal).chain(lent)
    }

    /// Targets whose series tell `signal` together for target number `target`; none where it tells it itself.
    pub(crate) fn lenders(&self, target: usize, signal: &str) -> impl Iterator<Item = usize> {
        let lent = self.lent.get(&target).and_then(|lent| lent.get(signal));
        lent.into_iter().flatten().map(|(lender, _)| *lender)
    }

    /// The series by which `signal` of target number `target` is told: of several metrics that tell the
    /// same, the one that the adapter names first; those with a label, where one is asked for.
    pub fn told_by(
        &self,
        target: usize,
        signal: &str,
        label: Option<(&str, &str)>,
    ) -> impl Iterator<Item = &Track> + Clone {
        let has = move |track: &&Track| {
            label.is_none_or(|(name, value)| track.labels.get(name) == Some(value))
        };
        let tracks = self.tracks(target, signal).filter(has);
        let first = tracks.clone().map(|track| track.rank).min();
        tracks.filter(move |track| label.is_some() || Some(track.rank) == first)
    }

    /// The programs that tell of target number `target`, one for each series.
    pub fn programs<'n>(
        &self,
        knowledge: &'n Knowledge,
        target: usize,
    ) -> impl Iterator<Item = &'n Adapter> {
        let names = self.targets[target].tracks.iter();
        let names = names.filter_map(|track| track.labels.get(METRIC_NAME));
        names.filter_map(|name| match knowledge.look_up(name)? {
            Known::Signal { adapter, .. } => Some(adapter),
            Known::Ignored { .. } => None,
        })
    }

    /// Readings of what a statement is about at target number `target`: of a signal, or of the quotient
    /// of two; `None` of anything else, and where there are none.
    pub fn read(
        &self,
        knowledge: &Knowledge,
        target: usize,
        subject: &Subject,
    ) -> Option<Cow<'_, [f64]>> {
        let Subject::Signal { name, label, per } = subject else { return None };
        let label = label.as_ref().map(|(name, value)| (name.as_str(), value.as_str()));
        let readings = self.readings(knowledge, target, name, label)?;
        let Some(per) = per else { return Some(readings) };
        let per = self.readings(knowledge, target, per, None)?;
        let both = readings.iter().zip(&*per);
        let quotient = both.map(|(part, whole)| if *whole > 0.0 { part / whole } else { f64::NAN });
        Some(quotient.collect())
    }

    /// Readings of `signal` of target number `target`, those of several series together: what is
    /// counted is added up, of what is not the mean is taken. `NaN` where there is none; `None` if
    /// the target has no such series.
    pub fn readings(
        &self,
        knowledge: &Knowledge,
        target: usize,
        signal: &str,
        label: Option<(&str, &str)>,
    ) -> Option<Cow<'_, [f64]>> {
        let mut tracks = self.told_by(target, signal, label);
        if let (Track { weights: None, values, .. }, None) =
            (tracks.clone().next()?, tracks.clone().nth(1))
        {
            return Some(Cow::Borrowed(values));
        }
        let adds = knowledge.signal(signal).is_some_and(|known| match known.form {
            Form::Rate => !matches!(known.unit.as_str(), "ratio"),
            Form::Level => matches!(
                known.unit.as_str(),
                "requests" | "tokens" | "bytes" | "blocks" | "steps" | "samples"
            ),
            Form::Distribution | Form::State => false,
        });
        // What the readings add up to, and over how much.
        let mut readings = vec![0.0; self.length];
        let mut total = vec![0.0; self.length];
        for track in &mut tracks {
            for (place, value) in track.values.iter().enumerate() {
                let weight = track.weights.as_ref().map_or(1.0, |weights| weights[place]);
                if value.is_finite() && weight > 0.0 {
                    readings[place] += value * weight;
                    total[place] += weight;
                }
            }
        }
        for (reading, weight) in readings.iter_mut().zip(total) {
            if weight > 0.0 {
                *reading = if adds { *reading } else { *reading / weight };
            } else {
                *reading = f64::NAN;
            }
        }
        Some(Cow::Owned(readings))
    }
}

/// For each target, the places of its series, in order of their signals.
fn by_signal(targets: &[Target]) -> Vec<Vec<usize>> {
    let of_target = |target: &Target| {
        let mut places: Vec<usize> = (0..target.tracks.len()).collect();
        places.sort_by_key(|place| target.tracks[*place].signal.as_str());
        places
    };
    targets.iter().map(of_target).collect()
}

//! What can be seen of an engine: series, incidents, numbers.

use std::collections::{BTreeMap, BinaryHeap};
use std::sync::PoisonError;

use auscult_core::{Band, Labels, Timestamp};
use auscult_knowledge::Known;
use auscult_telemetry::metrics::MetricKind;

use super::{Counts, Engine, lock};
use crate::assigned::{MethodState, MethodView};
use crate::incident::{Change, Incident};
use crate::policy::Judging;
use crate::settings::EngineSettings;
use crate::shard::{Now, Shard};
use crate::target::SeriesKey;
use crate::unwatched::Unwatched;

/// A series, as it is now.
#[derive(Debug, Clone)]
pub struct SeriesView {
    /// What it is called.
    pub labels: Labels,
    /// The signal that it tells, where its metric is known.
    pub signal: Option<String>,
    /// The unit of that signal, such as `seconds` or `bytes per second`, and what turns readings
    /// into it; readings themselves are as they were sent.
    pub unit: Option<(String, f64)>,
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
    /// Methods that policies assign to it: alone, and jointly with others.
    pub methods: Vec<MethodView>,
}

/// Series that have a method which policies assign, counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MethodCount {
    /// What the method is called.
    pub method: String,
    /// How it judges.
    pub judging: Judging,
    /// How far it has come.
    pub state: MethodState,
    /// Series that are so.
    pub series: usize,
    /// Streams that they make: as many for a method that judges each alone.
    pub streams: usize,
}

impl Engine {
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

    /// Series with methods that policies assign, by method, way of judging and state.
    #[must_use]
    pub fn methods(&self) -> Vec<MethodCount> {
        let mut counts: BTreeMap<(String, Judging, MethodState), (usize, usize)> = BTreeMap::new();
        let mut count = |view: MethodView, series: usize| {
            let key = (view.method.name().to_owned(), view.judging, view.state);
            let (all, streams) = counts.entry(key).or_default();
            (*all, *streams) = (*all + series, *streams + 1);
        };
        for shard in &self.shards {
            lock(shard).methods().for_each(|view| count(view, 1));
        }
        lock(&self.joints).views().for_each(|(view, series)| count(view, series));
        let counts = counts.into_iter();
        let counts = counts.map(|((method, judging, state), (series, streams))| MethodCount {
            method,
            judging,
            state,
            series,
            streams,
        });
        counts.collect()
    }

    /// The method of every stream that one judges, as it is now: of a series, or of several of a
    /// target.
    #[must_use]
    pub fn assigned(&self) -> Vec<MethodView> {
        let mut views = Vec::new();
        self.shards.iter().for_each(|shard| views.extend(lock(shard).methods()));
        views.extend(lock(&self.joints).views().map(|(view, _)| view));
        views
    }

    /// Bytes that methods which policies assign take, about.
    #[must_use]
    pub fn method_memory(&self) -> u64 {
        self.room.used() as u64
    }

    /// The methods of a series.
    fn methods_of(&self, shard: &Shard, (number, key): SeriesKey) -> Vec<MethodView> {
        let jointly = lock(&self.joints).view((number, key));
        shard.method(key).into_iter().chain(jointly).collect()
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
        for (number, shard) in self.shards.iter().enumerate() {
            let shard = lock(shard);
            for (key, labels, now) in shard.series().filter(|(_, labels, _)| wanted(labels)) {
                let Some(now) = now else { continue };
                let methods = self.methods_of(&shard, (number, key));
                views.push(view(&settings, labels, now, methods));
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
            let (number, key) = self.find(labels.as_ref())?;
            let shard = lock(&self.shards[number]);
            let (_, now) = shard.series_at(key)?;
            let methods = self.methods_of(&shard, (number, key));
            Some(view(&settings, labels, now?, methods))
        });
        (views.collect(), more)
    }
}

fn view(
    settings: &EngineSettings,
    labels: &Labels,
    now: Now,
    methods: Vec<MethodView>,
) -> SeriesView {
    let signal = match settings.knowledge.look_up(labels.as_ref().metric()) {
        Some(Known::Signal { signal, .. }) => Some(signal.name.clone()),
        _ => None,
    };
    let quantity = settings.knowledge.quantity(labels.as_ref().metric());
    SeriesView {
        labels: labels.clone(),
        signal,
        unit: quantity.map(|quantity| (quantity.unit(), quantity.scale)),
        time: now.time,
        reading: now.reading,
        expected: now.expected,
        band: now.band,
        deviation: now.deviation,
        ended: now.ended,
        methods,
    }
}

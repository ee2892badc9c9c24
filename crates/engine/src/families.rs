//! Histograms and summaries of a shard, and the series that are made of them.

use auscult_core::{Labels, LabelsRef, METRIC_NAME, Timestamp};
use auscult_telemetry::metrics::Histogram;
use hashbrown::HashTable;

use crate::signals::{Arrival, Distribution, Family, Figures, Part, QUANTILES};
use crate::slab::{Key, Slab};

/// A family, what it grows by, and the series that are made of it.
#[derive(Debug)]
pub(crate) struct Entry {
    family: Family,
    distribution: Distribution,
    /// Whether it is what is there now instead of what was counted.
    is_gauge: bool,
    /// Whether its count is judged by itself.
    has_count_series: bool,
    /// Where the series made of it are, in the order of [`Entry::readings`].
    pub(crate) made: [Option<Key>; MADE],
}

/// Most series that are made of a family: count, mean and quantiles.
pub(crate) const MADE: usize = 2 + QUANTILES.len();

impl Entry {
    /// What the family is called.
    pub(crate) fn labels(&self) -> LabelsRef<'_> {
        self.family.labels.as_ref()
    }

    /// The readings in `figures` by place among [`Entry::made`].
    pub(crate) fn readings(&self, figures: &Figures) -> [Option<f64>; MADE] {
        let mut readings = [None; MADE];
        readings[0] = (!self.has_count_series).then_some(figures.rate);
        readings[1] = figures.mean;
        readings[2..].copy_from_slice(&figures.quantiles);
        readings
    }

    /// What the series made of it at `place` is called; `None` where that cannot be.
    pub(crate) fn name(&self, place: usize) -> Option<Labels> {
        let labels = &self.family.labels;
        let metric = labels.as_ref().metric();
        let named =
            |suffix: &str| labels.with([(METRIC_NAME, format!("{metric}{suffix}").as_str())]).ok();
        match place {
            0 => named("_count"),
            1 => named("_mean"),
            place => labels.with([("quantile", QUANTILES[place - 2].1)]).ok(),
        }
    }
}

/// All families of a shard.
#[derive(Debug)]
pub(crate) struct Families {
    places: HashTable<Key>,
    pub(crate) entries: Slab<Entry>,
}

impl Families {
    pub(crate) const fn new() -> Self {
        Self { places: HashTable::new(), entries: Slab::new() }
    }

    /// The family called `labels`, whose `hash` this is.
    pub(crate) fn find(&self, labels: LabelsRef<'_>, hash: u64) -> Option<Key> {
        let is_it = |key: &Key| {
            self.entries.get(*key).is_some_and(|entry| entry.family.labels.as_ref() == labels)
        };
        self.places.find(hash, is_it).copied()
    }

    /// The family called `labels`, made if it is new; `hash` is what `hash_of` gives for them.
    pub(crate) fn find_or_make(
        &mut self,
        labels: LabelsRef<'_>,
        hash: u64,
        hash_of: impl Fn(LabelsRef<'_>) -> u64,
        (is_gauge, has_count_series): (bool, bool),
    ) -> Key {
        if let Some(key) = self.find(labels, hash) {
            return key;
        }
        let Self { places, entries } = self;
        let key = entries.insert(Entry {
            family: Family::new(labels.to_owned()),
            distribution: Distribution::default(),
            is_gauge,
            has_count_series,
            made: [None; MADE],
        });
        places.insert_unique(hash, key, |key| {
            entries.get(*key).map_or(0, |entry| hash_of(entry.family.labels.as_ref()))
        });
        key
    }

    /// Takes a part of a family in; gives figures when there are new ones.
    pub(crate) fn part(
        &mut self,
        key: Key,
        part: Part,
        (time, value): (Timestamp, f64),
        arrival: Arrival,
    ) -> Option<Figures> {
        let entry = self.entries.get_mut(key)?;
        if entry.family.is_set_back(part, time, arrival) {
            entry.distribution = Distribution::default();
        }
        let whole = entry.family.take(part, time, value)?;
        self.whole(key, time, whole, arrival)
    }

    /// Takes a whole histogram in; gives figures when there are new ones.
    pub(crate) fn whole(
        &mut self,
        key: Key,
        time: Timestamp,
        histogram: Histogram,
        arrival: Arrival,
    ) -> Option<Figures> {
        let entry = self.entries.get_mut(key)?;
        if entry.is_gauge {
            Some(Distribution::now(&histogram))
        } else {
            entry.distribution.step(time, histogram, arrival)
        }
    }

    /// Forgets every family for which `is_gone` holds.
    pub(crate) fn forget(
        &mut self,
        hash_of: impl Fn(LabelsRef<'_>) -> u64,
        is_gone: impl Fn(Key) -> bool,
    ) {
        let gone: Vec<(Key, u64)> = self
            .entries
            .iter()
            .filter(|(key, _)| is_gone(*key))
            .map(|(key, entry)| (key, hash_of(entry.family.labels.as_ref())))
            .collect();
        for (key, hash) in gone {
            if let Ok(place) = self.places.find_entry(hash, |other| *other == key) {
                place.remove();
            }
            self.entries.remove(key);
        }
    }
}

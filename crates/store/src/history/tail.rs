//! What is known of the segments of the log that are not in files yet.
//!
//! A segment is read once, as it grows, and what is remembered of it tells where to look: the labels
//! of its series, when each had its first and last sample, and of each block of samples which series
//! and which time it spans. Memory: 24 bytes a series, 40 a block, and labels up to a bound,
//! beyond which they are read again from the log. It comes with the first query and goes with the segment.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use auscult_core::{Labels, LabelsRef, Timestamp};

use super::selection::Selection;
use crate::error::StoreError;
use crate::log::{Log, Position, ReadTo, Replayed, SegmentEnd, read_block, read_on, read_series};

/// Bytes of labels that are kept of a segment.
const MOST_LABELS: usize = 32 << 20;

/// The segments that were asked of.
#[derive(Debug)]
pub(super) struct Tails {
    tails: Mutex<BTreeMap<u32, Arc<Mutex<Tail>>>>,
    most_labels: usize,
}

impl Default for Tails {
    fn default() -> Self {
        Self::keeping(MOST_LABELS)
    }
}

impl Tails {
    /// None yet; bytes of labels that are kept of a segment.
    fn keeping(most_labels: usize) -> Self {
        Self { tails: Mutex::default(), most_labels }
    }

    /// Hands on each of the `wanted` series behind segment `converted` that may have samples from
    /// `from` to `to`, as far as its first and last sample in a segment tell.
    pub(super) fn series(
        &self,
        log: &Log,
        converted: u32,
        wanted: &Selection<'_>,
        (from, to): (Timestamp, Timestamp),
        mut take: impl FnMut(LabelsRef<'_>, u8),
    ) -> Result<(), StoreError> {
        for (tail, length) in self.of(log, converted) {
            let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
            tail.read_on(length)?;
            tail.chosen(wanted, (from.nanos(), to.nanos()), |_, kind, labels| take(labels, kind))?;
        }
        Ok(())
    }

    /// Hands on the samples of those series, with those of the same blocks outside of that time.
    pub(super) fn samples(
        &self,
        log: &Log,
        converted: u32,
        wanted: &Selection<'_>,
        (from, to): (Timestamp, Timestamp),
        mut take: impl FnMut(LabelsRef<'_>, u8, &[(Timestamp, f64)]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for (tail, length) in self.of(log, converted) {
            let mut chosen: Vec<(u32, u8, Labels)> = Vec::new();
            let window = (from.nanos(), to.nanos());
            let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
            tail.read_on(length)?;
            tail.chosen(wanted, window, |number, kind, labels| {
                chosen.push((number, kind, labels.to_owned()));
            })?;
            let blocks: Vec<Block> = tail.blocks_of(&chosen, window);
            let (path, known) = (tail.path.clone(), tail.series.len() as u32);
            drop(tail);
            if blocks.is_empty() {
                continue;
            }
            let refuse = |source| StoreError::file(&path, source);
            let file = File::open(&path).map_err(refuse)?;
            let (mut room, mut taken) = (Vec::new(), Ok(()));
            for block in blocks {
                if wanted.is_over() {
                    return Ok(());
                }
                let is_sound = read_block(&file, block.at, known, &mut room, &mut |replayed| {
                    let Replayed::Samples { series, samples } = replayed else { return };
                    let place = chosen.binary_search_by_key(&series, |(number, ..)| *number);
                    if let (Ok(place), Ok(())) = (place, &taken) {
                        let (_, kind, labels) = &chosen[place];
                        taken = take(labels.as_ref(), *kind, samples);
                    }
                });
                if !is_sound.map_err(refuse)? {
                    return Err(StoreError::damaged(&path, "a block that was sound is no more"));
                }
                std::mem::replace(&mut taken, Ok(()))?;
            }
        }
        Ok(())
    }

    /// The segments behind `converted`, oldest first, each with its length; others are forgotten.
    fn of(&self, log: &Log, converted: u32) -> Vec<(Arc<Mutex<Tail>>, u64)> {
        let lengths = log.lengths(|number| number > converted);
        let mut tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        tails.retain(|number, _| *number > converted);
        let tail = |(number, length): (u32, u64)| {
            let new =
                || Arc::new(Mutex::new(Tail::new(number, log.path(number), self.most_labels)));
            (Arc::clone(tails.entry(number).or_insert_with(new)), length)
        };
        lengths.into_iter().map(tail).collect()
    }
}

/// What is known of one segment, as far as it was read.
#[derive(Debug)]
struct Tail {
    number: u32,
    path: PathBuf,
    read: ReadTo,
    /// Damaged: what stands behind is not read.
    is_damaged: bool,
    series: Vec<Series>,
    labels: KeptLabels,
    most_labels: usize,
    /// Where series stand one behind the other: the first, and how many.
    places: Vec<(Position, u32)>,
    blocks: Vec<Block>,
}

/// A series of a segment.
#[derive(Debug, Clone, Copy)]
struct Series {
    kind: u8,
    from: i64,
    to: i64,
}

/// Samples that stand together: where, of which series, of which time; bounds are inclusive.
#[derive(Debug, Clone, Copy)]
struct Block {
    at: Position,
    least: u32,
    most: u32,
    from: i64,
    to: i64,
}

impl Block {
    fn empty() -> Self {
        let at = Position::default();
        Self { at, least: u32::MAX, most: 0, from: i64::MAX, to: i64::MIN }
    }
}

#[derive(Debug)]
enum KeptLabels {
    /// All of them, and where each ends.
    All { bytes: Vec<u8>, ends: Vec<u32> },
    /// They would take too much.
    InLog,
}

impl Tail {
    fn new(number: u32, path: PathBuf, most_labels: usize) -> Self {
        Self {
            number,
            path,
            read: ReadTo::default(),
            is_damaged: false,
            series: Vec::new(),
            labels: KeptLabels::All { bytes: Vec::new(), ends: Vec::new() },
            most_labels,
            places: Vec::new(),
            blocks: Vec::new(),
        }
    }

    /// Takes in what was written since, up to byte `length`.
    fn read_on(&mut self, length: u64) -> Result<(), StoreError> {
        if self.is_damaged || length <= self.read.at {
            return Ok(());
        }
        let Self { series, labels, most_labels, places, blocks, .. } = self;
        let mut block = Block::empty();
        let mut are_series_last = false;
        let mut take = |replayed: Replayed<'_>| match replayed {
            Replayed::Series { position, kind, labels: new, .. } => {
                series.push(Series { kind, from: i64::MAX, to: i64::MIN });
                labels.push(new, *most_labels);
                match places.last_mut().filter(|_| are_series_last) {
                    Some((_, count)) => *count += 1,
                    None => places.push((position, 1)),
                }
                are_series_last = true;
            }
            Replayed::Samples { series: number, samples } => {
                let one = &mut series[number as usize];
                for (time, _) in samples {
                    one.from = one.from.min(time.nanos());
                    one.to = one.to.max(time.nanos());
                    block.from = block.from.min(time.nanos());
                    block.to = block.to.max(time.nanos());
                }
                block.least = block.least.min(number);
                block.most = block.most.max(number);
            }
            Replayed::Together { position, .. } => {
                blocks.push(Block { at: position, ..block });
                block = Block::empty();
                are_series_last = false;
            }
            Replayed::Segment => {}
        };
        match read_on(&self.path, self.number, self.read, length, &mut take) {
            Ok((read, end)) => {
                self.read = read;
                self.is_damaged = matches!(end, SegmentEnd::Damaged { .. });
                Ok(())
            }
            Err(error) => {
                // How much of it was taken in nobody knows: it begins anew.
                let path = std::mem::take(&mut self.path);
                *self = Self::new(self.number, path, self.most_labels);
                Err(error)
            }
        }
    }

    /// Hands on number, kind and labels of the series that are wanted and whose times fit, by number.
    fn chosen(
        &self,
        wanted: &Selection<'_>,
        (from, to): (i64, i64),
        mut take: impl FnMut(u32, u8, LabelsRef<'_>),
    ) -> Result<(), StoreError> {
        let mut look = |number: usize, labels: LabelsRef<'_>| {
            let series = &self.series[number];
            if series.to >= from && series.from <= to && wanted.wants(labels) {
                take(number as u32, series.kind, labels);
            }
        };
        match &self.labels {
            KeptLabels::All { bytes, ends } => {
                let mut start = 0;
                for (number, end) in ends.iter().enumerate() {
                    if number.is_multiple_of(1024) && wanted.is_over() {
                        break;
                    }
                    look(number, LabelsRef::decode_trusted(&bytes[start..*end as usize]));
                    start = *end as usize;
                }
            }
            KeptLabels::InLog => {
                let refuse = |source| StoreError::file(&self.path, source);
                let file = File::open(&self.path).map_err(refuse)?;
                let mut known = 0;
                for (at, count) in self.places.iter().filter(|_| !wanted.is_over()) {
                    let is_sound = read_series(&file, *at, known, *count, &mut |replayed| {
                        if let Replayed::Series { series, labels, .. } = replayed {
                            look(series as usize, labels);
                        }
                    });
                    if !is_sound.map_err(refuse)? {
                        let reason = "a series that was sound is no more";
                        return Err(StoreError::damaged(&self.path, reason));
                    }
                    known += count;
                }
            }
        }
        Ok(())
    }

    /// The blocks that may have samples of the chosen series, which ascend, in that time.
    fn blocks_of(&self, chosen: &[(u32, u8, Labels)], (from, to): (i64, i64)) -> Vec<Block> {
        let has_one = |block: &&Block| {
            let first = chosen.partition_point(|(number, ..)| *number < block.least);
            chosen.get(first).is_some_and(|(number, ..)| *number <= block.most)
        };
        let fits = |block: &&Block| block.to >= from && block.from <= to;
        self.blocks.iter().filter(fits).filter(has_one).copied().collect()
    }
}

impl KeptLabels {
    fn push(&mut self, labels: LabelsRef<'_>, most: usize) {
        let Self::All { bytes, ends } = self else { return };
        if bytes.len() + labels.bytes().len() > most {
            *self = Self::InLog;
            return;
        }
        bytes.extend_from_slice(labels.bytes());
        ends.push(bytes.len() as u32);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::history::selection::LabelMatcher;
    use crate::log::{LogSettings, LoggedSeries};

    fn labels(number: usize) -> Labels {
        let (gpu, host) = (number.to_string(), (number % 3).to_string());
        Labels::from_pairs([("__name__", "power"), ("gpu", &gpu), ("host", &host)]).unwrap()
    }

    /// A request: its first series, how many, and how late its samples are.
    #[derive(Debug, Clone)]
    enum Step {
        Append(usize, usize, i64),
        Close,
        Ask(usize, i64, i64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (0_usize..30, 1_usize..12, 0_i64..40).prop_map(|(a, b, c)| Step::Append(a, b, c)),
            1 => Just(Step::Close),
            3 => (0_usize..3, -20_i64..120, 0_i64..100).prop_map(|(a, b, c)| Step::Ask(a, b, c)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn a_log_that_grows_is_found_as_it_was_written(
            steps in proptest::collection::vec(step(), 1..40),
            most_labels in prop_oneof![Just(usize::MAX), Just(100_usize), Just(0_usize)],
        ) {
            static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
            let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let name = format!("auscult-tail-{}-{number}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            let log = Log::open(&folder, LogSettings::default()).unwrap();
            let tails = Tails::keeping(most_labels);
            let mut written: Vec<(Labels, Timestamp, f64)> = Vec::new();
            for (now, step) in steps.iter().enumerate() {
                match step {
                    Step::Append(first, count, late) => {
                        let time = Timestamp::from_seconds(2 * now as i64 - late);
                        let all: Vec<Labels> = (*first..first + count).map(labels).collect();
                        let value = now as f64;
                        let series = all.iter().map(|labels| LoggedSeries {
                            labels: labels.as_ref(),
                            kind: 2,
                            samples: [(time, value)],
                        });
                        log.append(Timestamp::from_seconds(2 * now as i64), series).unwrap();
                        written.extend(all.into_iter().map(|labels| (labels, time, value)));
                    }
                    Step::Close => log.close_segment(),
                    Step::Ask(host, from, length) => {
                        let host = host.to_string();
                        let wanted =
                            Selection::new(vec![vec![LabelMatcher::equal("host", host.clone())]]);
                        let (from, to) =
                            (Timestamp::from_seconds(*from), Timestamp::from_seconds(from + length));
                        let is_inside = |time: &Timestamp| (from..=to).contains(time);
                        let mut found = Vec::new();
                        let take = |labels: LabelsRef<'_>, kind: u8, some: &[(Timestamp, f64)]| {
                            assert_eq!(kind, 2);
                            let inside = some.iter().filter(|(time, _)| is_inside(time));
                            found.extend(inside.map(|(time, value)| (labels.to_owned(), *time, *value)));
                            Ok(())
                        };
                        tails.samples(&log, 0, &wanted, (from, to), take).unwrap();
                        let expected: Vec<_> = written
                            .iter()
                            .filter(|(labels, time, _)| {
                                labels.get("host") == Some(&host) && is_inside(time)
                            })
                            .cloned()
                            .collect();
                        prop_assert_eq!(&found, &expected);
                        let mut told = std::collections::BTreeSet::new();
                        let window = (from, to);
                        let take = |labels: LabelsRef<'_>, _| {
                            told.insert(labels.to_owned());
                        };
                        tails.series(&log, 0, &wanted, window, take).unwrap();
                        for (labels, ..) in &expected {
                            prop_assert!(told.contains(labels), "{}", labels);
                        }
                        for labels in &told {
                            prop_assert_eq!(labels.get("host"), Some(host.as_str()));
                        }
                    }
                }
            }
            std::fs::remove_dir_all(folder).unwrap();
        }
    }
}

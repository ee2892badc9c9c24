//! From closed segments of the log to a pair of Parquet files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use auscult_core::Labels;

use super::manifest::Entry;
use super::table::{TableWriter, order};
use crate::error::StoreError;
use crate::log::{Log, Position, Replayed, SegmentEnd, read_segment};

/// Samples that are sorted at a time: 24 bytes each.
const AT_ONCE: u64 = 2_000_000;

/// A segment that does not end as it should.
pub(super) type Odd = (u32, PathBuf, SegmentEnd);

struct Series {
    labels: Labels,
    kind: u8,
    samples: u64,
}

/// Writes the samples of `segments` as file `number`; `None` if there are none. Memory: the
/// labels of their series and two million samples, so segments are read once for every two
/// million samples in them.
pub(super) fn convert(
    log: &Log,
    segments: &[u32],
    folder: &Path,
    number: u32,
) -> Result<(Option<Entry>, Vec<Odd>), StoreError> {
    let mut series: Vec<Series> = Vec::new();
    let mut places: HashMap<Labels, u32> = HashMap::new();
    // For each segment, which of the series each of its numbers is.
    let mut numbers: Vec<Vec<u32>> = Vec::new();
    let mut odd = Vec::new();
    read_all(log, segments, &mut odd, |replayed| match replayed {
        Replayed::Segment => numbers.push(Vec::new()),
        Replayed::Series { kind, labels, .. } => {
            let labels = labels.to_owned();
            let place = *places.entry(labels.clone()).or_insert_with(|| {
                series.push(Series { labels, kind, samples: 0 });
                series.len() as u32 - 1
            });
            series[place as usize].kind = kind;
            numbers.last_mut().expect("a segment began").push(place);
        }
        Replayed::Samples { series: number, samples } => {
            let place = numbers.last().expect("a segment began")[number as usize];
            series[place as usize].samples += samples.len() as u64;
        }
        Replayed::Together { .. } => {}
    })?;
    drop(places);
    let mut sorted: Vec<u32> = (0..series.len() as u32).collect();
    sorted.sort_unstable_by(|one, other| {
        let labels = |place: &u32| series[*place as usize].labels.as_ref();
        order(labels(one), labels(other))
    });
    let mut rank = vec![0_u32; series.len()];
    for (place, one) in sorted.iter().enumerate() {
        rank[*one as usize] = place as u32;
    }
    let mut writer = TableWriter::create(folder, number, 0)?;
    let mut samples: Vec<(u32, i64, f64)> = Vec::new();
    let mut first = 0;
    while first < sorted.len() {
        let (mut last, mut count) = (first, 0);
        while last < sorted.len() && (last == first || count < AT_ONCE) {
            count += series[sorted[last] as usize].samples;
            last += 1;
        }
        samples.clear();
        samples.reserve(usize::try_from(count).unwrap_or(0));
        let mut segment = 0;
        let wanted = first as u32..last as u32;
        read_all(log, segments, &mut Vec::new(), |replayed| match replayed {
            Replayed::Segment => segment += 1,
            Replayed::Samples { series: number, samples: new } => {
                let rank = rank[numbers[segment - 1][number as usize] as usize];
                if wanted.contains(&rank) {
                    samples.extend(new.iter().map(|(time, value)| (rank, time.nanos(), *value)));
                }
            }
            Replayed::Series { .. } | Replayed::Together { .. } => {}
        })?;
        // Of samples at one time the last that came counts.
        samples.sort_by_key(|(rank, time, _)| (*rank, *time));
        let mut rest = samples.as_slice();
        for place in first..last {
            let end = rest.partition_point(|(rank, ..)| *rank as usize <= place);
            let own = &rest[..end];
            rest = &rest[end..];
            let kept = own.iter().enumerate().filter(|(at, (_, time, _))| {
                own.get(at + 1).is_none_or(|(_, next, _)| next != time)
            });
            let one = &series[sorted[place] as usize];
            let kept = kept.map(|(_, (_, time, value))| Ok((*time, *value)));
            writer.series(one.labels.as_ref(), one.kind, kept)?;
        }
        first = last;
    }
    Ok((writer.finish()?, odd))
}

fn read_all(
    log: &Log,
    segments: &[u32],
    odd: &mut Vec<Odd>,
    mut take: impl FnMut(Replayed<'_>),
) -> Result<(), StoreError> {
    for number in segments {
        let path = log.path(*number);
        let end = read_segment(&path, *number, Position::default(), &mut take)?;
        if end != SegmentEnd::Whole {
            odd.push((*number, path, end));
        }
    }
    Ok(())
}

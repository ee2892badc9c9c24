//! The write-ahead log.

use std::collections::BTreeMap;
use std::fs;

use auscult_core::Labels;
use auscult_store::{Log, LogSettings, Position, Replayed, SegmentEnd};

use super::files::{append, damage, folder, labels, named, open, seconds, value};

type BySeries = BTreeMap<Labels, Vec<(i64, f64)>>;

/// Everything at `from` and later, by labels; and how segments end that do not end well.
fn read(log: &Log, from: Position) -> (BySeries, Vec<SegmentEnd>) {
    let mut known: Vec<Labels> = Vec::new();
    let mut found = BySeries::new();
    let odd = log.replay(from, |replayed| match replayed {
        Replayed::Segment => known.clear(),
        Replayed::Series { labels, kind, .. } => {
            assert_eq!(kind, 1);
            known.push(labels.to_owned());
        }
        Replayed::Samples { series, samples } => {
            let own = found.entry(known[series as usize].clone()).or_default();
            own.extend(samples.iter().map(|(time, value)| (time.nanos(), *value)));
        }
        Replayed::Together { position, .. } => assert!(position >= from),
    });
    (found, odd.unwrap().into_iter().map(|(_, end)| end).collect())
}

fn samples(log: &Log) -> usize {
    read(log, Position::default()).0.values().map(Vec::len).sum()
}

#[test]
fn what_was_appended_comes_back_from_any_place_on_and_over_a_restart() {
    let folder = folder("log-replay");
    let log = open(&folder);
    let places: Vec<Position> = (0..20).map(|second| append(&log, 0..7, second)).collect();
    drop(log);
    let log = open(&folder);
    append(&log, 3..9, 20);
    let (all, odd) = read(&log, Position::default());
    assert_eq!(odd, []);
    assert_eq!(all.len(), 9);
    let expected: Vec<(i64, f64)> =
        (0..21).map(|second| (seconds(second).nanos(), value(4, second))).collect();
    assert_eq!(all[&labels(4)], expected);
    assert_eq!(read(&log, places[15]).0[&labels(4)], expected[15..]);
    assert_eq!(read(&log, log.position()).0.len(), 0);
    assert_eq!(log.size().segments, 2);
}

#[test]
fn a_segment_cut_anywhere_gives_what_is_whole() {
    let folder = folder("log-torn");
    let log = open(&folder);
    let mut sizes = vec![log.size().bytes];
    for second in 0..4 {
        append(&log, 0..3, second);
        sizes.push(log.size().bytes);
    }
    drop(log);
    let path = named(&folder, ".log").remove(0);
    let whole = fs::read(&path).unwrap();
    for end in 0..=whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        let log = open(&folder);
        let complete = sizes.iter().filter(|size| **size > 0 && **size <= end as u64).count();
        assert_eq!(samples(&log), 3 * complete, "cut at {end}");
    }
}

#[test]
fn damage_in_the_middle_is_told_and_the_next_segments_are_read() {
    let folder = folder("log-damaged");
    let log = open(&folder);
    append(&log, 0..3, 0);
    let at = log.size().bytes as usize;
    append(&log, 0..3, 1);
    append(&log, 0..3, 2);
    drop(log);
    damage(&named(&folder, ".log")[0], at + 12);
    let log = open(&folder);
    append(&log, 0..3, 3);
    let (_, odd) = read(&log, Position::default());
    let size = fs::metadata(&named(&folder, ".log")[0]).unwrap().len();
    assert_eq!(odd, [SegmentEnd::Damaged { at: at as u64, bytes: size - at as u64 }]);
    assert_eq!(samples(&log), 6);
}

#[test]
fn a_segment_of_a_newer_release_is_refused_in_words() {
    let folder = folder("log-newer");
    let log = open(&folder);
    append(&log, 0..1, 0);
    let path = named(&folder, ".log").remove(0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[7] = 9;
    fs::write(&path, bytes).unwrap();
    let error = log.replay(Position::default(), |_| {}).unwrap_err().to_string();
    assert!(error.contains("newer release (version 9, this one reads up to 1)"), "{error}");
}

#[test]
fn segments_are_closed_by_size_by_age_and_by_number_of_series() {
    let folder = folder("log-closed");
    let settings = LogSettings { segment_bytes: 600, ..LogSettings::default() };
    let log = Log::open(&folder, settings).unwrap();
    for second in 0..30 {
        append(&log, 0..3, second);
    }
    assert!(log.size().segments >= 2, "{:?}", log.size());
    let before = log.size().segments;
    append(&log, 0..3, 30);
    append(&log, 0..3, 30 + 3 * 3600);
    append(&log, 0..3, 31 + 3 * 3600);
    assert!(log.size().segments > before);
    assert_eq!(samples(&log), 33 * 3);
    log.sync().unwrap();
    drop(log);
    let settings = LogSettings { segment_series: 10, ..LogSettings::default() };
    let log = Log::open(&folder, settings).unwrap();
    let before = log.size().segments;
    for second in 0..9 {
        append(&log, 0..9, second);
    }
    assert_eq!(log.size().segments, before + 1, "always the same series");
    for turn in 0..9 {
        append(&log, turn * 9..turn * 9 + 9, 9);
    }
    assert!(log.size().segments > before + 4, "always others: {:?}", log.size());
    log.sync().unwrap();
}

//! Samples in Parquet files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use auscult_core::{LabelsRef, Timestamp};
use auscult_store::{
    Found, History, HistorySettings, LabelMatcher, Log, LogSettings, LoggedSeries, Position,
    Selection, StoreError,
};

use super::files::{append, damage, folder, labels, named, open, seconds, value};

const ALL: Timestamp = Timestamp::from_nanos(i64::MAX);

fn history(folder: &Path, settings: HistorySettings) -> (History, Vec<String>) {
    History::open(folder.join("history"), settings).unwrap()
}

fn scan(history: &History, log: &Log, wanted: &Selection<'_>) -> Vec<Found> {
    history.scan(log, wanted, seconds(0), ALL, usize::MAX).unwrap()
}

/// The series with this label.
fn gpu(gpu: &str) -> Selection<'static> {
    Selection::new(vec![vec![LabelMatcher::equal("gpu", gpu)]])
}

fn count(found: &[Found]) -> usize {
    found.iter().map(|one| one.samples.len()).sum()
}

/// Writes `segments` closed segments of ten seconds of five series each.
fn fill(log: &Log, segments: i64) {
    for second in 0..10 * segments {
        append(log, 0..5, second);
        if second % 10 == 9 {
            log.close_segment();
        }
    }
}

#[test]
fn samples_are_the_same_in_log_files_and_merged_files() {
    let folder = folder("history");
    let log = open(&folder.join("log"));
    let (history, _) = history(&folder, HistorySettings::default());
    assert_eq!(history.span(&log).unwrap(), None);
    fill(&log, 3);
    let check = |after: &str| {
        let all = scan(&history, &log, &Selection::all());
        assert_eq!((all.len(), count(&all)), (5, 150), "{after}");
        let one = scan(&history, &log, &gpu("3"));
        let expected: Vec<(Timestamp, f64)> =
            (0..30).map(|second| (seconds(second), value(3, second))).collect();
        assert_eq!(one[0].labels, labels(3));
        assert_eq!(one[0].samples, expected, "{after}");
        let some =
            history.scan(&log, &Selection::all(), seconds(5), seconds(14), usize::MAX).unwrap();
        assert_eq!(count(&some), 50, "{after}");
        assert_eq!(history.span(&log).unwrap(), Some((seconds(0), seconds(29))), "{after}");
    };
    check("in the log");
    // What a checkpoint still needs stays in the log, and is not found twice.
    let done = history.maintain(&log, Position::default(), seconds(30)).unwrap();
    assert_eq!((done.converted, log.size().segments), (3, 3));
    check("in both");
    history.maintain(&log, log.position(), seconds(30)).unwrap();
    assert_eq!((log.size().segments, history.size().samples), (0, 150));
    check("in files");
}

#[test]
fn many_files_become_few_and_hold_the_same() {
    let folder = folder("history-merged");
    let log = open(&folder.join("log"));
    let (history, _) = history(&folder, HistorySettings::default());
    for second in 0..200 {
        // Series come and go, and some samples come late or twice.
        append(&log, (second as usize / 40)..(5 + second as usize / 40), second);
        if second % 7 == 0 {
            append(&log, 4..6, (second - 10).max(0));
        }
        if second % 10 == 9 {
            log.close_segment();
            history.maintain(&log, log.position(), seconds(second)).unwrap();
        }
    }
    assert!(history.size().files <= 6, "{:?}", history.size());
    let found = scan(&history, &log, &Selection::all());
    for one in &found {
        assert!(one.samples.windows(2).all(|pair| pair[0].0 < pair[1].0), "{}", one.labels);
        let gpu: usize = one.labels.get("gpu").unwrap().parse().unwrap();
        let right =
            |(time, found): &(Timestamp, f64)| *found == value(gpu, time.nanos() / 1_000_000_000);
        assert!(one.samples.iter().all(right), "{}", one.labels);
    }
    let always = found.iter().find(|one| one.labels == labels(4)).unwrap();
    assert_eq!(always.samples.len(), 200);
    // Files and log agree with a second reader that knows nothing of the first.
    drop(history);
    let (history, notes) = self::history(&folder, HistorySettings::default());
    assert_eq!(notes, Vec::<String>::new());
    assert_eq!(scan(&history, &log, &Selection::all()), found);
}

#[test]
fn values_keep_their_bits() {
    let folder = folder("history-bits");
    let log = open(&folder.join("log"));
    let (history, _) = history(&folder, HistorySettings::default());
    let stale = f64::from_bits(0x7ff0_0000_0000_0002);
    let values = [stale, f64::NAN, f64::INFINITY, -0.0, f64::MIN_POSITIVE, 1e300];
    let labels = labels(0);
    let samples = (0..).zip(values).map(|(second, value)| (seconds(second), value));
    let one = LoggedSeries { labels: labels.as_ref(), kind: 2, samples };
    log.append(seconds(9), [one]).unwrap();
    log.close_segment();
    history.maintain(&log, log.position(), seconds(9)).unwrap();
    let found = scan(&history, &log, &Selection::all());
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let back: Vec<f64> = found[0].samples.iter().map(|(_, value)| *value).collect();
    assert_eq!((bits(&back), found[0].kind), (bits(&values), 2));
}

#[test]
fn what_is_too_old_or_too_much_is_dropped_oldest_first() {
    let folder = folder("history-retention");
    let log = open(&folder.join("log"));
    fill(&log, 6);
    let settings =
        HistorySettings { keep_for: Some(Duration::from_secs(25)), ..HistorySettings::default() };
    let (by_age, _) = history(&folder, settings);
    // Segments become one file while they are small; converted one by one here.
    by_age.maintain(&log, Position::default(), seconds(30)).unwrap();
    let done = by_age.maintain(&log, log.position(), seconds(100)).unwrap();
    assert_eq!(done.dropped, 1);
    assert_eq!(by_age.size().files, 0);
    drop(by_age);
    fill(&log, 1);
    let (by_bytes, _) =
        history(&folder, HistorySettings { most_bytes: Some(1), ..HistorySettings::default() });
    let done = by_bytes.maintain(&log, log.position(), seconds(100)).unwrap();
    assert_eq!((done.converted, done.dropped), (1, 1));
    assert!(named(&folder.join("history"), "parquet").is_empty());
}

#[test]
fn too_large_an_answer_is_refused_in_words() {
    let folder = folder("history-most");
    let log = open(&folder.join("log"));
    let (history, _) = history(&folder, HistorySettings::default());
    fill(&log, 2);
    history.maintain(&log, log.position(), seconds(20)).unwrap();
    let error = history.scan(&log, &Selection::all(), seconds(0), ALL, 99).unwrap_err();
    assert!(matches!(error, StoreError::TooMany { most: 99 }), "{error}");
}

#[test]
fn a_damaged_segment_gives_what_stood_before_and_is_kept() {
    let folder = folder("history-damaged-log");
    let log = open(&folder.join("log"));
    append(&log, 0..5, 0);
    let at = log.size().bytes as usize;
    append(&log, 0..5, 1);
    append(&log, 0..5, 2);
    log.close_segment();
    damage(&named(&folder.join("log"), ".log")[0], at + 20);
    let (history, _) = history(&folder, HistorySettings::default());
    let done = history.maintain(&log, log.position(), seconds(3)).unwrap();
    assert!(done.set_aside[0].contains("damaged-1"), "{:?}", done.set_aside);
    assert_eq!(count(&scan(&history, &log, &Selection::all())), 5);
    assert_eq!(named(&folder.join("log"), "damaged-1").len(), 1);
}

#[test]
fn a_damaged_file_is_set_aside_and_the_others_are_merged() {
    let folder = folder("history-damaged-file");
    let log = open(&folder.join("log"));
    let (history, _) = history(&folder, HistorySettings::default());
    for second in 0..70 {
        append(&log, 0..5, second);
        if second % 10 == 9 {
            log.close_segment();
            history.maintain(&log, log.position(), seconds(second)).unwrap();
        }
    }
    let path = named(&folder.join("history"), "00000003.parquet").remove(0);
    let length = fs::metadata(&path).unwrap().len() as usize;
    damage(&path, length - 2);
    let mut set_aside = Vec::new();
    for second in 70..100 {
        append(&log, 0..5, second);
        if second % 10 == 9 {
            log.close_segment();
            let done = history.maintain(&log, log.position(), seconds(second)).unwrap();
            set_aside.extend(done.set_aside);
        }
    }
    assert_eq!(set_aside.len(), 1, "{set_aside:?}");
    assert!(set_aside[0].contains("00000003.parquet is damaged"), "{set_aside:?}");
    assert_eq!(count(&scan(&history, &log, &Selection::all())), 90 * 5);
}

#[test]
fn a_damaged_manifest_is_made_anew_and_a_newer_one_refused() {
    let folder = folder("history-manifest");
    let log = open(&folder.join("log"));
    fill(&log, 3);
    let (first, _) = history(&folder, HistorySettings::default());
    first.maintain(&log, log.position(), seconds(30)).unwrap();
    drop(first);
    let path = folder.join("history").join("manifest.json");
    damage(&path, 0);
    let (second, notes) = history(&folder, HistorySettings::default());
    assert!(notes[0].contains("manifest.json.damaged-1"), "{notes:?}");
    assert_eq!(count(&scan(&second, &log, &Selection::all())), 150);
    fs::write(&path, r#"{"version": 7}"#).unwrap();
    let error = History::open(folder.join("history"), HistorySettings::default()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 7, .. }), "{error}");
}

#[test]
fn many_series_are_sorted_in_parts_and_found_by_their_rows() {
    let folder = folder("history-many");
    let settings = LogSettings { segment_bytes: 1 << 30, ..LogSettings::default() };
    let log = Log::open(folder.join("log"), settings).unwrap();
    // More samples than are sorted at a time, and than a row group holds.
    let names: Vec<_> = (0..3000).map(labels).collect();
    for block in 0..7 {
        let batch = names.iter().enumerate().map(|(number, labels)| LoggedSeries {
            labels: labels.as_ref(),
            kind: 0,
            samples: (100 * block..100 * (block + 1))
                .map(move |second| (seconds(second), value(number, second))),
        });
        log.append(seconds(100 * block), batch).unwrap();
    }
    log.close_segment();
    let (history, _) = history(&folder, HistorySettings::default());
    history.maintain(&log, log.position(), seconds(700)).unwrap();
    assert_eq!(history.size().samples, 2_100_000);
    for number in [0, 7, 1500, 2999] {
        let gpu = number.to_string();
        let found = history.scan(&log, &self::gpu(&gpu), seconds(0), ALL, 700).unwrap();
        let expected: Vec<(Timestamp, f64)> =
            (0..700).map(|second| (seconds(second), value(number, second))).collect();
        assert_eq!(found[0].samples, expected);
    }
}

#[test]
fn series_are_told_from_files_and_log_without_their_samples() {
    let folder = folder("history-series");
    let log = open(&folder.join("log"));
    let (history, _) = history(&folder, HistorySettings::default());
    append(&log, 0..3, 10);
    log.close_segment();
    history.maintain(&log, log.position(), seconds(11)).unwrap();
    append(&log, 2..5, 20);
    assert_eq!(history.size().files, 1);
    let told = |from, to| {
        let found = history.series(&log, &Selection::all(), seconds(from), seconds(to)).unwrap();
        let scanned =
            history.scan(&log, &Selection::all(), seconds(from), seconds(to), 1000).unwrap();
        let scanned: Vec<_> = scanned.into_iter().map(|one| (one.labels, one.kind)).collect();
        assert_eq!(found, scanned, "as a scan has them");
        let mut handed_on = BTreeSet::new();
        let (everything, from, to) = (Selection::all(), seconds(from), seconds(to));
        let take = |labels: LabelsRef<'_>| handed_on.extend([labels.to_owned()]);
        history.each_series(&log, &everything, from, to, take).unwrap();
        assert!(handed_on.iter().eq(scanned.iter().map(|(labels, _)| labels)));
        // Every second one of them, and one that is not there.
        let mut some: Vec<_> = handed_on.iter().step_by(2).cloned().collect();
        some.push(labels(9));
        some.sort();
        let these = history.scan_these(&log, &some, from, to, 1000).unwrap();
        let all = history.scan(&log, &everything, from, to, 1000).unwrap();
        assert!(these.iter().eq(all.iter().step_by(2)));
        found.len()
    };
    assert_eq!((told(0, 100), told(0, 15), told(15, 100), told(12, 18)), (5, 3, 3, 0));
    let none = history.series(&log, &Selection::new(Vec::new()), seconds(0), seconds(100)).unwrap();
    assert!(none.is_empty());
}

#[test]
fn an_index_that_is_missing_damaged_or_of_other_files_is_made_again() {
    let folder = folder("history-index");
    let log = open(&folder.join("log"));
    let (history, _) = history(&folder, HistorySettings::default());
    fill(&log, 1);
    history.maintain(&log, log.position(), seconds(10)).unwrap();
    let path = named(&folder.join("history"), ".index").remove(0);
    let sound = fs::read(&path).unwrap();
    let check = |what: &str| {
        let found = scan(&history, &log, &gpu("3"));
        assert_eq!((found.len(), count(&found)), (1, 10), "{what}");
        assert_eq!(found[0].labels, labels(3), "{what}");
        let names = history.label_names(&log, &Selection::all(), seconds(0), ALL).unwrap();
        assert_eq!(names, labels(0).iter().map(|(name, _)| name.to_owned()).collect(), "{what}");
        let values = history.label_values(&log, "gpu", &Selection::all(), seconds(0), ALL);
        assert_eq!(values.unwrap(), (0..5).map(|gpu| gpu.to_string()).collect(), "{what}");
        assert_eq!(fs::read(&path).unwrap(), sound, "{what}: it is as it was");
    };
    check("as written");
    fs::remove_file(&path).unwrap();
    check("missing");
    for at in [0, sound.len() - 30, sound.len() - 1] {
        damage(&path, at);
        check("damaged");
    }
    fs::write(&path, &sound[..sound.len() / 2]).unwrap();
    check("cut");
    // That of files of another size, such as an earlier copy of the folder has.
    let (other, other_log) = (self::folder("history-index-other"), "log");
    let other_log = open(&other.join(other_log));
    let (second, _) = self::history(&other, HistorySettings::default());
    fill(&other_log, 2);
    second.maintain(&other_log, other_log.position(), seconds(20)).unwrap();
    fs::copy(named(&other.join("history"), ".index").remove(0), &path).unwrap();
    check("of other files");
}

#[test]
fn names_and_values_are_those_of_the_series_in_files_and_log() {
    let folder = folder("history-words");
    let log = open(&folder.join("log"));
    let (history, _) = history(&folder, HistorySettings::default());
    append(&log, 0..3, 10);
    log.close_segment();
    history.maintain(&log, log.position(), seconds(11)).unwrap();
    append(&log, 2..5, 20);
    let not_four = || {
        let matcher = LabelMatcher::that("gpu", |gpu| gpu != "4");
        Selection::new(vec![vec![matcher]])
    };
    for (from, to) in [(0, 100), (0, 15), (15, 100), (12, 18)] {
        let (from, to) = (seconds(from), seconds(to));
        for wanted in [Selection::all(), gpu("2"), not_four(), Selection::new(Vec::new())] {
            let series = history.series(&log, &wanted, from, to).unwrap();
            let pairs = || series.iter().flat_map(|(labels, _)| labels.iter());
            let names = history.label_names(&log, &wanted, from, to).unwrap();
            assert_eq!(names, pairs().map(|(name, _)| name.to_owned()).collect());
            let values = history.label_values(&log, "gpu", &wanted, from, to).unwrap();
            let gpus = pairs().filter(|(name, _)| *name == "gpu");
            assert_eq!(values, gpus.map(|(_, value)| value.to_owned()).collect());
        }
    }
}

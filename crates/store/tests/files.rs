//! Folders of single tests, and damage to files.

use std::fs;
use std::path::{Path, PathBuf};

use auscult_core::{Labels, Timestamp};
use auscult_store::{Log, LogSettings, LoggedSeries, Position};

/// An empty folder that other tests do not touch.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("store").join(name);
    if path.exists() {
        fs::remove_dir_all(&path).unwrap();
    }
    fs::create_dir_all(&path).unwrap();
    path
}

/// The files of a folder whose names contain `part`, by name.
pub(crate) fn named(folder: &Path, part: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.file_name().unwrap().to_string_lossy().contains(part));
    paths.sort();
    paths
}

/// Turns the bits of one byte around.
pub(crate) fn damage(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0xff;
    fs::write(path, bytes).unwrap();
}

pub(crate) fn labels(number: usize) -> Labels {
    let gpu = number.to_string();
    let metric = format!("metric_{}", number % 3);
    Labels::from_pairs([("__name__", metric.as_str()), ("gpu", &gpu)]).unwrap()
}

pub(crate) fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

pub(crate) fn open(folder: &Path) -> Log {
    Log::open(folder, LogSettings::default()).unwrap()
}

/// Appends one sample of each of `series` at `second`; its value says which it is.
pub(crate) fn append(log: &Log, series: std::ops::Range<usize>, second: i64) -> Position {
    let labels: Vec<Labels> = series.clone().map(labels).collect();
    let batch = series.zip(&labels).map(|(number, labels)| LoggedSeries {
        labels: labels.as_ref(),
        kind: 1,
        samples: [(seconds(second), value(number, second))],
    });
    log.append(seconds(second), batch).unwrap()
}

pub(crate) fn value(series: usize, second: i64) -> f64 {
    series as f64 + second as f64 / 1024.0
}

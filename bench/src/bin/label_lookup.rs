//! Finds a few of many stored series: how long queries of others look for what they are of.
//!
//! `label_lookup FOLDER SERIES` writes `SERIES` series of seven labels into FOLDER, which must not
//! exist, four samples each: half of them into a file of the history, the rest into the log. Then it
//! asks for ten series by labels and by a pattern, for names, and for values, each 15 times, once of
//! the file alone and once of file and log. Prints a line of JSON for each, with the median.

use std::fs;
use std::path::Path;
use std::time::Instant;

use auscult_core::{Labels, Timestamp};
use auscult_store::{
    History, HistorySettings, LabelMatcher, Log, LogSettings, LoggedSeries, Selection,
};
use serde_json::json;

/// Series of a batch, as many as Prometheus sends at once by default.
const IN_ONE: usize = 2000;
/// Seconds between samples.
const STEP: i64 = 15;
const BEGIN: i64 = 1_700_000_000;
const TIMES: usize = 15;

fn labels(number: usize) -> Labels {
    let (metric, instance) = (number % 500, number / 500);
    let metric = format!("vllm:made_up_metric_{metric}");
    let address = format!("10.0.{}.{}:8000", instance / 256, instance % 256);
    let rack = format!("rack-{}", instance / 10);
    let pairs = [
        ("__name__", metric.as_str()),
        ("instance", &address),
        ("rack", &rack),
        ("job", "llm"),
        ("model_name", "meta-llama/Llama-3.1-70B-Instruct"),
        ("namespace", "inference"),
        ("cluster", "a"),
    ];
    Labels::from_pairs(pairs).expect("sound labels")
}

fn append(log: &Log, all: &[Labels], steps: std::ops::Range<i64>) {
    for step in steps {
        let time = Timestamp::from_seconds(BEGIN + STEP * step);
        for some in all.chunks(IN_ONE) {
            let series = some.iter().map(|labels| LoggedSeries {
                labels: labels.as_ref(),
                kind: 1,
                samples: [(time, step as f64)],
            });
            log.append(time, series).expect("the disk takes it");
        }
    }
}

/// Kilobytes that the kernel counts under `key` for this process.
fn memory(key: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn measure(what: &str, of: &str, ask: impl Fn() -> usize) {
    let mut seconds = Vec::new();
    let mut found = 0;
    for _ in 0..TIMES {
        let start = Instant::now();
        found = ask();
        seconds.push(start.elapsed().as_secs_f64());
    }
    let first = seconds[0];
    seconds.sort_by(f64::total_cmp);
    let median = seconds[TIMES / 2];
    let line = json!({"ask": what, "of": of, "found": found, "first_s": first, "median_s": median});
    println!("{line}");
}

fn ask_all(history: &History, log: &Log, of: &str, from: i64, to: i64) {
    let (from, to) = (Timestamp::from_seconds(from), Timestamp::from_seconds(to));
    let metric = || LabelMatcher::equal("__name__", "vllm:made_up_metric_7");
    let ten = || Selection::new(vec![vec![metric(), LabelMatcher::equal("rack", "rack-77")]]);
    let pattern = || {
        let is_one = |value: &str| value.starts_with("10.0.3.2") && value.len() == 13;
        Selection::new(vec![vec![metric(), LabelMatcher::that("instance", is_one)]])
    };
    let samples = |wanted: &Selection<'_>| {
        let found = history.scan(log, wanted, from, to, usize::MAX).expect("readable");
        found.len()
    };
    measure("samples of 10 by labels", of, || samples(&ten()));
    measure("samples of 10 by a pattern", of, || samples(&pattern()));
    measure("series by labels", of, || {
        history.series(log, &ten(), from, to).expect("readable").len()
    });
    measure("names of labels", of, || {
        history.label_names(log, &Selection::all(), from, to).expect("readable").len()
    });
    measure("values of instance", of, || {
        let all = Selection::all();
        history.label_values(log, "instance", &all, from, to).expect("readable").len()
    });
    measure("values of instance of one metric", of, || {
        let one = Selection::new(vec![vec![metric()]]);
        history.label_values(log, "instance", &one, from, to).expect("readable").len()
    });
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, series] = arguments.as_slice() else {
        eprintln!("usage: label_lookup FOLDER SERIES");
        std::process::exit(2);
    };
    let folder = Path::new(folder);
    let count: usize = series.parse().expect("a number of series");
    if folder.exists() {
        eprintln!("{} is there already: name a folder that is not", folder.display());
        std::process::exit(2);
    }
    let all: Vec<Labels> = (0..count).map(labels).collect();
    let log = Log::open(folder.join("log"), LogSettings::default()).expect("a log");
    let (history, _) =
        History::open(folder.join("history"), HistorySettings::default()).expect("a history");
    append(&log, &all, 0..2);
    log.close_segment();
    let start = Instant::now();
    let now = Timestamp::from_seconds(BEGIN + STEP * 2);
    history.maintain(&log, log.position(), now).expect("the disk takes it");
    let seconds = start.elapsed().as_secs_f64();
    let files = fs::read_dir(folder.join("history")).expect("a folder");
    let sizes: Vec<(String, u64)> = files
        .filter_map(|file| {
            let file = file.ok()?;
            Some((file.file_name().display().to_string(), file.metadata().ok()?.len()))
        })
        .collect();
    println!("{}", json!({"conversion_s": seconds, "bytes": sizes}));
    append(&log, &all, 2..4);
    let before = memory("VmRSS:");
    ask_all(&history, &log, "file and log", BEGIN, BEGIN + STEP * 4);
    let (after, log_bytes) = (memory("VmRSS:"), log.size().bytes);
    println!("{}", json!({"before_kb": before, "after_kb": after, "log_bytes": log_bytes}));
    log.close_segment();
    // Held back by nothing: from here on all of it is in files.
    history.maintain(&log, log.position(), now).expect("room");
    ask_all(&history, &log, "files", BEGIN, BEGIN + STEP * 4);
    ask_all(&history, &log, "files, half of the time", BEGIN + STEP, BEGIN + STEP * 2);
}

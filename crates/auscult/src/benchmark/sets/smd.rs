//! The Server Machine Dataset.

use std::path::Path;

use auscult_evaluate::Segment;

use super::super::Mode;
use super::super::files::{flags, names as list, rows, text, wrong};
use super::super::series::{Guilty, Series, clock};
use super::{ALARM_RATE, Column, DELAY, FOUND, Published, Set, column, with_interval};
use crate::outcome::CallError;

pub(super) const SET: Set = Set {
    name: "smd",
    title: "Server Machine Dataset",
    source: "github NetManAIOps/OmniAnomaly (labels) and zhhlee/InterFusion (values)",
    layout: "smd/MACHINE/train.csv.gz, test.csv.gz, test_label.csv.gz and interpretation_label.txt",
    protocol: "The training part is for learning, without labels; the test part is scored. Means over machines. \
               F1 counts rows without point adjustment: best F1 is the oracle over thresholds, F1 takes the method's \
               own threshold. Hit rates say whether the guilty metrics are named at the strangest row of an anomaly. \
               Rows are a minute apart.",
    modes: &[Mode::Streaming, Mode::Trained],
    columns: MACHINE_COLUMNS,
    published: &[
        Published {
            who: "PCA, 10 components, smoothed",
            values: &[("best_f1", 0.602), ("auc_pr", 0.548)],
            note: "looks ahead; best of three normalisations; measured on these four machines",
        },
        Published {
            who: "PCA residual",
            values: &[("best_f1", 0.534), ("auc_pr", 0.479)],
            note: "causal; measured on these four machines",
        },
    ],
    in_tsb: None,
    names: |data| machines(&data.join("smd")),
    load: |data, name| machine(&data.join("smd").join(name), name, 60, false),
    pooled: None,
};

/// What is shown for servers with a training and a test part.
pub(super) const MACHINE_COLUMNS: &[Column] = &[
    with_interval("auc_pr", "AUC-PR"),
    with_interval("vus_pr", "VUS-PR"),
    column("best_f1", "best F1", 3),
    column("f1", "F1", 3),
    column("hit_100", "hit rate @100 %", 2),
    column("hit_150", "@150 %", 2),
    FOUND,
    DELAY,
    ALARM_RATE,
];

/// The machines in `folder`.
pub(super) fn machines(folder: &Path) -> Result<Vec<String>, CallError> {
    let names = list(folder, "")?;
    Ok(names.into_iter().filter(|name| folder.join(name).join("test.csv.gz").exists()).collect())
}

/// The machine in `folder`; ranges of guilty metrics hold their end if `closed`.
pub(super) fn machine(
    folder: &Path,
    name: &str,
    step_seconds: i64,
    closed: bool,
) -> Result<Series, CallError> {
    let (mut readings, channels) = rows(&folder.join("train.csv.gz"))?;
    let train = readings.len() / channels;
    let (test, test_channels) = rows(&folder.join("test.csv.gz"))?;
    if test_channels != channels {
        let why = format!("expected {channels} columns as in train.csv.gz, got {test_channels}");
        return Err(wrong(&folder.join("test.csv.gz"), why));
    }
    readings.extend(test);
    let mut labels = vec![false; train];
    labels.extend(flags(&folder.join("test_label.csv.gz"))?);
    if labels.len() * channels != readings.len() {
        return Err(wrong(
            &folder.join("test_label.csv.gz"),
            "expected one label for each test row",
        ));
    }
    let path = folder.join("interpretation_label.txt");
    let mut guilty = Vec::new();
    for line in text(&path)?.lines().filter(|line| !line.trim().is_empty()) {
        let parsed = guilt(line.trim(), channels, closed);
        let mut entry = parsed.ok_or_else(|| {
            wrong(&path, format_args!("expected `first-last:metric,metric`, got `{line}`"))
        })?;
        entry.rows.start += train;
        entry.rows.end = (entry.rows.end + train).min(labels.len() - 1);
        guilty.push(entry);
    }
    Ok(Series {
        name: name.to_owned(),
        channels,
        times: clock(labels.len(), step_seconds),
        readings,
        step_seconds,
        labels,
        train,
        scored_from: train,
        guilty,
    })
}

/// `first-last:metric,metric`, metrics counted from 1.
fn guilt(line: &str, channels: usize, closed: bool) -> Option<Guilty> {
    let (range, metrics) = line.split_once(':')?;
    let (start, end) = range.split_once('-')?;
    let (start, end): (usize, usize) = (start.parse().ok()?, end.parse().ok()?);
    let end = if closed { end } else { end.checked_sub(1)? };
    let metric = |text: &str| text.parse::<usize>().ok()?.checked_sub(1);
    let metrics: Option<Vec<usize>> = metrics.split(',').map(metric).collect();
    let metrics = metrics.filter(|metrics| metrics.iter().all(|metric| *metric < channels))?;
    (start <= end).then_some(Guilty { rows: Segment { start, end }, channels: metrics })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_open_or_closed() {
        let open = guilt("246-252:1,2", 38, false).expect("a range");
        assert_eq!((open.rows.start, open.rows.end, open.channels), (246, 251, vec![0, 1]));
        assert_eq!(guilt("246-252:38", 38, true).expect("a range").rows.end, 252);
        for wrong in ["246-252", "252-246:1", "1-2:39", "1-2:0", "a-2:1"] {
            assert!(guilt(wrong, 38, true).is_none(), "{wrong}");
        }
    }
}

//! Telemetry of a NASA satellite, as the TSB-AD benchmark uses it.

use std::path::Path;

use auscult_evaluate::Segment;

use super::super::Mode;
use super::super::files::{counts, marked, rows, table, words, wrong};
use super::super::series::{Series, clock};
use super::{Published, Set, column, with_interval};
use crate::outcome::CallError;

pub(super) const SET: Set = Set {
    name: "smap",
    title: "NASA SMAP, the channels of TSB-AD-M",
    source: "github khundman/telemanom (labels) and salesforce/Merlion (values)",
    layout: "smap/CHANNEL.test.csv.gz, smap/labels.csv and smap/tsb_map.csv",
    protocol: "The form of TSB-AD: the test part alone, scored over its whole length; 25 columns, of which the first \
               is the telemetry and the others are commands. Mean VUS-PR. Rows are taken to be a minute apart. Many \
               channels are nearly constant.",
    modes: &[Mode::Streaming, Mode::Whole],
    columns: &[
        with_interval("vus_pr", "VUS-PR"),
        column("auc_pr", "AUC-PR", 3),
        column("best_f1", "best F1", 3),
    ],
    published: &[
        Published { who: "KMeansAD", values: &[("vus_pr", 0.363)], note: "batch; TSB-AD" },
        Published {
            who: "TSPulse",
            values: &[("vus_pr", 0.302)],
            note: "batch, zero-shot; IBM granite-tsfm",
        },
        Published { who: "CNN", values: &[("vus_pr", 0.186)], note: "batch; TSB-AD" },
    ],
    in_tsb: Some("M"),
    names,
    load,
    pooled: None,
};

/// Files of TSB-AD, by name, with channel and rows of the training prefix.
fn map(data: &Path) -> Result<Vec<(String, String, usize)>, CallError> {
    let path = data.join("smap/tsb_map.csv");
    let table = table(&path, true, &["tsb_file", "channel"])?;
    let (files, channels) = (words(&table, "tsb_file", &path)?, words(&table, "channel", &path)?);
    let train = counts(&table, "tr", &path)?;
    Ok(files
        .into_iter()
        .zip(channels)
        .zip(train)
        .map(|((file, name), tr)| (file, name, tr))
        .collect())
}

fn names(data: &Path) -> Result<Vec<String>, CallError> {
    Ok(map(data)?.into_iter().map(|(file, _, _)| file).collect())
}

fn load(data: &Path, name: &str) -> Result<Series, CallError> {
    let entry = map(data)?.into_iter().find(|(file, _, _)| file == name);
    let (_, channel, train) = entry.ok_or_else(|| CallError::input(format!("no series {name}")))?;
    let (readings, channels) = rows(&data.join("smap").join(format!("{channel}.test.csv.gz")))?;
    let rows = readings.len() / channels;
    Ok(Series {
        name: name.to_owned(),
        channels,
        readings,
        times: clock(rows, 60),
        step_seconds: 60,
        labels: marked(rows, &anomalies(data, &channel)?),
        train: train.min(rows),
        scored_from: 0,
        guilty: Vec::new(),
    })
}

/// The anomalies of `channel`.
fn anomalies(data: &Path, channel: &str) -> Result<Vec<Segment>, CallError> {
    let path = data.join("smap/labels.csv");
    let table = table(&path, true, &["channel", "class"])?;
    let channels = words(&table, "channel", &path)?;
    let (starts, ends) = (counts(&table, "start", &path)?, counts(&table, "end_inclusive", &path)?);
    let ranges = starts.into_iter().zip(ends).map(|(start, end)| Segment { start, end });
    let of_channel = channels.iter().zip(ranges).filter(|(other, _)| *other == channel);
    let mut found: Vec<Segment> = of_channel.map(|(_, range)| range).collect();
    // Listed twice, with ranges that differ; TSB-AD uses the second.
    if channel == "P-2" && found.len() == 2 {
        found.remove(0);
    }
    if found.is_empty() {
        return Err(wrong(&path, format_args!("no anomaly of channel {channel}")));
    }
    Ok(found)
}

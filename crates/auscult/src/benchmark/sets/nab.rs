//! The Numenta Anomaly Benchmark.

use std::collections::BTreeMap;
use std::path::Path;

use auscult_evaluate::{Segment, nab_probation};

use super::super::files::{marked, numbers, table, text, times, wrong};
use super::super::{Mode, pooled, series::Series};
use super::{ALARM_RATE, DELAY, FOUND, Published, Set, column};
use crate::outcome::CallError;

pub(super) const SET: Set = Set {
    name: "nab",
    title: "Numenta Anomaly Benchmark 1.1",
    source: "github numenta/NAB",
    layout: "nab/data/CATEGORY/FILE.csv.gz and nab/labels/combined_windows.json",
    protocol: "The first 15 % of a file, at most 750 rows, are not scored. One threshold for all files, the best \
               for the profile (an oracle); beside it the score when each half of the files, by alphabetical parity, \
               gets the best threshold of the other half. Unlike in the benchmark's own framework, methods are not \
               told the smallest and largest value of a file, but in the table that says so.",
    modes: &[Mode::Streaming, Mode::Told, Mode::Whole],
    columns: &[
        column("nab_standard", "standard", 1),
        column("nab_reward_low_FP_rate", "low FP", 1),
        column("nab_reward_low_FN_rate", "low FN", 1),
        column("nab_other_half", "standard, threshold of the other half", 1),
        FOUND,
        DELAY,
        ALARM_RATE,
    ],
    published: &[
        Published {
            who: "ARTime",
            values: &[
                ("nab_standard", 74.9),
                ("nab_reward_low_FP_rate", 65.1),
                ("nab_reward_low_FN_rate", 80.4),
            ],
            note: LOOK,
        },
        Published {
            who: "Numenta HTM",
            values: &[
                ("nab_standard", 70.1),
                ("nab_reward_low_FP_rate", 63.2),
                ("nab_reward_low_FN_rate", 74.3),
            ],
            note: LOOK,
        },
        Published {
            who: "CAD OSE",
            values: &[
                ("nab_standard", 69.9),
                ("nab_reward_low_FP_rate", 67.0),
                ("nab_reward_low_FN_rate", 73.2),
            ],
            note: LOOK,
        },
        Published {
            who: "Random cut forest",
            values: &[
                ("nab_standard", 51.7),
                ("nab_reward_low_FP_rate", 38.4),
                ("nab_reward_low_FN_rate", 59.7),
            ],
            note: "streaming",
        },
    ],
    in_tsb: None,
    names,
    load,
    pooled: Some(pooled::nab),
};

/// What the leaders were told beyond the rows before.
const LOOK: &str = "streaming; told the range of the whole file";

fn names(data: &Path) -> Result<Vec<String>, CallError> {
    Ok(windows(data)?.into_keys().collect())
}

/// Start and end of each window of each file, as written.
type Windows = BTreeMap<String, Vec<[String; 2]>>;

fn windows(data: &Path) -> Result<Windows, CallError> {
    let path = data.join("nab/labels/combined_windows.json");
    serde_json::from_str(&text(&path)?).map_err(|error| wrong(&path, error))
}

fn load(data: &Path, name: &str) -> Result<Series, CallError> {
    let path = data.join("nab/data").join(format!("{name}.gz"));
    let table = table(&path, true, &[])?;
    let times = times(&table, "timestamp", &path)?;
    let readings = numbers(&table, "value", &path)?.to_vec();
    let mut segments = Vec::new();
    if let Some(windows) = windows(data)?.remove(name) {
        for window in windows {
            // The first row of that time: some files have times twice.
            let row = |text: &str| {
                auscult_telemetry::parse_time(text)
                    .and_then(|time| times.iter().position(|other| *other == time))
                    .ok_or_else(|| {
                        wrong(&path, format_args!("no row at `{text}`, where a window ends"))
                    })
            };
            segments.push(Segment { start: row(&window[0])?, end: row(&window[1])? });
        }
    }
    let rows = readings.len();
    let mut steps: Vec<i64> =
        times.windows(2).map(|pair| (pair[1].nanos() - pair[0].nanos()) / 1_000_000_000).collect();
    steps.sort_unstable();
    Ok(Series {
        name: name.to_owned(),
        channels: 1,
        readings,
        step_seconds: steps.get(steps.len() / 2).copied().unwrap_or(300).max(1),
        times,
        labels: marked(rows, &segments),
        train: nab_probation(rows),
        scored_from: nab_probation(rows),
        guilty: Vec::new(),
    })
}

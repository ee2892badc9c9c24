//! Key performance indicators of web services, from the AIOps contest of 2018.

use std::path::Path;

use super::super::files::{names as list, numbers, table, times, wrong};
use super::super::{Mode, pooled, series::Series};
use super::{ALARM_RATE, DELAY, FOUND, Published, Set, column, with_interval};
use crate::outcome::CallError;

/// Of table 2 of J. Li, S. Di, Y. Shen, L. Chen, "FluxEV: a fast and effective unsupervised framework for
/// time-series anomaly detection", WSDM 2021.
const OTHER_HALF: &str = "on the contest's other half of the data, with settings made for it; WSDM 2021, FluxEV, table 2";

pub(super) const SET: Set = Set {
    name: "kpi",
    title: "AIOps 2018 KPI, training half",
    source: "github NetManAIOps/KPI-Anomaly-Detection",
    layout: "kpi/train/KPI.csv.gz, with columns timestamp, value and label",
    protocol: "The first half of each series is for learning, without labels; the second half is scored. \
               VUS-PR and AUC-PR are means over series. The delay-limited F1 of the contest (an alarm counts \
               within 7 rows of the onset) pools all series; F1 takes each method's own threshold, the same rule for \
               every series, best F1 is the oracle over one threshold for all.",
    modes: &[Mode::Streaming, Mode::Trained],
    columns: &[
        with_interval("vus_pr", "VUS-PR"),
        column("auc_pr", "AUC-PR", 3),
        column("delay_f1", "delay-limited F1", 3),
        column("delay_f1_best", "best delay-limited F1", 3),
        FOUND,
        DELAY,
        ALARM_RATE,
    ],
    published: &[
        Published { who: "FluxEV", values: &[("delay_f1", 0.79)], note: OTHER_HALF },
        Published { who: "SR-CNN", values: &[("delay_f1", 0.771)], note: OTHER_HALF },
        Published { who: "DONUT", values: &[("delay_f1", 0.729)], note: OTHER_HALF },
        Published { who: "Spectral residual", values: &[("delay_f1", 0.654)], note: OTHER_HALF },
        Published { who: "DSPOT", values: &[("delay_f1", 0.488)], note: OTHER_HALF },
        Published { who: "SPOT", values: &[("delay_f1", 0.181)], note: OTHER_HALF },
    ],
    in_tsb: None,
    names,
    load,
    pooled: Some(pooled::kpi),
};

fn names(data: &Path) -> Result<Vec<String>, CallError> {
    list(&data.join("kpi/train"), ".csv.gz")
}

fn load(data: &Path, name: &str) -> Result<Series, CallError> {
    let mut series = whole(data, name)?;
    series.train = series.rows() / 2;
    series.scored_from = series.train;
    Ok(series)
}

/// The series, nothing of it set apart.
pub(super) fn whole(data: &Path, name: &str) -> Result<Series, CallError> {
    let path = data.join("kpi/train").join(format!("{name}.csv.gz"));
    let table = table(&path, true, &[])?;
    let times = times(&table, "timestamp", &path)?;
    let readings = numbers(&table, "value", &path)?.to_vec();
    let labels = numbers(&table, "label", &path)?.iter().map(|label| *label > 0.0).collect();
    let steps = times.windows(2).map(|pair| pair[1].nanos() - pair[0].nanos());
    let step = steps.min().ok_or_else(|| wrong(&path, "expected at least two rows"))?;
    if step < 1_000_000_000 {
        return Err(wrong(&path, "times must rise by at least a second"));
    }
    Ok(Series {
        name: name.to_owned(),
        channels: 1,
        readings,
        times,
        step_seconds: step / 1_000_000_000,
        labels,
        train: 0,
        scored_from: 0,
        guilty: Vec::new(),
    })
}

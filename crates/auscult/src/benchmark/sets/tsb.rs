//! The series of the TSB-AD-U benchmark that other data sets hold.

use std::path::{Path, PathBuf};

use super::super::Mode;
use super::super::files::{counts, table, words};
use super::super::series::Series;
use super::{Set, column, kpi, nab, with_interval};
use crate::outcome::CallError;

pub(super) const SET: Set = Set {
    name: "tsb",
    title: "TSB-AD-U, the series that come from NAB and KPI",
    source: "github TheDatumOrg/TSB-AD",
    layout: "nab/ and kpi/ with their tsb_map.csv, and reference_scores/tsb_ad_U_vus_pr_per_series.csv for the published figures",
    protocol: "The form of TSB-AD: the whole length is scored, in windows that its rule finds in each series. Mean VUS-PR.",
    modes: &[Mode::Streaming, Mode::Whole],
    columns: &[
        with_interval("vus_pr", "VUS-PR"),
        column("auc_pr", "AUC-PR", 3),
        column("best_f1", "best F1", 3),
    ],
    published: &[],
    in_tsb: Some("U"),
    names,
    load,
    pooled: None,
};

/// A part of a series of another data set.
struct Part {
    file: String,
    set: &'static str,
    series: String,
    first: usize,
    rows: usize,
    train: usize,
}

fn map(data: &Path) -> Result<Vec<Part>, CallError> {
    let mut parts = Vec::new();
    for (set, series, first) in [("nab", "nab_file", "drop_first_rows"), ("kpi", "kpi_id", "start")]
    {
        let path: PathBuf = data.join(set).join("tsb_map.csv");
        let table = table(&path, true, &["tsb_file", series])?;
        let (files, names) = (words(&table, "tsb_file", &path)?, words(&table, series, &path)?);
        let firsts = counts(&table, first, &path)?;
        let (rows, train) = (counts(&table, "rows", &path)?, counts(&table, "tr", &path)?);
        for (row, (file, series)) in files.into_iter().zip(names).enumerate() {
            let (first, rows, train) = (firsts[row], rows[row], train[row]);
            parts.push(Part { file, set, series, first, rows, train });
        }
    }
    Ok(parts)
}

fn names(data: &Path) -> Result<Vec<String>, CallError> {
    Ok(map(data)?.into_iter().map(|part| part.file).collect())
}

fn load(data: &Path, name: &str) -> Result<Series, CallError> {
    let part = map(data)?.into_iter().find(|part| part.file == name);
    let part = part.ok_or_else(|| CallError::input(format!("no series {name}")))?;
    let mut series = if part.set == "nab" {
        let mut series = (nab::SET.load)(data, &part.series)?;
        // TSB-AD takes windows without their first row.
        for row in (1..series.rows()).rev() {
            series.labels[row] &= series.labels[row - 1];
        }
        series.labels[0] = false;
        series
    } else {
        kpi::whole(data, &part.series)?
    };
    let end = (part.first + part.rows).min(series.rows());
    series.name = part.file;
    series.readings = series.readings[part.first..end].to_vec();
    series.times = series.times[part.first..end].to_vec();
    series.labels = series.labels[part.first..end].to_vec();
    series.train = part.train.min(series.rows());
    series.scored_from = 0;
    Ok(series)
}

//! Figures of others on the same series, from the tables of TSB-AD.

use std::path::Path;

use auscult_telemetry::Cells;

use super::files::{table, words};
use crate::outcome::CallError;

/// Mean VUS-PR of each published method over `series`, best first. Empty when the
/// table is not there, or lacks one of the series.
pub(crate) fn tsb(
    data: &Path,
    letter: &str,
    series: &[String],
) -> Result<Vec<(String, f64)>, CallError> {
    let name = format!("reference_scores/tsb_ad_{letter}_vus_pr_per_series.csv");
    let path = data.join(name);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let table = table(&path, true, &["file"])?;
    let files = words(&table, "file", &path)?;
    let row = |series: &String| files.iter().position(|file| file == series);
    let Some(rows) = series.iter().map(row).collect::<Option<Vec<usize>>>() else {
        return Ok(Vec::new());
    };
    let mut means = Vec::new();
    for column in table.columns() {
        // What follows the methods describes the series.
        let describes = ["ts_len", "anomaly_", "num_anomaly", "avg_", "point_", "seq_"];
        if describes.iter().any(|start| column.name.starts_with(start)) {
            continue;
        }
        let Cells::Numbers(cells) = &column.cells else { continue };
        let mean = rows.iter().map(|row| cells[*row]).sum::<f64>() / rows.len() as f64;
        if mean.is_finite() {
            means.push((column.name.clone(), mean));
        }
    }
    means.sort_by(|one, other| other.1.total_cmp(&one.1));
    Ok(means)
}

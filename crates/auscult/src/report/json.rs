//! One JSON document for machines.

use std::io::Write;

use auscult_core::serde_json::{Value, json};
use auscult_telemetry::format_time;

use super::Report;
use super::records::Record;
use crate::detection::finding::Finding;
use crate::detection::tally::SeriesTally;

/// Version of the document's layout; raised when a field changes its meaning.
const LAYOUT: u32 = 1;

pub(super) fn write(report: &Report<'_>, out: &mut impl Write) -> std::io::Result<()> {
    let document = json!({
        "layout": LAYOUT,
        "auscult": env!("CARGO_PKG_VERSION"),
        "method": report.method.name,
        "settings": report.settings,
        "rows": report.tally.rows,
        "summary": report.summary(),
        "series": report.tally.series.iter().map(series).collect::<Vec<_>>(),
        "left_out": report.left_out,
        "findings": report.findings.iter().map(|one| finding(one, report)).collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn series(tally: &SeriesTally) -> Value {
    json!({
        "series": tally.name.group(),
        "columns": tally.name.columns,
        "rows": tally.rows,
        "judged": tally.judged,
        "warming": tally.warming,
        "missing": tally.missing,
        "infinite": tally.infinite,
        "anomalies": tally.anomalies,
        "threshold": tally.threshold,
        "notes": tally.notes,
    })
}

fn finding(finding: &Finding, report: &Report<'_>) -> Value {
    let record = Record::of(finding, report);
    let shares: serde_json::Map<String, Value> =
        record.shares.into_iter().map(|(column, share)| (column, share.into())).collect();
    json!({
        "row": record.row,
        "time": record.time.map(format_time),
        "series": record.series,
        "column": record.column,
        "value": record.value,
        "expected": record.expected,
        "low": record.band.map(|band| band.low),
        "high": record.band.map(|band| band.high),
        "score": record.score,
        "threshold": record.threshold,
        "direction": record.direction.map(|side| side.word()),
        "onset": record.onset.map(format_time),
        "anomaly": record.anomaly,
        "shares": shares,
        "reason": record.reason,
    })
}

//! A table and a paragraph for people.

use std::io::Write;

use auscult_core::Band;
use auscult_telemetry::format_time;
use comfy_table::{CellAlignment, Table, presets};

use super::Report;
use super::records::Record;
use crate::detection::series::{absent, rows};
use crate::detection::words::{self, count, counted, number};

/// A column of the table: its head, whether numbers stand in it, its cell.
type TableColumn<'a> = (&'static str, CellAlignment, Box<dyn Fn(&Record) -> String + 'a>);

pub(super) fn write(report: &Report<'_>, out: &mut impl Write) -> std::io::Result<()> {
    if !report.findings.is_empty() {
        writeln!(out, "{}", table(report))?;
    }
    if report.quiet {
        return Ok(());
    }
    if !report.findings.is_empty() {
        writeln!(out)?;
    }
    writeln!(out, "{}", summary(report))
}

fn table(report: &Report<'_>) -> String {
    let records: Vec<Record> =
        report.findings.iter().map(|finding| Record::of(finding, report)).collect();
    let several_columns = report.tally.series.iter().any(|series| {
        series.name.columns.len() > 1 || series.name.columns != report.tally.series[0].name.columns
    });
    let columns = columns(&records, report, several_columns);
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(columns.iter().map(|(head, _, _)| *head));
    for record in &records {
        table.add_row(columns.iter().map(|(_, _, cell)| cell(record)));
    }
    for (place, (_, alignment, _)) in columns.iter().enumerate() {
        if let Some(column) = table.column_mut(place) {
            column.set_padding((0, 2)).set_cell_alignment(*alignment);
        }
    }
    table.trim_fmt()
}

/// The columns that have something to say.
fn columns<'a>(records: &[Record], report: &Report<'_>, several: bool) -> Vec<TableColumn<'a>> {
    let (left, right) = (CellAlignment::Left, CellAlignment::Right);
    let mut columns: Vec<TableColumn<'_>> = vec![("row", right, Box::new(|r| count(r.row)))];
    if records.iter().any(|record| record.time.is_some()) {
        let time = |record: &Record| record.time.map_or_else(String::new, format_time);
        columns.push(("time", left, Box::new(time)));
    }
    if report.grouped {
        columns.push(("series", left, Box::new(|record| record.series.clone())));
    }
    // That a value is a rate, and of what, is in the name.
    if several || report.rates {
        columns.push(("column", left, Box::new(|record| record.column.clone())));
    }
    columns.push(("value", right, Box::new(|record| number(record.value))));
    if records.iter().any(|record| record.expected.is_some()) {
        let expected = |record: &Record| record.expected.map_or_else(String::new, number);
        columns.push(("expected", right, Box::new(expected)));
    }
    if records.iter().any(|record| record.band.is_some()) {
        columns.push((
            "range",
            left,
            Box::new(move |record| record.band.map_or_else(String::new, |one| band(one, several))),
        ));
    }
    let score =
        |record: &Record| record.score.map_or_else(|| "warming up".to_owned(), words::score);
    columns.push(("score", right, Box::new(score)));
    columns.push(("why", left, Box::new(|record| record.reason.clone())));
    columns
}

/// The range in words; of `several` columns judged jointly, one may have none
/// that would have made the row normal, because the others depart too.
fn band(band: Band, several: bool) -> String {
    match (band.low.is_finite(), band.high.is_finite()) {
        (true, true) if several && band.low == band.high => "none by itself".to_owned(),
        (true, true) => format!("{} to {}", number(band.low), number(band.high)),
        (false, true) => format!("up to {}", number(band.high)),
        (true, false) => format!("from {}", number(band.low)),
        (false, false) => "any".to_owned(),
    }
}

/// What happened, in one paragraph.
pub(super) fn summary(report: &Report<'_>) -> String {
    let tally = report.tally;
    let (judged, anomalies) = (tally.sum(|one| one.judged), tally.sum(|one| one.anomalies));
    let mut sentences = Vec::new();
    let found = if anomalies == 0 {
        "no anomaly".to_owned()
    } else {
        counted(anomalies, "anomaly", "anomalies")
    };
    let of_series = match tally.series.as_slice() {
        [one] => format!(" of {}", one.name.title()),
        many => format!(" in {} series", count(many.len() as u64)),
    };
    let share = if anomalies > 0 && judged > 0 {
        format!(" ({:.2} %)", 100.0 * anomalies as f64 / judged as f64)
    } else {
        String::new()
    };
    let confirmed = match tally.sum(|one| one.confirmed) {
        0 => String::new(),
        some => {
            format!(", {} of them confirmed, so that the budget is not spent on those", count(some))
        }
    };
    sentences.push(format!("{found} in {} judged{of_series}{share}{confirmed}", rows(judged)));
    sentences.push(format!("method: {}{}", report.method.name, threshold(report)));
    if let Some(strangest) = tally.strangest() {
        let place = strangest.time.map_or_else(
            || format!("row {}", count(strangest.row)),
            |time| format!("row {} at {}", count(strangest.row), format_time(time)),
        );
        let whose = if tally.series.len() > 1 {
            format!(" of {}", strangest.series.title())
        } else {
            String::new()
        };
        let reason = words::reason(strangest, report.method);
        sentences.push(format!("the strangest is {place}{whose}: {reason}"));
    }
    if report.left_out > 0 {
        let shown = count(report.findings.len() as u64);
        sentences.push(format!("shown are the {shown} strangest; --top all shows every one"));
    }
    let warming = tally.sum(|one| one.warming);
    if warming > 0 {
        let hint = if judged == 0 { "; `--method seasonal-trend` judges short series" } else { "" };
        sentences.push(format!("{} not judged while the method warmed up{hint}", rows(warming)));
    }
    let (missing, infinite) = (tally.sum(|one| one.missing), tally.sum(|one| one.infinite));
    sentences.extend(absent(missing, infinite, report.method.order));
    sentences.extend(coarse(report));
    sentences.extend(notes(report));
    sentences.iter().map(|sentence| capitalised(sentence)).collect::<Vec<_>>().join(" ")
}

fn threshold(report: &Report<'_>) -> String {
    let mut thresholds: Vec<f64> =
        report.tally.series.iter().filter_map(|series| series.threshold).collect();
    thresholds.sort_by(f64::total_cmp);
    match (thresholds.first(), thresholds.last()) {
        (Some(low), Some(high)) if low == high => {
            format!(", anomalies above {} {}", words::score(*low), report.method.unit)
        }
        (Some(low), Some(high)) => format!(
            ", anomalies above {} to {} {}, by series",
            words::score(*low),
            words::score(*high),
            report.method.unit
        ),
        _ => String::new(),
    }
}

/// A sentence on series whose samples are too rare for the budget, if there are any.
fn coarse(report: &Report<'_>) -> Option<String> {
    let coarse: Vec<f64> = report.tally.series.iter().filter_map(|series| series.coarse).collect();
    let longest = coarse.iter().copied().reduce(f64::max)?;
    let series = match (coarse.len(), report.tally.series.len()) {
        (1, 1) => String::new(),
        (coarse, _) => format!(" in {}", counted(coarse as u64, "series", "series")),
    };
    Some(format!(
        "the budget is more than samples{series} allow; it is taken for one alarm in {} hours, twelve samples",
        number(longest / 3600.0)
    ))
}

/// Notes, each with the series that it is about if there are several.
fn notes(report: &Report<'_>) -> Vec<String> {
    const MOST: usize = 3;
    let series = &report.tally.series;
    let mut notes: Vec<String> = Vec::new();
    for one in series {
        for note in &one.notes {
            notes.push(if series.len() == 1 {
                note.clone()
            } else {
                format!("in {}, {note}", one.name.title())
            });
        }
    }
    if notes.len() > MOST {
        let more = notes.len() - MOST;
        notes.truncate(MOST);
        notes.push(format!("{more} more such notes; --format json has them all"));
    }
    notes
}

/// A sentence with a capital and a full stop.
pub(crate) fn capitalised(sentence: &str) -> String {
    let mut characters = sentence.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), characters.as_str())
}

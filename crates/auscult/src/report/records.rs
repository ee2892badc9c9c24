//! Findings as a table of plain columns.

use auscult_core::{Band, Timestamp};
use auscult_telemetry::{Cells, Column, Table};

use super::Report;
use crate::cells::words;
use crate::detection::finding::{Direction, Finding};
use crate::detection::words::reason;

/// The columns of a findings file, in order, with what each holds.
const FIELDS: &[(&str, &str)] = &[
    ("row", "number of the row in the input, from 1, the header not counted"),
    ("time", "when the row was taken; missing if the input has no time"),
    ("series", "values of the `--group-by` columns, joined by `/`; empty without groups"),
    ("column", "the judged column; of several judged jointly, the one with the largest share"),
    ("value", "the reading of that column"),
    ("expected", "the reading that would have been normal; missing where the method cannot say"),
    ("low", "lowest reading that would not have been an anomaly; missing likewise"),
    ("high", "highest reading that would not have been an anomaly; missing likewise"),
    ("score", "how strange, at least 0, in the unit of the method; missing during warm-up"),
    ("threshold", "above this score a row is an anomaly"),
    ("direction", "`above` or `below` the expected; missing where the method cannot say"),
    (
        "onset",
        "when the departure began that the row belongs to; missing where the method follows none",
    ),
    ("anomaly", "1 if the score passed the threshold, else 0"),
    ("shares", "part of the score owed to each column, as `column=share;…`, sums to 1"),
    ("reason", "why, in words"),
];

/// One finding, field by field.
#[derive(Debug)]
pub(super) struct Record {
    pub row: u64,
    pub time: Option<Timestamp>,
    pub series: String,
    pub column: String,
    pub value: f64,
    pub expected: Option<f64>,
    pub band: Option<Band>,
    pub score: Option<f64>,
    pub threshold: f64,
    pub direction: Option<Direction>,
    pub onset: Option<Timestamp>,
    pub anomaly: bool,
    pub shares: Vec<(String, f64)>,
    pub reason: String,
}

impl Record {
    pub(super) fn of(finding: &Finding, report: &Report<'_>) -> Self {
        let lead = finding.lead();
        let why = finding.explanation.as_ref();
        let columns = &finding.series.columns;
        let shares = why.map_or(&[][..], |why| &why.share);
        Self {
            row: finding.row,
            time: finding.time,
            series: finding.series.group(),
            column: columns[lead].clone(),
            value: finding.readings[lead],
            expected: why.map(|why| why.expected[lead]),
            band: why.and_then(|why| why.band.as_ref()).map(|band| band[lead]),
            score: finding.score,
            threshold: finding.threshold,
            direction: finding.direction(),
            // Without a clock of its own a series counts rows, which are no times.
            onset: finding.time.and(why.and_then(|why| why.onset)),
            anomaly: finding.is_anomaly(),
            shares: columns.iter().cloned().zip(shares.iter().copied()).collect(),
            reason: reason(finding, report.method),
        }
    }
}

/// All findings as a table with the columns of [`FIELDS`].
pub(super) fn table(report: &Report<'_>) -> Table {
    let records: Vec<Record> =
        report.findings.iter().map(|finding| Record::of(finding, report)).collect();
    let numbers = |of: &dyn Fn(&Record) -> Option<f64>| {
        Cells::Numbers(records.iter().map(|record| of(record).unwrap_or(f64::NAN)).collect())
    };
    let column = |name: &str| {
        let cells = match name {
            "row" => numbers(&|record| Some(record.row as f64)),
            "time" => Cells::Times(records.iter().map(|record| record.time).collect()),
            "series" => words(records.iter().map(|record| Some(record.series.clone()))),
            "column" => words(records.iter().map(|record| Some(record.column.clone()))),
            "value" => numbers(&|record| Some(record.value)),
            "expected" => numbers(&|record| record.expected),
            "low" => numbers(&|record| record.band.map(|band| band.low)),
            "high" => numbers(&|record| record.band.map(|band| band.high)),
            "score" => numbers(&|record| record.score),
            "threshold" => numbers(&|record| Some(record.threshold)),
            "direction" => words(
                records.iter().map(|record| record.direction.map(|side| side.word().to_owned())),
            ),
            "onset" => Cells::Times(records.iter().map(|record| record.onset).collect()),
            "anomaly" => numbers(&|record| Some(f64::from(u8::from(record.anomaly)))),
            "shares" => words(records.iter().map(|record| Some(shares(&record.shares)))),
            "reason" => words(records.iter().map(|record| Some(record.reason.clone()))),
            other => unreachable!("field `{other}` has no cells"),
        };
        Column { name: name.to_owned(), cells }
    };
    Table::new(FIELDS.iter().map(|(name, _)| column(name)).collect())
}

fn shares(shares: &[(String, f64)]) -> String {
    let part = |(column, share): &(String, f64)| format!("{column}={share:.4}");
    shares.iter().map(part).collect::<Vec<_>>().join(";")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detection::tally::Tally;

    #[test]
    fn every_field_has_cells_and_stands_in_the_manual() {
        let report = Report {
            method: auscult_detect::find("zscore").expect("in the catalogue"),
            settings: &auscult_core::SettingsMap::new(),
            findings: &[],
            left_out: 0,
            tally: &Tally::default(),
            grouped: false,
            rates: false,
            quiet: false,
        };
        let table = table(&report);
        assert_eq!(table.columns().len(), FIELDS.len());
        let manual = include_str!("../../../../docs/findings.md");
        for (name, meaning) in FIELDS {
            let line = format!("| `{name}` | {meaning} |");
            assert!(manual.contains(&line), "docs/findings.md lacks: {line}");
        }
    }
}

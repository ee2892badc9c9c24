//! Findings as people and machines read them.
//!
//! The fields of the machine formats are described in `docs/findings.md`; a
//! test holds the two together.

mod json;
mod people;
mod records;

pub(crate) use people::capitalised;

use std::io::Write;

use auscult_detect::Method;

use crate::detection::finding::Finding;
use crate::detection::tally::Tally;
use crate::outcome::CallError;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// One document with everything.
    Json,
    /// One line per record.
    Csv,
    /// One row per record.
    Parquet,
}

/// What a report is about.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    /// The method that judged.
    pub method: &'static Method,
    /// Its settings, as given.
    pub settings: &'a auscult_core::SettingsMap,
    /// What was found, in the order to be shown.
    pub findings: &'a [Finding],
    /// How many anomalies are not among `findings`.
    pub left_out: u64,
    /// Counts.
    pub tally: &'a Tally,
    /// Whether the input came in several groups.
    pub grouped: bool,
    /// Whether rates of counters were judged.
    pub rates: bool,
    /// Whether the paragraph is unwanted.
    pub quiet: bool,
}

impl Report<'_> {
    /// Writes in `format` to `out`.
    pub(crate) fn write(
        &self,
        format: Format,
        out: &mut (impl Write + Send),
    ) -> Result<(), CallError> {
        match format {
            Format::Table => people::write(self, out).map_err(CallError::write("the table")),
            Format::Json => json::write(self, out).map_err(CallError::write("JSON")),
            Format::Csv => auscult_telemetry::write_csv(&records::table(self), out)
                .map_err(CallError::write("CSV")),
            Format::Parquet => auscult_telemetry::write_parquet(&records::table(self), out)
                .map_err(CallError::write("Parquet")),
        }
    }

    /// What happened, in one paragraph.
    pub(crate) fn summary(&self) -> String {
        people::summary(self)
    }
}

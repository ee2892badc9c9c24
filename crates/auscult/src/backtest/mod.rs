//! What a backtest found, for people and machines.
//!
//! The fields of the machine formats are described in `docs/backtest.md`; a test holds the two
//! together.

pub(crate) mod events;
pub(crate) mod growth;
mod json;
mod people;
mod records;

use std::io::Write;

use auscult_detect::ensemble::AlarmBudget;
use auscult_server::Backtested;

use crate::outcome::CallError;
use crate::report::Format;
use events::Judgement;

/// What a report is about.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    /// What the replay told.
    pub(crate) told: &'a Backtested,
    /// False alarms that are bearable for each target.
    pub(crate) budget: AlarmBudget,
    /// How the incidents meet what a person knows, where it was said.
    pub(crate) judgement: Option<&'a Judgement>,
    /// What a person should know of the data.
    pub(crate) notes: &'a [String],
    /// Members of an incident that are shown at most.
    pub(crate) members: usize,
    /// Whether the paragraph is unwanted.
    pub(crate) quiet: bool,
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

    /// Alarms of a target in a week; `None` if nothing was watched for any time.
    fn alarms_per_target_week(&self) -> Option<f64> {
        let weeks = self.told.target_weeks();
        (weeks > 0.0).then(|| self.told.alarms() as f64 / weeks)
    }

    /// Alarms that the budget bears in a week.
    fn budget_per_week(&self) -> f64 {
        604_800.0 / self.budget.interval_seconds()
    }

    /// Samples that came.
    fn samples(&self) -> u64 {
        let counts = &self.told.counts;
        counts.judged
            + counts.not_judged
            + counts.unwatched
            + counts.late
            + counts.duplicate
            + counts.invalid
            + counts.stale
    }
}

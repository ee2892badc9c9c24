//! `auscult priors`: how likely each cause is before any evidence, by the handbook and by verdicts.

use std::io::Write;

use auscult_engine::PriorShare;
use serde::{Deserialize, Serialize};

use super::learn::aligned;
use crate::outcome::{CallError, Outcome};
use crate::service::ServiceArguments;

/// Arguments of `auscult priors`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only causes that verdicts named
    #[arg(long)]
    changed: bool,

    #[command(flatten)]
    service: ServiceArguments,

    /// Form of the answer
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    format: Form,
}

/// How the answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people.
    Table,
    /// As the service says it.
    Json,
}

#[derive(Debug, Serialize, Deserialize)]
struct Page {
    cases: u32,
    priors: Vec<PriorShare>,
}

/// Lists them.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let service = arguments.service.open()?;
    let mut page: Page = service.get("/priors")?;
    page.priors.retain(|prior| !arguments.changed || prior.verdicts > 0);
    let text = match arguments.format {
        Form::Json => serde_json::to_string_pretty(&page).map_err(CallError::input)? + "\n",
        Form::Table => {
            let head = ["cause", "name", "handbook", "now", "verdicts"].map(str::to_owned).to_vec();
            let row = |prior: &PriorShare| {
                let (handbook, now) = (prior.handbook, prior.now);
                let numbers = [format!("{handbook:.4}"), format!("{now:.4}")];
                let mut cells = vec![prior.cause.clone(), prior.name.clone()];
                cells.extend(numbers);
                cells.push(prior.verdicts.to_string());
                cells
            };
            let rows = std::iter::once(head).chain(page.priors.iter().map(row));
            let cases = page.cases;
            aligned(&rows.collect::<Vec<_>>(), 2) + &format!("{cases} incidents with a verdict\n")
        }
    };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).map_err(CallError::write("standard output"))?;
    Ok(Outcome::Done)
}

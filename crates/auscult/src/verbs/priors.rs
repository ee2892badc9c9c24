//! `auscult priors`: how likely each cause is before any evidence, by the handbook and by verdicts.

use auscult_engine::PriorShare;
use serde::{Deserialize, Serialize};

use super::learn::aligned;
use crate::outcome::{CallError, Outcome};
use crate::service::{Form, ServiceArguments};

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
    arguments.format.write(&page, table)
}

fn table(page: &Page) -> String {
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
    aligned(&rows.collect::<Vec<_>>(), 2) + &format!("{} incidents with a verdict\n", page.cases)
}

//! `auscult cases`: incidents of which people said what they were, as a fault log for `auscult learn`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use auscult_telemetry::{Format, TableWriter};
use serde::Deserialize;

use crate::outcome::{CallError, Outcome};
use crate::service::ServiceArguments;
use crate::simulation::fault_log::table;

/// Arguments of `auscult cases`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Write them to this file, .csv or .parquet [default: CSV to standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    service: ServiceArguments,
}

/// An incident of which somebody said what it was.
#[derive(Debug, Deserialize)]
struct Case {
    incident: u64,
    fault: String,
    features: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Page {
    cases: Vec<Case>,
}

/// Writes them.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let service = arguments.service.open()?;
    let page: Page = service.get("/cases")?;
    let all = page.cases.len();
    let cases: Vec<Case> =
        page.cases.into_iter().filter(|case| !case.features.is_empty()).collect();
    if cases.len() < all {
        let without = all - cases.len();
        eprintln!(
            "note: {without} of {all} incidents are left out, as no samples were stored of them"
        );
    }
    if cases.is_empty() {
        return Err(CallError::input(
            "the service has no incident with a verdict to learn from: `auscult verdict` gives one",
        ));
    }
    let rows = cases
        .iter()
        .map(|case| (format!("incident {}", case.incident), &case.features, case.fault.as_str()));
    let table = table(&rows.collect::<Vec<_>>());
    let (out, name, format): (Box<dyn Write + Send>, String, Format) = match &arguments.output {
        None => (Box::new(std::io::stdout()), "standard output".to_owned(), Format::Csv),
        Some(path) => {
            let name = path.display().to_string();
            let format = match path.extension().and_then(|ending| ending.to_str()) {
                Some("csv") => Format::Csv,
                Some("parquet") => Format::Parquet,
                _ => {
                    return Err(CallError::input(format!(
                        "--output {name}: expected a name that ends in .csv or .parquet"
                    )));
                }
            };
            let file = File::create(path).map_err(CallError::write(&name))?;
            (Box::new(BufWriter::new(file)), name, format)
        }
    };
    let mut writer = TableWriter::new(out, format);
    writer.write(&table).map_err(CallError::write(&name))?;
    writer.finish().map_err(CallError::write(&name))?;
    Ok(Outcome::Done)
}

//! `auscult methods`: the catalogue, for people.

use std::io::Write;

use auscult_detect::{CATALOGUE, Method, Threshold};

use crate::outcome::{CallError, Outcome};

/// Arguments of `auscult methods`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The method to show; all in a list without it.
    name: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let mut out = std::io::stdout().lock();
    let written = match &arguments.name {
        None => list(&mut out),
        Some(name) => {
            let method = auscult_detect::find(name).ok_or_else(|| {
                CallError::input(format!("no method `{name}`; `auscult methods` lists them"))
            })?;
            show(&mut out, method)
        }
    };
    written.map_err(CallError::write("standard output"))?;
    Ok(Outcome::Done)
}

fn list(out: &mut impl Write) -> std::io::Result<()> {
    let width = CATALOGUE.iter().copied().flatten().map(|method| method.name.len()).max();
    for method in CATALOGUE.iter().copied().flatten() {
        writeln!(out, "{:width$}  {}", method.name, method.summary, width = width.unwrap_or(0))?;
    }
    Ok(())
}

fn show(out: &mut impl Write, method: &Method) -> std::io::Result<()> {
    writeln!(out, "{} ({})\n\n{}\n", method.title, method.name, method.summary)?;
    writeln!(out, "Sees:    {}", method.sees)?;
    writeln!(out, "Misses:  {}", method.blind)?;
    writeln!(out, "Score:   in {}", method.unit)?;
    match method.threshold {
        Threshold::Score(score) => writeln!(out, "Anomaly: above {score}")?,
        Threshold::Share(share) => writeln!(out, "Anomaly: the strangest {} %", share * 100.0)?,
    }
    writeln!(out, "Cost:    {}", method.cost)?;
    writeln!(out, "Source:  {}", method.source)?;
    if !method.parameters.is_empty() {
        writeln!(out, "\nSettings:")?;
    }
    for parameter in method.parameters {
        let name = parameter.name.replace('_', "-");
        let default = (method.default_of)(parameter.name);
        writeln!(out, "  --{name} (default {default}; {})", parameter.range)?;
        for line in parameter.doc.lines() {
            writeln!(out, "      {}", line.trim())?;
        }
    }
    Ok(())
}

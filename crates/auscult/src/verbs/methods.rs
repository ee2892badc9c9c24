//! `auscult methods`: the catalogue, for people.

use std::io::Write;

use auscult_detect::{CATALOGUE, Channels, Method, Threshold};

use crate::outcome::{CallError, Outcome};

/// Arguments of `auscult methods`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The method to show; all in a list without it
    name: Option<String>,

    /// Write the whole catalogue as Markdown, as it stands in the manual
    #[arg(long, conflicts_with = "name")]
    markdown: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let mut out = std::io::stdout().lock();
    let written = match &arguments.name {
        None if arguments.markdown => write!(out, "{}", markdown()),
        None => list(&mut out),
        Some(name) => show(&mut out, super::detect::find_method(name)?),
    };
    written.map_err(CallError::write("standard output"))?;
    Ok(Outcome::Done)
}

/// The manual page of the catalogue.
fn markdown() -> String {
    let mut page = String::from(
        "# Methods of detection\n\n\
         Written by `auscult methods --markdown`; a test holds it and the catalogue together.\n\
         `auscult detect --method NAME` uses a method, and each setting is a flag of the same name. \
         Under *Sees* and *Misses* stands what follows from how a method works; how well each does on public data, \
         in what mode and at what cost, was measured: [scorecard.md](scorecard.md).\n\n\
         | method | learns | columns | what it does |\n|---|---|---|---|\n",
    );
    for method in CATALOGUE.iter().copied().flatten() {
        let columns = match method.channels {
            Channels::One => "each alone",
            Channels::Any => "jointly",
            Channels::Several => "jointly, two or more",
        };
        page += &format!(
            "| [{0}](#{0}) | {1} | {columns} | {2} |\n",
            method.name,
            learns(method),
            method.summary
        );
    }
    for method in CATALOGUE.iter().copied().flatten() {
        page += &format!("\n## {}\n\n**{}.** {}\n\n", method.name, method.title, method.summary);
        page += &format!("- Sees: {}\n- Misses: {}\n", method.sees, method.blind);
        page += &format!("- Score: in {}\n- Anomaly: {}\n", method.unit, convention(method));
        page += &format!("- Learns: {}\n- Cost: {}\n", learns(method), method.cost);
        page += &format!("- Source: {}\n", method.source);
        if !method.parameters.is_empty() {
            page += "\n| setting | default | allowed | meaning |\n|---|---|---|---|\n";
        }
        for parameter in method.parameters {
            let words: Vec<&str> = parameter.doc.split_whitespace().collect();
            page += &format!(
                "| `--{}` | {} | {} | {} |\n",
                parameter.name.replace('_', "-"),
                (method.default_of)(parameter.name).replace('|', "\\|"),
                parameter.range.replace('|', "\\|"),
                words.join(" ").replace('|', "\\|")
            );
        }
    }
    page
}

/// The ways in which `method` can learn.
fn learns(method: &Method) -> String {
    let ways = [
        (method.batch.is_some(), "from the whole history"),
        (method.pieces.is_some(), "in pieces, in bounded memory"),
        (method.online.is_some(), "row by row"),
        (method.labelled.is_some(), "from labels"),
    ];
    let ways: Vec<&str> = ways.into_iter().filter(|(can, _)| *can).map(|(_, way)| way).collect();
    ways.join("; ")
}

/// When a score of `method` is an anomaly.
fn convention(method: &Method) -> String {
    match method.threshold {
        Threshold::Score(score) => format!("above {score}"),
        Threshold::Share(share) => format!("the strangest {} % of the rows", share * 100.0),
    }
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
    writeln!(out, "Anomaly: {}", convention(method))?;
    writeln!(out, "Learns:  {}", learns(method))?;
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

#[cfg(test)]
mod tests {
    #[test]
    fn the_manual_is_the_catalogue() {
        let manual = include_str!("../../../../docs/methods.md");
        assert!(
            manual == super::markdown(),
            "docs/methods.md is stale: cargo run -- methods --markdown > docs/methods.md"
        );
    }
}

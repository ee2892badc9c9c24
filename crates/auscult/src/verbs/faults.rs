//! `auscult faults`: the catalogue of faults, for people.

use std::fmt::Write as _;
use std::io::Write;

use auscult_core::nearest;
use auscult_knowledge::{Fault, Statement};

use super::knowledge::KnowledgeArguments;
use crate::outcome::{CallError, Outcome};

/// Arguments of `auscult faults`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The fault to show, such as G1; all in a list without it
    fault: Option<String>,

    #[command(flatten)]
    knowledge: KnowledgeArguments,

    /// Write the whole handbook as Markdown, as it stands in the manual
    #[arg(long, conflicts_with = "fault")]
    markdown: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let knowledge = arguments.knowledge.open()?;
    let text = match &arguments.fault {
        None if arguments.markdown => handbook(knowledge.faults()),
        None => list(knowledge.faults()),
        Some(name) => page(find(knowledge.faults(), name)?),
    };
    std::io::stdout().write_all(text.as_bytes()).map_err(CallError::write("standard output"))?;
    Ok(Outcome::Done)
}

fn find<'f>(faults: &'f [Fault], name: &str) -> Result<&'f Fault, CallError> {
    let known = faults.iter().find(|fault| fault.fault.eq_ignore_ascii_case(name));
    known.ok_or_else(|| {
        let near = nearest(name, faults.iter().map(|fault| fault.fault.as_str()));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        CallError::input(format!("there is no fault `{name}`{near}"))
    })
}

fn list(faults: &[Fault]) -> String {
    let width = faults.iter().map(|fault| fault.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for fault in faults {
        let name = &fault.name;
        let _ = writeln!(text, "{:<4} {name:<width$}  {}", fault.fault, fault.place);
    }
    text
}

/// The manual page of all faults.
fn handbook(faults: &[Fault]) -> String {
    let mut text = String::from(
        "# Handbook of faults\n\n\
         Written by `auscult faults --markdown` from `knowledge/faults`; a test holds them together.\n\
         `auscult diagnose` weighs each of these at every target of its kind. What has to be seen is seen nearly \
         always; how often exactly, simulated incidents say (`knowledge/experience.json`). How statements are \
         written: [diagnose.md](diagnose.md).\n\n\
         | fault | what | of |\n|---|---|---|\n",
    );
    for fault in faults {
        let (id, name) = (&fault.fault, &fault.name);
        let _ = writeln!(text, "| [{id}](#{}) | {name} | {} |", anchor(fault), fault.place);
    }
    faults.iter().for_each(|fault| text += &format!("\n{}", page(fault)));
    text
}

/// As Markdown makes it of the heading.
fn anchor(fault: &Fault) -> String {
    let heading = format!("{} {}", fault.fault, fault.name).to_lowercase();
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

fn page(fault: &Fault) -> String {
    let mut text = format!("## {} {}\n\n{}\n\n", fault.fault, fault.name, fault.about);
    let benign = if fault.benign { ", and no fault" } else { "" };
    let _ = writeln!(text, "- Of a {}{benign}", fault.place);
    let prior = &fault.prior;
    let _ = writeln!(text, "- How often, beside the others: {} ({})", prior.weight, prior.source);
    for (what, statements) in [
        ("Has to be seen", &fault.required),
        ("Often seen", &fault.supporting),
        ("Not seen with it", &fault.against),
        ("Rules it out", &fault.excluded_by),
    ] {
        if !statements.is_empty() {
            let said: Vec<String> = statements.iter().map(quoted).collect();
            let _ = writeln!(text, "- {what}: {}", said.join(", "));
        }
    }
    let remedy = &fault.remedy;
    for (what, said) in [
        ("At once", &remedy.now),
        ("Later", &remedy.later),
        ("Risk", &remedy.risk),
        ("Guard", &remedy.guard),
    ] {
        if !said.is_empty() {
            let _ = writeln!(text, "- {what}: {said}");
        }
    }
    let _ = writeln!(text, "- It helped when: {}", quoted(&remedy.recovered_when));
    let _ = writeln!(text, "- Source: {}", fault.references.join("; "));
    text
}

fn quoted(statement: &Statement) -> String {
    format!("`{statement}`")
}

#[cfg(test)]
mod tests {
    use auscult_knowledge::Knowledge;

    use super::*;

    #[test]
    fn the_handbook_is_what_is_known() {
        let manual = include_str!("../../../../docs/faults.md");
        assert!(
            manual == handbook(Knowledge::embedded().faults()),
            "docs/faults.md is stale: cargo run -- faults --markdown > docs/faults.md"
        );
    }

    #[test]
    fn a_fault_that_is_not_there_is_told_with_the_nearest() {
        let knowledge = Knowledge::embedded();
        let error = find(knowledge.faults(), "G77").unwrap_err().to_string();
        assert!(error.contains("there is no fault `G77`; did you mean `G7`?"), "{error}");
        assert_eq!(find(knowledge.faults(), "g1").unwrap().name, "thermal throttle");
    }
}

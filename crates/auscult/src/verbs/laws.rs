//! `auscult laws`: what measurements must obey, for people.

use std::fmt::Write as _;
use std::io::Write;

use auscult_core::nearest;
use auscult_knowledge::{Constants, Knowledge, Law, LawPart, Stretch};

use super::knowledge::KnowledgeArguments;
use crate::outcome::{CallError, Outcome};

/// Arguments of `auscult laws`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The law or the part of one to show, such as heartbeat; all in a list without it
    law: Option<String>,

    #[command(flatten)]
    knowledge: KnowledgeArguments,

    /// Write all laws as Markdown, as they stand in the manual
    #[arg(long, conflicts_with = "law")]
    markdown: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let knowledge = arguments.knowledge.open()?;
    let text = match &arguments.law {
        None if arguments.markdown => handbook(&knowledge),
        None => list(knowledge.laws()),
        Some(name) => page(find(knowledge.laws(), name)?),
    };
    std::io::stdout().write_all(text.as_bytes()).map_err(CallError::write("standard output"))?;
    Ok(Outcome::Done)
}

fn find<'l>(laws: &'l [Law], name: &str) -> Result<&'l Law, CallError> {
    let is_it = |law: &&Law| {
        law.law.eq_ignore_ascii_case(name)
            || law.names().any(|part| part.eq_ignore_ascii_case(name))
    };
    laws.iter().find(is_it).ok_or_else(|| {
        let names = laws.iter().flat_map(|law| law.names().chain([law.law.as_str()]));
        let near = nearest(name, names);
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        CallError::input(format!("there is no law `{name}`{near}"))
    })
}

fn list(laws: &[Law]) -> String {
    let width = laws.iter().map(|law| law.law.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for law in laws {
        let names: Vec<&str> = law.names().collect();
        let _ = writeln!(text, "{:<width$}  {}", law.law, names.join(", "));
    }
    text
}

/// The manual page of all laws.
fn handbook(knowledge: &Knowledge) -> String {
    let mut text = String::from(
        "# Handbook of laws\n\n\
         Written by `auscult laws --markdown` from `knowledge/laws`; a test holds them together.\n\
         `auscult diagnose` checks each of these at every target of its kind, before the incident and in it. How \
         formulas are written, and what is done with a breach: [diagnose.md](diagnose.md#laws).\n\n\
         | law | parts |\n|---|---|\n",
    );
    for law in knowledge.laws() {
        let parts: Vec<String> = law.names().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(text, "| [{}](#{}) | {} |", law.law, anchor(&law.law), parts.join(", "));
    }
    knowledge.laws().iter().for_each(|law| text += &format!("\n{}", page(law)));
    text += &constants(knowledge.constants());
    text
}

/// As Markdown makes it of the heading.
fn anchor(heading: &str) -> String {
    let heading = heading.to_lowercase();
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

fn page(law: &Law) -> String {
    let mut text = format!("## {}\n\n{}\n", law.law, law.about);
    law.parts.iter().for_each(|part| text += &section(part));
    let _ = writeln!(text, "\nSource: {}", law.references.join("; "));
    text
}

fn section(part: &LawPart) -> String {
    let mut text = format!("\n### {}\n\n`{}`\n\n", part.part, part.says);
    let either = if part.either { "; true or not where all is well" } else { "" };
    let _ = writeln!(text, "- Of a {}{either}", part.of);
    if let Some(when) = &part.when {
        let _ = writeln!(text, "- Where `{when}`");
    }
    if part.over == Stretch::End {
        let _ = writeln!(text, "- Of the last third of the incident");
    }
    if part.middle {
        let _ = writeln!(text, "- By the middle of the readings, not their mean");
    }
    if !part.told_by.is_empty() {
        let _ = writeln!(text, "- Only as these programs count: {}", part.told_by.join(", "));
    }
    let tolerance = &part.tolerance;
    let _ = writeln!(
        text,
        "- Tolerated: {} % and {} ({})",
        100.0 * tolerance.share,
        tolerance.least,
        tolerance.why
    );
    let _ = writeln!(text, "- A breach means: {}", part.broken.means);
    for (what, named, quotes) in [
        ("Not to be trusted then", &part.broken.untrusted, "`"),
        ("A breach speaks for", &part.broken.points_to, ""),
        ("A breach excludes", &part.broken.excludes, ""),
        ("Excluded where it holds", &part.holds_excludes, ""),
    ] {
        if !named.is_empty() {
            let named: Vec<String> =
                named.iter().map(|name| format!("{quotes}{name}{quotes}")).collect();
            let _ = writeln!(text, "- {what}: {}", named.join(", "));
        }
    }
    if part.broken.hurts {
        let _ = writeln!(text, "- A breach excludes that nothing is wrong");
    }
    text
}

fn constants(constants: &Constants) -> String {
    let mut text = String::from(
        "\n## Constants\n\nWhat laws need beside signals. Labels tell some of it; `auscult diagnose --constant NAME=VALUE` \
         and `diagnosis.constants` of the service tell the rest. Where nobody tells them the law says that it is not known.\n\n\
         | constant | unit | what | told by |\n|---|---|---|---|\n",
    );
    for constant in &constants.constants {
        let tells = constants.catalogue.iter().filter(|by| {
            by.entries.iter().any(|entry| entry.constants.contains_key(&constant.name))
        });
        let labels: Vec<String> = tells.map(|by| format!("label `{}`", by.label)).collect();
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            constant.name,
            constant.unit,
            constant.about,
            labels.join(", ")
        );
    }
    for by in &constants.catalogue {
        let names: Vec<&str> = by.entries.iter().map(|entry| entry.has.as_str()).collect();
        let _ = writeln!(text, "\nBy `{}`: {}. Source: {}.", by.label, names.join(", "), by.source);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handbook_is_what_is_known() {
        let manual = include_str!("../../../../docs/laws.md");
        assert!(
            manual == handbook(&Knowledge::embedded()),
            "docs/laws.md is stale: cargo run -- laws --markdown > docs/laws.md"
        );
    }

    #[test]
    fn a_law_is_found_by_its_part_and_a_wrong_name_is_told_with_the_nearest() {
        let knowledge = Knowledge::embedded();
        assert_eq!(find(knowledge.laws(), "Alive").unwrap().law, "heartbeat");
        let error = find(knowledge.laws(), "hartbeat").unwrap_err().to_string();
        assert!(error.contains("there is no law `hartbeat`; did you mean `heartbeat`?"), "{error}");
    }
}

//! A tree as text.

use std::fmt::Write;

use auscult_trees::Tree;

use super::{grouped, leader, rows_by_cause, share_in_words};
use crate::model::LearntModel;

/// Causes listed at a leaf.
const LISTED: usize = 4;

/// `tree` as indented questions, each with its answers below it; leaves with
/// their cause, its share and the rows of the log behind it.
#[must_use]
pub fn text(model: &LearntModel, tree: &Tree) -> String {
    let mut out = String::new();
    write_node(&mut out, model, tree, Place { node: 0, answer: "", lead: "", below: "" });
    out
}

struct Place<'a> {
    node: usize,
    /// `yes: ` or `no: `.
    answer: &'a str,
    /// What stands before the answer.
    lead: &'a str,
    /// What stands before everything below it.
    below: &'a str,
}

fn write_node(out: &mut String, model: &LearntModel, tree: &Tree, place: Place<'_>) {
    let Place { node, answer, lead, below } = place;
    let said = match &tree.nodes()[node].split {
        None => leaf(model, tree, node),
        Some(split) => model.question(split),
    };
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{lead}{answer}{said}");
    if let Some(split) = &tree.nodes()[node].split {
        let sides = [(split.yes, "yes: ", "├─ ", "│  "), (split.no, "no:  ", "└─ ", "   ")];
        for (node, answer, branch, stem) in sides {
            let (lead, below) = (format!("{below}{branch}"), format!("{below}{stem}"));
            let place = Place { node, answer, lead: &lead, below: &below };
            write_node(out, model, tree, place);
        }
    }
}

fn leaf(model: &LearntModel, tree: &Tree, node: usize) -> String {
    let (cause, share) = leader(tree, node);
    let counts = rows_by_cause(model, tree, node);
    let mut order: Vec<usize> = (0..counts.len()).filter(|&cause| counts[cause] > 0).collect();
    order.sort_by_key(|&cause| std::cmp::Reverse(counts[cause]));
    let name = |cause: usize| &model.causes()[cause].name;
    let total: u64 = counts.iter().sum();
    let rows = if total == 1 { "row" } else { "rows" };
    if order.len() <= 1 {
        return format!("→ {} ({} {rows})", name(cause), grouped(total));
    }
    let mut parts: Vec<String> = order
        .iter()
        .take(LISTED)
        .map(|&cause| format!("{} {}", name(cause), grouped(counts[cause])))
        .collect();
    if order.len() > LISTED {
        parts.push("…".to_owned());
    }
    format!(
        "→ {} {} ({} {rows}: {})",
        name(cause),
        share_in_words(model, share),
        grouped(total),
        parts.join(", ")
    )
}

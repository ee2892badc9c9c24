//! A tree for Graphviz.

use std::fmt::Write;

use auscult_trees::Tree;

use super::svg::colour;
use super::{grouped, leader, rows_by_cause, share_in_words};
use crate::model::LearntModel;

/// `tree` in the DOT language of Graphviz, coloured by leading cause.
#[must_use]
pub fn dot(model: &LearntModel, tree: &Tree) -> String {
    let mut out = String::from(
        "digraph causes {\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", \
         fontname=\"Helvetica\", color=\"#00000033\"];\n  edge [fontname=\"Helvetica\", \
         color=\"#667085\"];\n",
    );
    for (at, node) in tree.nodes().iter().enumerate() {
        let (cause, share) = leader(tree, at);
        let rows: u64 = rows_by_cause(model, tree, at).iter().sum();
        let name = &model.causes()[cause].name;
        let first = match &node.split {
            None => name.clone(),
            Some(split) => model.question(split),
        };
        let second = match &node.split {
            None => format!("{} of {} rows", share_in_words(model, share), grouped(rows)),
            Some(_) => format!("{} rows, {} {name}", grouped(rows), share_in_words(model, share)),
        };
        let fill = if node.split.is_none() { colour(cause).pale } else { "#ffffff" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "  n{at} [label=\"{}\\n{}\", fillcolor=\"{fill}\"];",
            escaped(&first),
            escaped(&second)
        );
        if let Some(split) = &node.split {
            let _ = writeln!(out, "  n{at} -> n{} [label=\"yes\"];", split.yes);
            let _ = writeln!(out, "  n{at} -> n{} [label=\"no\"];", split.no);
        }
    }
    out.push_str("}\n");
    out
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

//! A fault tree for Graphviz.

use std::fmt::Write;

use super::tree::{FaultTree, Formula};

/// The gates and basic events that the top depends on, in the DOT language of
/// Graphviz: a box for each gate with its operation, an ellipse for each basic
/// event with its probability, a small node for each formula within a gate.
///
/// ```
/// # use auscult_diagnose::fault_tree::{BasicEvent, FaultTree, Formula, Gate, dot};
/// # let event = BasicEvent { name: "mains".to_owned(), probability: 0.1, label: None };
/// # let formula = Formula::Not(Box::new(Formula::Event(0)));
/// # let gate = Gate { name: "dark".to_owned(), formula, label: None };
/// let tree = FaultTree::new("power", vec![event], vec![gate], None)?;
/// assert!(dot(&tree).contains("g0 -> e0;"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn dot(tree: &FaultTree) -> String {
    let mut drawing = Drawing {
        tree,
        text: String::from(
            "digraph fault_tree {\n  node [fontname=\"Helvetica\", shape=box, style=\"rounded,filled\", \
             fillcolor=\"#f9fafb\", color=\"#00000033\"];\n  edge [color=\"#667085\", dir=none];\n",
        ),
        inner: 0,
        is_drawn: vec![false; tree.events().len()],
    };
    for &at in tree.order().iter().rev() {
        let gate = &tree.gates()[at];
        let said = gate.label.as_ref().unwrap_or(&gate.name);
        let operation = operation(&gate.formula);
        drawing.node(&format!("g{at}"), &format!("{}\\n{operation}", escaped(said)), "");
        drawing.below(&format!("g{at}"), &gate.formula);
    }
    drawing.text.push_str("}\n");
    drawing.text
}

struct Drawing<'t> {
    tree: &'t FaultTree,
    text: String,
    /// Formulas within gates so far.
    inner: usize,
    is_drawn: Vec<bool>,
}

impl Drawing<'_> {
    fn node(&mut self, name: &str, label: &str, look: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "  {name} [label=\"{label}\"{look}];");
    }

    /// Edges from `from` to what `formula` is made of.
    fn below(&mut self, from: &str, formula: &Formula) {
        match formula {
            // A gate that only passes on another.
            Formula::Event(_) | Formula::Gate(_) | Formula::Constant(_) => self.edge(from, formula),
            operation => {
                operation.arguments().iter().for_each(|argument| self.edge(from, argument))
            }
        }
    }

    fn edge(&mut self, from: &str, to: &Formula) {
        let name = match to {
            Formula::Gate(at) => format!("g{at}"),
            Formula::Event(at) => {
                if !std::mem::replace(&mut self.is_drawn[*at], true) {
                    let event = &self.tree.events()[*at];
                    let said = escaped(event.label.as_ref().unwrap_or(&event.name));
                    let label = format!("{said}\\n{:.3e}", event.probability);
                    self.node(&format!("e{at}"), &label, ", shape=ellipse, fillcolor=\"#d6e8f5\"");
                }
                format!("e{at}")
            }
            inner => {
                self.inner += 1;
                let name = format!("f{}", self.inner);
                self.node(&name, &operation(inner), ", shape=plaintext, style=\"\"");
                // A constant has nothing below.
                inner.arguments().iter().for_each(|argument| self.edge(&name, argument));
                name
            }
        };
        let _ = writeln!(self.text, "  {from} -> {name};");
    }
}

fn operation(formula: &Formula) -> String {
    match formula {
        Formula::And(_) => "and".to_owned(),
        Formula::Or(_) => "or".to_owned(),
        Formula::Xor(_) => "xor".to_owned(),
        Formula::Not(_) => "not".to_owned(),
        Formula::AtLeast { min, of } => format!("at least {min} of {}", of.len()),
        Formula::Constant(true) => "always".to_owned(),
        Formula::Constant(false) => "never".to_owned(),
        Formula::Event(_) | Formula::Gate(_) => "is".to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

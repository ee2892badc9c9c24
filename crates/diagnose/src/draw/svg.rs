//! A tree as a picture.

use std::fmt::Write;

use auscult_trees::Tree;

use super::{grouped, leader, rows_by_cause, share_in_words};
use crate::model::LearntModel;

const ROW: f64 = 62.0;
const BOX_HEIGHT: f64 = 46.0;
const GAP: f64 = 56.0;
const MARGIN: f64 = 24.0;
const HEADER: f64 = 84.0;
/// Mean width of a letter at 13 px, on the safe side.
const LETTER: f64 = 7.3;
const LONGEST: usize = 44;
/// Width of a legend entry without its name.
const LEGEND: f64 = 40.0;

/// Colours of a cause.
#[derive(Debug, Clone, Copy)]
pub(super) struct Colour {
    /// For bars and borders.
    pub(super) strong: &'static str,
    /// For grounds with black text on them.
    pub(super) pale: &'static str,
}

/// Told apart also by most people who see colours differently, after M. Okabe
/// and K. Ito, "Color universal design", 2002.
const COLOURS: [Colour; 8] = [
    Colour { strong: "#0072b2", pale: "#d6e8f5" },
    Colour { strong: "#e69f00", pale: "#fdeccc" },
    Colour { strong: "#009e73", pale: "#d0f0e4" },
    Colour { strong: "#d55e00", pale: "#fbdfcc" },
    Colour { strong: "#cc79a7", pale: "#f7e3ee" },
    Colour { strong: "#56b4e9", pale: "#e0f2fc" },
    Colour { strong: "#b3a100", pale: "#f6f2c4" },
    Colour { strong: "#6b7280", pale: "#e8eaee" },
];

pub(super) fn colour(cause: usize) -> Colour {
    COLOURS[cause % COLOURS.len()]
}

/// Where each node stands.
struct Layout {
    /// Left edge of each depth, and one more for the right end.
    columns: Vec<f64>,
    /// Centre of each node.
    centres: Vec<f64>,
    depths: Vec<usize>,
    height: f64,
}

/// `tree` as an SVG picture that reads from left to right: a box for every
/// question, one for every leaf with its cause, and in each the shares of the
/// causes as a bar.
#[must_use]
pub fn svg(model: &LearntModel, tree: &Tree) -> String {
    let layout = Layout::of(model, tree);
    let legend: f64 =
        model.causes().iter().map(|cause| LEGEND + width_of(&shortened(&cause.name))).sum();
    let right = layout.columns.last().copied().unwrap_or(0.0) - GAP;
    let width = right.max(MARGIN + legend).max(520.0) + MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{0:.0}\" \
         viewBox=\"0 0 {width:.0} {0:.0}\" font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, \
         'DejaVu Sans', sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        layout.height
    );
    head(&mut out, model);
    for at in 0..tree.nodes().len() {
        edges(&mut out, tree, &layout, at);
    }
    for at in 0..tree.nodes().len() {
        node(&mut out, model, tree, &layout, at);
    }
    out.push_str("</svg>\n");
    out
}

impl Layout {
    fn of(model: &LearntModel, tree: &Tree) -> Self {
        let depths = tree.depths();
        let deepest = tree.depth();
        let mut widths = vec![120.0_f64; deepest + 1];
        for (at, &depth) in depths.iter().enumerate() {
            widths[depth] = widths[depth].max(box_width(model, tree, at));
        }
        let mut columns = vec![MARGIN];
        for (depth, width) in widths.iter().enumerate() {
            columns.push(columns[depth] + width + GAP);
        }
        let (centres, leaves) = centres(tree);
        let height = HEADER + leaves as f64 * ROW + MARGIN / 2.0;
        Self { columns, centres, depths, height }
    }

    fn left(&self, node: usize) -> f64 {
        self.columns[self.depths[node]]
    }
}

/// Centres, a leaf on every row and each question midway between its answers;
/// and the number of leaves.
fn centres(tree: &Tree) -> (Vec<f64>, usize) {
    let nodes = tree.nodes();
    let mut centres = vec![0.0; nodes.len()];
    let mut leaves = 0;
    let mut open = vec![0];
    while let Some(at) = open.pop() {
        match &nodes[at].split {
            // Yes is taken first, so it stands above no.
            Some(split) => open.extend([split.no, split.yes]),
            None => {
                centres[at] = HEADER + (leaves as f64 + 0.5) * ROW;
                leaves += 1;
            }
        }
    }
    for (at, node) in nodes.iter().enumerate().rev() {
        if let Some(split) = &node.split {
            centres[at] = f64::midpoint(centres[split.yes], centres[split.no]);
        }
    }
    (centres, leaves)
}

fn width_of(text: &str) -> f64 {
    text.chars().count() as f64 * LETTER
}

fn box_width(model: &LearntModel, tree: &Tree, at: usize) -> f64 {
    let (first, second) = lines(model, tree, at);
    width_of(&first).max(width_of(&second) * 0.9) + 28.0
}

/// The two lines of a box.
fn lines(model: &LearntModel, tree: &Tree, at: usize) -> (String, String) {
    let (cause, share) = leader(tree, at);
    let rows: u64 = rows_by_cause(model, tree, at).iter().sum();
    let unit = if rows == 1 { "row" } else { "rows" };
    let name = shortened(&model.causes()[cause].name);
    match &tree.nodes()[at].split {
        None => (name, format!("{} of {} {unit}", share_in_words(model, share), grouped(rows))),
        Some(split) => (shortened(&model.question(split)), format!("{} {unit}", grouped(rows))),
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    // The end of a question matters as much as its beginning.
    let letters: Vec<char> = text.chars().collect();
    let (start, end) = (&letters[..LONGEST / 2], &letters[letters.len() - LONGEST / 2 + 1..]);
    format!("{}…{}", start.iter().collect::<String>(), end.iter().collect::<String>())
}

// Writing to a string cannot fail, so the results below are dropped.

fn head(out: &mut String, model: &LearntModel) {
    let _ = writeln!(
        out,
        "<text x=\"{MARGIN}\" y=\"32\" font-size=\"17\" font-weight=\"600\" fill=\"#101828\">{}</text>",
        escaped(&format!("What tells the causes of `{}` apart", model.label()))
    );
    let mut x = MARGIN;
    for (at, cause) in model.causes().iter().enumerate() {
        let name = shortened(&cause.name);
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"48\" width=\"12\" height=\"12\" rx=\"3\" fill=\"{}\"/>\
             <text x=\"{:.1}\" y=\"58.5\" fill=\"#344054\">{}</text>",
            colour(at).strong,
            x + 18.0,
            escaped(&name)
        );
        x += LEGEND + width_of(&name);
    }
}

fn edges(out: &mut String, tree: &Tree, layout: &Layout, at: usize) {
    let Some(split) = &tree.nodes()[at].split else { return };
    let from = (layout.columns[layout.depths[at] + 1] - GAP, layout.centres[at]);
    for (child, word) in [(split.yes, "yes"), (split.no, "no")] {
        let to = (layout.left(child), layout.centres[child]);
        let bend = from.0 + GAP * 0.45;
        let _ = writeln!(
            out,
            "<path d=\"M{:.1} {:.1} H{bend:.1} V{:.1} H{:.1}\" fill=\"none\" stroke=\"#98a2b3\" \
             stroke-width=\"1.3\"/>",
            from.0, from.1, to.1, to.0
        );
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"11\" fill=\"#475467\" \
             text-anchor=\"end\">{word}</text>",
            to.0 - 5.0,
            to.1 - 4.0
        );
    }
}

fn node(out: &mut String, model: &LearntModel, tree: &Tree, layout: &Layout, at: usize) {
    let is_leaf = tree.nodes()[at].split.is_none();
    let (cause, _) = leader(tree, at);
    let (x, y) = (layout.left(at), layout.centres[at] - BOX_HEIGHT / 2.0);
    // All questions of a column are equally wide, so that the lines to their
    // answers start together.
    let width = layout.columns[layout.depths[at] + 1] - GAP - x;
    let (fill, stroke) =
        if is_leaf { (colour(cause).pale, colour(cause).strong) } else { ("#f9fafb", "#d0d5dd") };
    let (first, second) = lines(model, tree, at);
    let weight = if is_leaf { 600 } else { 500 };
    let _ = writeln!(
        out,
        "<g><title>{}</title><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
         height=\"{BOX_HEIGHT}\" rx=\"7\" fill=\"{fill}\" stroke=\"{stroke}\"/>",
        escaped(&tooltip(model, tree, at))
    );
    let _ = writeln!(
        out,
        "<text x=\"{0:.1}\" y=\"{1:.1}\" font-weight=\"{weight}\" fill=\"#101828\">{2}</text>\
         <text x=\"{0:.1}\" y=\"{3:.1}\" font-size=\"11\" fill=\"#475467\">{4}</text>",
        x + 12.0,
        y + 18.0,
        escaped(&first),
        y + 32.5,
        escaped(&second)
    );
    bar(out, tree, at, (x + 12.0, y + BOX_HEIGHT - 8.5, width - 24.0));
    out.push_str("</g>\n");
}

/// The shares of the causes, side by side.
fn bar(out: &mut String, tree: &Tree, at: usize, (x, y, width): (f64, f64, f64)) {
    let weights = tree.value(at);
    let total: f64 = weights.iter().sum();
    let mut left = x;
    for (cause, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        let part = width * (weight / total);
        let _ = write!(
            out,
            "<rect x=\"{left:.2}\" y=\"{y:.1}\" width=\"{part:.2}\" height=\"4\" fill=\"{}\"/>",
            colour(cause).strong
        );
        left += part;
    }
}

/// Everything that the box has no room for.
fn tooltip(model: &LearntModel, tree: &Tree, at: usize) -> String {
    let counts = rows_by_cause(model, tree, at);
    let causes = model.causes().iter().zip(&counts).filter(|(_, rows)| **rows > 0);
    let list: Vec<String> =
        causes.map(|(cause, rows)| format!("{} {}", cause.name, grouped(*rows))).collect();
    match &tree.nodes()[at].split {
        None => list.join(", "),
        Some(split) => format!("{} {}", model.question(split), list.join(", ")),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

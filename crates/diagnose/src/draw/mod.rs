//! Trees to look at: as text, for Graphviz, and as a picture.

mod dot;
mod svg;
mod text;

use auscult_trees::Tree;

use crate::model::LearntModel;

pub use dot::dot;
pub use svg::svg;
pub use text::text;

/// Training rows of each cause that came to `node`, without weights.
fn rows_by_cause(model: &LearntModel, tree: &Tree, node: usize) -> Vec<u64> {
    let rows = |(weight, cause): (&f64, &crate::model::Cause)| {
        // Held far below overflow, for sums over the causes of a stranger's file.
        (weight / cause.row_weight).round().min(1e12) as u64
    };
    tree.value(node).iter().zip(model.causes()).map(rows).collect()
}

/// The cause that weighs most in `node`, and its share of the weight there.
fn leader(tree: &Tree, node: usize) -> (usize, f64) {
    let weights = tree.value(node);
    let better = |best, at| if weights[at] > weights[best] { at } else { best };
    let best = (1..weights.len()).fold(0, better);
    (best, weights[best] / weights.iter().sum::<f64>())
}

/// How a share of a node reads: of the rows, or of their weight where causes
/// weigh differently.
fn share_in_words(model: &LearntModel, share: f64) -> String {
    let is_weighed = model.causes().iter().any(|cause| cause.row_weight != 1.0);
    if is_weighed { format!("{} by weight", percent(share)) } else { percent(share) }
}

/// `count` with commas between thousands.
///
/// ```
/// assert_eq!(auscult_diagnose::draw::grouped(1_234_567), "1,234,567");
/// ```
#[must_use]
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A share in percent, never rounded up to certainty nor down to nothing.
///
/// ```
/// use auscult_diagnose::draw::percent;
/// assert_eq!(percent(0.9666), "97 %");
/// assert_eq!(percent(0.9999), "99.9 %");
/// assert_eq!(percent(0.0004), "< 0.1 %");
/// assert_eq!(percent(1.0), "100 %");
/// ```
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        _ if percent <= 0.0 => "0 %".to_owned(),
        _ if percent < 0.1 => "< 0.1 %".to_owned(),
        _ if percent < 1.0 => format!("{percent:.1} %"),
        _ if percent >= 100.0 - 1e-9 => "100 %".to_owned(),
        _ if percent >= 99.0 => format!("{:.1} %", percent.min(99.9)),
        _ => format!("{percent:.0} %"),
    }
}

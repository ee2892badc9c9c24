//! A fault tree's answer for people.

use std::fmt::Write;

use auscult_diagnose::draw::{grouped, percent};
use comfy_table::{CellAlignment, Table, presets};

use super::{Measure, Worked};

/// Events of a cut set that are named.
const NAMED: usize = 12;

/// Probability, cut sets and importances of one tree.
pub(super) fn report(worked: &Worked, sort: Measure, listed: usize) -> String {
    let (tree, analysis) = (&worked.tree, &worked.analysis);
    let mut text = format!(
        "{}: top {}, {}, {}\n",
        worked.file,
        tree.top().label.as_ref().unwrap_or(&tree.top().name),
        counted(tree.events().len(), "basic event"),
        counted(tree.gates().len(), "gate"),
    );
    let top = analysis.top;
    // Writing to a string cannot fail, here and below.
    let _ = match top.is_exact() {
        true => writeln!(text, "  probability of the top  {}", number(top.low)),
        false => writeln!(
            text,
            "  probability of the top  {} to {}: an exact answer needs more nodes than --nodes allows",
            number(top.low),
            number(top.high)
        ),
    };
    let Some(sets) = &analysis.cut_sets else {
        text.push_str(
            "  minimal cut sets        unknown: they need more nodes than --nodes allows\n",
        );
        return text + &importances(worked, sort, listed);
    };
    let count = match sets.count {
        Some(count) => count.try_into().map_or_else(|_| count.to_string(), grouped),
        None => "more than 3.4e38".to_owned(),
    };
    let _ = writeln!(text, "  minimal cut sets        {count}");
    if !sets.listed.is_empty() {
        text.push_str("\nMost probable cut sets (share: their probability over the top's)\n");
        let mut table = table(&["", "probability", "share", "events"], 3);
        for (at, set) in sets.listed.iter().enumerate() {
            let share =
                if top.low > 0.0 { percent(set.probability / top.low) } else { "-".to_owned() };
            table.add_row([
                (at + 1).to_string(),
                number(set.probability),
                share,
                names(worked, &set.events),
            ]);
        }
        let _ = writeln!(text, "{}", table.trim_fmt());
    }
    text + &importances(worked, sort, listed)
}

fn importances(worked: &Worked, sort: Measure, listed: usize) -> String {
    if worked.ranked.is_empty() || listed == 0 {
        return String::new();
    }
    let shown = worked.ranked.len().min(listed);
    let mut text = format!(
        "\nBasic events by {}, {} of {}\n",
        sort.name(),
        grouped(shown as u64),
        grouped(worked.ranked.len() as u64)
    );
    let mut table = table(
        &["event", "probability", "Fussell–Vesely", "Birnbaum", "criticality", "RAW", "RRW"],
        0,
    );
    for one in &worked.ranked[..shown] {
        let event = &worked.tree.events()[one.event];
        let or_dash = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
        table.add_row([
            event.label.as_ref().unwrap_or(&event.name).clone(),
            number(event.probability),
            or_dash(one.fussell_vesely),
            number(one.birnbaum),
            or_dash(one.criticality),
            or_dash(one.risk_achievement),
            or_dash(one.risk_reduction),
        ]);
    }
    let _ = writeln!(text, "{}", table.trim_fmt());
    text
}

/// An empty table whose columns are all aligned to the right but one.
fn table(header: &[&str], left: usize) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    for column in (0..header.len()).filter(|&column| column != left) {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn names(worked: &Worked, events: &[usize]) -> String {
    let all = worked.tree.events();
    let mut names: Vec<&str> =
        events.iter().take(NAMED).map(|&event| all[event].name.as_str()).collect();
    if events.len() > NAMED {
        names.push("…");
    }
    if names.is_empty() { "nothing has to happen".to_owned() } else { names.join(", ") }
}

/// `3 gates`, `1 gate`.
fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(count as u64))
}

/// Four digits, as a plain number where that is short.
fn number(value: f64) -> String {
    match value {
        _ if value == 0.0 => "0".to_owned(),
        _ if value.is_infinite() => "∞".to_owned(),
        _ if (0.01..1000.0).contains(&value.abs()) => format!("{value:.4}"),
        _ => format!("{value:.3e}"),
    }
}

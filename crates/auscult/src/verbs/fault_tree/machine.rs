//! A fault tree's answer for programs: JSON and CSV.

use auscult_diagnose::fault_tree::Importance;
use auscult_telemetry::{Cells, Column, Table, write_csv};
use serde_json::{Value, json};

use super::Worked;
use crate::cells::words;
use crate::outcome::CallError;

/// All trees, as one JSON object.
pub(super) fn json(all: &[Worked]) -> String {
    let trees: Vec<Value> = all.iter().map(tree).collect();
    let mut text =
        serde_json::to_string_pretty(&json!({ "trees": trees })).expect("an object of plain data");
    text.push('\n');
    text
}

fn tree(worked: &Worked) -> Value {
    let (tree, analysis) = (&worked.tree, &worked.analysis);
    let name = |event: usize| &tree.events()[event].name;
    let cut_sets = analysis.cut_sets.as_ref().map(|sets| {
        let listed: Vec<Value> = sets
            .listed
            .iter()
            .map(|set| {
                let events: Vec<&String> = set.events.iter().map(|&event| name(event)).collect();
                json!({ "events": events, "probability": set.probability })
            })
            .collect();
        // Beyond 64 bits a number would lose digits in most readers.
        let count = sets.count.map(|count| {
            u64::try_from(count).map_or_else(|_| json!(count.to_string()), |count| json!(count))
        });
        json!({ "count": count, "listed": listed })
    });
    let importance = |one: &Importance| {
        json!({
            "event": name(one.event),
            "probability": tree.events()[one.event].probability,
            "birnbaum": one.birnbaum,
            "criticality": one.criticality,
            "fussell_vesely": one.fussell_vesely,
            "risk_achievement_worth": one.risk_achievement,
            // JSON has no infinity.
            "risk_reduction_worth": one.risk_reduction.filter(|worth| worth.is_finite()),
        })
    };
    let known = analysis.importance.is_some();
    json!({
        "file": worked.file,
        "name": tree.name(),
        "top": tree.top().name,
        "basic_events": tree.events().len(),
        "gates": tree.gates().len(),
        "probability": {
            "low": analysis.top.low,
            "high": analysis.top.high,
            "exact": analysis.top.is_exact(),
        },
        "diagram_nodes": analysis.nodes,
        "cut_sets": cut_sets,
        "importance": known.then(|| worked.ranked.iter().map(importance).collect::<Vec<_>>()),
    })
}

/// A line for each basic event of each tree whose importances are known.
pub(super) fn csv(all: &[Worked]) -> Result<String, CallError> {
    let rows: Vec<(&Worked, &Importance)> =
        all.iter().flat_map(|worked| worked.ranked.iter().map(move |one| (worked, one))).collect();
    let text = |of: &dyn Fn(&Worked, &Importance) -> String| {
        words(rows.iter().map(|(worked, one)| Some(of(worked, one))))
    };
    let numbers = |of: &dyn Fn(&Worked, &Importance) -> Option<f64>| {
        let number = |(worked, one): &(&Worked, &Importance)| of(worked, one).unwrap_or(f64::NAN);
        Cells::Numbers(rows.iter().map(number).collect())
    };
    let columns = [
        ("file", text(&|worked, _| worked.file.clone())),
        ("top", text(&|worked, _| worked.tree.top().name.clone())),
        ("event", text(&|worked, one| worked.tree.events()[one.event].name.clone())),
        ("probability", numbers(&|worked, one| Some(worked.tree.events()[one.event].probability))),
        ("birnbaum", numbers(&|_, one| Some(one.birnbaum))),
        ("criticality", numbers(&|_, one| one.criticality)),
        ("fussell_vesely", numbers(&|_, one| one.fussell_vesely)),
        ("risk_achievement_worth", numbers(&|_, one| one.risk_achievement)),
        ("risk_reduction_worth", numbers(&|_, one| one.risk_reduction)),
    ];
    let column = |(name, cells): (&str, Cells)| Column { name: name.to_owned(), cells };
    let table = Table::new(columns.into_iter().map(column).collect());
    let mut bytes = Vec::new();
    write_csv(&table, &mut bytes).map_err(CallError::write("standard output"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

//! The ranking as a table of plain columns: a row for each candidate.

use auscult_telemetry::{Cells, Column, Table};

use super::{Selection, Tried};
use crate::cells::words;

/// The columns, in order, with what each holds.
const FIELDS: &[(&str, &str)] = &[
    ("rank", "place in the ranking, from 1, the choice first"),
    ("method", "name in the catalogue"),
    (
        "settings",
        "those that differ from the defaults, as `name=value;…`, a fusion's `members` as JSON; missing where all are the defaults",
    ),
    ("learning", "`online`, `batch` or `labelled`"),
    ("value", "mean of the metric over stretches or tries"),
    ("low", "lower end of its 95 % interval"),
    ("high", "upper end of its 95 % interval"),
    ("precision", "part of the rows with an alarm that lie in an anomaly; missing without alarms"),
    ("recall", "part of the anomalies with an alarm"),
    (
        "delay_rows",
        "median rows from the beginning of an anomaly to its first alarm; missing where none is found",
    ),
    ("threshold", "score that did best on the judged rows; missing without labels"),
    (
        "consensus",
        "rank correlation with the other finalists; missing with labels and below rank 10",
    ),
    ("stability", "rank correlation with itself after a shorter history; missing likewise"),
    ("micros_per_row", "time for a row, in microseconds"),
];

/// Every candidate of `selection`, best first, with the columns of [`FIELDS`].
pub(crate) fn table(selection: &Selection) -> Table {
    let ranking = &selection.ranking;
    let numbers = |of: &dyn Fn(&Tried) -> Option<f64>| {
        Cells::Numbers(ranking.iter().map(|one| of(one).unwrap_or(f64::NAN)).collect())
    };
    let texts = |of: &dyn Fn(&Tried) -> Option<String>| words(ranking.iter().map(of));
    let column = |name: &str| {
        let cells = match name {
            "rank" => Cells::Numbers((1..=ranking.len()).map(|rank| rank as f64).collect()),
            "method" => texts(&|one| Some(one.candidate.method.name.to_owned())),
            "settings" => texts(&settings),
            "learning" => texts(&|one| Some(one.candidate.learning.word().to_owned())),
            "value" => numbers(&|one| Some(one.value.mean)),
            "low" => numbers(&|one| Some(one.value.low)),
            "high" => numbers(&|one| Some(one.value.high)),
            "precision" => numbers(&|one| one.summary.precision()),
            "recall" => numbers(&|one| one.summary.recall()),
            "delay_rows" => numbers(&|one| one.summary.delay()),
            "threshold" => numbers(&|one| one.threshold),
            "consensus" => numbers(&|one| one.consensus),
            "stability" => numbers(&|one| one.stability),
            "micros_per_row" => numbers(&|one| Some(one.micros_per_row)),
            other => unreachable!("field `{other}` has no cells"),
        };
        Column { name: name.to_owned(), cells }
    };
    Table::new(FIELDS.iter().map(|(name, _)| column(name)).collect())
}

fn settings(one: &Tried) -> Option<String> {
    let pairs = one.candidate.settings.iter().map(|(name, value)| format!("{name}={value}"));
    let pairs: Vec<String> = pairs.collect();
    (!pairs.is_empty()).then(|| pairs.join(";"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_cells_and_stands_in_the_manual() {
        let none = Selection { ranking: Vec::new(), absent: Vec::new(), tries: 0, anomalies: 0 };
        assert_eq!(table(&none).columns().len(), FIELDS.len());
        let manual = include_str!("../../../../docs/select.md");
        for (name, meaning) in FIELDS {
            let line = format!("| `{name}` | {meaning} |");
            assert!(manual.contains(&line), "docs/select.md lacks: {line}");
        }
    }
}

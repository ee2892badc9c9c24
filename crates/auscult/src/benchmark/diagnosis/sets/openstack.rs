//! Failures of OpenStack that were injected, told apart by the events that they leave.

use std::path::Path;

use auscult_diagnose::learn::{FaultLog, Validation};

use super::super::aim::Bound::AtLeast;
use super::super::learnt::{self, ASKED, COLUMNS};
use super::super::sheet::{Sheet, number};
use super::super::{Aim, Order, Published, Set, Table};
use crate::benchmark::files::wrong;
use crate::outcome::CallError;

pub(super) const SET: Set = Set {
    name: "openstack",
    title: "OpenStack, a labelled log of failures that were injected",
    source: "github dessertlab/Failure-Dataset-OpenStack, campaign DEPL",
    mark: "depl_counts.csv.gz",
    protocol: "Six classes, of which `none` is healthy. Five folds, row number modulo 5, each predicted by what was learnt from the \
               others, choice of pruning included; predictions pooled. Where cells are missing, it is the fifth that a hash of row and \
               column names. `auto`, `tree` and `forest` are what `auscult learn --model` makes of these names (`tree` is its default, `auto` takes a forest where \
               a twentieth of the cells or more are missing); `whole-tree` is not pruned, `whole-tree-of-5` has 5 rows or more a leaf, `short-tree` asks 4 questions at most. \
               `questions` asks as `auscult troubleshoot` does until a cause is 0.95 certain. Leaves and questions on the way are those of \
               the tree learnt from all rows.",
    methods: || learnt::METHODS.into_iter().chain([QUESTIONS]).collect(),
    measure,
};

/// The name of asking question by question.
const QUESTIONS: &str = "questions";

/// The column that says what failed.
const LABEL: &str = "failure";

const FOLDS: usize = 5;

const TREES: usize = 200;

const CERTAINTY: f64 = 0.95;

const TREE: &str = "scikit-learn, tree";
const TREE_OF_5: &str = "scikit-learn, tree of 5 a leaf";
const FOREST: &str = "scikit-learn, forest of 200";
const NOTE: &str = "1.9.1 on these rows and folds; of trees the mean over 5 to 10 seeds, which spread by 0.01; the tree learns in 5 ms, the \
                    forest in 350 ms, from four folds on one core";

/// What is learnt from, and what others reached.
struct Part {
    title: &'static str,
    file: &'static str,
    is_missing: bool,
    published: &'static [Published],
    aims: &'static [Aim],
}

const fn rival(who: &'static str, figures: &'static [(&'static str, f64)]) -> Published {
    Published { who, figures, note: NOTE }
}

const fn macro_f1(method: &'static str, least: f64) -> Aim {
    Aim { method, key: "macro_f1", bound: AtLeast(least) }
}

const PARTS: &[Part] = &[
    Part {
        title: "counts of events",
        file: "depl_counts.csv.gz",
        is_missing: false,
        published: &[
            rival(TREE, &[("accuracy", 0.974), ("macro_f1", 0.938), ("leaves", 49.0)]),
            rival(TREE_OF_5, &[("accuracy", 0.968), ("macro_f1", 0.936), ("leaves", 32.0)]),
            rival(FOREST, &[("accuracy", 0.974), ("macro_f1", 0.937)]),
        ],
        aims: &[macro_f1("auto", 0.938)],
    },
    Part {
        title: "counts of events, a fifth missing",
        file: "depl_counts.csv.gz",
        is_missing: true,
        published: &[
            rival(TREE, &[("accuracy", 0.922), ("macro_f1", 0.856), ("leaves", 57.0)]),
            rival(TREE_OF_5, &[("accuracy", 0.910), ("macro_f1", 0.839), ("leaves", 40.0)]),
            rival(FOREST, &[("accuracy", 0.951), ("macro_f1", 0.890)]),
        ],
        aims: &[macro_f1("auto", 0.890)],
    },
    Part {
        title: "anomalies of events",
        file: "depl_anomalies.csv.gz",
        is_missing: false,
        published: &[
            rival(TREE, &[("accuracy", 0.949), ("macro_f1", 0.884), ("leaves", 67.0)]),
            rival(TREE_OF_5, &[("accuracy", 0.942), ("macro_f1", 0.873), ("leaves", 35.0)]),
            rival(FOREST, &[("accuracy", 0.956), ("macro_f1", 0.895)]),
        ],
        aims: &[macro_f1("auto", 0.895)],
    },
    Part {
        title: "anomalies of events, a fifth missing",
        file: "depl_anomalies.csv.gz",
        is_missing: true,
        published: &[
            rival(TREE, &[("accuracy", 0.872), ("macro_f1", 0.757), ("leaves", 70.0)]),
            rival(TREE_OF_5, &[("accuracy", 0.864), ("macro_f1", 0.745), ("leaves", 45.0)]),
            rival(FOREST, &[("accuracy", 0.936), ("macro_f1", 0.835)]),
        ],
        aims: &[macro_f1("auto", 0.835)],
    },
];

fn measure(folder: &Path, methods: &[&'static str]) -> Result<Vec<Table>, CallError> {
    let (asked, learners): (Vec<&str>, Vec<&str>) =
        methods.iter().partition(|method| **method == QUESTIONS);
    let mut tables = Vec::new();
    for part in PARTS.iter().filter(|_| !learners.is_empty()) {
        let log = load(&folder.join(part.file), part.is_missing)?;
        let folds = Validation::Given((0..log.rows()).map(|row| row % FOLDS).collect());
        tables.push(Table {
            title: part.title.to_owned(),
            cases: cases(&log),
            columns: COLUMNS,
            order: Order::HighestFirst,
            lines: learnt::measure(&log, Some("none"), &folds, TREES, &learners)?,
            published: part.published,
            aims: part.aims.to_vec(),
        });
    }
    if !asked.is_empty() {
        let log = load(&folder.join(SET.mark), false)?;
        tables.push(Table {
            title: "counts of events, asked for one by one".to_owned(),
            cases: cases(&log),
            columns: ASKED,
            order: Order::HighestFirst,
            lines: vec![learnt::ask(QUESTIONS, &log, "none", FOLDS, CERTAINTY)?],
            published: &[],
            // As often right as it is certain.
            aims: vec![Aim { method: QUESTIONS, key: "accuracy", bound: AtLeast(CERTAINTY) }],
        });
    }
    Ok(tables)
}

fn cases(log: &FaultLog) -> String {
    let healthy = log.class_names().iter().position(|class| class == "none");
    let is_healthy = |label: &&u32| Some(**label as usize) == healthy;
    let healthy = log.labels().iter().filter(is_healthy).count();
    let ill = log.rows() - healthy;
    format!("{ill} failures and {healthy} healthy rows; series are kinds of events.")
}

fn load(path: &Path, is_missing: bool) -> Result<FaultLog, CallError> {
    let sheet = Sheet::read(path)?;
    let label = sheet.place(LABEL, path)?;
    let inputs = (0..sheet.header.len()).filter(|at| *at != label).enumerate();
    let mut columns = Vec::new();
    for (column, at) in inputs {
        let mut values = Vec::with_capacity(sheet.rows.len());
        for (row, cells) in sheet.rows.iter().enumerate() {
            let value = number(&cells[at]);
            if value.is_nan() {
                let name = &sheet.header[at];
                return Err(wrong(path, format_args!("`{name}` in row {} is no number", row + 1)));
            }
            values.push(if is_missing && is_blank(row, column) { f64::NAN } else { value });
        }
        columns.push(learnt::numbers(&sheet.header[at], values));
    }
    let causes: Vec<&str> = sheet.rows.iter().map(|row| row[label].as_str()).collect();
    learnt::log(LABEL, &causes, columns)
}

/// Whether the protocol hides this cell, row and column counted from 0.
fn is_blank(row: usize, column: usize) -> bool {
    let mut hash = (row as u32 + 1)
        .wrapping_mul(2_654_435_761)
        .wrapping_add((column as u32 + 1).wrapping_mul(2_246_822_519));
    hash ^= hash >> 15;
    hash = hash.wrapping_mul(2_246_822_519);
    hash ^= hash >> 13;
    hash.is_multiple_of(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hidden_cells_are_those_of_the_protocol() {
        let hidden: Vec<usize> = (0..24).filter(|column| is_blank(0, *column)).collect();
        assert_eq!(hidden, [4, 11, 14, 19, 22]);
    }
}

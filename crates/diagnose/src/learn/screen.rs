//! Columns that teach nothing or too much, and causes that are too rare.

use std::fmt;

use auscult_trees::{Features, Tree};
use serde::Serialize;

use super::grow::Lessons;
use super::settings::{LearnSettings, Validation};
use super::{Confusion, FaultLog, FeatureColumn, FeatureValues, LearnError, stratified};
use auscult_trees::MISSING;

/// Rows that a cause should have before its figures mean much.
const FEW: usize = 10;
/// A feature that alone reaches this, held out, tells too much to be a symptom.
const TELLING: f64 = 0.99;
/// Rows that the search for leaks looks at, at most.
const SCREENED_ROWS: usize = 20_000;
/// Leaves of a tree on one feature in that search: enough for a set of codes,
/// too few to learn an identifier by heart.
const SCREENED_LEAVES: usize = 32;

/// Something to know before trusting what was learnt.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[non_exhaustive]
#[expect(missing_docs, reason = "the sentences explain the fields")]
pub enum Finding {
    /// Left out: a column without a value.
    Empty { column: String },
    /// Left out: the same value in every row.
    Constant { column: String, missing: usize },
    /// An identifier: nearly every row has its own word, or a number that only grows.
    Identifier { column: String, distinct: usize, rows: usize, kept: bool },
    /// A column that says the same as the label, in other words or the same.
    Copy { column: String, kept: bool },
    /// A feature that alone determines the label.
    Leak { column: String, accuracy: f64 },
    /// A feature that alone tells one cause from all others.
    CauseLeak { column: String, cause: String, found: u64, rows: u64, wrong: u64 },
    /// A cause with few rows.
    FewRows { cause: String, rows: usize, folds: usize },
    /// Most rows have one cause.
    Imbalanced { cause: String, share: f64 },
}

impl Finding {
    /// The column that was left out because of this, if one was.
    #[must_use]
    pub fn left_out(&self) -> Option<&str> {
        match self {
            Self::Empty { column }
            | Self::Constant { column, .. }
            | Self::Identifier { column, kept: false, .. }
            | Self::Copy { column, kept: false } => Some(column),
            _ => None,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fate = |kept: &bool| {
            if *kept {
                "kept because you named it"
            } else {
                "left out (name it in --features to keep it)"
            }
        };
        match self {
            Self::Empty { column } => write!(f, "`{column}` has no value in any row: left out"),
            Self::Constant { column, missing: 0 } => {
                write!(f, "`{column}` has the same value in every row: left out")
            }
            Self::Constant { column, missing } => write!(
                f,
                "`{column}` has the same value in every row but {missing} without one: left out"
            ),
            Self::Identifier { column, distinct, rows, kept } => write!(
                f,
                "`{column}` looks like an identifier ({distinct} different values in {rows} rows): {}",
                fate(kept)
            ),
            Self::Copy { column, kept } => {
                write!(f, "`{column}` says the same as the label in every row: {}", fate(kept))
            }
            Self::Leak { column, accuracy } => write!(
                f,
                "`{column}` alone gives the label in {:.1} % of held-out rows; if it was written \
                 down after the cause was known, leave it out: --exclude '{column}'",
                accuracy * 100.0
            ),
            Self::CauseLeak { column, cause, found, rows, wrong } => {
                let wrong = if *wrong == 0 { "none".to_owned() } else { wrong.to_string() };
                write!(
                    f,
                    "`{column}` alone tells `{cause}` from everything else ({found} of {rows} rows \
                     found, {wrong} wrongly); if it was written down after the cause was known, \
                     leave it out: --exclude '{column}'"
                )
            }
            Self::FewRows { cause, rows, folds } if rows < folds => write!(
                f,
                "`{cause}` has only {rows} row{}, fewer than the {folds} folds: its figures mean little",
                plural(*rows)
            ),
            Self::FewRows { cause, rows, .. } => {
                write!(f, "`{cause}` has only {rows} rows: its figures are rough")
            }
            Self::Imbalanced { cause, share } => write!(
                f,
                "{:.0} % of the rows are `{cause}`; if rare causes matter as much, add \
                 --class-weight balanced",
                share * 100.0
            ),
        }
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// The log without the columns that teach nothing, and what was found.
pub(crate) fn screen(
    log: &FaultLog,
    settings: &LearnSettings,
) -> Result<(FaultLog, Vec<Finding>), LearnError> {
    let kept = settings.keep_suspects;
    let mut findings: Vec<Finding> =
        log.features().iter().filter_map(|feature| look_at(feature, log, kept)).collect();
    let is_left_out = |feature: &FeatureColumn| {
        findings.iter().any(|finding| finding.left_out() == Some(&feature.name))
    };
    let log = log.retain(|feature| !is_left_out(feature));
    let known: Vec<String> = findings.iter().filter_map(Finding::suspect).collect();
    findings.extend(leaks(&log, &known)?);
    findings.extend(rare_causes(&log, settings));
    Ok((log, findings))
}

impl Finding {
    /// A column that needs no further warning.
    fn suspect(&self) -> Option<String> {
        match self {
            Self::Identifier { column, .. } | Self::Copy { column, .. } => Some(column.clone()),
            _ => None,
        }
    }
}

fn look_at(feature: &FeatureColumn, log: &FaultLog, kept: bool) -> Option<Finding> {
    let (column, rows) = (feature.name.clone(), log.rows());
    let (distinct, missing) = (feature.values.distinct(), feature.values.missing());
    if distinct == 0 {
        return Some(Finding::Empty { column });
    }
    // Whether there is a value at all may be the telling thing.
    if distinct == 1 && missing == 0 {
        return Some(Finding::Constant { column, missing });
    }
    if is_copy(feature, log) {
        return Some(Finding::Copy { column, kept });
    }
    is_identifier(feature, distinct).then_some(Finding::Identifier { column, distinct, rows, kept })
}

/// Whether nearly every row has a word of its own, or numbers only ever grow
/// by whole steps as counters do.
fn is_identifier(feature: &FeatureColumn, distinct: usize) -> bool {
    let present = feature.values.rows() - feature.values.missing();
    if present < 20 {
        return false;
    }
    match &feature.values {
        FeatureValues::Words { .. } => distinct * 2 > present,
        FeatureValues::Numbers(numbers) => {
            let present: Vec<f64> = numbers.iter().copied().filter(|x| !x.is_nan()).collect();
            present.windows(2).all(|pair| pair[0] < pair[1])
                && present.iter().all(|number| number.fract() == 0.0)
        }
    }
}

/// Whether the values and the causes map one to one, with no value missing.
fn is_copy(feature: &FeatureColumn, log: &FaultLog) -> bool {
    let keys: Vec<u64> = match &feature.values {
        FeatureValues::Numbers(numbers) if numbers.iter().any(|number| number.is_nan()) => {
            return false;
        }
        FeatureValues::Numbers(numbers) => {
            numbers.iter().map(|number| (number + 0.0).to_bits()).collect()
        }
        FeatureValues::Words { codes, .. } if codes.contains(&MISSING) => return false,
        FeatureValues::Words { codes, .. } => codes.iter().map(|&code| u64::from(code)).collect(),
    };
    let mut cause_of = std::collections::HashMap::new();
    let mut value_of = vec![None; log.classes()];
    keys.iter().zip(log.labels()).all(|(&key, &cause)| {
        *cause_of.entry(key).or_insert(cause) == cause
            && *value_of[cause as usize].get_or_insert(key) == key
    })
}

/// Features that alone, held out, tell the causes apart too well.
fn leaks(log: &FaultLog, known: &[String]) -> Result<Vec<Finding>, LearnError> {
    let step = log.rows().div_ceil(SCREENED_ROWS);
    let rows: Vec<usize> = (0..log.rows()).step_by(step).collect();
    let mut findings = Vec::new();
    if rows.len() < 2 * FEW {
        return Ok(findings);
    }
    for feature in log.features().iter().filter(|feature| !known.contains(&feature.name)) {
        let lessons = Lessons {
            features: Features::new(vec![feature.values.as_feature()])?,
            labels: log.labels().to_vec(),
            times: None,
            classes: log.classes(),
        };
        let confusion = alone(&lessons.select(&rows)?)?;
        findings.extend(leaks_of(feature, log, &confusion));
    }
    Ok(findings)
}

/// Held-out predictions of a small tree on one feature.
fn alone(lessons: &Lessons<'_>) -> Result<Confusion, LearnError> {
    let settings = LearnSettings::default();
    let mut of_tree = settings.of_tree();
    of_tree.max_leaf_nodes = Some(SCREENED_LEAVES);
    let (mut truth, mut predicted) = (Vec::new(), Vec::new());
    for fold in stratified(&lessons.labels, 5, 0)? {
        let train = lessons.select(&fold.train)?;
        let held_out = lessons.select(&fold.test)?;
        let tree =
            Tree::fit_classes(&train.features, &train.labels, lessons.classes, None, &of_tree)?;
        predicted.extend(tree.predict_classes(&held_out.features)?);
        truth.extend(held_out.labels);
    }
    Ok(Confusion::of(lessons.classes, &truth, &predicted))
}

fn leaks_of(feature: &FeatureColumn, log: &FaultLog, confusion: &Confusion) -> Vec<Finding> {
    let column = &feature.name;
    let accuracy = confusion.accuracy();
    let largest = (0..log.classes()).map(|class| confusion.support(class)).max().unwrap_or(0);
    let majority = largest as f64 / confusion.rows() as f64;
    if accuracy >= TELLING && 1.0 - accuracy <= 0.1 * (1.0 - majority) {
        return vec![Finding::Leak { column: column.clone(), accuracy }];
    }
    let tells = |&class: &usize| {
        confusion.support(class) >= FEW as u64
            && confusion.recall(class).is_some_and(|recall| recall >= TELLING)
            && confusion.precision(class).is_some_and(|precision| precision >= TELLING)
    };
    let leak = |class: usize| Finding::CauseLeak {
        column: column.clone(),
        cause: log.class_names()[class].clone(),
        found: confusion.counts()[class][class],
        rows: confusion.support(class),
        wrong: confusion.predicted(class) - confusion.counts()[class][class],
    };
    (0..log.classes()).filter(tells).map(leak).collect()
}

fn rare_causes(log: &FaultLog, settings: &LearnSettings) -> Vec<Finding> {
    let folds = match settings.validation {
        Validation::Stratified(folds) => folds,
        Validation::Forward(_) | Validation::Given(_) => 0,
    };
    let counts = log.class_counts();
    let name = |class: usize| log.class_names()[class].clone();
    let mut findings: Vec<Finding> = counts
        .iter()
        .enumerate()
        .filter(|(_, rows)| **rows < FEW.max(folds))
        .map(|(class, &rows)| Finding::FewRows { cause: name(class), rows, folds })
        .collect();
    let most = counts.iter().copied().max().unwrap_or(0);
    let share = most as f64 / log.rows() as f64;
    if share > 0.8 && !settings.balanced {
        let class = counts.iter().position(|&count| count == most).unwrap_or(0);
        findings.push(Finding::Imbalanced { cause: name(class), share });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(features: Vec<FeatureColumn>) -> FaultLog {
        let labels = (0..60).map(|row| row / 20).collect();
        let classes = ["fan", "cable", "disk"].map(str::to_owned).to_vec();
        FaultLog::new("cause", classes, labels, features).expect("sound")
    }

    fn numbers(name: &str, value: impl Fn(usize) -> f64) -> FeatureColumn {
        let values = FeatureValues::Numbers((0..60).map(value).collect());
        FeatureColumn { name: name.to_owned(), values }
    }

    fn findings(column: FeatureColumn) -> (usize, Vec<Finding>) {
        let (log, findings) = screen(&log(vec![column]), &LearnSettings::default()).unwrap();
        (log.features().len(), findings)
    }

    #[test]
    fn columns_that_teach_nothing_are_left_out() {
        let (left, found) = findings(numbers("x", |_| 3.0));
        assert!(left == 0 && matches!(found[0], Finding::Constant { missing: 0, .. }));
        let (left, found) = findings(numbers("x", |_| f64::NAN));
        assert!(left == 0 && matches!(found[0], Finding::Empty { .. }));
        let (left, found) = findings(numbers("x", |row| (row * 3) as f64));
        assert!(left == 0 && matches!(found[0], Finding::Identifier { distinct: 60, .. }));
        let (left, found) = findings(numbers("x", |row| (row * 37 % 60) as f64));
        assert_eq!((left, found), (1, Vec::new()));
    }

    #[test]
    fn a_copy_of_the_label_is_left_out_and_a_leak_is_named() {
        let (left, found) = findings(numbers("x", |row| (row / 20) as f64 * 7.0));
        assert!(left == 0 && matches!(found[0], Finding::Copy { .. }));
        let (left, found) = findings(numbers("x", |row| (row / 20 * 100 + row * 37 % 20) as f64));
        assert!(left == 1 && matches!(found[0], Finding::Leak { .. }), "{found:?}");
        let (left, found) = findings(numbers("x", |row| f64::from(u8::from(row >= 40))));
        let Finding::CauseLeak { cause, found: 20, wrong: 0, .. } = &found[0] else {
            panic!("{found:?}")
        };
        assert_eq!((left, cause.as_str()), (1, "disk"));
    }
}

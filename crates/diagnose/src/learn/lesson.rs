//! From a fault log to a model and what to know about it.

use auscult_trees::{Criterion, Forest, MISSING};

use super::grow::{Lessons, grow};
use super::screen::screen;
use super::validate::validate;
use super::{
    FaultLog, FeatureColumn, FeatureValues, Finding, HeldOut, LearnError, LearnSettings, wilson,
};
use crate::model::{
    Cause, Companions, Counts, FeatureInfo, KnownValues, LearntModel, Training, ValidationSummary,
};

/// Causes that are told apart at most.
const MOST_CLASSES: usize = 1000;

/// Steps between the quantiles that the model keeps of a feature.
const QUANTILE_STEPS: usize = 20;

/// What was learnt, and how far to trust it.
#[derive(Debug, Clone, PartialEq)]
pub struct Lesson {
    /// Learnt from all rows.
    pub model: LearntModel,
    /// How the same way of learning does on rows held out.
    pub held_out: HeldOut,
    /// What to know before trusting it.
    pub findings: Vec<Finding>,
}

/// Learns a model of `log` and checks it on rows held out.
///
/// Columns that teach nothing are left out first. In every fold the whole way
/// of learning is repeated, choice of pruning included, so the figures owe
/// nothing to the rows they are measured on. `progress` is told what goes on.
///
/// Time: about `folds²` trees, or `folds` forests, and `repeats` predictions
/// of all rows per feature.
///
/// ```
/// use auscult_diagnose::learn::{FaultLog, FeatureColumn, FeatureValues, LearnSettings, learn};
///
/// let column = |name: &str, values| FeatureColumn {
///     name: name.to_owned(),
///     values: FeatureValues::Numbers(values),
/// };
/// let log = FaultLog::new(
///     "cause",
///     vec!["healthy".to_owned(), "fan".to_owned()],
///     (0..60).map(|row| u32::from(row % 3 == 0)).collect(),
///     vec![
///         column("temperature", (0..60).map(|row| f64::from(row % 5 + [90, 60, 60][row as usize % 3])).collect()),
///         column("load", (0..60).map(|row| f64::from(row * 7 % 10)).collect()),
///     ],
/// )?;
/// let lesson = learn(&log, &LearnSettings::default(), &|_| {})?;
/// assert_eq!(lesson.held_out.confusion.accuracy(), 1.0);
/// assert_eq!(lesson.held_out.importance[0].feature, "temperature");
/// # Ok::<(), auscult_diagnose::learn::LearnError>(())
/// ```
///
/// # Errors
///
/// [`LearnError`] when settings are out of range, the log has one cause only or
/// a cause of its own for most rows, no usable column, or too few rows or moments for the folds.
pub fn learn(
    log: &FaultLog,
    settings: &LearnSettings,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Lesson, LearnError> {
    settings.check()?;
    let counts = log.class_counts();
    if let Some(only) = counts.iter().position(|&count| count == log.rows()) {
        let (label, class) = (log.label().to_owned(), log.class_names()[only].clone());
        return Err(LearnError::OneClass { label, class, rows: log.rows() });
    }
    if log.classes() > MOST_CLASSES || (log.rows() >= 20 && log.classes() * 2 > log.rows()) {
        let (classes, rows) = (log.classes(), log.rows());
        return Err(LearnError::ManyClasses { label: log.label().to_owned(), classes, rows });
    }
    progress("looking at the columns");
    let (log, findings) = screen(log, settings)?;
    if log.features().is_empty() {
        let reasons: Vec<String> = findings.iter().map(Finding::to_string).collect();
        return Err(LearnError::NoFeatures(reasons.join("; ")));
    }
    let lessons = Lessons {
        features: log.as_features()?,
        labels: log.labels().to_vec(),
        times: log.times().map(<[i64]>::to_vec),
        classes: log.classes(),
    };
    let names: Vec<String> = log.features().iter().map(|feature| feature.name.clone()).collect();
    let folds = settings.validation.folds(&log, settings.seed)?;
    let held_out = validate(&lessons, &folds, &names, settings, progress)?;
    progress("learning from all rows");
    let (forest, ccp_alpha) = grow(&lessons, settings)?;
    let training = Training {
        rows: log.rows() as u64,
        criterion: match settings.criterion {
            Criterion::Gini => "gini".to_owned(),
            Criterion::Entropy => "entropy".to_owned(),
        },
        class_weight: if settings.balanced { "balanced" } else { "none" }.to_owned(),
        ccp_alpha,
        seed: settings.seed,
        validation: summary(&held_out),
    };
    let features: Vec<FeatureInfo> = log.features().iter().map(describe).collect();
    let companions = companions(&forest, &lessons, &features);
    let model = LearntModel {
        label: log.label().to_owned(),
        causes: causes(&log, settings.balanced),
        features,
        forest,
        training,
        companions,
    };
    Ok(Lesson { model, held_out, findings })
}

/// What the rows of each leaf of a single tree answered to all features.
fn companions(
    forest: &Forest,
    lessons: &Lessons<'_>,
    features: &[FeatureInfo],
) -> Option<Companions> {
    let [tree] = forest.trees() else { return None };
    let counts = Counts::of(tree, &lessons.features, &lessons.labels, features)?;
    Companions::new(counts, tree, features, lessons.classes).ok()
}

fn summary(held_out: &HeldOut) -> ValidationSummary {
    let HeldOut { kind, folds, confusion, majority, .. } = held_out;
    let (low, high) = wilson(confusion.right(), confusion.rows());
    ValidationSummary {
        kind: (*kind).to_owned(),
        folds: *folds as u64,
        rows: confusion.rows(),
        accuracy: confusion.accuracy(),
        interval: [low, high],
        macro_f1: confusion.macro_f1(),
        majority_accuracy: majority.accuracy(),
    }
}

fn causes(log: &FaultLog, balanced: bool) -> Vec<Cause> {
    let counts = log.class_counts();
    let present = counts.iter().filter(|&&count| count > 0).count();
    let cause = |(name, &rows): (&String, &usize)| {
        let row_weight =
            if balanced && rows > 0 { log.rows() as f64 / (present * rows) as f64 } else { 1.0 };
        Cause { name: name.clone(), rows: rows as u64, row_weight }
    };
    log.class_names().iter().zip(&counts).map(cause).collect()
}

fn describe(feature: &FeatureColumn) -> FeatureInfo {
    let values = match &feature.values {
        FeatureValues::Numbers(numbers) => KnownValues::Numbers { quantiles: quantiles(numbers) },
        FeatureValues::Words { codes, categories } => {
            let mut rows = vec![0; categories.len()];
            codes
                .iter()
                .filter(|&&code| code != MISSING)
                .for_each(|&code| rows[code as usize] += 1);
            KnownValues::Words { categories: categories.clone(), rows }
        }
    };
    let missing = feature.values.missing() as u64;
    FeatureInfo { name: feature.name.clone(), values, missing, price: 1.0 }
}

/// Values at even steps of rank, both ends included; there is at least one value.
fn quantiles(numbers: &[f64]) -> Vec<f64> {
    let mut present: Vec<f64> = numbers.iter().copied().filter(|number| !number.is_nan()).collect();
    present.sort_by(f64::total_cmp);
    let last = present.len() - 1;
    (0..=QUANTILE_STEPS).map(|step| present[step * last / QUANTILE_STEPS]).collect()
}

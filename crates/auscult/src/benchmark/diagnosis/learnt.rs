//! Fault logs from which causes are learnt, as `auscult learn` does.

use std::time::Instant;

use auscult_diagnose::learn::{
    Alpha, FaultLog, FeatureColumn, FeatureValues, LearnSettings, Learner, Lesson, MISSING,
    Validation, learn,
};
use auscult_diagnose::model::LearntModel;
use auscult_diagnose::troubleshoot::{Answer, Next, Session};

use super::{Column, Line, column};
use crate::outcome::CallError;

/// Ways of learning, by name.
pub(super) const METHODS: [&str; 6] =
    ["auto", "tree", "whole-tree", "whole-tree-of-5", "short-tree", "forest"];

/// Where causes are told at once.
pub(super) const COLUMNS: &[Column] = &[
    column("macro_f1", "macro-F1", 3),
    column("accuracy", "accuracy", 3),
    column("quiet", "quiet when healthy", 3),
    column("spoke", "spoke when ill", 3),
    column("leaves", "leaves", 0),
    column("questions", "questions on the way", 2),
];

/// Where they are asked for.
pub(super) const ASKED: &[Column] = &[
    column("macro_f1", "macro-F1", 3),
    column("accuracy", "accuracy", 3),
    column("quiet", "quiet when healthy", 3),
    column("spoke", "spoke when ill", 3),
    column("questions", "questions asked", 2),
];

/// Most questions of `short-tree`, so that it has 16 leaves or fewer.
const SHORT: usize = 4;

/// How the way of learning called `method` learns.
fn settings(method: &str, log: &FaultLog, trees: usize, validation: Validation) -> LearnSettings {
    let whole = Learner::Tree { alpha: Alpha::Given(0.0) };
    let settings = LearnSettings { validation, importance_repeats: 0, ..LearnSettings::default() };
    match method {
        "auto" => LearnSettings { learner: Learner::suited(log, trees), ..settings },
        "whole-tree" => LearnSettings { learner: whole, ..settings },
        "whole-tree-of-5" => LearnSettings { learner: whole, min_leaf: 5, ..settings },
        "short-tree" => LearnSettings { max_depth: Some(SHORT), ..settings },
        "forest" => LearnSettings { learner: Learner::Forest { trees }, ..settings },
        _ => settings,
    }
}

/// Learns from `log` in each way of `methods`, forests of so many trees, and judges the rows
/// that `validation` holds out. In the rows of class `healthy` the best answer is that class.
pub(super) fn measure(
    log: &FaultLog,
    healthy: Option<&str>,
    validation: &Validation,
    trees: usize,
    methods: &[&'static str],
) -> Result<Vec<Line>, CallError> {
    let line = |method: &&'static str| {
        let start = Instant::now();
        let lesson = learn(log, &settings(method, log, trees, validation.clone()), &|_| {})
            .map_err(CallError::input)?;
        let seconds = start.elapsed().as_secs_f64();
        let confusion = &lesson.held_out.confusion;
        let (leaves, questions) = shape(&lesson);
        let mut figures = vec![Some(confusion.macro_f1()), Some(confusion.accuracy())];
        figures.extend(told(log, healthy, confusion.counts()));
        figures.extend([leaves, questions]);
        Ok(Line {
            method,
            figures,
            seconds: seconds / log.rows() as f64,
            series: log.features().len() as f64,
            refused: None,
        })
    };
    methods.iter().map(line).collect()
}

/// What always naming the most frequent cause so far would reach on the rows held out.
pub(super) fn most_frequent(
    method: &'static str,
    log: &FaultLog,
    validation: &Validation,
) -> Result<Line, CallError> {
    let start = Instant::now();
    let lesson = learn(log, &settings("short-tree", log, 1, validation.clone()), &|_| {})
        .map_err(CallError::input)?;
    let majority = &lesson.held_out.majority;
    let mut figures = vec![None; COLUMNS.len()];
    figures[0] = Some(majority.macro_f1());
    figures[1] = Some(majority.accuracy());
    let seconds = start.elapsed().as_secs_f64() / log.rows() as f64;
    Ok(Line { method, figures, seconds, series: 0.0, refused: None })
}

/// Of the tree learnt from all rows: its leaves, and how many questions lead to one on average.
fn shape(lesson: &Lesson) -> (Option<f64>, Option<f64>) {
    let [tree] = lesson.model.trees() else { return (None, None) };
    let (mut rows, mut questions) = (0.0, 0.0);
    for (node, depth) in tree.nodes().iter().zip(tree.depths()) {
        if node.split.is_none() {
            rows += node.rows as f64;
            questions += (node.rows * depth) as f64;
        }
    }
    (Some(tree.leaves() as f64), (rows > 0.0).then(|| questions / rows))
}

/// How many of the healthy rows are told to be so, and how many of the others are told to be
/// something else.
fn told(log: &FaultLog, healthy: Option<&str>, counts: &[Vec<u64>]) -> [Option<f64>; 2] {
    let of = |name: &str| log.class_names().iter().position(|class| class == name);
    let Some(healthy) = healthy.and_then(of) else { return [None, None] };
    let (mut quiet, mut well, mut spoke, mut ill) = (0, 0, 0, 0);
    for (truth, row) in counts.iter().enumerate() {
        let all: u64 = row.iter().sum();
        if truth == healthy {
            (quiet, well) = (row[healthy], all);
        } else {
            spoke += all - row[healthy];
            ill += all;
        }
    }
    let share = |part: u64, of: u64| (of > 0).then(|| part as f64 / of as f64);
    [share(quiet, well), share(spoke, ill)]
}

/// Asks about every row, question by question, until a cause is as certain as this; each row
/// is asked about with a tree learnt from the other of `folds` folds, by row number.
pub(super) fn ask(
    method: &'static str,
    log: &FaultLog,
    healthy: &str,
    folds: usize,
    certainty: f64,
) -> Result<Line, CallError> {
    let start = Instant::now();
    let models: Vec<LearntModel> = (0..folds)
        .map(|fold| {
            let rows: Vec<usize> = (0..log.rows()).filter(|row| row % folds != fold).collect();
            let log = subset(log, &rows)?;
            let settings = settings("tree", &log, 1, Validation::Stratified(folds));
            Ok(learn(&log, &settings, &|_| {}).map_err(CallError::input)?.model)
        })
        .collect::<Result<_, CallError>>()?;
    let mut questions = 0;
    let mut predicted = Vec::with_capacity(log.rows());
    for row in 0..log.rows() {
        let (asked, cause) = dialogue(&models[row % folds], log, row, certainty)?;
        questions += asked;
        predicted.push(cause);
    }
    let confusion = auscult_diagnose::learn::Confusion::of(log.classes(), log.labels(), &predicted);
    let mut figures = vec![Some(confusion.macro_f1()), Some(confusion.accuracy())];
    figures.extend(told(log, Some(healthy), confusion.counts()));
    figures.push(Some(f64::from(questions) / log.rows() as f64));
    Ok(Line {
        method,
        figures,
        seconds: start.elapsed().as_secs_f64() / log.rows() as f64,
        series: log.features().len() as f64,
        refused: None,
    })
}

/// The questions that the cause of a row took, and the class that was named.
fn dialogue(
    model: &LearntModel,
    log: &FaultLog,
    row: usize,
    certainty: f64,
) -> Result<(u32, u32), CallError> {
    let mut session = Session::new(model, certainty).map_err(CallError::input)?;
    while let Next::Ask(questions) = session.next() {
        let feature = questions[0].feature;
        let name = &model.features()[feature].name;
        let column = log.features().iter().find(|column| column.name == *name);
        let answer = match column.map(|column| &column.values) {
            Some(FeatureValues::Numbers(numbers)) if numbers[row].is_finite() => {
                Answer::Number(numbers[row])
            }
            Some(FeatureValues::Words { codes, .. }) if codes[row] != MISSING => {
                Answer::Category(codes[row])
            }
            _ => Answer::Unknown,
        };
        session.answer(feature, answer).map_err(CallError::input)?;
    }
    let cause = &model.causes()[session.leading()].name;
    let class = log.class_names().iter().position(|class| class == cause).unwrap_or(0);
    Ok((session.stages().len() as u32, class as u32))
}

/// Some rows of a log.
fn subset(log: &FaultLog, rows: &[usize]) -> Result<FaultLog, CallError> {
    let column = |column: &FeatureColumn| {
        let values = match &column.values {
            FeatureValues::Numbers(numbers) => {
                FeatureValues::Numbers(rows.iter().map(|&row| numbers[row]).collect())
            }
            FeatureValues::Words { codes, categories } => FeatureValues::Words {
                codes: rows.iter().map(|&row| codes[row]).collect(),
                categories: categories.clone(),
            },
        };
        FeatureColumn { name: column.name.clone(), values }
    };
    let labels = rows.iter().map(|&row| log.labels()[row]).collect();
    let features = log.features().iter().map(column).collect();
    FaultLog::new(log.label(), log.class_names().to_vec(), labels, features)
        .map_err(CallError::input)
}

/// A log whose causes are these words, a row each.
///
/// Of the columns nothing is asked but that they are as long.
pub(super) fn log(
    label: &str,
    causes: &[&str],
    columns: Vec<FeatureColumn>,
) -> Result<FaultLog, CallError> {
    let (codes, classes) = coded(causes);
    FaultLog::new(label, classes, codes, columns).map_err(CallError::input)
}

/// A column of words.
pub(super) fn words(name: &str, words: &[&str]) -> FeatureColumn {
    let (codes, categories) = coded(words);
    FeatureColumn { name: name.to_owned(), values: FeatureValues::Words { codes, categories } }
}

/// A column of numbers.
pub(super) fn numbers(name: &str, numbers: Vec<f64>) -> FeatureColumn {
    FeatureColumn { name: name.to_owned(), values: FeatureValues::Numbers(numbers) }
}

/// The place of each word among all of them in order, and these.
fn coded(words: &[&str]) -> (Vec<u32>, Vec<String>) {
    let mut all = words.to_vec();
    all.sort_unstable();
    all.dedup();
    let code = |word: &&str| all.binary_search(word).expect("one of them") as u32;
    (words.iter().map(code).collect(), all.iter().map(|word| (*word).to_owned()).collect())
}

//! Public fault logs, with the protocols and the scikit-learn 1.9.1 figures
//! published beside them. The data are not ours to give away; where they are
//! absent the tests say so and pass.

use std::io::Read;
use std::path::PathBuf;

use auscult_diagnose::learn::{
    Alpha, FaultLog, FeatureColumn, FeatureValues, LearnSettings, Learner, Lesson, Validation,
    learn,
};

use auscult_diagnose::model::LearntModel;
use auscult_diagnose::troubleshoot::{Answer, Next, Session};

/// Accuracy and macro F1.
type Figures = (f64, f64);

/// The file below `AUSCULT_SHARED_DATA`, or below `../shared/data` seen from
/// the repository root; `None`, with a word of why, when there is none.
fn shared(path: &str) -> Option<String> {
    let root = std::env::var_os("AUSCULT_SHARED_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let Ok(file) = std::fs::File::open(root.join(path)) else {
        eprintln!("skipped: no {path} below {}; set AUSCULT_SHARED_DATA", root.display());
        return None;
    };
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip of text");
    Some(text)
}

/// Whether the protocol blanks cell (row, column), both counted from 0.
fn is_blank(row: usize, column: usize) -> bool {
    let mut h = (row as u32 + 1)
        .wrapping_mul(2_654_435_761)
        .wrapping_add((column as u32 + 1).wrapping_mul(2_246_822_519));
    h ^= h >> 15;
    h = h.wrapping_mul(2_246_822_519);
    h ^= h >> 13;
    h.is_multiple_of(5)
}

/// A table of cells, the header first.
fn cells(text: &str) -> (Vec<&str>, Vec<Vec<&str>>) {
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    (lines.next().expect("a header"), lines.collect())
}

fn log_of(labels: &[&str], columns: Vec<FeatureColumn>) -> FaultLog {
    let mut classes: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
    classes.sort();
    classes.dedup();
    let code =
        |label: &&str| classes.iter().position(|class| class == label).expect("known") as u32;
    let codes = labels.iter().map(code).collect();
    FaultLog::new("fault", classes, codes, columns).expect("sound")
}

fn openstack(file: &str, missing: bool) -> Option<FaultLog> {
    let text = shared(&format!("diagnosis/openstack/{file}"))?;
    let (header, rows) = cells(&text);
    let label = header.iter().position(|name| *name == "failure").expect("a label");
    let inputs: Vec<usize> = (0..header.len()).filter(|&at| at != label).collect();
    let column = |(place, &at): (usize, &usize)| {
        let value = |(row, cells): (usize, &Vec<&str>)| {
            let blank = missing && is_blank(row, place);
            if blank { f64::NAN } else { cells[at].parse().expect("a number") }
        };
        let values = FeatureValues::Numbers(rows.iter().enumerate().map(value).collect());
        FeatureColumn { name: header[at].to_owned(), values }
    };
    let columns = inputs.iter().enumerate().map(column).collect();
    let labels: Vec<&str> = rows.iter().map(|cells| cells[label]).collect();
    Some(log_of(&labels, columns))
}

fn ai4i() -> Option<FaultLog> {
    let text = shared("anomaly/ai4i/ai4i2020_public.csv.gz")?;
    let (header, rows) = cells(&text);
    let at = |name: &str| header.iter().position(|column| *column == name).expect("known column");
    let modes = ["TWF", "HDF", "PWF", "OSF"];
    let fault =
        |cells: &Vec<&str>| modes.into_iter().find(|mode| cells[at(mode)] == "1").unwrap_or("none");
    let labels: Vec<&str> = rows.iter().map(fault).collect();
    let kinds: Vec<&str> = rows.iter().map(|cells| cells[at("Type")]).collect();
    let categories = ["L", "M", "H"];
    let code = |kind: &&str| categories.iter().position(|c| c == kind).expect("a type") as u32;
    let mut columns = vec![FeatureColumn {
        name: "Type".to_owned(),
        values: FeatureValues::Words {
            codes: kinds.iter().map(code).collect(),
            categories: categories.map(str::to_owned).to_vec(),
        },
    }];
    for name in header.iter().filter(|name| name.ends_with(']')) {
        let values = rows.iter().map(|cells| cells[at(name)].parse().expect("a number")).collect();
        columns.push(FeatureColumn {
            name: (*name).to_owned(),
            values: FeatureValues::Numbers(values),
        });
    }
    Some(log_of(&labels, columns))
}

fn run(log: &FaultLog, learner: Learner, min_leaf: usize) -> Lesson {
    let settings = LearnSettings {
        learner,
        min_leaf,
        validation: Validation::Given((0..log.rows()).map(|row| row % 5).collect()),
        importance_repeats: 0,
        ..LearnSettings::default()
    };
    learn(log, &settings, &|_| {}).expect("learns")
}

/// Learns and compares with `reference`, less the spread of its seeds.
fn compare(name: &str, log: &FaultLog, learner: Learner, min_leaf: usize, reference: Figures) {
    let lesson = run(log, learner, min_leaf);
    let confusion = &lesson.held_out.confusion;
    let ours = (confusion.accuracy(), confusion.macro_f1());
    let leaves = lesson.model.trees()[0].leaves();
    println!(
        "{name:45} accuracy {:.3} ({:.3})  macro F1 {:.3} ({:.3})  leaves {leaves}",
        ours.0, reference.0, ours.1, reference.1
    );
    // The figures are means over seeds that spread by ±0.01; our whole trees
    // break ties by the order of columns, which is a single draw from that.
    assert!(ours.0 >= reference.0 - 0.02, "{name}: accuracy {} < {}", ours.0, reference.0);
    assert!(ours.1 >= reference.1 - 0.025, "{name}: macro F1 {} < {}", ours.1, reference.1);
}

const FULL: Learner = Learner::Tree { alpha: Alpha::Given(0.0) };
const PRUNED: Learner = Learner::Tree { alpha: Alpha::Auto };
const FOREST: Learner = Learner::Forest { trees: 200 };

#[test]
fn the_blank_cells_are_those_of_the_protocol() {
    let blank: Vec<usize> = (0..24).filter(|&column| is_blank(0, column)).collect();
    assert_eq!(blank, [4, 11, 14, 19, 22]);
}

#[test]
fn openstack_failures_are_told_apart_as_by_scikit_learn() {
    let cases = [
        ("counts", "depl_counts.csv.gz", false, [(0.974, 0.938), (0.968, 0.936), (0.974, 0.937)]),
        (
            "counts, missing",
            "depl_counts.csv.gz",
            true,
            [(0.922, 0.856), (0.910, 0.839), (0.951, 0.890)],
        ),
        (
            "anomalies",
            "depl_anomalies.csv.gz",
            false,
            [(0.949, 0.884), (0.942, 0.873), (0.956, 0.895)],
        ),
        (
            "anomalies, missing",
            "depl_anomalies.csv.gz",
            true,
            [(0.872, 0.757), (0.864, 0.745), (0.936, 0.835)],
        ),
    ];
    for (name, file, missing, [tree, five, forest]) in cases {
        let Some(log) = openstack(file, missing) else { return };
        compare(&format!("{name}: tree"), &log, FULL, 1, tree);
        compare(&format!("{name}: tree, 5 per leaf"), &log, FULL, 5, five);
        compare(&format!("{name}: tree, pruned"), &log, PRUNED, 1, tree);
        compare(&format!("{name}: forest of 200"), &log, FOREST, 1, forest);
    }
}

/// Where whole trees meet many equally good questions, ours takes the first and
/// scikit-learn one by chance. On the anomalies with missing cells the order of
/// the file is an unlucky draw: 0.857, where scikit-learn has 0.871 on average
/// and 0.858 to 0.885 over 30 seeds. Over other orders of the columns ours is
/// the same.
#[test]
fn ties_between_columns_account_for_the_distance_from_scikit_learn() {
    let Some(log) = openstack("depl_anomalies.csv.gz", true) else { return };
    let accuracy = |seed: usize| {
        let mut columns = log.features().to_vec();
        let key = |name: &str| {
            name.bytes().fold(seed as u64, |key, byte| {
                (key ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
            })
        };
        columns.sort_by_key(|column| key(&column.name));
        let (classes, labels) = (log.class_names().to_vec(), log.labels().to_vec());
        let shuffled = FaultLog::new(log.label(), classes, labels, columns).expect("sound");
        run(&shuffled, FULL, 1).held_out.confusion.accuracy()
    };
    let all: Vec<f64> = (1..=20).map(accuracy).collect();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let spread = |pick: fn(f64, f64) -> f64| all.iter().copied().reduce(pick).expect("some");
    println!("over 20 orders: {mean:.4}, {:.4} to {:.4}", spread(f64::min), spread(f64::max));
    assert!((mean - 0.871).abs() < 0.006, "{mean} over {all:?}");
}

#[test]
fn machine_faults_are_told_apart_as_by_scikit_learn() {
    let Some(log) = ai4i() else { return };
    compare("ai4i: tree", &log, FULL, 1, (0.0, 0.59));
    compare("ai4i: tree, pruned", &log, PRUNED, 1, (0.0, 0.59));
    compare("ai4i: forest of 300", &log, Learner::Forest { trees: 300 }, 1, (0.0, 0.60));
}

/// The rows of `log` in `rows`.
fn subset(log: &FaultLog, rows: &[usize]) -> FaultLog {
    let column = |column: &FeatureColumn| {
        let FeatureValues::Numbers(numbers) = &column.values else { panic!("numbers only") };
        let values = FeatureValues::Numbers(rows.iter().map(|&row| numbers[row]).collect());
        FeatureColumn { name: column.name.clone(), values }
    };
    let labels = rows.iter().map(|&row| log.labels()[row]).collect();
    let features = log.features().iter().map(column).collect();
    FaultLog::new(log.label(), log.class_names().to_vec(), labels, features).expect("sound")
}

/// Asks about `row` of `log` until the cause is clear; the questions it took
/// and whether the cause is right.
fn troubleshoot(model: &LearntModel, log: &FaultLog, row: usize, certainty: f64) -> (usize, bool) {
    let mut session = Session::new(model, certainty).expect("in range");
    while let Next::Ask(questions) = session.next() {
        let name = &model.features()[questions[0].feature].name;
        let column = log.features().iter().find(|column| column.name == *name).expect("learnt");
        let FeatureValues::Numbers(numbers) = &column.values else { panic!("numbers only") };
        session.answer(questions[0].feature, Answer::Number(numbers[row])).expect("a number");
    }
    let truth = &log.class_names()[log.labels()[row] as usize];
    (session.stages().len(), model.causes()[session.leading()].name == *truth)
}

/// A model of every fold of the protocol, learnt from the other four.
fn models(log: &FaultLog) -> Vec<LearntModel> {
    let model = |fold: usize| {
        let rows: Vec<usize> = (0..log.rows()).filter(|row| row % 5 != fold).collect();
        let settings = LearnSettings { importance_repeats: 0, ..LearnSettings::default() };
        learn(&subset(log, &rows), &settings, &|_| {}).expect("learns").model
    };
    (0..5).map(model).collect()
}

#[test]
fn openstack_failures_are_found_with_few_questions() {
    let Some(log) = openstack("depl_counts.csv.gz", false) else { return };
    let models = models(&log);
    let ask = |certainty: f64| {
        let (mut asked, mut right) = (0, 0);
        for row in 0..log.rows() {
            let (questions, is_right) = troubleshoot(&models[row % 5], &log, row, certainty);
            asked += questions;
            right += usize::from(is_right);
        }
        let share = |count: usize| count as f64 / log.rows() as f64;
        println!(
            "openstack, asked until {certainty} sure: accuracy {:.3} with {:.2} questions of 104",
            share(right),
            share(asked)
        );
        (share(right), share(asked))
    };
    let (accuracy, questions) = ask(0.95);
    assert!(accuracy >= 0.95 && questions <= 3.2, "{accuracy} with {questions} questions");
    let (accuracy, questions) = ask(0.97);
    assert!(accuracy >= 0.962 && questions <= 3.5, "{accuracy} with {questions} questions");
}

/// Judges every row by `known` of its answers, drawn by a fixed rule.
fn judge(models: &[LearntModel], log: &FaultLog, known: usize) -> f64 {
    let mut right = 0;
    for row in 0..log.rows() {
        let model = &models[row % 5];
        let mut answers = vec![Answer::Unknown; model.features().len()];
        let mut order: Vec<usize> = (0..answers.len()).collect();
        let mut state = (row * 1_000_003 + known) as u64;
        for at in 0..known.min(order.len()) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let other = at + (state >> 33) as usize % (order.len() - at);
            order.swap(at, other);
            let name = &model.features()[order[at]].name;
            let column = log.features().iter().find(|column| column.name == *name).expect("learnt");
            let FeatureValues::Numbers(numbers) = &column.values else { panic!("numbers only") };
            answers[order[at]] = Answer::Number(numbers[row]);
        }
        let beliefs = model.probabilities(&answers);
        let better = |best, at| if beliefs[at] > beliefs[best] { at } else { best };
        let said = &model.causes()[(1..beliefs.len()).fold(0, better)].name;
        right += usize::from(*said == log.class_names()[log.labels()[row] as usize]);
    }
    right as f64 / log.rows() as f64
}

#[test]
fn whichever_answers_happen_to_be_known_count() {
    let Some(log) = openstack("depl_counts.csv.gz", false) else { return };
    let models = models(&log);
    let without = |model: &LearntModel| {
        let json = model.to_json().expect("small");
        let mut json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        json.as_object_mut().expect("an object").remove("companions");
        LearntModel::from_json(json.to_string().as_bytes()).expect("still a model")
    };
    let trees: Vec<LearntModel> = models.iter().map(without).collect();
    // Measured: 0.579 (0.503 by the tree alone), 0.795 (0.559), 0.883 (0.626), 0.974 (0.974).
    for (known, least) in [(1, 0.55), (10, 0.77), (30, 0.86), (104, 0.97)] {
        let (ours, tree) = (judge(&models, &log, known), judge(&trees, &log, known));
        println!(
            "openstack, {known} known answers: accuracy {ours:.3}, by the tree alone {tree:.3}"
        );
        assert!(ours >= least && ours >= tree - 0.002, "{known}: {ours} against {tree}");
    }
}

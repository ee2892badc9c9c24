//! Agreement with scikit-learn, on the files of `golden/trees.py`.
//!
//! Structure, counts and thresholds agree to 1e-9 where the best split is
//! unique; elsewhere the total impurity of the leaves does. Forests of trees
//! taken from scikit-learn predict the same to 1e-12; our own forests are within
//! the spread over its seeds.

use auscult_core::{Settings, SettingsMap};
use auscult_trees::{
    Answer, ClassifierSettings, Feature, FeatureKind, Features, Forest, ForestSettings, Kind, Node,
    Question, RegressorSettings, Smoothing, Split, Tree, TreeParts,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

fn read<T: DeserializeOwned>(name: &str) -> T {
    let path = format!("{}/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A tree as scikit-learn holds it.
#[derive(Deserialize)]
struct Theirs {
    left: Vec<isize>,
    right: Vec<isize>,
    feature: Vec<isize>,
    threshold: Vec<Option<f64>>,
    missing_left: Vec<bool>,
    rows: Vec<usize>,
    weight: Vec<f64>,
    impurity: Vec<f64>,
    value: Vec<f64>,
    importance: Vec<f64>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "X")]
    readings: Vec<Option<f64>>,
    columns: usize,
    labels: Vec<u32>,
    classes: usize,
    numbers: Vec<f64>,
}

impl Data {
    fn features(&self) -> Features<'static> {
        features(&self.readings, self.columns)
    }

    fn fit(&self, kind: &str, settings: &SettingsMap, weights: Option<&[f64]>) -> Tree {
        let features = self.features();
        if kind == "classes" {
            let settings = ClassifierSettings::from_map(settings).expect("in range");
            Tree::fit_classes(&features, &self.labels, self.classes, weights, &settings)
        } else {
            let settings = RegressorSettings::from_map(settings).expect("in range");
            Tree::fit_numbers(&features, &self.numbers, weights, &settings)
        }
        .expect("fits")
    }
}

fn features(readings: &[Option<f64>], columns: usize) -> Features<'static> {
    let readings: Vec<f64> = readings.iter().map(|reading| reading.unwrap_or(f64::NAN)).collect();
    Features::from_rows(&readings, columns).expect("whole rows")
}

fn close(ours: f64, theirs: f64, tolerance: f64) -> bool {
    (ours - theirs).abs() <= tolerance * (1.0 + theirs.abs())
}

/// Follows both trees side by side and compares every node.
fn same_tree(name: &str, ours: &Tree, theirs: &Theirs) {
    assert_eq!(ours.nodes().len(), theirs.left.len(), "{name}: number of nodes");
    let width = ours.kind().width();
    let mut pairs = vec![(0, 0)];
    while let Some((our, their)) = pairs.pop() {
        let node = &ours.nodes()[our];
        assert_eq!(node.rows, theirs.rows[their], "{name}: rows of node {our}");
        assert!(close(node.weight, theirs.weight[their], 1e-9), "{name}: weight of node {our}");
        let impurity = theirs.impurity[their];
        assert!(
            close(node.impurity, impurity, 1e-9),
            "{name}: impurity {} and {impurity}",
            node.impurity
        );
        let value = ours.node_prediction(our, Smoothing::None);
        for (own, other) in value.iter().zip(&theirs.value[their * width..]) {
            assert!(close(*own, *other, 1e-9), "{name}: node {our} predicts {own} and {other}");
        }
        let Some(split) = &node.split else {
            assert_eq!(theirs.left[their], -1, "{name}: node {our} is a leaf");
            continue;
        };
        assert_eq!(split.feature as isize, theirs.feature[their], "{name}: feature of node {our}");
        match (&split.question, theirs.threshold[their]) {
            (Question::AtMost { threshold }, Some(other)) => {
                assert!(close(*threshold, other, 1e-9), "{name}: {threshold} and {other}");
                assert_eq!(split.missing_goes_yes, theirs.missing_left[their], "{name}: {our}");
            }
            (Question::Present, None) => assert!(!theirs.missing_left[their]),
            (question, other) => panic!("{name}: {question:?} and {other:?}"),
        }
        pairs.push((split.yes, theirs.left[their] as usize));
        pairs.push((split.no, theirs.right[their] as usize));
    }
    for (own, other) in ours.importance().iter().zip(&theirs.importance) {
        assert!(close(*own, *other, 1e-9), "{name}: importance {own} and {other}");
    }
}

#[derive(Deserialize)]
struct Structures {
    #[serde(flatten)]
    data: Data,
    cases: Vec<StructureCase>,
    totals: Vec<Total>,
    paths: Vec<Path>,
}

#[derive(Deserialize)]
struct StructureCase {
    name: String,
    kind: String,
    settings: SettingsMap,
    weights: Option<Vec<f64>>,
    tree: Theirs,
}

#[derive(Deserialize)]
struct Total {
    settings: SettingsMap,
    impurity: f64,
}

#[derive(Deserialize)]
struct Path {
    kind: String,
    settings: SettingsMap,
    alphas: Vec<f64>,
    impurities: Vec<f64>,
}

#[test]
fn trees_are_those_of_scikit_learn() {
    let golden: Structures = read("trees");
    assert!(golden.cases.len() >= 26);
    for case in &golden.cases {
        let tree = golden.data.fit(&case.kind, &case.settings, case.weights.as_deref());
        same_tree(&case.name, &tree, &case.tree);
    }
}

#[test]
fn leaves_are_as_pure_as_those_of_scikit_learn() {
    let golden: Structures = read("trees");
    for total in &golden.totals {
        let tree = golden.data.fit("classes", &total.settings, None);
        let leaves = tree.nodes().iter().filter(|node| node.split.is_none());
        let sum: f64 = leaves.map(|leaf| leaf.impurity * leaf.weight).sum();
        let ours = sum / tree.nodes()[0].weight;
        assert!(close(ours, total.impurity, 1e-9), "{ours} and {}", total.impurity);
    }
}

#[test]
fn pruning_paths_are_those_of_scikit_learn() {
    let golden: Structures = read("trees");
    for path in &golden.paths {
        let tree = golden.data.fit(&path.kind, &path.settings, None);
        let ours = tree.pruning_path();
        assert_eq!(ours.alphas.len(), path.alphas.len());
        for (own, other) in ours.alphas.iter().zip(&path.alphas) {
            assert!(close(*own, *other, 1e-9), "alpha {own} and {other}");
        }
        // Of links that are equally weak the order is free, so only the last counts.
        for at in 0..path.alphas.len() {
            let last = path.alphas.get(at + 1).is_none_or(|next| next - path.alphas[at] > 1e-9);
            let (own, other) = (ours.impurities[at], path.impurities[at]);
            assert!(!last || close(own, other, 1e-9), "impurity {own} and {other}");
        }
    }
}

#[derive(Deserialize)]
struct Missing {
    #[serde(flatten)]
    data: Data,
    fresh: Vec<Option<f64>>,
    cases: Vec<MissingCase>,
}

#[derive(Deserialize)]
struct MissingCase {
    kind: String,
    settings: SettingsMap,
    tree: Theirs,
    fresh_predicted: Vec<f64>,
}

#[test]
fn missing_values_go_the_way_of_scikit_learn() {
    let golden: Missing = read("trees_missing");
    let fresh = features(&golden.fresh, golden.data.columns);
    for case in &golden.cases {
        let tree = golden.data.fit(&case.kind, &case.settings, None);
        same_tree(&format!("missing, {:?}", case.settings), &tree, &case.tree);
        let ours = if case.kind == "classes" {
            tree.predict_probabilities(&fresh, Smoothing::None)
        } else {
            tree.predict_numbers(&fresh)
        }
        .expect("the columns it learnt");
        assert_eq!(ours.len(), case.fresh_predicted.len());
        for (own, other) in ours.iter().zip(&case.fresh_predicted) {
            assert!(close(*own, *other, 1e-12), "{own} and {other}");
        }
    }
}

#[derive(Deserialize)]
struct Forests {
    #[serde(flatten)]
    data: Data,
    fresh: Vec<Option<f64>>,
    class_trees: Vec<Theirs>,
    probabilities: Vec<f64>,
    class_importance: Vec<f64>,
    number_trees: Vec<Theirs>,
    means: Vec<f64>,
    number_importance: Vec<f64>,
    out_of_bag_accuracy: Vec<f64>,
    out_of_bag_explained: Vec<f64>,
}

/// Their tree in our words.
fn imported(theirs: &Theirs, kind: Kind, columns: usize) -> Tree {
    let share = |node: usize| theirs.weight[node] / theirs.weight[0];
    let cost = |node: usize| share(node) * theirs.impurity[node];
    let node = |at: usize| {
        let split = usize::try_from(theirs.left[at]).ok().map(|yes| {
            let no = theirs.right[at] as usize;
            let threshold = theirs.threshold[at].expect("nothing is missing");
            Split {
                feature: theirs.feature[at] as usize,
                question: Question::AtMost { threshold },
                yes,
                no,
                missing_goes_yes: theirs.missing_left[at],
                gain: cost(at) - cost(yes) - cost(no),
            }
        });
        let (rows, weight) = (theirs.rows[at], theirs.weight[at]);
        Node { rows, weight, impurity: theirs.impurity[at], split }
    };
    let parts = TreeParts {
        kind,
        features: vec![FeatureKind::Number; columns],
        nodes: (0..theirs.left.len()).map(node).collect(),
        values: theirs.value.clone(),
    };
    parts.try_into().expect("their tree is a tree")
}

#[test]
fn forests_average_as_scikit_learn_does() {
    let golden: Forests = read("trees_forest");
    let columns = golden.data.columns;
    let fresh = features(&golden.fresh, columns);
    let import = |trees: &[Theirs], kind| -> Forest {
        let trees: Vec<Tree> = trees.iter().map(|tree| imported(tree, kind, columns)).collect();
        trees.try_into().expect("a forest")
    };
    let same = |ours: &[f64], theirs: &[f64], what: &str| {
        assert_eq!(ours.len(), theirs.len());
        for (own, other) in ours.iter().zip(theirs) {
            assert!(close(*own, *other, 1e-12), "{what}: {own} and {other}");
        }
    };
    let classes = import(&golden.class_trees, Kind::Classes { classes: golden.data.classes });
    let ours = classes.predict_probabilities(&fresh, Smoothing::None).expect("its columns");
    same(&ours, &golden.probabilities, "probabilities");
    same(&classes.importance(), &golden.class_importance, "importance of classes");
    // Row by row it is the same.
    let one = classes.probabilities(&fresh.row(7), Smoothing::None);
    same(&one, &golden.probabilities[21..24], "one row");
    let numbers = import(&golden.number_trees, Kind::Numbers);
    same(&numbers.predict_numbers(&fresh).expect("its columns"), &golden.means, "means");
    same(&numbers.importance(), &golden.number_importance, "importance of numbers");
}

/// Fails unless `ours` is within the seeds of scikit-learn, give or take half their range.
fn within(ours: f64, theirs: &[f64]) {
    let low = theirs.iter().copied().fold(f64::INFINITY, f64::min);
    let high = theirs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let slack = (high - low) / 2.0;
    assert!(low - slack <= ours && ours <= high + slack, "{ours}, theirs are in {low}..={high}");
}

#[test]
fn our_forests_are_as_good_as_those_of_scikit_learn() {
    let golden: Forests = read("trees_forest");
    let (data, features) = (&golden.data, golden.data.features());
    let settings = ForestSettings::default();
    for seed in 0..5 {
        let trees = ClassifierSettings { seed, ..ClassifierSettings::for_forest() };
        let fit = Forest::fit_classes(&features, &data.labels, 3, None, &trees, &settings);
        let out_of_bag = fit.expect("fits").out_of_bag.expect("rows were drawn");
        let accuracy = out_of_bag.accuracy(&data.labels).expect("some row was left out");
        within(accuracy, &golden.out_of_bag_accuracy);
        let trees = RegressorSettings { seed, ..Default::default() };
        let fit = Forest::fit_numbers(&features, &data.numbers, None, &trees, &settings);
        let out_of_bag = fit.expect("fits").out_of_bag.expect("rows were drawn");
        let explained = out_of_bag.explained(&data.numbers).expect("numbers vary");
        within(explained, &golden.out_of_bag_explained);
    }
}

#[test]
fn a_number_given_as_a_category_of_its_own_splits_alike() {
    // Two categories are what a number with two values is.
    let golden: Structures = read("trees");
    let warm: Vec<u32> = golden
        .data
        .readings
        .iter()
        .step_by(golden.data.columns)
        .map(|reading| u32::from(reading.is_some_and(|reading| reading > 0.0)))
        .collect();
    let settings = ClassifierSettings::default();
    let fit = |feature| {
        let features = Features::new(vec![feature]).expect("one column");
        Tree::fit_classes(&features, &golden.data.labels, 3, None, &settings).expect("fits")
    };
    let number =
        fit(Feature::numbers(warm.iter().map(|code| f64::from(*code)).collect::<Vec<_>>()));
    let category = fit(Feature::categories(warm, 2));
    let gain = |tree: &Tree| tree.nodes()[0].split.as_ref().expect("a split").gain;
    assert!(close(gain(&category), gain(&number), 1e-12));
    let same = |answers: [Answer; 2]| {
        let [one, other] = answers.map(|answer| vec![answer]);
        assert_eq!(
            number.probabilities(&one, Smoothing::None),
            category.probabilities(&other, Smoothing::None)
        );
    };
    same([Answer::Number(0.0), Answer::Category(0)]);
    same([Answer::Number(1.0), Answer::Category(1)]);
    same([Answer::Unknown, Answer::Unknown]);
}

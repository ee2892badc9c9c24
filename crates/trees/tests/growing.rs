//! What growing promises: order of rows and number of threads do not matter,
//! limits are kept, categories and missing values are used well.

use auscult_trees::{
    ClassWeight, ClassifierSettings, Criterion, Feature, Features, Forest, ForestSettings, MISSING,
    MaxFeatures, Question, RegressorSettings, Smoothing, Tree, TreeError,
};
use proptest::prelude::*;

/// A column of numbers with ties and gaps, one of categories, and labels.
fn mixed() -> impl Strategy<Value = (Vec<f64>, Vec<u32>, Vec<u32>)> {
    (5..60_usize).prop_flat_map(|rows| {
        let number = prop_oneof![4 => (-5..5_i32).prop_map(f64::from), 1 => Just(f64::NAN)];
        let category = prop_oneof![4 => 0..6_u32, 1 => Just(MISSING)];
        (
            prop::collection::vec(number, rows),
            prop::collection::vec(category, rows),
            prop::collection::vec(0..3_u32, rows),
        )
    })
}

fn features(numbers: &[f64], categories: &[u32]) -> Features<'static> {
    Features::new(vec![
        Feature::numbers(numbers.to_vec()),
        Feature::categories(categories.to_vec(), 6),
    ])
    .expect("columns fit")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_rows_does_not_matter((numbers, categories, labels) in mixed()) {
        let settings = ClassifierSettings::default();
        let forward = features(&numbers, &categories);
        let tree = Tree::fit_classes(&forward, &labels, 3, None, &settings).expect("fits");
        let back: Vec<usize> = (0..labels.len()).rev().collect();
        let columns = forward.columns().iter().map(|column| column.reordered(&back)).collect();
        let backward = Features::new(columns).expect("columns fit");
        let labels: Vec<u32> = labels.into_iter().rev().collect();
        let other = Tree::fit_classes(&backward, &labels, 3, None, &settings).expect("fits");
        prop_assert_eq!(tree, other);
    }

    #[test]
    fn a_full_tree_is_sound_and_adds_up((numbers, categories, labels) in mixed()) {
        let features = features(&numbers, &categories);
        for criterion in [Criterion::Gini, Criterion::Entropy] {
            let settings = ClassifierSettings { criterion, ..Default::default() };
            let tree = Tree::fit_classes(&features, &labels, 3, None, &settings).expect("fits");
            tree.validate().expect("sound");
            for (at, node) in tree.nodes().iter().enumerate() {
                prop_assert_eq!(tree.value(at).iter().sum::<f64>(), node.weight);
                let Some(split) = &node.split else { continue };
                let (yes, no) = (&tree.nodes()[split.yes], &tree.nodes()[split.no]);
                prop_assert_eq!(yes.rows + no.rows, node.rows);
                let fall = node.weight * node.impurity
                    - yes.weight * yes.impurity
                    - no.weight * no.impurity;
                let gain = fall / tree.nodes()[0].weight;
                prop_assert!((gain - split.gain).abs() < 1e-9, "{} and {}", gain, split.gain);
            }
            // Rows end where counting says they do.
            let mut counts = vec![0; tree.nodes().len()];
            tree.apply(&features).expect("its columns").iter().for_each(|leaf| counts[*leaf as usize] += 1);
            for (node, count) in tree.nodes().iter().zip(counts) {
                prop_assert_eq!(if node.split.is_none() { node.rows } else { 0 }, count);
            }
            let text = serde_json::to_string(&tree).expect("plain data");
            prop_assert_eq!(serde_json::from_str::<Tree>(&text).expect("sound"), tree);
        }
    }

    #[test]
    fn a_row_walks_alike_alone_and_in_a_crowd((numbers, categories, labels) in mixed()) {
        let features = features(&numbers, &categories);
        let targets: Vec<f64> = labels.iter().map(|label| f64::from(*label)).collect();
        let settings = RegressorSettings::default();
        let tree = Tree::fit_numbers(&features, &targets, None, &settings).expect("fits");
        let leaves = tree.apply(&features).expect("its columns");
        for (row, leaf) in leaves.iter().enumerate() {
            prop_assert_eq!(tree.leaf(&features.row(row)), *leaf as usize);
            prop_assert_eq!(tree.leaf_shares(&features.row(row)), [(*leaf as usize, 1.0)]);
        }
    }
}

/// `rows` readings of `columns` columns that look random, and labels that hang on
/// the first two.
fn plenty(rows: usize, columns: usize) -> (Features<'static>, Vec<u32>) {
    let mut state = 12345_u64;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1 << 24) as f64
    };
    let readings: Vec<f64> = (0..rows * columns).map(|_| next()).collect();
    let label = |row: &[f64]| u32::from(row[0] + row[1] + 0.3 * next() > 1.15);
    let labels = readings.chunks_exact(columns).map(label).collect();
    (Features::from_rows(&readings, columns).expect("whole rows"), labels)
}

fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("threads can be started").install(work)
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let (features, labels) = plenty(20_000, 5);
    let settings = ClassifierSettings { max_features: MaxFeatures::Count(2), ..Default::default() };
    let grow = || Tree::fit_classes(&features, &labels, 2, None, &settings).expect("fits");
    assert_eq!(with_threads(1, grow), with_threads(4, grow));
    let forest = ForestSettings { trees: 6, ..Default::default() };
    let grow =
        || Forest::fit_classes(&features, &labels, 2, None, &settings, &forest).expect("fits");
    let (one, four) = (with_threads(1, grow), with_threads(4, grow));
    assert_eq!(one, four);
    assert!(one.out_of_bag.expect("rows were drawn").accuracy(&labels) > Some(0.85));
    let probabilities = || one.forest.predict_probabilities(&features, Smoothing::None);
    assert_eq!(with_threads(1, probabilities), with_threads(4, probabilities));
}

#[test]
fn packing_small_subtrees_changes_nothing() {
    // Beyond the size that is packed, against counts by hand.
    let (features, labels) = plenty(20_000, 3);
    let settings = ClassifierSettings { max_depth: Some(4), ..Default::default() };
    let tree = Tree::fit_classes(&features, &labels, 2, None, &settings).expect("fits");
    let leaves = tree.apply(&features).expect("its columns");
    let mut counted = vec![[0.0; 2]; tree.nodes().len()];
    for (leaf, label) in leaves.iter().zip(&labels) {
        counted[*leaf as usize][*label as usize] += 1.0;
    }
    for (at, node) in tree.nodes().iter().enumerate().filter(|(_, node)| node.split.is_none()) {
        assert_eq!(tree.value(at), counted[at], "leaf {at} of {} rows", node.rows);
    }
    assert_eq!(tree.depth(), 4);
}

#[test]
fn limits_are_kept() {
    let (features, labels) = plenty(2000, 4);
    let fit = |settings: ClassifierSettings| {
        Tree::fit_classes(&features, &labels, 2, None, &settings).expect("fits")
    };
    let leaf = fit(ClassifierSettings { min_samples_leaf: 37, ..Default::default() });
    assert!(leaf.leaves() > 5 && leaf.nodes().iter().all(|node| node.rows >= 37));
    let split = fit(ClassifierSettings { min_samples_split: 100, ..Default::default() });
    let asks = |node: &&auscult_trees::Node| node.split.is_some();
    assert!(split.nodes().iter().filter(asks).all(|node| node.rows >= 100));
    let few = fit(ClassifierSettings { max_leaf_nodes: Some(9), ..Default::default() });
    assert_eq!(few.leaves(), 9);
    few.validate().expect("sound");
    let weight = fit(ClassifierSettings { min_weight_leaf: 0.1, ..Default::default() });
    assert!(weight.leaves() > 2 && weight.nodes().iter().all(|node| node.weight >= 200.0));
}

#[test]
fn a_column_in_steps_as_deep_as_it_is_long_is_no_trouble() {
    // Every split peels off one row: the deepest tree there is.
    let readings: Vec<f64> = (0..3000).map(f64::from).collect();
    let targets: Vec<f64> = (0..3000).map(|row| 1.5_f64.powi(row % 500)).collect();
    let features = Features::from_rows(&readings, 1).expect("one column");
    let tree = Tree::fit_numbers(&features, &targets, None, &RegressorSettings::default());
    let tree = tree.expect("fits");
    assert!(tree.depth() > 60, "{}", tree.depth());
    tree.validate().expect("sound");
}

#[test]
fn a_cheap_question_is_preferred_to_a_dear_one_that_tells_the_same() {
    let readings: Vec<f64> = (0..40).flat_map(|row| [f64::from(row), f64::from(row * 2)]).collect();
    let labels: Vec<u32> = (0..40).map(|row| u32::from(row >= 20)).collect();
    let features = Features::from_rows(&readings, 2).expect("two columns");
    let asked = |costs: Vec<f64>| {
        let settings = ClassifierSettings { costs, ..Default::default() };
        let tree = Tree::fit_classes(&features, &labels, 2, None, &settings).expect("fits");
        tree.nodes()[0].split.as_ref().expect("a question").feature
    };
    assert_eq!(asked(Vec::new()), 0);
    assert_eq!(asked(vec![3.0, 1.0]), 1);
    assert_eq!(asked(vec![1.0, 3.0]), 0);
}

#[test]
fn categories_are_split_in_one_question() {
    let codes: Vec<u32> = (0..120).map(|row| row % 6).collect();
    let labels: Vec<u32> = codes.iter().map(|code| u32::from([1, 4, 5].contains(code))).collect();
    let features = Features::new(vec![Feature::categories(codes, 8)]).expect("one column");
    let tree = Tree::fit_classes(&features, &labels, 2, None, &ClassifierSettings::default());
    let tree = tree.expect("fits");
    assert_eq!(tree.leaves(), 2);
    let Question::OneOf(sides) = &tree.nodes()[0].split.as_ref().expect("a question").question
    else {
        panic!("a question about categories")
    };
    assert_eq!((sides.yes.as_slice(), sides.no.as_slice()), (&[0, 2, 3][..], &[1, 4, 5][..]));
}

#[test]
fn what_is_missing_can_itself_tell() {
    let readings: Vec<f64> =
        (0..60).map(|row| if row % 3 == 0 { f64::NAN } else { f64::from(row) }).collect();
    let labels: Vec<u32> = (0..60).map(|row| u32::from(row % 3 == 0)).collect();
    let features = Features::from_rows(&readings, 1).expect("one column");
    let tree = Tree::fit_classes(&features, &labels, 2, None, &ClassifierSettings::default());
    let tree = tree.expect("fits");
    assert_eq!(tree.leaves(), 2);
    assert_eq!(tree.nodes()[0].split.as_ref().expect("a question").question, Question::Present);
}

#[test]
fn rows_without_weight_are_left_out() {
    let features = Features::from_rows(&[1.0, 2.0, 3.0, 4.0], 1).expect("one column");
    let settings = ClassifierSettings::default();
    let fit =
        |weights: &[f64]| Tree::fit_classes(&features, &[0, 1, 0, 1], 2, Some(weights), &settings);
    assert_eq!(fit(&[1.0, 0.0, 1.0, 0.0]).expect("fits").nodes().len(), 1);
    assert_eq!(fit(&[0.0; 4]), Err(TreeError::Empty));
    assert!(matches!(fit(&[1.0, -1.0, 1.0, 1.0]), Err(TreeError::Number { row: 1, .. })));
    let class_weight = ClassWeight::Given(vec![1.0]);
    let settings = ClassifierSettings { class_weight, ..Default::default() };
    let refused = Tree::fit_classes(&features, &[0, 1, 0, 1], 2, None, &settings);
    assert!(matches!(refused, Err(TreeError::Misfit { key: "class_weight", .. })));
}

//! Fault trees of the Aralia set, with the counts and probabilities published beside them, and
//! random ones against plain enumeration.

use std::io::Read;
use std::path::{Path, PathBuf};

use auscult_diagnose::fault_tree::{
    AnalysisSettings, BasicEvent, FaultTree, Formula, Gate, analyse, read_mef,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

fn unzipped(path: &Path) -> Option<String> {
    let file = std::fs::File::open(path).ok()?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip of text");
    Some(text)
}

fn kept(name: &str) -> FaultTree {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fault-trees");
    let text = unzipped(&folder.join(format!("{name}.xml.gz"))).expect("in the repository");
    read_mef(&text, None).expect("sound")
}

/// Cut sets and top probability, six digits of it at least.
fn check(tree: &FaultTree, cut_sets: u128, probability: f64) {
    let analysis = analyse(tree, &AnalysisSettings::default());
    assert!(analysis.top.is_exact(), "{}", tree.name());
    let off = (analysis.top.low / probability - 1.0).abs();
    assert!(off < 5e-6, "{}: {} is not {probability}", tree.name(), analysis.top.low);
    let found = analysis.cut_sets.expect("within the budget");
    assert_eq!(found.count, Some(cut_sets), "{}", tree.name());
    assert!(found.listed.is_sorted_by(|one, other| one.probability >= other.probability));
}

#[test]
fn trees_of_the_repository_have_their_published_figures() {
    check(&kept("chinese"), 392, 0.00117058);
    check(&kept("baobab2"), 4805, 0.000713018);
    check(&kept("das9601"), 4259, 0.0042344);
}

#[test]
fn the_aralia_set_has_its_published_figures() {
    let root = std::env::var_os("AUSCULT_SHARED_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let folder = root.join("diagnosis/fault-trees");
    let Ok(expected) = std::fs::read_to_string(folder.join("expected.csv")) else {
        eprintln!("skipped: no {}; set AUSCULT_SHARED_DATA", folder.display());
        return;
    };
    for line in expected.lines().skip(1) {
        let [name, events, gates, cut_sets, probability] = line.split(',').collect::<Vec<_>>()[..]
        else {
            panic!("five columns in {line}");
        };
        let text = unzipped(&folder.join(format!("{name}.xml.gz"))).expect("listed");
        let tree = read_mef(&text, None).expect("sound");
        assert_eq!(tree.events().len().to_string(), events, "{name}");
        assert_eq!(tree.gates().len().to_string(), gates, "{name}");
        let probability = probability.parse().expect("a number");
        check(&tree, cut_sets.parse().expect("a number"), probability);
    }
}

/// A random tree of `events` events; with `not` and `xor` if `any`.
fn random_tree(random: &mut Pcg64, events: usize, any: bool) -> FaultTree {
    let gates = random.random_range(1..8);
    let event =
        |at: usize, probability| BasicEvent { name: format!("e{at}"), probability, label: None };
    let basic = (0..events).map(|at| event(at, random.random_range(0.0..1.0))).collect();
    let mut all = Vec::new();
    for at in 0..gates {
        let formula = random_formula(random, at, gates, events, any, 2);
        all.push(Gate { name: format!("g{at}"), formula, label: None });
    }
    FaultTree::new("random", basic, all, Some("g0")).expect("sound")
}

fn random_formula(
    random: &mut Pcg64,
    gate: usize,
    gates: usize,
    events: usize,
    any: bool,
    levels: usize,
) -> Formula {
    let kind = random.random_range(0..if any { 9 } else { 6 });
    if levels == 0 || kind == 0 {
        let at = random.random_range(0..events + gates - gate - 1);
        return if at < events {
            Formula::Event(at)
        } else {
            Formula::Gate(gate + 1 + at - events)
        };
    }
    let count = random.random_range(1..5);
    let mut argument = || random_formula(random, gate, gates, events, any, levels - 1);
    let of: Vec<Formula> = (0..count).map(|_| argument()).collect();
    match kind {
        1 | 2 => Formula::And(of),
        3 | 4 => Formula::Or(of),
        5 => Formula::AtLeast { min: random.random_range(1..=count), of },
        6 | 7 => Formula::Xor(of),
        _ => Formula::Not(Box::new(argument())),
    }
}

fn holds(tree: &FaultTree, formula: &Formula, state: usize) -> bool {
    let count = |of: &[Formula]| of.iter().filter(|one| holds(tree, one, state)).count();
    match formula {
        Formula::Event(at) => state >> at & 1 == 1,
        Formula::Gate(at) => holds(tree, &tree.gates()[*at].formula, state),
        Formula::Constant(value) => *value,
        Formula::And(of) => count(of) == of.len(),
        Formula::Or(of) => count(of) > 0,
        Formula::Xor(of) => count(of) % 2 == 1,
        Formula::Not(of) => !holds(tree, of, state),
        Formula::AtLeast { min, of } => count(of) >= *min,
    }
}

/// The probability of the states in which `is_true`.
fn sum(probabilities: &[f64], is_true: impl Fn(usize) -> bool) -> f64 {
    let happens = |state: usize, at: usize| state >> at & 1 == 1;
    let weight = |state: usize| -> f64 {
        let of = |(at, p): (usize, &f64)| if happens(state, at) { *p } else { 1.0 - p };
        probabilities.iter().enumerate().map(of).product()
    };
    (0..1 << probabilities.len()).filter(|&state| is_true(state)).map(weight).sum()
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-12 || (one / other - 1.0).abs() < 1e-9 || one == other
}

/// Everything of `tree` against enumeration of all states.
fn check_by_enumeration(tree: &FaultTree) {
    let count = tree.events().len();
    let truth: Vec<bool> =
        (0..1 << count).map(|state| holds(tree, &tree.top().formula, state)).collect();
    let of: Vec<f64> = tree.events().iter().map(|event| event.probability).collect();
    let top = sum(&of, |state| truth[state]);
    let settings = AnalysisSettings { listed_cut_sets: 10_000, ..Default::default() };
    let analysis = analyse(tree, &settings);
    assert!(near(analysis.top.low, top), "{} is not {top}", analysis.top.low);

    let is_minimal =
        |state: usize| truth[state] && (0..state).all(|part| part & state != part || !truth[part]);
    let minimal: Vec<usize> = (0..1 << count).filter(|&state| is_minimal(state)).collect();
    let sets = analysis.cut_sets.expect("small");
    let mut found: Vec<usize> =
        sets.listed.iter().map(|set| set.events.iter().map(|at| 1 << at).sum()).collect();
    assert!(
        sets.listed.is_sorted_by(|one, other| one.probability >= other.probability * (1.0 - 1e-9))
    );
    found.sort_unstable();
    assert_eq!(found, minimal);
    assert_eq!(sets.count, Some(minimal.len() as u128));

    let has = |state: usize, set: usize| state & set == set;
    let any = sum(&of, |state| minimal.iter().any(|&set| has(state, set)));
    for (at, importance) in analysis.importance.expect("small").iter().enumerate() {
        let given = |value: f64| {
            let mut of = of.clone();
            of[at] = value;
            sum(&of, |state| truth[state])
        };
        let (one, zero) = (given(1.0), given(0.0));
        assert!(near(importance.birnbaum, one - zero));
        if top < 1e-9 {
            continue;
        }
        assert!(near(importance.criticality.expect("above 0"), (one - zero) * of[at] / top));
        assert!(near(importance.risk_achievement.expect("above 0"), one / top));
        let reduction = importance.risk_reduction.expect("above 0");
        assert!(near(reduction, top / zero) || zero < 1e-12 && reduction > 1e9, "{reduction}");
        let with =
            sum(&of, |state| minimal.iter().any(|&set| set >> at & 1 == 1 && has(state, set)));
        assert!(near(importance.fussell_vesely.expect("small"), with / any));
    }
}

#[test]
fn random_trees_agree_with_enumeration() {
    let mut random = Pcg64::seed_from_u64(7);
    for round in 0..300 {
        let events = random.random_range(1..8);
        check_by_enumeration(&random_tree(&mut random, events, round % 2 == 0));
    }
}

#[test]
fn a_bound_holds_the_truth_however_small_the_budget() {
    let mut random = Pcg64::seed_from_u64(11);
    for round in 0..200 {
        let tree = random_tree(&mut random, 9, round % 2 == 0);
        let exact = analyse(&tree, &AnalysisSettings::default()).top.low;
        for node_budget in [0, 1, 2, 3, 5, 8, 12, 20, 40] {
            let settings = AnalysisSettings { node_budget, ..Default::default() };
            let top = analyse(&tree, &settings).top;
            let is_within = top.low - 1e-12 <= exact && exact <= top.high + 1e-12;
            assert!(is_within, "{exact} with {node_budget} nodes: {top:?}");
        }
    }
}

#[test]
fn a_bound_narrows_as_the_budget_grows() {
    let tree = kept("das9601");
    let exact = 0.0042344;
    let mut widths = Vec::new();
    for node_budget in [100, 2_000, 20_000, 60_000] {
        let settings = AnalysisSettings { node_budget, ..Default::default() };
        let analysis = analyse(&tree, &settings);
        assert!(!analysis.top.is_exact() && analysis.cut_sets.is_none());
        assert!(analysis.top.low <= exact * 1.00001 && exact * 0.99999 <= analysis.top.high);
        widths.push(analysis.top.high - analysis.top.low);
        eprintln!("{node_budget} nodes: {:?}", analysis.top);
    }
    assert!(widths.is_sorted_by(|one, other| one >= other), "{widths:?}");
    assert!(widths[3] < 0.05 * exact, "{widths:?}");
}

//! Bayesian networks against published posteriors, plain enumeration and hostile files.

use std::io::Read;
use std::path::Path;

use auscult_diagnose::network::{
    Inference, InferenceError, Network, Protocol, Step, Strategy, TroubleshootSettings,
    Troubleshooter, Variable, read_bif,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/networks")
}

fn kept(name: &str) -> Network {
    let file = std::fs::File::open(folder().join(format!("{name}.bif.gz"))).expect("kept");
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip of text");
    read_bif(&text).expect("sound")
}

#[test]
fn posteriors_are_the_published_ones() {
    let text = std::fs::read_to_string(folder().join("posteriors.json")).expect("kept");
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
    let mut compared = 0;
    for case in &cases {
        let network = kept(case["network"].as_str().expect("a name"));
        let mut evidence = vec![None; network.variables().len()];
        for (variable, state) in case["evidence"].as_object().expect("names") {
            let (at, state) =
                network.state(variable, state.as_str().expect("a name")).expect("known");
            evidence[at] = Some(state);
        }
        let found =
            Inference::new(&network).expect("small").posterior(&evidence).expect("possible");
        let expected = case["probability_of_evidence"].as_f64().expect("a number");
        assert!((found.probability / expected - 1.0).abs() < 1e-6, "{}", found.probability);
        for (variable, states) in case["posterior"].as_object().expect("names") {
            for (state, expected) in states.as_object().expect("names") {
                let (at, state) = network.state(variable, state).expect("known");
                let off = found.marginals[at][state] - expected.as_f64().expect("a number");
                assert!(off.abs() < 1e-6, "{variable}: off by {off}");
                compared += 1;
            }
        }
    }
    assert!(compared > 200, "{compared}");
}

/// A random network of variables with 1 to 3 states, some rows with zeros.
fn random_network(random: &mut Pcg64) -> Network {
    let count = random.random_range(1..8);
    let states: Vec<usize> = (0..count).map(|_| random.random_range(1..4)).collect();
    let mut variables = Vec::new();
    for at in 0..count {
        // Numbered backward, so that parents come after their children too.
        let parents: Vec<usize> = (at + 1..count).filter(|_| random.random_bool(0.4)).collect();
        let rows: usize = parents.iter().map(|&parent| states[parent]).product();
        let mut table = Vec::new();
        for _ in 0..rows {
            let mut row: Vec<f64> = (0..states[at])
                .map(|_| if random.random_bool(0.2) { 0.0 } else { random.random() })
                .collect();
            row[0] += 0.01;
            let sum: f64 = row.iter().sum();
            table.extend(row.into_iter().map(|value| value / sum));
        }
        let names = (0..states[at]).map(|state| format!("s{state}")).collect();
        variables.push(Variable { name: format!("v{at}"), states: names, parents, table });
    }
    Network::new(variables).expect("sound")
}

/// The probability of a whole case.
fn probability(network: &Network, case: &[usize]) -> f64 {
    let variables = network.variables();
    let factor = |at: usize| {
        let variable = &variables[at];
        let row = variable
            .parents
            .iter()
            .fold(0, |row, &parent| row * variables[parent].states.len() + case[parent]);
        variable.table[row * variable.states.len() + case[at]]
    };
    (0..case.len()).map(factor).product()
}

#[test]
fn posteriors_agree_with_enumeration() {
    let mut random = Pcg64::seed_from_u64(3);
    for _ in 0..200 {
        let network = random_network(&mut random);
        let states: Vec<usize> = network.variables().iter().map(|one| one.states.len()).collect();
        let seen =
            |&states: &usize| random.random_bool(0.3).then(|| random.random_range(0..states));
        let evidence: Vec<Option<usize>> = states.iter().map(seen).collect();
        let mut expected: Vec<Vec<f64>> = states.iter().map(|&states| vec![0.0; states]).collect();
        let mut total = 0.0;
        let cases: usize = states.iter().product();
        for number in 0..cases {
            let mut left = number;
            let case: Vec<usize> = states
                .iter()
                .map(|states| {
                    let state = left % states;
                    left /= states;
                    state
                })
                .collect();
            let fits = |at: usize| evidence[at].is_none_or(|seen| seen == case[at]);
            if (0..case.len()).all(fits) {
                let weight = probability(&network, &case);
                total += weight;
                case.iter().enumerate().for_each(|(at, &state)| expected[at][state] += weight);
            }
        }
        let found = Inference::new(&network).expect("small").posterior(&evidence);
        if total <= 0.0 {
            assert_eq!(found, Err(InferenceError::Impossible));
            continue;
        }
        let found = found.expect("possible");
        assert!((found.probability - total).abs() < 1e-12);
        for (marginal, expected) in found.marginals.iter().zip(&expected) {
            for (one, other) in marginal.iter().zip(expected) {
                assert!((one - other / total).abs() < 1e-10, "{one} is not {}", other / total);
            }
        }
    }
}

#[test]
fn absurd_evidence_and_entangled_networks_are_refused_in_words() {
    let network = kept("asia");
    let inference = Inference::new(&network).expect("small");
    let refused =
        |evidence: &[Option<usize>]| inference.posterior(evidence).expect_err("absurd").to_string();
    assert_eq!(refused(&[None]), "evidence is for 1 variables; expected 8");
    assert_eq!(refused(&[Some(9); 8]), "`asia` has 2 states; there is no state 9");
    let mut impossible = vec![None; 8];
    for (variable, state) in [("either", "no"), ("lung", "yes")] {
        let (at, state) = network.state(variable, state).expect("known");
        impossible[at] = Some(state);
    }
    assert!(refused(&impossible).starts_with("this evidence cannot come together"));

    // A grid of 26 by 26 hangs together too much for exact answers.
    let wide = 26;
    let at = |row: usize, column: usize| row * wide + column;
    let mut variables = Vec::new();
    for row in 0..wide {
        for column in 0..wide {
            let above = (row > 0).then(|| at(row - 1, column));
            let left = (column > 0).then(|| at(row, column - 1));
            let parents: Vec<usize> = above.into_iter().chain(left).collect();
            let table = vec![0.5; 2 << parents.len()];
            let states = vec!["no".to_owned(), "yes".to_owned()];
            variables.push(Variable { name: format!("v{row}-{column}"), states, parents, table });
        }
    }
    let grid = Network::new(variables).expect("sound");
    let said = Inference::new(&grid).expect_err("entangled").to_string();
    assert!(said.starts_with("exact answers would need a table over "), "{said}");
}

const RAIN: &str = "network n { property \"any thing\" ; }
// a comment
variable rain { type discrete [ 2 ] { no, yes }; property p = 1 ; }
variable wet { type discrete [2] { \"not at all\" yes }; } /* another
one */
";

#[test]
fn the_format_is_read_as_it_is_written() {
    let text = format!(
        "\u{feff}{RAIN}probability (rain) {{ table 0.8 0.2; }}\n\
         probability ( wet | rain ) {{ default 0.25, 0.75; ( no ) 9e-1, .1; property x; }}"
    );
    let network = read_bif(&text).expect("sound");
    assert_eq!(network.variables()[1].states, ["not at all", "yes"]);
    assert_eq!(network.variables()[1].table, [0.9, 0.1, 0.25, 0.75]);
    assert_eq!(network.variables()[0].table, [0.8, 0.2]);
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_line() {
    let rain = "probability ( rain ) { table 0.8, 0.2; }\n";
    let wet = "probability ( wet | rain ) { (no) 0.9, 0.1; (yes) 0, 1; }\n";
    let cases = [
        (
            "hello".to_owned(),
            "line 1: expected `network`, `variable` or `probability`, got `hello`",
        ),
        (String::new(), "line 1: the network has no variables"),
        ("network a".to_owned(), "line 1: expected `{`, got the end of the text"),
        ("\n/* no end".to_owned(), "line 2: the comment that begins here does not end"),
        ("variable \"x".to_owned(), "line 1: the name in quotes that begins here does not end"),
        ("variable x { }".to_owned(), "line 1: variable `x` has no states"),
        (
            "variable x { type real; }".to_owned(),
            "line 1: expected `discrete`; other variables are not read, got `real`",
        ),
        (
            "variable x { type discrete [ 3 ] { a, b }; }".to_owned(),
            "line 1: `x` with its list of states has 2; expected 3",
        ),
        (
            format!("{RAIN}variable rain {{ type discrete [ 1 ] {{ a }}; }}"),
            "line 6: `rain` is there twice",
        ),
        (RAIN.to_owned(), "line 3: variable `rain` has no `probability` block"),
        (format!("{RAIN}probability ( snow ) {{ }}"), "line 6: there is no variable `snow`"),
        (
            format!("{RAIN}{rain}{rain}"),
            "line 7: the probabilities of `rain` are given a second time",
        ),
        (
            format!("{RAIN}probability ( rain ) {{ table 0.8; }}"),
            "line 6: a row of `rain` has 1; expected 2",
        ),
        (
            format!("{RAIN}probability ( rain ) {{ table 0.8, much; }}"),
            "line 6: expected a number, got `much`",
        ),
        (
            format!("{RAIN}probability ( rain ) {{ }}"),
            "line 6: the probabilities of `rain` have no row () and no `default`",
        ),
        (
            format!("{RAIN}{rain}probability ( wet | rain ) {{ table 1 0 1 0; }}"),
            "line 7: `table` of a variable with parents is not read",
        ),
        (
            format!("{RAIN}{rain}probability ( wet | rain ) {{ (no) 1 0; (no) 1 0; }}"),
            "line 7: the row (no) is given a second time",
        ),
        (
            format!("{RAIN}{rain}probability ( wet | rain ) {{ (no) 1 0; }}"),
            "line 7: the probabilities of `wet` have no row (yes) and no `default`",
        ),
        (
            format!("{RAIN}{rain}probability ( wet | rain ) {{ (maybe) 1 0; }}"),
            "line 7: `rain` has no state `maybe`; its states are no, yes",
        ),
        (
            format!("{RAIN}{rain}probability ( wet | rain ) {{ (no, no) 1 0; }}"),
            "line 7: a row's list of states has 2; expected 1",
        ),
        (
            format!("{RAIN}probability ( rain ) {{ table 0.8, 0.3; }}\n{wet}"),
            "line 6: row 0 of the table of `rain` sums to 1.1",
        ),
        (
            format!("{RAIN}probability ( rain ) {{ table 1.5, -0.5; }}\n{wet}"),
            "line 6: the table of `rain` has 1.5",
        ),
        (
            format!("{RAIN}probability ( rain | wet ) {{ default 1 0; }}\n{wet}"),
            "line 6: variable `rain` depends on itself: rain ← wet ← rain",
        ),
    ];
    for (text, expected) in cases {
        let said = read_bif(&text).expect_err("absurd").to_string();
        assert!(said.starts_with(expected), "{said}\nis not\n{expected}");
    }
    // Seventeen parents with four states each.
    let mut text = String::new();
    for at in 0..18 {
        text.push_str(&format!("variable v{at} {{ type discrete [ 4 ] {{ a, b, c, d }}; }}\n"));
    }
    let parents: Vec<String> = (1..18).map(|at| format!("v{at}")).collect();
    text.push_str(&format!("probability ( v0 | {} ) {{ default 1 0 0 0; }}", parents.join(", ")));
    let said = read_bif(&text).expect_err("absurd").to_string();
    assert!(said.starts_with("line 19: the table of `v0` would have more than"), "{said}");
}

/// A machine that stops when its fuse or its pump is broken; a lamp tells of
/// the fuse, nearly always.
const MACHINE: &str = "
variable fuse { type discrete [ 2 ] { whole, broken }; }
variable pump { type discrete [ 2 ] { whole, broken }; }
variable paint { type discrete [ 2 ] { blue, red }; }
variable lamp { type discrete [ 2 ] { on, off }; }
variable machine { type discrete [ 2 ] { runs, stands }; }
probability ( fuse ) { table 0.95 0.05; }
probability ( pump ) { table 0.95 0.05; }
probability ( paint ) { table 0.6 0.4; }
probability ( lamp | fuse ) { (whole) 0.999 0.001; (broken) 0 1; }
probability ( machine | fuse, pump ) {
  (whole, whole) 1 0; (broken, whole) 0 1; (whole, broken) 0 1; (broken, broken) 0 1;
}";

#[test]
fn a_cheap_test_comes_before_dear_looks() {
    let network = read_bif(MACHINE).expect("sound");
    let symptom = network.state("machine", "stands").expect("known");
    let settings = TroubleshootSettings::default();
    let dear = vec![10.0, 10.0, 1.0, 1.0, 1.0];
    let finder = Troubleshooter::new(&network, symptom, dear, &settings).expect("sound");
    let suspects: Vec<usize> = finder.suspects().iter().map(|suspect| suspect.variable).collect();
    assert_eq!(suspects, [0, 1], "paint stops no machine");
    let mut evidence = vec![None, None, None, None, Some(1)];
    let Ok(Step::Look { variable, expected_cost }) = finder.next(&evidence) else {
        panic!("a look")
    };
    assert_eq!(network.variables()[variable].name, "lamp");
    assert!((expected_cost - 1.0).abs() < 0.1, "{expected_cost}");
    evidence[3] = Some(1);
    let Ok(Step::Name { variable: 0, probability }) = finder.next(&evidence) else {
        panic!("the fuse")
    };
    assert!(probability > 0.99);
    evidence[3] = Some(0);
    assert!(matches!(finder.next(&evidence), Ok(Step::Name { variable: 1, .. })));

    // Where looking itself is as cheap, nothing else is asked first.
    let even = vec![1.0; 5];
    let finder = Troubleshooter::new(&network, symptom, even, &settings).expect("sound");
    let evidence = [None, None, None, None, Some(1)];
    assert!(matches!(finder.next(&evidence), Ok(Step::Look { variable: 0 | 1, .. })));
}

#[test]
fn what_cannot_be_looked_at_is_not_asked_for() {
    let network = read_bif(MACHINE).expect("sound");
    let symptom = network.state("machine", "stands").expect("known");
    let dear = vec![10.0, 10.0, 1.0, 1.0, 1.0];
    let settings = TroubleshootSettings::default();
    let mut finder = Troubleshooter::new(&network, symptom, dear, &settings).expect("sound");
    let evidence = [None, None, None, None, Some(1)];
    let mut looks = Vec::new();
    while let Ok(Step::Look { variable, .. }) = finder.next(&evidence) {
        looks.push(variable);
        finder.set_closed(variable, true);
    }
    // The lamp first, then both suspects; the machine itself was seen, and paint tells nothing.
    assert_eq!(looks[0], 3, "{looks:?}");
    assert!(looks.contains(&0) && looks.contains(&1) && !looks.contains(&4), "{looks:?}");
    let Ok(Step::Name { probability, .. }) = finder.next(&evidence) else { panic!("a name") };
    assert!(probability < 0.99, "{probability}");
    finder.set_closed(3, false);
    assert!(matches!(finder.next(&evidence), Ok(Step::Look { variable: 3, .. })));
}

#[test]
fn troubleshooting_that_cannot_be_is_refused_in_words() {
    let network = read_bif(MACHINE).expect("sound");
    let refused = |symptom, costs, settings| {
        Troubleshooter::new(&network, symptom, costs, &settings).expect_err("absurd").to_string()
    };
    let usual = TroubleshootSettings::default;
    let costs = || vec![1.0; 5];
    assert_eq!(refused((4, 1), vec![1.0], usual()), "costs are for 1 variables; expected 5");
    assert!(refused((4, 1), vec![0.0; 5], usual()).contains("looking at `fuse` costs 0"));
    let certainty = TroubleshootSettings { certainty: 1.0, ..usual() };
    assert_eq!(
        refused((4, 1), costs(), certainty),
        "certainty is 1; expected a number between 0.5 and 1"
    );
    assert!(refused((4, 0), costs(), usual()).contains("nothing to suspect"));
    assert!(refused((4, 7), costs(), usual()).contains("there is no state 7"));
    assert!(refused((9, 0), costs(), usual()).contains("variable 9"));
}

#[test]
fn looking_ahead_finds_printer_faults_at_less_cost_and_as_surely() {
    let network = kept("win95pts");
    let protocol =
        Protocol { cases: 150, ..Protocol::by_prefix(&network, "Problem").expect("sound") };
    assert_eq!(protocol.symptoms.len(), 6);
    let score = |strategy| protocol.score(&network, strategy).expect("sound");
    let (ahead, usual) = (score(Strategy::LookAhead), score(Strategy::ProbabilityPerCost));
    let random = score(Strategy::Random);
    assert!(ahead.mean_cost < 0.9 * usual.mean_cost, "{ahead:?} {usual:?}");
    assert!(usual.mean_cost < 0.5 * random.mean_cost, "{usual:?} {random:?}");
    assert!(ahead.right >= usual.right - 0.01, "{ahead:?} {usual:?}");
    assert!(ahead.answerable == usual.answerable && usual.right <= usual.answerable);
}

//! Bayesian networks: exact posteriors, and finding what is wrong with a printer.

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use auscult_diagnose::network::{Inference, Network, Protocol, Strategy, read_bif};
use auscult_telemetry::{Input, read_text};
use serde::Deserialize;

use super::super::aim::Bound::{AtMost, Below, NoLessThan};
use super::super::{Aim, Column, Line, Order, Set, Table, column};
use crate::benchmark::files::{text, wrong};
use crate::outcome::CallError;

pub(super) const SET: Set = Set {
    name: "troubleshooting",
    title: "Bayesian networks ASIA, ALARM and win95pts, a printer that does not print",
    source: "the Bayesian Network Repository, as pgmpy 0.1.26 carries it",
    mark: "posteriors.json",
    protocol: "Posteriors are held against exact ones of another program. The printer: a case is drawn until some `Problem*` is not as \
               usual, which is told; at each step a method names a variable to look at (cost 1; a root costs 3), and stops with one root. It is right \
               if that root can bring the problem and is out of its usual state. All methods stop by the same rule, at a certainty of \
               0.99; 1,000 cases of seed 1, the same for all.",
    methods: || {
        let strategies = STRATEGIES.iter().map(|(name, _)| *name);
        strategies.chain([ELIMINATION]).collect()
    },
    measure,
};

const ELIMINATION: &str = "elimination";

const STRATEGIES: [(&str, Strategy); 5] = [
    ("look-ahead", Strategy::LookAhead),
    ("probability-per-cost", Strategy::ProbabilityPerCost),
    ("probability", Strategy::Probability),
    ("any-probability-per-cost", Strategy::AnyProbabilityPerCost),
    ("random-order", Strategy::Random),
];

/// The network of the printer, and how the names of its symptoms begin.
const PRINTER: (&str, &str) = ("win95pts", "Problem");

/// Digits that the posteriors are printed to.
const PRINTED: f64 = 1e-6;

/// Text of a network, at most.
const MOST_BYTES: u64 = 1 << 28;

const POSTERIORS: &[Column] = &[
    column("off", "largest error of a probability", 3),
    column("evidence_off", "largest relative error of the evidence's", 3),
    column("compared", "probabilities compared", 0),
];

const SEARCH: &[Column] = &[
    column("cost", "mean cost", 2),
    column("right", "right", 3),
    column("answerable", "can be right", 3),
    column("looks", "looks", 2),
];

/// A question, and its answers.
#[derive(Deserialize)]
struct Known {
    network: String,
    evidence: HashMap<String, String>,
    probability_of_evidence: f64,
    posterior: HashMap<String, HashMap<String, f64>>,
}

fn measure(folder: &Path, methods: &[&'static str]) -> Result<Vec<Table>, CallError> {
    let mut tables = Vec::new();
    if methods.contains(&ELIMINATION) {
        tables.push(posteriors(folder)?);
    }
    let chosen: Vec<(&'static str, Strategy)> =
        STRATEGIES.into_iter().filter(|(name, _)| methods.contains(name)).collect();
    if !chosen.is_empty() {
        tables.push(search(folder, &chosen)?);
    }
    Ok(tables)
}

fn read(folder: &Path, name: &str) -> Result<Network, CallError> {
    let path = folder.join(format!("{name}.bif.gz"));
    let text = read_text(&Input::Path(path.clone()), MOST_BYTES).map_err(CallError::input)?;
    read_bif(&text).map_err(|error| wrong(&path, error))
}

fn posteriors(folder: &Path) -> Result<Table, CallError> {
    let path = folder.join(SET.mark);
    let known: Vec<Known> =
        serde_json::from_str(&text(&path)?).map_err(|error| wrong(&path, error))?;
    let (mut off, mut evidence_off, mut compared) = (0.0_f64, 0.0_f64, 0.0);
    let (mut seconds, mut variables) = (0.0, 0.0);
    for one in &known {
        let network = read(folder, &one.network)?;
        let place = |variable: &str, state: &str| {
            network.state(variable, state).ok_or_else(|| {
                let name = &one.network;
                wrong(&path, format_args!("network {name} has no `{variable}` = `{state}`"))
            })
        };
        let mut evidence = vec![None; network.variables().len()];
        for (variable, state) in &one.evidence {
            let (at, state) = place(variable, state)?;
            evidence[at] = Some(state);
        }
        let start = Instant::now();
        let found = Inference::new(&network)
            .and_then(|inference| inference.posterior(&evidence))
            .map_err(|error| wrong(&path, error))?;
        seconds += start.elapsed().as_secs_f64();
        variables += evidence.len() as f64;
        evidence_off =
            evidence_off.max((found.probability / one.probability_of_evidence - 1.0).abs());
        for (variable, states) in &one.posterior {
            for (state, expected) in states {
                let (at, state) = place(variable, state)?;
                off = off.max((found.marginals[at][state] - expected).abs());
                compared += 1.0;
            }
        }
    }
    let cases = known.len().max(1) as f64;
    let aim = |key| Aim { method: ELIMINATION, key, bound: AtMost(PRINTED) };
    Ok(Table {
        title: "posteriors".to_owned(),
        cases: format!("{} questions; series are variables.", known.len()),
        columns: POSTERIORS,
        order: Order::LowestFirst,
        lines: vec![Line {
            method: ELIMINATION,
            figures: vec![Some(off), Some(evidence_off), Some(compared)],
            seconds: seconds / cases,
            series: variables / cases,
            refused: None,
        }],
        published: &[],
        aims: vec![aim("off"), aim("evidence_off")],
    })
}

fn search(folder: &Path, chosen: &[(&'static str, Strategy)]) -> Result<Table, CallError> {
    let network = read(folder, PRINTER.0)?;
    let path = folder.join(format!("{}.bif.gz", PRINTER.0));
    let protocol = Protocol::by_prefix(&network, PRINTER.1).map_err(|error| wrong(&path, error))?;
    let line = |(method, strategy): &(&'static str, Strategy)| {
        let start = Instant::now();
        let score = protocol.score(&network, *strategy).map_err(|error| wrong(&path, error))?;
        let figures = [score.mean_cost, score.right, score.answerable, score.looks];
        Ok(Line {
            method,
            figures: figures.map(Some).to_vec(),
            seconds: start.elapsed().as_secs_f64() / protocol.cases as f64,
            series: network.variables().len() as f64,
            refused: None,
        })
    };
    let aim = |key, bound| Aim { method: STRATEGIES[0].0, key, bound };
    Ok(Table {
        title: "printer".to_owned(),
        cases: format!("{} cases; series are variables.", protocol.cases),
        columns: SEARCH,
        order: Order::LowestFirst,
        lines: chosen.iter().map(line).collect::<Result<_, CallError>>()?,
        published: &[],
        aims: vec![aim("cost", Below(STRATEGIES[1].0)), aim("right", NoLessThan(STRATEGIES[1].0))],
    })
}

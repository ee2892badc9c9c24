//! Changes taken apart: Longley's regression, a drop with known causes, a video service's mix.

use std::path::Path;
use std::time::Instant;

use auscult_diagnose::explain::segments::{Cells, mix_and_rate};
use auscult_diagnose::explain::{
    Attribution, AttributionOptions, Estimator, InputEffect, Unusable, attribute,
};
use auscult_stats::linear::{Rows, ols, variance_inflation};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::aim::Bound::{AtLeast, AtMost};
use super::super::sheet::{Sheet, number};
use super::super::{Aim, Column, Line, Order, Set, Table, column};
use super::robustspot;
use crate::benchmark::files::{text, wrong};
use crate::outcome::CallError;

pub(super) const SET: Set = Set {
    name: "attribution",
    title: "Attribution, changes whose parts are known",
    source: "NIST (Longley), github shaido987/riskloc (RobustSpot), and a drop that was simulated",
    mark: "two_periods.csv",
    protocol: "Longley: coefficients, standard errors, t, R², F and variance inflation against exact rational arithmetic. Two periods: \
               parts must add up to the change of throughput, and be those of exact arithmetic; the three that were really changed (clock, \
               effect of the KV cache, length of prompts) must be the largest, and the constant input must be reported. Mix and rate: for each \
               incident of `robustspot` and each attribute, both parts must add up to the change of the ratio. The methods are estimators of \
               `auscult explain`, `mix-and-rate` its account of segments.",
    methods: || {
        let estimators = ESTIMATORS.iter().map(|(name, _)| *name);
        estimators.chain([MIX]).collect()
    },
    measure,
};

const ESTIMATORS: [(&str, Estimator); 3] = [
    ("least-squares", Estimator::Ols),
    ("ridge", Estimator::Ridge(0.01)),
    ("huber", Estimator::Huber),
];

const MIX: &str = "mix-and-rate";

/// What parts may miss the whole by.
const ROUNDING: f64 = 1e-9;

const REGRESSION: &[Column] =
    &[column("off", "largest relative error", 3), column("compared", "figures compared", 0)];

const PERIODS: &[Column] = &[
    column("sum_off", "parts less the change", 3),
    column("off", "largest error of a part", 3),
    column("causes", "share of true causes among the first three", 3),
    column("unusable", "constant input reported", 0),
];

const SEGMENTS: &[Column] =
    &[column("sum_off", "parts less the change, at most", 3), column("compared", "splits", 0)];

fn measure(folder: &Path, methods: &[&'static str]) -> Result<Vec<Table>, CallError> {
    let estimators: Vec<(&'static str, Estimator)> =
        ESTIMATORS.into_iter().filter(|(name, _)| methods.contains(name)).collect();
    let mut tables = Vec::new();
    if estimators.iter().any(|(name, _)| *name == ESTIMATORS[0].0) {
        tables.push(longley(folder)?);
    }
    if !estimators.is_empty() {
        tables.push(two_periods(folder, &estimators)?);
    }
    let video = folder.join("..").join(robustspot::SET.name);
    if methods.contains(&MIX) && video.join(robustspot::SET.mark).exists() {
        tables.push(mix(&video)?);
    }
    Ok(tables)
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, CallError> {
    serde_json::from_str(&text(path)?).map_err(|error| wrong(path, error))
}

/// Numbers by row: those of `inputs` one after the other, and that of `target`.
struct Numbers {
    inputs: Vec<f64>,
    target: Vec<f64>,
}

fn numbers<'r>(
    sheet: &Sheet,
    path: &Path,
    names: &[&str],
    target: &str,
    rows: impl Iterator<Item = &'r Vec<String>>,
) -> Result<Numbers, CallError> {
    let places: Vec<usize> =
        names.iter().map(|name| sheet.place(name, path)).collect::<Result<_, _>>()?;
    let target = sheet.place(target, path)?;
    let mut all = Numbers { inputs: Vec::new(), target: Vec::new() };
    for row in rows {
        all.inputs.extend(places.iter().map(|at| number(&row[*at])));
        all.target.push(number(&row[target]));
    }
    match all.inputs.iter().chain(&all.target).all(|value| value.is_finite())
        && !all.target.is_empty()
    {
        true => Ok(all),
        false => Err(wrong(path, "expected rows of finite numbers")),
    }
}

/// The largest relative distance.
fn distance(found: &[f64], expected: &[f64]) -> f64 {
    if found.len() != expected.len() {
        return f64::INFINITY;
    }
    let off = |(found, expected): (&f64, &f64)| (found / expected - 1.0).abs();
    found.iter().zip(expected).map(off).fold(0.0, f64::max)
}

/// Exact results of a regression.
#[derive(Deserialize)]
struct Exact {
    target: String,
    /// The intercept first.
    terms: Vec<String>,
    coefficient: Vec<f64>,
    standard_error: Vec<f64>,
    t: Vec<f64>,
    p_value: Vec<f64>,
    r_squared: f64,
    residual_standard_deviation: f64,
    f_statistic: f64,
    variance_inflation: Vec<f64>,
}

fn longley(folder: &Path) -> Result<Table, CallError> {
    let path = folder.join("longley.csv");
    let expected: Exact = json(&folder.join("longley_expected.json"))?;
    let sheet = Sheet::read(&path)?;
    let names: Vec<&str> = expected.terms.iter().skip(1).map(String::as_str).collect();
    let data = numbers(&sheet, &path, &names, &expected.target, sheet.rows.iter())?;
    let start = Instant::now();
    let rows = Rows::new(&data.inputs, names.len());
    let fit = ols(rows, &data.target);
    let inflation = variance_inflation(rows);
    let seconds = start.elapsed().as_secs_f64();
    let mut coefficients = vec![fit.equation.intercept];
    coefficients.extend(&fit.equation.coefficients);
    let pairs = [
        (coefficients, expected.coefficient),
        (fit.standard_errors(), expected.standard_error),
        (fit.t(), expected.t),
        (fit.p_values(), expected.p_value),
        (
            vec![fit.r_squared(), fit.residual_deviation(), fit.f_statistic()],
            vec![expected.r_squared, expected.residual_standard_deviation, expected.f_statistic],
        ),
        (inflation, expected.variance_inflation),
    ];
    let off = pairs.iter().map(|(found, known)| distance(found, known)).fold(0.0, f64::max);
    let compared: usize = pairs.iter().map(|(_, known)| known.len()).sum();
    Ok(Table {
        title: "Longley".to_owned(),
        cases: format!("{} rows, inputs nearly collinear; series are inputs.", data.target.len()),
        columns: REGRESSION,
        order: Order::LowestFirst,
        lines: vec![Line {
            method: ESTIMATORS[0].0,
            figures: vec![Some(off), Some(compared as f64)],
            seconds,
            series: names.len() as f64,
            refused: None,
        }],
        published: &[],
        // Nine digits.
        aims: vec![Aim { method: ESTIMATORS[0].0, key: "off", bound: AtMost(ROUNDING) }],
    })
}

/// Inputs of the simulated drop; the last never varies.
const INPUTS: [&str; 5] = ["batch_tokens", "prompt_length", "kv_usage", "clock_mhz", "replicas"];
const CONSTANT: usize = 4;

/// What was really changed: whether it is an effect rather than an input, and of which input.
const CHANGED: [(bool, usize); 3] = [(false, 3), (true, 2), (false, 1)];

/// The exact parts, of which the intercept is the first.
#[derive(Deserialize)]
struct ExactParts {
    expected: Parts,
}

#[derive(Deserialize)]
struct Parts {
    threefold: Threefold,
    shapley: Shapley,
}

#[derive(Deserialize)]
struct Threefold {
    inputs: Vec<f64>,
    coefficients: Vec<f64>,
    interaction: Vec<f64>,
}

#[derive(Deserialize)]
struct Shapley {
    inputs: Vec<f64>,
    coefficients: Vec<f64>,
}

fn two_periods(
    folder: &Path,
    estimators: &[(&'static str, Estimator)],
) -> Result<Table, CallError> {
    let path = folder.join(SET.mark);
    let exact: ExactParts = json(&folder.join("two_periods_expected.json"))?;
    let sheet = Sheet::read(&path)?;
    let at = sheet.place("period", &path)?;
    let of = |name: &str| {
        let rows = sheet.rows.iter().filter(|row| row[at] == name);
        numbers(&sheet, &path, &INPUTS, "throughput", rows)
    };
    let (before, after) = (of("before")?, of("after")?);
    let line = |(method, estimator): &(&'static str, Estimator)| {
        let options = AttributionOptions { estimator: *estimator, ..Default::default() };
        let start = Instant::now();
        let found = attribute(
            (Rows::new(&before.inputs, INPUTS.len()), &before.target),
            (Rows::new(&after.inputs, INPUTS.len()), &after.target),
            &options,
        )
        .map_err(|error| wrong(&path, error))?;
        let seconds = start.elapsed().as_secs_f64();
        let reported = found
            .unusable
            .iter()
            .any(|one| matches!(one, Unusable::Constant { input, .. } if *input == CONSTANT));
        // Exact parts are those of least squares.
        let off = matches!(estimator, Estimator::Ols).then(|| error(&found, &exact.expected));
        let figures = vec![
            Some(excess(&found).abs()),
            off,
            Some(named(&found)),
            Some(f64::from(u8::from(reported))),
        ];
        Ok(Line { method, figures, seconds, series: INPUTS.len() as f64, refused: None })
    };
    let aim = |key, bound| Aim { method: ESTIMATORS[0].0, key, bound };
    Ok(Table {
        title: "two periods".to_owned(),
        cases: format!(
            "{} rows before and {} after; series are inputs.",
            before.target.len(),
            after.target.len()
        ),
        columns: PERIODS,
        order: Order::LowestFirst,
        lines: estimators.iter().map(line).collect::<Result<_, CallError>>()?,
        published: &[],
        aims: vec![
            aim("sum_off", AtMost(ROUNDING)),
            aim("off", AtMost(ROUNDING)),
            aim("causes", AtLeast(1.0)),
            aim("unusable", AtLeast(1.0)),
        ],
    })
}

/// What the parts add up to beyond the change.
fn excess(found: &Attribution) -> f64 {
    let parts = found.inputs.iter().map(|one| one.by_input.amount + one.by_coefficient.amount);
    parts.sum::<f64>() + found.intercept.amount + found.unexplained - found.change()
}

/// A part of what an input accounts for.
type PartOf = fn(&InputEffect) -> f64;

/// The largest distance of a part from exact arithmetic.
fn error(found: &Attribution, exact: &Parts) -> f64 {
    let moved = found.intercepts.1 - found.intercepts.0;
    let columns: [(f64, PartOf, &[f64]); 5] = [
        (0.0, |one| one.threefold.input, &exact.threefold.inputs),
        (moved, |one| one.threefold.coefficient, &exact.threefold.coefficients),
        (0.0, |one| one.threefold.interaction, &exact.threefold.interaction),
        (0.0, |one| one.by_input.amount, &exact.shapley.inputs),
        (moved, |one| one.by_coefficient.amount, &exact.shapley.coefficients),
    ];
    let mut off = 0.0_f64;
    for (first, of, expected) in columns {
        let parts: Vec<f64> = std::iter::once(first).chain(found.inputs.iter().map(of)).collect();
        if parts.len() != expected.len() {
            return f64::INFINITY;
        }
        let distances = parts.iter().zip(expected).map(|(one, other)| (one - other).abs());
        off = distances.fold(off, f64::max);
    }
    off
}

/// How many of the causes are among the three largest parts.
fn named(found: &Attribution) -> f64 {
    let mut parts: Vec<((bool, usize), f64)> = Vec::new();
    for one in &found.inputs {
        parts.push(((false, one.input), one.by_input.amount.abs()));
        parts.push(((true, one.input), one.by_coefficient.amount.abs()));
    }
    parts.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    let first: Vec<(bool, usize)> =
        parts.into_iter().take(CHANGED.len()).map(|(part, _)| part).collect();
    CHANGED.iter().filter(|cause| first.contains(cause)).count() as f64 / CHANGED.len() as f64
}

fn mix(folder: &Path) -> Result<Table, CallError> {
    let incidents = robustspot::incidents(folder)?;
    let leaves: usize = incidents.iter().map(|cells| cells.cells().len()).sum();
    let start = Instant::now();
    let mut off = 0.0_f64;
    let mut splits = 0.0;
    for cells in &incidents {
        for attribute in 0..cells.attributes().len() {
            if let (Some(split), Some(change)) = (mix_and_rate(cells, attribute), change(cells)) {
                off = off.max((split.mix + split.rate - change).abs());
                splits += 1.0;
            }
        }
    }
    let count = incidents.len().max(1) as f64;
    Ok(Table {
        title: "mix and rate".to_owned(),
        cases: format!("{} incidents; series are cells of all attributes.", incidents.len()),
        columns: SEGMENTS,
        order: Order::LowestFirst,
        lines: vec![Line {
            method: MIX,
            figures: vec![Some(off), Some(splits)],
            seconds: start.elapsed().as_secs_f64() / count,
            series: leaves as f64 / count,
            refused: None,
        }],
        published: &[],
        aims: vec![Aim { method: MIX, key: "sum_off", bound: AtMost(ROUNDING) }],
    })
}

/// By how much the ratio changed.
fn change(cells: &Cells) -> Option<f64> {
    Some(cells.total(true).rate()? - cells.total(false).rate()?)
}

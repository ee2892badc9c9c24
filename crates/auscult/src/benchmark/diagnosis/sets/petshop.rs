//! PetShop: a shop on AWS, five minutes apart, with a call graph and healthy days.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use auscult_diagnose::rank::{Case, CaseSeries, Layer, Topology};
use serde_json::Value;

use super::super::aim::Bound::AtLeast;
use super::super::ranked::{self, Labelled, NODE_AND_HEALTH, Truth};
use super::super::sheet::{Sheet, number};
use super::super::{Aim, Order, Published, Set, Table};
use crate::benchmark::files::{names as list, text, wrong};
use crate::outcome::CallError;

pub(super) const SET: Set = Set {
    name: "petshop",
    title: "PetShop, nodes of a shop on AWS, five minutes apart",
    source: "github amazon-science/petshop-root-cause-analysis (CLeaR 2024)",
    mark: "low_traffic/graph.csv",
    protocol: "The healthy days are normal, the rows of an issue abnormal; the call graph and the symptom's node and \
               metric are given. A method sees the symptom's metric (mean) at every node and names nodes. Healthy windows \
               are 24 of five rows, spread evenly over the healthy days, each with the rest of these days as normal; in \
               them the best answer is none. Ranks count whether a method abstains or not. Issues are taken from `train` and, \
               where it is there, from `test`; figures of others are on all 52.",
    methods: ranked::methods,
    measure,
};

/// Healthy windows of a table.
const WINDOWS: usize = 24;

/// Rows of a healthy window: as many as an issue has.
const WINDOW: usize = 5;

/// Seconds between rows.
const STEP: f64 = 300.0;

const NOTE: &str = "their code, the publishers' issues of this part, 26 a traffic";

/// One part of the set, and what others reached on the publishers' issues of this part.
struct Part {
    traffic: &'static str,
    metric: &'static str,
    /// The best AC@1 of others.
    best: f64,
    published: &'static [Published],
}

const PARTS: &[Part] = &[
    Part {
        traffic: "low_traffic",
        metric: "latency",
        best: 0.57,
        published: &[
            rival("MAD score and traversal", &[("ac1", 0.57), ("ac3", 0.57), ("quiet", 0.17)]),
            rival("correlation with the target", &[("ac1", 0.43), ("ac3", 0.57)]),
            rival("CIRCA", &[("ac1", 0.36), ("ac3", 0.86)]),
            rival("RCD", &[("ac1", 0.07), ("ac3", 0.14)]),
            rival("random walk", &[("ac1", 0.0), ("ac3", 0.07)]),
            rival("ε-diagnosis", &[("ac1", 0.0), ("ac3", 0.0)]),
        ],
    },
    Part {
        traffic: "low_traffic",
        metric: "availability",
        best: 0.83,
        published: &[
            rival("MAD score and traversal", &[("ac1", 0.83), ("ac3", 1.0), ("quiet", 1.0)]),
            rival("correlation with the target", &[("ac1", 0.75), ("ac3", 1.0)]),
            rival("CIRCA", &[("ac1", 0.42), ("ac3", 1.0)]),
            rival("RCD", &[("ac1", 0.67), ("ac3", 0.75)]),
            rival("random walk", &[("ac1", 0.0), ("ac3", 0.0)]),
            rival("ε-diagnosis", &[("ac1", 0.0), ("ac3", 0.0)]),
        ],
    },
    Part {
        traffic: "high_traffic",
        metric: "latency",
        best: 0.64,
        published: &[
            rival("MAD score and traversal", &[("ac1", 0.57), ("ac3", 0.79), ("quiet", 0.33)]),
            rival("correlation with the target", &[("ac1", 0.64), ("ac3", 0.79)]),
            rival("CIRCA", &[("ac1", 0.50), ("ac3", 1.0)]),
            rival("RCD", &[("ac1", 0.0), ("ac3", 0.0)]),
            rival("random walk", &[("ac1", 0.0), ("ac3", 0.14)]),
            rival("ε-diagnosis", &[("ac1", 0.0), ("ac3", 0.0)]),
        ],
    },
    Part {
        traffic: "high_traffic",
        metric: "availability",
        best: 0.83,
        published: &[
            rival("MAD score and traversal", &[("ac1", 0.67), ("ac3", 1.0), ("quiet", 1.0)]),
            rival("correlation with the target", &[("ac1", 0.83), ("ac3", 1.0)]),
            rival("CIRCA", &[("ac1", 0.0), ("ac3", 0.0)]),
            rival("RCD", &[("ac1", 0.0), ("ac3", 0.0)]),
            rival("random walk", &[("ac1", 0.0), ("ac3", 0.0)]),
            rival("ε-diagnosis", &[("ac1", 0.0), ("ac3", 0.0)]),
        ],
    },
];

const fn rival(who: &'static str, figures: &'static [(&'static str, f64)]) -> Published {
    Published { who, figures, note: NOTE }
}

fn measure(folder: &Path, methods: &[&'static str]) -> Result<Vec<Table>, CallError> {
    let mut tables = Vec::new();
    for part in PARTS {
        let scenario = Scenario::read(folder.join(part.traffic))?;
        let ill = scenario.issues(part.metric)?;
        let healthy = scenario.healthy(part.metric)?;
        let causes: BTreeSet<&str> =
            ill.iter().filter_map(|case| Some(case.truth.as_ref()?.service.as_str())).collect();
        let same = match causes.len() {
            1 => " All have the same cause: an answer that never looks would get 1.000.",
            _ => "",
        };
        let counts = format!("{} issues and {} healthy windows.{same}", ill.len(), healthy.len());
        let cases: Vec<Labelled> = ill.into_iter().chain(healthy).collect();
        let line =
            |method: &&'static str| ranked::measure(method, &cases, NODE_AND_HEALTH, str::to_owned);
        tables.push(Table {
            title: format!("{}, {}", part.traffic.replace('_', " "), part.metric),
            cases: counts,
            columns: NODE_AND_HEALTH,
            order: Order::HighestFirst,
            lines: methods.iter().map(line).collect::<Result<_, _>>()?,
            published: part.published,
            aims: vec![Aim { method: "combined", key: "ac1", bound: AtLeast(part.best) }],
        });
    }
    Ok(tables)
}

/// Readings of one period.
struct Period {
    /// Node, metric and statistic of each column.
    names: Vec<[String; 3]>,
    /// The first column holds Unix seconds.
    rows: Vec<Vec<f64>>,
}

impl Period {
    fn read(path: &Path) -> Result<Self, CallError> {
        let sheet = Sheet::read(path)?;
        let [metrics, statistics, _, readings @ ..] = sheet.rows.as_slice() else {
            return Err(wrong(path, "expected four header rows"));
        };
        let names = (sheet.header.iter().zip(metrics).zip(statistics))
            .map(|((node, metric), statistic)| [node.clone(), metric.clone(), statistic.clone()]);
        let numbers = |row: &Vec<String>| row.iter().map(|cell| number(cell)).collect();
        Ok(Self { names: names.collect(), rows: readings.iter().map(numbers).collect() })
    }
}

/// A traffic scenario: its graph, and its healthy days.
struct Scenario {
    folder: PathBuf,
    topology: Topology,
    healthy: Period,
}

impl Scenario {
    fn read(folder: PathBuf) -> Result<Self, CallError> {
        let graph = Sheet::read(&folder.join("graph.csv"))?;
        let edges = graph.rows.iter().flat_map(|row| {
            let called = row.iter().zip(&graph.header).skip(1);
            let called = called.filter(|(cell, _)| number(cell) > 0.0);
            called.map(|(_, callee)| (row[0].clone(), callee.clone()))
        });
        let healthy = Period::read(&folder.join("noissue/metrics.csv.gz"))?;
        Ok(Self { folder, topology: Topology::new(edges), healthy })
    }

    /// The issues whose symptom is `metric`.
    fn issues(&self, metric: &str) -> Result<Vec<Labelled>, CallError> {
        let mut cases = Vec::new();
        for part in ["train", "test"] {
            let folder = self.folder.join(part);
            if !folder.is_dir() {
                continue;
            }
            for name in list(&folder, "")? {
                let path = folder.join(name).join("target.json");
                let label: Value =
                    serde_json::from_str(&text(&path)?).map_err(|error| wrong(&path, error))?;
                let word = |pointer: &str| {
                    let word = label.pointer(pointer).and_then(Value::as_str);
                    word.ok_or_else(|| wrong(&path, format_args!("expected text at {pointer}")))
                };
                if word("/target/metric")? != metric {
                    continue;
                }
                let issue = Period::read(&path.with_file_name("metrics.csv.gz"))?;
                let service = word("/root_cause/node")?.to_owned();
                cases.push(Labelled {
                    case: self.case(metric, word("/target/node")?, &self.healthy.rows, &issue)?,
                    prepared: None,
                    truth: Some(Truth { service, metric: None }),
                });
            }
        }
        Ok(cases)
    }

    /// Windows of the healthy days, seen as if they were issues.
    fn healthy(&self, metric: &str) -> Result<Vec<Labelled>, CallError> {
        let step = self.healthy.rows.len() / WINDOWS;
        let window = |at: usize| {
            let mut rest = self.healthy.rows.clone();
            let start = at * step + step.saturating_sub(WINDOW) / 2;
            let rows = rest.splice(start..(start + WINDOW).min(rest.len()), []).collect();
            let window = Period { names: self.healthy.names.clone(), rows };
            let case = self.case(metric, "PetSite", &rest, &window)?;
            Ok(Labelled { case, prepared: None, truth: None })
        };
        (0..WINDOWS).map(window).collect()
    }

    fn case(
        &self,
        metric: &str,
        node: &str,
        normal: &[Vec<f64>],
        issue: &Period,
    ) -> Result<Case, CallError> {
        let jumps = (1..normal.len()).filter(|at| normal[*at][0] != normal[at - 1][0] + STEP);
        let breaks: Vec<usize> = jumps.chain([normal.len()]).collect();
        let columns = self.healthy.names.iter().enumerate();
        let columns = columns.filter(|(_, name)| name[1] == metric && name[2] == "Average");
        let series = columns.filter_map(|(at, name)| {
            let other = issue.names.iter().position(|other| other == name)?;
            let before = normal.iter().map(|row| row[at]);
            Some(CaseSeries {
                name: format!("{} {metric}", name[0]),
                target: name[0].clone(),
                kind: metric.to_owned(),
                layer: Layer::Service,
                values: before.chain(issue.rows.iter().map(|row| row[other])).collect(),
            })
        });
        let case = Case::new(series.collect(), Some(normal.len()));
        let case = case.and_then(|case| {
            case.with_breaks(breaks)
                .with_topology(self.topology.clone())
                .with_symptom(&format!("{node} {metric}"))
        });
        case.map_err(|error| wrong(&self.folder, error))
    }
}

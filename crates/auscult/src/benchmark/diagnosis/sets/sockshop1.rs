//! Sock Shop 1: a shop of 13 services, processor hogs and memory leaks.

use std::path::Path;

use auscult_diagnose::rank::{Case, CaseSeries, Layer};

use super::super::aim::Bound::AtLeast;
use super::super::ranked::{self, Labelled, SERVICE_AND_METRIC, Truth};
use super::super::sheet::{Sheet, number};
use super::super::{Aim, Order, Published, Set, Table};
use crate::benchmark::files::wrong;
use crate::outcome::CallError;

pub(super) const SET: Set = Set {
    name: "sockshop1",
    title: "Sock Shop 1, metrics a second apart",
    source: "github azamikram/rcd (NeurIPS 2022)",
    mark: "labels.csv",
    protocol: "Normal rows, then abnormal ones; a method names metrics, hence services (`x-db` counts as `x`). Our \
               methods see all 38 columns as they are. The methods of others see what published work gives them: \
               memory in MB, without the latencies `lat_50` and `lat_99` and without columns that do not vary in \
               both parts. Methods without a detector get the onset of `combined` where none is told. Healthy windows \
               are the normal rows alone, told as if their second half were an incident; in them the best answer is none.",
    methods: ranked::methods,
    measure,
};

/// Rows by which a late alarm is late.
const LATE: usize = 60;

const TABLE_5: &str =
    "50 cases, mean of processor and memory faults; Pham, Ha, Zhang, ASE 2024, Table 5";

const KNOWN: &[Published] = &[
    Published { who: "BARO", figures: &[("avg5", 0.99)], note: TABLE_5 },
    Published { who: "N-sigma", figures: &[("avg5", 0.985)], note: TABLE_5 },
    Published { who: "CausalRCA", figures: &[("avg5", 0.84)], note: TABLE_5 },
    Published { who: "CIRCA, graph by PC", figures: &[("avg5", 0.75)], note: TABLE_5 },
    Published { who: "RCD", figures: &[("avg5", 0.645)], note: TABLE_5 },
    Published { who: "ε-diagnosis", figures: &[("avg5", 0.525)], note: TABLE_5 },
    Published { who: "MicroCause", figures: &[("avg5", 0.475)], note: TABLE_5 },
    Published { who: "random", figures: &[("avg5", 0.345)], note: TABLE_5 },
];

const TOLD_LATE: &[Published] = &[
    Published { who: "BARO", figures: &[("avg5", 0.98)], note: TABLE_5 },
    Published { who: "N-sigma", figures: &[("avg5", 0.24)], note: TABLE_5 },
];

fn measure(folder: &Path, methods: &[&'static str]) -> Result<Vec<Table>, CallError> {
    let difficulties = [
        ("onset known", Told::Known, KNOWN, Some(0.99)),
        ("onset told 60 s late", Told::Late, TOLD_LATE, Some(0.98)),
        ("onset unknown", Told::Unknown, &[][..], None),
    ];
    let mut tables = Vec::new();
    for (title, told, published, best) in difficulties {
        let cases = load(folder, told)?;
        let healthy = cases.iter().filter(|case| case.truth.is_none()).count();
        let aim = |best| Aim { method: "combined", key: "avg5", bound: AtLeast(best) };
        let line = |method: &&'static str| {
            ranked::measure(method, &cases, SERVICE_AND_METRIC, |target| {
                target.strip_suffix("-db").unwrap_or(target).to_owned()
            })
        };
        tables.push(Table {
            title: title.to_owned(),
            cases: format!("{} incidents and {healthy} healthy windows.", cases.len() - healthy),
            columns: SERVICE_AND_METRIC,
            order: Order::HighestFirst,
            lines: methods.iter().map(line).collect::<Result<_, _>>()?,
            published,
            aims: best.map(aim).into_iter().collect(),
        });
    }
    Ok(tables)
}

/// What a method is told of the onset.
#[derive(Clone, Copy)]
enum Told {
    Known,
    Late,
    Unknown,
}

impl Told {
    /// What is told of this onset.
    fn of(self, onset: usize) -> Option<usize> {
        match self {
            Self::Known => Some(onset),
            Self::Late => Some(onset + LATE),
            Self::Unknown => None,
        }
    }
}

/// Each incident, and what its normal rows look like without it.
fn load(folder: &Path, told: Told) -> Result<Vec<Labelled>, CallError> {
    let path = folder.join(SET.mark);
    let labels = Sheet::read(&path)?;
    let place = |name| labels.place(name, &path);
    let (case, service, metric) = (place("case")?, place("service")?, place("root_cause_metric")?);
    let one = |label: &Vec<String>| -> Result<[Labelled; 2], CallError> {
        let part = |name: &str| {
            Sheet::read(&folder.join("cases").join(&label[case]).join(format!("{name}.csv.gz")))
        };
        let (normal, abnormal) = (part("normal")?, part("anomalous")?);
        let onset = normal.rows.len();
        let columns = |abnormal: &[Vec<String>]| -> Vec<CaseSeries> {
            let names = normal.header.iter().enumerate().filter(|(_, name)| *name != "time");
            names.map(|(at, name)| series(name, normal.rows.iter().chain(abnormal), at)).collect()
        };
        let refused = |error| wrong(&folder.join("cases").join(&label[case]), error);
        let all = columns(&abnormal.rows);
        let ill = Labelled {
            prepared: Some(Case::new(as_published(&all, onset), told.of(onset)).map_err(refused)?),
            case: Case::new(all, told.of(onset)).map_err(refused)?,
            truth: Some(Truth {
                service: label[service].clone(),
                metric: Some(label[metric].clone()),
            }),
        };
        let case = Case::new(columns(&[]), told.of(onset / 2)).map_err(refused)?;
        Ok([ill, Labelled { case, prepared: None, truth: None }])
    };
    Ok(labels.rows.iter().map(one).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn series<'r>(name: &str, rows: impl Iterator<Item = &'r Vec<String>>, at: usize) -> CaseSeries {
    let (target, kind) = name.split_once('_').unwrap_or((name, ""));
    let layer = match kind {
        "mem" => Layer::Stock,
        "cpu" => Layer::Work,
        "lod" => Layer::Other,
        _ => Layer::Service,
    };
    CaseSeries {
        name: name.to_owned(),
        target: target.to_owned(),
        kind: kind.to_owned(),
        layer,
        values: rows.map(|row| number(&row[at])).collect(),
    }
}

/// What published work makes of the columns.
fn as_published(all: &[CaseSeries], onset: usize) -> Vec<CaseSeries> {
    let varies = |values: &[f64]| values.iter().any(|value| *value != values[0]);
    let kept = all.iter().filter(|series| {
        let (normal, abnormal) = series.values.split_at(onset);
        !["lat_50", "lat_99"].contains(&series.kind.as_str()) && varies(normal) && varies(abnormal)
    });
    let mut kept: Vec<CaseSeries> = kept.cloned().collect();
    for series in kept.iter_mut().filter(|series| series.kind == "mem") {
        series.values.iter_mut().for_each(|bytes| *bytes /= 1e6);
    }
    kept
}
